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

    load_id = dy.String(regex=HEX_ID)
    line = dy.Int32(min=2)
    run_id = dy.String(regex=r"^[a-z0-9_-]{1,64}-\d{14}$")
    retailer = dy.String(regex=IDENTIFIER)
    item_number = dy.Int32(min=100_000, max=999_999)
    item_name = dy.String(max_length=500)
    category = dy.String(max_length=1_000)
    product_id = dy.String(nullable=True, min_length=1, max_length=200)
    product_name = dy.String(min_length=1, max_length=2_000)
    price_gbp = dy.Float64(min_exclusive=0.0, max=HIGHEST_PRICE_GBP)
    unit_price = dy.Float64(nullable=True, min=0.0, max=1_000_000.0)
    unit = dy.String(nullable=True, max_length=40)
    promotion = dy.String(nullable=True, max_length=2_000)
    attributes = dy.String()
    collected_at = dy.Datetime(time_zone="UTC", time_unit="us")
    collected_on = dy.Date()


class AcceptedQuote(dy.Schema):
    """One row per product and day that may enter an index (`intermediate.int_prices__quotes_accepted`)."""

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER)
    item_number = dy.Int32(primary_key=True)
    product = dy.String(primary_key=True)
    collected_on = dy.Date(primary_key=True)
    price_gbp = dy.Float64(min_exclusive=0.0, max=HIGHEST_PRICE_GBP)


class ElementaryIndex(dy.Schema):
    """One row per retailer, item, method and day with accepted quotes (`analysis.elementary_price_indices`).

    `level` is the index within its segment; `index` the same with 100 = the base week, null
    (with a reason) where the segment does not reach the base week.
    """

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER)
    item_number = dy.Int32(primary_key=True)
    method = dy.String(primary_key=True, regex="^jevons_(chained|fixed_base)$")
    period = dy.Date(primary_key=True)
    segment = dy.Int32(min=0)
    level = dy.Float64(nullable=True, min_exclusive=0.0)
    index = dy.Float64(nullable=True, min_exclusive=0.0)
    products = dy.Int32(min=0)
    reason = dy.String(nullable=True)


class AggregateIndex(dy.Schema):
    """One row per item, class or division, method and calendar day (`analysis.aggregate_price_indices`)."""

    data_origin = dy.String(primary_key=True, regex="^(real|simulated)$")
    level = dy.String(primary_key=True, regex="^(item|class|division)$")
    code = dy.String(primary_key=True)
    method = dy.String(primary_key=True, regex="^jevons_(chained|fixed_base)$")
    period = dy.Date(primary_key=True)
    index = dy.Float64(nullable=True, min_exclusive=0.0)
    products = dy.Int32(min=0)
    children = dy.Int32(min=0)
    children_absent = dy.Int32(min=0)
    imputed_share = dy.Float64(nullable=True, min=0.0, max=1.0)
    status = dy.String(regex="^(complete|partial|none)$")
    reason = dy.String(nullable=True)
    recipe = dy.String()
    parameters_hash = dy.String(regex=HEX_ID)
    base_period = dy.String(nullable=True)
