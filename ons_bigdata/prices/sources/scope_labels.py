"""Files of scope labels: products that people judged in or out of their item's scope.

What a row means, which are not believed, and how a file gets to landing. What labels are used for is `methods.scope`'s.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.deliveries import DeliveredFile, deliveries
from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.loading import QUARANTINE_SCHEMA, RawTable, Reading, refuse
from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP
from ons_bigdata.prices.schemas.scope import ScopeLabel
from ons_bigdata.prices.sources.delivery import Delivered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

SOURCE = "scope_labels"
READER = Reader(SOURCE, "scope_label_csv", "1")

PRODUCT_COLUMNS = ("item_number", "item_name", "retailer", "product_name", "median_price_gbp")
JUDGEMENT = "in_scope"
READINGS = ("reader_a", "reader_b")

_UNKNOWN = "unknown"
_JUDGEMENTS = {"true": True, "false": False, "1": True, "0": False}
_LONGEST_CONTENT = 10_000


@dataclass(frozen=True)
class _Row:
    """One row of a file: what it says, or why it is not believed."""

    line: int
    values: dict[str, object] | None
    fault: str | None
    content: str


def read_labels(content: bytes, name: str, *, load_id: str, retailers: Mapping[str, DataOrigin]) -> Reading:
    """Read a CSV of labels into `ScopeLabel` rows and quarantined ones.

    The header holds the columns `item_number, item_name, retailer, product_name, median_price_gbp` and either
    `in_scope` (true, false, 1 or 0) or the readings `reader_a` and `reader_b` (1 or 0), in any order; others are not
    read. Where the readings disagree nothing is judged: `in_scope` is null. The retailer, in any case, is one of
    `retailers`, and all rows are of one origin. A file that is not such a CSV, or holds two origins, is refused with
    the reason; a row that cannot be believed is quarantined with its line. Never raises for what is in a file.
    """
    if not content:
        return _nothing("outage", "no bytes")
    if b"\0" in content:
        return _nothing("refused", f"file {name!r} is not a CSV in UTF-8: it holds NUL characters")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        return _nothing("refused", f"file {name!r} is not a CSV in UTF-8: {error}")
    fault = _header_fault(rows[0] if rows else [])
    if fault:
        return _nothing("refused", f"file {name!r}: {fault}")
    parsed = [
        _parsed(number, rows[0], fields, retailers, load_id)
        for number, fields in enumerate(rows[1:], start=2)
        if fields
    ]
    origins = sorted({str(row.values["data_origin"]) for row in parsed if row.values})
    if len(origins) > 1:
        return _nothing("refused", f"file {name!r}: retailers of two origins, {' and '.join(origins)}; expected one")
    accepted = pl.DataFrame([row.values for row in parsed if row.values], schema=_SCHEMA, orient="row")
    refused = [(row.line, row.fault, row.content) for row in parsed if row.fault]
    quarantined = pl.DataFrame(refused, schema=QUARANTINE_SCHEMA, orient="row")
    return Reading("loaded", None, len(parsed), ScopeLabel.validate(accepted), quarantined)


def land(
    paths: Sequence[Path], landing: Landing, *, retailers: Mapping[str, DataOrigin], max_file_bytes: int
) -> Iterator[Delivered]:
    """Land every label file of the paths and yield what became of it; one that is no label file is refused.

    A file's partition is the origin of its retailers.
    """
    contents: dict[str, str] = {}
    for delivered in deliveries(paths, max_file_bytes=max_file_bytes):
        origin, refusal = _origin_of(delivered, retailers, contents)
        file, is_new = landing.land(
            delivered.content,
            source=SOURCE,
            delivery=origin or _UNKNOWN,
            name=delivered.name,
            data_origin=origin,
            partitions=[origin] if origin else [],
        )
        if refusal is not None:
            refuse(landing, file, READER, refusal)
        yield Delivered(file, is_new)


def raw_scope_labels(retailers: Mapping[str, DataOrigin]) -> RawTable:
    """Return the raw table of labels with the reader that fills it; its partitions are `real` and `simulated`."""

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return read_labels(content, file.name, load_id=load_id, retailers=retailers)

    return RawTable(
        name="raw.scope_labels",
        partition_column="data_origin",
        partition_type="text",
        reader=READER,
        read=read,
    )


_SCHEMA = pl.Schema(ScopeLabel.create_empty().schema)


def _nothing(outcome: str, reason: str) -> Reading:
    accepted, quarantined = ScopeLabel.create_empty(), pl.DataFrame(schema=QUARANTINE_SCHEMA)
    return Reading("outage" if outcome == "outage" else "refused", reason, 0, accepted, quarantined)


def _origin_of(
    delivered: DeliveredFile, retailers: Mapping[str, DataOrigin], contents: dict[str, str]
) -> tuple[DataOrigin | None, str | None]:
    """Give the origin of a delivered file's rows, or why it is not taken in."""
    if delivered.refusal is not None or delivered.content is None:
        return None, delivered.refusal or "not read"
    sha256 = hashlib.sha256(delivered.content).hexdigest()
    if contents.setdefault(delivered.name, sha256) != sha256:
        return None, f"another file of this name with other content is in the same delivery ({delivered.origin})"
    reading = read_labels(delivered.content, delivered.name, load_id="0" * 16, retailers=retailers)
    if reading.outcome != "loaded":
        return None, reading.reason
    if reading.accepted.is_empty():
        return None, f"file {delivered.name!r}: none of its {reading.rows_in} rows is a label"
    return ("real" if reading.accepted["data_origin"][0] == "real" else "simulated"), None


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
    """Type one row; the faults say which field is not what was expected."""
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
    """Read a price; nothing is null, and what is no number is 0, which no price is."""
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return 0.0
