"""Landing (raw files, unchanged, named by their hash) and its ledger of files in schema `ops`."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
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
    """Name and version of the reader of a source. A new version reads every file again."""

    source: str
    name: str
    version: str


@dataclass(frozen=True)
class LandedFile:
    """A row of `ops.files`."""

    file_id: str
    source: str
    delivery: str
    name: str
    sha256: str | None
    """None for a file that was refused unread."""
    size_bytes: int | None
    data_origin: DataOrigin | None
    """None for a file that no reader recognises."""
    partitions: tuple[str, ...] | None
    """Partitions that the file touches, sorted; None until it has been read, empty for a refused file."""
    landed_at: datetime
    """Time of arrival (UTC)."""

    def load_id(self, reader: Reader) -> str:
        """Return the id of the load of this file by this reader; it does not depend on the order of arrival."""
        return _short_id(self.file_id, reader.name, reader.version)


def _short_id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def checked_key(key: str, *, what: str) -> str:
    """Return `key` if it is a valid name of a folder or partition. Raises InputError otherwise."""
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
        partitions: Sequence[str] | None,
    ) -> tuple[LandedFile, bool]:
        """Keep a file and enter it into the ledger; return it and whether its bytes are new under its name.

        `content` is None for a file that was refused unread, `data_origin` is None (and `partitions` empty) for a file
        that no reader recognises, and `partitions` is None where they are known only after reading. The same name with
        other bytes supersedes the earlier version, which stays in landing; but a file without bytes or without an
        origin never supersedes a file with both. Bytes that have landed under the name before change nothing, whether
        they are current or superseded, unless they were refused then and are recognised now.
        """
        for partition in partitions or ():
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
            partitions=None if partitions is None else tuple(partitions),
            landed_at=datetime.now(UTC),
        )
        if content is not None:
            _write_durably(self.path(file), content)
        with self.warehouse.transaction(role="ingest") as transaction:
            transaction.lock("landing", source, name)
            is_new = _record(transaction, file)
            (stored,) = _files(transaction.frame(f"{_FILES} where file_id = $1", [file.file_id]))
            return stored, is_new

    def path(self, file: LandedFile) -> Path:
        """Return the path of the bytes of a file."""
        extension = _EXTENSION.search(file.name)
        suffix = f".{extension[1].lower()}" if extension else ""
        return self.folder / file.source / file.delivery / f"{file.sha256}{suffix}"

    def read(self, file: LandedFile) -> bytes:
        """Return the bytes of a landed file. Raises InputError if they are missing, changed or were never read."""
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

    def files(self, source: str | None = None, *, current: bool = False) -> list[LandedFile]:
        """Return the files of the ledger, of all sources or one, superseded ones too unless `current`; by name."""
        conditions = ["source = $1"] * (source is not None) + ["superseded_by is null"] * current
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return _files(self.warehouse.frame(f"{_FILES}{where} order by name", [] if source is None else [source]))

    def partitions(self, source: str) -> list[str]:
        """Return the known partitions of the current files of a source, sorted."""
        frame = self.warehouse.frame(
            "select distinct unnest(partitions) as partition from ops.files"
            " where source = $1 and superseded_by is null order by partition",
            [source],
        )
        return frame["partition"].to_list()

    def waiting_files(self, reader: Reader) -> list[LandedFile]:
        """Return the current files that this reader version has not loaded, by name; refused ones never wait."""
        return _files(
            self.warehouse.frame(
                f"{_FILES} where {WAITING} order by name", [reader.source, reader.name, reader.version]
            )
        )

    def pending_partitions(self, reader: Reader) -> list[str]:
        """Return the known partitions that wait to be rebuilt, sorted.

        They are those of the waiting files, and those with rows of an earlier load of a waiting file or of a
        version that it supersedes.
        """
        frame = self.warehouse.frame(
            f"select partition from ({PENDING_PARTITIONS}) as pending order by partition",  # noqa: S608
            [reader.source, reader.name, reader.version],
        )
        return frame["partition"].to_list()


_FILES = "select file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions, landed_at from ops.files"

WAITING = """
    files.source = $1 and files.superseded_by is null and files.data_origin is not null and not exists (
        select from ops.loads
        where loads.file_id = files.file_id and loads.reader = $2 and loads.reader_version = $3
            and loads.state = 'committed'
    )
"""
"""Condition on `ops.files`: current and not loaded by the reader of ($1 source, $2 name, $3 version)."""

PENDING_PARTITIONS = f"""
    select touched.partition
    from ops.files
    cross join unnest(files.partitions) as touched (partition)
    where {WAITING}
    union
    select written.partition
    from ops.files
    join ops.files as versions on versions.source = files.source and versions.name = files.name
    join ops.loads on loads.file_id = versions.file_id
    join ops.load_partitions as written on written.load_id = loads.load_id
    where {WAITING}
"""  # noqa: S608  (our own condition)
"""Query of `partition`: what waits to be rebuilt, of the reader of ($1 source, $2 name, $3 version)."""


def _files(frame: pl.DataFrame) -> list[LandedFile]:
    rows: list[dict[str, Any]] = frame.to_dicts()
    known = [(row, row["partitions"]) for row in rows]
    return [LandedFile(**{**row, "partitions": None if keys is None else tuple(keys)}) for row, keys in known]


def _record(transaction: Transaction, file: LandedFile) -> bool:
    """Enter a file into the ledger; return whether it is new there."""
    known = transaction.rows("select data_origin is not null from ops.files where file_id = $1", [file.file_id])
    if known and (known[0][0] or file.data_origin is None):
        return False
    if known:  # refused then, recognised now: delete the refusal and accept the file
        transaction.execute("delete from ops.loads where file_id = $1", [file.file_id])
        transaction.execute("delete from ops.files where file_id = $1", [file.file_id])
    current = transaction.rows(
        "select file_id, coalesce(size_bytes, 0) > 0 and data_origin is not null from ops.files"
        " where source = $1 and name = $2 and superseded_by is null",
        [file.source, file.name],
    )
    superseded_by = None
    if current:
        (current_id, current_counts), counts = current[0], bool(file.size_bytes and file.data_origin is not None)
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
            None if file.partitions is None else list(file.partitions) or "{}",
            superseded_by,
        ],
    )
    return True


def _write_durably(path: Path, content: bytes) -> None:
    """Write through a temporary file, fsync and rename: a file with its final name is complete."""
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
