"""The case for use: calls saved by skipping homes predicted empty, against occupied homes that are wrongly skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class FieldCosts:
    """Costs, in the same unit.

    `call`: of one call. `missed_home`: of an occupied home that nobody calls at (a later reminder, and its weight in
    the estimate). `calls_at_empty_home`: calls made in vain at a home that is not skipped; `calls_at_occupied_home`:
    mean calls at one that is.
    """

    call: float
    missed_home: float
    calls_at_empty_home: float = 5.0
    calls_at_occupied_home: float = 2.2

    def __post_init__(self) -> None:
        """Raise ValueError on a negative cost."""
        for name, value in vars(self).items():
            if not value >= 0:
                message = f"{name} is {value}, expected 0 or more"
                raise ValueError(message)


def case_for_use(
    probability_empty: np.ndarray,
    is_empty: np.ndarray,
    *,
    thresholds: Sequence[float],
    prevalences: Sequence[float],
    costs: FieldCosts,
    homes: int = 10_000,
) -> pl.DataFrame:
    """Savings and costs of skipping homes above a threshold, by threshold and prevalence of empty homes.

    `probability_empty`, `is_empty`: of evaluated homes with truth. Returns, for each number of `homes` called at:
    threshold, prevalence, recall, false_share (occupied homes skipped / occupied homes), skipped_empty,
    skipped_occupied, calls_saved (at both), calls_saved_share (of all calls without skipping), predictive_value,
    net_saving (calls saved × cost - occupied homes skipped × cost).

    Raises ValueError where there is no empty or no occupied home, or a prevalence is outside 0 … 1.
    """
    if not is_empty.any() or is_empty.all():
        message = "is_empty: found one kind of home, expected empty and occupied ones"
        raise ValueError(message)
    rows = []
    for threshold in thresholds:
        skipped = probability_empty >= threshold
        recall, false = float(skipped[is_empty].mean()), float(skipped[~is_empty].mean())
        for prevalence in prevalences:
            if not 0 < prevalence < 1:
                message = f"prevalence is {prevalence}, expected more than 0 and less than 1"
                raise ValueError(message)
            empty, occupied = homes * prevalence, homes * (1 - prevalence)
            right, wrong = recall * empty, false * occupied
            calls = right * costs.calls_at_empty_home + wrong * costs.calls_at_occupied_home
            all_calls = empty * costs.calls_at_empty_home + occupied * costs.calls_at_occupied_home
            rows.append(
                {
                    "threshold": threshold,
                    "prevalence": prevalence,
                    "recall": recall,
                    "false_share": false,
                    "skipped_empty": right,
                    "skipped_occupied": wrong,
                    "calls_saved": calls,
                    "calls_saved_share": calls / all_calls,
                    "predictive_value": right / (right + wrong) if right + wrong else None,
                    "net_saving": calls * costs.call - wrong * costs.missed_home,
                }
            )
    return pl.DataFrame(rows)
