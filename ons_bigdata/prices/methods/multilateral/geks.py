"""GEKS indices: log indices of all pairs of periods, and the transitive levels that follow from them.

Formulas with pair sums in the register need no loop over pairs; other formulas are computed pair by pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.bilateral import index as bilateral
from ons_bigdata.prices.methods.bilateral.registry import ALIASES, ENTRIES, REGISTER
from ons_bigdata.prices.methods.multilateral.splicing import ReplicatesOf, WindowOf, component_windows, product_blocks
from ons_bigdata.prices.methods.panels.input_checks import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.bilateral.pair_sums import PairSums
    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

MATRIX_FORMULAS = tuple(entry.name for entry in ENTRIES if entry.pair_sums is not None)
INCOMPLETE = ("null", "least_squares")


def bilateral_logs(panel: PricePanel, formula: str) -> Floats:
    """Log indices of all pairs, T×T: G_ij = ln P(i→j) over the products present in both i and j; nan where none is.

    With p, q the matrices of prices and quantities (0 where absent), M presence, l = ln p less the product's log
    price in its first period (0 where absent), E = p∘q:

    tornqvist: S=EM', A=(E∘l)M', C=El'; G = ½[(C-A)/S + ((A-C)/S)'].
    jevons: G = (Ml' - lM')/(MM').
    fisher: K=qp', H=ln(K/S); G = ½(H-H').
    walsh: R=√q, K=R(p∘R)'; G = ln K - (ln K)'.

    G is antisymmetric to the last digit. `formula`: one of `MATRIX_FORMULAS`. Raises ValueError on another, listing the
    known ones, and where quantities are missing (all but jevons). Source: ILO et al., Consumer Price Index Manual:
    Concepts and Methods (2020), chapter 10.
    """
    refuse_unknown("GEKS formula", formula, MATRIX_FORMULAS, aliases=ALIASES)
    entry = REGISTER[formula]
    if entry.takes != "prices" and panel.quantities is None:
        message = f"geks_{formula}: no quantities; expected a quantity column"
        raise ValueError(message)
    assert entry.pair_sums is not None  # noqa: S101 (it is one of MATRIX_FORMULAS)
    sums = _over_blocks(panel, entry.pair_sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        return entry.pair_sums.logs(*sums)


def _over_blocks(panel: PricePanel, pair_sums: PairSums) -> tuple[Floats, Floats]:
    """Add up T×T sums block by block of products, so that intermediate matrices stay in the cache."""
    shape = (len(panel.periods), len(panel.periods))
    totals = np.zeros(shape), np.zeros(shape)
    unweighted = np.empty((len(panel.periods), 0))
    for block in product_blocks(*panel.prices.shape):
        quantities = unweighted if panel.quantities is None else panel.quantities[:, block]
        added = pair_sums.of_block(panel.prices[:, block], quantities, panel.presence[:, block])
        totals[0][:] += added[0]
        totals[1][:] += added[1]
    return totals


def geks_windows(panel: PricePanel, formula: str, incomplete: str, **options: object) -> WindowOf:
    """GEKS levels of any window of a panel: x_t = mean over i of G_it; index = exp(x_t - x_0).

    `formula`: one of `WINDOWED`; `options`: of the formula, as in `bilateral_index`. A formula that fails time reversal
    enters as P(i→t)/P(i→0). Pairs do not depend on the window and are computed once. Where two periods of a
    component share no product, `incomplete`="null" gives no level and names the pair; "least_squares" minimises
    Σ (G_ij - (x_j - x_i))² over the pairs there are, which is the same where none is missing. Raises ValueError on
    unknown formulas and options, which lists the known ones, and where quantities are missing.
    """
    refuse_unknown("incomplete", incomplete, INCOMPLETE)
    pairs_of = _pairs_of(panel, formula, options)

    def levels_of(periods: Integers) -> Floats | str:
        pairs = pairs_of(periods)
        gaps = np.argwhere(~np.isfinite(pairs))
        if len(gaps) == 0:
            return pairs.mean(axis=0)
        if incomplete == "least_squares":
            return _least_squares(pairs)
        i, j = (panel.periods[period] for period in periods[gaps[0]])
        return f"periods {i} and {j} have no bilateral index, which GEKS needs of each pair in the window"

    return component_windows(panel.periods, panel.presence, levels_of)


def jevons_replicates(logs: Floats, presence: Booleans, weights: Floats, window: int) -> ReplicatesOf:
    """GEKS-Jevons log levels of windows of at most `window` periods, for each row of product weights.

    `logs`: log prices, T×N, 0 where absent. `weights`: replicates × N, how many times a product counts. The pairs are
    G_ij = Σ w (l_j - l_i) / Σ w over the matched products, the levels their mean over i. A replicate in which two
    periods of the window share no product has no level in it (nan).
    """
    moves, matched = _weighted_pairs(logs, presence, weights, window)

    def levels_of(first: int, stop: int) -> Floats:
        length = stop - first
        total = np.zeros((length, len(weights)))
        there = matched[first:stop, 0] > 0
        complete = np.ones(len(weights), dtype=np.bool_)
        for later in range(length):
            for distance in range(1, later + 1):
                earlier, move = later - distance, moves[first + later, distance]
                total[later] += move
                total[earlier] -= move
                linked = matched[first + later, distance] > 0
                complete &= linked | ~there[later] | ~there[earlier]
        levels = total / np.maximum(there.sum(axis=0), 1)
        return np.where(there & complete, levels, np.nan)

    return levels_of


def _weighted_pairs(logs: Floats, presence: Booleans, weights: Floats, window: int) -> tuple[Floats, Floats]:
    """Weighted mean log changes of all pairs and the weights matched: later period × distance × replicates."""
    periods = len(logs)
    moved, matched = (np.zeros((periods, window, len(weights))) for _ in range(2))
    for t in range(periods):
        before = np.arange(t, max(-1, t - window), -1)
        both = presence[before] & presence[t]
        changes = np.where(both, logs[t] - logs[before], 0.0)
        moved[t, : len(before)] = changes @ weights.T
        matched[t, : len(before)] = both.astype(np.float64) @ weights.T
    return np.divide(moved, matched, where=matched > 0, out=np.zeros_like(moved)), matched


def _pairs_of(panel: PricePanel, formula: str, options: dict[str, object]) -> Callable[[Integers], Floats]:
    """Make a function from periods to the log indices of their pairs; without pair sums, each pair is computed once."""
    if formula in MATRIX_FORMULAS and not options:
        logs = bilateral_logs(panel, formula)
        return lambda periods: logs[np.ix_(periods, periods)]
    checked = bilateral.checked_pair_options(formula, options)
    if panel.quantities is None and bilateral.needs_quantities(formula, checked):
        message = f"geks_{formula}: no quantities; expected a quantity column"
        raise ValueError(message)
    logs = np.zeros((len(panel.periods), len(panel.periods)))
    known = np.eye(len(panel.periods), dtype=np.bool_)

    def pairs(periods: Integers) -> Floats:
        for i in periods:
            for j in periods[~known[i, periods]]:
                logs[i, j] = bilateral.pair_log(panel, formula, int(i), int(j), checked)
            known[i, periods] = True
        return logs[np.ix_(periods, periods)]

    return pairs


def _least_squares(pairs: Floats) -> Floats:
    """Solve the normal equations of x_j - x_i = G_ij over the pairs that have an index; x_0 = 0."""
    known = np.isfinite(pairs)
    laplacian = np.diag(known.sum(axis=0).astype(np.float64)) - known
    totals = np.where(known, pairs, 0.0).sum(axis=0)
    totals -= totals.mean()  # 0 already for a formula that passes time reversal
    return np.concatenate([[0.0], np.linalg.solve(laplacian[1:, 1:], totals[1:])])
