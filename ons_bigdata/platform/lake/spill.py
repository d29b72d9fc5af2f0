"""External sort of the rows of loads by partition and entity: sorted runs on disk, merged place by place."""

from __future__ import annotations

from collections import deque
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.lake.constant_columns import is_constant
from ons_bigdata.platform.lake.sorting import sort_by_number, sort_rows
from ons_bigdata.platform.lake.tables import LakeTable, bucket_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ons_bigdata.platform.lake.files import Place

BUFFER_BYTES = 64 * 1024 * 1024
"""Rows in memory before they are sorted and written as a run."""

_KEPT_SHARE = 0.25
"""Share of the buffer in which rows of small loads are kept, which need no run."""

_BATCH_ROWS = 8192
"""Rows of a run that are read at a time: a small part of the run, since all runs are read together."""

_PARTITION, _BUCKET = "__partition", "__bucket"

_Constants = dict[str, tuple[object, pl.DataType]]
"""Column -> the value that all its rows have, and its type: it is neither sorted nor spilled."""


class Spill:
    """Rows of loads on their way into one fragment for each partition and bucket, with bounded memory.

    The columns are those of the table without `load_id`, which is added when the rows are merged.
    """

    def __init__(self, folder: Path, table: LakeTable, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._folder = folder
        self._table = table
        self._buffer_bytes = buffer_bytes
        self._load_id = ""
        self._buffer: list[pl.DataFrame] = []
        self._buffered = 0.0
        self._kept = 0.0
        self._runs: list[_Run] = []
        self._written = 0
        self._last_line: int | None = 0

    def add(self, load_id: str, rows: pl.DataFrame, partitions: pl.Series) -> None:
        """Add rows of a load with their partitions, keys or days; those of a load come one after another.

        Raises InputError where the entity of a row is missing.
        """
        if rows.is_empty():
            return
        entity = self._table.entity_column
        if rows[entity].null_count():
            line = rows.filter(pl.col(entity).is_null())["line"][0]
            raise InputError(f"line {line}: {entity} is null; expected an entity")
        if load_id != self._load_id:
            self._end_load()
            self._load_id = load_id
        self._follow_lines(rows["line"])
        rows = rows.with_columns(
            partitions.alias(_PARTITION), bucket_of(pl.col(entity), self._table.buckets).alias(_BUCKET)
        )
        self._buffer.append(rows)
        self._buffered += rows.estimated_size()
        if self._buffered >= self._buffer_bytes:
            self._runs.append(self._write_run(*self._sorted()))

    def remove(self, load_id: str) -> None:
        """Remove the rows of a load."""
        self._end_load()
        self._runs = [run for run in self._runs if run.load_id != load_id]

    def places(self) -> Iterator[tuple[Place, Iterable[pl.DataFrame]]]:
        """Yield each partition and bucket, in order, with its rows: sorted parts that follow one another.

        The parts of a place are taken before the next place.
        """
        self._end_load()
        self._runs.sort(key=lambda run: run.load_id)  # stable: those of a load stay in the order of its lines
        for place in sorted({place for run in self._runs for place, _ in run.places}):
            yield place, self._parts(place)

    def _end_load(self) -> None:
        """Sort the rows of the load in memory; those of small loads stay there."""
        if self._buffer:
            kept = self._kept + self._buffered
            rows, constants = self._sorted()
            if kept <= self._buffer_bytes * _KEPT_SHARE:
                self._kept = kept
                self._runs.append(_Run(self._load_id, rows, iter([rows.drop(_PARTITION, _BUCKET)]), constants))
            else:
                self._runs.append(self._write_run(rows, constants))
        self._last_line = None if self._last_line is None else 0

    @property
    def _is_in_order(self) -> bool:
        """True if rows that agree in all other columns are in the order of the table, as they came."""
        return self._last_line is not None and list(self._table.sort_columns[-2:]) == ["load_id", "line"]

    def _follow_lines(self, lines: pl.Series) -> None:
        if self._last_line is not None:
            is_in_order = lines[0] >= self._last_line and lines.is_sorted()
            self._last_line = lines[-1] if is_in_order else None

    def _parts(self, place: Place) -> Iterator[pl.DataFrame]:
        left = [(run, run.places.popleft()[1]) for run in self._runs if run.places and run.places[0][0] == place]
        ranges = self._table.ranges(place[1], sum(count for _, count in left))
        for _, last in ranges:
            taken: list[tuple[pl.DataFrame, _Constants]] = []
            rest = []
            for run, count in left:
                is_rest = last == ranges[-1][1]
                frames = run.take(count) if is_rest else run.take_up_to(self._table.entity_column, last, count)
                taken += [(frame, run.constants) for frame in frames]
                rest.append((run, count - sum(frame.height for frame in frames)))
            left = rest
            if taken:
                yield self._merged(taken)

    def _merged(self, taken: Sequence[tuple[pl.DataFrame, _Constants]]) -> pl.DataFrame:
        """Rows of several runs in the order and with the columns of the table."""
        sort_columns = self._table.sort_columns
        shared = {
            name: constant
            for name, constant in taken[0][1].items()
            if name not in sort_columns and all(others.get(name) == constant for _, others in taken[1:])
        }
        columns = [column for column in self._table.columns if column not in shared]
        whole = []
        for others, of_load in groupby(taken, key=itemgetter(1)):  # a call for each run costs more than its rows
            literals = _literals({name: others[name] for name in others if name not in shared})
            whole.append(pl.concat([frame for frame, _ in of_load]).with_columns(literals).select(columns))
        rows = sort_rows(pl.concat(whole), sort_columns[:-2] if self._is_in_order else sort_columns)
        return rows.with_columns(_literals(shared)).select(list(self._table.columns))

    def _sorted(self) -> tuple[pl.DataFrame, _Constants]:
        """Rows in memory by partition and order, without the columns that have one value in all of them; and those.

        Where one number holds the order, all are sorted by it; else each partition by itself, which is faster than one
        sort of all by several columns.
        """
        rows = pl.concat(self._buffer)
        self._buffer, self._buffered = [], 0.0
        order = [column for column in self._table.sort_columns if column != "load_id"]
        constants: _Constants = {
            name: (rows[name][0], dtype)
            for name, dtype in self._table.columns.items()
            if name in rows.columns and name not in order and is_constant(rows[name])
        }
        rows = rows.drop(constants)
        constants["load_id"] = (self._load_id, pl.String())
        order = order[:-1] if self._is_in_order else order
        in_order = sort_by_number(rows, [_PARTITION, *order])
        if in_order is not None:
            return in_order, constants
        parts = rows.partition_by(_PARTITION, maintain_order=True, as_dict=True)
        ordered = [sort_rows(parts[key], order) for key in sorted(parts)]
        return pl.concat(ordered, rechunk=True), constants

    def _write_run(self, rows: pl.DataFrame, constants: _Constants) -> _Run:
        path = self._folder / f"{self._written}.run"
        self._written += 1
        table = rows.drop(_PARTITION, _BUCKET).to_arrow(compat_level=pl.CompatLevel.oldest())
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema, options=options) as stream:
                stream.write_table(table, max_chunksize=_BATCH_ROWS)
        except OSError as error:
            raise UnavailableError(f"cannot write {rows.height} rows to {path}: {error}") from error
        return _Run(self._load_id, rows.select(_PARTITION, _BUCKET), _read_run(path), constants)


def _literals(constants: _Constants) -> list[pl.Expr]:
    return [pl.lit(value, dtype).alias(name) for name, (value, dtype) in constants.items()]


class _Run:
    """Sorted rows, taken from the front: the number of rows of each place, and the rows batch by batch."""

    def __init__(
        self, load_id: str, rows: pl.DataFrame, batches: Iterator[pl.DataFrame], constants: _Constants
    ) -> None:
        self.load_id = load_id
        counts = rows.group_by(_PARTITION, _BUCKET, maintain_order=True).len()
        self.places = deque(((str(partition), bucket), count) for partition, bucket, count in counts.iter_rows())
        self.constants = constants
        self._batches = batches
        self._current = pl.DataFrame()

    def take(self, count: int) -> list[pl.DataFrame]:
        """Read the next `count` rows."""
        taken = []
        while count:
            frame = self._front().head(count)
            taken.append(frame)
            count -= frame.height
            self._current = self._current.slice(frame.height)
        return taken

    def take_up_to(self, entity_column: str, last: int, count: int) -> list[pl.DataFrame]:
        """Read the rows of entities up to `last` from the next `count` rows."""
        taken: list[pl.DataFrame] = []
        while count:
            frame = self._front().head(count)
            within = frame.head(int(frame[entity_column].search_sorted(last, side="right")))
            taken.append(within)
            count -= within.height
            self._current = self._current.slice(within.height)
            if within.height < frame.height:
                break
        return taken

    def _front(self) -> pl.DataFrame:
        while self._current.is_empty():
            self._current = next(self._batches)
        return self._current


def _read_run(path: Path) -> Iterator[pl.DataFrame]:
    options = pa.ipc.IpcReadOptions(use_threads=False)  # to share out a batch takes longer than to unpack it
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file, options=options) as stream:
        for batch in stream:
            yield pl.DataFrame(batch)
