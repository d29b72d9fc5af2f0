"""Direction of elementary indices: their movements against the price changes of the products behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    eager_frame,
    instance_of,
    listed_values,
    refuse_missing_columns,
)
from ons_bigdata.prices.methods.recipes.catalogue import Recipe
from ons_bigdata.prices.schemas.indices import IndexDirection

if TYPE_CHECKING:
    from collections.abc import Iterable

_STRATUM = ["data_origin", "retailer", "item_number"]
_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}
_OUTPUT = ["recipe", "method"]
_OF_INDICES = [*_STRATUM, *_OUTPUT, "scope", "period", "segment", "segment_index"]
_ROUNDING = 1e-9
"""Largest log change that is taken for none: means of equal prices differ in the last digits."""


def index_directions(
    elementary: pl.DataFrame, quotes: pl.DataFrame, pack_sizes: pl.DataFrame, recipes: Iterable[Recipe]
) -> pl.DataFrame:
    """Compare the sign of each movement of an elementary index of scope shelf with that of its prices, if identified.

    A mean of price relatives, however weighted, lies between the least and the largest of them. The direction of a
    movement is therefore identified only where some of the products priced in both periods became dearer and none
    cheaper, or the reverse: there every matched-model index moves that way. A mean unit price matches no products; its
    direction is that of the mean unit price of all. `elementary`: `ElementaryIndex` rows. `quotes`: data_origin,
    retailer, item_number, product, collected_on, price_gbp. `pack_sizes`: data_origin, retailer, item_number, product,
    pack_size.

    Returns `IndexDirection` rows, one per series that moves or whose prices do. Status `untested`: no movement has an
    identified direction; `against`: the index moves opposite to it more often than along with it; else `along`.
    """
    elementary, quotes = eager_frame(elementary, "elementary"), eager_frame(quotes)
    pack_sizes = eager_frame(pack_sizes, "pack_sizes")
    refuse_missing_columns(elementary, _OF_INDICES, "elementary")
    refuse_missing_columns(quotes, (*_STRATUM, "product", "collected_on", "price_gbp"), "quotes")
    refuse_missing_columns(pack_sizes, (*_STRATUM, "product", "pack_size"), "pack_sizes")
    recipes = [instance_of("recipes", recipe, Recipe) for recipe in listed_values("recipes", recipes, "recipes")]
    movements = _movements(elementary)
    outputs = [(recipe.name, output) for recipe in recipes for output in recipe.outputs]
    samples = {(output.frequency, output.days) for _, output in outputs}
    changes = {sample: _matched_changes(quotes, *sample) for sample in samples}
    unit_prices = _unit_price_changes(quotes, pack_sizes)
    compared = [
        movements.filter((pl.col("recipe") == recipe) & (pl.col("method") == output.method)).join(
            unit_prices if output.formula == "unit_price" else changes[output.frequency, output.days],
            on=[*_STRATUM, "period", "period_before"],
            how="left",
        )
        for recipe, output in outputs
    ]
    nothing = movements.clear().with_columns(least=pl.lit(None, pl.Float64), largest=pl.lit(None, pl.Float64))
    rows: pl.DataFrame = IndexDirection.validate(_judged(pl.concat([nothing, *compared])), cast=True)
    return rows


def _movements(elementary: pl.DataFrame) -> pl.DataFrame:
    """Log change of each index of scope shelf since the period before it that has one, within a segment."""
    series = [*_STRATUM, *_OUTPUT]
    known = elementary.filter((pl.col("scope") == "shelf") & pl.col("segment_index").is_not_null())
    log_index = pl.col("segment_index").log()
    changes = known.sort(*series, "period").with_columns(
        movement=log_index - log_index.shift(1).over(series),
        period_before=pl.col("period").shift(1).over(series),
        is_linked=pl.col("segment") == pl.col("segment").shift(1).over(series),
    )
    return changes.filter("is_linked").select(*series, "period", "period_before", "movement")


def _judged(compared: pl.DataFrame) -> pl.DataFrame:
    """Count identified and opposite movements per series, and judge."""
    is_rise = (pl.col("least") >= -_ROUNDING) & (pl.col("largest") > _ROUNDING)
    is_fall = (pl.col("largest") <= _ROUNDING) & (pl.col("least") < -_ROUNDING)
    has_changes = (pl.col("largest") > _ROUNDING) | (pl.col("least") < -_ROUNDING)
    moves = pl.col("movement").abs() > _ROUNDING
    direction = pl.when(is_rise).then(1).when(is_fall).then(-1).otherwise(0)
    signed = compared.with_columns(agreement=pl.when(moves).then(pl.col("movement").sign() * direction).otherwise(0))
    counts = signed.group_by(*_STRATUM, *_OUTPUT).agg(
        movements=pl.col("least").is_not_null().sum(),
        identified_movements=(is_rise | is_fall).sum(),
        opposite_movements=(pl.col("agreement") < 0).sum(),
        along_movements=(pl.col("agreement") > 0).sum(),
        has_changes=has_changes.any(),
        moves=moves.any(),
    )
    status = (
        pl.when(pl.col("identified_movements") == 0)
        .then(pl.lit("untested"))
        .when(pl.col("opposite_movements") > pl.col("along_movements"))
        .then(pl.lit("against"))
        .otherwise(pl.lit("along"))
    )
    reason = (
        pl.when((pl.col("status") == "untested") & pl.col("has_changes"))
        .then(pl.lit("some prices rose and some fell in every period with changes"))
        .when(pl.col("status") == "untested")
        .then(pl.lit("no change of prices: no product in two periods running, or all at the same price"))
        .when(pl.col("status") == "against")
        .then(
            pl.format(
                "moves against the products priced in two periods running in {} of the {} periods in which all of their"
                " price changes had one direction",
                pl.col("opposite_movements"),
                pl.col("identified_movements"),
            )
        )
    )
    judged = counts.filter(pl.col("moves") | pl.col("has_changes")).with_columns(status=status)
    return judged.with_columns(reason=reason).select(IndexDirection.column_names()).sort(*_STRATUM, *_OUTPUT)


def _matched_changes(quotes: pl.DataFrame, frequency: str, days: str) -> pl.DataFrame:
    """Least and largest log change, per stratum and period, of the products priced in it and in the period before."""
    on = pl.col("collected_on")
    first = on.dt.month_start()
    tuesday = first + pl.duration(days=7 + (9 - first.dt.weekday().cast(pl.Int64)) % 7)
    counted = quotes if days == "all" else quotes.filter((on - tuesday).dt.total_days().abs() <= 1)
    period = on.dt.truncate(_EVERY[frequency])
    priced = counted.group_by(*_STRATUM, "product", period.alias("period")).agg(
        log_price=pl.col("price_gbp").mean().log()
    )
    numbered = priced.with_columns(number=pl.col("period").rank("dense").over(_STRATUM).cast(pl.Int64))
    before = numbered.select(
        *_STRATUM, "product", number=pl.col("number") + 1, log_price_before="log_price", period_before="period"
    )
    change = pl.col("log_price") - pl.col("log_price_before")
    matched = numbered.join(before, on=[*_STRATUM, "product", "number"])
    return matched.group_by(*_STRATUM, "period", "period_before").agg(least=change.min(), largest=change.max())


def _unit_price_changes(quotes: pl.DataFrame, pack_sizes: pl.DataFrame) -> pl.DataFrame:
    """Log change of the mean unit price of all products from the day with a price before: both bounds are the same."""
    priced = quotes.join(pack_sizes, on=[*_STRATUM, "product"]).group_by(*_STRATUM, period="collected_on")
    means = priced.agg(log_price=(pl.col("price_gbp") / pl.col("pack_size")).mean().log()).sort(*_STRATUM, "period")
    change = pl.col("log_price") - pl.col("log_price").shift(1).over(_STRATUM)
    before = pl.col("period").shift(1).over(_STRATUM)
    changes = means.with_columns(period_before=before, least=change, largest=change)
    return changes.drop("log_price").drop_nulls()
