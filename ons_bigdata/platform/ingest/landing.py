"""Raw files as they came, and the ledger of files and loads.

Landing keeps bytes, unchanged, by their hash. The ledger (schema `ops`) says which files there are,
which supersede which, and which partitions wait to be built. What is in a file is its reader's to say.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import polars as pl

    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

DataOrigin = Literal["real", "simulated"]

_KEY = re.compile(r"[a-z0-9_-]{1,64}")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,8})\Z")


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file. A new version reads every file again."""

    source: str
    name: str
    version: str


@dataclass(frozen=True)
class LandedFile:
    """One row of `ops.files`."""

    file_id: str
    source: str
    delivery: str
    name: str
    sha256: str | None
    """Null for a file that was refused unread."""
    size_bytes: int | None
    data_origin: DataOrigin | None
    partitions: tuple[str, ...]

    def load_id(self, reader: Reader) -> str:
        """Identify the load of this file by this reader: the same in whatever order files arrive."""
        return _short_id(self.file_id, reader.name, reader.version)


def _short_id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def checked_key(key: str, *, what: str) -> str:
    """Return `key` if it may name a folder or a partition. Raises InputError otherwise."""
    if not _KEY.fullmatch(key):
        raise InputError(f"{what} {key!r} is not a key; expected 1 to 64 of a-z, 0-9, '_' and '-'")
    return key


class Landing:
    """The folder of raw files, `landing/<source>/<delivery>/<sha256>.<ext>`, and its ledger."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse

    def land(
        self,
        content: bytes | None,
        *,
        source: str,
        delivery: str,
        name: str,
        data_origin: DataOrigin | None,
        partitions: Sequence[str],
    ) -> tuple[LandedFile, bool]:
        """Keep a file and write it into the ledger; return it and whether its bytes are new under its name.

        `content` is None for a file that was refused unread; `partitions` are empty for one that no reader knows. The
        same name with other bytes supersedes the earlier version, which stays; but a file without bytes or without
        partitions never supersedes one with both. Bytes that are known under the name change nothing, be they
        current or superseded, unless nobody knew the file then and somebody does now.
        """
        for partition in partitions:
            checked_key(partition, what="partition")
        sha256 = None if content is None else hashlib.sha256(content).hexdigest()
        file = LandedFile(
            file_id=_short_id(source, name, sha256 or "unread"),
            source=checked_key(source, what="source"),
            delivery=checked_key(delivery, what="delivery"),
            name=name,
            sha256=sha256,
            size_bytes=None if content is None else len(content),
            data_origin=data_origin,
            partitions=tuple(partitions),
        )
        if content is not None:
            _write_durably(self.path(file), content)
        with self.warehouse.transaction(role="ingest") as transaction:
            transaction.lock("landing", source, name)
            return file, _record(transaction, file)

    def path(self, file: LandedFile) -> Path:
        """Return where the bytes of a file lie."""
        extension = _EXTENSION.search(file.name)
        suffix = f".{extension[1].lower()}" if extension else ""
        return self.folder / file.source / file.delivery / f"{file.sha256}{suffix}"

    def read(self, file: LandedFile) -> bytes:
        """Return the bytes of a landed file. Raises InputError if they are gone, not what landed, or never came."""
        if file.sha256 is None:
            raise InputError(f"{file.name} was refused unread: there are no bytes")
        path = self.path(file)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(f"landed file {file.name} is missing: expected at {path}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            raise InputError(
                f"landed file {file.name} at {path} was changed: expected sha256 {file.sha256}, found {found}"
            )
        return content

    def current_files(self, source: str, partition: str) -> list[LandedFile]:
        """Return the current files that touch a partition, by name."""
        return _files(
            self.warehouse.frame(
                f"{_FILES} where source = $1 and superseded_by is null and $2 = any (partitions) order by name",
                [source, partition],
            )
        )

    def files(self) -> list[LandedFile]:
        """Return every file of the ledger, superseded ones too."""
        return _files(self.warehouse.frame(_FILES))

    def partitions(self, source: str) -> list[str]:
        """Return the partitions that any current file touches, sorted."""
        frame = self.warehouse.frame(
            "select distinct unnest(partitions) as partition from ops.files"
            " where source = $1 and superseded_by is null order by partition",
            [source],
        )
        return frame["partition"].to_list()

    def pending_partitions(self, reader: Reader) -> list[str]:
        """Return the partitions of current files that this reader version has not loaded, sorted."""
        frame = self.warehouse.frame(
            """
            select distinct unnest(files.partitions) as partition
            from ops.files
            left join ops.loads
                on loads.file_id = files.file_id and loads.reader = $2 and loads.reader_version = $3
                and loads.state = 'committed'
            where files.source = $1 and files.superseded_by is null and loads.load_id is null
            order by partition
            """,
            [reader.source, reader.name, reader.version],
        )
        return frame["partition"].to_list()


_FILES = "select file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions from ops.files"


def _files(frame: pl.DataFrame) -> list[LandedFile]:
    rows: list[dict[str, Any]] = frame.to_dicts()
    return [LandedFile(**{**row, "partitions": tuple(row["partitions"])}) for row in rows]


def _record(transaction: Transaction, file: LandedFile) -> bool:
    """Write a file into the ledger; return whether it is new there."""
    known = transaction.rows("select cardinality(partitions) > 0 from ops.files where file_id = $1", [file.file_id])
    if known and (known[0][0] or not file.partitions):
        return False
    if known:  # refused then, known now: forget the refusal and take the file in
        transaction.execute("delete from ops.loads where file_id = $1", [file.file_id])
        transaction.execute("delete from ops.files where file_id = $1", [file.file_id])
    current = transaction.rows(
        "select file_id, coalesce(size_bytes, 0) > 0 and cardinality(partitions) > 0 from ops.files"
        " where source = $1 and name = $2 and superseded_by is null",
        [file.source, file.name],
    )
    superseded_by = None
    if current:
        (current_id, current_counts), counts = current[0], bool(file.size_bytes and file.partitions)
        if current_counts and not counts:
            superseded_by = current_id
        else:
            transaction.execute(
                "update ops.files set superseded_by = $1 where file_id = $2", [file.file_id, current_id]
            )
    transaction.execute(
        "insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions,"
        " superseded_by) values ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9)",
        [
            file.file_id,
            file.source,
            file.delivery,
            file.name,
            file.sha256,
            file.size_bytes,
            file.data_origin,
            list(file.partitions) or "{}",
            superseded_by,
        ],
    )
    return True


def _write_durably(path: Path, content: bytes) -> None:
    """Write through a temporary file, fsync and rename: under its name a file is whole or not there."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(f"cannot write {len(content)} bytes to {path}: {error.strerror}") from error
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
