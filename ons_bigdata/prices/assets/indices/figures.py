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
from ons_bigdata.prices.assets.indices.daily_months import (
    OriginMonths,
    StoredStates,
    month_periods,
    read_origins,
    recipes_text,
    stale_months,
    states_output,
)
from ons_bigdata.prices.assets.indices.origins import INPUTS, MONTH_INPUTS, current_recipes
from ons_bigdata.prices.assets.indices.period_prices import TABLE as PERIOD_PRICES
from ons_bigdata.prices.assets.indices.period_prices import panels_by_calendar
from ons_bigdata.prices.methods.recipes import index_figures, parameters_hash
from ons_bigdata.prices.methods.recipes.blocks.daily_figures import (
    MonthOfElementary,
    StructureChangedError,
    elementary_month,
    figures_of_months,
    in_all_scopes,
)
from ons_bigdata.prices.methods.recipes.blocks.months import first_day_of_view
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import runs_of_segments
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_rows
from ons_bigdata.prices.methods.recipes.figures import stacked
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex, IndexState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.platform.dagster.by_period import Period, PeriodBuild
    from ons_bigdata.prices.methods.recipes import Recipe
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfDays

OTHERS = ("weekly", "monthly")
"""Frequencies of the outputs that are computed from all of history."""

METHOD_PACKAGES = tuple(
    f"ons_bigdata.prices.methods.{name}" for name in ("aggregation", "bilateral", "multilateral", "panels", "recipes")
)
"""Packages whose code makes the figures from the quotes."""

MONTHS_BEFORE = 1
"""Months before a month whose quotes its figures depend on besides the state: links lead back 14 days."""

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
    ByPeriod(
        "month",
        {"accepted": "collected_on", "product_months": "month"},
        packages=METHOD_PACKAGES,
        whole=("retailer_weights", "item_weights", "class_weights", "retailers"),
        chained=True,
    ),
)


FIGURE_INPUTS = INPUTS | MONTH_INPUTS | {"period_prices": PERIOD_PRICES}
"""Inputs of figures and their errors."""


@dataclass(frozen=True)
class _Months:
    """Frames of the daily outputs in the months that were computed."""

    elementary: list[pl.DataFrame] = field(default_factory=list)
    aggregates: list[pl.DataFrame] = field(default_factory=list)
    states: list[pl.DataFrame] = field(default_factory=list)


@tables_asset(
    name="price_index_figures", tables=[ELEMENTARY, AGGREGATES, STATES], inputs=FIGURE_INPUTS, can_subset=True
)
def price_index_figures(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Compute every recipe for each data origin: daily outputs of the months whose quotes changed and of later ones."""
    recipes = current_recipes()
    origins = read_origins(inputs, recipes)
    periods = month_periods(origins, before=MONTHS_BEFORE)
    build = stale_months(run, STATES.name, periods, recipes_text(recipes))
    # Small matrices: threads would wait for each other longer than they work.
    with threadpool_limits(limits=1):
        try:
            months = _daily_figures(run, origins, build.stale, periods)
        except StructureChangedError as changed:
            run.log.info(f"all months are computed again: {changed}")
            build = replace(build, stale=tuple(periods))
            months = _daily_figures(run, origins, build.stale, periods)
        others = [index_figures(panels, recipes) for panels in panels_by_calendar(inputs, origins)]
    elementary = stacked(ElementaryIndex, [*(of.elementary for of in others), *months.elementary])
    aggregates = stacked(AggregateIndex, [*(of.aggregates for of in others), *months.aggregates])
    rows = rows_to_replace(recipes, build)
    table = "\n".join(
        ["| recipe | fingerprint | |", "|---|---|---|"]
        + [f"| {recipe.name} | {parameters_hash(recipe)} | {recipe.description} |" for recipe in recipes]
    )
    built = {"months_built": len(build.stale)}
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
        STATES.name: states_output(run, stacked(IndexState, months.states), build),
    }


def rows_to_replace(recipes: Sequence[Recipe], build: PeriodBuild) -> RowsFrom:
    """Rows of figures that a run replaces: daily ones from the first month built on, and all weekly and monthly ones.

    Rows of days after the last month go, too: there are no such days any more.
    """
    others = [
        (recipe.name, output.method) for recipe in recipes for output in recipe.outputs if output.frequency in OTHERS
    ]
    keys = pl.DataFrame(others, schema={"recipe": pl.String, "method": pl.String}, orient="row")
    known = sorted(build.hashes)
    if not known or (build.stale and build.stale[0].start == known[0]):
        return RowsFrom("period", date.min, keys)
    following = (known[-1] + timedelta(days=31)).replace(day=1)
    return RowsFrom("period", min([following, *(period.start for period in build.stale)]), keys)


def _daily_figures(
    run: AssetRun, origins: Sequence[OriginMonths], stale: Sequence[Period], periods: Sequence[Period]
) -> _Months:
    """Compute the daily outputs of the stale months, which are the last ones."""
    made = _Months()
    if not stale:
        return made
    first = stale[0].start
    stored = StoredStates.read(run, STATES.name, first, [period.start for period in periods])
    for origin in origins:
        months = origin.months_from(first)
        if months:
            _add_months(made, origin, months, stored)
    return made


def _add_months(made: _Months, origin: OriginMonths, months: Sequence[MonthOfDays], stored: StoredStates) -> None:
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
        panels = origin.panels(first_day_of_view(history, month, needed, with_parts=False), month.stop)
        for what in origin.outputs:
            of_month = elementary_month(panels, at_base, what, month, pasts[what.name])
            computed[what.name].append(of_month)
            pasts[what.name] = of_month.pasts
    for what in origin.outputs:
        known = stored.before(history, what, months[0].start)
        figures, segments = figures_of_months(history, what, computed[what.name], states[what.name], known)
        for part in figures:
            made.elementary.append(in_all_scopes(part.elementary, what, history))
            made.aggregates.append(in_all_scopes(part.aggregates, what, history))
            arrays = part.state.arrays() | {"segment runs": runs_of_segments(segments[:, : part.month.stop])}
            labels = dict(zip(OUTPUT, (history.data_origin, *what.name), strict=True))
            made.states.append(state_rows(part.month.month, labels, part.structure, arrays))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_figures]
