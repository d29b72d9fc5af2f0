"""Direction of elementary indices: their movements against the price changes of the products behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.panels.input_checks import instance_of, listed_values
from ons_bigdata.prices.methods.recipes.catalogue import Recipe
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.schemas.indices import IndexDirection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput

    Floats = NDArray[np.float64]

_STRATUM = ["data_origin", "retailer", "item_number"]
_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}
_OUTPUT = ["recipe", "method"]
_OF_INDICES = [*_STRATUM, *_OUTPUT, "scope", "period", "segment", "segment_index"]
_CHANGES = {"least": pl.Float64, "largest": pl.Float64, "same_products": pl.Boolean}
_ROUNDING = 1e-9
"""Largest log change that is taken for none: means of equal prices differ in the last digits."""


def index_directions(
    elementary: pl.DataFrame, quotes: pl.DataFrame, pack_sizes: pl.DataFrame, recipes: Iterable[Recipe]
) -> pl.DataFrame:
    """Compare the sign of each movement of an elementary index of scope shelf with that of its prices, if identified.

    A mean of price relatives, however weighted, lies between the least and the largest of them. The direction of a
    movement is therefore identified only where some of the products compared became dearer and none cheaper, or the
    reverse. Products are compared as the index compares them (`ElementaryFormula.compares`):

    * a chain over its links: a product that returns within the link window counts with its change since its last price
      less that of the index meanwhile, which lies between the sums of the least and of the largest changes; a carried
      price counts as unchanged;
    * a fixed base and a window only where the products priced are the same in both periods: a product that enters or
      leaves moves them by its level. Products with a price in one period alone do not count;
    * clusters, which match nothing, over the products priced in both periods;
    * a mean unit price over that of all products.

    `elementary`: `ElementaryIndex` rows. `quotes`: data_origin,
    retailer, item_number, product, collected_on, price_gbp. `pack_sizes`: data_origin, retailer, item_number, product,
    pack_size.

    Returns `IndexDirection` rows, one per series that moves or whose prices do. Status `untested`: no movement has an
    identified direction; `against`: the index moves opposite to it more often than along with it; else `along`.
    """
    elementary, quotes = eager_frame(elementary, "elementary"), eager_frame(quotes, "quotes")
    pack_sizes = eager_frame(pack_sizes, "pack_sizes")
    refuse_missing_columns(elementary, _OF_INDICES, "elementary")
    refuse_missing_columns(quotes, (*_STRATUM, "product", "collected_on", "price_gbp"), "quotes")
    refuse_missing_columns(pack_sizes, (*_STRATUM, "product", "pack_size"), "pack_sizes")
    recipes = [instance_of("recipes", recipe, Recipe) for recipe in listed_values("recipes", recipes, "recipes")]
    movements = _movements(elementary)
    outputs = [(recipe.name, output) for recipe in recipes for output in recipe.outputs]
    rules = {_rule(output) for _, output in outputs}
    # several rules compare the same prices: those of each frequency are ordered once
    priced = {key: _priced(quotes, *key) for key in {(frequency, days) for _, frequency, days, _ in rules}}
    changes = {rule: _changes(rule, priced, quotes, pack_sizes) for rule in rules}
    compared = [
        movements.filter((pl.col("recipe") == recipe) & (pl.col("method") == output.method)).join(
            changes[_rule(output)], on=[*_STRATUM, "period", "period_before"], how="left"
        )
        for recipe, output in outputs
    ]
    nothing = movements.clear().with_columns(**{name: pl.lit(None, kind) for name, kind in _CHANGES.items()})
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
    is_rise = pl.col("same_products") & (pl.col("least") >= -_ROUNDING) & (pl.col("largest") > _ROUNDING)
    is_fall = pl.col("same_products") & (pl.col("largest") <= _ROUNDING) & (pl.col("least") < -_ROUNDING)
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
        .then(pl.lit("in every period with changes some prices rose and some fell, or other products were compared"))
        .when(pl.col("status") == "untested")
        .then(pl.lit("no change of prices: no product in two periods running, or all at the same price"))
        .when(pl.col("status") == "against")
        .then(
            pl.format(
                "moves against the products that it compares in {} of the {} periods in which all of their price"
                " changes had one direction",
                pl.col("opposite_movements"),
                pl.col("identified_movements"),
            )
        )
    )
    judged = counts.filter(pl.col("moves") | pl.col("has_changes")).with_columns(status=status)
    return judged.with_columns(reason=reason).select(IndexDirection.column_names()).sort(*_STRATUM, *_OUTPUT)


def _rule(output: RecipeOutput) -> tuple[str, str, str, int]:
    """Choices of an output behind its changes: comparison, frequency, days, and days that a price lasts."""
    days = output.link_window_days or output.carry_days or 0
    return FORMULAS[output.formula].compares, output.frequency, output.days, days


def _changes(
    rule: tuple[str, str, str, int],
    priced: Mapping[tuple[str, str], pl.DataFrame],
    quotes: pl.DataFrame,
    pack_sizes: pl.DataFrame,
) -> pl.DataFrame:
    """Least and largest log change, per stratum and period, since the stratum's period before, and its first day.

    `priced`: rows of `_priced` by frequency and days. `same_products`: whether the index moves by these changes alone.
    """
    compares, frequency, days, lasting_days = rule
    if compares == "unit_prices":
        return _unit_price_changes(quotes, pack_sizes).with_columns(same_products=pl.lit(value=True))
    prices = priced[frequency, days]
    if compares in {"links", "carried_links"}:
        return _linked_changes(prices, lasting_days, carried=compares == "carried_links")
    return _matched_changes(prices, any_products=compares == "any_products")


def _priced(quotes: pl.DataFrame, frequency: str, days: str) -> pl.DataFrame:
    """Log of the mean price per product and period, with the number of the stratum's period and its last price."""
    on = pl.col("collected_on")
    first = on.dt.month_start()
    tuesday = first + pl.duration(days=7 + (9 - first.dt.weekday().cast(pl.Int64)) % 7)
    counted = quotes if days == "all" else quotes.filter((on - tuesday).dt.total_days().abs() <= 1)
    period = on.dt.truncate(_EVERY[frequency])
    priced = counted.group_by(*_STRATUM, "product", period.alias("period")).agg(
        log_price=pl.col("price_gbp").mean().log()
    )
    product = [*_STRATUM, "product"]
    return (
        priced.with_columns(number=pl.col("period").rank("dense").over(_STRATUM).cast(pl.Int64))
        .sort(*product, "period")
        .with_columns(
            change=pl.col("log_price") - pl.col("log_price").shift(1).over(product),
            last_number=pl.col("number").shift(1).over(product),
            last_period=pl.col("period").shift(1).over(product),
            periods_priced=pl.len().over(product),
        )
    )


def _matched_changes(priced: pl.DataFrame, *, any_products: bool) -> pl.DataFrame:
    """Changes of the products priced in the stratum's period before, too."""
    counts = priced.filter(pl.col("periods_priced") > 1).group_by(*_STRATUM, "number").agg(products=pl.len())
    is_matched = pl.col("last_number") == pl.col("number") - 1
    matched = priced.filter(is_matched).group_by(*_STRATUM, "number", "period").agg(
        period_before=pl.col("last_period").first(),
        least=pl.col("change").min(),
        largest=pl.col("change").max(),
        matched=pl.len(),
    )  # fmt: skip
    before = counts.select(*_STRATUM, pl.col("number") + 1, products_before="products")
    key = [*_STRATUM, "number"]
    both = matched.join(counts, on=key).join(before, on=key)
    same = (pl.col("products") == pl.col("matched")) & (pl.col("products_before") == pl.col("matched"))
    return both.select(*_STRATUM, "period", "period_before", "least", "largest", same_products=same | any_products)


def _linked_changes(priced: pl.DataFrame, lasting_days: int, *, carried: bool) -> pl.DataFrame:
    """Changes over the links of a chain; those of a link over more than one period less the index's change meanwhile.

    `carried`: instead, the last price is carried for `lasting_days` and compared with that of the period before.
    """
    starts = priced.select(*_STRATUM, "number", "period").unique().sort(*_STRATUM, "number")
    before = starts.select(*_STRATUM, pl.col("number") + 1, period_before="period")
    rows = priced.join(before, on=[*_STRATUM, "number"])
    until = pl.col("period_before") if carried else pl.col("period")
    links = rows.filter((until - pl.col("last_period")).dt.total_days() <= lasting_days)
    if carried:
        links = links.with_columns(last_number=pl.col("number") - 1)
    bounds = [rows.clear().select(*_STRATUM, "number", least="change", largest="change")]
    for stratum, of_stratum in links.partition_by(_STRATUM, as_dict=True).items():
        numbers, least, largest = _chain_bounds(*of_stratum.select("number", "last_number", "change").to_numpy().T)
        key = {name: pl.lit(value) for name, value in zip(_STRATUM, stratum, strict=True)}
        frame = pl.DataFrame({"number": numbers, "least": least, "largest": largest}).with_columns(**key)
        bounds.append(frame.select(bounds[0].columns).cast(bounds[0].schema))
    of_period = rows.select(*_STRATUM, "number", "period", "period_before").unique()
    changes = pl.concat(bounds).join(of_period, on=[*_STRATUM, "number"])
    is_known = pl.col("least").is_finite() & pl.col("largest").is_finite()
    return changes.select(*_STRATUM, "period", "period_before", "least", "largest", same_products=is_known)


def _chain_bounds(numbers: Floats, last_numbers: Floats, changes: Floats) -> tuple[Floats, Floats, Floats]:
    """Bounds of the log movement to each period with a link, from those of the links to it.

    One link per element: number of its period and of that of the last price, and log change between them. Infinite
    where a link spans a period that none ends in.
    """
    size = int(numbers.max()) + 1
    least, largest = np.full(size, -np.inf), np.full(size, np.inf)
    order = np.argsort(numbers, kind="stable")
    linked, first = np.unique(numbers[order], return_index=True)
    for number, rows in zip(linked.astype(np.int64), np.split(order, first[1:]), strict=True):
        starts = last_numbers[rows].astype(np.int64) + 1
        low, high = changes[rows].copy(), changes[rows].copy()
        for n in np.flatnonzero(starts < number):
            low[n] -= largest[starts[n] : number].sum()
            high[n] -= least[starts[n] : number].sum()
        least[number], largest[number] = low.min(), high.max()
    rows = linked.astype(np.int64)
    return linked, least[rows], largest[rows]


def _unit_price_changes(quotes: pl.DataFrame, pack_sizes: pl.DataFrame) -> pl.DataFrame:
    """Log change of the mean unit price of all products from the day with a price before: both bounds are the same."""
    priced = quotes.join(pack_sizes, on=[*_STRATUM, "product"]).group_by(*_STRATUM, period="collected_on")
    means = priced.agg(log_price=(pl.col("price_gbp") / pl.col("pack_size")).mean().log()).sort(*_STRATUM, "period")
    change = pl.col("log_price") - pl.col("log_price").shift(1).over(_STRATUM)
    before = pl.col("period").shift(1).over(_STRATUM)
    changes = means.with_columns(period_before=before, least=change, largest=change)
    return changes.drop("log_price").drop_nulls()
