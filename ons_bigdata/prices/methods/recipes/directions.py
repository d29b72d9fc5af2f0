"""Direction of elementary indices: their movements against the price changes of the products behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.schemas.indices import IndexDirection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ons_bigdata.prices.methods.recipes.catalogue import Recipe

_STRATUM = ["data_origin", "retailer", "item_number"]
_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}
_OUTPUT = ["recipe", "method"]
_ERRORS_BELOW_ZERO = 2
"""Standard errors by which a slope lies below 0 where an index moves against its prices."""

LEAST_CHANGE = 0.02
"""Least root of the sum of the squared log changes of a series whose direction is judged.

Carli and Jevons, or clusters and matched products, differ by the like from one period to the next; with one movement,
as in two months, the slope has no error that would show it.
"""


def index_directions(
    elementary: pl.DataFrame, quotes: pl.DataFrame, pack_sizes: pl.DataFrame, recipes: Iterable[Recipe]
) -> pl.DataFrame:
    """Regress the movements of each elementary index of scope shelf on the mean log changes of continuing products.

    The two are not the same number (products come and go, windows average, clusters match no products), but rarely
    run apart: the slope, through the origin, is near 1 for most series. A mean unit price matches no products and
    is regressed on the change of the mean unit price of all. `elementary`: `ElementaryIndex` rows. `quotes`:
    data_origin, retailer, item_number, product, collected_on, price_gbp. `pack_sizes`: data_origin, retailer,
    item_number, product, pack_size.

    Returns `IndexDirection` rows, one per series with a movement other than 0 or a change to compare with. Status
    `untested`: the index moves where no change of prices is known, or the changes together are below `LEAST_CHANGE`;
    `against`: the slope is below 0 by more than twice its standard error; else `along`.
    """
    movements = _movements(elementary)
    outputs = [(recipe.name, output) for recipe in recipes for output in recipe.outputs]
    samples = {(output.frequency, output.days) for _, output in outputs}
    changes = {sample: _matched_changes(quotes, *sample) for sample in samples}
    unit_prices = _unit_price_changes(quotes, pack_sizes)
    compared = [
        movements.filter((pl.col("recipe") == recipe) & (pl.col("method") == output.method)).join(
            unit_prices if output.formula == "unit_price" else changes[output.frequency, output.days],
            on=[*_STRATUM, "period"],
            how="left",
        )
        for recipe, output in outputs
    ]
    nothing = movements.clear().with_columns(matched_change=pl.lit(None, pl.Float64))
    slopes = _slopes(pl.concat([nothing, *compared]))
    rows: pl.DataFrame = IndexDirection.validate(_judged(slopes), cast=True)
    return rows


def _movements(elementary: pl.DataFrame) -> pl.DataFrame:
    """Log change of each index of scope shelf since the period before it that has one, within a segment."""
    series = [*_STRATUM, *_OUTPUT]
    known = elementary.filter((pl.col("scope") == "shelf") & pl.col("segment_index").is_not_null())
    log_index = pl.col("segment_index").log()
    changes = known.sort(*series, "period").with_columns(
        movement=log_index - log_index.shift(1).over(series),
        is_linked=pl.col("segment") == pl.col("segment").shift(1).over(series),
    )
    return changes.filter("is_linked").select(*series, "period", "movement")


def _slopes(compared: pl.DataFrame) -> pl.DataFrame:
    """Slope of movement on change, its standard error and the number of movements compared, per series."""
    x, y = pl.col("matched_change"), pl.col("movement").filter(pl.col("matched_change").is_not_null())
    change = x.drop_nulls()
    sums = compared.group_by(*_STRATUM, *_OUTPUT).agg(
        movements=change.len(), xy=(change * y).sum(), xx=(change * change).sum(), yy=(y * y).sum(),
        moves=(pl.col("movement") != 0).any(),
    )  # fmt: skip
    slope = pl.when(pl.col("xx") > 0).then(pl.col("xy") / pl.col("xx"))
    slopes = sums.with_columns(slope=slope).filter(pl.col("slope").is_not_null() | pl.col("moves"))
    residual = (pl.col("yy") - pl.col("slope") * pl.col("xy")).clip(0.0) / (
        pl.col("movements").cast(pl.Int64) - 1
    ).clip(1)
    return slopes.with_columns(slope_error=(residual / pl.col("xx")).sqrt())


def _judged(slopes: pl.DataFrame) -> pl.DataFrame:
    is_against = pl.col("slope") + _ERRORS_BELOW_ZERO * pl.col("slope_error") < 0
    hardly_moved = pl.col("xx").sqrt() < LEAST_CHANGE
    is_untested = pl.col("slope").is_null() | hardly_moved
    status = pl.when(is_untested).then(pl.lit("untested")).when(is_against).then(pl.lit("against"))
    reason = (
        pl.when(pl.col("slope").is_not_null() & hardly_moved)
        .then(pl.lit(f"prices changed by less than {LEAST_CHANGE:.0%} in all periods together"))
        .when(pl.col("slope").is_null())
        .then(pl.lit("no change of prices: no product in two periods running, or all at the same price"))
        .when(pl.col("status") == "against")
        .then(
            pl.format(
                "moves against the products priced in two periods running: slope {} ± {} over {} movements",
                pl.col("slope").round(2),
                pl.col("slope_error").round(2),
                pl.col("movements"),
            )
        )
    )
    judged = slopes.with_columns(status=status.otherwise(pl.lit("along"))).with_columns(reason=reason)
    return judged.select(IndexDirection.column_names()).sort(*_STRATUM, *_OUTPUT)


def _matched_changes(quotes: pl.DataFrame, frequency: str, days: str) -> pl.DataFrame:
    """Mean log change, per stratum and period, of the products priced in it and in the stratum's period before."""
    on = pl.col("collected_on")
    first = on.dt.month_start()
    tuesday = first + pl.duration(days=7 + (9 - first.dt.weekday().cast(pl.Int64)) % 7)
    counted = quotes if days == "all" else quotes.filter((on - tuesday).dt.total_days().abs() <= 1)
    period = on.dt.truncate(_EVERY[frequency])
    priced = counted.group_by(*_STRATUM, "product", period.alias("period")).agg(
        log_price=pl.col("price_gbp").mean().log()
    )
    numbered = priced.with_columns(number=pl.col("period").rank("dense").over(_STRATUM).cast(pl.Int64))
    before = numbered.select(*_STRATUM, "product", number=pl.col("number") + 1, log_price_before="log_price")
    matched = numbered.join(before, on=[*_STRATUM, "product", "number"])
    return matched.group_by(*_STRATUM, "period").agg(
        matched_change=(pl.col("log_price") - pl.col("log_price_before")).mean()
    )


def _unit_price_changes(quotes: pl.DataFrame, pack_sizes: pl.DataFrame) -> pl.DataFrame:
    """Log change of the mean unit price of all products from the day with a price before."""
    priced = quotes.join(pack_sizes, on=[*_STRATUM, "product"]).group_by(*_STRATUM, period="collected_on")
    means = priced.agg(log_price=(pl.col("price_gbp") / pl.col("pack_size")).mean().log()).sort(*_STRATUM, "period")
    change = pl.col("log_price") - pl.col("log_price").shift(1).over(_STRATUM)
    return means.with_columns(matched_change=change).drop("log_price").drop_nulls()
