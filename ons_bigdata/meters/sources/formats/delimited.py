"""Rows of delimited files with a header and one reading a line: fields as text, numbers, times, readings."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.schemas.vocabulary import MAX_KWH_HALF_HOUR
from ons_bigdata.meters.sources.formats.rows import (
    INSTANT,
    LONGEST_CODE,
    NO_READING,
    ROUNDED,
    ROUNDED_METER,
    Readings,
    decoded_lines,
    quarantined_lines,
    split_faults,
)
from ons_bigdata.platform.ingest.lines import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ons_bigdata.meters.sources.formats.clocks import Clock
    from ons_bigdata.platform.ingest.lines import Block, ByteStream

BLOCK_BYTES = 4 * 1024 * 1024

OTHER_FIELDS = "another number of fields than the header"
NO_METER = "meter that is missing or of another form than the format's"
NO_TIME = "time that is missing or of another form than the format's"
NO_OFFSET = "time without offset from UTC, of a file whose clock is not known"
LEFT_OUT = "local time that the clock leaves out in spring"
NO_NUMBER = "kWh that is no number and no token for a missing reading"
NO_MINUTES = "length of the interval that is no whole number of 1 to 60 minutes"
NO_FLAG = "quality flag that is no capital letter"
NO_DIRECTION = "kind of reading other than the interval's import or export"

EXPORT = "/export"
"""End of the name of a meter for the energy that it exports, which is a meter of its own."""

TOKENS = ("Null", "NULL", "null", "NA", "N/A", "NaN", "nan", "-", ".")
"""Texts that stand for a missing reading."""

_FORMS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
OFFSET_FORMS = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
_FIRST, _LAST = pl.datetime(1970, 1, 1, time_zone="UTC"), pl.datetime(2200, 1, 1, time_zone="UTC")


@dataclass(frozen=True)
class Layout:
    """Columns of a delimited file with one reading a line."""

    fields: int
    """Fields of a line."""
    time: int
    kwh: int
    """Positions of the columns."""
    meter: int | None = None
    minutes: int | None = None
    flag: int | None = None
    direction: int | None = None
    """Column that says whether energy is imported or exported, and its unit."""
    fixed_meter: str | None = None
    """Meter of the whole file, where there is no column."""
    meter_pattern: str = r"^[!-~]{1,64}$"
    time_forms: Sequence[str] = _FORMS
    offset_forms: Sequence[str] = ()
    """Forms of times that have an offset from UTC, besides the others."""
    tokens: Sequence[str] = TOKENS
    directions: Mapping[str, tuple[bool, float]] = field(default_factory=dict)
    """Text of `direction` -> whether it is export, and the factor that makes kWh of the value."""
    is_end: bool = False
    """True if times are those of the interval's end."""


def header_names(head: bytes) -> list[str]:
    """Names of the header without outer blanks; none where the first line is no CSV of text."""
    first_line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        fields = next(csv.reader([first_line.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []
    return [name.strip() for name in fields]


def read_delimited(stream: ByteStream, layout: Layout, clock: Clock | None) -> Iterator[Readings]:
    """Rows of a file below its header. Without `clock`, a time needs an offset from UTC."""
    for block in read_blocks(stream, block_bytes=BLOCK_BYTES):
        faults: dict[int, str] = {}
        rows = text_fields(block, layout.fields, faults)
        if block.first_line == 1:
            faults.pop(1, None)
            rows = rows.filter(pl.col("line") > 1)
        yield _judged(rows, layout, clock, faults)


def text_fields(block: Block, count: int, faults: dict[int, str]) -> pl.DataFrame:
    """Fields of the lines of a block as text (`line`, `0`, `1`, …), empty ones included; faults by line."""
    rows = _fields_at_once(block, count)
    if rows is not None:
        return rows
    lines = decoded_lines(block, faults)
    has_quotes = lines["text"].str.contains('"', literal=True)
    fields = lines["text"].str.split(",")
    if has_quotes.any():
        quoted = {place: _quoted_fields(lines["text"][place]) for place in has_quotes.arg_true()}
        fields = pl.Series(
            [quoted.get(place, value) for place, value in enumerate(fields.to_list())], dtype=fields.dtype
        )
    split = lines.select("line", fields.alias("fields"))
    good = split_faults(split, {OTHER_FIELDS: pl.col("fields").list.len() != count}, faults)
    return good.select("line", *(pl.col("fields").list.get(place).alias(str(place)) for place in range(count)))


def _fields_at_once(block: Block, count: int) -> pl.DataFrame | None:
    """Fields of plain lines, which takes a fraction of the time; None where a line is none."""
    data = block.data.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in block.data else block.data
    if block.is_cut_short or block.too_long or b'"' in data or b"\r" in data:
        return None
    schema = {str(place): pl.String for place in range(count)}
    try:
        rows = pl.read_csv(data, has_header=False, quote_char=None, schema=schema)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        return None
    # lines with fewer fields are filled up, and blank ones left out
    if rows.height != block.count or data.count(b",") != rows.height * (count - 1) or count < 2:
        return None
    lines = pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.Int64).alias("line")
    return rows.select(lines, pl.all().fill_null(""))


def _quoted_fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []


def parse_times(texts: pl.Series, forms: Sequence[str], *, has_offset: bool = False) -> pl.Series:
    """Times of texts: Datetime without zone, or in UTC where they have an offset; null for other forms."""
    zone = {"time_zone": "UTC"} if has_offset else {}
    parsed = pl.Series(texts.name, [None], dtype=INSTANT if has_offset else pl.Datetime("us")).new_from_index(
        0, len(texts)
    )
    left = texts
    for form in forms:
        found = left.str.to_datetime(form, time_unit="us", strict=False, **zone)  # type: ignore[arg-type]
        parsed = found if parsed.null_count() == len(parsed) else parsed.fill_null(found)
        if not parsed.null_count():
            break
    return parsed


def energy_rules(
    text: str, minutes: pl.Expr, tokens: Sequence[str], factor: pl.Expr | float = 1.0
) -> dict[str, pl.Expr]:
    """Expressions of the energy in a column of stripped text.

    `kwh` is null where there is no reading; `code` is the text in its place: a token, or a number that can be none,
    above MAX_KWH_HALF_HOUR in half an hour; `no_number` and `no_reading` are faults.
    """
    number = pl.col(text).cast(pl.Float64, strict=False)
    is_number = number.is_finite().fill_null(value=False)
    kwh = number * factor
    is_impossible = is_number & (kwh.abs() > MAX_KWH_HALF_HOUR * minutes / 30)
    is_token = pl.col(text).is_in(list(tokens))
    return {
        "kwh": pl.when(is_number & ~is_impossible).then(kwh),
        "code": pl.when(is_impossible | is_token).then(pl.col(text)),
        "no_number": ~is_number & ~is_token & (pl.col(text) != ""),
        "no_reading": is_impossible & (pl.col(text).str.len_bytes() > LONGEST_CODE),
    }


def _judged(rows: pl.DataFrame, layout: Layout, clock: Clock | None, faults: dict[int, str]) -> Readings:
    def column(position: int | None, name: str, default: str) -> pl.Expr:
        source = pl.lit(default) if position is None else pl.col(str(position)).str.strip_chars(" \t")
        return source.alias(name)

    texts = rows.select(
        "line",
        column(layout.meter, "meter", layout.fixed_meter or ""),
        column(layout.time, "time", "").str.replace("T", " ", literal=True),
        column(layout.kwh, "text", ""),
        column(layout.minutes, "minutes_text", "30"),
        column(layout.flag, "flag_text", ""),
        column(layout.direction, "direction", ""),
    )
    known = layout.directions or {"": (False, 1.0)}
    exports = {text: is_export for text, (is_export, _) in known.items()}
    factors = {text: factor for text, (_, factor) in known.items()}
    direction = pl.col("direction")
    texts = texts.with_columns(
        pl.col("minutes_text").cast(pl.Int16, strict=False).alias("minutes"),
        direction.replace_strict(exports, default=None, return_dtype=pl.Boolean).alias("is_export"),
        direction.replace_strict(factors, default=1.0, return_dtype=pl.Float64).alias("factor"),
    )
    energy = energy_rules("text", pl.col("minutes"), layout.tokens, pl.col("factor"))
    good = split_faults(
        texts,
        {
            ROUNDED_METER: pl.col("meter").str.contains(ROUNDED),
            NO_METER: ~pl.col("meter").str.contains(layout.meter_pattern),
            NO_DIRECTION: pl.col("is_export").is_null(),
            NO_MINUTES: ~pl.col("minutes").is_between(1, 60).fill_null(value=False),
            NO_FLAG: ~pl.col("flag_text").str.contains("^[A-Z]?$"),
            NO_NUMBER: energy["no_number"],
            NO_READING: energy["no_reading"],
        },
        faults,
    )
    timed = _with_instants(good, layout, clock, faults)
    if layout.is_end:
        timed = timed.with_columns(pl.col("started_at") - pl.duration(minutes=pl.col("minutes")))
    exported = pl.when("is_export").then(pl.col("meter") + EXPORT).otherwise("meter").alias("meter")
    accepted = timed.select(
        "line",
        exported if layout.directions else "meter",
        "started_at",
        "minutes",
        energy["kwh"].alias("kwh"),
        energy["code"].alias("code"),
        pl.when(pl.col("flag_text") != "").then("flag_text").alias("flag"),
        "is_export",
    )
    return Readings(accepted, quarantined_lines(faults))


def _with_instants(rows: pl.DataFrame, layout: Layout, clock: Clock | None, faults: dict[int, str]) -> pl.DataFrame:
    """Rows with `started_at`, the instant of their time; those without are entered as faults."""
    instants = pl.Series("started_at", [None], dtype=INSTANT).new_from_index(0, rows.height)
    if layout.offset_forms:
        instants = parse_times(rows["time"], layout.offset_forms, has_offset=True)
    reason: pl.Expr = pl.lit(NO_TIME)
    if instants.null_count():
        plain = parse_times(rows["time"], layout.time_forms)
        if clock is None:
            reason = pl.when(pl.Series(plain.is_not_null())).then(pl.lit(NO_OFFSET)).otherwise(reason)
        else:
            local = clock.to_utc(rows["meter"], plain)
            instants = instants.fill_null(local)
            reason = pl.when(pl.Series(plain.is_not_null())).then(pl.lit(LEFT_OUT)).otherwise(reason)
    timed = rows.with_columns(instants.alias("started_at")).with_columns(
        pl.when(~pl.col("started_at").is_between(_FIRST, _LAST).fill_null(value=False)).then(reason).alias("reason")
    )
    if timed["reason"].null_count() == timed.height:
        return timed
    faults.update(dict(timed.filter(pl.col("reason").is_not_null()).select("line", "reason").iter_rows()))
    return timed.filter(pl.col("reason").is_null())
