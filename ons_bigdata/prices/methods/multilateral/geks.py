"""GEKS indices: log indices of all pairs of periods, and the transitive levels that follow from them.

Formulas with pair sums in the register need no loop over pairs; other formulas are computed pair by pair.
"""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.prices.methods.bilateral import index as bilateral
from ons_bigdata.prices.methods.bilateral.registry import ALIASES, ENTRIES, REGISTER
from ons_bigdata.prices.methods.multilateral.windows import (
    LEAST_PAIRS,
    WindowOf,
    component_windows,
    overlap,
    product_blocks,
    rolling_pairs,
    summed_products,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.bilateral.pair_sums import Factors, PairSums
    from ons_bigdata.prices.methods.multilateral.windows import PairBlocks, PairsOf
    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

MATRIX_FORMULAS = tuple(entry.name for entry in ENTRIES if entry.pair_sums is not None)
INCOMPLETE = ("null", "least_squares")


def geks_windows(
    panel: PricePanel, formula: str, incomplete: str, counts: Floats | None = None, **options: object
) -> WindowOf:
    """GEKS levels of any window of a panel: x_t = mean over i of G_it, G_it = ln P(i→t); index = exp(x_t - x_0).

    `formula`: one of `WINDOWED`; `options`: of the formula, as in `bilateral_index`. A formula that fails time reversal
    enters as P(i→t)/P(i→0). Pairs do not depend on the window and are computed once. `counts`: how many times each
    product counts in each replicate, replicates × products; None: one replicate in which each counts once.

    Where two periods of a component share no product, `incomplete`="null" gives no level and names the pair;
    "least_squares" minimises Σ (G_ij - (x_j - x_i))² over the pairs there are, which is the same where none is missing.
    Raises ValueError on unknown formulas and options, which lists the known ones, where quantities are missing, and on
    `counts` with a formula outside `MATRIX_FORMULAS`. Source: ILO et al., Consumer Price Index Manual: Concepts and
    Methods (2020), chapter 10.
    """
    refuse_unknown("incomplete", incomplete, INCOMPLETE)
    if counts is not None:
        refuse_unknown("GEKS formula of replicates", formula, MATRIX_FORMULAS, aliases=ALIASES)
    drawn = np.ones((1, panel.prices.shape[1])) if counts is None else counts
    pairs_of = _pairs_of(panel, formula, drawn, options)

    def levels_of(first: int, stop: int, components: Integers) -> Floats:
        pairs = pairs_of(first, stop)
        known = np.isfinite(pairs)
        if known.all() and not components.any():
            levels: Floats = pairs.mean(axis=0)
            return levels
        joined = (components[:, None] == components) & (components >= 0)
        total = np.where(joined & known, pairs, 0.0).sum(axis=0)
        levels = np.divide(total, joined.sum(axis=0), where=components >= 0, out=np.zeros_like(total))
        lacking = (joined & ~known).any(axis=0)
        if incomplete == "null":
            return np.where(lacking, np.nan, levels)
        for period, replicate in np.argwhere(lacking & (components == np.arange(stop - first)[:, None])):
            members = np.flatnonzero(components[:, replicate] == period)
            levels[members, replicate] = _least_squares(pairs[:, :, replicate][np.ix_(members, members)])
        return levels

    def fault_of(periods: Integers) -> str:
        rows = periods - periods[0]
        pairs = pairs_of(int(periods[0]), int(periods[-1]) + 1)[:, :, 0][np.ix_(rows, rows)]
        i, j = (panel.periods[period] for period in periods[np.argwhere(~np.isfinite(pairs))[0]])
        return f"periods {i} and {j} have no bilateral index, which GEKS needs of each pair in the window"

    return component_windows(panel.periods, overlap(panel.presence, drawn), levels_of, fault_of)


def _pairs_of(panel: PricePanel, formula: str, counts: Floats, options: dict[str, object]) -> PairsOf:
    """Log indices of the pairs of any window, by sums over products where the formula has them."""
    entry = REGISTER.get(formula)
    if entry is not None and entry.pair_sums is not None and not options:
        if entry.takes != "prices":
            _refuse_no_quantities(panel, formula)
        summed = _summed_blocks(panel, entry.pair_sums, counts)
        return rolling_pairs(summed, len(panel.periods), at_once=isqrt(LEAST_PAIRS // len(counts)))
    checked = bilateral.checked_pair_options(formula, options)
    if bilateral.needs_quantities(formula, checked):
        _refuse_no_quantities(panel, formula)

    def logs(rows: range, columns: range) -> Floats:
        pairs = [[0.0 if i == j else bilateral.pair_log(panel, formula, i, j, checked) for j in columns] for i in rows]
        return np.array(pairs).reshape(len(rows), len(columns), 1)

    def blocks(old: slice, new: slice) -> tuple[Floats, Floats]:
        fresh = range(new.start, new.stop)
        return logs(fresh, range(old.start, new.stop)), logs(range(old.start, old.stop), fresh)

    return rolling_pairs(blocks, len(panel.periods))


def _refuse_no_quantities(panel: PricePanel, formula: str) -> None:
    if panel.quantities is None:
        message = f"geks_{formula}: no quantities; expected a quantity column"
        raise ValueError(message)


def _summed_blocks(panel: PricePanel, pair_sums: PairSums, counts: Floats) -> PairBlocks:
    """Log indices of pairs from sums over products, with p, q prices and quantities (0 where absent), M presence.

    l = ln p less the product's log price in its first period (0 where absent), E = p∘q, c the replicate's counts in
    every sum:

    tornqvist: S=EM', A=(E∘l)M', C=El'; G = ½[(C-A)/S + ((A-C)/S)'].
    jevons: G = (Ml' - lM')/(MM').
    fisher: K=qp', H=ln(K/S); G = ½(H-H').
    walsh: R=√q, K=R(p∘R)'; G = ln K - (ln K)'.

    G is antisymmetric to the last digit.
    """
    products = product_blocks(*panel.prices.shape)
    unweighted = np.empty((len(panel.periods), 0))

    @cache
    def factors(place: int) -> tuple[Factors, Factors]:
        """Factors of a block of products, which stay in the cache of the processor from one window to the next."""
        block = products[place]
        quantities = unweighted if panel.quantities is None else panel.quantities[:, block]
        return pair_sums.factors(panel.prices[:, block], quantities, panel.presence[:, block])

    def sums(rows: slice, columns: slice) -> tuple[Floats, Floats]:
        shape = (rows.stop - rows.start, columns.stop - columns.start, len(counts))
        totals = np.zeros(shape), np.zeros(shape)
        for place, block in enumerate(products):
            for total, pairs in zip(totals, factors(place), strict=True):
                for x, y in pairs:
                    total[:] += summed_products(x[rows], y[columns], counts[:, block])
        return totals

    def blocks(old: slice, new: slice) -> tuple[Floats, Floats]:
        known = old.stop - old.start
        there, earlier = sums(new, slice(old.start, new.stop)), sums(old, new)
        back = [
            np.concatenate([before, total[:, known:]]).swapaxes(0, 1)
            for before, total in zip(earlier, there, strict=True)
        ]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = pair_sums.logs(there, (back[0], back[1]))
        return logs, -logs[:, :known].swapaxes(0, 1)

    return blocks


def _least_squares(pairs: Floats) -> Floats:
    """Solve the normal equations of x_j - x_i = G_ij over the pairs that have an index; x_0 = 0."""
    known = np.isfinite(pairs)
    laplacian = np.diag(known.sum(axis=0).astype(np.float64)) - known
    totals = np.where(known, pairs, 0.0).sum(axis=0)
    totals -= totals.mean()  # 0 already for a formula that passes time reversal
    return np.concatenate([[0.0], np.linalg.solve(laplacian[1:, 1:], totals[1:])])
