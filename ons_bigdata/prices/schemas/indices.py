"""Frames of the daily price indices: elementary and aggregate."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import HEX_ID, IDENTIFIER


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
