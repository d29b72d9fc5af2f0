"""Direction of each stored elementary index against its quotes: which series moves against its prices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.dagster.by_period import ByPeriod, Period, stretches_of_periods
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.prices.assets.indices.figures import ELEMENTARY
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.recipes import (
    days_compared,
    direction_months,
    index_directions,
    parameters_hash,
    price_change_bounds,
)
from ons_bigdata.prices.schemas.indices import IndexDirection, IndexDirectionMonth, PriceChangeBounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import dagster as dg

    from ons_bigdata.prices.methods.recipes import Recipe

BOUNDS = "analysis.price_change_bounds"
MONTHS = "analysis.index_direction_months"

METHODS = ("ons_bigdata.prices.methods.recipes.directions", "ons_bigdata.prices.methods.recipes.formulas")
"""Modules whose code makes the rows of the tables by month; the recipes are parameters of their hash."""

STRETCH_DAYS = 140
"""Most days of quotes that are read at a time."""

_COLLECTED = ["data_origin", "retailer", "collected_item_number", "product"]
_QUOTE_COLUMNS = [*_COLLECTED, "item_number", "collected_on", "price_gbp"]
_INDEX_COLUMNS = [
    "data_origin", "retailer", "item_number", "recipe", "method", "scope", "period", "segment", "segment_index",
]  # fmt: skip


@table_asset(
    table=BOUNDS,
    inputs={
        "quotes": "intermediate.int_prices__quotes_accepted",
        "entered": "intermediate.int_prices__products_entered",
        "item_days": "intermediate.int_prices__item_days_accepted",
    },
    frame=PriceChangeBounds,
    description=(
        "One row per retailer, item, comparison and period: least and largest price change since the period before. "
        "Built by month. Internal: for the directions of indices."
    ),
    by_period=ByPeriod("month", {"quotes": "collected_on", "entered": "first_on"}, packages=METHODS),
)
def price_change_bounds_by_month(inputs: Inputs, run: AssetRun) -> Output:
    """Bound the price changes of the months whose quotes, or those of the weeks around them, changed."""
    recipes = current_recipes()
    days = inputs.read("item_days", ["collected_on"])["collected_on"].unique()
    # the week of a month's first days may begin in the month before
    months = pl.concat([days, days.dt.truncate("1w")]).dt.month_start().unique().sort()
    build = run.periods_to_build(BOUNDS, [Period(m, *days_compared(m, recipes)) for m in months], _text(recipes))
    parts: list[pl.DataFrame] = [PriceChangeBounds.create_empty()]
    for stretch in stretches_of_periods(build.stale, STRETCH_DAYS):
        seen = stretch[0].first_day, max(period.last_day for period in stretch)
        quotes = _quotes_with_entry(inputs, seen)
        for of_retailer in quotes.partition_by("data_origin", "retailer"):
            parts += [price_change_bounds(of_retailer, recipes, period.start) for period in stretch]
    return Output(pl.concat(parts), build=build)


@table_asset(
    table=MONTHS,
    inputs={"elementary": ELEMENTARY.name, "bounds": BOUNDS},
    frame=IndexDirectionMonth,
    description=(
        "One row per retailer, item, recipe, method and month: movements of the elementary index by whether they go "
        "along with its prices. Built by month. Internal: for the directions of indices."
    ),
    by_period=ByPeriod("month", {"elementary": "period", "bounds": "month"}, packages=METHODS),
)
def index_direction_months(inputs: Inputs, run: AssetRun) -> Output:
    """Compare the stored indices with the bounds of the price changes, for the months in which either changed."""
    recipes = current_recipes()
    months = inputs.read("elementary", ["period"])["period"].dt.month_start().unique().sort()
    build = run.periods_to_build(MONTHS, list(_with_month_before(months)), _text(recipes))
    parts: list[pl.DataFrame] = [IndexDirectionMonth.create_empty()]
    for period in build.stale:
        seen = period.first_day, period.last_day
        elementary = inputs.read_days("elementary", "period", seen, _INDEX_COLUMNS)
        bounds = inputs.read_days("bounds", "month", (period.start, period.start), PriceChangeBounds.column_names())
        parts.append(direction_months(elementary, bounds, recipes, period.start))
    return Output(pl.concat(parts), build=build)


@table_asset(
    table="analysis.elementary_index_directions",
    inputs={"months": MONTHS},
    frame=IndexDirection,
    description=(
        "One row per retailer, item, recipe and method: whether the elementary index moves along with its prices. "
        "Internal: the mark of each series behind a check, for analysts."
    ),
)
def elementary_index_directions(inputs: Inputs, _run: AssetRun) -> Output:
    """Mark the series that move against their prices, by the counts of all months."""
    directions = index_directions(inputs.read("months"))
    counts = dict(directions["status"].value_counts().iter_rows())
    return Output(directions, {status: counts.get(status, 0) for status in ("against", "untested")})


def _quotes_with_entry(inputs: Inputs, days: tuple[date, date]) -> pl.DataFrame:
    """Read the accepted quotes of some days, with the first day of the products that entered on these."""
    entered = inputs.read_days(
        "entered", "first_on", days, ["data_origin", "retailer", "item_number", "product", "first_on"]
    )
    return inputs.read_days("quotes", "collected_on", days, _QUOTE_COLUMNS).join(
        entered.rename({"item_number": "collected_item_number", "first_on": "entered_on"}), on=_COLLECTED, how="left"
    )


def _with_month_before(months: pl.Series) -> Iterator[Period]:
    for month in months:
        before = (month - timedelta(days=1)).replace(day=1)
        last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        yield Period(month, before, last)


def _text(recipes: tuple[Recipe, ...]) -> str:
    return " ".join(f"{recipe.name} {parameters_hash(recipe)}" for recipe in recipes)


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    price_change_bounds_by_month,
    index_direction_months,
    elementary_index_directions,
]
