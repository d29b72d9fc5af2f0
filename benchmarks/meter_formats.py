"""Ways through the same month of half-hourly readings: forms of files and software, by time, memory and disk.

A month of simulated meters (default 2,000: 2,976,000 readings) as the text of the Irish trial, as Parquet with a row
per reading, and with a row per meter and day and its half hours as an array, in Parquet and in Postgres. From each
file, polars, pandas and DuckDB compute the daily consumption of each meter and the mean of each half hour of the day,
in a process of its own; all agree. Software that is not installed is left out and named; DuckDB is not among the
project's dependencies.

Usage: python benchmarks/meter_formats.py [--meters 2000] [--repeats 3]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import Settings

DAYS, SLOTS, FIRST_DAY = 31, 48, 195
ENGINES = ("polars", "pandas", "duckdb")
FORMS = ("text", "parquet", "arrays")


def write_month(folder: Path, meters: int) -> dict[str, Path]:
    """Write the month in each form; return the files."""
    draws = np.random.default_rng(14)
    hours = np.arange(SLOTS) / 2
    profile = 0.1 + 0.15 * np.exp(-((hours - 8) ** 2) / 4) + 0.35 * np.exp(-((hours - 19) ** 2) / 8)
    kwh = (draws.lognormal(0, 0.6, (meters, DAYS, SLOTS)) * profile).round(3)
    codes = np.add.outer(np.arange(FIRST_DAY, FIRST_DAY + DAYS) * 100, np.arange(1, SLOTS + 1)).ravel()
    rows = pl.DataFrame(
        {
            "meter": np.repeat(np.arange(1000, 1000 + meters, dtype=np.int32), DAYS * SLOTS),
            "code": np.tile(codes.astype(np.int32), meters),
            "kwh": kwh.ravel(),
        }
    )
    files = {form: folder / f"month.{'txt' if form == 'text' else f'{form}.parquet'}" for form in FORMS}
    rows.write_csv(files["text"], include_header=False, separator=" ")
    long = rows.select(
        "meter",
        (pl.col("code") // 100).cast(pl.Int16).alias("day"),
        (pl.col("code") % 100).cast(pl.Int8).alias("slot"),
        pl.col("kwh").cast(pl.Float32),
    )
    long.write_parquet(files["parquet"])
    arrays = long.group_by("meter", "day", maintain_order=True).agg("kwh")
    arrays.write_parquet(files["arrays"])
    return files


# --- the work: kWh of each meter and day, and the mean of each half hour; returns both as sums for comparison ---


def _with_polars(form: str, path: str) -> tuple[float, float]:
    if form == "arrays":
        rows = pl.read_parquet(path)
        daily = rows.select("meter", "day", pl.col("kwh").list.sum())
        halves = rows["kwh"].list.to_array(SLOTS).to_numpy().mean(axis=0)
        return float(daily["kwh"].sum()), float(halves[40])
    if form == "text":
        schema = {"meter": pl.Int32, "code": pl.Int32, "kwh": pl.Float32}
        lazy = pl.scan_csv(path, has_header=False, separator=" ", schema=schema).with_columns(
            (pl.col("code") // 100).alias("day"), (pl.col("code") % 100).alias("slot")
        )
    else:
        lazy = pl.scan_parquet(path)
    daily = lazy.group_by("meter", "day").agg(pl.col("kwh").sum())
    slots = lazy.group_by("slot").agg(pl.col("kwh").mean())
    found, means = pl.collect_all([daily, slots])
    return float(found["kwh"].sum()), float(means.filter(pl.col("slot") == 41)["kwh"][0])


def _with_pandas(form: str, path: str) -> tuple[float, float]:
    import pandas as pd  # noqa: PLC0415

    if form == "arrays":
        rows = pd.read_parquet(path)
        halves = np.stack(rows["kwh"].to_numpy())
        return float(halves.sum(axis=1).sum()), float(halves.mean(axis=0)[40])
    if form == "text":
        kinds = {"meter": "int32", "code": "int32", "kwh": "float32"}
        rows = pd.read_csv(path, sep=" ", header=None, names=list(kinds), dtype=kinds)
        rows["day"], rows["slot"] = rows["code"] // 100, rows["code"] % 100
    else:
        rows = pd.read_parquet(path)
    daily = rows.groupby(["meter", "day"])["kwh"].sum()
    return float(daily.astype("float64").sum()), float(rows.groupby("slot")["kwh"].mean().loc[41])


def _with_duckdb(form: str, path: str) -> tuple[float, float]:
    import duckdb  # type: ignore[import-not-found]  # noqa: PLC0415

    connection = duckdb.connect()
    connection.execute("set threads = 2")
    if form == "text":
        connection.execute(
            "create view r as select meter, code // 100 as day, code % 100 as slot, kwh from read_csv(?, delim = ' ',"
            " header = false, columns = {'meter': 'int', 'code': 'int', 'kwh': 'float'})".replace("?", f"'{path}'")
        )
    elif form == "parquet":
        connection.read_parquet(path).create_view("r")
    else:
        connection.read_parquet(path).create_view("a")
        total = connection.execute("select sum(list_sum(kwh)) from a").fetchall()[0][0]
        half = connection.execute("select avg(kwh[41]) from a").fetchall()[0][0]
        return float(total), float(half)
    daily = "select sum(kwh) from (select meter, day, sum(kwh) as kwh from r group by meter, day)"
    total = connection.execute(daily).fetchall()[0][0]
    half = dict(connection.execute("select slot, avg(kwh) from r group by slot").fetchall())[41]
    return float(total), float(half)


WORK: dict[str, Callable[[str, str], tuple[float, float]]] = {
    "polars": _with_polars,
    "pandas": _with_pandas,
    "duckdb": _with_duckdb,
}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mib() -> float:
    """Peak memory of this process; that of getrusage begins with the peak of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def run_worker(engine: str, form: str, path: str) -> None:
    """Do the work once and print its cost as JSON; imports are not timed, their memory is taken off."""
    __import__(engine)
    if engine == "pandas":
        import pyarrow.parquet  # noqa: F401, PLC0415
    before = _peak_mib()
    wall, cpu = time.perf_counter(), _cpu()
    total, half = WORK[engine](form, path)
    cost = {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": _cpu() - cpu,
        "peak_mib": _peak_mib() - before,
        "total": total,
        "half": half,
    }
    print(json.dumps(cost))


def measure(engine: str, form: str, path: Path, repeats: int) -> dict[str, float]:
    """Least cost of several runs, each in a process of its own with two threads."""
    costs = []
    for _ in range(repeats):
        finished = subprocess.run(
            [sys.executable, __file__, "--worker", engine, form, str(path)],
            capture_output=True, text=True, check=True, env={**__import__("os").environ, "POLARS_MAX_THREADS": "2"},
        )  # fmt: skip
        costs.append(json.loads(finished.stdout))
    return {name: min(cost[name] for cost in costs) for name in costs[0]}


def measure_postgres(path: Path, home: Path, agreed: tuple[float, float]) -> None:
    """Copy the arrays into a table with a row per meter and day, and compute the same by SQL; print both costs."""
    warehouse = open_warehouse(Settings(home=home))
    try:
        with warehouse.transaction() as transaction:
            transaction.execute("create table raw.month (meter integer, day smallint, kwh real[])")
        rows, begin = pl.read_parquet(path), time.perf_counter()
        with warehouse.transaction() as transaction:
            transaction.insert("raw.month", rows)
        copied = time.perf_counter() - begin
        warehouse.analyse("raw.month")
        size = warehouse.rows("select pg_total_relation_size('raw.month')")[0][0]
        begin = time.perf_counter()
        total, half = warehouse.rows(
            "with days as (select kwh, (select sum(one::float8) from unnest(kwh) as one) as kwh_day from raw.month)"
            " select sum(kwh_day), avg(kwh[41]::float8) from days"
        )[0]
        if not np.allclose((total, half), agreed, rtol=1e-5):
            raise SystemExit(f"Postgres: {total}, {half}; expected {agreed}")
        readings = rows.height * SLOTS
        print(f"arrays in Postgres: {size / 2**20:.1f} MiB, {size / readings:.2f} bytes a reading")
        print(f"arrays   postgres copy {copied:.2f} s, query wall {time.perf_counter() - begin:.2f} s")
    finally:
        warehouse.close()
        embedded.stop(home / "pg")


def main() -> None:
    """Measure all combinations and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", nargs=3)
    arguments = parser.parse_args()
    if arguments.worker:
        run_worker(*arguments.worker)
        return
    missing = [engine for engine in ENGINES if importlib.util.find_spec(engine) is None]
    with tempfile.TemporaryDirectory(prefix="mf") as folder:
        files = write_month(Path(folder), arguments.meters)
        readings = arguments.meters * DAYS * SLOTS
        print(f"{readings:,} readings; not installed: {', '.join(missing) or 'none'}")
        for form, path in files.items():
            size = path.stat().st_size
            print(f"{form}: {size / 2**20:.1f} MiB, {size / readings:.2f} bytes a reading")
        agreed: tuple[float, float] | None = None
        for form, path in files.items():
            for engine in ENGINES:
                if engine in missing:
                    continue
                cost = measure(engine, form, path, arguments.repeats)
                found = cost["total"], cost["half"]
                agreed = agreed or found
                if not np.allclose(found, agreed, rtol=1e-5):
                    raise SystemExit(f"{engine} of {form}: {found}; expected {agreed}")
                print(
                    f"{form:8} {engine:7} wall {cost['wall_s']:.2f} s, CPU {cost['cpu_s']:.2f} s, "
                    f"memory {cost['peak_mib']:.0f} MiB"
                )
        if agreed is not None:
            measure_postgres(files["arrays"], Path(folder), agreed)


if __name__ == "__main__":
    main()
