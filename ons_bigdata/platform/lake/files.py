"""Files of the lake: Parquet, written whole or not at all, named by the hash of their bytes."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl
import pyarrow.parquet as pq

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.platform.lake.tables import LakeTable

TEMPORARY_SUFFIX = ".tmp"
_CHUNK_BYTES = 1024 * 1024
_ROW_GROUP_ROWS = 1_000_000


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
    def name(self) -> str:
        """Path below the folder of the lake."""
        return f"{self.table}/{self.partition}/{self.bucket}/{self.sha256}.parquet"


def write_file(folder: Path, table: LakeTable, partition: str, bucket: int, rows: pl.DataFrame) -> LakeFile:
    """Write rows of one partition and bucket as a file below `folder`, durably, and return it.

    The rows are sorted first, so that equal rows make equal bytes and the same name. The file is not live yet: that
    is the ledger's to say. Raises ValueError where the columns or types are not those of the table, InputError where
    the disk refuses.
    """
    expected = dict(table.columns)
    if dict(rows.schema) != expected:
        raise ValueError(f"lake table {table.name}: rows have {dict(rows.schema)}; expected {expected}")
    target = folder / table.name / partition / str(bucket)
    temporary = target / f".{uuid4().hex}{TEMPORARY_SUFFIX}"
    try:
        target.mkdir(parents=True, exist_ok=True)
        rows.sort(table.sort_columns).rechunk().write_parquet(
            temporary, compression="zstd", statistics=True, row_group_size=_ROW_GROUP_ROWS
        )
        sha256 = _sha256(temporary)
        size_bytes = temporary.stat().st_size
        _sync(temporary)
        temporary.rename(target / f"{sha256}.parquet")
        _sync(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {rows.height} rows to {target}: {error.strerror}") from error
    load_ids = tuple(sorted(rows["load_id"].unique().to_list()))
    return LakeFile(table.name, partition, bucket, sha256, rows.height, size_bytes, load_ids)


def footer_rows(path: Path) -> int:
    """Read the number of rows in the footer of a Parquet file. Raises InputError where it is no such file."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, ValueError) as error:
        raise InputError(f"lake file {path} cannot be read: {error}") from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
