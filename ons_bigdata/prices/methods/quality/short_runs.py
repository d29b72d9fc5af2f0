"""Runs that are short of products: losses that come and go on the same days over several items."""

from __future__ import annotations

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import valid_rows
from ons_bigdata.prices.schemas.quality import PlacedProduct, ShortRunItem

_ITEM = ["data_origin", "retailer", "item_number"]
_ITEM_DAY = [*_ITEM, "collected_on"]

ABSENCE_DAYS = 14
"""Longest absence, in days, after which a product comes back; a longer one is taken for the end of its listing."""

OPEN_DAYS = 3
"""Days for which a product that is gone at the end of its item's series is taken for one that may come back."""

USUAL_DAYS = 28
"""Days before and after with which an item is compared."""

USUAL_QUANTILE = 0.25
"""Quantile of the absent shares that is taken as usual: up to three quarters of the days may be short."""

LEAST_DAYS = 5
LEAST_ABSENT = 3
LEAST_EXCESS = 0.1
LEAST_ITEMS = 3
LEAST_SHARE_OF_ITEMS = 0.15


def short_runs(listed: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """List the items that lack products which come back, on the days on which several items of the retailer do.

    A product is absent on a day of its item between two days with it at most `ABSENCE_DAYS` + 1 days apart; at the end
    of the item's series also where it was last listed at most `OPEN_DAYS` days, or one day of collection, before. An
    item is short where its absent products are `LEAST_ABSENT` or more and their share of the listed and absent
    exceeds the usual by `LEAST_EXCESS`; usual is the quantile `USUAL_QUANTILE` of its days within `USUAL_DAYS` days
    (`LEAST_DAYS` at least). A run is short where `LEAST_ITEMS` items are, and `LEAST_SHARE_OF_ITEMS` of those that
    it collected: products of a single item that come and go may be a matter of the shop.

    Takes `PlacedProduct` rows of days that enter. Returns `ShortRunItem` rows, one per short item of a short run; the
    absent products' places are those on the day on which most of them were last listed.

    Source: made for this project after the runs of one retailer in 2016 whose pages had 20 of 26 products.
    """
    placed = valid_rows(PlacedProduct, listed, "listed")
    absent = _absences(placed)
    short = _short_items(placed, absent)
    rows: pl.DataFrame = ShortRunItem.validate(_with_places(short, absent), cast=True)
    return rows


def _absences(placed: pl.DataFrame) -> pl.DataFrame:
    """One row per absent product and day, with shelf, place and day of its last listing before."""
    day = pl.col("collected_on")
    days = (
        placed.select(_ITEM_DAY)
        .unique()
        .with_columns(
            number=day.rank("dense").over(_ITEM).cast(pl.Int64),
            last_on=day.max().over(_ITEM),
        )
        .with_columns(last_number=pl.col("number").max().over(_ITEM))
    )
    product = [*_ITEM, "product"]
    listings = (
        placed.join(days, on=_ITEM_DAY)
        .sort(*product, "number")
        .with_columns(next_number=pl.col("number").shift(-1).over(product), next_on=day.shift(-1).over(product))
    )
    comes_back = (pl.col("next_on") - day).dt.total_days() <= ABSENCE_DAYS + 1
    is_recent = (pl.col("last_on") - day).dt.total_days() <= OPEN_DAYS
    is_newest = pl.col("last_number") - pl.col("number") == 1
    may_come_back = pl.col("next_number").is_null() & (is_recent | is_newest)
    until = pl.coalesce("next_number", pl.col("last_number") + 1)
    return (
        listings.filter(until - pl.col("number") > 1, comes_back.fill_null(value=False) | may_come_back)
        .select(
            *product, "category", "place", listed_on="collected_on", number=pl.int_ranges(pl.col("number") + 1, until)
        )
        .explode("number")
        .join(days.select(*_ITEM_DAY, "number"), on=[*_ITEM, "number"])
        .drop("number")
    )


def _short_items(placed: pl.DataFrame, absent: pl.DataFrame) -> pl.DataFrame:
    """Short items of short runs, with counts and shares."""
    counts = (
        placed.group_by(_ITEM_DAY)
        .agg(listed_products=pl.len())
        .join(absent.group_by(_ITEM_DAY).agg(absent_products=pl.len()), on=_ITEM_DAY, how="left")
        .with_columns(pl.col("absent_products").fill_null(0))
        .with_columns(absent_share=pl.col("absent_products") / (pl.col("absent_products") + pl.col("listed_products")))
        .sort(_ITEM_DAY)
    )
    usual = counts.rolling(
        "collected_on", period=f"{2 * USUAL_DAYS + 1}d", offset=f"-{USUAL_DAYS + 1}d", group_by=_ITEM
    ).agg(usual_share=pl.col("absent_share").quantile(USUAL_QUANTILE, "linear"), days=pl.len())
    is_short = (
        (pl.col("days") >= LEAST_DAYS)
        & (pl.col("absent_products") >= LEAST_ABSENT)
        & (pl.col("absent_share") - pl.col("usual_share") >= LEAST_EXCESS)
    )
    run = ["data_origin", "retailer", "collected_on"]
    judged = (
        counts.join(usual, on=_ITEM_DAY)
        .with_columns(is_short=is_short)
        .with_columns(items=pl.len().over(run), items_short=pl.col("is_short").sum().over(run))
    )
    return judged.filter(
        "is_short",
        pl.col("items_short") >= LEAST_ITEMS,
        pl.col("items_short") >= LEAST_SHARE_OF_ITEMS * pl.col("items"),
    )


def _with_places(short: pl.DataFrame, absent: pl.DataFrame) -> pl.DataFrame:
    """Add the places of the absent products on the day on which most of them were last listed, by shelf."""
    among = absent.join(short.select(_ITEM_DAY), on=_ITEM_DAY)
    compared = (
        among.group_by(*_ITEM_DAY, "listed_on")
        .agg(products=pl.len())
        .sort("products", "listed_on", descending=True)
        .unique(_ITEM_DAY, keep="first", maintain_order=True)
        .select(*_ITEM_DAY, compared_on="listed_on")
    )
    shelf = [*_ITEM_DAY, "compared_on", "category"]
    blocks = (
        among.join(compared, on=_ITEM_DAY)
        .filter(pl.col("listed_on") == pl.col("compared_on"))
        .select(*shelf, "place")
        .unique()
        .sort(*shelf, "place")
        # places of a block follow each other: place less rank is the same
        .with_columns(block=pl.col("place") - pl.col("place").rank("ordinal").over(shelf).cast(pl.Int64))
        .group_by(*shelf, "block", maintain_order=True)
        .agg(first=pl.col("place").min(), last=pl.col("place").max())
    )
    is_single = pl.col("first") == pl.col("last")
    block = pl.when(is_single).then(pl.format("{}", "first")).otherwise(pl.format("{}–{}", "first", "last"))
    pages = (
        blocks.group_by(shelf, maintain_order=True)
        .agg(places=block.str.join(", "))
        .group_by(*_ITEM_DAY, "compared_on", maintain_order=True)
        .agg(places=pl.format("{} {}", "category", "places").str.join("; "))
    )
    return short.join(pages, on=_ITEM_DAY).select(ShortRunItem.column_names()).sort(_ITEM_DAY)
