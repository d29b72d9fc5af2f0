"""Benchmark of the addresses of clusters, from the lake to the table, against trees of other libraries.

Simulates three million addresses in towns (AddressBase Core records, one in a hundred a parent shell) and two million
clusters near them, writes the addresses to the lake and the clusters to the database, and measures in one run:

* the asset's work end to end: clusters and address records read, current addresses, grid, look-up with votes, areas,
  validation, rows written. Its steps one after another; then the asset, run by Dagster over the filled table, which
  reads clusters beside addresses and writes rows beside the look-up (by the clock on the wall, for which the machine
  has to be free), with CPU seconds of this process and of the database server;
* peers that only find the nearest address, of the same addresses and a sample of the clusters: scikit-learn's BallTree
  by the haversine distance, and scipy's cKDTree on longitude and latitude with the defaults, places in their order.

Usage: python benchmarks/address_lookup.py [--addresses 3000000] [--clusters 2000000] [--peer-clusters 200000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import psutil
from scipy.spatial import cKDTree
from sklearn.neighbors import BallTree

from ons_bigdata.platform.dagster.inputs import make_reader, make_scan
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.lake.tables import spread_numbers
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.server_processes import find_postmaster
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse
from ons_bigdata.platform.row_validation import validate_rows
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets.addresses import (
    CLUSTER_ADDRESSES,
    read_addresses,
    read_clusters,
    read_postcodes,
    tweet_cluster_addresses,
)
from ons_bigdata.tweets.methods.addresses import AddressRules, address_places
from ons_bigdata.tweets.schemas.addresses import TweetClusterAddress
from ons_bigdata.tweets.sources.addresses.address_files import ADDRESSES
from ons_bigdata.tweets.sources.addresses.postcode_files import POSTCODES

TOWNS, TOWN_SIZE_M, POSTCODES_OF_TOWN = 2_000, 1_500, 50
KEY = ["recipe", "user_key", "data_origin", "cluster"]
SEEDS = Path(__file__).resolve().parent.parent / "dbt_project/seeds/tweets/addresses"
EARTH_M = 6_371_000.0
WRITTEN_ROWS = 1_000_000
"""Addresses that are written to the lake at a time: each is a file of every bucket."""


def simulate(addresses: int, clusters: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Address records, postcode records and clusters."""
    rng = np.random.default_rng(13)
    centres = np.column_stack([rng.uniform(150_000, 600_000, TOWNS), rng.uniform(100_000, 900_000, TOWNS)])
    town = rng.integers(TOWNS, size=addresses)
    at = (centres[town] + rng.normal(0, TOWN_SIZE_M, (addresses, 2))).round(2)
    codes = rng.choice(["RD04", "RD06", "CR08", "CE05", "PP"], addresses, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    unit = rng.integers(POSTCODES_OF_TOWN, size=addresses)
    letters = pl.Series([chr(65 + number) for number in range(26)])

    def postcode(of_town: np.ndarray, of_unit: np.ndarray) -> pl.Series:
        parts = pl.DataFrame(
            {
                "area": letters.gather(of_town // 80),
                "district": pl.Series(10 + of_town % 80).cast(pl.String),
                "sector": pl.Series(of_unit // 25).cast(pl.String),
                "unit": letters.gather(of_unit % 25),
            }
        )
        return parts.select(pl.format("{}{} {}{}A", "area", "district", "sector", "unit")).to_series()

    uprn = rng.permutation(np.arange(addresses)) * 37 + 10_000_000
    common = {"load_id": pl.lit("0" * 16), "edition": pl.lit(None, pl.Date), "data_origin": pl.lit("simulated")}
    records = pl.DataFrame(
        {
            "line": np.arange(1, addresses + 1),
            "uprn": uprn,
            "class_code": codes,
            "easting_m": at[:, 0],
            "northing_m": at[:, 1],
            "postcode": postcode(town, unit),
        }
    ).with_columns(
        product=pl.lit("core"),
        record=pl.lit("address"),
        change_type=pl.lit("I"),
        address_key=spread_numbers(pl.Series(uprn)),
        **common,
    )
    every_town, every_unit = np.divmod(np.arange(TOWNS * POSTCODES_OF_TOWN), POSTCODES_OF_TOWN)
    areas = pl.DataFrame(
        {
            "line": np.arange(1, len(every_town) + 1),
            "postcode": postcode(every_town, every_unit),
            "postcode_key": spread_numbers(pl.Series(np.arange(len(every_town)))),
            "easting_m": centres[every_town, 0],
            "northing_m": centres[every_town, 1],
        }
    ).with_columns(product=pl.lit("onspd"), output_area=pl.lit("E00000001"), authority=pl.lit("E06000001"), **common)
    near = at[rng.integers(addresses, size=clusters)] + rng.normal(0, 15, (clusters, 2))
    days = pl.lit("2014-04-01").str.to_date()
    found = pl.DataFrame(
        {
            "user_key": np.sort(rng.integers(-(2**63), 2**63 - 1, clusters)),
            "easting_m": near[:, 0],
            "northing_m": near[:, 1],
        }
    ).with_columns(
        recipe=pl.lit("dbscan_20m"),
        data_origin=pl.lit("simulated"),
        cluster=pl.lit(0, pl.Int32),
        status=pl.lit("valid"),
        events=pl.lit(3, pl.Int64),
        days=pl.lit(2, pl.Int32),
        first_date=days,
        last_date=days,
        **{f"{name}_distance_m": pl.lit(1.0) for name in ("max", "mean", "std")},
    )
    return records, areas, found


def write(lake: Lake, records: pl.DataFrame, areas: pl.DataFrame, clusters: pl.DataFrame) -> None:
    """Write addresses and postcodes to the lake, as files of a load, and clusters to the database."""
    for table, partition, rows in ((ADDRESSES, "core", records), (POSTCODES, "onspd", areas)):
        filled = rows.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in table.columns.items() if name not in rows.columns
        ).select(pl.col(name).cast(dtype) for name, dtype in table.columns.items())
        for start in range(0, filled.height, WRITTEN_ROWS):
            files = lake.write(table, partition, filled.slice(start, WRITTEN_ROWS))
            with lake.warehouse.transaction(role="ingest") as transaction:
                lake.make_live(transaction, table, files)
        lake.compact(table)
    lake.warehouse.replace("restricted.tweet_clusters", clusters)
    with lake.warehouse.transaction() as transaction:
        for name, columns in (
            ("tweet_address_rules", {"parameter": "text", "value": "double precision"}),
            ("tweet_class_mix", {"primary_class": "text", "share": "double precision"}),
        ):
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            transaction.execute(f"create table seeds.{name} ({listed})")
            rows = pl.read_csv(SEEDS / f"{name}.csv", columns=list(columns))
            transaction.insert(f"seeds.{name}", rows.with_columns(pl.col(pl.Int64).cast(pl.Float64)))


class Steps:
    """Wall and CPU seconds of steps, one after another."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def measure(self, name: str, work: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """Do some work and record its cost."""
        wall, cpu = time.monotonic(), time.process_time()
        result = work()
        self.wall[name], self.cpu[name] = time.monotonic() - wall, time.process_time() - cpu
        return result


def look_up(lake: Lake, warehouse: Warehouse, steps: Steps) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Do the asset's steps one after another; return the current addresses and the clusters."""
    scan, read = make_scan(lake), make_reader(warehouse, "benchmark")

    def clusters_read() -> pl.DataFrame:
        return read_clusters(lambda columns: read("restricted.tweet_clusters", columns))

    def write_rows() -> pl.DataFrame:
        rows = pl.concat([clusters.select(KEY), found], how="horizontal").select(TweetClusterAddress.column_names())
        warehouse.replace(CLUSTER_ADDRESSES, validate_rows(TweetClusterAddress, rows))
        return rows

    clusters = steps.measure("read clusters", clusters_read)
    addresses = steps.measure("read addresses from the lake", lambda: read_addresses(lambda: scan(ADDRESSES)))
    postcodes = steps.measure("read postcodes from the lake", lambda: read_postcodes(scan(POSTCODES)))
    found = steps.measure("look up", lambda: address_places(clusters, addresses, postcodes, AddressRules()))
    steps.measure("write rows", write_rows)
    return addresses, clusters


def run_asset(warehouse: Warehouse, lake: Lake, server: psutil.Process) -> dict[str, float]:
    """Run the asset; return wall seconds, and CPU seconds of this process and of the server."""
    WarehouseResource.open = lambda _: warehouse  # type: ignore[assignment,method-assign]
    WarehouseResource.lake = lambda _: lake  # type: ignore[assignment,method-assign]
    before = server_cpu(server)
    wall, cpu = time.monotonic(), time.process_time()
    dg.materialize([tweet_cluster_addresses], resources={"warehouse": WarehouseResource()})
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    return {"wall_s": wall, "cpu_s": cpu, "server_cpu_s": server_cpu(server) - before}


def server_cpu(server: psutil.Process) -> float:
    """CPU seconds of a Postgres server and its present children."""
    total = 0.0
    for process in [server, *server.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def peers(addresses: pl.DataFrame, clusters: pl.DataFrame) -> Iterator[tuple[str, float, float]]:
    """Name of each peer, CPU seconds of its tree, and CPU seconds of the look-up of the clusters, nothing else.

    Degrees are an approximation of the grid's metres, on which their speed does not depend.
    """

    def degrees(frame: pl.DataFrame) -> np.ndarray:
        north = frame["northing_m"].to_numpy() / 111_250 + 49.8
        east = (frame["easting_m"].to_numpy() - 400_000) / (111_250 * np.cos(np.radians(north))) - 2
        return np.column_stack([north, east])

    known, asked = degrees(addresses), degrees(clusters)
    for name, build, query in (
        (
            "scikit-learn BallTree, haversine",
            lambda: BallTree(np.radians(known), metric="haversine"),
            lambda tree: tree.query(np.radians(asked), k=1),
        ),
        ("scipy cKDTree, degrees, places in their order", lambda: cKDTree(known), lambda tree: tree.query(asked, k=1)),
    ):
        started = time.process_time()
        tree = build()
        built = time.process_time()
        query(tree)
        yield name, built - started, time.process_time() - built


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--addresses", type=int, default=3_000_000)
    arguments.add_argument("--clusters", type=int, default=2_000_000)
    arguments.add_argument("--peer-clusters", type=int, default=200_000)
    arguments.add_argument("--runs", type=int, default=3, help="runs of the asset")
    chosen = arguments.parse_args()
    home = Path(tempfile.mkdtemp(prefix="al-"))
    settings = Settings(home=home)
    try:
        warehouse = open_warehouse(settings)
        lake = Lake(settings.lake_dir, warehouse)
        write(lake, *simulate(chosen.addresses, chosen.clusters))
        steps = Steps()
        addresses, clusters = look_up(lake, warehouse, steps)
        server = find_postmaster(settings.data_dir)
        if server is None:
            raise RuntimeError(f"no server of {settings.data_dir} runs")
        runs = [run_asset(warehouse, lake, server) for _ in range(chosen.runs)]
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        warehouse.close()
        sample = clusters.sample(min(chosen.peer_clusters, clusters.height), seed=1, shuffle=True)
        of_peers = {
            name: {"tree_cpu_s": tree, "look_ups_a_cpu_s": sample.height / query}
            for name, tree, query in peers(addresses, sample)
        }
        database = ("read clusters", "write rows")
        lake_wall, lake_cpu = (
            sum(seconds for name, seconds in costs.items() if name not in database) for costs in (steps.wall, steps.cpu)
        )
        report = {
            "addresses": addresses.height,
            "clusters": clusters.height,
            "wall_s": steps.wall,
            "cpu_s": steps.cpu,
            "runs_of_the_asset": runs,
            "look_ups_a_wall_s": [clusters.height / run["wall_s"] for run in runs],
            "look_ups_a_cpu_s": [clusters.height / run["cpu_s"] for run in runs],
            "load": os.getloadavg(),
            "without_database_look_ups_a_wall_s": clusters.height / lake_wall,
            "without_database_look_ups_a_cpu_s": clusters.height / lake_cpu,
            "peak_rss_mib_with_simulation": peak_mib,
            "peers": of_peers,
        }
        print(json.dumps(report, indent=1))
    finally:
        embedded.stop(settings.data_dir)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
