"""Homes and workplaces of devices: events per second and memory, against the plain count of rows by group in polars.

    PYTHONPATH=. .venv/bin/python benchmarks/device_anchors.py --events 100000000

Events are drawn bucket by bucket, as the engine reads them; drawing is not timed. Two threads work on two buckets at a
time. The peer counts the events of each device, cell and night of the same buckets (the modal-cell kernel).
"""

from __future__ import annotations

import argparse
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.phones.methods.anchors import home_and_work
from tests.phones.specifications import DOCUMENT, Specification

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, DAYS, CELLS = date(2021, 3, 1), 28, 5_000
EVENTS_PER_DEVICE = 600
SPEC = Specification.model_validate(
    {**DOCUMENT, "period": {**DOCUMENT["period"], "last_day": "2021-03-28", "excluded_days": []}}
)


def draw_bucket(number: int, events: int) -> pl.DataFrame:
    """Draw the events of a bucket: four cells of each device, home at night, work by day, in the order of time."""
    draws = np.random.default_rng(number)
    devices = max(1, events // EVENTS_PER_DEVICE)
    device = draws.integers(0, devices, events)
    second = np.sort(draws.integers(0, DAYS * 86_400, events))
    hour = second % 86_400 // 3_600
    own = draws.integers(0, CELLS, (devices, 4), dtype=np.int32)
    usual = np.where((hour >= 9) & (hour < 17), 1, 0)
    place = np.where(draws.random(events) < 0.8, usual, draws.integers(0, 4, events))
    start = np.datetime64(datetime.combine(FIRST, datetime.min.time()), "us")
    return pl.DataFrame(
        {
            "device": device * 7_919 + number,
            "at_utc": pl.Series(start + (second * 1_000_000).astype("timedelta64[us]")).dt.replace_time_zone("UTC"),
            "cell": own[device, place],
        }
    )


def modal_cell(events: pl.DataFrame) -> pl.DataFrame:
    """Count events of each device, cell and night, and take the cell with most nights of each device."""
    local = pl.col("at_utc").dt.convert_time_zone("Europe/London")
    night = (local - timedelta(hours=7)).dt.date()
    return (
        events.filter((local.dt.hour() >= 20) | (local.dt.hour() < 7))
        .group_by("device", "cell")
        .agg(night.n_unique().alias("nights"), pl.len())
        .sort("device", "nights", "len", "cell", descending=[False, True, True, False])
        .unique("device", keep="first", maintain_order=True)
    )


def timed(work: Callable[[pl.DataFrame], object], buckets: int, size: int, threads: int) -> tuple[float, float]:
    """Return seconds and CPU seconds of a function over buckets, drawn in advance in turns of one for each thread."""
    seconds = cpu_seconds = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, buckets, threads):
            drawn = [draw_bucket(number, size) for number in range(first, min(buckets, first + threads))]
            begun, cpu_begun = time.perf_counter(), time.process_time()
            list(pool.map(work, drawn))
            seconds += time.perf_counter() - begun
            cpu_seconds += time.process_time() - cpu_begun
    return seconds, cpu_seconds


def main() -> None:
    """Print a line for the method and one for the peer."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--bucket", type=int, default=5_000_000)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--without-peer", action="store_true")
    given = options.parse_args()
    buckets = max(1, given.events // given.bucket)
    home_and_work(draw_bucket(0, 1_000), SPEC)  # compile
    total = buckets * given.bucket
    methods: dict[str, Callable[[pl.DataFrame], object]] = {"home_and_work": lambda drawn: home_and_work(drawn, SPEC)}
    if not given.without_peer:
        methods["modal cell, polars"] = modal_cell
    for name, work in methods.items():
        seconds, cpu_seconds = timed(work, buckets, given.bucket, given.threads)
        rate, cpu_rate = total / seconds / 1e6, total / cpu_seconds / 1e6
        print(f"{name:20} {total:>12,} events {seconds:8.2f} s {rate:6.2f} M events/s {cpu_rate:6.2f} M per CPU second")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak:.2f} GiB, drawing included")


if __name__ == "__main__":
    main()
