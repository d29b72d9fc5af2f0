"""Runs that are short of products: losses on the same days over several items, that come back or stay."""

from __future__ import annotations

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import valid_rows
from ons_bigdata.prices.schemas.quality import PlacedProduct, ShortRunItem

_ITEM = ["data_origin", "retailer", "item_number"]
_ITEM_DAY = [*_ITEM, "collected_on"]

ABSENCE_DAYS = 14
"""Longest absence, in days, after which a product comes back; one that lasts longer is a new level."""

OPEN_DAYS = 3
"""Days for which any product that is gone at the end of its item's series is taken for one that may come back."""

USUAL_DAYS = 28
"""Days before and after with which an item is compared."""

USUAL_QUANTILE = 0.25
"""Quantile of the absent shares that is taken as usual: up to three quarters of the days may be short."""

LEAST_DAYS = 5
LEAST_ABSENT = 3
LEAST_EXCESS = 0.1
LEAST_ITEMS = 3
"""Short items of a short run; of a retailer with two items, both."""

LEAST_SHARE_OF_ITEMS = 0.15
LEAST_SHARE_OF_PRODUCTS = 0.04
"""Least share of the run's products that its short items lack, where they are fewer than `LEAST_SHARE_OF_ITEMS`."""

VIEW_DAYS = USUAL_DAYS + ABSENCE_DAYS + OPEN_DAYS
"""Days before and after a day on which its short items depend: the usual days, and absences that reach into them."""

VIEW_RUNS = LEAST_DAYS + 2
"""Days of collection of an item before and after, where these reach further: the usual days, and an absence of one."""

COMES_BACK, OPEN, LEVEL_SHIFT = "comes_back", "open", "level_shift"


def short_runs(listed: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """List the items that lack products together, on the days on which several items of the retailer do.

    A product is absent on a day of its item between two days with it at most `ABSENCE_DAYS` + 1 days apart, and on a
    single day of collection between two with it; at the end of the item's series also where it was last listed at most
    `OPEN_DAYS` days, or one day of collection, before. An item is short where its absent products are `LEAST_ABSENT` or
    more and their share of the listed and absent exceeds the usual by `LEAST_EXCESS`; usual is the quantile
    `USUAL_QUANTILE` of its days within `USUAL_DAYS` days or, where these are fewer than `LEAST_DAYS`, of as many days
    of collection before and after (`LEAST_DAYS` at least in all). A run is short where `LEAST_ITEMS` items are, and
    these are `LEAST_SHARE_OF_ITEMS` of those that it collected or lack `LEAST_SHARE_OF_PRODUCTS` of its products:
    products of a single item that come and go may be a matter of the shop.

    A loss that lasts longer counts where as many products of as many items were last listed on one day: for
    `ABSENCE_DAYS` days from then on. Its state is `open` until they are over, and then `level_shift`, with its first
    day `lost_on`: what is listed now is taken for the range. Otherwise the state is `comes_back`, or `open` where a
    product is still away.

    Takes `PlacedProduct` rows of days that enter. Returns `ShortRunItem` rows, one per short item of a short run; the
    absent products' places are those on the day on which most of them were last listed.

    Source: made for this project after the runs of one retailer in 2016 whose pages had 20 of 26 products.
    """
    placed = valid_rows(PlacedProduct, listed, "listed")
    spells = _absence_spells(placed)
    lasting = _lost_together(placed, spells.filter(~pl.col("is_brief")))
    absent = _days_absent(placed, pl.concat([spells.filter("is_brief"), lasting], how="diagonal"))
    short = _short_items(placed, absent)
    rows: pl.DataFrame = ShortRunItem.validate(_with_places(short, absent), cast=True)
    return rows


def days_in_view(item_days: pl.DataFrame) -> pl.DataFrame:
    """Find the first and the last day of listings on which the short items of each day depend.

    `item_days`: data_origin, retailer, item_number and collected_on of the days that enter. The view of an item's day
    is `VIEW_DAYS` days before and after, and at least `VIEW_RUNS` of its days of collection; that of a day is the
    widest of its items. Returns collected_on, first_day and last_day, in the order of days.
    """
    day = pl.col("collected_on")
    ends = (
        item_days.select(_ITEM_DAY)
        .unique()
        .sort(_ITEM_DAY)
        .with_columns(
            first_run=pl.coalesce(day.shift(VIEW_RUNS).over(_ITEM), day.min().over(_ITEM)),
            last_run=pl.coalesce(day.shift(-VIEW_RUNS).over(_ITEM), day.max().over(_ITEM)),
        )
    )
    width = pl.duration(days=VIEW_DAYS)
    return (
        ends.group_by("collected_on")
        .agg(first_run=pl.col("first_run").min(), last_run=pl.col("last_run").max())
        .select(
            "collected_on",
            first_day=pl.min_horizontal("first_run", day - width),
            last_day=pl.max_horizontal("last_run", day + width),
        )
        .sort("collected_on")
    )


def _absence_spells(placed: pl.DataFrame) -> pl.DataFrame:
    """One row per product and absence, with shelf, place and day (`listed_on`, `number`) of its last listing before.

    `until`: number of the item's first day with the product again, or after its last. `is_brief`: it comes back, or
    was listed a short while ago. `is_open`: it is not listed again.
    """
    day, number = pl.col("collected_on"), pl.col("number")
    product = [*_ITEM, "product"]
    losses, returns = _losses_and_returns(placed)
    again = returns.select(*product, "number", next_number="number", next_on="collected_on").sort("number")
    listings = losses.sort("number").join_asof(
        again, on="number", by=product, strategy="forward", allow_exact_matches=False, check_sortedness=False
    )
    # of a shop that is collected every two weeks or monthly, one run is longer than two weeks
    is_of_one_run = pl.col("next_number") - number == 2
    comes_back = ((pl.col("next_on") - day).dt.total_days() <= ABSENCE_DAYS + 1) | is_of_one_run
    is_recent = (pl.col("last_on") - day).dt.total_days() <= OPEN_DAYS
    is_newest = pl.col("last_number") - number == 1
    may_come_back = pl.col("next_number").is_null() & (is_recent | is_newest)
    return listings.sort(*product, "number").select(
        *product, "category", "place", "number", "last_on",
        listed_on="collected_on",
        until=pl.coalesce("next_number", pl.col("last_number") + 1),
        is_brief=comes_back.fill_null(value=False) | may_come_back,
        is_open=pl.col("next_number").is_null(),
    )  # fmt: skip


def _losses_and_returns(placed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Listings after which a product is not listed on its item's next day, and those before which it was not.

    Both with the columns of `_numbered_days`. Of hundreds of thousands of listings few are either, so that these are
    found by one number of an item's day and a product, before any texts are compared.
    """
    days = _numbered_days(placed).sort(_ITEM_DAY).with_row_index("item_day")
    code = pl.col("product").cast(pl.Categorical).to_physical().cast(pl.Int64)
    listing = placed.with_columns(code=code).join(
        days.select(*_ITEM_DAY, pl.col("item_day").cast(pl.Int64)), on=_ITEM_DAY
    )
    # the row of an item's next day is the next one; of its last day it is another item's, which is filtered out
    a_day = pl.lit(listing["code"].max() or 0, pl.Int64) + 1
    listing = listing.with_columns(listing=pl.col("item_day") * a_day + pl.col("code")).drop("code", "item_day")
    listings = listing.select("listing")
    ends = [
        listing.join(listings.with_columns(pl.col("listing") + by * a_day), on="listing", how="anti")
        .drop("listing")
        .join(days.drop("item_day"), on=_ITEM_DAY)
        for by in (-1, 1)
    ]
    return ends[0].filter(pl.col("number") < pl.col("last_number")), ends[1]


def _numbered_days(placed: pl.DataFrame) -> pl.DataFrame:
    """Days of each item with their numbers, and the item's last day."""
    day = pl.col("collected_on")
    return (
        placed.select(_ITEM_DAY)
        .unique()
        .with_columns(number=day.rank("dense").over(_ITEM).cast(pl.Int64), last_on=day.max().over(_ITEM))
        .with_columns(last_number=pl.col("number").max().over(_ITEM))
    )


def _lost_together(placed: pl.DataFrame, lasting: pl.DataFrame) -> pl.DataFrame:
    """Choose the lasting absences that begin after one day in several items of a retailer, with their state."""
    listed = placed.group_by(_ITEM_DAY).agg(listed_products=pl.len()).rename({"collected_on": "listed_on"})
    day = ["data_origin", "retailer", "listed_on"]
    lost = (
        lasting.group_by(*_ITEM, "listed_on")
        .agg(lost=pl.len())
        .join(listed, on=[*_ITEM, "listed_on"], how="full", coalesce=True)
        .with_columns(pl.col("lost").fill_null(0))
    )
    is_short = (pl.col("lost") >= LEAST_ABSENT) & (pl.col("lost") >= LEAST_EXCESS * pl.col("listed_products"))
    losses = (
        lost.with_columns(is_short=is_short)
        .filter(_is_short_run(pl.col("lost"), pl.col("listed_products"), day))
        .filter("is_short")
    )
    days_gone = (pl.col("last_on") - pl.col("listed_on")).dt.total_days()
    is_settled = ~pl.col("is_open") | (days_gone > ABSENCE_DAYS)
    return lasting.join(losses, on=[*_ITEM, "listed_on"], how="semi").with_columns(
        state=pl.when(is_settled).then(pl.lit(LEVEL_SHIFT)).otherwise(pl.lit(OPEN))
    )


def _is_short_run(absent: pl.Expr, products: pl.Expr, run: list[str]) -> pl.Expr:
    """Mask of the runs of which enough items (`is_short`) lack products. `products`: of the item, absent or not."""
    items, items_short = pl.len().over(run), pl.col("is_short").sum().over(run)
    lacking = pl.when("is_short").then(absent).otherwise(0).sum().over(run)
    are_several = (items_short >= LEAST_ITEMS) | ((items_short == items) & (items > 1))
    is_large = (items_short >= LEAST_SHARE_OF_ITEMS * items) | (
        lacking >= LEAST_SHARE_OF_PRODUCTS * products.sum().over(run)
    )
    return are_several & is_large


def _days_absent(placed: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """One row per absent product and day; of a lasting absence the first `ABSENCE_DAYS` days."""
    days = _numbered_days(placed).select(*_ITEM_DAY, "number")
    numbers = pl.int_ranges(pl.col("number") + 1, pl.col("until"))
    starts = days.select(*_ITEM, pl.col("number") - 1, lost_on="collected_on")
    open_state = pl.when("is_open").then(pl.lit(OPEN)).otherwise(pl.lit(COMES_BACK))
    return (
        spells.join(starts, on=[*_ITEM, "number"])
        .with_columns(pl.col("state").fill_null(open_state), number=numbers)
        .explode("number")
        .join(days, on=[*_ITEM, "number"])
        .filter(pl.col("is_brief") | ((pl.col("collected_on") - pl.col("listed_on")).dt.total_days() <= ABSENCE_DAYS))
        .drop("number")
    )


def _short_items(placed: pl.DataFrame, absent: pl.DataFrame) -> pl.DataFrame:
    """Short items of short runs, with counts and shares."""
    is_lasting = ~pl.col("is_brief")
    shift = pl.col("lost_on").filter(pl.col("state") == LEVEL_SHIFT)
    counted = absent.group_by(_ITEM_DAY).agg(
        absent_products=pl.len(),
        brief=pl.col("is_brief").sum(),
        is_lasting=is_lasting.any(),
        state=pl.when((pl.col("state") == LEVEL_SHIFT).any())
        .then(pl.lit(LEVEL_SHIFT))
        .when((pl.col("state") == OPEN).any())
        .then(pl.lit(OPEN))
        .otherwise(pl.lit(COMES_BACK)),
        lost_on=pl.when(shift.len() > 0).then(shift.max()).otherwise(pl.col("lost_on").mode().max()),
    )
    counts = (
        placed.group_by(_ITEM_DAY)
        .agg(listed_products=pl.len())
        .join(_numbered_days(placed).select(*_ITEM_DAY, "number"), on=_ITEM_DAY)
        .join(counted, on=_ITEM_DAY, how="left")
        .with_columns(pl.col("absent_products", "brief").fill_null(0), pl.col("is_lasting").fill_null(value=False))
        .with_columns(
            absent_share=pl.col("absent_products") / (pl.col("absent_products") + pl.col("listed_products")),
            brief_share=pl.col("brief") / (pl.col("brief") + pl.col("listed_products")),
        )
        .sort(_ITEM_DAY)
    )
    usual = _usual_shares(counts)
    is_unusual = (pl.col("brief") >= LEAST_ABSENT) & (pl.col("brief_share") - pl.col("usual_share") >= LEAST_EXCESS)
    run = ["data_origin", "retailer", "collected_on"]
    judged = counts.join(usual, on=_ITEM_DAY).with_columns(
        is_lasting=pl.col("is_lasting") & (pl.col("days") >= LEAST_DAYS),
        is_short=(pl.col("days") >= LEAST_DAYS) & (is_unusual | pl.col("is_lasting")),
    )
    products = pl.col("absent_products") + pl.col("listed_products")
    is_short_run = _is_short_run(pl.col("absent_products"), products, run) | pl.col("is_lasting").any().over(run)
    return judged.with_columns(
        items=pl.len().over(run), items_short=pl.col("is_short").sum().over(run), is_short_run=is_short_run
    ).filter("is_short", "is_short_run")


def _usual_shares(counts: pl.DataFrame) -> pl.DataFrame:
    """Usual absent share of each item and day, and the number of days behind it: near in time, or else in number."""
    quantile = pl.col("brief_share").quantile(USUAL_QUANTILE, "linear")
    near = counts.rolling(
        "collected_on", period=f"{2 * USUAL_DAYS + 1}d", offset=f"-{USUAL_DAYS + 1}d", group_by=_ITEM
    ).agg(near_share=quantile, near_days=pl.len())
    runs = counts.rolling("number", period=f"{2 * LEAST_DAYS + 1}i", offset=f"-{LEAST_DAYS + 1}i", group_by=_ITEM).agg(
        run_share=quantile, runs=pl.len()
    )
    has_near = pl.col("near_days") >= LEAST_DAYS
    both = counts.select(*_ITEM_DAY, "number").join(near, on=_ITEM_DAY).join(runs, on=[*_ITEM, "number"])
    return both.select(
        *_ITEM_DAY,
        usual_share=pl.when(has_near).then("near_share").otherwise("run_share"),
        days=pl.when(has_near).then("near_days").otherwise("runs"),
    )


def _with_places(short: pl.DataFrame, absent: pl.DataFrame) -> pl.DataFrame:
    """Add the places of the absent products on the day on which most of them were last listed, by shelf."""
    among = absent.drop("lost_on", "state").join(short.select(_ITEM_DAY), on=_ITEM_DAY)
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
