"""Direction of elementary indices: their movements against the price changes of the products behind them.

Three steps, of which the first two look at one month: bounds of the price changes between neighbouring periods,
movements of the indices compared with them, and the mark of each series by these counts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns
from ons_bigdata.prices.methods.panels.input_checks import instance_of, listed_values
from ons_bigdata.prices.methods.recipes.catalogue import Recipe
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.schemas.indices import IndexDirection, IndexDirectionMonth, PriceChangeBounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput

    Floats = NDArray[np.float64]

DAYS_AFTER = 13
"""Days after a month that are in view: its last week ends 6 days after it at most, and the week after that one."""

_STRATUM = ["data_origin", "retailer", "item_number"]
_EVERY = {"daily": "1d", "weekly": "1w", "monthly": "1mo"}
_OUTPUT = ["recipe", "method"]
_OF_QUOTES = [*_STRATUM, "product", "collected_on", "price_gbp", "entered_on"]
_OF_INDICES = [*_STRATUM, *_OUTPUT, "scope", "period", "segment", "segment_index"]
_COUNTS = ["movements", "identified_movements", "opposite_movements", "along_movements"]
_ROUNDING = 1e-9
"""Largest log change that is taken for none: means of equal prices differ in the last digits."""


def days_compared(month: date, recipes: Iterable[Recipe]) -> tuple[date, date]:
    """First and last day of the quotes on which the bounds of a month depend.

    From the Monday before the month before it, or before twice the longest time for which a price lasts, to
    `DAYS_AFTER` days after it. Raises ValueError where `month` is no first day of a month.
    """
    _refuse_no_month(month)
    lasting = max((_comparison(output)[3] for _, output in _outputs(recipes)), default=0)
    first = min(_month_before(month), month - timedelta(days=2 * lasting))
    return first - timedelta(days=first.weekday()), _last_day(month) + timedelta(days=DAYS_AFTER)


def price_change_bounds(quotes: pl.DataFrame, recipes: Iterable[Recipe], month: date) -> pl.DataFrame:
    """Bound the log price changes of the products that an index compares, for the periods that begin in a month.

    Products are compared as the formulas of the recipes compare them (`ElementaryFormula.compares`):

    * a chain over its links: a product that returns within the link window counts with its change since its last price
      less that of the index meanwhile, which lies between the sums of the least and of the largest changes; a carried
      price counts as unchanged;
    * a fixed base and a window only where the products priced are the same in both periods: a product that enters or
      leaves moves them by its level. Products that entered in view and have a price in one period alone do not count;
    * a mean unit price likewise, but there these products count, too;
    * clusters, which match nothing, over the products priced in both periods.

    `quotes`: data_origin, retailer, item_number, product, collected_on, price_gbp, and `entered_on`, the first day on
    which the product was considered (null: before these days). Quotes of other days than `days_compared` are left out,
    and so are periods that begin before these. A link counts as unknown where it spans a period to which links from
    before these days may lead.

    Returns `PriceChangeBounds` rows, one per stratum, comparison and period with a period before. Raises ValueError
    where a column is missing or `month` is no first day of a month.
    """
    recipes = listed_values("recipes", recipes, "recipes")
    first, last = days_compared(month, recipes)
    quotes = eager_frame(quotes, "quotes")
    refuse_missing_columns(quotes, _OF_QUOTES, "quotes")
    strata, in_view = _numbered(quotes.filter(pl.col("collected_on").is_between(first, last)))
    rules = sorted({_comparison(output) for _, output in _outputs(recipes)})
    # several rules compare the same prices: those of each frequency are ordered once
    priced = {key: _priced(in_view, *key, first) for key in sorted({(rule[1], rule[2]) for rule in rules})}
    rows = [
        _changes(rule, priced[rule[1], rule[2]], first)
        .filter(pl.col("period").dt.month_start() == month)
        .join(strata, on="stratum")
        .with_columns(comparison=pl.lit(_text(rule)), month=pl.lit(month))
        for rule in rules
    ]
    is_known = pl.col("least").is_finite() & pl.col("largest").is_finite()
    bounds = pl.concat(
        [PriceChangeBounds.create_empty(), *(frame.select(PriceChangeBounds.column_names()) for frame in rows)],
        how="vertical_relaxed",
    )
    known = bounds.with_columns(pl.when(is_known).then(pl.col("least", "largest")))
    valid: pl.DataFrame = PriceChangeBounds.validate(known.sort(PriceChangeBounds.primary_key()), cast=True)
    return valid


def direction_months(
    elementary: pl.DataFrame, bounds: pl.DataFrame, recipes: Iterable[Recipe], month: date
) -> pl.DataFrame:
    """Count the movements of elementary indices of scope shelf in a month, and those with an identified direction.

    A mean of price relatives, however weighted, lies between the least and the largest of them. The direction of a
    movement is therefore identified only where some of the products compared became dearer and none cheaper, or the
    reverse. Movements are those to periods that begin in the month, from one that began in it or in the month before.

    `elementary`: `ElementaryIndex` rows of these months, others are left out. `bounds`: `price_change_bounds` of the
    month. Returns `IndexDirectionMonth` rows, one per series with a movement or price change in the month. Raises
    ValueError where a column is missing or `month` is no first day of a month.
    """
    _refuse_no_month(month)
    elementary, bounds = eager_frame(elementary, "elementary"), eager_frame(bounds, "bounds")
    refuse_missing_columns(elementary, _OF_INDICES, "elementary")
    refuse_missing_columns(bounds, PriceChangeBounds.column_names(), "bounds")
    in_view = elementary.filter(pl.col("period").is_between(_month_before(month), _last_day(month)))
    movements = _movements(in_view).filter(pl.col("period") >= month)
    rules = {(recipe.name, output.method): _text(_comparison(output)) for recipe, output in _outputs(recipes)}
    of_series = pl.DataFrame(
        [(*output, rule) for output, rule in rules.items()],
        schema=dict.fromkeys([*_OUTPUT, "comparison"], pl.String),
        orient="row",
    )
    changes = bounds.filter(pl.col("month") == month).drop("month")
    compared = movements.join(of_series, on=_OUTPUT).join(
        changes, on=[*_STRATUM, "comparison", "period", "period_before"], how="left"
    )
    counts = _counted(compared).with_columns(month=pl.lit(month)).select(IndexDirectionMonth.column_names())
    rows: pl.DataFrame = IndexDirectionMonth.validate(counts.sort(IndexDirectionMonth.primary_key()), cast=True)
    return rows


def index_directions(months: pl.DataFrame) -> pl.DataFrame:
    """Mark each elementary index of scope shelf that moves against its prices, by the counts of all its months.

    Takes `IndexDirectionMonth` rows. Returns `IndexDirection` rows, one per series that moves or whose prices do.
    Status `untested`: no movement has an identified direction; `against`: the index moves opposite to it more often
    than along with it; else `along`.
    """
    months = eager_frame(months, "months")
    refuse_missing_columns(months, IndexDirectionMonth.column_names(), "months")
    counts = months.group_by(*_STRATUM, *_OUTPUT).agg(pl.col(_COUNTS).sum(), pl.col("has_changes", "moves").any())
    rows: pl.DataFrame = IndexDirection.validate(_marked(counts), cast=True)
    return rows


def _refuse_no_month(month: object) -> None:
    if not isinstance(month, date) or month.day != 1:
        message = f"month: found {month!r}, expected the first day of a month"
        raise ValueError(message)


def _month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _last_day(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _outputs(recipes: Iterable[Recipe]) -> list[tuple[Recipe, RecipeOutput]]:
    recipes = [instance_of("recipes", recipe, Recipe) for recipe in listed_values("recipes", recipes, "recipes")]
    return [(recipe, output) for recipe in recipes for output in recipe.outputs]


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


def _counted(compared: pl.DataFrame) -> pl.DataFrame:
    """Count identified and opposite movements per series; those of series that neither move nor have changes go.

    Bounds that are not known (null) are of prices that changed.
    """
    is_rise = pl.col("same_products") & (pl.col("least") >= -_ROUNDING) & (pl.col("largest") > _ROUNDING)
    is_fall = pl.col("same_products") & (pl.col("largest") <= _ROUNDING) & (pl.col("least") < -_ROUNDING)
    is_unknown = pl.col("same_products").is_not_null() & pl.col("least").is_null()
    has_changes = (pl.col("largest") > _ROUNDING) | (pl.col("least") < -_ROUNDING) | is_unknown
    moves = pl.col("movement").abs() > _ROUNDING
    direction = pl.when(is_rise).then(1).when(is_fall).then(-1).otherwise(0)
    signed = compared.with_columns(agreement=pl.when(moves).then(pl.col("movement").sign() * direction).otherwise(0))
    return signed.group_by(*_STRATUM, *_OUTPUT).agg(
        movements=pl.col("same_products").is_not_null().sum(),
        identified_movements=(is_rise | is_fall).sum(),
        opposite_movements=(pl.col("agreement") < 0).sum(),
        along_movements=(pl.col("agreement") > 0).sum(),
        has_changes=has_changes.any(),
        moves=moves.any(),
    )


def _marked(counts: pl.DataFrame) -> pl.DataFrame:
    """Mark each series by its counts, with the reason of a mark."""
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


def _comparison(output: RecipeOutput) -> tuple[str, str, str, int]:
    """Choices of an output behind its changes: comparison, frequency, days, and days that a price lasts."""
    days = output.link_window_days or output.carry_days or 0
    return FORMULAS[output.formula].compares, output.frequency, output.days, days


def _text(comparison: tuple[str, str, str, int]) -> str:
    compares, frequency, days, lasting_days = comparison
    return f"{compares} {frequency} {days} {lasting_days}"


def _changes(comparison: tuple[str, str, str, int], priced: pl.DataFrame, first: date) -> pl.DataFrame:
    """Least and largest log change, per stratum and period, since the stratum's period before, and its first day.

    `priced`: rows of `_priced`. `first`: first day in view. `same_products`: whether the index moves by these changes
    alone.
    """
    compares, _, _, lasting_days = comparison
    if compares in {"links", "carried_links"}:
        return _linked_changes(priced, lasting_days, first, carried=compares == "carried_links")
    return _matched_changes(priced, compares)


def _numbered(quotes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Strata with their numbers; and the quotes by stratum, product and day, with numbers in the place of the keys."""
    ordered = quotes.sort(*_STRATUM, "product", "collected_on").with_columns(stratum=pl.struct(_STRATUM).rle_id())
    strata = ordered.select("stratum", *_STRATUM).unique("stratum", maintain_order=True)
    product = pl.struct("stratum", "product").rle_id().alias("product")
    return strata, ordered.select("stratum", product, "collected_on", "price_gbp", "entered_on")


def _priced(quotes: pl.DataFrame, frequency: str, days: str, first: date) -> pl.DataFrame:
    """Log of the mean price per product and period from `first`, with the last price, in the order of both.

    `number`, `period_before`: of the period among those of the stratum, and the one before it.
    """
    on = pl.col("collected_on")
    begins = on.dt.month_start()
    tuesday = begins + pl.duration(days=7 + (9 - begins.dt.weekday().cast(pl.Int64)) % 7)
    counted = quotes if days == "all" else quotes.filter((on - tuesday).dt.total_days().abs() <= 1)
    in_periods = counted.with_columns(period=on.dt.truncate(_EVERY[frequency])).filter(pl.col("period") >= first)
    priced = (
        in_periods.group_by("stratum", "product", "period", maintain_order=True)
        .agg(log_price=pl.col("price_gbp").mean().log(), entered_on=pl.col("entered_on").min())
    )  # fmt: skip
    numbers = priced.select("stratum", "period").unique().sort("stratum", "period").with_columns(
        number=pl.int_range(pl.len(), dtype=pl.Int64).over("stratum"),
        period_before=pl.col("period").shift(1).over("stratum"),
    )  # fmt: skip
    product = pl.col("product")
    follows = (product == product.shift(1)).fill_null(value=False)
    goes_on = (product == product.shift(-1)).fill_null(value=False)
    is_new = (pl.col("entered_on") >= first).fill_null(value=False)
    return priced.join(numbers, on=["stratum", "period"], how="left", maintain_order="left").with_columns(
        change=pl.when(follows).then(pl.col("log_price") - pl.col("log_price").shift(1)),
        last_number=pl.when(follows).then(pl.col("number").shift(1)),
        last_period=pl.when(follows).then(pl.col("period").shift(1)),
        was_priced_once=~follows & ~goes_on & is_new,
    )


def _matched_changes(priced: pl.DataFrame, compares: str) -> pl.DataFrame:
    """Changes of the products priced in the stratum's period before, too."""
    counted = priced if compares == "all_products" else priced.filter(~pl.col("was_priced_once"))
    counts = counted.group_by("stratum", "number").agg(products=pl.len())
    is_matched = pl.col("last_number") == pl.col("number") - 1
    matched = priced.filter(is_matched).group_by("stratum", "number").agg(
        period=pl.col("period").first(),
        period_before=pl.col("last_period").first(),
        least=pl.col("change").min(),
        largest=pl.col("change").max(),
        matched=pl.len(),
    )  # fmt: skip
    before = counts.select("stratum", pl.col("number") + 1, products_before="products")
    key = ["stratum", "number"]
    both = matched.join(counts, on=key).join(before, on=key)
    same = (pl.col("products") == pl.col("matched")) & (pl.col("products_before") == pl.col("matched"))
    return both.select(
        "stratum", "period", "period_before", "least", "largest", same_products=same | (compares == "any_products")
    )


def _linked_changes(priced: pl.DataFrame, lasting_days: int, first: date, *, carried: bool) -> pl.DataFrame:
    """Changes over the links of a chain; those of a link over more than one period less the index's change meanwhile.

    `carried`: instead, the last price is carried for `lasting_days` and compared with that of the period before.
    Infinite in the first `lasting_days` from `first`, where links from before it may end.
    """
    rows = priced.filter(pl.col("period_before").is_not_null())
    periods = rows.select("stratum", "number", "period", "period_before").unique()
    until = pl.col("period_before") if carried else pl.col("period")
    links = rows.filter((until - pl.col("last_period")).dt.total_days() <= lasting_days)
    if carried:
        links = links.with_columns(last_number=pl.col("number") - 1)
    bounds = [rows.clear().select("stratum", "number", least="change", largest="change")]
    from_outside = pl.col("period") < first + timedelta(days=0 if carried else lasting_days)
    columns = links.select("stratum", "number", "last_number", "change", is_unknown=from_outside)
    for of_stratum in columns.partition_by("stratum", maintain_order=True):
        unknown = of_stratum.filter("is_unknown")["number"].unique().to_list()
        ends, starts_at, changes_of = of_stratum.select("number", "last_number", "change").to_numpy().T
        numbers, least, largest = _chain_bounds(ends, starts_at, changes_of, unknown)
        frame = pl.DataFrame({"number": numbers, "least": least, "largest": largest})
        stratum = pl.lit(of_stratum["stratum"][0]).alias("stratum")
        bounds.append(frame.select(stratum, "number", "least", "largest").cast(bounds[0].schema))
    changes = pl.concat(bounds).join(periods, on=["stratum", "number"])
    is_known = pl.col("least").is_finite() & pl.col("largest").is_finite()
    return changes.select("stratum", "period", "period_before", "least", "largest", same_products=is_known)


def _chain_bounds(
    numbers: Floats, last_numbers: Floats, changes: Floats, unknown: Sequence[int]
) -> tuple[Floats, Floats, Floats]:
    """Bounds of the log movement to each period with a link, from those of the links to it.

    One link per element: number of its period and of that of the last price, and log change between them. Infinite
    in the periods `unknown`, not all of whose links are given, and where a link spans one of them or a period that none
    ends in.
    """
    size = int(numbers.max()) + 1
    least, largest = np.full(size, -np.inf), np.full(size, np.inf)
    order = np.argsort(numbers, kind="stable")
    linked, first = np.unique(numbers[order], return_index=True)
    for number, rows in zip(linked.astype(np.int64), np.split(order, first[1:]), strict=True):
        if number in unknown:
            continue
        starts = last_numbers[rows].astype(np.int64) + 1
        low, high = changes[rows].copy(), changes[rows].copy()
        for n in np.flatnonzero(starts < number):
            low[n] -= largest[starts[n] : number].sum()
            high[n] -= least[starts[n] : number].sum()
        least[number], largest[number] = low.min(), high.max()
    rows = linked.astype(np.int64)
    return linked, least[rows], largest[rows]
