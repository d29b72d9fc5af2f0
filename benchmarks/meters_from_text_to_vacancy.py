"""Files of the Irish trial's text to states as Parquet, meter-days, absent spells and vacant quarters.

Steps, each a process of its own: landing (not counted), loading into the lake, judging all buckets, spells by SQL (in
the server). The memory is that of all processes of ours at the same time, without the server. Peers on the same files:
DuckDB (text to sorted Parquet without duplicates, daily totals, quarters below 180 kWh; in the same memory) and pandas
(the same of some of the rows, scaled up). Both do less: no states, no probabilities, no pseudonyms.

Readings: `ons-bigdata simulate meters FOLDER --meters 6445 --no-presence`. DuckDB is no requirement of the project and
has to be installed by hand.

Usage: python benchmarks/meters_from_text_to_vacancy.py FOLDER/readings [--files 6] [--pandas-rows 5000000]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ons_bigdata.commands.ingest import known_sources, sources_of
from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import AdapterContext, bulk_sources
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import make_key, read_key
from ons_bigdata.settings import Settings

JUDGED = "restricted/meter_days"
SPELLS = "restricted/meter_absence_spells"
DUCKDB_MEMORY = "2GB"


@dataclass(frozen=True)
class Cost:
    """Cost of a step."""

    step: str
    wall_s: float
    cpu_s: float
    peak_mib: float

    def line(self) -> str:
        """Return the cost as a line of text."""
        return f"{self.step}: {self.wall_s:.0f} s, {self.cpu_s:.0f} CPU s, peak {self.peak_mib:,.0f} MiB"


class MemoryWatch:
    """Largest memory (PSS) of this process's descendants together, the database server left out."""

    def __init__(self, root: int) -> None:
        self.peak_kib = 0
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Stop; return the peak in MiB."""
        self._ended.set()
        self._thread.join()
        return self.peak_kib / 1024

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            self.peak_kib = max(self.peak_kib, sum(_memory_kib(pid) for pid in _tree(self._root)))


def _tree(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
            except OSError:
                continue
    tree, before = {root}, 0
    while len(tree) > before:
        before = len(tree)
        tree |= {pid for pid, parent in parents.items() if parent in tree}
    return sorted(tree)


def _memory_kib(pid: int) -> int:
    try:
        if "postgres" in Path(f"/proc/{pid}/comm").read_text():
            return 0
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def run(step: str, command: list[str], home: Path) -> Cost:
    """Run a command to its end and return its cost. Raises CalledProcessError where it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "ONS_BIGDATA_HOME": str(home)}
    with (home.parent / f"{home.name}.log").open("a") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        watch = MemoryWatch(process.pid)
        code = process.wait()
    peak = watch.end()
    if code != 0:
        raise subprocess.CalledProcessError(code, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(step, time.monotonic() - started, used, peak)


def work(step: str, home: Path, files: list[Path]) -> None:
    """Land files, or load those that have landed."""
    settings = Settings(home=home)
    warehouse = open_warehouse(settings)
    landing = Landing(settings.landing_dir, warehouse)
    source = next(source for source in bulk_sources(sources_of("meters", known_sources())) if "cer" in source.formats)
    key = read_key(None, settings.pseudonym_key_path)
    if step == "land":
        landed = land_files(
            files, landing, [source], dbt_project_dir=settings.dbt_project_dir, max_file_bytes=1, pseudonym_key=key
        )
        sys.stdout.write(f"{len(list(landed))} files\n")
    else:
        lake = Lake(settings.lake_dir, warehouse)
        loader = bulk_loader(landing, lake, source, lambda: AdapterContext(settings.dbt_project_dir, key))
        sys.stdout.write(f"{loader.load_waiting().rows_in} rows\n")


def duckdb_peer(files: list[Path], folder: Path) -> None:
    """Text to sorted Parquet without duplicates, daily totals and low quarters by DuckDB."""
    import duckdb  # noqa: PLC0415

    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{DUCKDB_MEMORY}'; set threads = 2; set temp_directory = '{folder}'")
    columns = "{'meter': 'INTEGER', 'code': 'INTEGER', 'kwh': 'DOUBLE'}"
    source = f"read_csv({[str(file) for file in files]}, delim = ' ', header = false, columns = {columns})"
    readings = folder / "readings.parquet"
    connection.execute(
        f"copy (select distinct meter, code // 100 as day, code % 100 as slot, kwh from {source}"  # noqa: S608
        f" where meter is not null order by meter, day, slot) to '{readings}' (format parquet)"
    )
    connection.execute(
        f"create table days as select meter, day, sum(kwh) as kwh, count(*) as n from '{readings}' group by all"  # noqa: S608
    )
    low = connection.execute(
        "select count(*) from (select meter, (day - 1) // 91 as quarter, sum(kwh) as kwh from days group by all"
        " having sum(kwh) < 180)"
    ).fetchone()
    sys.stdout.write(f"{low} low quarters\n")


def pandas_peer(file: Path, folder: Path, rows: int) -> None:
    """The same of the first rows of a file by pandas."""
    import pandas as pd  # noqa: PLC0415

    names = ["meter", "code", "kwh"]
    readings = pd.read_csv(file, sep=" ", header=None, names=names, nrows=rows, na_values=["Null"])
    readings = readings.drop_duplicates().sort_values(["meter", "code"])
    readings["day"] = readings["code"] // 100
    readings.to_parquet(folder / "slice.parquet")
    days = readings.groupby(["meter", "day"], as_index=False)["kwh"].sum()
    days["quarter"] = (days["day"] - 1) // 91
    quarters = days.groupby(["meter", "quarter"])["kwh"].sum()
    sys.stdout.write(f"{(quarters < 180).sum()} low quarters\n")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(files: list[Path], pandas_rows: int) -> None:
    """Run all steps and the peers, and print a line for each."""
    script = [sys.executable, __file__, "--worker"]
    home = Path(tempfile.mkdtemp(prefix="mv-"))
    try:
        open_warehouse(Settings(home=home))
        make_key(Settings(home=home).pseudonym_key_path)
        command = [str(Path(sys.executable).with_name("ons-bigdata"))]
        names = [str(file) for file in files]
        _print(run("landing (apart)", [*script, "land", str(home), *names], home).line())
        costs = [
            run("loading", [*script, "load", str(home)], home),
            run("judging", [*command, "materialize", "--select", JUDGED], home),
            run("spells", [*command, "materialize", "--select", SPELLS], home),
        ]
        for cost in costs:
            _print(cost.line())
        rows = open_warehouse(Settings(home=home)).rows(
            "select coalesce(sum(rows), 0)::bigint from ops.lake_files where table_name = 'meter_readings'"
        )[0][0]
        whole = Cost(
            f"all of {rows:,} readings",
            sum(cost.wall_s for cost in costs),
            sum(cost.cpu_s for cost in costs),
            max(cost.peak_mib for cost in costs),
        )
        _print(whole.line())
        _print(run(f"DuckDB in {DUCKDB_MEMORY}", [*script, "duckdb", str(home), *names], home).line())
        part = run("pandas", [*script, "pandas", str(home), names[0], str(pandas_rows)], home)
        scale = rows / pandas_rows
        _print(f"pandas, {pandas_rows:,} rows: {part.wall_s:.0f} s, {part.peak_mib:,.0f} MiB;"
               f" scaled to all: {part.wall_s * scale:,.0f} s, {part.peak_mib * scale / 1024:,.0f} GiB")  # fmt: skip
    finally:
        embedded.stop(home / "pg")
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Measure, or be the worker of a step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readings", nargs="?", type=Path)
    parser.add_argument("--files", type=int, default=6)
    parser.add_argument("--pandas-rows", type=int, default=5_000_000)
    parser.add_argument("--worker", nargs="+")
    chosen = parser.parse_args()
    if chosen.worker:
        step, home, *rest = chosen.worker
        if step == "duckdb":
            duckdb_peer([Path(name) for name in rest], Path(home))
        elif step == "pandas":
            pandas_peer(Path(rest[0]), Path(home), int(rest[1]))
        else:
            work(step, Path(home), [Path(name) for name in rest])
        return
    measure(sorted(chosen.readings.glob("*.txt"))[: chosen.files], chosen.pandas_rows)


if __name__ == "__main__":
    main()
