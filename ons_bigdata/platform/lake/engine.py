"""Engine: runs a method entity by entity, one bucket at a time, in this process or in several.

A method is a function `f(bucket, parameters) -> frame` of a module, or returns frames by name; the bucket holds all
rows of its entities. Workers get the name of the function, JSON parameters and paths of Parquet files, so that another
engine can run the same work.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from ons_bigdata.platform.errors import StepFailedError
from ons_bigdata.platform.lake.catalog import write_derived
from ons_bigdata.platform.lake.files import LakeFile, Writing
from ons_bigdata.platform.lake.sorting import sort_rows
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.row_validation import validate_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence

    import dataframely as dy

    from ons_bigdata.platform.lake.catalog import Lake
    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

WORKER = "ons_bigdata.platform.lake.worker"


PARALLEL_ROWS = 20_000_000
"""Rows from which several processes are started: each takes two seconds of processor time to begin."""

JOINED_ROWS = 500_000
"""Rows of neighbouring small buckets that a method is given in one call: a call has a cost of its own."""

_ONLY = "result"
"""Name of the result of a method that returns one frame."""


@dataclass(frozen=True)
class _Job:
    """Work on a bucket: JSON values."""

    function: str
    parameters: dict[str, Any]
    bucket: int
    paths: list[str]
    columns: list[str]
    sort_columns: list[str]
    load_ids: dict[int, list[str]]
    """Bucket -> loads behind its rows."""


@dataclass(frozen=True)
class LakeResult:
    """A frame of a method that fills a derived table of the lake, with the frame by which its rows are validated."""

    table: LakeTable
    schema: type[dy.Schema]

    def __post_init__(self) -> None:
        columns = {name: column.dtype for name, column in self.schema.columns().items()}
        if not self.table.is_derived or dict(self.table.columns) != columns:
            raise ValueError(f"lake table {self.table.name}: expected a derived one with the columns of its frame")

    def to_json(self) -> dict[str, Any]:
        """Return what a worker needs to write the table."""
        schema, table = self.schema, self.table
        return {
            "schema": f"{schema.__module__}:{schema.__qualname__}",
            "name": table.name,
            "entity_column": table.entity_column,
            "order": list(table.order),
            "buckets": table.buckets,
        }

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> LakeResult:
        """Return the result that `to_json` describes."""
        schema = _imported(values["schema"])
        columns = {name: column.dtype for name, column in schema.columns().items()}
        of_table = {name: values[name] for name in ("name", "entity_column", "buckets")}
        return cls(LakeTable(columns=columns, order=tuple(values["order"]), is_derived=True, **of_table), schema)


@dataclass(frozen=True)
class LakeResults:
    """Frames, by name, that workers write as files of derived tables below a private folder of the lake."""

    folder: Path
    """Where the files are until they are adopted (`Writing.adopt`)."""
    tables: Mapping[str, LakeResult]


WrittenFiles = dict[str, list[tuple[Path, LakeFile]]]
"""Name of a frame -> files of its table that a worker has written, with their places."""


class WorkerFailedError(StepFailedError):
    """A method that failed in a worker."""

    def __init__(self, function: str, kind: str, text: str) -> None:
        super().__init__(f"{function}: {kind}: {text}")
        self.function = function
        """Name of the method."""
        self.kind = kind
        """Class of the error."""


class BucketTablesFunction(Protocol):
    """A method that works entity by entity and returns several frames, by name."""

    __module__: str
    __qualname__: str

    def __call__(self, bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> Mapping[str, pl.DataFrame]:
        """Compute the results for the entities of a bucket; each has their column."""


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


@dataclass(frozen=True)
class RowsRead:
    """Rows of a bucket that a method is given."""

    columns: Sequence[str] | None = None
    """Columns, or None for all."""
    is_sorted: bool = True
    """True if they are sorted by the order of the table, as far as it is among the columns; else in any order, which
    takes less time and memory."""


@dataclass(frozen=True)
class BucketTables:
    """Rows of several tables of one bucket, each sorted by entity, and the loads behind them."""

    bucket: int
    frames: Mapping[str, pl.DataFrame]
    load_ids: tuple[str, ...] = ()
    files: Mapping[str, Sequence[tuple[Path, LakeFile]]] = field(default_factory=dict)
    """Files of derived tables, with their places, that a worker has written; by the name that a frame would have."""


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
    for result in run_tables_over_buckets(
        lake, table, function, parameters, partitions=partitions, processes=processes
    ):
        yield BucketResult(result.bucket, result.frames[_ONLY])


def run_tables_over_buckets(  # noqa: PLR0913  (all but four by name)
    lake: Lake,
    table: LakeTable,
    function: BucketFunction | BucketTablesFunction,
    parameters: Mapping[str, Any],
    *,
    rows: RowsRead | None = None,
    partitions: Collection[str] | None = None,
    processes: int = 1,
    parallel_rows: int = 0,
    lake_results: LakeResults | None = None,
) -> Iterator[BucketTables]:
    """Run a method that returns frames by name over the buckets, as `run_over_buckets` does.

    `rows` says which columns the method needs and whether in order. The result of a method that returns one frame has
    the name "result". Several `processes` run from `parallel_rows` rows on; below, all is done in this one. Workers
    validate the frames of `lake_results` and write the files of their tables, which results have then in the place of
    the frames.
    """
    if processes < 1:
        raise ValueError(f"processes is {processes}; expected at least 1")
    name = function_name(function)
    rows = rows or RowsRead()
    columns = list(table.columns) if rows.columns is None else list(rows.columns)
    unknown = [column for column in columns if column not in table.columns]
    if unknown:
        raise ValueError(f"lake table {table.name} has no column {', '.join(unknown)}")
    sort_columns = [column for column in table.sort_columns if column in columns] if rows.is_sorted else []
    jobs: dict[int, list[LakeFile]] = {}
    for file in lake.files(table, partitions=partitions):
        jobs.setdefault(file.bucket, []).append(file)
    groups = _joined(jobs)
    work = [
        _Job(
            name,
            dict(parameters),
            group[0],
            [str(lake.folder / file.name) for bucket in group for file in jobs[bucket]],
            columns,
            sort_columns,
            {bucket: sorted({one for file in jobs[bucket] for one in file.load_ids}) for bucket in group},
        )
        for group in groups.values()
    ]
    load_ids = {bucket: tuple(of_bucket) for job in work for bucket, of_bucket in job.load_ids.items()}
    in_one = processes == 1 or _rows(jobs) < parallel_rows
    with closing(_run_here(work) if in_one else _run_in_processes(work, processes, lake_results)) as results:
        for first, frames, files in results:
            in_order = {key: _sorted_by_entity(frame, table.entity_column, name) for key, frame in frames.items()}
            del frames
            for bucket in groups[first]:
                of_bucket = {key: _of_bucket(frame, table, bucket) for key, frame in in_order.items()}
                written = {key: [one for one in of_name if one[1].bucket == bucket] for key, of_name in files.items()}
                yield BucketTables(bucket, of_bucket, load_ids[bucket], written)
                del of_bucket
            del in_order  # before the next buckets are computed


def _joined(files_of_buckets: Mapping[int, Sequence[LakeFile]]) -> dict[int, list[int]]:
    """Buckets in order, small neighbours together, by the first of them."""
    groups: dict[int, list[int]] = {}
    first, rows = -1, JOINED_ROWS + 1
    for bucket, files in sorted(files_of_buckets.items()):
        of_bucket = sum(file.rows for file in files)
        if rows + of_bucket > JOINED_ROWS:
            first, rows = bucket, 0
            groups[first] = []
        groups[first].append(bucket)
        rows += of_bucket
    return groups


def _of_bucket(frame: pl.DataFrame, table: LakeTable, bucket: int) -> pl.DataFrame:
    """Rows of the entities of a bucket, of a frame sorted by entity."""
    width = 2**64 // table.buckets
    first = -(2**63) + bucket * width
    entities = frame[table.entity_column]
    begin = int(entities.search_sorted(first, side="left"))
    return frame.slice(begin, int(entities.search_sorted(first + width - 1, side="right")) - begin)


def _rows(files_of_buckets: Mapping[int, Sequence[LakeFile]]) -> int:
    return sum(file.rows for files in files_of_buckets.values() for file in files)


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
    parts = (BucketTables(result.bucket, {table: result.frame}) for result in results)
    return replace_tables(warehouse, [table], parts, entity_column=entity_column, buckets=buckets)[table]


def replace_tables(
    warehouse: Warehouse,
    tables: Sequence[str],
    parts: Iterable[BucketTables],
    *,
    entity_column: str,
    buckets: int,
    guard: Callable[[Transaction], None] | None = None,
    lake: Lake | None = None,
    lake_tables: Mapping[str, LakeTable] | None = None,
) -> dict[str, int]:
    """Write rows by table into tables of Postgres and derived tables of the lake; return the number of rows by table.

    Rows of the bucket's range of entities are exchanged in all tables in one transaction, bucket by bucket: in Postgres
    in `tables`, in `lake` the files of `lake_tables`, by the name of their frames. Buckets without a part lose their
    rows at the end. `guard` is called at the begin of each transaction, which it ends by raising.
    """
    derived = dict(lake_tables or {})
    if derived and lake is None:
        raise ValueError(f"no lake for {', '.join(derived)}")
    rows = dict.fromkeys([*tables, *derived], 0)
    done = set()
    for part in parts:
        with ExitStack() as stack:
            # files are written before the transaction begins, and live when it ends
            written = _write_files(stack, lake, derived, part)
            transaction = stack.enter_context(warehouse.transaction())
            if guard is not None:
                guard(transaction)
            for name, (opened, files) in written.items():
                assert lake is not None  # noqa: S101  (checked above)
                lake.replace_bucket(transaction, derived[name], part.bucket, opened, files)
                rows[name] += sum(file.rows for file in files)
            for table in tables:
                transaction.lock(table)
                transaction.execute(*_delete_range(table, entity_column, part.bucket, buckets))
                rows[table] += transaction.insert(table, part.frames[table])
        done.add(part.bucket)
    _empty_buckets(warehouse, tables, sorted(set(range(buckets)) - done), entity_column, buckets, lake, derived)
    warehouse.analyse(*tables)
    return rows


def _write_files(
    stack: ExitStack, lake: Lake | None, derived: Mapping[str, LakeTable], part: BucketTables
) -> dict[str, tuple[Writing, list[LakeFile]]]:
    """Write the rows of derived tables of a bucket into private folders that the stack removes."""
    written = {}
    for name, table in derived.items():
        assert lake is not None  # noqa: S101  (checked by the caller)
        opened = stack.enter_context(lake.writing())
        if name in part.files:
            files = [opened.adopt(path, file) for path, file in part.files[name]]
        else:
            files = lake.write_bucket(table, part.bucket, part.frames[name], opened, load_ids=part.load_ids)
        written[name] = (opened, files)
    return written


def _empty_buckets(
    warehouse: Warehouse,
    tables: Sequence[str],
    emptied: Sequence[int],
    entity_column: str,
    buckets: int,
    lake: Lake | None,
    derived: Mapping[str, LakeTable],
) -> None:
    with ExitStack() as stack:
        opened = stack.enter_context(lake.writing()) if lake is not None and derived else None
        transaction = stack.enter_context(warehouse.transaction())
        for bucket in emptied:
            for lake_table in derived.values():
                assert lake is not None  # noqa: S101  (there is none without)
                assert opened is not None  # noqa: S101
                lake.replace_bucket(transaction, lake_table, bucket, opened, [])
        for table in tables:
            transaction.lock(table)
            for bucket in emptied:
                transaction.execute(*_delete_range(table, entity_column, bucket, buckets))


def function_name(function: BucketFunction | BucketTablesFunction) -> str:
    """Name `module:function` by which a worker finds a function. Raises ValueError where there is none."""
    name = f"{function.__module__}:{function.__qualname__}"
    if function.__module__ == "__main__" or not function.__qualname__.isidentifier():
        raise ValueError(f"{name}: expected a function at the top of a module that can be imported")
    return name


def call(
    name: str, parameters: Mapping[str, Any], paths: Sequence[Path], columns: Sequence[str], sort_columns: Sequence[str]
) -> Mapping[str, pl.DataFrame]:
    """Call a function by its name on columns of the rows of Parquet files, sorted by `sort_columns` if there are any.

    Return its frames by name; a single one is named "result".
    """
    function: Callable[..., pl.DataFrame | Mapping[str, pl.DataFrame]] = _imported(name)
    rows = pl.read_parquet(list(paths), columns=list(columns))
    if sort_columns:
        rows = sort_rows(rows, sort_columns)
    result = function(rows, parameters)
    return {_ONLY: result} if isinstance(result, pl.DataFrame) else result


def _imported(name: str) -> Any:  # noqa: ANN401  (a function or class)
    """Return the function or class `module:name`."""
    module, attribute = name.split(":")
    return getattr(importlib.import_module(module), attribute)


def write_lake_result(
    result: LakeResult, frame: pl.DataFrame, load_ids: Mapping[int, Sequence[str]], folder: Path
) -> list[tuple[Path, LakeFile]]:
    """Validate a frame and write it as files of its table below a private folder, one for each bucket with rows."""
    table = result.table
    rows = validate_rows(result.schema, _sorted_by_entity(frame, table.entity_column, table.name))
    opened = Writing(folder, folder)
    try:
        for bucket, of_bucket in load_ids.items():
            write_derived(table, bucket, _of_bucket(rows, table, bucket), opened, load_ids=of_bucket)
        return opened.finish()
    finally:
        opened.close()


_Result = tuple[int, Mapping[str, pl.DataFrame], WrittenFiles]
"""First bucket of a job, frames, and files in the place of frames."""


def _run_here(jobs: Sequence[_Job]) -> Generator[_Result]:
    for job in jobs:
        paths = [Path(path) for path in job.paths]
        yield job.bucket, call(job.function, job.parameters, paths, job.columns, job.sort_columns), {}


def _run_in_processes(jobs: Sequence[_Job], processes: int, lake_results: LakeResults | None) -> Generator[_Result]:
    """Run the jobs by workers that each do one job after another; yield the results in order."""
    of_lake: dict[str, Any] = {"writing": None, "lake_results": {}}
    if lake_results is not None:
        of_tables = {name: result.to_json() for name, result in lake_results.tables.items()}
        of_lake = {"writing": str(lake_results.folder), "lake_results": of_tables}
    with tempfile.TemporaryDirectory(prefix="ons-buckets-") as folder:
        workers = [_Worker() for _ in range(min(processes, len(jobs)))]
        try:
            waiting = deque(jobs)
            running: deque[tuple[int, _Worker, str]] = deque()
            for worker in workers:
                running.append(_start(worker, waiting.popleft(), Path(folder), of_lake))
            while running:
                bucket, worker, result = running.popleft()
                names, files = worker.wait()
                if waiting:
                    running.append(_start(worker, waiting.popleft(), Path(folder), of_lake))
                paths = [Path(f"{result}.{place}.parquet") for place in range(len(names))]
                yield bucket, {name: pl.read_parquet(path) for name, path in zip(names, paths, strict=True)}, files
                for path in paths:
                    path.unlink()
        finally:
            for worker in workers:
                worker.close()


def _start(worker: _Worker, job: _Job, folder: Path, of_lake: Mapping[str, Any]) -> tuple[int, _Worker, str]:
    result = str(folder / str(job.bucket))
    worker.start({**asdict(job), "result": result, **of_lake})
    return job.bucket, worker, result


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

    def wait(self) -> tuple[list[str], WrittenFiles]:
        """Wait until the job is done; return the names of its frames, and files. Raises StepFailedError."""
        assert self.process.stdout is not None  # noqa: S101  (it is a pipe)
        reply = self.process.stdout.readline()
        if not reply:
            raise StepFailedError(f"a worker ended with exit code {self.process.wait()} before its job was done")
        answer = json.loads(reply)
        if answer["failure"] is not None:
            raise WorkerFailedError(**answer["failure"])
        names: list[str] = answer["names"]
        files = {
            name: [(Path(path), LakeFile(**{**file, "load_ids": tuple(file["load_ids"])})) for path, file in of_name]
            for name, of_name in answer["files"].items()
        }
        return names, files

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
    if frame[entity_column].is_sorted():
        return frame
    return frame.sort(entity_column, maintain_order=True)


def _delete_range(table: str, entity_column: str, bucket: int, buckets: int) -> tuple[str, list[object]]:
    width = 2**64 // buckets
    first = -(2**63) + bucket * width
    statement = f"delete from {table} where {entity_column} between $1 and $2"  # noqa: S608  (our own names)
    return statement, [first, first + width - 1]
