"""Means of sub-indices with weights of two periods: Laspeyres to Törnqvist, one step from parts to the whole.

For parts whose expenditure shares are known in both periods. Trees and chains are in `aggregation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Vector = NDArray[np.float64]

_MEANS: dict[str, Callable[[Vector, Vector, Vector], float]] = {
    "laspeyres": lambda r, s0, _s1: float(s0 @ r),
    "paasche": lambda r, _s0, s1: float(1 / (s1 @ (1 / r))),
    "fisher": lambda r, s0, s1: float(np.sqrt((s0 @ r) / (s1 @ (1 / r)))),
    "geometric_laspeyres": lambda r, s0, _s1: float(np.exp(s0 @ np.log(r))),
    "geometric_paasche": lambda r, _s0, s1: float(np.exp(s1 @ np.log(r))),
    "tornqvist": lambda r, s0, s1: float(np.exp((s0 + s1) / 2 @ np.log(r))),
}
FORMULAS = tuple(_MEANS)


def mean_index(indices: ArrayLike, base_weights: ArrayLike, current_weights: ArrayLike, *, formula: str) -> float:
    """Average sub-indices r between two periods with the expenditure shares of both (any scale; made to add up to 1).

    "laspeyres": Σs0 r. "paasche": 1/Σ(s1/r). "fisher": the geometric mean of the two. "geometric_laspeyres",
    "geometric_paasche": exp(Σs ln r). "tornqvist": the geometric mean of the latter two.

    Raises ValueError on an unknown formula, which lists the known ones; on vectors of different lengths, indices that
    are not positive and finite, weights below 0 or all 0. Source: CPI manual (2004), chapters 15 and 16.
    """
    refuse_unknown("formula", formula, FORMULAS)
    r, s0, s1 = (np.asarray(vector, dtype=np.float64) for vector in (indices, base_weights, current_weights))
    if not len(r) == len(s0) == len(s1) > 0:
        message = f"lengths differ or are 0: {len(r)} indices, {len(s0)} base weights, {len(s1)} current weights"
        raise ValueError(message)
    for name, vector, fine in (
        ("indices", r, np.isfinite(r) & (r > 0)),
        ("base_weights", s0, np.isfinite(s0) & (s0 >= 0) & (s0.sum() > 0)),
        ("current_weights", s1, np.isfinite(s1) & (s1 >= 0) & (s1.sum() > 0)),
    ):
        if not fine.all():
            row = int(np.flatnonzero(~fine)[0])
            message = (
                f"{name}: element {row} is {vector[row]}, expected finite numbers, indices > 0, weights ≥ 0, not all 0"
            )
            raise ValueError(message)
    return _MEANS[formula](r, s0 / s0.sum(), s1 / s1.sum())
