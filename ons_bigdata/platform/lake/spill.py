"""External sort of the rows of a load by partition and entity: sorted runs on disk, merged place by place."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.lake.tables import LakeTable, bucket_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

BUFFER_BYTES = 64 * 1024 * 1024
"""Rows in memory before they are sorted and written as a run."""

_BATCH_ROWS = 8192
"""Rows of a run that are read at a time: a small part of the run, since all runs are read together."""

_PARTITION, _BUCKET = "__partition", "__bucket"

Place = tuple[str, int]
"""Partition and bucket."""


class Spill:
    """Rows of a load on their way into one fragment for each partition and bucket, with bounded memory.

    The columns are those of the table; `load_id` is added when the rows are merged.
    """

    def __init__(self, folder: Path, table: LakeTable, load_id: str, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._folder = folder
        self._table = table
        self._load_id = load_id
        self._buffer_bytes = buffer_bytes
        self._buffer: list[pl.DataFrame] = []
        self._buffered = 0.0
        self._runs: list[_Run] = []
        self._order = [column for column in table.sort_columns if column != "load_id"]

    def add(self, rows: pl.DataFrame, partitions: pl.Series) -> None:
        """Add rows with their partitions. Raises InputError where the entity of a row is missing."""
        if rows.is_empty():
            return
        entity = self._table.entity_column
        if rows[entity].null_count():
            line = rows.filter(pl.col(entity).is_null())["line"][0]
            raise InputError(f"line {line}: {entity} is null; expected an entity")
        rows = rows.with_columns(
            partitions.alias(_PARTITION), bucket_of(pl.col(entity), self._table.buckets).alias(_BUCKET)
        )
        self._buffer.append(rows)
        self._buffered += rows.estimated_size()
        if self._buffered >= self._buffer_bytes:
            self._runs.append(self._write_run(self._sorted()))

    def places(self) -> Iterator[tuple[Place, Iterable[pl.DataFrame]]]:
        """Yield each partition and bucket, in order, with its rows: sorted parts that follow one another.

        The parts of a place are taken before the next place.
        """
        if self._buffer:
            rows = self._sorted()
            self._runs.append(_Run(rows, iter([rows.drop(_PARTITION, _BUCKET)])))
        for place in sorted({place for run in self._runs for place, _ in run.places}):
            yield place, self._parts(place)

    def _parts(self, place: Place) -> Iterator[pl.DataFrame]:
        left = [(run, run.places.popleft()[1]) for run in self._runs if run.places and run.places[0][0] == place]
        ranges = self._table.ranges(place[1], sum(count for _, count in left))
        for _, last in ranges:
            taken, rest = [], []
            for run, count in left:
                is_rest = last == ranges[-1][1]
                frames = run.take(count) if is_rest else run.take_up_to(self._table.entity_column, last, count)
                taken += frames
                rest.append((run, count - sum(frame.height for frame in frames)))
            left = rest
            if taken:
                rows = pl.concat(taken).sort(self._order).with_columns(pl.lit(self._load_id).alias("load_id"))
                yield rows.select(list(self._table.columns))

    def _sorted(self) -> pl.DataFrame:
        """Rows in memory by partition and order; each partition by itself, which is faster than by one sort of all."""
        parts = pl.concat(self._buffer).partition_by(_PARTITION, maintain_order=False, as_dict=True)
        self._buffer, self._buffered = [], 0.0
        return pl.concat([parts[key].sort(self._order) for key in sorted(parts)], rechunk=True)

    def _write_run(self, rows: pl.DataFrame) -> _Run:
        path = self._folder / f"{len(self._runs)}.run"
        table = rows.drop(_PARTITION, _BUCKET).to_arrow(compat_level=pl.CompatLevel.oldest())
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        try:
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema, options=options) as stream:
                stream.write_table(table, max_chunksize=_BATCH_ROWS)
        except OSError as error:
            raise UnavailableError(f"cannot write {rows.height} rows to {path}: {error}") from error
        return _Run(rows.select(_PARTITION, _BUCKET), _read_run(path))


class _Run:
    """Sorted rows, taken from the front: the number of rows of each place, and the rows batch by batch."""

    def __init__(self, rows: pl.DataFrame, batches: Iterator[pl.DataFrame]) -> None:
        counts = rows.group_by(_PARTITION, _BUCKET, maintain_order=True).len()
        self.places = deque(((partition, bucket), count) for partition, bucket, count in counts.iter_rows())
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
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            yield pl.DataFrame(batch)
