"""Item indices by the office's method and by elementary formulas, from official quotes or scraped ones in their form.

Also printed item indices, chained over the years and combined into classes and divisions.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_rows, refuse_unknown
from ons_bigdata.prices.methods.bilateral import elementary as elementary_formulas
from ons_bigdata.prices.methods.bilateral.registry import ALIASES
from ons_bigdata.prices.methods.panels.input_checks import MOST_DAYS, checked_columns, listed_values, whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLLECTED = (3, 4)
"""Codes of prices that a collector recorded in the shop; other prices were imputed, refused or missing."""

MEANS = ("geometric", "arithmetic")
BASES = ("collected", "all")
FORMULAS = ("jevons", "dutot", "carli", "harmonic", "cswd")

PRINTED_PRECISION = 0.0005
"""Half a unit of the third decimal: official item indices are printed with three."""

NO_QUOTE = "no quote counts: none has a valid price and a valid base price"

_ITEM = ["data_origin", "item_number", "month"]
_STRATUM = [*_ITEM, "stratum_type", "stratum_cell"]
_QUOTES = {
    "data_origin": pl.String(), "item_number": pl.Int64(), "month": pl.Date(), "validity": pl.Int64(),
    "price_gbp": pl.Float64(), "stratum_weight": pl.Float64(), "stratum_type": pl.Int64(), "stratum_cell": pl.Int64(),
    "shop_weight": pl.Float64(), "base_price_gbp": pl.Float64(), "base_validity": pl.Int64(),
}  # fmt: skip


def office_item_indices(
    quotes: pl.DataFrame, *, within: str = "geometric", base_prices: str = "collected"
) -> pl.DataFrame:
    """Compute item indices from quotes by the office's method.

    Takes data_origin, item_number, month (its first day), validity, price_gbp, base_price_gbp, base_validity,
    shop_weight, stratum_type, stratum_cell, stratum_weight; one row per quote. A quote counts where both validities
    are 3 or 4 and both prices are above 0. R_s = exp(Σ w ln(p/p_base) / Σ w) with the shop weights w of stratum s;
    I = 100 · Σ W_s R_s / Σ W_s with the stratum weights W over the strata that have a quote.

    Gives one row per data_origin, item_number and month of `quotes`: index (100 = the month of the base prices),
    quotes, strata, reason. The index is null with a reason where no quote counts, where the weights are all 0, and
    where one stratum is given several weights.

    `within`: the mean inside strata, "geometric" (the office's) or "arithmetic". `base_prices`: "collected" (the
    office's) or "all", which includes imputed base prices. The second option of each shows how far a wrong reading of
    the method is from the printed index. Raises ValueError on an unknown option, a missing column, a null or a weight
    below 0.

    Source: Office for National Statistics, Consumer Price Indices Technical Manual, elementary aggregates; the rule as
    rebuilt from published quotes (see docs/prices/comparison/comparison.md).
    """
    refuse_unknown("within", within, MEANS)
    refuse_unknown("base_prices", base_prices, BASES)
    rows = _checked(quotes)
    relative = pl.col("price_gbp") / pl.col("base_price_gbp")
    weighted = relative.log() if within == "geometric" else relative
    mean = (pl.col("shop_weight") * weighted).sum() / pl.col("shop_weight").sum()
    strata = (
        counting(rows, base_prices=base_prices)
        .group_by(_STRATUM)
        .agg(
            mean=mean.exp() if within == "geometric" else mean,
            weight=pl.col("stratum_weight").first(),
            weights=pl.col("stratum_weight").n_unique(),
            quotes=pl.len(),
        )
        .sort(_STRATUM)  # a sum of doubles depends on their order
    )
    items = strata.group_by(_ITEM, maintain_order=True).agg(
        index=100.0 * (pl.col("weight") * pl.col("mean")).sum() / pl.col("weight").sum(),
        quotes=pl.col("quotes").sum().cast(pl.Int32),
        strata=pl.len().cast(pl.Int32),
        ambiguous_strata=(pl.col("weights") > 1).sum(),
    )
    indices = rows.select(_ITEM).unique().join(items, on=_ITEM, how="left", maintain_order="left").sort(_ITEM)
    reason = (
        pl.when(pl.col("quotes").is_null())
        .then(pl.lit(NO_QUOTE))
        .when(pl.col("ambiguous_strata") > 0)
        .then(pl.format("{} strata with several stratum weights each", "ambiguous_strata"))
        .when(~pl.col("index").is_finite())
        .then(pl.lit("the weights of its quotes or strata are all 0"))
    )
    return indices.with_columns(reason=reason).select(
        *_ITEM,
        pl.when(reason.is_null()).then("index").alias("index"),
        pl.col("quotes", "strata").fill_null(0),
        "reason",
    )


def formula_item_indices(quotes: pl.DataFrame, *, formulas: tuple[str, ...] = FORMULAS) -> pl.DataFrame:
    """Compute item indices from the same quotes by elementary formulas, without any weight or stratum.

    Takes what `office_item_indices` takes and counts the same quotes. Gives one row per formula, data_origin,
    item_number and month: formula, index (100 = the month of the base prices), quotes, strata (1, or 0 without a
    quote), reason. Raises ValueError on an unknown formula; the error lists the known ones.
    Source: as in `elementary_formulas`.
    """
    formulas = tuple(listed_values("formulas", formulas, "formulas"))
    for formula in formulas:
        refuse_unknown("formula", formula, FORMULAS, aliases=ALIASES)
    rows = _checked(quotes)
    counted = counting(rows).sort(_ITEM, maintain_order=True)
    values = [
        (*key, formula, 100.0 * getattr(elementary_formulas, formula)(base, price), len(price))
        for key, base, price in _vectors(counted)
        for formula in formulas
    ]
    schema: dict[str, Any] = {
        **{name: rows.schema[name] for name in _ITEM},
        "formula": pl.String,
        "index": pl.Float64,
        "quotes": pl.Int32,
    }
    computed = pl.DataFrame(values, schema=schema, orient="row")
    expected = (
        rows.select(_ITEM)
        .unique()
        .join(pl.DataFrame({"formula": list(formulas)}, schema={"formula": pl.String}), how="cross")
    )
    return (
        expected.join(computed, on=[*_ITEM, "formula"], how="left")
        .sort("formula", *_ITEM)
        .select(
            "formula",
            *_ITEM,
            "index",
            pl.col("quotes").fill_null(0),
            pl.col("quotes").is_not_null().cast(pl.Int32).alias("strata"),
            pl.when(pl.col("index").is_null()).then(pl.lit(NO_QUOTE)).alias("reason"),
        )
    )


def counting(quotes: pl.DataFrame, *, base_prices: str = "collected") -> pl.DataFrame:
    """Return the quotes with a valid price and (unless `base_prices` is "all") a valid base price, both above 0."""
    valid_base = pl.lit(value=True) if base_prices == "all" else pl.col("base_validity").is_in(COLLECTED)
    return quotes.filter(
        pl.col("validity").is_in(COLLECTED) & valid_base & (pl.col("price_gbp") > 0) & (pl.col("base_price_gbp") > 0)
    )


def collection_day(month: date) -> date:
    """Return the Tuesday nearest to the 15th of a month, about the day of the office's collection."""
    middle = month.replace(day=15)
    return middle + timedelta(days=(1 - middle.weekday() + 3) % 7 - 3)


DAYS_EITHER_SIDE = 3
"""Days before and after the collection day of a month on which a scraped price stands for it."""


def days_near_collection(month: date) -> tuple[date, date]:
    """Return the first and the last day of a month whose prices `scraped_as_collected` takes, unless told otherwise."""
    day, width = collection_day(month), timedelta(days=DAYS_EITHER_SIDE)
    return day - width, day + width


def scraped_as_collected(quotes: pl.DataFrame, *, days_either_side: int = DAYS_EITHER_SIDE) -> pl.DataFrame:
    """Scraped quotes in the form of official ones: one day a month, each retailer a stratum of equal weight.

    Takes `AcceptedQuote` rows. A month is priced on its collection day (`collection_day`), or on the nearest day with
    quotes of the retailer and item at most `days_either_side` days away (ties: the earlier). The base is January's
    price of the same product, or that of the first month of the year that the origin has; the base month itself gives
    relatives of 1. A product without a base price has base_price_gbp 0 and does not count.

    Gives the columns that `office_item_indices` takes. Raises ValueError for days_either_side below 0.
    """
    try:
        days_either_side = whole_number("days_either_side", days_either_side, least=0, most=MOST_DAYS)
    except ValueError:
        message = f"days_either_side is {days_either_side!r}, expected at least 0, a whole number"
        raise ValueError(message) from None
    quotes = _frame_with(
        quotes, ("data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"), "quotes"
    )
    stratum = ["data_origin", "retailer", "item_number"]
    priced = _of_collection_days(quotes, stratum, days_either_side)
    year = pl.col("month").dt.year()
    first = priced.group_by("data_origin", year.alias("year")).agg(base_month=pl.col("month").min())
    bases = (
        priced.with_columns(year=year)
        .join(first, on=["data_origin", "year"])
        .filter(pl.col("month") == pl.col("base_month"))
        .select(*stratum, "product", "year", pl.col("price_gbp").alias("base_price_gbp"))
    )
    cells = priced.select("data_origin", "retailer").unique().sort("data_origin", "retailer").with_row_index("cell", 1)
    return (
        priced.with_columns(year=year)
        .join(bases, on=[*stratum, "product", "year"], how="left")
        .join(cells, on=["data_origin", "retailer"])
        .select(
            "data_origin",
            "item_number",
            "month",
            "price_gbp",
            pl.col("base_price_gbp").fill_null(0.0),
            validity=pl.lit(3),
            base_validity=pl.when(pl.col("base_price_gbp").is_null()).then(0).otherwise(3),
            stratum_type=pl.lit(3),
            stratum_cell=pl.col("cell").cast(pl.Int64),
            stratum_weight=pl.lit(1.0),
            shop_weight=pl.lit(1.0),
        )
    )


def chained_official(indices: pl.DataFrame, *, by: list[str]) -> pl.DataFrame:
    """Chain printed indices, whose base is each January, into one series over the years.

    Takes the columns of `by`, month and index (100 = January of the year; of a January, 100 = the December before);
    one row per key and month. Gives the same keys and months with `chained`, 100 = the base of the first month (the
    January of its year, or the December before where it is a January), and `reason`. A year whose January or whose
    December before is missing ends the chain: from there on it is null with a reason.

    Raises ValueError where a key has a month twice.
    """
    by = listed_values("by", by, "columns")
    indices = _frame_with(indices, (*by, "month", "index"), "official indices")
    repeats = indices.filter(pl.struct(*by, "month").is_duplicated())
    refuse_rows(repeats, {"a month twice": pl.lit(value=True)}, "official indices")
    chained = [
        (*key, *row)
        for key, group in indices.sort(*by, "month").group_by(by, maintain_order=True)
        for row in _chain(group["month"].to_list(), group["index"].to_list())
    ]
    keys = {name: indices.schema[name] for name in by}
    schema: dict[str, Any] = {**keys, "month": pl.Date, "chained": pl.Float64, "reason": pl.String}
    return pl.DataFrame(chained, schema=schema, orient="row")


def combined_official(indices: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Combine printed item indices into classes and divisions by their printed weights, month by month.

    `indices`: data_origin, item_number, month, index, weight. `items`: item_number, class_code, division_code; an item
    that is not in it takes no part. Gives data_origin, level (`class`, `division`), code, month, index = Σ w I / Σ w
    over the items with index and weight, items; on the same base as the items' indices, to be chained as those.
    """
    indices = _frame_with(indices, (*_ITEM, "index", "weight"), "official indices")
    items = _frame_with(items, ("item_number", "class_code", "division_code"), "items")
    rows = indices.filter(pl.col("weight") > 0).join(items, on="item_number")
    mean = (pl.col("weight") * pl.col("index")).sum() / pl.col("weight").sum()
    parts = [
        rows.group_by("data_origin", pl.col(f"{level}_code").alias("code"), "month")
        .agg(index=mean, items=pl.len().cast(pl.Int32))
        .select("data_origin", pl.lit(level).alias("level"), "code", "month", "index", "items")
        for level in ("class", "division")
    ]
    return pl.concat(parts).sort("data_origin", "level", "code", "month")


def with_published(rebuilt: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Add the printed indices to rebuilt ones: published_index, difference, agrees (to printed precision), reason.

    `rebuilt`: data_origin, item_number, month, index, reason; further columns are kept. `published`: data_origin,
    item_number, month, index.
    """
    rebuilt = _frame_with(rebuilt, (*_ITEM, "index", "reason"), "rebuilt indices")
    published = _frame_with(published, (*_ITEM, "index"), "published indices")
    printed = published.select(*_ITEM, pl.col("index").alias("published_index"))
    difference = pl.col("index") - pl.col("published_index")
    missing = pl.when(pl.col("published_index").is_null()).then(pl.lit("no printed index of the month"))
    return (
        rebuilt.join(printed, on=_ITEM, how="left", maintain_order="left")
        .with_columns(
            difference=difference,
            # 1e-9 for rounding: half a unit is not exact in binary
            agrees=difference.abs() <= PRINTED_PRECISION + 1e-9,
            reason=pl.concat_str("reason", missing, separator="; ", ignore_nulls=True),
        )
        .with_columns(reason=pl.when(pl.col("reason") != "").then("reason"))
    )


def _frame_with(frame: pl.DataFrame, columns: Iterable[str], name: str) -> pl.DataFrame:
    """Frame that has the columns. Raises ValueError that names the frame and the column on another."""
    frame = eager_frame(frame, name)
    refuse_missing_columns(frame, columns, name)
    return frame


def _checked(quotes: pl.DataFrame) -> pl.DataFrame:
    rows = checked_columns(quotes, _QUOTES, "official quotes")
    faults = {
        "a null": pl.any_horizontal(pl.all().is_null()),
        "a weight below 0": (pl.col("shop_weight") < 0) | (pl.col("stratum_weight") < 0),
    }
    refuse_rows(rows, faults, "official quotes")
    return rows


def _vectors(quotes: pl.DataFrame) -> Iterator[tuple[tuple[object, ...], np.ndarray, np.ndarray]]:
    """Yield key, base prices and prices of each item and month; `quotes` are sorted by them."""
    runs = quotes.group_by(_ITEM, maintain_order=True).len()
    ends = np.cumsum(runs["len"].to_numpy())
    base, price = quotes["base_price_gbp"].to_numpy(), quotes["price_gbp"].to_numpy()
    for key, start, end in zip(runs.select(_ITEM).iter_rows(), ends - runs["len"].to_numpy(), ends, strict=True):
        yield key, base[start:end], price[start:end]


def _of_collection_days(quotes: pl.DataFrame, stratum: list[str], days_either_side: int) -> pl.DataFrame:
    """Return the quotes of the collection day of each retailer, item and month, with `month`."""
    dated = quotes.with_columns(month=pl.col("collected_on").dt.month_start())
    days = {month: collection_day(month) for month in dated["month"].unique().to_list()}
    target = pl.col("month").replace_strict(days, return_dtype=pl.Date)
    distance = (pl.col("collected_on") - target).dt.total_days()
    near = dated.with_columns(distance=distance.abs()).filter(pl.col("distance") <= days_either_side)
    chosen = (
        near.select(*stratum, "month", "collected_on", "distance")
        .unique()
        .sort("distance", "collected_on")
        .unique([*stratum, "month"], keep="first", maintain_order=True)
        .select(*stratum, "month", "collected_on")
    )
    return near.join(chosen, on=[*stratum, "month", "collected_on"], how="semi").drop("distance")


def _chain(months: list[date], indices: list[float]) -> Iterator[tuple[date, float | None, str | None]]:
    anchors: dict[date, float] = {}
    broken: str | None = None
    for month, index in zip(months, indices, strict=True):
        january = month.month == 1
        anchor = date(month.year - 1, 12, 1) if january else date(month.year, 1, 1)
        if not anchors:
            anchors[anchor] = 100.0  # the first month: its own base is the start
        if broken is None and anchor not in anchors:
            broken = f"the chain is broken: no index of {anchor:%Y-%m}, the base of {month:%Y-%m}"
        if broken is not None:
            yield month, None, broken
            continue
        anchors[month] = anchors[anchor] * index / 100.0
        yield month, anchors[month], None
