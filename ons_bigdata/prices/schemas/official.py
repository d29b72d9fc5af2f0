"""Frames of official files and of quote files of other sources."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.quotes import PriceQuote
from ons_bigdata.prices.schemas.vocabulary import HEX_ID, IDENTIFIER


class OfficialItemIndex(dy.Schema):
    """One row per accepted row of a file of official item indices (`raw.official_item_indices`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file or row of the sheet; the header is 1")
    month = dy.Date(description="month of the index, by its first day; the partition")
    item_number = dy.Int32(min=100_000, max=999_999, description="item number")
    item_name = dy.String(max_length=500, description="item name as in the file")
    index = dy.Float64(
        min_exclusive=0.0,
        max=1_000_000.0,
        description="index as printed: 100 = January of the year; of a January, 100 = the December before",
    )
    weight = dy.Float64(
        nullable=True, min=0.0, max=1_000.0, description="weight in parts per thousand of all items; null where empty"
    )
    imputation = dy.String(nullable=True, max_length=100, description="imputation flag as printed; null where empty")
    attributes = dy.String(description="JSON: the remaining columns of the file that are not empty, by their own names")


class OfficialPriceQuote(dy.Schema):
    """One row per accepted row of a file of official price quotes (`raw.official_price_quotes`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is line 1")
    month = dy.Date(description="month of the quote, by its first day; the partition")
    item_number = dy.Int32(min=100_000, max=999_999, description="item number")
    item_name = dy.String(max_length=500, description="item name as in the file")
    validity = dy.Int32(description="validity of the price; 3 and 4 count")
    shop_code = dy.String(max_length=100, description="outlet as in the file")
    price_gbp = dy.Float64(min=0.0, max=10_000_000.0, description="price in GBP; 0 where there is none")
    indicator_box = dy.String(nullable=True, max_length=20, description="collector's mark; null where empty")
    stratum_weight = dy.Float64(min=0.0, description="weight of the stratum within the item")
    stratum_type = dy.Int32(min=0, max=9, description="kind of the strata: none, region, shop type or both (a code)")
    stratum_cell = dy.Int32(min=0, description="stratum within the item")
    region = dy.Int32(nullable=True, description="region as a code; null where empty")
    shop_type = dy.Int32(nullable=True, description="type of outlet as a code; null where empty")
    shop_weight = dy.Float64(min=0.0, description="weight of the outlet within the stratum")
    base_price_gbp = dy.Float64(
        min=0.0, max=10_000_000.0, description="price in GBP of the same product in January; 0 where there is none"
    )
    base_validity = dy.Int32(
        description="validity of the base price; 3 and 4 count, other values mean imputed or missing"
    )
    attributes = dy.String(description="JSON: the remaining columns of the file that are not empty, by their own names")


class OfficialSeriesValue(dy.Schema):
    """One row per month of an official series (`raw.official_series`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file")
    series_id = dy.String(regex=r"^[a-z0-9]{4}$", description="identifier of the series, lower case; the partition")
    title = dy.String(max_length=500, description="title in the file")
    month = dy.Date(description="month, by its first day")
    value = dy.Float64(description="value as printed")


class OtherPriceQuote(PriceQuote):
    """One row per accepted row of a quote file of another source (`raw.other_price_quotes`)."""

    source = dy.String(regex=IDENTIFIER, description="collector of the quotes, as in seed `price_sources`")
    run_id = dy.String(regex=r"^[a-z0-9_-]{1,64}-\d{14}$", description="run of the collector, as given by the source")
    collected_on = dy.Date(description="day of the price (London), as given by the source; the partition")
    delivered_on = dy.Date(description="day of the file's delivery (London), from its name")
