"""Source `scope_labels`: CSV files of products that people judged in or out of their item's scope."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA, Outcome
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP
from ons_bigdata.prices.schemas.scope import ScopeLabel
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

READER = Reader("scope_labels", "scope_label_csv", "1")

PRODUCT_COLUMNS = ("item_number", "item_name", "retailer", "product_name", "median_price_gbp")
JUDGEMENT = "in_scope"
READINGS = ("reader_a", "reader_b")

_JUDGEMENTS = {"true": True, "false": False, "1": True, "0": False}
_LONGEST_CONTENT = 10_000


@dataclass(frozen=True)
class _Row:
    """A row of a file: its values, or its faults."""

    line: int
    values: dict[str, object] | None
    fault: str | None
    content: str


def read_labels(content: bytes, name: str, *, load_id: str, retailers: Mapping[str, DataOrigin]) -> Reading:
    """Read a CSV of labels into `ScopeLabel` rows and quarantined ones.

    The header has the columns `item_number, item_name, retailer, product_name, median_price_gbp` and either
    `in_scope` (true, false, 1 or 0) or the readings `reader_a` and `reader_b` (1 or 0), in any order; further columns
    are not read. Where the readings disagree `in_scope` is null. The retailer, in any case, is one of `retailers`, and
    all rows are of one origin. A file that is not such a CSV, or has two origins, is refused with the reason; a row
    with a fault is quarantined with its line. Never raises for any content.
    """
    if not content:
        return _nothing("outage", "no bytes")
    rows, fault = _csv_rows(content, name)
    if fault is not None:
        return _nothing("refused", fault)
    parsed = [
        _parsed(number, rows[0], fields, retailers, load_id)
        for number, fields in enumerate(rows[1:], start=2)
        if fields
    ]
    origins = sorted({str(row.values["data_origin"]) for row in parsed if row.values})
    if len(origins) > 1:
        return _nothing("refused", f"file {name!r}: retailers of two origins, {' and '.join(origins)}; expected one")
    if rows and not any(row.values for row in parsed):
        return _nothing("refused", f"file {name!r}: none of its {len(parsed)} rows is a label")
    accepted = pl.DataFrame([row.values for row in parsed if row.values], schema=_SCHEMA, orient="row")
    refused = [(row.line, row.fault, row.content) for row in parsed if row.fault]
    quarantined = pl.DataFrame(refused, schema=QUARANTINE_SCHEMA, orient="row")
    return Reading("loaded", None, len(parsed), ScopeLabel.validate(accepted), quarantined)


def recognise(name: str, content: bytes, *, retailers: Mapping[str, DataOrigin]) -> Recognised | Refused:
    """Recognise a file by its header and its retailers, whose data origin is its delivery and its partition."""
    if not content:
        return Refused("no bytes")
    rows, fault = _csv_rows(content, name)
    if fault is not None:
        return Refused(fault)
    position = rows[0].index("retailer")
    origins = {
        retailers[retailer]
        for row in rows[1:]
        if len(row) == len(rows[0]) and (retailer := row[position].strip().lower()) in retailers
    }
    if len(origins) > 1:
        return Refused(f"file {name!r}: retailers of two origins, {' and '.join(sorted(origins))}; expected one")
    if not origins:
        return Refused(f"file {name!r}: none of its {len(rows) - 1} rows is a label of a known retailer")
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


_SCHEMA = pl.Schema(ScopeLabel.create_empty().schema)


def _nothing(outcome: Outcome, reason: str) -> Reading:
    return Reading(outcome, reason, 0, ScopeLabel.create_empty(), pl.DataFrame(schema=QUARANTINE_SCHEMA))


def _csv_rows(content: bytes, name: str) -> tuple[list[list[str]], str | None]:
    """Return header and rows of a label file, or the fault of the file."""
    if b"\0" in content:
        return [], f"file {name!r} is not a CSV in UTF-8: it holds NUL characters"
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return [], f"file {name!r} is not a CSV in UTF-8: {error}"
    fault = _header_fault(rows[0] if rows else [])
    return rows, None if fault is None else f"file {name!r}: {fault}"


def _header_fault(header: Sequence[str]) -> str | None:
    missing = [column for column in PRODUCT_COLUMNS if column not in header]
    if missing:
        return f"columns {', '.join(missing)} are missing; found {', '.join(header) or 'no header'}"
    if len(set(header)) != len(header):
        return f"a column occurs twice in {', '.join(header)}"
    if JUDGEMENT not in header and not set(READINGS) <= set(header):
        return f"neither {JUDGEMENT} nor {' and '.join(READINGS)}; found {', '.join(header)}"
    return None


def _parsed(
    line: int, header: Sequence[str], fields: Sequence[str], retailers: Mapping[str, DataOrigin], load_id: str
) -> _Row:
    content = ",".join(fields)[:_LONGEST_CONTENT]
    if len(fields) != len(header):
        return _Row(line, None, f"{len(fields)} fields, expected {len(header)}", content)
    row = dict(zip(header, fields, strict=True))
    values, faults = _values(row, retailers)
    if faults:
        return _Row(line, None, "; ".join(faults), content)
    return _Row(line, {"load_id": load_id, "line": line, **values}, None, content)


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
    try:
        return float(text)
    except ValueError:
        return 0.0
