"""How far a block of periods looks back and ahead, by the formula of an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS, window_periods_before

if TYPE_CHECKING:
    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput

RETURN_PERIODS = {"daily": 14, "weekly": 8, "monthly": 2}
"""Periods within which a product that is away counts as one that returns, by frequency."""


def periods_before(output: RecipeOutput, start: int, last: int, *, with_parts: bool) -> int:
    """Number of the first period of the view of a block from `start` of one retailer and item.

    `last`: the last period before the block with a level, `Past.last`; -1 where there is none. `with_parts`: also for
    the parts of movements and the revisions.

    chained_jevons: `link_window_days`. carried_jevons: `carry_days` before `last`, since the first prices of the block
    link to those of that day, which may be carried themselves. Windows: a window before the block; spliced on the
    window before, also that window. Formulas that compare with a base: none. The filter of large relatives: one more.
    """
    first = start
    if output.formula == "chained_jevons":
        first = start - (output.link_window_days or 0)
    elif output.formula == "carried_jevons" and last != ABSENT:
        first = last - (output.carry_days or 0)
    elif FORMULAS[output.formula].windowed:
        first = start - _window_periods_before(output, with_parts=with_parts)
    if with_parts and splits_by_products(output.formula):
        first = min(first, (start if last == ABSENT else last) - RETURN_PERIODS[output.frequency])
    return max(0, first - (0 if output.relative_limit is None else 1))


def periods_ahead(output: RecipeOutput, *, with_parts: bool) -> int:
    """How many periods after a block its view needs.

    Windows: W - 1, in which a product may return that joins two stretches, and with which the first window fills up.
    Parts of movements: those in which a product may return.
    """
    windowed = FORMULAS[output.formula].windowed and output.window is not None
    ahead = (output.window or 1) - 1 if windowed else 0
    if with_parts and splits_by_products(output.formula):
        ahead = max(ahead, RETURN_PERIODS[output.frequency])
    return ahead


def may_start(output: RecipeOutput, start: int) -> bool:
    """True if a block may start at a period, counted from the first one of the history.

    While the first window of all fills up each period revises the ones before, so that they are one block; an index
    over one window of all periods is always one block.
    """
    if not FORMULAS[output.formula].windowed or start == 0:
        return True
    return output.window is not None and start >= output.window


def splits_by_products(formula: str) -> bool:
    """True if movements are split into parts by sets of products, see `forms.nested_parts`; chains split by link."""
    return not FORMULAS[formula].chained


def _window_periods_before(output: RecipeOutput, *, with_parts: bool) -> int:
    window = output.window
    if window is None:
        return 0
    spliced = window_periods_before(window, output.splice)
    return max(spliced, window - 1 + RETURN_PERIODS[output.frequency]) if with_parts else spliced
