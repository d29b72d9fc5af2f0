"""Files of the lake: Parquet, written whole or not at all, named by the hash of their bytes."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.background import read_ahead
from ons_bigdata.platform.lake.constant_columns import is_constant
from ons_bigdata.platform.state_folder import make_private_folder, open_private

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from ons_bigdata.platform.lake.tables import LakeTable

Place = tuple[str, int]
"""Partition and bucket."""

WRITING = ".writing"
"""Folder below that of the lake with a folder for each process that writes."""

SMALL_ROWS = 1_000
"""Rows of a file up to which it is packed with LZ4: zstd packs a tenth better and takes longer than all other work."""

_LOCK = "lock"
SYNCED_BYTES = 512 * 1024
"""Bytes of a file from which it begins to be written to the disk at once; smaller ones are together, at the end."""

_SYNC_THREADS = 8
"""Files that are written to the disk at a time: the disk joins them."""


@dataclass(frozen=True)
class LakeFile:
    """One Parquet file of a table: the rows of a partition and bucket from one or several loads."""

    table: str
    partition: str
    bucket: int
    sha256: str
    rows: int
    size_bytes: int
    load_ids: tuple[str, ...]
    """Loads whose rows it holds, sorted."""

    @property
    def folder(self) -> str:
        """Folder of the file below that of the lake."""
        return f"{self.table}/{self.partition}/{self.bucket}"

    @property
    def name(self) -> str:
        """Path below the folder of the lake."""
        return f"{self.folder}/{self.sha256}.parquet"


@dataclass(frozen=True)
class Writing:
    """A private folder in which files are written; `publish` moves them to their places."""

    lake: Path
    folder: Path
    _pending: list[tuple[Path, LakeFile]] = field(default_factory=list)
    _syncs: list[Future[None]] = field(default_factory=list)
    """Large files on their way to the disk, while others are written."""
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_SYNC_THREADS, "sync"))
    _formats: dict[str, _Format] = field(default_factory=dict)
    """By table: a day has many small files, and to make the format takes as long as to write one."""

    def write(
        self,
        table: LakeTable,
        partition: str,
        bucket: int,
        parts: Iterable[pl.DataFrame],
        *,
        load_ids: Collection[str] = (),
    ) -> LakeFile:
        """Write the rows of one partition and bucket as a file, a row group for each part, and return it.

        The parts follow one another in the order of the table and are those of `LakeTable.ranges`, so that equal rows
        make equal bytes and the same name. The file is at its place after `publish` and live once the ledger has it.
        `load_ids` are the loads behind the rows of a derived table, which do not say so themselves.
        Raises ValueError where the columns or types are not those of the table, InputError where the disk refuses.
        """
        path = self.folder / f"{len(self._pending)}.parquet"
        if table.name not in self._formats:
            self._formats[table.name] = _format_of(table)
        file_format = self._formats[table.name]
        rows, loads = 0, set(load_ids)
        filled = (part for part in parts if not part.is_empty())
        first = list(islice(filled, 1))
        first_rows = sum(part.height for part in first)
        try:
            with open(path, "wb", opener=open_private) as file, _ParquetWriter(file, file_format, first_rows) as writer:
                for part in chain(first, filled):
                    writer.write(part)
                    rows += part.height
                    if not table.is_derived:
                        loads.update(part["load_id"].unique())
            with path.open("rb") as written:
                sha256 = file_digest(written, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"cannot write {rows} rows to {path}: {error.strerror}") from error
        file_of = LakeFile(table.name, partition, bucket, sha256, rows, path.stat().st_size, tuple(sorted(loads)))
        self._pending.append((path, file_of))
        if file_of.size_bytes >= SYNCED_BYTES:
            self._syncs.append(self._pool.submit(_sync, path))
        return file_of

    def finish(self) -> list[tuple[Path, LakeFile]]:
        """Wait until large files are on the disk; return the files that were written. Raises OSError."""
        for sync in self._syncs:
            sync.result()
        return list(self._pending)

    def adopt(self, path: Path, file: LakeFile) -> LakeFile:
        """Move a file that another process has written in the same lake to this folder, as if it were written here."""
        own = self.folder / f"{len(self._pending)}.parquet"
        path.rename(own)
        self._pending.append((own, file))
        if file.size_bytes >= SYNCED_BYTES:
            self._syncs.append(self._pool.submit(_sync, own))
        return file

    def write_places(self, table: LakeTable, places: Iterable[tuple[Place, Iterable[pl.DataFrame]]]) -> list[LakeFile]:
        """Write the parts of each place (partition and bucket) as a file, as `write` does; return the files.

        A thread makes the next part while one is written.
        """
        parts = ((place, part) for place, of_place in places for part in of_place)
        with closing(read_ahead(parts)) as ahead:
            return [
                self.write(table, partition, bucket, (part for _, part in of_place))
                for (partition, bucket), of_place in groupby(ahead, key=itemgetter(0))
            ]

    def publish(self) -> None:
        """Move the files that were written to their places, durably."""
        folders = {self.lake / file.folder for _, file in self._pending}
        try:
            for sync in self._syncs:
                sync.result()
            list(self._pool.map(_sync, [path for path, file in self._pending if file.size_bytes < SYNCED_BYTES]))
            for folder in sorted(folders):
                make_private_folder(folder)
            for path, file in self._pending:
                path.rename(self.lake / file.name)
            list(self._pool.map(_sync, folders | {folder.parent for folder in folders}))
        except OSError as error:
            raise InputError(f"cannot write {len(self._pending)} files to {self.lake}: {error.strerror}") from error
        self._pending.clear()
        self._syncs.clear()

    def close(self) -> None:
        """End the threads that write to the disk."""
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def writing(lake: Path) -> Iterator[Writing]:
    """Open a folder for files that are written; it is removed at the end, and by `remove_abandoned` after a kill."""
    name = uuid4().hex
    for parent in (lake, lake / WRITING):
        make_private_folder(parent)
    new, folder = lake / WRITING / f"new-{name}", lake / WRITING / name
    new.mkdir(mode=0o700)
    with open(new / _LOCK, "w", opener=open_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        new.rename(folder)  # under this name it is locked or abandoned
        opened = Writing(lake, folder)
        try:
            yield opened
        finally:
            opened.close()
            shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned(lake: Path) -> list[Path]:
    """Remove the folders of writers that were killed; return their paths. Those of running writers are locked."""
    abandoned = []
    for folder in sorted((lake / WRITING).glob("[0-9a-f]*")):
        if not _is_locked(folder / _LOCK):
            shutil.rmtree(folder, ignore_errors=True)
            abandoned.append(folder)
    return abandoned


def _is_locked(path: Path) -> bool:
    """True if another writer holds the lock of a folder, in this process or another one."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:  # its writer has just removed it, or was killed while it did
        return False
    return False


def footer_rows(path: Path) -> int:
    """Read the number of rows in the footer of a Parquet file. Raises InputError where it is no such file."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, ValueError) as error:
        raise InputError(f"lake file {path} cannot be read: {error}") from error


@dataclass(frozen=True)
class _Format:
    """Columns of the files of a table and how they are written."""

    table: str
    columns: dict[str, pl.DataType]
    schema: pa.Schema
    options: dict[str, Any]


def _format_of(table: LakeTable) -> _Format:
    columns = dict(table.columns)
    arrow = pl.DataFrame(schema=columns).to_arrow(compat_level=pl.CompatLevel.oldest())
    times = [name for name, dtype in columns.items() if isinstance(dtype, pl.Datetime)]
    options: dict[str, Any] = {"use_dictionary": [name for name, dtype in columns.items() if dtype == pl.String]}
    if table.is_derived:  # columns of few values and even steps: a sixth of the bytes in the same time
        options["use_dictionary"] = [name for name in columns if name not in times]
        options["column_encoding"] = dict.fromkeys(times, "DELTA_BINARY_PACKED")
    return _Format(table.name, columns, arrow.schema, options)


class _ParquetWriter:
    """Writer of frames with the columns of a table, each as one row group; `rows` are those of the first."""

    def __init__(self, file: object, file_format: _Format, rows: int) -> None:
        self._format = file_format
        codec = "lz4" if rows <= SMALL_ROWS else "zstd"
        self._writer = pq.ParquetWriter(file, file_format.schema, compression=codec, **file_format.options)

    def __enter__(self) -> _ParquetWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, part: pl.DataFrame) -> None:
        found, expected = dict(part.schema), self._format.columns
        if found != expected:
            raise ValueError(f"lake table {self._format.table}: rows have {found}; expected {expected}")
        self._writer.write_table(_arrow(part, self._format.schema), row_group_size=part.height)


def _arrow(part: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """Return rows as Arrow. Texts that are all the same are repeated, a fraction of the time of converting each."""
    same = [column.name for column in part if column.dtype == pl.String and is_constant(column)]
    rows: pa.Table = part.drop(same).rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    columns = {
        **{name: rows.column(name) for name in rows.column_names},
        **{name: pa.repeat(pa.scalar(part[name][0], schema.field(name).type), part.height) for name in same},
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
