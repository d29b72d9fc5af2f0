"""The time-product dummy index: a weighted regression of log prices on periods and products, solved exactly.

Products are concentrated out, so that a window of T periods costs a T×T system; or periods, where products are fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.prices.methods.multilateral.windows import (
    WindowOf,
    component_windows,
    overlap,
    summed_products,
    summed_squares,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

WEIGHTS = ("shares", "levels", "none")


def network_levels(links: Floats, flows: Floats, components: Integers, first: float) -> Floats:
    """Solve x_t Σ_s L_st = Σ_s (L_ts x_s + F_ts) over s ≠ t for x, `first` in the first period of each component.

    `links`: L, T × T × replicates, not negative; `flows`: F, as L, antisymmetric, 0 unless L is symmetric. Diagonals do
    not count; both arrays are overwritten. `components`: see `overlap_components`; no link leads from one to another.
    Gives T × replicates, nan where nothing but links of 0 (expenditures too small to multiply) lead to the earlier
    periods of the component.

    Periods are eliminated one by one, the last first; each time the links and flows through it are added to those
    between the others. No step subtracts, so that links of small weight are not lost against those of large weight, as
    in a solution by pivots. Source: Grassmann, Taksar and Heyman (1985), Regenerative analysis and steady state
    distributions for Markov chains, Operations Research 33(5).
    """
    totals = np.full(components.shape, np.inf)
    for last in range(len(links) - 1, 0, -1):
        total = links[:last, last].sum(axis=0)
        np.copyto(totals[last], total, where=total > 0)
        total = totals[last]
        into, carried = links[:last, last, None] / total, flows[:last, last, None] / total
        out = links[last, :last]
        flows[:last, :last] += into * flows[last, :last] + carried * out
        links[:last, :last] += into * out
    begins = components == np.arange(len(links))[:, None]
    levels = np.where(begins, first, 0.0)
    for t in range(1, len(links)):
        levels[t] += ((links[t, :t] * levels[:t] + flows[t, :t]) / totals[t]).sum(axis=0)
    return np.where(np.isfinite(totals) | begins, levels, np.nan)


def levels_of_network(links: Floats, sums: Floats, components: Integers) -> Floats:
    """Solve x_t Σ_s L_ts = Σ_s L_ts x_s + b_t over s ≠ t for x, 0 in the first period of each component.

    `links`: L, T × T × replicates, symmetric, not negative; `sums`: b, T × replicates, which add up to 0 in each
    component. As `network_levels` with b_t = Σ_s F_ts, at a third of its cost. b is a difference of sums: for links of
    like size, such as counts of products. Diagonals do not count; both arrays are overwritten. One replicate whose
    periods are one component is solved at once.
    """
    if links.shape[2] == 1 and not components.any():
        return _levels_of_one_component(links[:, :, 0], sums)
    totals = np.full(components.shape, np.inf)
    for last in range(len(links) - 1, 0, -1):
        row = links[last, :last]
        total = row.sum(axis=0)
        np.copyto(totals[last], total, where=total > 0)
        into = row / totals[last]
        sums[:last] += into * sums[last]
        links[:last, :last] += into[:, None] * row
    begins = components == np.arange(len(links))[:, None]
    levels = np.zeros(components.shape)
    for t in range(1, len(links)):
        levels[t] = ((links[t, :t] * levels[:t]).sum(axis=0) + sums[t]) / totals[t]
    return np.where(np.isfinite(totals) | begins, levels, np.nan)


def _levels_of_one_component(links: Floats, sums: Floats) -> Floats:
    """Solution of `levels_of_network` for one replicate in which all periods are joined, T × 1."""
    np.fill_diagonal(links, 0.0)
    equations = np.diag(links.sum(axis=0)) - links
    return np.vstack([np.zeros((1, 1)), np.linalg.solve(equations[1:, 1:], sums[1:])])


def levels_by_products(weights: Floats, logs: Floats, components: Integers) -> Floats:
    """Log levels of a window of more periods than products: periods are concentrated out, which costs an N×N system.

    `weights`, `logs`: T × N, logs of any value where the weight is 0. `components`: T × 1, see `overlap_components`.
    The regression is the same from both sides: δ_t is the weighted mean of ln p_ti - γ_i over the products, and γ
    solves the equations of the levels with the roles of periods and products exchanged. Gives T × 1, 0 in the first
    period of each component, nan where there is none.
    """
    totals = weights.sum(axis=1, keepdims=True)
    counts = weights > 0
    shares = np.divide(weights, totals, where=totals > 0, out=np.zeros_like(weights))
    centred = logs - (shares * logs).sum(axis=1, keepdims=True)
    moves = (shares * centred).T @ weights
    links = shares.T @ weights
    _, first_products, place = np.unique(components[counts.argmax(axis=0), 0], return_index=True, return_inverse=True)
    of_products = first_products[place]
    effects = network_levels(links[:, :, None], (moves - moves.T)[:, :, None], of_products[:, None], first=0.0)
    levels = np.where(counts, shares * (logs - effects[:, 0]), 0.0).sum(axis=1)
    since_first = levels - levels[np.maximum(components[:, 0], 0)]
    return np.where(totals > 0, since_first[:, None], np.nan)


def time_product_dummy_windows(panel: PricePanel, weights: str, counts: Floats | None = None) -> WindowOf:
    """Time-product dummy levels of any window of a panel.

    Minimises Σ w_ti (ln p_ti - δ_t - γ_i)² over the products present; δ is the log level. With w_i = Σ_t w_ti and δ of
    the first period 0: Aδ = b, A = diag(Σ_i w_ti) - (w/w_i)w', b_t = Σ_i Σ_s (w_ti w_si / w_i) (ln p_ti - ln p_si).
    `weights`: "shares", the product's share in the expenditure of its period; "levels", its expenditure; "none", 1.
    The price of a product of one period only has no influence; its expenditure is part of the shares. Where the panel
    has `rows`, all rows of a product in a period enter, each with the weight of its share, expenditure or 1: the same
    as one row at the sum of their weights and their weighted mean log price. `counts`: how many times each product
    counts in each replicate, replicates × products; None: one replicate in which each counts once.

    Raises ValueError on unknown weights, which lists the known ones, where quantities are missing (all but "none"), and
    on several replicates with "shares", which differ between replicates.
    Source: ILO et al., Consumer Price Index Manual: Concepts and Methods (2020), chapter 10; weights by levels:
    Krsinich (2016), The FEWS index, Journal of Official Statistics 32(2).
    """
    refuse_unknown("weights", weights, WEIGHTS)
    if counts is not None:
        refuse_unknown("weights of replicates", weights, ("levels", "none"))
    drawn = np.ones((1, panel.prices.shape[1])) if counts is None else counts
    weight = _weights(panel, weights)
    logs = np.log(panel.prices, where=panel.presence, out=np.zeros(panel.prices.shape))
    if panel.rows is not None:
        logs = panel.rows.logs if weights == "none" else panel.rows.value_logs

    def levels_of(first: int, stop: int, components: Integers) -> Floats:
        sold = (weight[first:stop] > 0).any(axis=0) & (drawn > 0).any(axis=0)
        of_window = weight[first:stop, sold]
        if len(drawn) == 1 and np.count_nonzero(sold) < stop - first:
            return levels_by_products(of_window * drawn[0, sold], logs[first:stop, sold], components)
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = of_window / of_window.sum(axis=0)
        centred = logs[first:stop, sold]
        centred = centred - (shares * centred).sum(axis=0)
        if weights == "none":
            sums = (of_window * centred) @ drawn[:, sold].T
            return levels_of_network(summed_squares(shares, of_window, drawn[:, sold]), sums, components)
        moves = summed_products(shares * centred, of_window, drawn[:, sold])
        links = summed_products(shares, of_window, drawn[:, sold])
        return network_levels(links, moves - moves.swapaxes(0, 1), components, first=0.0)

    def fault_of(periods: Integers) -> str:
        return f"the regression from period {panel.periods[periods[0]]} is singular"

    return component_windows(panel.periods, overlap(panel.presence, drawn), levels_of, fault_of)


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
