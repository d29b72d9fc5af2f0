"""Point figures of all recipes: elementary indices and their aggregates. They do not wait for resampling."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.by_period import ByPeriod
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.platform.replaced_rows import RowsFrom
from ons_bigdata.prices.assets.indices.origin_months import (
    OriginMonths,
    StoredStates,
    month_periods,
    read_origins,
    recipes_text,
    stale_months,
    states_output,
    weekly_months,
)
from ons_bigdata.prices.assets.indices.origins import INPUTS, MONTH_INPUTS, current_recipes
from ons_bigdata.prices.assets.indices.period_prices import TABLE as PERIOD_PRICES
from ons_bigdata.prices.assets.indices.period_prices import monthly_panels
from ons_bigdata.prices.methods.recipes import index_figures, parameters_hash
from ons_bigdata.prices.methods.recipes.blocks.month_figures import (
    MonthOfElementary,
    StructureChangedError,
    elementary_month,
    figures_of_months,
    in_all_scopes,
)
from ons_bigdata.prices.methods.recipes.blocks.months import first_period_of_view
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import runs_of_segments
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_rows
from ons_bigdata.prices.methods.recipes.figures import stacked
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex, IndexState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.platform.dagster.by_period import PeriodBuild
    from ons_bigdata.prices.methods.recipes import Recipe
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfPeriods

METHOD_PACKAGES = tuple(
    f"ons_bigdata.prices.methods.{name}" for name in ("aggregation", "bilateral", "multilateral", "panels", "recipes")
)
"""Packages whose code makes the figures from the quotes."""

MONTHS_BEFORE = 1
"""Months before a month whose quotes its figures depend on besides the state: links lead back 14 days."""

STATE_INPUTS = ByPeriod(
    "month",
    {"accepted": "collected_on", "product_months": "month"},
    packages=METHOD_PACKAGES,
    whole=("retailer_weights", "item_weights", "class_weights", "retailers"),
    chained=True,
)
"""Inputs and code on which the figures and the state of a month depend."""

ELEMENTARY = Table(
    "analysis.elementary_price_indices",
    ElementaryIndex,
    "One row per retailer, item, recipe, method, scope and period: the elementary index within its segment.",
)
AGGREGATES = Table(
    "analysis.aggregate_price_indices",
    AggregateIndex,
    "One row per item, class or division, recipe, method, scope and period: retailers, items and classes combined.",
)
STATES = Table(
    "analysis.price_index_states",
    IndexState,
    "One row per daily output, month and array of numbers: the state from which the figures of the next month are "
    "computed.",
    STATE_INPUTS,
)
WEEKLY_STATES = Table(
    "analysis.weekly_index_states",
    IndexState,
    "One row per weekly output, month and array of numbers: the state after the weeks that begin in the month, from "
    "which the figures of the next month are computed.",
    STATE_INPUTS,
)

FIGURE_INPUTS = INPUTS | MONTH_INPUTS | {"period_prices": PERIOD_PRICES}
"""Inputs of figures and their errors."""


@dataclass(frozen=True)
class _Months:
    """Frames of the outputs of a frequency in the months that were computed.

    `build`: which these are. `replaced_from`: first day of the periods whose rows they replace.
    """

    build: PeriodBuild
    replaced_from: date
    elementary: list[pl.DataFrame] = field(default_factory=list)
    aggregates: list[pl.DataFrame] = field(default_factory=list)
    states: list[pl.DataFrame] = field(default_factory=list)


@tables_asset(
    name="price_index_figures",
    tables=[ELEMENTARY, AGGREGATES, STATES, WEEKLY_STATES],
    inputs=FIGURE_INPUTS,
    can_subset=True,
)
def price_index_figures(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Compute every recipe for each data origin.

    Daily and weekly outputs of the months whose quotes changed and of later ones; monthly outputs of all months.
    """
    recipes = current_recipes()
    origins = read_origins(inputs, recipes)
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(limits=1):
        daily = _figures_by_month(run, STATES.name, origins, recipes)
        weekly = _figures_by_month(run, WEEKLY_STATES.name, weekly_months(origins, inputs, recipes), recipes)
        monthly = [index_figures(panels, recipes) for panels in monthly_panels(inputs, origins)]
    elementary = stacked(ElementaryIndex, [*(of.elementary for of in monthly), *weekly.elementary, *daily.elementary])
    aggregates = stacked(AggregateIndex, [*(of.aggregates for of in monthly), *weekly.aggregates, *daily.aggregates])
    rows = rows_to_replace(recipes, daily=daily.replaced_from, weekly=weekly.replaced_from)
    table = "\n".join(
        ["| recipe | fingerprint | |", "|---|---|---|"]
        + [f"| {recipe.name} | {parameters_hash(recipe)} | {recipe.description} |" for recipe in recipes]
    )
    built = months_built(daily.build, weekly.build)
    restarts = elementary.filter((pl.col("recipe") == recipes[0].name) & (pl.col("segment") > 0))
    return {
        ELEMENTARY.name: Output(
            elementary,
            {
                "without_index": elementary["segment_index"].null_count(),
                "after_chain_restarts": restarts.height,
                **built,
            },
            replaced=rows,
        ),
        AGGREGATES.name: Output(
            aggregates,
            {
                "without_index": aggregates["index"].null_count(),
                "partial": aggregates.filter(pl.col("status") == "partial").height,
                "recipes": dg.MetadataValue.md(table),
                **built,
            },
            replaced=rows,
        ),
        STATES.name: states_output(run, stacked(IndexState, daily.states), daily.build),
        WEEKLY_STATES.name: states_output(run, stacked(IndexState, weekly.states), weekly.build),
    }


def months_built(daily: PeriodBuild, weekly: PeriodBuild) -> dict[str, int]:
    """Metadata: how many months of daily and of weekly outputs were computed."""
    return {"months_built": len(daily.stale), "months_of_weeks_built": len(weekly.stale)}


def rows_to_replace(recipes: Sequence[Recipe], *, daily: date, weekly: date) -> RowsFrom:
    """Rows of figures that a run replaces: daily and weekly ones from a day on, all monthly ones."""
    first = {"weekly": weekly, "monthly": date.min}
    keys = [
        (recipe.name, output.method, first[output.frequency])
        for recipe in recipes
        for output in recipe.outputs
        if output.frequency in first
    ]
    schema = {"recipe": pl.String, "method": pl.String, "from_day": pl.Date}
    return RowsFrom("period", daily, pl.DataFrame(keys, schema=schema, orient="row"))


def first_replaced(build: PeriodBuild, origins: Sequence[OriginMonths]) -> date:
    """First day of the periods whose rows a build replaces.

    Rows of periods after the last one go, too: there are no such periods any more.
    """
    if not build.hashes or (build.stale and build.stale[0].start == min(build.hashes)):
        return date.min
    following = max(origin.starts[-1] for origin in origins) + timedelta(days=1)
    return min([following, *(period.start for period in build.stale)])


def _figures_by_month(
    run: AssetRun, states: str, origins: Sequence[OriginMonths], recipes: Sequence[Recipe]
) -> _Months:
    """Compute the outputs of a frequency in the stale months. `states`: table of their states."""
    periods = month_periods(origins, before=MONTHS_BEFORE)
    build = stale_months(run, states, periods, recipes_text(recipes))
    try:
        return _figures_of_build(run, states, origins, build)
    except StructureChangedError as changed:
        run.log.info(f"all months are computed again: {changed}")
        return _figures_of_build(run, states, origins, replace(build, stale=tuple(periods)))


def _figures_of_build(run: AssetRun, states: str, origins: Sequence[OriginMonths], build: PeriodBuild) -> _Months:
    """Compute the stale months, which are the last ones."""
    made = _Months(build, first_replaced(build, origins))
    if not build.stale:
        return made
    first = build.stale[0].start
    stored = StoredStates.read(run, states, first, sorted(build.hashes))
    for origin in origins:
        months = origin.months_from(first)
        if months:
            _add_months(made, origin, months, stored)
    return made


def _add_months(made: _Months, origin: OriginMonths, months: Sequence[MonthOfPeriods], stored: StoredStates) -> None:
    """Compute the last months of one data origin."""
    history, at_base = origin.history, origin.at_base()
    begins = months[0].start == 0
    states = {what.name: None if begins else stored.figures(history, what) for what in origin.outputs}
    pasts = {
        name: [Past.none(1)] * len(history.strata) if state is None else state.pasts for name, state in states.items()
    }
    computed: dict[tuple[str, str, str], list[MonthOfElementary]] = {what.name: [] for what in origin.outputs}
    for month in months:
        needed = [(what.output, pasts[what.name]) for what in origin.outputs]
        panels = origin.panels(first_period_of_view(origin.present, month, needed, with_parts=False), month.stop)
        for what in origin.outputs:
            of_month = elementary_month(panels, at_base, what, month, pasts[what.name])
            computed[what.name].append(of_month)
            pasts[what.name] = of_month.pasts
    for what in origin.outputs:
        known = stored.before(history, what, months[0].start)
        figures, segments = figures_of_months(
            history, what, origin.months, computed[what.name], states[what.name], known
        )
        for part in figures:
            made.elementary.append(in_all_scopes(part.elementary, what, history))
            made.aggregates.append(in_all_scopes(part.aggregates, what, history))
            arrays = part.state.arrays() | {"segment runs": runs_of_segments(segments[:, : part.month.stop])}
            labels = dict(zip(OUTPUT, (history.data_origin, *what.name), strict=True))
            made.states.append(state_rows(part.month.month, labels, part.structure, arrays))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_figures]
