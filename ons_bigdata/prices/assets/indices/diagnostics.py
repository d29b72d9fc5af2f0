"""Standard errors, diagnostics and movements of the published figures, by resampling the products."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import dagster as dg
import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.figures import (
    AGGREGATES,
    ELEMENTARY,
    FIGURE_INPUTS,
    STATE_INPUTS,
    STATES,
    UNIT_PRICE_INPUTS,
    UNIT_PRICE_STATES,
    WEEKLY_STATES,
    first_replaced,
    months_built,
    rows_to_replace,
)
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
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.assets.indices.period_prices import monthly_panels
from ons_bigdata.prices.methods.recipes import Bootstrap, IndexFigures, index_diagnostics
from ons_bigdata.prices.methods.recipes.blocks.month_diagnostics import ViewOfMonths, diagnose_months
from ons_bigdata.prices.methods.recipes.blocks.month_figures import (
    StructureChangedError,
    in_all_scopes,
    may_begin,
    month_bases,
    undivided_months,
)
from ons_bigdata.prices.methods.recipes.blocks.months import first_period_of_view
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import segments_of_runs
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_arrays, state_rows
from ons_bigdata.prices.methods.recipes.figures import stacked
from ons_bigdata.prices.schemas.indices import IndexDiagnostics, IndexMovement, IndexState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ons_bigdata.platform.dagster.by_period import PeriodBuild
    from ons_bigdata.prices.methods.recipes import Recipe
    from ons_bigdata.prices.methods.recipes.blocks.month_diagnostics import MonthOfDiagnostics
    from ons_bigdata.prices.methods.recipes.blocks.month_figures import ScopedOutput
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfPeriods
    from ons_bigdata.prices.methods.recipes.blocks.states import DiagnosticsState
    from ons_bigdata.prices.methods.recipes.figures import OriginPanels
    from ons_bigdata.prices.methods.recipes.levels import LevelBases

DIAGNOSTICS = Table(
    "analysis.price_index_diagnostics",
    IndexDiagnostics,
    "One row per figure: standard error, sample size, window revision and drift.",
)
MOVEMENTS = Table(
    "analysis.price_index_movements",
    IndexMovement,
    "One row per figure that has one before it: its log movement in five parts that add up (prices, churn, "
    "imputation, rejected days, splice).",
)
ERROR_STATES = Table(
    "analysis.price_index_error_states",
    IndexState,
    "One row per daily output without pack sizes, month and array of numbers. Internal: the state from which the "
    "resamples of the next month are computed.",
    replace(STATE_INPUTS, days={**STATE_INPUTS.days, "rejected": "collected_on", "states": "month"}),
)
UNIT_PRICE_ERROR_STATES = Table(
    "analysis.unit_price_index_error_states",
    IndexState,
    "One row per daily output of prices per unit, month and array of numbers. Internal: the state from which the "
    "resamples of the next month are computed.",
    replace(UNIT_PRICE_INPUTS, days={**STATE_INPUTS.days, "rejected": "collected_on", "unit_price_states": "month"}),
)
WEEKLY_ERROR_STATES = Table(
    "analysis.weekly_index_error_states",
    IndexState,
    "One row per weekly output, month and array of numbers. Internal: the state after the weeks that begin in the "
    "month, from which the resamples of the next month are computed.",
    replace(STATE_INPUTS, days={**STATE_INPUTS.days, "rejected": "collected_on"}, at_start={"weekly_states": "month"}),
)
MONTHS_BEFORE = 1
"""Months before a month whose quotes its diagnostics depend on besides the state."""


@dataclass(frozen=True)
class _Months:
    """Frames of the outputs of a frequency in the months that were computed.

    `build`: which these are; those of `ahead` have movements alone.
    """

    build: PeriodBuild
    diagnostics: list[pl.DataFrame] = field(default_factory=list)
    movements: list[pl.DataFrame] = field(default_factory=list)
    states: list[pl.DataFrame] = field(default_factory=list)

    @property
    def resampled(self) -> PeriodBuild:
        """Build of the months that were resampled; the rows of those of `ahead` stay."""
        return replace(self.build, stale=self.build.changed)


@tables_asset(
    name="price_index_errors",
    tables=[DIAGNOSTICS, MOVEMENTS, ERROR_STATES, UNIT_PRICE_ERROR_STATES, WEEKLY_ERROR_STATES],
    inputs={
        **FIGURE_INPUTS,
        "elementary": ELEMENTARY.name,
        "aggregates": AGGREGATES.name,
        "states": STATES.name,
        "unit_price_states": UNIT_PRICE_STATES.name,
        "weekly_states": WEEKLY_STATES.name,
    },
    can_subset=True,
)
def price_index_errors(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Resample the products of each data origin; the point figures are read from their tables."""
    bootstrap, recipes = Bootstrap(), current_recipes()
    origins = read_origins(inputs, recipes)
    weeks = weekly_months(origins, inputs, recipes)
    with threadpool_limits(limits=1):
        resampling = _Resampling(inputs, run, bootstrap, f"{recipes_text(recipes)} {bootstrap}")
        daily = _diagnostics_by_month(resampling, _DAILY, [of.of_unit_prices(wanted=False) for of in origins])
        unit_prices = _diagnostics_by_month(
            resampling, _UNIT_PRICES, [of.of_unit_prices(wanted=True) for of in origins]
        )
        weekly = _diagnostics_by_month(resampling, _WEEKLY, weeks)
        figures = _monthly_figures(inputs, recipes)
        monthly = [index_diagnostics(panels, recipes, figures, bootstrap) for panels in monthly_panels(inputs, origins)]
    by_month = (weekly, unit_prices, daily)
    diagnostics = stacked(
        IndexDiagnostics, [of.diagnostics for of in monthly] + [part for of in by_month for part in of.diagnostics]
    )
    movements = stacked(
        IndexMovement, [of.movements for of in monthly] + [part for of in by_month for part in of.movements]
    )
    rows = [
        rows_to_replace(
            recipes,
            daily=first_replaced(day_build, origins),
            unit_prices=first_replaced(unit_build, origins),
            weekly=first_replaced(week_build, weeks),
        )
        for day_build, unit_build, week_build in (
            (daily.resampled, unit_prices.resampled, weekly.resampled),
            (daily.build, unit_prices.build, weekly.build),
        )
    ]
    built = months_built(daily.build, unit_prices.build, weekly.build)
    return {
        DIAGNOSTICS.name: Output(
            diagnostics,
            {
                "without_index": diagnostics["index"].null_count(),
                "without_standard_error": diagnostics["standard_error"].null_count(),
                "median_standard_error": diagnostics.select(pl.col("standard_error").median()).item(),
                "resamples": bootstrap.replicates,
                "seed": bootstrap.seed,
                "months_of_weeks_resampled": len(weekly.resampled.stale),
                **built,
            },
            replaced=rows[0],
        ),
        MOVEMENTS.name: Output(movements, built, replaced=rows[1]),
        ERROR_STATES.name: states_output(run, stacked(IndexState, daily.states), daily.resampled),
        UNIT_PRICE_ERROR_STATES.name: states_output(
            run, stacked(IndexState, unit_prices.states), unit_prices.resampled
        ),
        WEEKLY_ERROR_STATES.name: states_output(run, stacked(IndexState, weekly.states), weekly.resampled),
    }


class _StateTables(NamedTuple):
    """Input with the states of the figures of a frequency, and table with those of their resamples."""

    figures: str
    errors: str


_DAILY = _StateTables("states", ERROR_STATES.name)
_UNIT_PRICES = _StateTables("unit_price_states", UNIT_PRICE_ERROR_STATES.name)
_WEEKLY = _StateTables("weekly_states", WEEKLY_ERROR_STATES.name)


@dataclass(frozen=True)
class _Resampling:
    """Inputs and run that the diagnostics of all frequencies share.

    `parameters`: on which their rows depend, as text.
    """

    inputs: Inputs
    run: AssetRun
    bootstrap: Bootstrap
    parameters: str


def _monthly_figures(inputs: Inputs, recipes: Sequence[Recipe]) -> IndexFigures:
    """Published figures of the monthly outputs."""
    outputs = [
        (recipe.name, output.method) for recipe in recipes for output in recipe.outputs if output.frequency == "monthly"
    ]
    values = {"recipe": [name for name, _ in outputs], "method": [method for _, method in outputs]}
    return IndexFigures(inputs.read_rows("elementary", values), inputs.read_rows("aggregates", values))


def _diagnostics_by_month(of: _Resampling, tables: _StateTables, origins: Sequence[OriginMonths]) -> _Months:
    """Compute the outputs of a frequency in the stale months.

    Where nothing but prices after a month changed, its figures are as they were: products that return since then change
    the parts of its movements alone. Else the state of its figures has changed, too.
    """
    periods = month_periods(origins, before=MONTHS_BEFORE, ahead_day=lambda origin, month: origin.return_day(month))
    build = stale_months(of.run, tables.errors, periods, of.parameters)
    try:
        return _diagnostics_of_build(of, tables, origins, build)
    except StructureChangedError as changed:
        of.run.log.info(f"all months are computed again: {changed}")
        return _diagnostics_of_build(of, tables, origins, replace(build, stale=tuple(periods), ahead=frozenset()))


def _diagnostics_of_build(
    of: _Resampling, tables: _StateTables, origins: Sequence[OriginMonths], build: PeriodBuild
) -> _Months:
    """Compute the stale months, which are the last ones: movements of all, resamples from the first changed one on."""
    if not build.stale:
        return _Months(build)
    bases = [_bases(of.inputs, tables.figures, origin) for origin in origins]
    groups = [
        undivided_months(origin.months_from(build.stale[0].start), of_origin.values())
        for origin, of_origin in zip(origins, bases, strict=True)
    ]
    first = _first_resampled(groups, build)
    resampled = tuple(period for period in build.stale if period.start >= first)
    made = _Months(replace(build, ahead=build.ahead - {period.start for period in resampled}))
    for origin, of_origin, months in zip(origins, bases, groups, strict=True):
        chosen = _Chosen(of, tables, origin, of_origin, sorted(build.hashes))
        for group in months:
            if group[0].month < first:
                _add_movements(made, chosen, group)
        if later := [group for group in months if group[0].month >= first]:
            _add_months(made, chosen, later)
    return made


def _first_resampled(groups: Sequence[Sequence[Sequence[MonthOfPeriods]]], build: PeriodBuild) -> date:
    """First month that is resampled: that of the first changed group of months that no state divides."""
    first = min((period.start for period in build.changed), default=date.max)
    begins = [
        group[0].month for of_origin in groups for group in of_origin if group[0].month < first <= group[-1].month
    ]
    if not begins:
        return first
    return _first_resampled(groups, replace(build, ahead=frozenset(day for day in build.ahead if day < min(begins))))


@dataclass(frozen=True, eq=False)
class _Chosen:
    """A data origin with the bases of its outputs, what its months are computed from, and all months with a state."""

    of: _Resampling
    tables: _StateTables
    origin: OriginMonths
    bases: Mapping[tuple[str, str, str], list[LevelBases]]
    months: Sequence[date]

    @cached_property
    def at_base(self) -> OriginPanels | None:
        """Quotes of the base days; None where no output compares with them."""
        return self.origin.at_base()

    def states_before(self, month: MonthOfPeriods) -> dict[tuple[str, str, str], DiagnosticsState | None]:
        """State of each output before a month; None before the first.

        Raises StructureChangedError where none is stored, or a base is on both sides.
        """
        if month.start == 0:
            return dict.fromkeys([what.name for what in self.origin.outputs])
        if not may_begin(self.bases.values(), month):
            message = f"a base begins before {month.month:%B %Y} and goes on in it"
            raise StructureChangedError(message)
        stored = StoredStates.read(self.of.run, self.tables.errors, month.month, self.months)
        return {what.name: stored.diagnostics(self.origin.history, what) for what in self.origin.outputs}


def _add_months(made: _Months, chosen: _Chosen, groups: Sequence[Sequence[MonthOfPeriods]]) -> None:
    """Compute the last months of a data origin, those of a group together, each group from the state before it."""
    states = chosen.states_before(groups[0][0])
    for group in groups:
        for what, computed in _diagnosed(chosen, group, states, chosen.of.bootstrap):
            states[what.name] = computed.state
            made.diagnostics.append(in_all_scopes(computed.diagnostics, what, chosen.origin.history))
            made.movements.append(in_all_scopes(computed.movements, what, chosen.origin.history))
            labels = dict(zip(OUTPUT, (chosen.origin.history.data_origin, *what.name), strict=True))
            # within a group no month begins from a state, so that all have that after the last
            made.states.extend(state_rows(month.month, labels, "", computed.state.arrays()) for month in group)


def _add_movements(made: _Months, chosen: _Chosen, group: Sequence[MonthOfPeriods]) -> None:
    """Compute the movements of a group of months without resamples."""
    for what, computed in _diagnosed(chosen, group, chosen.states_before(group[0]), None):
        made.movements.append(in_all_scopes(computed.movements, what, chosen.origin.history))


def _diagnosed(
    chosen: _Chosen,
    group: Sequence[MonthOfPeriods],
    states: Mapping[tuple[str, str, str], DiagnosticsState | None],
    bootstrap: Bootstrap | None,
) -> Iterator[tuple[ScopedOutput, MonthOfDiagnostics]]:
    """Diagnostics of each output in a group of months. `states`: before them. `bootstrap`: None for movements alone."""
    origin, history = chosen.origin, chosen.origin.history
    none = [Past.none(1)] * len(history.strata)
    known = [(what, states[what.name]) for what in origin.outputs]
    needed = [(what.output, none if state is None else state.pasts) for what, state in known]
    start_of_parts = first_period_of_view(origin.present, group[0], needed, with_parts=True)
    first = start_of_parts if bootstrap is None else min(start_of_parts, origin.start_of_drift(group[0]))
    panels, at_base = origin.panels(first, group[-1].stop), chosen.at_base
    if bootstrap is None:
        view = ViewOfMonths.of_movements(panels, at_base)
    else:
        view = ViewOfMonths.of(panels, at_base, bootstrap)
    figures = _published(chosen.of.inputs, origin, group, first)
    for what, state in known:
        bases = chosen.bases[what.name]
        yield what, diagnose_months(view, what, group, _of_output(figures, what, origin), (bases, state))


def _bases(inputs: Inputs, states: str, origin: OriginMonths) -> dict[tuple[str, str, str], list[LevelBases]]:
    """Bases of each output's figures in all periods, by the segments that the point figures have.

    `states`: input with the states of the figures.
    """
    history = origin.history
    last = origin.months[-1].month
    columns = [*OUTPUT, "array_name", "shape", "numbers"]
    rows = inputs.read_rows(states, {"array_name": ["segment runs"]}, ("month", last, last), columns)
    of_runs = rows.partition_by(OUTPUT, as_dict=True)
    runs = {key: state_arrays(of_key)["segment runs"].astype(np.int64) for key, of_key in of_runs.items()}
    bases = {}
    for what in origin.outputs:
        key = (history.data_origin, *what.name)
        if key not in runs:
            message = f"{' '.join(key)}: no state of {last:%B %Y}; compute the figures of these quotes first"
            raise ValueError(message)
        segments = segments_of_runs(runs[key], len(history.strata), len(origin.starts))
        bases[what.name] = month_bases(history, what, segments)
    return bases


def _published(inputs: Inputs, origin: OriginMonths, months: Sequence[MonthOfPeriods], first: int) -> IndexFigures:
    """Elementary indices from the start of the view on, and the figures of the months, of all outputs."""
    starts = origin.starts
    last = starts[months[-1].stop - 1]
    names = zip(*(what.name[:2] for what in origin.outputs), strict=True)
    values = dict(zip(("recipe", "method"), (sorted(set(of_column)) for of_column in names), strict=True))
    values["data_origin"] = [origin.history.data_origin]
    return IndexFigures(
        inputs.read_rows("elementary", values, ("period", starts[first], last)),
        inputs.read_rows("aggregates", values, ("period", starts[months[0].start], last)),
    )


def _of_output(figures: IndexFigures, what: ScopedOutput, origin: OriginMonths) -> IndexFigures:
    chosen = pl.all_horizontal(
        pl.col(name) == value for name, value in zip(OUTPUT, (origin.history.data_origin, *what.name), strict=True)
    )
    return IndexFigures(figures.elementary.filter(chosen), figures.aggregates.filter(chosen))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_errors]
