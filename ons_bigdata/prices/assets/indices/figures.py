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
    PRODUCT,
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
    ahead_hash,
    elementary_month,
    figures_of_months,
    in_all_scopes,
    month_forms,
)
from ons_bigdata.prices.methods.recipes.blocks.months import first_period_of_view
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import runs_of_segments
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_rows
from ons_bigdata.prices.methods.recipes.figures import stacked
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS
from ons_bigdata.prices.schemas.indices import AggregateIndex, ElementaryIndex, IndexState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ons_bigdata.platform.dagster.by_period import PeriodBuild
    from ons_bigdata.prices.methods.recipes import Recipe
    from ons_bigdata.prices.methods.recipes.blocks.month_figures import ScopedOutput
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
    columns={"product_months": (*PRODUCT, "in_scope")},
)
"""Inputs and code on which the figures and the state of a month depend, of outputs without pack sizes."""

UNIT_PRICE_INPUTS = replace(STATE_INPUTS, columns={})
"""The same of outputs of prices per unit: of the products of a month their pack sizes, too."""

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
    "One row per daily output without pack sizes, month and array of numbers: the state from which the figures of the "
    "next month are computed.",
    STATE_INPUTS,
)
UNIT_PRICE_STATES = Table(
    "analysis.unit_price_index_states",
    IndexState,
    "One row per daily output of prices per unit, month and array of numbers: the state from which the figures of the "
    "next month are computed.",
    UNIT_PRICE_INPUTS,
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
    tables=[ELEMENTARY, AGGREGATES, STATES, UNIT_PRICE_STATES, WEEKLY_STATES],
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
        daily = _figures_by_month(run, STATES.name, [of.of_unit_prices(wanted=False) for of in origins], recipes)
        unit_prices = _figures_by_month(
            run, UNIT_PRICE_STATES.name, [of.of_unit_prices(wanted=True) for of in origins], recipes
        )
        weekly = _figures_by_month(run, WEEKLY_STATES.name, weekly_months(origins, inputs, recipes), recipes)
        monthly = [index_figures(panels, recipes) for panels in monthly_panels(inputs, origins)]
    by_month = (weekly, unit_prices, daily)
    elementary = stacked(
        ElementaryIndex, [of.elementary for of in monthly] + [part for of in by_month for part in of.elementary]
    )
    aggregates = stacked(
        AggregateIndex, [of.aggregates for of in monthly] + [part for of in by_month for part in of.aggregates]
    )
    rows = rows_to_replace(
        recipes, daily=daily.replaced_from, unit_prices=unit_prices.replaced_from, weekly=weekly.replaced_from
    )
    table = "\n".join(
        ["| recipe | fingerprint | |", "|---|---|---|"]
        + [f"| {recipe.name} | {parameters_hash(recipe)} | {recipe.description} |" for recipe in recipes]
    )
    built = months_built(daily.build, unit_prices.build, weekly.build)
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
        UNIT_PRICE_STATES.name: states_output(run, stacked(IndexState, unit_prices.states), unit_prices.build),
        WEEKLY_STATES.name: states_output(run, stacked(IndexState, weekly.states), weekly.build),
    }


def months_built(daily: PeriodBuild, unit_prices: PeriodBuild, weekly: PeriodBuild) -> dict[str, int]:
    """Metadata: how many months of daily outputs, of those of prices per unit and of weekly ones were computed."""
    return {
        "months_built": len(daily.stale),
        "months_of_unit_prices_built": len(unit_prices.stale),
        "months_of_weeks_built": len(weekly.stale),
    }


def rows_to_replace(recipes: Sequence[Recipe], *, daily: date, unit_prices: date, weekly: date) -> RowsFrom:
    """Rows of figures that a run replaces: of days, prices per unit and weeks those from a day on, all of months."""
    first = {"weekly": weekly, "monthly": date.min}
    keys = [
        (recipe.name, output.method, unit_prices if FORMULAS[output.formula].per_pack_size else first[output.frequency])
        for recipe in recipes
        for output in recipe.outputs
        if output.frequency in first or FORMULAS[output.formula].per_pack_size
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
    periods = month_periods(origins, before=MONTHS_BEFORE, ahead_day=lambda origin, month: origin.ahead_day(month))
    build = stale_months(run, states, periods, recipes_text(recipes))
    try:
        return _figures_of_build(run, states, origins, _without_settled(run, states, origins, build))
    except StructureChangedError as changed:
        run.log.info(f"all months are computed again: {changed}")
        build = replace(build, stale=tuple(periods), ahead=frozenset())
        return _figures_of_build(run, states, origins, build)


def _without_settled(run: AssetRun, states: str, origins: Sequence[OriginMonths], build: PeriodBuild) -> PeriodBuild:
    """Leave out the first stale months of which nothing but prices after them changed, where these change no figure.

    Their rows and states stay; what they are built from now is recorded. With the first month that does change all
    later ones are computed.
    """
    months = sorted(build.hashes)
    for place, period in enumerate(build.stale):
        if period.start not in build.ahead or _depends_on_changes_ahead(run, states, origins, period.start, months):
            later = build.stale[place:]
            return replace(build, stale=later, ahead=build.ahead - {of.start for of in later})
    return replace(build, stale=())


def _depends_on_changes_ahead(
    run: AssetRun, states: str, origins: Sequence[OriginMonths], start: date, months: Sequence[date]
) -> bool:
    """True if what the figures of a month depend on after it is not what it was when they were computed."""
    stored = StoredStates.read(run, states, start, months)
    found = [(origin, month) for origin in origins for month in origin.months if month.month == start]
    return any(
        ahead != stored.depends_ahead_on(origin.history, what, start)
        for origin, month in found
        for what, ahead in _hashes_ahead(origin, month, stored)
    )


def _hashes_ahead(
    origin: OriginMonths, month: MonthOfPeriods, stored: StoredStates
) -> Iterator[tuple[ScopedOutput, str]]:
    """Hash what the figures of each output in a month depend on after it. `stored`: states before the month."""
    history, at_base = origin.history, origin.at_base()
    none = [Past.none(1)] * len(history.strata)
    pasts = [(what, none if month.start == 0 else stored.figures(history, what).pasts) for what in origin.outputs]
    needed = [(what.output, of_output) for what, of_output in pasts]
    panels = origin.panels(first_period_of_view(origin.present, month, needed, with_parts=False), month.stop)
    block = Block(panels.first_day, month.start, month.stop)
    for what, of_output in pasts:
        yield what, ahead_hash(month_forms(panels, at_base, what, block, of_output))


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
