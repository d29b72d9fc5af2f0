"""Comparison of two sparse tables of flows with resamples, and raking, against plain loops over resamples.

Two tables between 7,200 zones with 2.4M positive cells each, of 3.05M drawn (Poisson flows that fall with distance),
compared on all metrics with 1,000 resamples of the origins. Peer: the same resamples in numpy, nine of the metrics from
their formulas on the drawn cells; a few draws are timed and scaled up. Raking: one table to the margins of the other on
the cells of both, against iterations with scipy's sparse matrices.

Usage: python benchmarks/compare_flows.py [--zones 7200] [--cells 3.05e6] [--draws 1000] [--peer-draws 5]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import polars as pl
from scipy.sparse import csr_array
from scipy.stats import rankdata

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.raking import rake


def simulate(zones: int, cells: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Two tables of flows on nearly the same cells, and the distances of these."""
    random = np.random.default_rng(11)
    x, y = random.uniform(0, 300, zones), random.uniform(0, 300, zones)
    origin = np.repeat(np.arange(zones), cells // zones)
    destination = random.integers(0, zones, len(origin))
    key = np.unique(origin * zones + destination)
    origin, destination = key // zones, key % zones
    distance = np.hypot(x[origin] - x[destination], y[origin] - y[destination])
    rate = np.exp(random.normal(0, 1, len(key))) * 40 / (1 + distance / 10)
    tables = [random.poisson(rate * random.gamma(8, 1 / 8, len(key))) for _ in range(2)]
    frames = [
        pl.DataFrame({"origin": origin, "destination": destination, "flow": flow}).filter(pl.col("flow") > 0)
        for flow in tables
    ]
    return (
        frames[0],
        frames[1],
        pl.DataFrame({"origin": origin, "destination": destination, "distance_km": distance}),
    )


def peer_draw(x: np.ndarray, c: np.ndarray, distance: np.ndarray, copies: np.ndarray) -> dict[str, float]:
    """Metrics of one resample, from the cells that it draws."""
    rows = np.repeat(np.arange(len(x)), copies)
    y, c, distance = x[rows] * (c[rows].sum() / x[rows].sum()), c[rows], distance[rows]
    ranks = [rankdata(one) for one in (y, c)]
    total = y + c
    return {
        "cpc": 2 * np.minimum(y, c).sum() / total.sum(),
        "ssi": (2 * np.minimum(y, c) / total).mean(),
        "spearman": np.corrcoef(*ranks)[0, 1],
        "r_squared": 1 - ((y - c) ** 2).sum() / ((c - c.mean()) ** 2).sum(),
        "slope": (y @ c) / (c @ c),
        "rmse": np.sqrt(((y - c) ** 2).mean()),
        "log_rmse": np.sqrt(((np.log1p(y) - np.log1p(c)) ** 2).mean()),
        "geh_below_5": (2 * (y - c) ** 2 < 25 * total).mean(),
        "trip_length_ratio": np.average(distance, weights=y) / np.average(distance, weights=c),
    }


def peer(frames: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], zones: int, draws: int) -> dict[str, list[float]]:
    """Resamples one by one, from frames to metrics."""
    estimate, reference, distances = frames
    key = ["origin", "destination"]
    both = (
        estimate.join(reference, on=key, how="full", coalesce=True, suffix="_c")
        .join(distances, on=key, how="left")
        .with_columns(pl.col("flow", "flow_c").fill_null(0).cast(pl.Float64))
        .sort(key)
    )
    weights = np.random.default_rng(0).multinomial(zones, np.full(zones, 1 / zones), size=draws)
    x, c, distance = (both[name].to_numpy() for name in ("flow", "flow_c", "distance_km"))
    results = [peer_draw(x, c, distance, copies[both["origin"].to_numpy()]) for copies in weights]
    return {name: [result[name] for result in results] for name in results[0]}


def raking(frame: pl.DataFrame, target: pl.DataFrame, zones: int) -> None:
    """Rake one table to the margins of the other, by us and by scipy."""
    kept = frame.join(target, on=["origin", "destination"], how="inner", suffix="_target")
    totals = [kept.group_by(side).agg(total=pl.col("flow_target").sum()) for side in ("origin", "destination")]
    begin = time.process_time()
    ours = rake(kept.select("origin", "destination", "flow"), *totals)["flow_adjusted"].to_numpy()
    print(f"raking of {kept.height} cells to 1e-12: {time.process_time() - begin:.2f} CPU s")
    begin = time.process_time()
    row, column = kept["origin"].to_numpy(), kept["destination"].to_numpy()
    cells = csr_array((kept["flow"].to_numpy().astype(float), (row, column)), shape=(zones, zones))
    by_row, by_column = (np.zeros(zones) for _ in range(2))
    for total, frame_of, side in ((by_row, totals[0], "origin"), (by_column, totals[1], "destination")):
        total[frame_of[side].to_numpy()] = frame_of["total"].to_numpy()
    a, b, steps = np.ones(zones), np.ones(zones), 0
    while True:
        sums = cells @ b
        if steps and np.nanmax(np.abs(a * sums - by_row) / np.where(by_row > 0, by_row, np.nan)) <= 1e-12:
            break
        a = np.divide(by_row, sums, out=np.zeros(zones), where=sums > 0)
        sums = cells.T @ a
        b = np.divide(by_column, sums, out=np.zeros(zones), where=sums > 0)
        steps += 1
    theirs = kept["flow"].to_numpy() * a[row] * b[column]
    print(f"peer, scipy sparse: {time.process_time() - begin:.2f} CPU s, {steps} iterations")
    print(f"largest relative difference: {np.max(np.abs(ours - theirs) / theirs):.1e}")


def main() -> None:
    """Time both and print the intervals next to each other."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--zones", type=int, default=7200)
    arguments.add_argument("--cells", type=float, default=3.05e6)
    arguments.add_argument("--draws", type=int, default=1000)
    arguments.add_argument("--peer-draws", type=int, default=5)
    chosen = arguments.parse_args()
    small = simulate(30, 300)
    compare_flows(small[0], small[1], distances=small[2], draws=20)  # compiles
    raking(small[0], small[1], 30)
    frames = simulate(chosen.zones, int(chosen.cells))
    print("cells", frames[0].height, frames[1].height)
    wall, cpu = time.monotonic(), time.process_time()
    ours = compare_flows(frames[0], frames[1], distances=frames[2], draws=chosen.draws)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{chosen.draws} resamples, {ours.height} rows: {wall:.1f} s wall, {cpu:.1f} CPU s, peak {peak:.0f} MiB")
    cpu = time.process_time()
    theirs = peer(frames, chosen.zones, chosen.peer_draws)
    each = (time.process_time() - cpu) / chosen.peer_draws
    print(f"peer, {len(theirs)} metrics: {each:.2f} CPU s a resample, {each * chosen.draws:.0f} for {chosen.draws}")
    for name, values in theirs.items():
        row = ours.row(by_predicate=pl.col("metric") == name, named=True)
        print(f"{name}: {row['value']:.5f} [{row['lower']:.5f}, {row['upper']:.5f}]; peer {np.mean(values):.5f}")
    raking(frames[0], frames[1], chosen.zones)


if __name__ == "__main__":
    main()
