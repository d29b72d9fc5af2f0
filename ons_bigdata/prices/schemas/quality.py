"""Frames of the quality assurance of quotes: outlying prices, and the daily report."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.prices.schemas.vocabulary import HIGHEST_PRICE_GBP, IDENTIFIER, ORIGIN

OUTLIER_RULES = ("fixed", "tukey", "hb", "shrinking_pack")
"""Rules that flag a quote; defined in `methods.quality.outliers` and `methods.quality.shrinking_packs`."""


class ProductListing(dy.Schema):
    """One row per listing of a product over the whole series, with attributes read from its name.

    From `intermediate.int_prices__products` and `analysis.product_descriptions`.
    """

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    retailer = dy.String(regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(description="CPI item number under which it is collected")
    product = dy.String(description="product to which the listing belongs")
    product_name = dy.String(description="name of the listing as collected")
    size_class = dy.Int32(nullable=True, description="round(ln(pack size) / ln(1.08)); null without a unit price")
    first_listed_on = dy.Date(description="first day of the listing")
    last_listed_on = dy.Date(description="last day of the listing")
    plain_name = dy.String(description="the name in lower case without accents and signs")
    measure = dy.String(nullable=True, regex="^(g|ml|each)$", description="g, ml or each; null where no size is known")
    total_size = dy.Float64(nullable=True, min_exclusive=0.0, description="size of the whole pack in its measure")
    size_source = dy.String(
        nullable=True, regex="^(name|unit_price)$", description="origin of the size: name or unit price"
    )
    pieces = dy.Int32(nullable=True, min=1, description="pieces in the pack; null where unknown")


class EnteringQuote(dy.Schema):
    """One row per product and day that is judged for outliers, from `intermediate.int_prices__quotes_accepted`."""

    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    retailer = dy.String(regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(description="CPI item number under which it was collected")
    product = dy.String(description="product")
    collected_on = dy.Date(description="day of collection (London)")
    price_gbp = dy.Float64(min_exclusive=0.0, description="price in GBP, after analysts' decisions")


class PriceChange(dy.Schema):
    """One row per product and day with another price than the last one of the product (`analysis.price_changes`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it was collected")
    product = dy.String(primary_key=True, description="product")
    collected_on = dy.Date(primary_key=True, description="day of the new price")
    price_gbp = dy.Float64(min_exclusive=0.0, description="new price in GBP")
    compared_on = dy.Date(description="last day before with a price, at most the link window before")
    compared_price_gbp = dy.Float64(min_exclusive=0.0, description="price in GBP on that day")


class QuoteOutlier(dy.Schema):
    """One row per quote and rule that flags it (`analysis.quote_outliers`, `analysis.shrinking_packs`).

    The rules `fixed`, `tukey` and `hb` compare the price with the last price of the product, `shrinking_pack` the pack
    with the pack that it replaces.
    """

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    collected_on = dy.Date(primary_key=True, description="day of the flagged quote")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it was collected")
    product = dy.String(primary_key=True, description="product")
    rule = dy.String(
        primary_key=True,
        regex=f"^({'|'.join(OUTLIER_RULES)})$",
        description="fixed, tukey or hb (on price relatives), or shrinking_pack",
    )
    price_gbp = dy.Float64(min_exclusive=0.0, max=HIGHEST_PRICE_GBP, description="price in GBP")
    compared_on = dy.Date(description="day of the price that it is compared with")
    compared_price_gbp = dy.Float64(
        min_exclusive=0.0, max=HIGHEST_PRICE_GBP, description="price in GBP that it is compared with"
    )
    observed = dy.Float64(
        description="value judged: price relative (fixed, tukey), its symmetric transform (hb), ratio of packs"
    )
    lower = dy.Float64(nullable=True, description="lowest value that passes; null where there is no such bound")
    upper = dy.Float64(nullable=True, description="highest value that passes; null where there is no such bound")
    evidence = dy.String(description="the judgement in words")


class ReplacedPack(dy.Schema):
    """One row per pair of a new listing and the larger pack that it replaces (`analysis.replaced_packs`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it is collected")
    product = dy.String(primary_key=True, description="product of the new pack")
    product_name = dy.String(primary_key=True, description="name of the new pack as collected")
    first_listed_on = dy.Date(primary_key=True, description="first day of the new pack")
    new_until = dy.Date(primary_key=True, description="last day from which the price of the new pack is taken")
    size = dy.Float64(primary_key=True, min_exclusive=0.0, description="size of the new pack")
    old_product = dy.String(primary_key=True, description="product of the old pack")
    old_name = dy.String(primary_key=True, description="name of the old pack as collected")
    old_until = dy.Date(primary_key=True, description="last day from which the price of the old pack is taken")
    old_size = dy.Float64(primary_key=True, min_exclusive=0.0, description="size of the old pack, in the same measure")
    least_share = dy.Float64(min=0.0, max=1.0, description="share of the old size below which a pack is smaller")


class ProductRename(dy.Schema):
    """One row per product that seems to be another one under a new name (`analysis.product_renames`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it is collected")
    product = dy.String(primary_key=True, description="product under the new name")
    old_product = dy.String(description="product under the old name")
    product_name = dy.String(description="new name as collected")
    old_product_name = dy.String(description="old name as collected")
    renamed_on = dy.Date(description="first day of the new name")
    old_last_on = dy.Date(description="last day of the old name")
    price_gbp = dy.Float64(
        min_exclusive=0.0,
        max=HIGHEST_PRICE_GBP,
        description="price in GBP: the last under the old name, the first under the new",
    )
    similarity = dy.Float64(
        min_exclusive=0.0, max=1.0, description="2 × matching characters ÷ characters of both names, without sizes"
    )
    evidence = dy.String(description="the judgement in words")


class PlacedProduct(dy.Schema):
    """One row per product and day that enters, with its place on the shelf (`int_prices__products_placed`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it was collected")
    product = dy.String(primary_key=True, description="product")
    collected_on = dy.Date(primary_key=True, description="day of collection (London)")
    category = dy.String(description="shelf of its last listing of the day")
    place = dy.Int32(min=1, description="place among the item's listings on the shelf, in the order of collection")


class ShortRunItem(dy.Schema):
    """One row per item and day on which it and other items of the run lack products (`analysis.short_run_items`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    retailer = dy.String(primary_key=True, regex=IDENTIFIER, description="retailer id")
    item_number = dy.Int32(primary_key=True, description="CPI item number under which it was collected")
    collected_on = dy.Date(primary_key=True, description="day of the run that is short")
    items = dy.Int32(min=1, description="items of the retailer that enter on the day")
    items_short = dy.Int32(min=1, description="those of them that are short")
    listed_products = dy.Int32(min=1, description="products of the item listed on the day")
    absent_products = dy.Int32(min=1, description="products listed before and not on the day, see state")
    absent_share = dy.Float64(min=0.0, max=1.0, description="absent ÷ (absent + listed)")
    usual_share = dy.Float64(
        min=0.0, max=1.0, description="lower quartile of the absent shares of the days within four weeks"
    )
    compared_on = dy.Date(description="day before on which most of the absent products were last listed")
    places = dy.String(description="shelves and places of the absent products on that day")
    state = dy.String(
        regex="^(comes_back|open|level_shift)$",
        description="comes_back: all are listed again soon; open: some are still away; level_shift: some stay away",
    )
    lost_on = dy.Date(description="first day of the loss: of the level shift, else of most of the absent products")


class PriceQualityReport(dy.Schema):
    """One row per origin and day: the daily report (`analysis.price_quality_report`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    collected_on = dy.Date(primary_key=True, description="day of collection")
    retailers = dy.Int32(min=0, description="retailers of the origin")
    quotes = dy.Int32(min=0, description="products listed, over all retailers and items")
    errors = dy.Int32(min=0, description="findings of severity error")
    warnings = dy.Int32(min=0, description="findings of severity warn")
    notes = dy.Int32(min=0, description="findings of severity note")
    decisions_waiting = dy.Int32(min=0, description="analysts' decisions that wait for a second signature")
    html = dy.String(description="the report as one HTML page that needs no other file")
    text = dy.String(description="the report as plain text")
    evidence_hash = dy.String(
        description="hashes of what the report shows, with the intervals of its figures and without"
    )
    drawings = dy.String(
        description="drawings of the page by name as a JSON object of SVG or null; taken over while its figures stay"
    )
