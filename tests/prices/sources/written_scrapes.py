"""Scrape files written by tests, row by row, and their reading."""

from __future__ import annotations

import csv
import io

from ons_bigdata.prices.schemas import PriceQuote
from ons_bigdata.prices.sources.scrape_files import COLUMNS, ScrapeReading, read_scrape

NAME = "alder_products_20160502080007.csv"
LOAD_ID = "0123456789abcdef"
HEADER = ",".join(COLUMNS)

ROW = {
    "timestamp": "2016-05-02 08:00:12.345678",
    "store": "ALDER",
    "ons_item_no": "210302",
    "ons_item_name": "Plain Biscuits (eg. Digestive)",
    "product_type": "Everyday Biscuits",
    "search_string": "digestives ",
    "product_name": " ALDER DIGESTIVES, 400G ",
    "item_price_str": "£1.50",
    "item_price_num": "1.5",
    "volume_price": "(37.5p / 100g)",
    "unit_price": "0.375",
    "no_units": "100",
    "units": "g",
    "std_price": "3.75",
    "std_unit": "kg",
    "promo": "Only £1.50: Save 50p",
    "offer": "Save 50p",
    "ml_prediction": "1",
    "single_class": "1",
}


def line(**changes: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow({**ROW, **changes}.values())
    return out.getvalue()


def scrape(*lines: str | bytes, end: bytes = b"\n") -> bytes:
    parts = [part if isinstance(part, bytes) else part.encode() for part in (HEADER, *lines)]
    return b"".join(part + end for part in parts)


def read(content: bytes, name: str = NAME) -> ScrapeReading:
    reading = read_scrape(content, name, load_id=LOAD_ID, retailers=["birch", "alder"])
    assert reading.rows_in == reading.quotes.height + reading.quarantined.height
    PriceQuote.validate(reading.quotes)
    return reading


def quote(**changes: str) -> dict:
    reading = read(scrape(line(**changes)))
    assert reading.quarantined.rows() == []
    return reading.quotes.row(0, named=True)


def reason(**changes: str) -> str:
    reading = read(scrape(line(), line(**changes), line()))
    assert reading.quotes["line"].to_list() == [2, 4]
    [(number, why, content)] = reading.quarantined.rows()
    assert (number, content) == (3, line(**changes))
    return why
