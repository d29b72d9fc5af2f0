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

    `previous`: row of the child's period before that has an index, -1 where there is none or the child is absent.
    `present`: mask of children with an index. `parts`: log movement from `previous` in five parts (last axis).
    `rejected`: mask of children whose quotes were judged faulty.
    """

    previous: Integers
    present: Booleans
    parts: Floats
    rejected: Booleans


def elementary_parts(parts: Floats) -> Floats:
    """Arrange a form's parts (prices, churn, gaps, splice; last axis) as the five parts; gaps are imputation."""
    five = np.zeros((*parts.shape[:-1], len(PARTS)))
    for place, source in ((PRICES, 0), (CHURN, 1), (IMPUTATION, 2), (SPLICE, 3)):
        five[..., place] = parts[..., source]
    return five


def parent_parts(
    before: Floats, after: Floats, weights: Floats, index: Floats, children: ChildMovements, parts_of: Integers
) -> Floats:
    """Split the parents' log movements: periods x parents x 5, nan where an index has none before it.

    `before`, `after`, `weights`: of `aggregation.linked.Parents`, one replicate; `index`: periods x parents;
    `parts_of`: connected part of each figure, periods x parents: there is no movement from one to another.

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
    previous = previous_rows_of_part(np.isfinite(index), parts_of)
    continued = children.present & (children.previous >= 0) & (children.previous == previous[:, :, None])
    parts = np.where(continued[..., None], children.parts, 0.0)
    # A child's parts add up to its movement; where it has none, its composition has changed completely.
    lost = continued & ~np.isfinite(parts).all(axis=3)
    parts = np.where(lost[..., None], 0.0, parts)
    parts[..., CHURN] += np.where(lost, change, 0.0)
    away = children.rejected & ~children.present
    rejected = away | _at(away, previous)
    place = np.where(rejected, REJECTED, IMPUTATION)
    imputed = np.where(continued, 0.0, change)
    for part in (IMPUTATION, REJECTED):
        parts[..., part] += np.where(place == part, imputed, 0.0)
    summed = (share[..., None] * parts).sum(axis=2)
    movement = log_movements(index, previous)
    empty = ~there.any(axis=2)
    summed[..., IMPUTATION] += np.where(empty, np.nan_to_num(movement), 0.0)
    return np.where(np.isfinite(movement)[..., None], summed, np.nan)


def previous_rows(there: Booleans) -> Integers:
    """Previous row (periods on the first axis) with a value, for each row with a value; else -1."""
    rows = np.where(there, np.arange(len(there)).reshape(-1, *[1] * (there.ndim - 1)), -1)
    last = np.maximum.accumulate(rows, axis=0)
    before = np.concatenate([np.full((1, *there.shape[1:]), -1), last[:-1]]) if len(there) else rows
    return np.where(there, before, -1)


def previous_rows_of_part(there: Booleans, parts_of: Integers) -> Integers:
    """Previous row with a value of the same connected part, as `previous_rows`. `parts_of`: of each value."""
    rows = np.full(there.shape, -1)
    for number in np.unique(parts_of):
        of_part = parts_of == number
        rows = np.where(of_part, previous_rows(there & of_part), rows)
    return rows


def log_movements(index: Floats, previous: Integers) -> Floats:
    """Log of each index divided by that of its previous row; nan where there is none."""
    earlier = np.take_along_axis(index, np.maximum(previous, 0), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(previous >= 0, np.log(index) - np.log(earlier), np.nan)


def _at(children: Booleans, previous: Integers) -> Booleans:
    """Mark of the children, looked up at the parents' rows before."""
    rows = np.broadcast_to(np.maximum(previous, 0)[:, :, None], children.shape)
    found: Booleans = np.take_along_axis(children, rows, axis=0) & (previous >= 0)[:, :, None]
    return found
