"""Source `scope_labels`: CSV files of products that people judged in or out of their item's scope."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA, Outcome
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.platform.ingest.tables.csv_lines import fields_of, quarantined, split_lines, split_rows
from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP
from ons_bigdata.prices.schemas.scope import ScopeLabel
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

READER = Reader("scope_labels", "scope_label_csv", "2")

PRODUCT_COLUMNS = ("item_number", "item_name", "retailer", "product_name", "median_price_gbp")
JUDGEMENT = "in_scope"
READINGS = ("reader_a", "reader_b")

_JUDGEMENTS = {"true": True, "false": False, "1": True, "0": False}
_PRICE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,20})?")


@dataclass(frozen=True)
class _Rows:
    """Rows of a file by line (the header is 1), the faults of the lines that are no rows, and all lines."""

    rows: Sequence[tuple[int, Mapping[str, str]]]
    broken: Mapping[int, str]
    lines: Sequence[str]


def read_labels(content: bytes, name: str, *, load_id: str, retailers: Mapping[str, DataOrigin]) -> Reading:
    """Read a CSV of labels into `ScopeLabel` rows and quarantined ones.

    The header has the columns `item_number, item_name, retailer, product_name, median_price_gbp` and either
    `in_scope` (true, false, 1 or 0) or the readings `reader_a` and `reader_b` (1 or 0), in any order; further columns
    are not read. Where the readings disagree `in_scope` is null. The retailer, in any case, is one of `retailers`, and
    all rows are of one origin. One physical line is one row. A file that is not such a CSV, or has two origins, is
    refused with the reason; a row with a fault is quarantined with its line. Never raises for any content.
    """
    if not content:
        return _nothing("outage", "no bytes")
    table, fault = _rows_of(content, name)
    if table is None:
        return _nothing("refused", fault)
    labels: list[dict[str, object]] = []
    reasons = dict(table.broken)
    for line, row in table.rows:
        values, faults = _values(row, retailers)
        if faults:
            reasons[line] = "; ".join(faults)
        else:
            labels.append({"load_id": load_id, "line": line, **values})
    origins = sorted({str(label["data_origin"]) for label in labels})
    if len(origins) > 1:
        return _nothing("refused", f"file {name!r}: retailers of two origins, {' and '.join(origins)}; expected one")
    if not labels:
        first = "".join(f"; line {line}: {fault}" for line, fault in sorted(reasons.items())[:1])
        return _nothing("refused", f"file {name!r}: none of its {len(reasons)} rows is a label{first}")
    accepted = pl.DataFrame(labels, schema=_SCHEMA, orient="row")
    rows_in = len(labels) + len(reasons)
    return Reading("loaded", None, rows_in, ScopeLabel.validate(accepted), quarantined(reasons, table.lines))


def recognise(name: str, content: bytes, *, retailers: Mapping[str, DataOrigin]) -> Recognised | Refused:
    """Recognise a file by its header and its retailers, whose data origin is its delivery and its partition."""
    if not content:
        return Refused("no bytes")
    table, fault = _rows_of(content, name)
    if table is None:
        return Refused(fault)
    named = (row["retailer"].strip().lower() for _, row in table.rows)
    origins = {retailers[retailer] for retailer in named if retailer in retailers}
    if len(origins) > 1:
        return Refused(f"file {name!r}: retailers of two origins, {' and '.join(sorted(origins))}; expected one")
    if not origins:
        return Refused(f"file {name!r}: none of its rows is a label of a known retailer")
    (origin,) = origins
    return Recognised(origin, origin, (origin,))


def _read(file: LandedFile, content: bytes, load_id: str, *, retailers: Mapping[str, DataOrigin]) -> Reading:
    return read_labels(content, file.name, load_id=load_id, retailers=retailers)


def adapter_for(retailers: Mapping[str, DataOrigin]) -> Adapter:
    """Return the functions of the source for these retailers (id → data origin)."""
    return Adapter(partial(recognise, retailers=retailers), partial(_read, retailers=retailers))


def _adapter(dbt_project_dir: Path) -> Adapter:
    return adapter_for(read_retailers(dbt_project_dir))


SCOPE_LABELS = Source(
    command="scope-labels",
    reader=READER,
    area="scope",
    adapter=_adapter,
    table=RawTable(
        name="raw.scope_labels",
        frame=ScopeLabel,
        description="One row per labelled product and label file.",
        partition_column="data_origin",
        partition_type="text",
    ),
    landing=LandingFolder(
        name="scope_labels",
        description=(
            "Files of products that people judged in or out of scope, unchanged, by their hash. Written by"
            " `ons-bigdata ingest scope-labels`."
        ),
        columns={
            "item_number": "CPI item number, six digits",
            "item_name": "name of the item",
            "retailer": "retailer, in any case",
            "product_name": "name of the product as the shop shows it",
            "median_price_gbp": "median price in GBP; empty where unknown",
            "in_scope": "the judgement, true or false; replaced by two columns where there are two readings",
            "reader_a": "judgement of the first reader, 1 or 0",
            "reader_b": "judgement of the second reader, 1 or 0",
        },
    ),
    reads_loaded_files_again=True,
)

SOURCES = (SCOPE_LABELS,)


_SCHEMA = pl.Schema({name: column.dtype for name, column in ScopeLabel.columns().items()})


def _nothing(outcome: Outcome, reason: str) -> Reading:
    return Reading(outcome, reason, 0, ScopeLabel.create_empty(), pl.DataFrame(schema=QUARANTINE_SCHEMA))


def _rows_of(content: bytes, name: str) -> tuple[_Rows | None, str]:
    """Return the rows of a label file, or None and the fault of the file."""
    lines, faults = split_lines(content)
    header, fault = fields_of(lines[0])
    fault = faults.get(0) or fault or _header_fault(header)
    if fault is not None:
        return None, f"file {name!r}: {fault}"
    numbers, fields, broken = split_rows(
        lines, faults, fields_per_row=len(header), cut_short=not content.endswith(b"\n")
    )
    width = len(header)
    rows = [
        (line, dict(zip(header, fields[start : start + width], strict=True)))
        for line, start in zip(numbers, range(0, len(fields), width), strict=True)
    ]
    return _Rows(rows, broken, lines), ""


def _header_fault(header: Sequence[str]) -> str | None:
    missing = [column for column in PRODUCT_COLUMNS if column not in header]
    if missing:
        return f"columns {', '.join(missing)} are missing; found {', '.join(header) or 'no header'}"
    if len(set(header)) != len(header):
        return f"a column occurs twice in {', '.join(header)}"
    if JUDGEMENT not in header and not set(READINGS) <= set(header):
        return f"neither {JUDGEMENT} nor {' and '.join(READINGS)}; found {', '.join(header)}"
    return None


def _values(row: Mapping[str, str], retailers: Mapping[str, DataOrigin]) -> tuple[dict[str, object], list[str]]:
    """Parse a row; return its values and the faults of its fields."""
    faults = []
    retailer = row["retailer"].strip().lower()
    if retailer not in retailers:
        faults.append(f"retailer {row['retailer']!r}; known: {', '.join(sorted(retailers)) or 'none'}")
    number = row["item_number"].strip()
    if not (number.isascii() and number.isdigit() and len(number) == 6 and number[0] != "0"):
        faults.append(f"item_number {row['item_number']!r}; expected six digits")
    name = unicodedata.normalize("NFC", row["product_name"]).strip()
    if not name or len(name) > 2_000:
        faults.append(f"product_name of {len(name)} characters; expected 1 to 2,000")
    price = _price(row["median_price_gbp"].strip())
    if price is not None and not 0 < price <= HIGHEST_PRICE_GBP:
        faults.append(
            f"median_price_gbp {row['median_price_gbp']!r}; expected above 0 to {HIGHEST_PRICE_GBP:.0f}, or nothing"
        )
    columns = [JUDGEMENT] if JUDGEMENT in row else list(READINGS)
    judgements = [_JUDGEMENTS.get(row[column].strip().lower()) for column in columns]
    faults += [
        f"{column} {row[column]!r}; expected true, false, 1 or 0"
        for column, judgement in zip(columns, judgements, strict=True)
        if judgement is None
    ]
    values: dict[str, object] = {
        "data_origin": retailers.get(retailer),
        "item_number": int(number) if not faults else None,
        "item_name": row["item_name"].strip()[:500],
        "retailer": retailer,
        "product_name": name,
        "median_price_gbp": price,
        "in_scope": judgements[0] if len(set(judgements)) == 1 else None,
        "readings": len(judgements),
    }
    return values, faults


def _price(text: str) -> float | None:
    """Parse a price; None for an empty text, 0 (never a valid price) for a text that is no number."""
    if not text:
        return None
    return float(text) if _PRICE.fullmatch(text) else 0.0
