"""Clusters of 39 million events of 1.2 million users: the kernel, its peers, and the whole asset.

Measures, in one run, each part in a process of its own:

* `kernel`: `cluster_events` on all events;
* `peers`: on the events of some users, the kernel, a loop over users with scikit-learn and one with the package
  `dbscan`, where it is installed; labels of scikit-learn are compared;
* `asset`: the tables of the tweets pilot from the lake, as Dagster runs it (robots, coverage, clusters, levels, COPY).

Usage: python benchmarks/cluster_events.py [--events 39e6] [--users 1.2e6] [--parts kernel,peers,asset]
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import psutil
from sklearn.cluster import DBSCAN

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets.places import tweet_places
from ons_bigdata.tweets.methods.clustering import cluster_events
from ons_bigdata.tweets.sources.archives import GEO_EVENTS

PARTS = ("kernel", "peers", "asset")
DAYS, FIRST_DAY = 210, date(2014, 4, 1)
EPS_M, MIN_POINTS = 20.0, 3
METRE = 1 / 111_250
"""Degrees of latitude of a metre."""


def simulate(events: int, users: int) -> pl.DataFrame:
    """Return events with user, easting and northing: a heavy-tailed number a user, of places and of noise."""
    rng = np.random.default_rng(3)
    shares = np.exp(rng.normal(0, 1.6, users))
    counts = np.minimum(rng.multinomial(events, shares / shares.sum()), 30_000)
    code = np.repeat(np.arange(users), counts)
    place = np.minimum(rng.geometric(0.35, code.size), 12)
    is_noise = rng.random(code.size) < 0.25
    places = rng.normal(0, 5_000, (13 * users, 2)).astype(np.float32)
    identifiers = rng.integers(-(2**63), 2**63 - 1, users)
    axes = []
    for axis, (low, high) in enumerate(((300_000, 500_000), (150_000, 500_000))):
        home = rng.uniform(low, high, users)[code]
        at_place = home + places[code * 13 + place, axis] + rng.normal(0, 6, code.size)
        axes.append(np.where(is_noise, home + rng.normal(0, 8_000, code.size), at_place))
    frame = pl.DataFrame({"user": identifiers[code], "easting_m": axes[0], "northing_m": axes[1]})
    return frame.sample(fraction=1.0, shuffle=True, seed=4)


def kernel(events: int, users: int, _folder: Path) -> dict[str, float]:
    """Cost of the kernel on all events."""
    frame = simulate(events, users)
    cluster_events(frame.head(1000))  # compiles, or reads what was compiled
    before, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    frame = cluster_events(frame)
    return {
        "events": frame.height,
        "cpu_s": time.process_time() - cpu,
        "rss_before_mib": before / 1024,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "noise_share": frame["cluster"].null_count() / frame.height,
    }


def peers(events: int, users: int, _folder: Path) -> dict[str, float]:
    """CPU seconds of the kernel and of loops over users, on the events of 1 in 100 users (scikit-learn: 1 in 400)."""
    frame = simulate(events // 100, users // 100).sort("user", maintain_order=True)
    cluster_events(frame.head(1000))
    cpu = time.process_time()
    labels = cluster_events(frame, eps_m=EPS_M, min_points=MIN_POINTS)["cluster"]
    report = {"events": frame.height, "kernel_cpu_s": time.process_time() - cpu}
    parts = frame.partition_by("user", maintain_order=True)
    points = [part.select("easting_m", "northing_m").to_numpy() for part in parts]
    some = points[: max(len(points) // 4, 1)]
    cpu = time.process_time()
    theirs = [DBSCAN(eps=EPS_M, min_samples=MIN_POINTS).fit(one).labels_ for one in some]
    report["sklearn_events"] = sum(map(len, some))
    report["sklearn_cpu_s"] = time.process_time() - cpu
    ours = labels.head(int(report["sklearn_events"])).fill_null(-1).to_numpy()
    report["labels_equal_sklearn"] = bool((ours == np.concatenate(theirs)).all())
    kernel_rate = report["events"] / report["kernel_cpu_s"]
    report["times_sklearn"] = kernel_rate / (report["sklearn_events"] / report["sklearn_cpu_s"])
    try:
        from dbscan import DBSCAN as peer  # noqa: N811, PLC0415  (may be missing)
    except ImportError:
        return report
    contiguous = [np.ascontiguousarray(one) for one in points]
    cpu = time.process_time()
    for one in contiguous:
        peer(one, EPS_M, MIN_POINTS)
    report["dbscan_cpu_s"] = time.process_time() - cpu
    report["times_dbscan"] = report["dbscan_cpu_s"] / report["kernel_cpu_s"]
    return report


def asset(events: int, users: int, folder: Path) -> dict[str, float]:
    """Cost of the asset, from live files of the lake to tables, after these are written."""
    settings = Settings(home=folder / "h")
    warehouse = open_warehouse(settings)
    lake = Lake(settings.lake_dir, warehouse)
    write_lake(lake, simulate(events, users))
    write_seeds(warehouse, settings.dbt_project_dir)
    WarehouseResource.open = lambda _: warehouse  # type: ignore[method-assign]
    WarehouseResource.lake = lambda _: lake  # type: ignore[method-assign]
    server = psutil.Process(int((settings.data_dir / "postmaster.pid").read_text().split()[0]))
    before = server_cpu(server)
    wall, cpu = time.monotonic(), time.process_time()
    result = dg.materialize([tweet_places], resources={"warehouse": WarehouseResource()})
    report = {
        "wall_s": time.monotonic() - wall,
        "cpu_s": time.process_time() - cpu,
        "server_cpu_s": server_cpu(server) - before,
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    for one in result.asset_materializations_for_node("tweet_places"):
        report[f"rows of {one.asset_key.path[-1]}"] = one.metadata["dagster/row_count"].value
    warehouse.close()
    embedded.stop(settings.data_dir)
    return report


def server_cpu(server: psutil.Process) -> float:
    """CPU seconds of a Postgres server and its present children."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def write_lake(lake: Lake, points: pl.DataFrame) -> None:
    """Write events to the lake, a part of a day each, with the load that they come from."""
    rng = np.random.default_rng(5)
    load = "0" * 16
    size = points.height // DAYS + 1
    for day in range(DAYS):
        part = points.slice(day * size, size)
        first = FIRST_DAY + timedelta(days=day)
        midnight = int((first - date(1970, 1, 1)).total_seconds())
        seconds = midnight + rng.integers(0, 86_400, part.height)
        lat = 51.5 + (part["northing_m"] - 180_000) * METRE
        rows = pl.DataFrame(
            {
                "load_id": load,
                "line": pl.Series(np.arange(part.height) + day * size + 1),
                "event_day": pl.Series([first]).extend_constant(first, part.height - 1),
                "source": "twitter",
                "data_origin": "simulated",
                "event_id": pl.Series(rng.integers(-(2**63), 2**63 - 1, part.height)),
                "user_key": part["user"],
                "ts_utc": pl.Series(seconds * 1_000_000).cast(pl.Datetime("us", "UTC")),
                "lon": -2.0 + (part["easting_m"] - 400_000) * METRE / np.cos(np.radians(lat.to_numpy())),
                "lat": lat,
                "accuracy_m": pl.Series([None], dtype=pl.Float64).extend_constant(None, part.height - 1),
                "client": "Twitter for iPhone",
                "place_country": "GB",
                "lang": "en",
            },
            schema=dict(GEO_EVENTS.columns),
        )
        files = lake.write(GEO_EVENTS, first.isoformat(), rows)
        with lake.warehouse.transaction(role="ingest") as transaction:
            lake.make_live(transaction, GEO_EVENTS, files)


def write_seeds(warehouse: Warehouse, project: Path) -> None:
    """Write the seeds that the asset reads."""
    for path in sorted((project / "seeds" / "tweets" / "places").glob("*.csv")):
        frame = pl.read_csv(path)
        types = {pl.String: "text", pl.Boolean: "boolean", pl.Int64: "integer", pl.Float64: "double precision"}
        wanted = {"eps_m": "double precision", "value": "double precision"}
        columns = ", ".join(f"{name} {wanted.get(name, types[type(kind)])}" for name, kind in frame.schema.items())
        rows = frame.with_columns(
            pl.col(name).cast(pl.Float64 if name in wanted else pl.Int32)
            for name, kind in frame.schema.items()
            if kind.is_numeric()
        )
        with warehouse.transaction() as transaction:
            transaction.execute(f"create table seeds.{path.stem} ({columns})")
            transaction.insert(f"seeds.{path.stem}", rows)


def main() -> None:
    """Run each part in a process of its own and print its costs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=float, default=39e6)
    arguments.add_argument("--users", type=float, default=1.2e6)
    arguments.add_argument("--parts", default=",".join(PARTS))
    arguments.add_argument("--here", choices=PARTS, help="run one part in this process")
    chosen = arguments.parse_args()
    if chosen.here is not None:
        folder = Path(tempfile.mkdtemp(prefix="ce-"))
        try:
            part = {"kernel": kernel, "peers": peers, "asset": asset}[chosen.here]
            print(json.dumps({chosen.here: part(int(chosen.events), int(chosen.users), folder)}, indent=1))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    for part_name in chosen.parts.split(","):
        command = [sys.executable, __file__, "--events", str(chosen.events), "--users", str(chosen.users)]
        subprocess.run([*command, "--here", part_name], check=True)


if __name__ == "__main__":
    main()
