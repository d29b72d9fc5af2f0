"""The time-product dummy index: a weighted regression of log prices on periods and products, solved exactly.

Products are concentrated out, so that a window of T periods costs a T×T system. Windows are extended in `extension`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.extension import WindowOf, component_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.price_panel import PricePanel

    Floats = NDArray[np.float64]

WEIGHTS = ("shares", "levels", "none")
_CONDITION = 1 / np.finfo(np.float64).eps


def solved(system: Floats, right: Floats) -> Floats | None:
    """Solve a square linear system; None where it is singular to working precision or not finite."""
    if not (np.isfinite(system).all() and np.isfinite(right).all()):
        return None
    if len(system) == 0:
        return right
    if np.linalg.cond(system) >= _CONDITION:
        return None
    return np.asarray(np.linalg.solve(system, right), dtype=np.float64)


def time_product_dummy_windows(panel: PricePanel, weights: str) -> WindowOf:
    """Give the time-product dummy levels of any window of a panel.

    Minimises Σ w_ti (ln p_ti - δ_t - γ_i)² over the products present; δ is the log level. With w_i = Σ_t w_ti and δ of
    the first period 0: Aδ = b, A = diag(Σ_i w_ti) - (w/w_i)w', b_t = Σ_i w_ti (ln p_ti - Σ_s w_si ln p_si / w_i).
    `weights`: "shares", the product's share in the expenditure of its period; "levels", its expenditure; "none", 1.
    The price of a product of one period only has no influence; its expenditure is part of the shares.

    Raises ValueError on unknown weights, which lists the known ones, and where quantities are missing (all but "none").
    Source: ILO et al., Consumer Price Index Manual: Concepts and Methods (2020), chapter 10; weights by levels:
    Krsinich (2016), The FEWS index, Journal of Official Statistics 32(2).
    """
    if weights not in WEIGHTS:
        message = f"unknown weights {weights!r}; known: {', '.join(WEIGHTS)}"
        raise ValueError(message)
    weight = _weights(panel, weights)
    logs = np.log(panel.prices, where=panel.presence, out=np.zeros(panel.prices.shape))

    def levels_of(periods: NDArray[np.int64]) -> Floats | str:
        cells = np.ix_(periods, panel.presence[periods].any(axis=0))
        effects = _period_effects(weight[cells], logs[cells])
        return f"the regression from period {panel.periods[periods[0]]} is singular" if effects is None else effects

    return component_windows(panel.periods, panel.presence, levels_of)


def _weights(panel: PricePanel, weights: str) -> Floats:
    if weights == "none":
        return panel.presence.astype(np.float64)
    if panel.quantities is None:
        message = f"time_product_dummy: no quantities for weights {weights!r}; expected a quantity column"
        raise ValueError(message)
    values = np.where(panel.presence, panel.prices * panel.quantities, 0.0)
    if weights == "levels":
        return values
    totals = values.sum(axis=1, keepdims=True)
    return np.divide(values, totals, where=totals > 0, out=np.zeros_like(values))


def _period_effects(weight: Floats, logs: Floats) -> Floats | None:
    totals = weight.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = weight / totals
        product_means = (shares * logs).sum(axis=0)
    system = np.diag(weight.sum(axis=1)) - shares @ weight.T
    right = (weight * (logs - product_means)).sum(axis=1)
    effects = solved(system[1:, 1:], right[1:])
    return None if effects is None else np.concatenate([[0.0], effects])
