"""Engine: runs a method entity by entity, one bucket at a time, in this process or in several.

A method is a function `f(bucket, parameters) -> frame` of a module; the bucket holds all rows of its entities. Workers
get the name of the function, JSON parameters and paths of Parquet files, so that another engine can run the same work.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from ons_bigdata.platform.errors import StepFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ons_bigdata.platform.lake.catalog import Lake
    from ons_bigdata.platform.lake.tables import LakeTable
    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

WORKER = "ons_bigdata.platform.lake.worker"


class WorkerFailedError(StepFailedError):
    """A method that failed in a worker."""

    def __init__(self, function: str, kind: str, text: str) -> None:
        super().__init__(f"{function}: {kind}: {text}")
        self.function = function
        """Name of the method."""
        self.kind = kind
        """Class of the error."""


class BucketFunction(Protocol):
    """A method that works entity by entity: rows of the entities of a bucket and parameters in, a frame out."""

    __module__: str
    __qualname__: str

    def __call__(self, bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
        """Compute the result for the entities of a bucket; the result has their column."""


@dataclass(frozen=True)
class BucketResult:
    """Result of one bucket, sorted by entity."""

    bucket: int
    frame: pl.DataFrame


def run_over_buckets(
    lake: Lake,
    table: LakeTable,
    function: BucketFunction,
    parameters: Mapping[str, Any],
    *,
    partitions: Collection[str] | None = None,
    processes: int = 1,
) -> Iterator[BucketResult]:
    """Run a method over the buckets of a lake table; yield the results in the order of the buckets.

    The results one after another are sorted by entity, and the same for any number of buckets and processes, where
    the method's result for an entity depends on its rows alone. Rows reach the method sorted by the table's order.
    `parameters` are JSON values. Buckets without rows give no result. At most `processes` results are in memory.

    Raises ValueError for a function that is not at the top of a module or a result without the entity's column,
    StepFailedError with its last words where a worker fails.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}; expected at least 1")
    name = function_name(function)
    jobs: dict[int, list[Path]] = {}
    for file in lake.files(table, partitions=partitions):
        jobs.setdefault(file.bucket, []).append(lake.folder / file.name)
    run = _run_here if processes == 1 else _run_in_processes
    for bucket, frame in run(table, name, parameters, sorted(jobs.items()), processes):
        yield BucketResult(bucket, _sorted_by_entity(frame, table.entity_column, name))


def removal_guard(lake: Lake, table: LakeTable) -> Callable[[Transaction], None]:
    """Guard of results that are computed from now on: raises StepFailedError once rows were removed from the table.

    Such a removal takes the rows of these entities out of the results, too, which must not be written again.
    """
    before = lake.removals(table)

    def guard(transaction: Transaction) -> None:
        if lake.removals(table, transaction) != before:
            raise StepFailedError(f"rows were removed from lake/{table.name} meanwhile: materialise it again")

    return guard


def replace_table(
    warehouse: Warehouse, table: str, results: Iterator[BucketResult], *, entity_column: str, buckets: int
) -> int:
    """Write results to a table of Postgres bucket by bucket, one transaction each; return the number of rows.

    Rows of the bucket's range of entities are exchanged. Buckets without a result lose their rows at the end.
    """
    parts = ((result.bucket, {table: result.frame}) for result in results)
    return replace_tables(warehouse, [table], parts, entity_column=entity_column, buckets=buckets)[table]


def replace_tables(
    warehouse: Warehouse,
    tables: Sequence[str],
    parts: Iterable[tuple[int, Mapping[str, pl.DataFrame]]],
    *,
    entity_column: str,
    buckets: int,
    guard: Callable[[Transaction], None] | None = None,
) -> dict[str, int]:
    """Write (bucket, rows by table) into tables of Postgres bucket by bucket; return the number of rows by table.

    Rows of the bucket's range of entities are exchanged in all tables in one transaction. Buckets without a part lose
    their rows at the end. `guard` is called at the begin of each transaction, which it ends by raising.
    """
    rows = dict.fromkeys(tables, 0)
    done = set()
    for bucket, frames in parts:
        with warehouse.transaction() as transaction:
            if guard is not None:
                guard(transaction)
            for table in tables:
                transaction.lock(table)
                transaction.execute(*_delete_range(table, entity_column, bucket, buckets))
                rows[table] += transaction.insert(table, frames[table])
        done.add(bucket)
    with warehouse.transaction() as transaction:
        for table in tables:
            transaction.lock(table)
            for bucket in sorted(set(range(buckets)) - done):
                transaction.execute(*_delete_range(table, entity_column, bucket, buckets))
    warehouse.analyse(*tables)
    return rows


def function_name(function: BucketFunction) -> str:
    """Name `module:function` by which a worker finds a function. Raises ValueError where there is none."""
    name = f"{function.__module__}:{function.__qualname__}"
    if function.__module__ == "__main__" or not function.__qualname__.isidentifier():
        raise ValueError(f"{name}: expected a function at the top of a module that can be imported")
    return name


def call(name: str, parameters: Mapping[str, Any], paths: Sequence[Path], sort_columns: Sequence[str]) -> pl.DataFrame:
    """Call a function by its name on the rows of Parquet files, sorted by `sort_columns`."""
    module, attribute = name.split(":")
    function: BucketFunction = getattr(importlib.import_module(module), attribute)
    return function(pl.read_parquet(list(paths)).sort(sort_columns), parameters)


def _run_here(
    table: LakeTable, name: str, parameters: Mapping[str, Any], jobs: Sequence[tuple[int, list[Path]]], _processes: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    for bucket, paths in jobs:
        yield bucket, call(name, parameters, paths, table.sort_columns)


def _run_in_processes(
    table: LakeTable, name: str, parameters: Mapping[str, Any], jobs: Sequence[tuple[int, list[Path]]], processes: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """Run the jobs by workers that each do one job after another; yield the results in order."""
    with tempfile.TemporaryDirectory(prefix="ons-buckets-") as folder:
        workers = [_Worker() for _ in range(min(processes, len(jobs)))]
        try:
            waiting = deque(jobs)
            running: deque[tuple[int, _Worker, Path]] = deque()
            for worker in workers:
                running.append(_start(worker, table, name, parameters, waiting.popleft(), Path(folder)))
            while running:
                bucket, worker, result = running.popleft()
                worker.wait()
                if waiting:
                    running.append(_start(worker, table, name, parameters, waiting.popleft(), Path(folder)))
                yield bucket, pl.read_parquet(result)
                result.unlink()
        finally:
            for worker in workers:
                worker.close()


def _start(
    worker: _Worker,
    table: LakeTable,
    name: str,
    parameters: Mapping[str, Any],
    job: tuple[int, list[Path]],
    folder: Path,
) -> tuple[int, _Worker, Path]:
    bucket, paths = job
    result = folder / f"{bucket}.parquet"
    worker.start(
        {
            "function": name,
            "parameters": dict(parameters),
            "paths": [str(path) for path in paths],
            "sort_columns": table.sort_columns,
            "result": str(result),
        }
    )
    return bucket, worker, result


class _Worker:
    """A process that runs one job after another: a line of JSON in, a line of JSON out."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (this interpreter and our module)
            [sys.executable, "-m", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, job: Mapping[str, Any]) -> None:
        """Hand over a job."""
        assert self.process.stdin is not None  # noqa: S101  (it is a pipe)
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def wait(self) -> None:
        """Wait until the job is done. Raises StepFailedError where it failed."""
        assert self.process.stdout is not None  # noqa: S101  (it is a pipe)
        reply = self.process.stdout.readline()
        if not reply:
            raise StepFailedError(f"a worker ended with exit code {self.process.wait()} before its job was done")
        failure = json.loads(reply)["failure"]
        if failure is not None:
            raise WorkerFailedError(**failure)

    def close(self) -> None:
        """End the process; a job that runs is broken off."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _sorted_by_entity(frame: pl.DataFrame, entity_column: str, name: str) -> pl.DataFrame:
    if entity_column not in frame.columns:
        raise ValueError(f"{name} returns no column {entity_column}; its columns: {', '.join(frame.columns)}")
    return frame.sort(entity_column, maintain_order=True)


def _delete_range(table: str, entity_column: str, bucket: int, buckets: int) -> tuple[str, list[object]]:
    width = 2**64 // buckets
    first = -(2**63) + bucket * width
    statement = f"delete from {table} where {entity_column} between $1 and $2"  # noqa: S608  (our own names)
    return statement, [first, first + width - 1]
