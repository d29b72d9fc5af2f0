"""One window over a block and some periods before it, against which the drift of a chain or a splice is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.splicing import NOT_SPLICED
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.forms import LinkedChain
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, window_form
from ons_bigdata.prices.methods.recipes.window_forms import TimeProductDummyForm, WindowForm, WindowStretches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.elementary import StratumForm
    from ons_bigdata.prices.methods.recipes.panels import Periods

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

DRIFT_PERIODS = {"daily": 62, "weekly": 9, "monthly": 2}
"""Periods before a block over which the drift of a chain is measured, by frequency: two months."""


def drift_periods_before(output: RecipeOutput) -> int:
    """Periods before a block in the window of its drift: two of its windows; of a chain two months; else none."""
    formula = FORMULAS[output.formula]
    if formula.windowed:
        return 2 * (output.window or 0)
    return DRIFT_PERIODS[output.frequency] if formula.chained else 0


def recent_window_indices(
    of: StratumForm, periods: Periods, published: tuple[Floats, Integers], *, before: int
) -> Floats:
    """Index of the block's periods over one window that begins `before` periods before the block.

    `periods`: of the view. `published`: index and segments on the rows of the view, up to the end of the block. Of a
    spliced index the same method, of a chain the time-product dummy; nan where the index has neither, and where it has
    no value. On the scale of the published index in the window's first period in which both have a value, separately
    in each segment: the published index / this one - 1 is the drift of the movement since then. Raises ValueError where
    the view begins later.
    """
    block = of.block
    first = max(block.start - before, 0)
    if first < block.view:
        message = f"block: found a view from period {block.view}, expected from {first} for the window of the drift"
        raise ValueError(message)
    nothing = np.full(block.stop - block.start, np.nan)
    kind = _method(of)
    if kind is None:
        return nothing
    rows = slice(first - block.view, block.rows.stop)
    if not (of.prices[rows] > 0).any():
        return nothing
    of_window = periods.of_rows(rows)
    form = window_form(kind, of.prices[rows], of_window, window=None, splice=NOT_SPLICED)
    full, stretches = form.indices(Past.none(1))[0], form.segments
    index, segments = (values[rows] for values in published)
    scaled = np.full(len(full), np.nan)
    both = np.isfinite(full) & np.isfinite(index)
    for segment, stretch in {*zip(segments[both].tolist(), stretches[both].tolist(), strict=True)}:
        joined = both & (segments == segment) & (stretches == stretch)
        start = joined.argmax()
        scaled[joined] = index[start] * full[joined] / full[start]
    return scaled[len(scaled) - len(nothing) :]


def _method(of: StratumForm) -> type[WindowForm] | None:
    """Method of the window: of windows their own, of chains the time-product dummy."""
    if isinstance(of.form, WindowStretches):
        return of.form.kind
    return TimeProductDummyForm if isinstance(of.form, LinkedChain) else None
