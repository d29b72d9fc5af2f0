"""The frames of the prices pilot: columns, types, units and bounds.

What a reader gives, what a method takes and makes. Tables of the warehouse that hold these
frames are checked against them (`ons-bigdata doctor` and the tests). No logic lives here.
"""

from __future__ import annotations

import dataframely as dy

HIGHEST_PRICE_GBP = 10_000.0
"""A supermarket price above this is not believed; the reader quarantines it."""

IDENTIFIER = r"^[a-z0-9_-]{1,64}$"
"""Closed vocabularies (retailer ids) and partition keys look like this."""

HEX_ID = r"^[0-9a-f]{16}$"

METHODS = ("jevons_chained", "jevons_fixed_base")
LEVELS = ("item", "class", "division")
DATA_ORIGINS = ("real", "simulated")


class PriceQuote(dy.Schema):
    """One row per accepted row of a scrape file, as `raw.price_quotes` holds it."""

    load_id = dy.String(regex=HEX_ID, description="which file, by its load: 16 hex digits")
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


class ElementaryIndex(dy.Schema):
    """One row per retailer, item, method and day with accepted quotes (`analysis.elementary_price_indices`).

    `level` is the index within its segment; `index` the same with 100 = the base week, null
    (with a reason) where the segment does not reach the base week.
    """

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$", description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number")
    method = dy.String(primary_key=True, regex="^jevons_(chained|fixed_base)$", description="index method")
    period = dy.Date(primary_key=True, description="day")
    segment = dy.Int32(min=0, description="number of the unbroken chain, from 0")
    level = dy.Float64(
        nullable=True,
        min_exclusive=0.0,
        description="index within its segment, 1 on its first day (fixed base: price relative to the base week)",
    )
    index = dy.Float64(
        nullable=True,
        min_exclusive=0.0,
        description="index, 100 = base week; null where the segment misses it",
    )
    products = dy.Int32(min=0, description="products that link")
    reason = dy.String(nullable=True, description="why index or level is null, or the chain restarted")


class AggregateIndex(dy.Schema):
    """One row per item, class or division, method and calendar day (`analysis.aggregate_price_indices`)."""

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$", description="real or simulated")
    level = dy.String(primary_key=True, regex="^(item|class|division)$", description="item, class or division")
    code = dy.String(primary_key=True, description="item number, COICOP class or COICOP division")
    method = dy.String(primary_key=True, regex="^jevons_(chained|fixed_base)$", description="index method")
    period = dy.Date(primary_key=True, description="day")
    index = dy.Float64(
        nullable=True,
        min_exclusive=0.0,
        description="index, 100 = geometric mean of the base week; null with a reason",
    )
    products = dy.Int32(min=0, description="products that link, over all children present")
    children = dy.Int32(min=0, description="children that have weight")
    children_absent = dy.Int32(min=0, description="of these, absent on the day")
    imputed_share = dy.Float64(
        nullable=True, min=0.0, max=1.0, description="share of the weight (0-1) that moved with the others"
    )
    status = dy.String(regex="^(complete|partial|none)$", description="complete, partial or none")
    reason = dy.String(nullable=True, description="what is missing or assumed")
    recipe = dy.String(description="named set of parameters")
    parameters_hash = dy.String(regex=HEX_ID, description="hash of the recipe's parameters")
    base_period = dy.String(nullable=True, description="base week, first..last day")
