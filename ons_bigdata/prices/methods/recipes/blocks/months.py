"""Months of daily figures: which days are computed together, what they read, and what they depend on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.recipes.blocks.views import periods_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
    from ons_bigdata.prices.methods.recipes.blocks.past import Past
    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.levels import LevelBases


@dataclass(frozen=True)
class MonthOfDays:
    """Days of a calendar month in a history: `month`, its first day; rows `start` to `stop` of the calendar."""

    month: date
    start: int
    stop: int


def months_of_days(days: Sequence[date]) -> list[MonthOfDays]:
    """Calendar months of consecutive days, in order."""
    months: list[MonthOfDays] = []
    for row, day in enumerate(days):
        if months and months[-1].month == day.replace(day=1):
            months[-1] = MonthOfDays(months[-1].month, months[-1].start, row + 1)
        else:
            months.append(MonthOfDays(day.replace(day=1), row, row + 1))
    return months


def first_day_of_view(
    history: OriginHistory,
    month: MonthOfDays,
    outputs: Iterable[tuple[RecipeOutput, Sequence[Past]]],
    *,
    with_parts: bool,
) -> int:
    """Row of the first day whose quotes a month of daily outputs needs.

    `outputs`: with what each keeps of its strata. A retailer's item without a quote in the month needs none.
    """
    there = np.any(history.present[:, month.start : month.stop], axis=1)
    first = month.start
    for output, pasts in outputs:
        for past, has_quotes in zip(pasts, there, strict=True):
            if has_quotes:
                first = min(first, periods_before(output, month.start, past.last, with_parts=with_parts))
    return first


def structure_hash(history: OriginHistory, bases: Sequence[LevelBases]) -> str:
    """Hash of all that the figures of some periods depend on besides quotes and weights of the days: tree and bases.

    `bases`: of each level in these periods.
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
    return digest.hexdigest()[:32]
