"""Standard errors, diagnostics and movements of the published figures, by resampling the products."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.platform.dagster.by_period import ByPeriod
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset
from ons_bigdata.prices.assets.indices.daily_months import (
    OriginMonths,
    StoredStates,
    month_periods,
    read_origins,
    recipes_text,
    stale_months,
    states_output,
)
from ons_bigdata.prices.assets.indices.figures import (
    AGGREGATES,
    ELEMENTARY,
    FIGURE_INPUTS,
    METHOD_PACKAGES,
    STATES,
    rows_to_replace,
)
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.assets.indices.period_prices import panels_by_calendar
from ons_bigdata.prices.methods.recipes import Bootstrap, IndexFigures, index_diagnostics
from ons_bigdata.prices.methods.recipes.blocks.daily_diagnostics import ViewOfMonths, diagnose_months
from ons_bigdata.prices.methods.recipes.blocks.daily_figures import (
    StructureChangedError,
    in_all_scopes,
    may_begin,
    month_bases,
    undivided_months,
)
from ons_bigdata.prices.methods.recipes.blocks.months import first_day_of_view
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.segment_runs import segments_of_runs
from ons_bigdata.prices.methods.recipes.blocks.state_rows import OUTPUT, state_arrays, state_rows
from ons_bigdata.prices.methods.recipes.figures import stacked
from ons_bigdata.prices.schemas.indices import IndexDiagnostics, IndexMovement, IndexState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.platform.dagster.by_period import Period
    from ons_bigdata.prices.methods.recipes.blocks.daily_figures import DailyOutput
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfDays
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
    "One row per daily output, month and array of numbers. Internal: the state from which the resamples of the next "
    "month are computed.",
    ByPeriod(
        "month",
        {"accepted": "collected_on", "product_months": "month", "rejected": "collected_on", "states": "month"},
        packages=METHOD_PACKAGES,
        whole=("retailer_weights", "item_weights", "class_weights", "retailers"),
        chained=True,
    ),
)
MONTHS_BEFORE = 1
"""Months before a month whose quotes its diagnostics depend on besides the state."""


@dataclass(frozen=True)
class _Months:
    """Frames of the daily outputs in the months that were computed."""

    diagnostics: list[pl.DataFrame] = field(default_factory=list)
    movements: list[pl.DataFrame] = field(default_factory=list)
    states: list[pl.DataFrame] = field(default_factory=list)


@tables_asset(
    name="price_index_errors",
    tables=[DIAGNOSTICS, MOVEMENTS, ERROR_STATES],
    inputs={
        **FIGURE_INPUTS,
        "elementary": ELEMENTARY.name,
        "aggregates": AGGREGATES.name,
        "states": STATES.name,
    },
    can_subset=True,
)
def price_index_errors(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Resample the products of each data origin; the point figures are read from their tables."""
    bootstrap, recipes = Bootstrap(), current_recipes()
    origins = read_origins(inputs, recipes)
    periods = month_periods(origins, before=MONTHS_BEFORE)
    build = stale_months(run, ERROR_STATES.name, periods, f"{recipes_text(recipes)} {bootstrap}")
    figures = IndexFigures(inputs.read("elementary"), inputs.read("aggregates"))
    with threadpool_limits(limits=1):
        try:
            months = _daily_diagnostics(inputs, run, origins, (build.stale, periods), bootstrap)
        except StructureChangedError as changed:
            run.log.info(f"all months are computed again: {changed}")
            build = replace(build, stale=tuple(periods))
            months = _daily_diagnostics(inputs, run, origins, (build.stale, periods), bootstrap)
        others = [
            index_diagnostics(panels, recipes, figures, bootstrap) for panels in panels_by_calendar(inputs, origins)
        ]
    diagnostics = stacked(IndexDiagnostics, [*(of.diagnostics for of in others), *months.diagnostics])
    movements = stacked(IndexMovement, [*(of.movements for of in others), *months.movements])
    rows = rows_to_replace(recipes, build)
    return {
        DIAGNOSTICS.name: Output(
            diagnostics,
            {
                "without_index": diagnostics["index"].null_count(),
                "without_standard_error": diagnostics["standard_error"].null_count(),
                "median_standard_error": diagnostics.select(pl.col("standard_error").median()).item(),
                "resamples": bootstrap.replicates,
                "seed": bootstrap.seed,
                "months_built": len(build.stale),
            },
            replaced=rows,
        ),
        MOVEMENTS.name: Output(movements, {"months_built": len(build.stale)}, replaced=rows),
        ERROR_STATES.name: states_output(run, stacked(IndexState, months.states), build),
    }


def _daily_diagnostics(
    inputs: Inputs,
    run: AssetRun,
    origins: Sequence[OriginMonths],
    when: tuple[Sequence[Period], Sequence[Period]],
    bootstrap: Bootstrap,
) -> _Months:
    """Compute the daily outputs of the stale months, which are the last ones. `when`: stale months, and all."""
    made, (stale, periods) = _Months(), when
    if not stale:
        return made
    first = stale[0].start
    stored = StoredStates.read(run, ERROR_STATES.name, first, [period.start for period in periods])
    for origin in origins:
        if months := origin.months_from(first):
            _add_months(made, origin, months, (inputs, stored), bootstrap)
    return made


def _add_months(
    made: _Months,
    origin: OriginMonths,
    months: Sequence[MonthOfDays],
    known: tuple[Inputs, StoredStates],
    bootstrap: Bootstrap,
) -> None:
    """Compute the last months of one data origin, those together that no state divides."""
    inputs, stored = known
    history, at_base, begins = origin.history, origin.at_base(), months[0].start == 0
    bases = _bases(inputs, origin)
    if not begins and not may_begin(bases.values(), months[0]):
        message = f"a base begins before {months[0].month:%B %Y} and goes on in it"
        raise StructureChangedError(message)
    states = {what.name: None if begins else stored.diagnostics(history, what) for what in origin.outputs}
    for group in undivided_months(months, bases.values()):
        none = [Past.none(bootstrap.replicates)] * len(history.strata)
        pasts = {name: none if state is None else state.pasts for name, state in states.items()}
        needed = [(what.output, pasts[what.name]) for what in origin.outputs]
        first = min(first_day_of_view(history, group[0], needed, with_parts=True), _start_before(origin, group[0]))
        view = ViewOfMonths.of(origin.panels(first, group[-1].stop), at_base, bootstrap)
        figures = _published(inputs, origin, group, first)
        for what in origin.outputs:
            computed = diagnose_months(
                view, what, group, _of_output(figures, what, origin), (bases[what.name], states[what.name])
            )
            states[what.name] = computed.state
            made.diagnostics.append(in_all_scopes(computed.diagnostics, what, history))
            made.movements.append(in_all_scopes(computed.movements, what, history))
            labels = dict(zip(OUTPUT, (history.data_origin, *what.name), strict=True))
            # within a group no month begins from a state, so that all have that after the last
            made.states.extend(state_rows(month.month, labels, "", computed.state.arrays()) for month in group)


def _bases(inputs: Inputs, origin: OriginMonths) -> dict[tuple[str, str, str], list[LevelBases]]:
    """Bases of each output's figures in all days, by the segments that the point figures have."""
    history = origin.history
    last = origin.months[-1].month
    rows = inputs.read_days("states", "month", (last, last), [*OUTPUT, "array_name", "shape", "numbers"])
    of_runs = rows.filter(pl.col("array_name") == "segment runs").partition_by(OUTPUT, as_dict=True)
    runs = {key: state_arrays(of_key)["segment runs"].astype(np.int64) for key, of_key in of_runs.items()}
    bases = {}
    for what in origin.outputs:
        key = (history.data_origin, *what.name)
        if key not in runs:
            message = f"{' '.join(key)}: no state of {last:%B %Y}; compute the figures of these quotes first"
            raise ValueError(message)
        segments = segments_of_runs(runs[key], len(history.strata), len(history.days))
        bases[what.name] = month_bases(history, what, segments)
    return bases


def _start_before(origin: OriginMonths, month: MonthOfDays) -> int:
    """First day of the month before a month, from which drift is measured."""
    return max([0, *(other.start for other in origin.months if other.stop == month.start)])


def _published(inputs: Inputs, origin: OriginMonths, months: Sequence[MonthOfDays], first: int) -> IndexFigures:
    """Elementary indices from the start of the view on, and the figures of the months, of all outputs."""
    days = origin.history.days
    last = days[months[-1].stop - 1]
    return IndexFigures(
        inputs.read_days("elementary", "period", (days[first], last)),
        inputs.read_days("aggregates", "period", (days[months[0].start], last)),
    )


def _of_output(figures: IndexFigures, what: DailyOutput, origin: OriginMonths) -> IndexFigures:
    chosen = pl.all_horizontal(
        pl.col(name) == value for name, value in zip(OUTPUT, (origin.history.data_origin, *what.name), strict=True)
    )
    return IndexFigures(figures.elementary.filter(chosen), figures.aggregates.filter(chosen))


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [price_index_errors]
