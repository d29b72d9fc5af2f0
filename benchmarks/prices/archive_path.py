"""The whole real archive, from ingest to indices: wall time, CPU time, memory, and what Dagster and dbt add.

Runs, in one go and on an idle machine:

* the path as a user runs it: `ons-bigdata ingest prices ARCHIVE`, then `ons-bigdata materialize` as one range run;
* its peer, the bare work in this process: the same landing, reading, copying and index methods called directly, without
  Dagster and without dbt (whose SQL is run by the server in both).

Memory is the proportional set size of our processes without the server. benchmarks/README.md has results.

Usage: python benchmarks/prices/archive_path.py ARCHIVE
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import psutil
from process_costs import Cost, run_command, server_cpu_s

from ons_bigdata.platform.dagster.inputs import Inputs
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting, rebuild
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.assets.indices.origin_months import read_origins
from ons_bigdata.prices.assets.indices.origins import INPUTS, MONTH_INPUTS, QUOTE_COLUMNS
from ons_bigdata.prices.methods.recipes import index_figures, recipe_named
from ons_bigdata.prices.methods.recipes.figures import panels_of_days
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.settings import Settings

FIRST, LAST = "2016-07-21", "2016-09-15"


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

    return measured("bare ingest (no Dagster)", work, home)


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
        for origin in read_origins(Inputs("benchmark", INPUTS | MONTH_INPUTS, read), [recipe_named("web_daily")]):
            quotes = read(INPUTS["quotes"], QUOTE_COLUMNS).filter(pl.col("data_origin") == origin.history.data_origin)
            days = (0, len(origin.history.days) - 1)
            panels = panels_of_days(origin.history, quotes, origin.pack_sizes, days)
            index_figures(panels, [recipe_named("web_daily")])

    return measured("bare raw table and indices (no Dagster, no dbt)", work, home)


def _settings(home: Path) -> Settings:
    return Settings(home=home)


def measured(what: str, work: Callable[[], None], home: Path) -> Cost:
    """Measure a call in this process and in the server of an installation."""
    server_before = server_cpu_s(home)
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    server = server_cpu_s(home) - server_before
    return Cost(what, time.perf_counter() - wall, cpu, server, psutil.Process().memory_full_info().pss / 2**20)


def main() -> None:
    """Run the path and its peer and print the table."""
    archive = Path(sys.argv[1]).resolve()
    folder = Path(tempfile.mkdtemp(prefix="ons-bench-"))
    days = ("--from", FIRST, "--to", LAST, "--json")
    whole = ("materialize", "--select", "*", *days)
    daily = ("materialize", "--select", "*analysis/aggregate_price_indices", *days)
    try:
        ingest, summary = run_command(folder / "a", "ingest", "prices", str(archive), "--json")
        first, outcome = run_command(folder / "a", *whole)
        again, _ = run_command(folder / "a", *whole)
        indices, _ = run_command(folder / "a", *daily)
        costs = [ingest, first, again, indices, bare_ingest(folder / "b", archive), bare_rebuild(folder / "a")]
    finally:
        for home in ("a", "b"):
            embedded.stop(folder / home / "pg")
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{summary['files']} files, {summary['rows_in']} rows in, {len(outcome['assets'])} assets")
    print(f"{'':55} {'wall s':>8} {'CPU s':>8} {'server':>8} {'peak PSS MiB':>13}")
    for cost in costs:
        print(
            f"{cost.what[:55]:55} {cost.wall_s:8.1f} {cost.cpu_s:8.1f} {cost.server_cpu_s:8.1f} {cost.peak_mib:13.0f}"
        )
    print(f"ingest to indices: {ingest.wall_s + first.wall_s:.1f} s wall")
    print(f"Dagster and dbt add {indices.cpu_s - costs[-1].cpu_s:.1f} CPU s to a range run of the daily indices")


if __name__ == "__main__":
    main()
