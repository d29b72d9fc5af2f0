"""Shrinking packs: listings replaced by a smaller pack of the same name at no lower price (shrinkflation)."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import MOST_DAYS, valid_rows, whole_number
from ons_bigdata.prices.methods.quality.price_outliers import pounds
from ons_bigdata.prices.methods.quality.renames import SIZE_CLASS_WIDTH, succeeding_names
from ons_bigdata.prices.methods.scope.description import name_without_size
from ons_bigdata.prices.schemas.quality import EnteringQuote, ProductListing, QuoteOutlier, ReplacedPack

_ITEM = ["data_origin", "retailer", "item_number"]
SMALLER = 0.98
"""A pack counts as smaller below this share of the old size: sizes derived from unit prices are rounded."""
SMALLER_BY_CLASS = 0.9
"""The same for sizes of size classes, 8 % wide: neighbouring classes may be the same size."""
ENDED_DAYS = 28
"""Most days from the end of the old pack to the beginning of the new one."""
PRICE_DAYS = 7
"""Most days between the change of packs and the prices before and after it."""
SMALLEST = 1 / 3
"""Below this share of the old size it is another pack of the range, not the same pack shrunk."""


def shrinking_packs(
    listings: pl.DataFrame | pl.LazyFrame, quotes: pl.DataFrame | pl.LazyFrame, *, overlap_days: int = 3
) -> pl.DataFrame:
    """Find the listings that replace a larger pack of the same name without its size, at no lower price.

    Takes `ProductListing` rows and the `EnteringQuote` rows of their products (prices in GBP). Gives `QuoteOutlier`
    rows of rule `shrinking_pack`, one per new listing: on its first day with a quote, `observed` = new ÷ old size. Both
    prices are from within `PRICE_DAYS` days of the change.
    Sizes are those in the names, in the same measure; where neither name states one, those of the size classes. The old
    listing must have ended by `overlap_days` after the new listing began and at most `ENDED_DAYS` before, and the new
    listing must be new: a size that was on the shelf from the beginning is no shrunk pack. Nor is a product that
    succeeds one of its own size under nearly the same name, or is so succeeded (`succeeding_names`): it was renamed.

    Source: the practice is known as shrinkflation; the rule was made for this project.
    """
    return price_replaced_packs(replaced_packs(listings, overlap_days=overlap_days), quotes)


def replaced_packs(listings: pl.DataFrame | pl.LazyFrame, *, overlap_days: int = 3) -> pl.DataFrame:
    """List the pairs of `shrinking_packs`, whatever their prices: `product` takes the place of `old_product`.

    Takes `ProductListing` rows; gives `ReplacedPack` rows.
    """
    return packs_not_renamed(listings, succeeding_names(listings), overlap_days=overlap_days)


def packs_not_renamed(
    listings: pl.DataFrame | pl.LazyFrame, renamed: pl.DataFrame, *, overlap_days: int = 3
) -> pl.DataFrame:
    """List the pairs of `replaced_packs`. `renamed`: the pairs of `succeeding_names` of the same listings."""
    overlap_days = whole_number("overlap_days", overlap_days, least=0, most=MOST_DAYS)
    valid = valid_rows(ProductListing, listings, "listings")
    sized = _with_sizes(valid)
    first_days = sized.group_by(_ITEM).agg(pl.col("first_listed_on").min().alias("item_began_on"))
    keys = [*_ITEM, "stem", "measure"]
    old = sized.select(
        *keys,
        pl.col("product").alias("old_product"),
        pl.col("product_name").alias("old_name"),
        pl.col("size").alias("old_size"),
        pl.col("first_listed_on").alias("old_first_on"),
        pl.col("last_listed_on").alias("old_last_on"),
    )
    pairs = (
        sized.join(first_days, on=_ITEM)
        .filter(pl.col("first_listed_on") > pl.col("item_began_on"))
        .join(old, on=keys)
        .filter(
            pl.col("size").is_between(SMALLEST * pl.col("old_size"), pl.col("least_share") * pl.col("old_size")),
            pl.col("old_first_on") < pl.col("first_listed_on"),
            pl.col("old_last_on") <= pl.col("first_listed_on") + timedelta(days=overlap_days),
            pl.col("old_last_on") >= pl.col("first_listed_on") - timedelta(days=ENDED_DAYS),
        )
    )
    for side in ("product", "old_product"):
        pairs = pairs.join(renamed, on=[*_ITEM, side], how="anti")
    began_on = pl.col("first_listed_on")
    dated = pairs.with_columns(
        old_until=pl.min_horizontal("old_last_on", began_on - timedelta(days=1)),
        new_until=pl.min_horizontal("last_listed_on", began_on + timedelta(days=PRICE_DAYS)),
    )
    rows: pl.DataFrame = ReplacedPack.validate(dated.select(ReplacedPack.column_names()).unique(), cast=True)
    return rows.sort(ReplacedPack.column_names())


def price_replaced_packs(pairs: pl.DataFrame, quotes: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Choose the pairs whose new pack is not cheaper.

    Takes `ReplacedPack` rows and the `EnteringQuote` rows of their products on `days_priced`. Gives the rows of
    `shrinking_packs`.
    """
    valid = valid_rows(ReplacedPack, pairs, "pairs")
    return QuoteOutlier.validate(_with_prices(valid, valid_rows(EnteringQuote, quotes, "quotes")))


def days_priced(pairs: pl.DataFrame) -> pl.Series:
    """Days, in order, from which the prices of `ReplacedPack` rows are taken."""
    began_on, until = pl.col("first_listed_on"), pl.col("old_until")
    ends = [
        pairs.select(first=began_on, last="new_until"),
        pairs.select(first=until - timedelta(days=PRICE_DAYS), last=until),
    ]
    days = pl.concat(ends).select(days=pl.date_ranges("first", "last")).explode("days")["days"]
    return days.drop_nulls().unique().sort()


def _with_sizes(listings: pl.DataFrame) -> pl.DataFrame:
    """Add the name without its size, and the size: the amount or pieces in the name, or else that of the size class."""
    # A described size that is not in the name is the median of all listings of the name: the same for each of them.
    amount = pl.col("size_source").eq_missing("name")
    pieces = pl.col("pieces").is_not_null()
    class_size = pl.lit(SIZE_CLASS_WIDTH).pow(pl.col("size_class"))
    return listings.with_columns(
        name_without_size(pl.col("plain_name")).alias("stem"),
        pl.when(amount).then("total_size").when(pieces).then("pieces").otherwise(class_size).alias("size"),
        pl.when(amount).then("measure").when(pieces).then(pl.lit("each")).otherwise(pl.lit("class")).alias("measure"),
        pl.when(amount | pieces).then(SMALLER).otherwise(SMALLER_BY_CLASS).alias("least_share"),
    ).filter(pl.col("size").is_not_null())


def _with_prices(pairs: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    prices = quotes.sort("collected_on")
    new = pairs.sort("first_listed_on").join_asof(
        prices.select(*_ITEM, "product", "collected_on", "price_gbp"),
        left_on="first_listed_on",
        right_on="collected_on",
        by=[*_ITEM, "product"],
        strategy="forward",
        tolerance=timedelta(days=PRICE_DAYS),
        coalesce=False,
        check_sortedness=False,
    )
    # the old price is from before the change: with the same product id, the new price is in the same series
    return (
        new.sort("old_until")
        .join_asof(
            prices.select(
                *_ITEM,
                pl.col("product").alias("old_product"),
                pl.col("collected_on").alias("compared_on"),
                pl.col("price_gbp").alias("compared_price_gbp"),
            ),
            left_on="old_until",
            right_on="compared_on",
            by=[*_ITEM, "old_product"],
            strategy="backward",
            tolerance=timedelta(days=PRICE_DAYS),
            coalesce=False,
            check_sortedness=False,
        )
        .filter(pl.col("price_gbp") >= pl.col("compared_price_gbp"), pl.col("collected_on") <= pl.col("new_until"))
        .with_columns((pl.col("size") / pl.col("old_size")).alias("observed"))
        .sort("observed", "old_product", "old_name", descending=[True, False, False])
        .unique([*_ITEM, "product", "collected_on"], keep="first", maintain_order=True)
        .with_columns(
            pl.lit("shrinking_pack").alias("rule"),
            pl.col("least_share").alias("lower"),
            pl.lit(None, dtype=pl.Float64).alias("upper"),
            pl.format(
                "{} at {} takes the place of {} at {}: {} % less in it",
                "product_name",
                pounds("price_gbp"),
                "old_name",
                pounds("compared_price_gbp"),
                (100 * (1 - pl.col("observed"))).round(0).cast(pl.Int32),
            ).alias("evidence"),
        )
        .select(list(QuoteOutlier.columns()))
        .sort("data_origin", "collected_on", "retailer", "item_number", "product")
    )
