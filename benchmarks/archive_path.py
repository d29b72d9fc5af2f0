"""The whole real archive, from ingest to indices: wall time, CPU time, memory, and what Dagster and dbt add.

Runs, in one go and on an idle machine:

* the path as a user runs it: `ons-bigdata ingest prices ARCHIVE`, then `ons-bigdata materialize` as one range run;
* its peer, the bare work in this process: the same landing, reading, copying and index methods called directly, without
  Dagster and without dbt (whose SQL is run by the server in both).

Memory is the proportional set size of our processes without the server. benchmarks/README.md has results.

Usage: python benchmarks/archive_path.py ARCHIVE
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psutil

from ons_bigdata.platform.dagster.inputs import Inputs
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting, rebuild
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.assets.indices.origins import INPUTS, panels_by_origin
from ons_bigdata.prices.methods.recipes import index_figures, recipe_named
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.settings import Settings

FIRST, LAST = "2016-07-21", "2016-09-15"


@dataclass
class Cost:
    """Cost of a piece of work: seconds and mebibytes."""

    what: str
    wall_s: float
    cpu_s: float
    peak_pss_mib: float


class PeakMemory(threading.Thread):
    """Sampler of the proportional set size of a process and its children, five times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Sample until `over` is set."""
        while not self.over.wait(0.2):
            self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        total = 0
        try:
            family = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in family:
            try:
                if process.name() != "postgres":
                    total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
        return total


def command(home: Path, *arguments: str) -> tuple[Cost, dict]:
    """Run the command line in a process of its own; return its cost and its JSON."""
    # the process prints its CPU time as it ends: that of its children would include a server that it starts
    script = (
        "import atexit, resource, sys\n"
        "def print_cpu():\n"
        "    usage = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    print('CPU', usage.ru_utime + usage.ru_stime, file=sys.stderr)\n"
        "atexit.register(print_cpu)\n"
        "from ons_bigdata.cli import main\n"
        "main()\n"
    )
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "ONS_BIGDATA_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    memory = PeakMemory(process.pid)
    memory.start()
    out, err = process.communicate()
    memory.over.set()
    wall = time.perf_counter() - started
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{out}{err}")
    cpu_s = next(float(line.split()[1]) for line in err.splitlines() if line.startswith("CPU "))
    cost = Cost(f"ons-bigdata {' '.join(arguments[:3])}", wall, cpu_s, memory.peak / 2**20)
    return cost, json.loads(out)


def bare_ingest(home: Path, archive: Path) -> Cost:
    """Land, read and copy the archive in this process, without Dagster."""
    settings = _settings(home)
    landing = Landing(settings.landing_dir, open_warehouse(settings))

    def work() -> None:
        for _ in land_files(
            [archive],
            landing,
            [PRICE_FILES],
            dbt_project_dir=settings.dbt_project_dir,
            max_file_bytes=settings.max_file_bytes,
        ):
            pass
        load_waiting(landing, PRICE_FILES, PRICE_FILES.adapter(settings.dbt_project_dir).read)

    return measured("bare ingest (no Dagster)", work)


def bare_rebuild(home: Path) -> Cost:
    """Rebuild the raw table and compute the indices in this process, without Dagster and without dbt."""
    settings = _settings(home)
    warehouse = open_warehouse(settings)
    landing = Landing(settings.landing_dir, warehouse)
    read_file = PRICE_FILES.adapter(settings.dbt_project_dir).read

    def read(relation: str, columns: Sequence[str] | None) -> pl.DataFrame:
        return warehouse.frame(f"select {', '.join(columns or ['*'])} from {relation}")  # noqa: S608  (declared names)

    def work() -> None:
        rebuild(landing, PRICE_FILES, read_file, landing.partitions(PRICE_FILES.name))
        for panels in panels_by_origin(Inputs("benchmark", INPUTS, read)):
            index_figures(panels, [recipe_named("web_daily")])

    return measured("bare raw table and indices (no Dagster, no dbt)", work)


def _settings(home: Path) -> Settings:
    return Settings(home=home)


def measured(what: str, work: Callable[[], None]) -> Cost:
    """Measure a call in this process."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(what, time.perf_counter() - wall, cpu, psutil.Process().memory_full_info().pss / 2**20)


def main() -> None:
    """Run the path and its peer and print the table."""
    archive = Path(sys.argv[1]).resolve()
    folder = Path(tempfile.mkdtemp(prefix="ons-bench-"))
    days = ("--from", FIRST, "--to", LAST, "--json")
    whole = ("materialize", "--select", "*", *days)
    daily = ("materialize", "--select", "*analysis/aggregate_price_indices", *days)
    try:
        ingest, summary = command(folder / "a", "ingest", "prices", str(archive), "--json")
        first, outcome = command(folder / "a", *whole)
        again, _ = command(folder / "a", *whole)
        indices, _ = command(folder / "a", *daily)
        costs = [ingest, first, again, indices, bare_ingest(folder / "b", archive), bare_rebuild(folder / "a")]
    finally:
        for home in ("a", "b"):
            embedded.stop(folder / home / "pg")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{summary['files']} files, {summary['rows_in']} rows in, {len(outcome['assets'])} assets")
    print(f"{'':55} {'wall s':>8} {'CPU s':>8} {'peak PSS MiB':>13}")
    for cost in costs:
        print(f"{cost.what[:55]:55} {cost.wall_s:8.1f} {cost.cpu_s:8.1f} {cost.peak_pss_mib:13.0f}")
    print(f"ingest to indices: {ingest.wall_s + first.wall_s:.1f} s wall")
    print(f"Dagster and dbt add {indices.cpu_s - costs[-1].cpu_s:.1f} CPU s to a range run of the daily indices")


if __name__ == "__main__":
    main()
