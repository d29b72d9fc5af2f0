"""Writer of quote files: header, rows and file name. `quote_files` reads them.

Imports no table library, since the crawl, which writes a quote file, has to start fast.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = (
    *("retailer", "run_id", "collected_at", "item_number", "item_name", "category", "product_id", "product_name"),
    *("price_gbp", "unit_price_gbp", "unit", "promotion"),
    *("was_price_gbp", "loyalty_price_gbp", "multibuy", "in_stock", "url"),
)
"""The header of a quote file."""

SOURCE_COLUMN = "source"
"""First column of the files of other sources: who collected the quotes."""


class Listing(TypedDict):
    """A product as a source lists it; prices in GBP, None where the source has no such value."""

    product_id: str | None
    product_name: str
    price_gbp: float
    unit_price_gbp: float | None
    unit: str | None
    promotion: str | None
    was_price_gbp: float | None
    loyalty_price_gbp: float | None
    multibuy: str | None
    in_stock: bool | None
    url: str | None


class QuoteRow(Listing):
    """A row to be written: a listing with its run, item and category."""

    retailer: str
    run_id: str
    collected_at: datetime
    item_number: int
    item_name: str
    category: str


def file_name(retailer: str, started_at: datetime) -> str:
    """Return the name of a run's quote file; `started_at` is London time."""
    return f"{retailer}_quotes_{started_at:%Y%m%d%H%M%S}.csv"


def write_quotes(rows: Iterable[QuoteRow], *, source: str | None = None) -> bytes:
    """Return the rows as the bytes of a quote file, in their order; with `source`, the file of another source.

    Line ends and blanks within texts become a single blank, so that each row is one line. Raises ValueError for a time
    without zone.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS if source is None else (SOURCE_COLUMN, *COLUMNS))
    for row in rows:
        if row["collected_at"].tzinfo is None:
            raise ValueError(f"collected_at {row['collected_at']} of {row['product_name']!r} has no zone")
        texts = [_text(row[name]) for name in COLUMNS]  # type: ignore[literal-required]
        writer.writerow(texts if source is None else [source, *texts])
    return out.getvalue().encode()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat()
    return " ".join(str(value).replace("\0", " ").split())
