"""Diagnostics of outputs month by month: from the prices of a view, the published figures and a state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.recipes.blocks.layers import LayerState
from ons_bigdata.prices.methods.recipes.blocks.month_figures import month_forms
from ons_bigdata.prices.methods.recipes.blocks.past import Block, Past
from ons_bigdata.prices.methods.recipes.blocks.states import DiagnosticsState
from ons_bigdata.prices.methods.recipes.diagnostics import (
    ElementaryState,
    FullWindows,
    RecentWindows,
    elementary_layer,
    level_rows,
    stratum_weights,
)
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.month_figures import ScopedOutput
    from ons_bigdata.prices.methods.recipes.blocks.months import MonthOfPeriods
    from ons_bigdata.prices.methods.recipes.bootstrap import Bootstrap
    from ons_bigdata.prices.methods.recipes.figures import IndexFigures, OriginPanels
    from ons_bigdata.prices.methods.recipes.levels import LevelBases


@dataclass(frozen=True, eq=False)
class MonthOfDiagnostics:
    """Diagnostics of an output in a month: `IndexDiagnostics` and `IndexMovement` rows; the state after it."""

    diagnostics: pl.DataFrame
    movements: pl.DataFrame
    state: DiagnosticsState


@dataclass(frozen=True, eq=False)
class ViewOfMonths:
    """Quotes of the view of some months that are computed at once, and what all outputs share of it.

    `panels`: prices from the start of the view to the end of the last month, of windows also after it. `at_base`:
    quotes of the base days, None where no form compares with them. `weights`: of the resamples, by retailer and item.
    `drift`: windows against which it is measured; None where movements alone are asked for.
    """

    panels: OriginPanels
    at_base: OriginPanels | None
    weights: dict[tuple[str, int], NDArray]
    drift: FullWindows | RecentWindows | None

    @staticmethod
    def of(panels: OriginPanels, at_base: OriginPanels | None, bootstrap: Bootstrap) -> ViewOfMonths:
        """View with the weights of its products. Drift of daily chains is measured over all days of the view."""
        drift = FullWindows(panels) if panels.calendar is None else RecentWindows(panels)
        return ViewOfMonths(panels, at_base, stratum_weights(panels, bootstrap), drift)

    @staticmethod
    def of_movements(panels: OriginPanels, at_base: OriginPanels | None) -> ViewOfMonths:
        """View without resamples, for movements alone."""
        strata = panels.history.strata
        none = [np.zeros((0, len(stratum.products))) for stratum in panels.strata]
        return ViewOfMonths(panels, at_base, dict(zip(strata, none, strict=True)), None)


def diagnose_months(
    view: ViewOfMonths,
    what: ScopedOutput,
    months: Sequence[MonthOfPeriods],
    figures: IndexFigures,
    known: tuple[Sequence[LevelBases], DiagnosticsState | None],
) -> MonthOfDiagnostics:
    """Compute standard errors, diagnostics and movements of consecutive months that no state divides.

    In a view without resamples movements alone; the state has none then.

    `figures`: published ones of the output: elementary indices from the start of the view on, figures of the months.
    `known`: bases of each level in all days, and the state before the months, None where nothing is before them.
    """
    bases, before = known
    history = view.panels.history
    block = Block(view.panels.first_day, months[0].start, months[-1].stop)
    resampled = [Past.none(1)] * len(history.strata) if before is None else before.pasts
    pasts = _published_pasts(figures.elementary, what, block, history.strata, resampled)
    forms = month_forms(view.panels, view.at_base, what, block, pasts)
    draws = [view.weights[stratum] for stratum in history.strata]
    in_block = [level.of_periods(slice(block.start, block.stop)) for level in bases]
    elementary = ElementaryState.none(len(draws), len(draws[0]))
    layers = [LayerState.none(tree, level, len(draws[0])) for tree, level in zip(history.tree, bases, strict=True)]
    if before is not None:
        elementary = ElementaryState(before.pasts, before.figures)
        layers = before.layers if len(draws[0]) else [layer.without_replicates() for layer in before.layers]
    layer, elementary = elementary_layer(forms, draws, view.drift, figures.elementary, elementary)
    rows = [figures.aggregates.filter(pl.col("level") == tree.name) for tree in history.tree]
    diagnostics, movements, layers = level_rows(forms, layer, rows, (in_block, layers))
    return MonthOfDiagnostics(diagnostics, movements, DiagnosticsState(elementary.pasts, elementary.figures, layers))


def _published_pasts(
    elementary: pl.DataFrame,
    what: ScopedOutput,
    block: Block,
    strata: Sequence[tuple[str, int]],
    resampled: Sequence[Past],
) -> list[Past]:
    """Published indices of the strata in the view before a block.

    `resampled`: those of the resamples, which have the same stretches of windows.
    """
    starts = what.based.periods.starts
    rows = {start: block.view + n for n, start in enumerate(starts[block.view : block.start])}
    before = elementary.filter(pl.col("period").is_in(list(rows)) & pl.col("segment_index").is_not_null()).sort(
        "period"
    )
    known = before.partition_by(["retailer", "item_number"], as_dict=True)
    pasts = []
    windowed = FORMULAS[what.output.formula].windowed
    for stratum, of_resamples in zip(strata, resampled, strict=True):
        of_stratum = known.get(stratum)
        if of_stratum is None:
            none = Past.none(1)
            pasts.append(replace(none, newest=of_resamples.newest[:1], began=of_resamples.began) if windowed else none)
            continue
        numbers = np.array([rows[day] for day in of_stratum["period"]], dtype=np.int64)
        levels = of_stratum["segment_index"].to_numpy()[:, None]
        segments = of_stratum["segment"].cast(pl.Int64).to_numpy()[:, None]
        newest = of_resamples.newest[:1] if windowed else segments.max(axis=0)
        pasts.append(Past(numbers, levels, segments, newest, of_resamples.began))
    return pasts
