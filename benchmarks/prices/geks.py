"""CPU seconds of GEKS-Törnqvist and its peers on a million quotes, 50,000 products × 25 months, from frame to index.

Peers, each from the same frame and with the same result to 1e-12:

* pairwise numpy: keys coded by `np.unique`, dense T×N arrays, then a bilateral index of each of the 300 pairs of
  months (the reciprocal for the other half), on the products of both;
* the same loop on our panel: the cost of the loop alone, with our coding and pivot;
* pandas, the textbook formula literally: for every month t the product over all months k of P(0→k)·P(k→t), each P by
  a merge on the product: 2·25² merges; and pandas with each of the 300 pairs merged once;
* pairwise joins: the 300 pairs as polars joins.

Products are named by text, then by whole numbers, which are cheaper to code. Geary-Khamis and the time product dummy
are timed, too. Times are CPU seconds of all threads, the least of the given repetitions (pandas: a single run). The
results are in docs/prices/indices/multilateral.md.

Usage: python benchmarks/prices/geks.py [PRODUCTS [REPETITIONS]]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import polars as pl

from ons_bigdata.prices.methods.multilateral.index import multilateral_index
from ons_bigdata.prices.methods.panels.price_panel import price_panel

MONTHS = 25


@dataclass
class Run:
    """CPU and wall seconds of a computation, and its index."""

    what: str
    cpu_s: float
    wall_s: float
    index: list[float]


def quotes(products: int, *, named_by: type[pl.DataType] | pl.DataType = pl.String) -> pl.DataFrame:
    """Simulate quotes in mixed order: random walks of prices, quantities that respond to them, a fifth missing."""
    random = np.random.default_rng(20160721)
    logs = random.normal(scale=1.0, size=products) + random.normal(scale=0.05, size=(MONTHS, products)).cumsum(axis=0)
    sold = np.exp(random.normal(scale=1.0, size=products) - 2 * logs + random.normal(scale=0.3, size=logs.shape))
    cells = random.permutation(MONTHS * products)[: MONTHS * products * 4 // 5]
    return pl.DataFrame(
        {
            "period": cells // products,
            "product": pl.Series(cells % products).cast(named_by),
            "price": np.exp(logs).ravel()[cells],
            "quantity": sold.ravel()[cells],
        }
    )


def ours(frame: pl.DataFrame, method: str = "geks_tornqvist") -> list[float]:
    """Compute our index."""
    return multilateral_index(frame, method, quantity="quantity")["index"].to_list()


def from_pairs(log_index: Callable[[int, int], float]) -> list[float]:
    """Average the log indices of all pairs; the lower half is minus the upper."""
    logs = np.zeros((MONTHS, MONTHS))
    for i in range(MONTHS):
        for j in range(i + 1, MONTHS):
            logs[i, j] = log_index(i, j)
    levels = (logs - logs.T).mean(axis=0)
    return [float(level) for level in np.exp(levels - levels[0])]


def term_by_term(log_index: Callable[[int, int], float]) -> list[float]:
    """Evaluate the textbook formula term by term."""
    months = range(MONTHS)
    return [float(np.exp(np.mean([log_index(0, k) + log_index(k, t) for k in months]))) for t in months]


def loop_over_pairs(prices: np.ndarray, quantities: np.ndarray) -> list[float]:
    """Loop over the pairs of months on dense arrays, 0 where a product is absent."""
    presence = prices > 0

    def log_index(i: int, j: int) -> float:
        both = presence[i] & presence[j]
        p0, p1 = prices[i, both], prices[j, both]
        e0, e1 = p0 * quantities[i, both], p1 * quantities[j, both]
        return float(((e0 / e0.sum() + e1 / e1.sum()) / 2 * np.log(p1 / p0)).sum())

    return from_pairs(log_index)


def pairwise_numpy(frame: pl.DataFrame) -> list[float]:
    """Code the keys, pivot and loop, all in numpy."""
    periods, t = np.unique(frame["period"].to_numpy(), return_inverse=True)
    names = frame["product"].to_numpy()
    products, n = np.unique(names.astype(str) if names.dtype == object else names, return_inverse=True)
    prices, quantities = np.zeros((len(periods), len(products))), np.zeros((len(periods), len(products)))
    prices[t, n], quantities[t, n] = frame["price"].to_numpy(), frame["quantity"].to_numpy()
    return loop_over_pairs(prices, quantities)


def pairwise_on_our_panel(frame: pl.DataFrame) -> list[float]:
    """Code and pivot as the matrix form does, then loop."""
    panel = price_panel(frame, quantity="quantity")
    assert panel.quantities is not None  # noqa: S101  (they were asked for)
    return loop_over_pairs(panel.prices, panel.quantities)


def merged_in_pandas(frame: pl.DataFrame) -> Callable[[int, int], float]:
    """Bilateral index of two months as in a textbook: merge, shares, log relatives."""
    table = pd.DataFrame(frame.to_dict(as_series=False))
    months = {int(t): part.drop(columns="period") for t, part in table.groupby("period")}

    def log_index(i: int, j: int) -> float:
        both = months[i].merge(months[j], on="product", suffixes=("0", "1"))
        e0, e1 = both["price0"] * both["quantity0"], both["price1"] * both["quantity1"]
        shares = (e0 / e0.sum() + e1 / e1.sum()) / 2
        return float((shares * np.log(both["price1"] / both["price0"])).sum())

    return log_index


def pandas_textbook(frame: pl.DataFrame) -> list[float]:
    """Loop over months and link months."""
    return term_by_term(merged_in_pandas(frame))


def pandas_pairs(frame: pl.DataFrame) -> list[float]:
    """Loop over the pairs of months, once each."""
    return from_pairs(merged_in_pandas(frame))


def pairwise_joins(frame: pl.DataFrame) -> list[float]:
    """Join each pair of months on the product."""
    months = {int(t): part for (t,), part in frame.partition_by("period", as_dict=True).items()}
    share0, share1 = (pl.col("price" + end) * pl.col("quantity" + end) for end in ("", "_right"))
    share = (share0 / share0.sum() + share1 / share1.sum()) / 2

    def log_index(i: int, j: int) -> float:
        both = months[i].join(months[j], on="product")
        return float(both.select((share * (pl.col("price_right") / pl.col("price")).log()).sum()).item())

    return from_pairs(log_index)


def measured(what: str, compute: Callable[[pl.DataFrame], list[float]], frame: pl.DataFrame, times: int = 1) -> Run:
    """Run it some times and keep the least CPU seconds."""
    runs = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        index = compute(frame)
        runs.append(Run(what, time.process_time() - cpu, time.perf_counter() - wall, index))
    return min(runs, key=lambda run: run.cpu_s)


def compare(frame: pl.DataFrame, repetitions: int) -> None:
    """Measure ours and its peers on one frame, check that they agree, and print the ratios."""
    own = measured("GEKS-Törnqvist, ours", ours, frame, repetitions)
    peers = [
        measured("pairwise numpy, from the frame", pairwise_numpy, frame, repetitions),
        measured("the same loop on our panel", pairwise_on_our_panel, frame, repetitions),
        measured("pairwise polars joins", pairwise_joins, frame, repetitions),
        measured("pandas, each pair once", pandas_pairs, frame),
        measured("pandas, the textbook formula", pandas_textbook, frame),
    ]
    for run in peers:
        np.testing.assert_allclose(run.index, own.index, rtol=1e-12, err_msg=run.what)
    parts = [
        measured("of ours, the panel", lambda f: price_panel(f, quantity="quantity").periods, frame, repetitions),
        measured("Geary-Khamis, ours", lambda f: ours(f, "geary_khamis"), frame, repetitions),
        measured("time product dummy, ours", lambda f: ours(f, "time_product_dummy"), frame, repetitions),
    ]
    for run in (own, *parts, *peers):
        print(f"{run.what:32} {run.cpu_s:9.3f} CPU s {run.wall_s:9.3f} s   {run.cpu_s / own.cpu_s:8.1f} ×")


def main(products: int = 50_000, repetitions: int = 3) -> None:
    """Measure with products named by text and by whole numbers."""
    for named_by in (pl.String, pl.Int64):
        frame = quotes(products, named_by=named_by)
        print(f"{frame.height} quotes, {products} products named by {named_by}, {MONTHS} months")
        compare(frame, repetitions)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
