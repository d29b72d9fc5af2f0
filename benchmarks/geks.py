"""GEKS-Törnqvist of a million quotes, 50,000 products × 25 months, from frame to index, and what its peers cost.

Peers, each of the same quotes and with the same result to 1e-12:

* pairwise numpy: the same panel, one bilateral index per pair of months on the products of both;
* pairwise joins: one polars join per pair, as a data-frame loop of the textbook formula does it;
* pairwise Python: dictionaries and `math`, on a fortieth of the products, times forty.

CPU and wall seconds, the least of the given repetitions (pairwise Python: one run). Results are written down in
docs/prices/multilateral.md.

Usage: python benchmarks/geks.py [PRODUCTS [REPETITIONS]]
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.multilateral import multilateral_index
from ons_bigdata.prices.methods.price_panel import price_panel

MONTHS = 25
SAMPLE = 40


@dataclass
class Run:
    """Of one way of computing: seconds and the index."""

    what: str
    cpu_s: float
    wall_s: float
    index: list[float]


def quotes(products: int) -> pl.DataFrame:
    """Simulate quotes in mixed order: prices wander, quantities answer them, one in five is missing."""
    random = np.random.default_rng(20160721)
    logs = random.normal(scale=1.0, size=products) + random.normal(scale=0.05, size=(MONTHS, products)).cumsum(axis=0)
    sold = np.exp(random.normal(scale=1.0, size=products) - 2 * logs + random.normal(scale=0.3, size=logs.shape))
    cells = random.permutation(MONTHS * products)[: MONTHS * products * 4 // 5]
    return pl.DataFrame(
        {
            "period": cells // products,
            "product": pl.Series(cells % products).cast(pl.String),
            "price": np.exp(logs).ravel()[cells],
            "quantity": sold.ravel()[cells],
        }
    )


def matrix_products(frame: pl.DataFrame) -> list[float]:
    """Compute what is measured."""
    return multilateral_index(frame, "geks_tornqvist", quantity="quantity")["index"].to_list()


def from_pairs(log_index: Callable[[int, int], float]) -> list[float]:
    """Average the log indices of all pairs; the lower half is minus the upper."""
    logs = np.zeros((MONTHS, MONTHS))
    for i in range(MONTHS):
        for j in range(i + 1, MONTHS):
            logs[i, j] = log_index(i, j)
    levels = (logs - logs.T).mean(axis=0)
    return [float(level) for level in np.exp(levels - levels[0])]


def pairwise_numpy(frame: pl.DataFrame) -> list[float]:
    """Pivot as the matrix form does, then loop over the pairs."""
    panel = price_panel(frame, quantity="quantity")
    assert panel.quantities is not None  # noqa: S101  (they were asked for)
    prices, quantities, presence = panel.prices, panel.quantities, panel.presence

    def log_index(i: int, j: int) -> float:
        both = presence[i] & presence[j]
        p0, p1 = prices[i, both], prices[j, both]
        e0, e1 = p0 * quantities[i, both], p1 * quantities[j, both]
        return float(((e0 / e0.sum() + e1 / e1.sum()) / 2 * np.log(p1 / p0)).sum())

    return from_pairs(log_index)


def pairwise_joins(frame: pl.DataFrame) -> list[float]:
    """Join each pair of months on the product."""
    months = {int(t): part for (t,), part in frame.partition_by("period", as_dict=True).items()}
    share0, share1 = (pl.col("price" + end) * pl.col("quantity" + end) for end in ("", "_right"))
    share = (share0 / share0.sum() + share1 / share1.sum()) / 2

    def log_index(i: int, j: int) -> float:
        both = months[i].join(months[j], on="product")
        return float(both.select((share * (pl.col("price_right") / pl.col("price")).log()).sum()).item())

    return from_pairs(log_index)


def pairwise_python(frame: pl.DataFrame) -> list[float]:
    """Loop over pairs and over products."""
    months: list[dict[str, tuple[float, float]]] = [{} for _ in range(MONTHS)]
    for period, product, price, quantity in frame.iter_rows():
        months[period][product] = (price, quantity)

    def log_index(i: int, j: int) -> float:
        matched = [(*months[i][product], *months[j][product]) for product in months[i].keys() & months[j].keys()]
        total0 = math.fsum(p0 * q0 for p0, q0, _, _ in matched)
        total1 = math.fsum(p1 * q1 for _, _, p1, q1 in matched)
        return math.fsum((p0 * q0 / total0 + p1 * q1 / total1) / 2 * math.log(p1 / p0) for p0, q0, p1, q1 in matched)

    return from_pairs(log_index)


def measured(what: str, compute: Callable[[pl.DataFrame], list[float]], frame: pl.DataFrame, times: int = 1) -> Run:
    """Run it some times and keep the least seconds."""
    runs = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        index = compute(frame)
        runs.append(Run(what, time.process_time() - cpu, time.perf_counter() - wall, index))
    return min(runs, key=lambda run: run.cpu_s)


def main(products: int = 50_000, repetitions: int = 3) -> None:
    """Measure, check that all agree, and print the table."""
    frame = quotes(products)
    sample = frame.filter(pl.col("product").cast(pl.Int64) % SAMPLE == 0)
    ours = measured("matrix products", matrix_products, frame, repetitions)
    peers = [
        measured("pairwise numpy", pairwise_numpy, frame, repetitions),
        measured("pairwise joins", pairwise_joins, frame, repetitions),
    ]
    python = measured(f"pairwise Python, 1/{SAMPLE} scaled", pairwise_python, sample)
    for run, expected in ((peers[0], ours.index), (peers[1], ours.index), (python, matrix_products(sample))):
        np.testing.assert_allclose(run.index, expected, rtol=1e-12, err_msg=run.what)
    peers.append(Run(python.what, python.cpu_s * SAMPLE, python.wall_s * SAMPLE, python.index))
    print(f"{frame.height} quotes, {products} products, {MONTHS} months")
    for run in (ours, *peers):
        ratio = run.cpu_s / ours.cpu_s
        print(f"{run.what:30} {run.cpu_s:9.3f} CPU s {run.wall_s:9.3f} s   {ratio:8.1f} ×")
    panel = measured("of which the panel", lambda f: price_panel(f, quantity="quantity").periods, frame, repetitions)
    print(f"{panel.what:30} {panel.cpu_s:9.3f} CPU s {panel.wall_s:9.3f} s")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
