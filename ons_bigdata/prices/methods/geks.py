"""GEKS indices from matrix products: bilateral log indices of all pairs of periods, and their transitive levels.

Exact, without a loop over pairs. How windows are extended is in `extension`; the public function is in `multilateral`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.extension import WindowOf, component_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.price_panel import PricePanel

    Floats = NDArray[np.float64]

FORMULAS = ("fisher", "tornqvist", "jevons", "walsh")
INCOMPLETE = ("null", "least_squares")


def bilateral_logs(panel: PricePanel, formula: str) -> Floats:
    """Give G, T×T: G_ij = ln P(i→j), each over the products priced (and sold) in both i and j; nan where none is.

    With p, q the matrices of prices and quantities (0 where absent), M presence, l = ln p less the product's mean log
    price (0 where absent), E = p∘q:

    tornqvist: S=EM', A=(E∘l)M', C=E(l∘M)'; G = ½[(C-A)/S + ((A-C)/S)'].
    jevons: G = (Ml' - lM')/(MM').
    fisher: K=qp', H=ln(K/S); G = ½(H-H').
    walsh: R=√q, K=R(p∘R)'; G = ln K - (ln K)'.

    G is antisymmetric to the last digit. Raises ValueError on an unknown formula, which lists the known ones, and where
    quantities are missing (all but jevons). Source: ILO et al., Consumer Price Index Manual: Concepts and Methods
    (2020), chapter 10.
    """
    if formula not in FORMULAS:
        message = f"unknown GEKS formula {formula!r}; known: {', '.join(FORMULAS)}"
        raise ValueError(message)
    present = panel.presence.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if formula == "jevons":
            matched = _centred_logs(panel) @ present.T
            return (matched.T - matched) / (present @ present.T)
        if panel.quantities is None:
            message = f"geks_{formula}: no quantities; expected a quantity column"
            raise ValueError(message)
        prices, quantities = panel.prices, panel.quantities
        if formula == "walsh":
            roots = np.sqrt(quantities)
            values = np.log(roots @ (prices * roots).T)
            return values - values.T
        values = prices * quantities
        own = values @ present.T
        if formula == "fisher":
            laspeyres = np.log((quantities @ prices.T) / own)
            return (laspeyres - laspeyres.T) / 2
        logs = _centred_logs(panel)
        moves = (values @ logs.T - (values * logs) @ present.T) / own
        return (moves - moves.T) / 2


def geks_windows(panel: PricePanel, formula: str, incomplete: str) -> WindowOf:
    """Give the GEKS levels of any window of a panel: x_t = mean over i of G_it.

    The pairs do not depend on the window, so they are computed once. Where two periods of a component share no product,
    `incomplete`="null" gives no level and names the pair; "least_squares" minimises Σ (G_ij - (x_j - x_i))²
    over the pairs there are, which is the same where none is missing. Raises ValueError as `bilateral_logs`.
    """
    if incomplete not in INCOMPLETE:
        message = f"unknown incomplete {incomplete!r}; known: {', '.join(INCOMPLETE)}"
        raise ValueError(message)
    logs = bilateral_logs(panel, formula)

    def levels_of(periods: NDArray[np.int64]) -> Floats | str:
        pairs = logs[np.ix_(periods, periods)]
        gaps = np.argwhere(~np.isfinite(pairs))
        if len(gaps) == 0:
            return pairs.mean(axis=0)
        if incomplete == "least_squares":
            return _least_squares(pairs)
        i, j = (panel.periods[period] for period in periods[gaps[0]])
        return f"periods {i} and {j} have no bilateral index, which GEKS needs of each pair in the window"

    return component_windows(panel.periods, panel.presence, levels_of)


def _centred_logs(panel: PricePanel) -> Floats:
    """Take logs of prices less the product's mean: the same indices, with fewer digits lost in differences."""
    logs = np.log(panel.prices, where=panel.presence, out=np.zeros(panel.prices.shape))
    means = logs.sum(axis=0) / np.maximum(panel.presence.sum(axis=0), 1)
    return np.subtract(logs, means, where=panel.presence, out=logs)


def _least_squares(pairs: Floats) -> Floats:
    """Solve the normal equations of x_j - x_i = G_ij over the pairs that are there; x_0 = 0."""
    there = np.isfinite(pairs)
    laplacian = np.diag(there.sum(axis=0).astype(np.float64)) - there
    totals = np.where(there, pairs, 0.0).sum(axis=0)
    return np.concatenate([[0.0], np.linalg.solve(laplacian[1:, 1:], totals[1:])])
