"""Splits a CSV of prices over days into quote files, one per day: docs/how-to/bring-your-own-prices.md.

Standard library only. Copies texts as they are; `ons-bigdata ingest prices` judges the rows.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

NEEDED = ("day", "item_number", "product_name", "price_gbp")
OPTIONAL = (
    *("item_name", "category", "product_id", "unit_price_gbp", "unit", "promotion"),
    *("was_price_gbp", "loyalty_price_gbp", "multibuy", "in_stock", "url"),
)
QUOTE_COLUMNS = (
    *("retailer", "run_id", "collected_at", "item_number", "item_name", "category", "product_id", "product_name"),
    *("price_gbp", "unit_price_gbp", "unit", "promotion"),
    *("was_price_gbp", "loyalty_price_gbp", "multibuy", "in_stock", "url"),
)
"""Header of a quote file (docs/prices: scraping, section quote file)."""
RETAILER = re.compile(r"[a-z0-9-]{1,40}")
HOUR = 8
"""Hour in London that every price is dated to: the input has days only."""


def split(prices: Path, retailer: str, folder: Path) -> list[Path]:
    """Write one quote file per day into a folder, which is made; return the files in order of day.

    Raises ValueError for a retailer id, a text that is not UTF-8, a header or a day that is not as expected, with
    file and line.
    """
    if not RETAILER.fullmatch(retailer):
        raise ValueError(f"retailer {retailer!r}; expected 1 to 40 of a-z, 0-9 and '-'")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for day, rows in sorted(_rows_by_day(prices).items()):
        started_at = datetime(day.year, day.month, day.day, HOUR, tzinfo=ZoneInfo("Europe/London"))
        run = f"{started_at:%Y%m%d%H%M%S}"
        fixed = {"retailer": retailer, "run_id": f"{retailer}-{run}", "collected_at": started_at.isoformat()}
        path = folder / f"{retailer}_quotes_{run}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, QUOTE_COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(fixed | row for row in rows)
        written.append(path)
    return written


def _rows_by_day(prices: Path) -> dict[date, list[dict[str, str]]]:
    by_day: dict[date, list[dict[str, str]]] = {}
    reader = csv.DictReader(io.StringIO(_text_of(prices), newline=""))
    _require_header(prices, reader.fieldnames or ())
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"{prices}, line {reader.line_num}: expected {len(reader.fieldnames or ())} fields")
        try:
            day = date.fromisoformat(row["day"])
        except ValueError:
            place = f"{prices}, line {reader.line_num}, column day: {row['day']!r}"
            raise ValueError(f"{place}; expected YYYY-MM-DD") from None
        by_day.setdefault(day, []).append(row)
    return by_day


def _text_of(prices: Path) -> str:
    """Return the text of a file. Raises ValueError with the first line that is not UTF-8."""
    content = prices.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{prices}, line {line}: not UTF-8; save the file as CSV in UTF-8") from None


def _require_header(prices: Path, header: Sequence[str]) -> None:
    if not header:
        raise ValueError(f"{prices}: the file is empty; expected a header with {', '.join(NEEDED)}")
    for sign, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise ValueError(f"{prices}, line 1: {name} between the columns; expected commas")
    missing = [name for name in NEEDED if name not in header]
    unknown = [name for name in header if name not in (*NEEDED, *OPTIONAL)]
    if missing or unknown or len(set(header)) != len(header):
        raise ValueError(
            f"{prices}, line 1: columns {', '.join(header)}; missing: {', '.join(missing) or 'none'};"
            f" unknown: {', '.join(unknown) or 'none'}; known: {', '.join((*NEEDED, *OPTIONAL))}, each once"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 2 for bad input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prices", type=Path, help="CSV with at least the columns " + ", ".join(NEEDED))
    parser.add_argument("--retailer", required=True, help="id as in the seed retailers, e.g. my-shop")
    parser.add_argument("--into", type=Path, required=True, help="folder for the quote files")
    chosen = parser.parse_args(arguments)
    try:
        written = split(chosen.prices, chosen.retailer, chosen.into)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if not written:
        print(f"{chosen.prices}: no row below the header", file=sys.stderr)
        return 2
    noun = "quote file" if len(written) == 1 else "quote files"
    print(f"{len(written)} {noun} in {chosen.into}, {written[0].name} to {written[-1].name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
