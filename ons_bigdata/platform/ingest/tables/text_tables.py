"""Tables of text: CSV or workbook in, columns of text with line numbers out."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables.csv_lines import (
    QUARANTINE,
    UTF_16_FAULT,
    columns_of,
    fields_of,
    matching,
    quarantined,
    reason,
    refused_rows,
    separator_fault,
    split_lines,
    split_rows,
)
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook, workbook_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import dataframely as dy

NUMBER = r"^-?[0-9]{1,12}(?:\.[0-9]{1,15})?$"

_LONGEST_HEADER = 64 * 1024

Faults = list[tuple[pl.Expr, pl.Expr]]


@dataclass(frozen=True)
class TextTable:
    """Rows as text with the column `line`, names in capitals; or the reason why there is no table."""

    rows: pl.DataFrame
    broken: dict[int, str] = field(default_factory=dict)
    """Line (the header is 1) → fault of the lines that are no rows."""
    lines: Sequence[str] = ()
    """The physical lines of a CSV; none for a workbook."""
    refusal: str | None = None


def read_table(content: bytes, *, required: Iterable[str]) -> TextTable:
    """Read a CSV (UTF-8) or the first sheet of an .xlsx workbook with a header that has the required columns.

    Names are compared in capitals and without outer blanks: their case varies from file to file. Refused, with
    the reason: another form (Parquet, UTF-16, another separator), a missing or doubled column, a workbook that cannot
    be read, a header whose bytes are not text.
    """
    fault = _fault_of_form(content)
    if fault is not None:
        return TextTable(pl.DataFrame(), refusal=fault)
    table = _workbook(content) if is_workbook(content) else _csv(content)
    if table.refusal is not None:
        return table
    columns = [name for name in table.rows.columns if name != "line"]
    missing = [name for name in required if name not in columns]
    if missing:
        return TextTable(pl.DataFrame(), refusal=f"missing columns {', '.join(missing)}; found {', '.join(columns)}")
    return table


def _fault_of_form(content: bytes) -> str | None:
    """Return why bytes are no CSV with commas in UTF-8: Parquet, UTF-16, another separator; None where they can be."""
    if content.startswith(b"PAR1"):
        return "a Parquet file; expected a CSV in UTF-8"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16_FAULT
    if is_workbook(content):
        return None
    return separator_fault(content.split(b"\n", 1)[0].decode(errors="replace"))


def has_columns(content: bytes, required: Iterable[str]) -> bool:
    """True if the header of a CSV or workbook has the required columns. Rows of a CSV are not read."""
    if is_workbook(content):
        return read_table(content, required=required).refusal is None
    first_line = content.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0][:_LONGEST_HEADER]
    names = [name.strip().strip('"').strip().upper() for name in first_line.decode(errors="replace").split(",")]
    return set(required) <= set(names)


def _workbook(content: bytes) -> TextTable:
    if fault := workbook_fault(content):
        return TextTable(pl.DataFrame(), refusal=fault)
    try:
        sheet = pl.read_excel(io.BytesIO(content), engine="calamine", infer_schema_length=0, drop_empty_rows=False)
    except Exception as error:  # the engine's errors have no common class
        return TextTable(pl.DataFrame(), refusal=f"not a workbook that can be read: {error}")
    return _named(sheet.cast(pl.String), pl.Series("line", range(2, sheet.height + 2), pl.Int32), {}, ())


def _csv(content: bytes) -> TextTable:
    lines, faults = split_lines(content)
    header, fault = fields_of(lines[0])
    if fault := faults.get(0) or fault:
        return TextTable(pl.DataFrame(), refusal=f"header: {fault}")
    names = [name.strip().strip('"') for name in header]
    plain = _plain_csv(lines, faults, len(names))
    if plain is not None:
        return _named(plain, pl.Series("line", range(2, len(lines) + 1), pl.Int32), {}, lines, names)
    cut_short = not content.endswith(b"\n")
    numbers, fields, broken = split_rows(lines, faults, fields_per_row=len(names), cut_short=cut_short)
    positions = [str(position) for position in range(len(names))]
    columns = columns_of(numbers, fields, positions)
    return _named(columns.drop("line"), columns["line"], broken, lines, names)


def _plain_csv(lines: Sequence[str], faults: dict[int, str], fields: int) -> pl.DataFrame | None:
    """Split a file without quoted fields at once, which is fast; None unless every line has all its fields.

    polars refuses lines that are too long and pads those that are too short; the number of commas detects them.
    """
    body = "\n".join(lines)
    if faults or '"' in body or body.count(",") != len(lines) * (fields - 1) or len(lines) < 2:
        return None
    try:
        frame = pl.read_csv(
            body.encode(),
            infer_schema=False,
            has_header=False,
            skip_rows=1,
            quote_char=None,
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError:
        return None
    return frame if frame.height == len(lines) - 1 and frame.width == fields else None


def _named(
    rows: pl.DataFrame, numbers: pl.Series, broken: dict[int, str], lines: Sequence[str], names: Sequence[str] = ()
) -> TextTable:
    capitals = [name.strip().upper() for name in (names or rows.columns)]
    doubled = sorted({name for name in capitals if capitals.count(name) > 1})
    if doubled:
        return TextTable(pl.DataFrame(), refusal=f"columns twice: {', '.join(doubled)}")
    named = rows.rename(dict(zip(rows.columns, capitals, strict=True)))
    text = named.with_columns(pl.all().fill_null("").str.strip_chars()).with_columns(numbers.alias("line"))
    return TextTable(text, broken, lines)


def reading(
    table: TextTable, *, parsed: Sequence[pl.Expr], faults: Faults, final: Sequence[pl.Expr], schema: type[dy.Schema]
) -> Reading:
    """Turn a table into a Reading: rows with faults, and rows that break the schema, are quarantined."""
    if table.refusal is not None:
        return refused_reading(table.refusal)
    good, reasons = refused_rows(table.rows.with_columns(parsed), faults)
    accepted, failure = schema.filter(good.select(final))
    if len(failure):
        details = failure.details()
        rules = [name for name in details.columns if "|" in name]
        for row in details.iter_rows(named=True):
            reasons[row["line"]] = "breaks " + ", ".join(rule for rule in rules if row[rule] == "invalid")
    reasons = {**table.broken, **reasons}
    kept = quarantined(reasons, table.lines) if table.lines else _without_text(reasons, table.rows)
    return Reading("loaded", None, accepted.height + kept.height, accepted.sort("line"), kept)


def _without_text(reasons: Mapping[int, str], rows: pl.DataFrame) -> pl.DataFrame:
    """Return the quarantined rows of a workbook; their content is the fields, comma-separated."""
    shown = dict(rows.select("line", pl.concat_str(pl.exclude("line"), separator=",")).iter_rows())
    data = [(line, why, shown.get(line)) for line, why in sorted(reasons.items())]
    return pl.DataFrame(data, schema=QUARANTINE, orient="row")


def number_column(column: str) -> pl.Expr:
    """Return a number; null where the text is empty or not a number."""
    return matching(column, NUMBER).cast(pl.Float64)


def whole_column(column: str) -> pl.Expr:
    """Return a whole number, also one written `3.0`; null where the text is empty or not a number."""
    return matching(column, r"^[0-9]{1,9}(?:\.0+)?$").str.replace(r"\..*", "").cast(pl.Int32)


def unless(parsed: str, column: str, expected: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the fault of a required column whose text cannot be parsed."""
    return pl.col(parsed).is_null(), reason(f"{column} {{}}; expected {expected}", column)


def optional(parsed: str, column: str, expected: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the fault of an optional column whose text is not empty and cannot be parsed."""
    given = pl.col(column) != ""
    return given & pl.col(parsed).is_null(), reason(f"{column} {{}}; expected {expected} or nothing", column)


def attributes(columns: Sequence[str]) -> pl.Expr:
    """Return the non-empty fields of these columns as a JSON object."""
    if not columns:
        return pl.lit("{}")
    members = [
        pl.when(pl.col(name) != "").then(
            pl.struct(pl.col(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in columns
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))
