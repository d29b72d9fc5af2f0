"""The time-product dummy index: a weighted regression of log prices on periods and products, solved exactly.

Products are concentrated out, so that a window of T periods costs a T×T system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.splicing import ReplicatesOf, WindowOf, component_windows
from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]

WEIGHTS = ("shares", "levels", "none")


def network_levels(links: Floats, flows: Floats, first: float) -> Floats | None:
    """Solve x_t Σ_s L_st = Σ_s (L_ts x_s + F_ts) over s ≠ t for x with x_0 = `first`.

    `links`: L, T×T, not negative; `flows`: F, T×T, antisymmetric, 0 unless L is symmetric. Diagonals do not count. None
    where nothing but links of 0 (expenditures too small to multiply) lead from a period to those before.

    Periods are eliminated one by one, the last first; each time the links and flows through it are added to those
    between the others. No step subtracts (Grassmann, Taksar and Heyman 1985), so that links of small weight are
    not lost against those of large weight, as in a solution by pivots.
    """
    links, flows = (matrix - np.diag(matrix.diagonal()) for matrix in (links, flows))
    totals = np.ones(len(links))
    for last in range(len(links) - 1, 0, -1):
        totals[last] = total = links[:last, last].sum()
        if not (np.isfinite(total) and total > 0):
            return None
        into, out = links[:last, last] / total, links[last, :last]
        links[:last, :last] += np.outer(into, out)
        flows[:last, :last] += np.outer(into, flows[last, :last]) + np.outer(flows[:last, last] / total, out)
        np.fill_diagonal(links[:last, :last], 0.0)
        np.fill_diagonal(flows[:last, :last], 0.0)
    levels = np.full(len(links), first)
    for t in range(1, len(links)):
        levels[t] = (links[t, :t] @ levels[:t] + flows[t, :t].sum()) / totals[t]
    return levels if np.isfinite(levels).all() else None


def time_product_dummy_windows(panel: PricePanel, weights: str) -> WindowOf:
    """Time-product dummy levels of any window of a panel.

    Minimises Σ w_ti (ln p_ti - δ_t - γ_i)² over the products present; δ is the log level. With w_i = Σ_t w_ti and δ of
    the first period 0: Aδ = b, A = diag(Σ_i w_ti) - (w/w_i)w', b_t = Σ_i Σ_s (w_ti w_si / w_i) (ln p_ti - ln p_si).
    `weights`: "shares", the product's share in the expenditure of its period; "levels", its expenditure; "none", 1.
    The price of a product of one period only has no influence; its expenditure is part of the shares. Where the panel
    has `rows`, all rows of a product in a period enter, each with the weight of its share, expenditure or 1: the same
    as one row at the sum of their weights and their weighted mean log price.

    Raises ValueError on unknown weights, which lists the known ones, and where quantities are missing (all but "none").
    Source: ILO et al., Consumer Price Index Manual: Concepts and Methods (2020), chapter 10; weights by levels:
    Krsinich (2016), The FEWS index, Journal of Official Statistics 32(2).
    """
    refuse_unknown("weights", weights, WEIGHTS)
    weight = _weights(panel, weights)
    logs = np.log(panel.prices, where=panel.presence, out=np.zeros(panel.prices.shape))
    if panel.rows is not None:
        logs = panel.rows.logs if weights == "none" else panel.rows.value_logs

    def levels_of(periods: NDArray[np.int64]) -> Floats | str:
        cells = np.ix_(periods, (weight[periods] > 0).any(axis=0))
        effects = _period_effects(weight[cells], logs[cells])
        return f"the regression from period {panel.periods[periods[0]]} is singular" if effects is None else effects

    return component_windows(panel.periods, panel.presence, levels_of)


def unweighted_replicates(logs: Floats, presence: Booleans, weights: Floats) -> ReplicatesOf:
    """Time-product dummy log levels of windows, for each row of product weights; prices count alike.

    `logs`: log prices, T×N, 0 where absent. `weights`: replicates × N, how many times a product counts. The mean level
    of a window is 0; a replicate whose products do not link all periods that they are in has no level in it (nan).

    A product's weight cancels from its mean, so that the normal equations are sums over products of the weight times
    what the product adds alone.
    """

    def levels_of(first: int, stop: int) -> Floats:
        return _replicate_effects(logs[first:stop], presence[first:stop], weights)

    return levels_of


def _replicate_effects(logs: Floats, presence: Booleans, weights: Floats) -> Floats:
    periods = len(logs)
    seen = np.maximum(presence.sum(axis=0), 1)
    present = presence.astype(np.float64)
    centred = (logs - (logs * present).sum(axis=0) / seen) * present
    pairs = (present[:, None, :] * present[None, :, :] / seen).reshape(periods * periods, -1)
    links = (weights @ pairs.T).reshape(-1, periods, periods)
    moved = weights @ centred.T
    count = weights @ present.T
    there = count > 0
    system = -links
    rows = np.arange(periods)
    system[:, rows, rows] += count
    reached = links > 0
    for _ in range(max(1, int(np.ceil(np.log2(max(periods, 2)))))):
        reached = (reached.astype(np.float32) @ reached.astype(np.float32)) > 0
    both = there[:, :, None] & there[:, None, :]
    solvable = (reached | ~both).all(axis=(1, 2)) & there.any(axis=1)
    # A row of ones fixes the level (the mean is 0) and leaves periods without a product out of it.
    system += both
    system[:, rows, rows] += ~there
    system[~solvable] = np.eye(periods)
    levels = np.linalg.solve(system, np.where(there, moved, 0.0)[:, :, None])[:, :, 0]
    return np.where(there & solvable[:, None], levels, np.nan).T


def _weights(panel: PricePanel, weights: str) -> Floats:
    if weights == "none":
        return panel.presence.astype(np.float64) if panel.rows is None else panel.rows.counts
    if panel.quantities is None:
        message = f"time_product_dummy: no quantities for weights {weights!r}; expected a quantity column"
        raise ValueError(message)
    values = panel.prices * panel.quantities
    if weights == "levels":
        return values
    totals = values.sum(axis=1, keepdims=True)
    return np.divide(values, totals, where=totals > 0, out=np.zeros_like(values))


def _period_effects(weight: Floats, logs: Floats) -> Floats | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = weight / weight.sum(axis=0)
        centred = logs - (shares * logs).sum(axis=0)
    moves = (shares * centred) @ weight.T
    return network_levels(shares @ weight.T, moves - moves.T, first=0.0)
