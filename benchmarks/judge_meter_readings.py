"""One bucket of meter readings judged: states, counts, suspicions, meter-days; against a loop over meters in pandas.

Simulated meters of the Irish trial's length (25,730 half hours) with gaps, duplicates, runs of zeros and stuck values.
Ours: Parquet read, all states of each half hour, counts by month, suspicions, days with their half hours, absent days
and vacant quarters, and states written as Parquet. Peer, on some of the meters: Parquet read, duplicates, gaps against
the grid, runs of zeros and of equal values, negative and high readings, daily totals in local time; no accumulations,
estimates, suspicions, lists, absence or vacancy, and nothing written.

Usage: python benchmarks/judge_meter_readings.py [--meters 100] [--peer-meters 20]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from ons_bigdata.meters.methods.bucket import COLUMNS, judge_readings
from ons_bigdata.meters.methods.grid import HALF_HOUR_US

HALF_HOURS = 25_730
ZONE = "Europe/Dublin"


def simulate(meters: int) -> pl.DataFrame:
    """Rows of the lake of some meters."""
    rng = np.random.default_rng(4)
    first = int(datetime(2009, 7, 13, 23, tzinfo=UTC).timestamp()) // 1800
    kwh = np.round(rng.lognormal(-1.8, 0.9, (meters, HALF_HOURS)), 3)
    is_kept = rng.uniform(size=kwh.shape) > 0.01
    for meter in range(meters):
        for _ in range(3):
            at = int(rng.integers(0, HALF_HOURS - 2000))
            is_kept[meter, at : at + int(rng.integers(4, 2000))] = False
        at = int(rng.integers(0, HALF_HOURS - 400))
        kwh[meter, at : at + 100] = 0.0
        kwh[meter, at + 200 : at + 220] = 0.05
        kwh[meter, rng.integers(0, HALF_HOURS, 3)] = [-0.5, 16.0, 20.0]
    rows = pl.DataFrame(
        {
            "meter_key": np.repeat(np.sort(rng.integers(-(2**62), 2**62, meters)), HALF_HOURS),
            "started_at": pl.Series(np.tile((first + np.arange(HALF_HOURS)) * HALF_HOUR_US, meters)).cast(
                pl.Datetime("us", "UTC")
            ),
            "kwh": kwh.ravel(),
        }
    ).filter(pl.Series(is_kept.ravel()))
    again = rows.gather_every(1400)
    return pl.concat([rows, again]).select(
        "meter_key",
        "started_at",
        pl.lit(30, dtype=pl.Int16).alias("minutes"),
        "kwh",
        pl.lit(None, dtype=pl.String).alias("code"),
        pl.lit(None, dtype=pl.String).alias("flag"),
        pl.lit(value=False).alias("is_export"),
        pl.lit("cer").alias("format"),
        pl.lit("simulated").alias("data_origin"),
    )


def ours(path: Path, result: Path) -> dict[str, pl.DataFrame]:
    """Frames of a bucket, and its states as Parquet."""
    frames = judge_readings(pl.read_parquet(path, columns=list(COLUMNS)), {"zones": {"cer": ZONE}})
    frames["assessed"].write_parquet(result)
    return frames


def peer(path: Path, meters: list[int]) -> tuple[dict[str, int], float]:
    """Counts of some states, and the sum of the daily totals, meter by meter."""
    counts = dict.fromkeys(("missing_row", "duplicate_identical", "zero_run", "stuck", "negative", "outlier"), 0)
    total = 0.0
    columns = ["meter_key", "started_at", "kwh"]
    rows = pd.read_parquet(path, columns=columns, filters=[("meter_key", "in", meters)])
    for _, of_meter in rows.groupby("meter_key"):
        is_again = of_meter.duplicated(["started_at", "kwh"])
        series = of_meter[~is_again].set_index("started_at")["kwh"].sort_index()
        series = series.reindex(pd.date_range(series.index[0], series.index[-1], freq="30min"))
        run = (series != series.shift()).cumsum()
        length = run.map(run.value_counts())
        states = pd.Series("ok", index=series.index)
        states[(length >= 8) & (series > 0)] = "stuck"
        states[(length >= 48) & (series == 0)] = "zero_run"
        states[series > 15] = "outlier"
        states[series < 0] = "negative"
        states[series.isna()] = "missing_row"
        counts["duplicate_identical"] += int(is_again.sum())
        for state, count in states.value_counts().items():
            if state in counts:
                counts[str(state)] += int(count)
        counted = series[states.isin(["ok", "stuck", "zero_run"])].tz_convert(ZONE)
        total += float(counted.groupby(counted.index.date).sum().sum())
    return counts, total


def main() -> None:
    """Time both and print rates and agreement."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--meters", type=int, default=100)
    arguments.add_argument("--peer-meters", type=int, default=20)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, result = Path(folder) / "bucket.parquet", Path(folder) / "assessed.parquet"
        rows = simulate(chosen.meters)
        rows.write_parquet(path)
        keys = rows["meter_key"].unique().sort().head(chosen.peer_meters).to_list()
        of_peer = rows.filter(pl.col("meter_key").is_in(keys)).height
        count = rows.height
        del rows
        ours(path, result)  # imports and caches
        cpu, wall = time.process_time(), time.perf_counter()
        frames = ours(path, result)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"ours, {count} rows: {cpu:.2f} CPU s, {wall:.2f} wall s, {count / cpu:,.0f} rows a CPU s, {peak:.0f} MiB"
        )
        their_cpu, their_wall = time.process_time(), time.perf_counter()
        counts, total = peer(path, keys)
        their_cpu, their_wall = time.process_time() - their_cpu, time.perf_counter() - their_wall
        print(
            f"pandas, {of_peer} rows: {their_cpu:.2f} CPU s, {their_wall:.2f} wall s, {of_peer / their_cpu:,.0f} rows"
        )
        print(f"rows a CPU s, ours over pandas: {count / cpu / (of_peer / their_cpu):.1f}")
    some = frames["quality"].filter(pl.col("meter_key").is_in(keys))
    ours_counts = dict(some.group_by("state").agg(pl.col("readings").sum()).iter_rows())
    for state, found in counts.items():
        print(f"{state}: {ours_counts.get(state, 0)}, pandas {found}")
    days = frames["days"].filter(pl.col("meter_key").is_in(keys))
    print(f"kWh in days: {days['kwh'].sum():.3f}, pandas {total:.3f}")


if __name__ == "__main__":
    main()
