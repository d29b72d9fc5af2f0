"""Months of daily or weekly figures: which periods are computed together, what they read, and what they depend on."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT
from ons_bigdata.prices.methods.recipes.blocks.views import may_start, periods_ahead, periods_before
from ons_bigdata.prices.methods.recipes.formulas import FORMULAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.blocks.past import Past
    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.levels import LevelBases


@dataclass(frozen=True)
class MonthOfPeriods:
    """Days, or weeks, that begin in a calendar month or in one of the months of a block, which is computed at once.

    `month`: first day of the first of these months. `start`, `stop`: rows of the calendar of all history.
    """

    month: date
    start: int
    stop: int


def first_months_of_blocks(calendars: Iterable[Sequence[date]], outputs: Sequence[RecipeOutput]) -> list[date]:
    """First days of the months with which a block may begin, for several calendars alike.

    `calendars`: first days of consecutive periods, each of a data origin. While the first window of an output fills up,
    its months are one block, see `views.may_start`. The first month of all begins one.
    """
    allowed: dict[date, bool] = {}
    for starts in calendars:
        for month in months_of_periods(starts):
            may_begin = all(may_start(output, month.start) for output in outputs)
            allowed[month.month] = allowed.get(month.month, True) and may_begin
    return [month for month in sorted(allowed) if allowed[month]]


def months_of_periods(starts: Sequence[date], first_months: Sequence[date] | None = None) -> list[MonthOfPeriods]:
    """Arrange consecutive periods by the calendar month in which they begin, in order.

    `first_months`: those with which a block begins, ascending, the first of all among them; None for all months.
    """
    months: list[MonthOfPeriods] = []
    for row, start in enumerate(starts):
        month = start.replace(day=1)
        if first_months is not None:
            month = first_months[bisect_right(first_months, start) - 1]
        if months and months[-1].month == month:
            months[-1] = MonthOfPeriods(month, months[-1].start, row + 1)
        else:
            months.append(MonthOfPeriods(month, row, row + 1))
    return months


def first_period_of_view(
    present: NDArray[np.bool_],
    month: MonthOfPeriods,
    outputs: Iterable[tuple[RecipeOutput, Sequence[Past]]],
    *,
    with_parts: bool,
) -> int:
    """Row of the first period whose prices a month of outputs needs.

    `present`: mask of the periods with quotes, strata x periods. `outputs`: with what each keeps of its strata. A
    retailer's item without a quote in the month needs its windows alone, since their periods have a reason.
    """
    there = np.any(present[:, month.start : month.stop], axis=1)
    first = month.start
    for output, pasts in outputs:
        for past, has_quotes in zip(pasts, there.tolist(), strict=True):
            if has_quotes or FORMULAS[output.formula].windowed:
                last = past.last if has_quotes else ABSENT
                first = min(first, periods_before(output, month.start, last, with_parts=with_parts))
    return first


def most_periods_ahead(outputs: Iterable[RecipeOutput]) -> int:
    """How many periods after a block the figures and diagnostics of some outputs depend on.

    Days: none, since the parts of their movements are of the days up to now.
    """
    ahead = (periods_ahead(output, with_parts=True) for output in outputs if FORMULAS[output.formula].windowed)
    return max(ahead, default=0)


def structure_hash(history: OriginHistory, bases: Sequence[LevelBases], window: int | None = None) -> str:
    """Hash of all that the figures of some periods depend on besides quotes and weights of the days: tree and bases.

    `bases`: of each level in these periods. `window`: of the output, None where it has none; figures of a part that is
    shorter have a remark.
    """
    digest = hashlib.sha256()
    for text in (history.data_origin, *map(str, history.strata), str(history.has_quotes_out_of_scope)):
        digest.update(f"{len(text)} {text}".encode())
    for tree, level in zip(history.tree, bases, strict=True):
        for text in (tree.name, *tree.codes, *map(str, tree.names), *sorted(tree.equal)):
            digest.update(f"{len(text)} {text}".encode())
        for array in (tree.weights, tree.place, level.numbers, level.has_rows):
            digest.update(np.ascontiguousarray(array).tobytes())
        for part in (part for parts in level.parts for part in parts):
            for mask in (part.strata, part.children, part.priced_children, part.periods, part.base):
                digest.update(np.packbits(mask).tobytes())
            digest.update("|".join([part.base_text or "", *part.notes]).encode())
            if window is not None and part.span < window:
                digest.update(f"{part.span} of {window}".encode())
    return digest.hexdigest()[:32]
