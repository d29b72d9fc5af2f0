"""Frames of price quotes: rows of files, and quotes accepted for the indices."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import HEX_ID, HIGHEST_PRICE_GBP, IDENTIFIER


class PriceQuote(dy.Schema):
    """One row per accepted row of a scrape or quote file (`raw.price_quotes`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is line 1")
    run_id = dy.String(
        regex=r"^[a-z0-9_-]{1,64}-\d{14}$",
        description="run of the scraper: retailer and start (YYYYMMDDHHMMSS), from the file name",
    )
    retailer = dy.String(regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(min=100_000, max=999_999, description="CPI item number as the scraper recorded it")
    item_name = dy.String(max_length=500, description="item name as in the file")
    category = dy.String(max_length=1_000, description="the retailer's shelf")
    product_id = dy.String(
        nullable=True,
        min_length=1,
        max_length=200,
        description="the retailer's own id; null where the source has none",
    )
    product_name = dy.String(
        min_length=1, max_length=2_000, description="product name as in the file (NFC, outer blanks removed)"
    )
    price_gbp = dy.Float64(
        min_exclusive=0.0,
        max=HIGHEST_PRICE_GBP,
        description="price in GBP, parsed from the price text by the reader",
    )
    unit_price = dy.Float64(
        nullable=True,
        min=0.0,
        max=1_000_000.0,
        description="price in GBP per `unit`; null where the source has none",
    )
    unit = dy.String(
        nullable=True,
        max_length=40,
        description="measure of the unit price, e.g. 100 g, 75 cl, 1 each, 100 unknown",
    )
    promotion = dy.String(nullable=True, max_length=2_000, description="offer text; null where there is none")
    attributes = dy.String(description="JSON: the remaining columns of the source, by their own names")
    collected_at = dy.Datetime(time_zone="UTC", time_unit="us", description="the row's own time, UTC")
    collected_on = dy.Date(description="day of the run (London), from the file name")


class AcceptedQuote(dy.Schema):
    """One row per product and day that may enter an index (`intermediate.int_prices__quotes_accepted`)."""

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$", description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    product = dy.String(primary_key=True, description="product: the retailer's id, or name, or name and size class")
    collected_on = dy.Date(primary_key=True, description="day of collection (London)")
    price_gbp = dy.Float64(min_exclusive=0.0, max=HIGHEST_PRICE_GBP, description="price in GBP")
