"""Means of sub-indices with the expenditure shares of two periods, one step from parts to the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.prices.methods.bilateral.registry import ALIASES, ENTRIES, REGISTER
from ons_bigdata.prices.methods.panels.input_checks import float_vector

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

FORMULAS = tuple(
    entry.name
    for entry in ENTRIES
    if entry.takes == "quantities" and not entry.required and "commensurability" not in entry.fails
)
"""Weighted bilateral formulas that depend on relatives and shares alone: those that pass commensurability."""


def mean_index(indices: ArrayLike, base_weights: ArrayLike, current_weights: ArrayLike, *, formula: str) -> float:
    """Average sub-indices r between two periods with the expenditure shares of both (on any scale).

    `formula`: a bilateral formula of relatives and shares, one of `FORMULAS`: "laspeyres", Σs0 r; "paasche", 1/Σ(s1/r);
    "fisher", the geometric mean of the two; "tornqvist", exp(Σ(s0 + s1)/2 ln r), and so on. A sub-index counts as a
    product of price 1 and r, whose expenditures are the weights.

    Raises ValueError on an unknown formula, which lists the known ones; on vectors of different lengths, indices that
    are not positive and finite, weights below 0 or all 0. Source: CPI manual (2004), chapters 15 and 16.
    """
    refuse_unknown("formula", formula, FORMULAS, aliases=ALIASES)
    named = (("indices", indices), ("base_weights", base_weights), ("current_weights", current_weights))
    r, s0, s1 = (float_vector(name, vector) for name, vector in named)
    if not len(r) == len(s0) == len(s1) > 0:
        message = f"lengths differ or are 0: {len(r)} indices, {len(s0)} base weights, {len(s1)} current weights"
        raise ValueError(message)
    for name, vector, valid in (
        ("indices", r, np.isfinite(r) & (r > 0)),
        ("base_weights", s0, np.isfinite(s0) & (s0 >= 0) & (s0.sum() > 0)),
        ("current_weights", s1, np.isfinite(s1) & (s1 >= 0) & (s1.sum() > 0)),
    ):
        if not valid.all():
            row = int(np.flatnonzero(~valid)[0])
            message = (
                f"{name}: element {row} is {vector[row]}, expected finite numbers, indices > 0, weights ≥ 0, not all 0"
            )
            raise ValueError(message)
    base, current = s0 / s0.sum(), s1 / s1.sum()
    return REGISTER[formula].compute(np.ones(len(r)), r, base, current / r)
