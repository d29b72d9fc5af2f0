"""Movements in parts: what prices, churn, imputation, rejected days and the splice add to each; exact, in logs.

Parts of an elementary movement come with its form; here they are carried up to items, classes and divisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.panels.logarithmic_mean import logarithmic_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

PARTS = ("prices", "churn", "imputation", "rejected_days", "splice")
PRICES, CHURN, IMPUTATION, REJECTED, SPLICE = range(5)


@dataclass(frozen=True, eq=False)
class ChildMovements:
    """Movements of the children: periods x parents x children.

    `previous`: number of the child's period before that has an index, -1 where there is none or the child is absent.
    `present`: mask of children with an index. `parts`: log movement from `previous` in five parts (last axis).
    `rejected`: mask of children that were absent since their quotes were judged faulty, in the period or in the period
    that the parent moves from.
    """

    previous: Integers
    present: Booleans
    parts: Floats
    rejected: Booleans


@dataclass(frozen=True, eq=False)
class LastFigures:
    """Last figures of the members of a level before some periods: what their movements start from.

    `first`: number of the first of these periods. `periods`: number of the last period before it with an index, parts x
    members, -1 where there is none; `indices`: that index. Parts are numbers of connected parts.
    """

    first: int
    periods: Integers
    indices: Floats

    @staticmethod
    def none(parts: int, members: int) -> LastFigures:
        """No figures before the first period of all."""
        return LastFigures(0, np.full((parts, members), -1), np.full((parts, members), np.nan))

    def previous(self, indices: Floats, parts_of: Integers) -> Integers:
        """Find the number of the period before with an index of the same part; -1 where there is none or no index.

        `indices`, `parts_of`: of the periods from `first` on, periods x members.
        """
        there, numbers = np.isfinite(indices), np.full(indices.shape, -1)
        for part, last in enumerate(self.periods):
            of_part = there & (parts_of == part)
            rows = previous_rows(of_part)
            numbers = np.where(of_part, np.where(rows >= 0, rows + self.first, last), numbers)
        return numbers

    def movements(self, indices: Floats, parts_of: Integers, previous: Integers) -> Floats:
        """Log of each index divided by that of its period before; nan where there is none."""
        here = np.take_along_axis(indices, np.maximum(previous - self.first, 0), axis=0)
        before = np.take_along_axis(self.indices, parts_of, axis=0)
        earlier = np.where(previous >= self.first, here, before)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(previous >= 0, np.log(indices) - np.log(earlier), np.nan)

    def after(self, indices: Floats, parts_of: Integers) -> LastFigures:
        """Last figures after the periods."""
        periods, last = self.periods.copy(), self.indices.copy()
        for part in range(len(periods)):
            there = np.isfinite(indices) & (parts_of == part)
            row = len(there) - 1 - there[::-1].argmax(axis=0)
            any_there = there.any(axis=0)
            periods[part] = np.where(any_there, row + self.first, periods[part])
            last[part] = np.where(any_there, np.take_along_axis(indices, row[None], axis=0)[0], last[part])
        return LastFigures(self.first + len(indices), periods, last)


def elementary_parts(parts: Floats) -> Floats:
    """Arrange a form's parts (prices, churn, gaps, splice; last axis) as the five parts; gaps are imputation."""
    five = np.zeros((*parts.shape[:-1], len(PARTS)))
    for place, source in ((PRICES, 0), (CHURN, 1), (IMPUTATION, 2), (SPLICE, 3)):
        five[..., place] = parts[..., source]
    return five


def parent_parts(
    before: Floats, after: Floats, weights: Floats, previous: Integers, movement: Floats, children: ChildMovements
) -> Floats:
    """Split the parents' log movements: periods x parents x 5, nan where an index has none before it.

    `before`, `after`, `weights`: of `aggregation.linked.Parents`, one replicate; `previous`, `movement`: number of each
    figure's period before and its log movement since, periods x parents; nan where there is none.

    With m = Σ w·after / Σ w·before over the children that have a part, and λ the logarithmic mean,
    ln m = Σ_i s_i ln(after_i/before_i), s_i = w_i λ(after_i, before_i) / λ(Σ w·after, Σ w·before): exact. A child
    with an index in both periods brings its parts; the others are all imputation, or rejected days where their
    quotes were judged faulty in the period in which they are absent. What no child accounts for (all were scaled anew
    to the base) is imputation.

    Source: additive decomposition by logarithmic means, Vartia (1976), Ideal log-change index numbers, Scandinavian
    Journal of Statistics 3(3).
    """
    there = np.isfinite(before) & np.isfinite(after)
    value_before = np.where(there, weights * before, 0.0)
    value_after = np.where(there, weights * after, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = logarithmic_mean(value_after.sum(axis=2), value_before.sum(axis=2))
        share = np.where(there, logarithmic_mean(value_after, value_before) / total[:, :, None], 0.0)
        change = np.where(there, np.log(after) - np.log(before), 0.0)
    continued = children.present & (children.previous >= 0) & (children.previous == previous[:, :, None])
    parts = np.where(continued[..., None], children.parts, 0.0)
    # A child's parts add up to its movement; where it has none, its composition has changed completely.
    lost = continued & ~np.isfinite(parts).all(axis=3)
    parts = np.where(lost[..., None], 0.0, parts)
    parts[..., CHURN] += np.where(lost, change, 0.0)
    place = np.where(children.rejected, REJECTED, IMPUTATION)
    imputed = np.where(continued, 0.0, change)
    for part in (IMPUTATION, REJECTED):
        parts[..., part] += np.where(place == part, imputed, 0.0)
    summed = (share[..., None] * parts).sum(axis=2)
    empty = ~there.any(axis=2)
    summed[..., IMPUTATION] += np.where(empty, np.nan_to_num(movement), 0.0)
    return np.where(np.isfinite(movement)[..., None], summed, np.nan)


def previous_rows(there: Booleans) -> Integers:
    """Previous row (periods on the first axis) with a value, for each row with a value; else -1."""
    rows = np.where(there, np.arange(len(there)).reshape(-1, *[1] * (there.ndim - 1)), -1)
    last = np.maximum.accumulate(rows, axis=0)
    before = np.concatenate([np.full((1, *there.shape[1:]), -1), last[:-1]]) if len(there) else rows
    return np.where(there, before, -1)
