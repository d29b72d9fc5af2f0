"""Landing (raw files, unchanged, named by their hash) and its ledger of files in schema `ops`."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Literal
from uuid import uuid4

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.background import BackgroundHash, EarlySync
from ons_bigdata.platform.ingest.landed_bytes import (
    LandedFileError,
    has_content,
    has_stamp,
    naming_unwritable,
    open_verified,
    stamp_of,
    sync,
    write_all,
)
from ons_bigdata.platform.ingest.unpacking import CHUNK_BYTES
from ons_bigdata.platform.state_folder import make_private_folder, open_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import polars as pl

    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

DataOrigin = Literal["real", "simulated"]

STAGED_BYTES = 1024 * 1024
"""Bytes that are hashed by one thread and written by another at a time; fewer cost a tenth more."""

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
    expired_at: datetime | None = None
    """Time when the landed bytes were deleted (UTC); None while they are kept."""
    stamp: str | None = None
    """State of the landed file when its bytes were hashed (`landed_bytes.stamp_of`); None where it is unknown."""

    @property
    def is_redacted(self) -> bool:
        """True if lines were taken out of the landed bytes: they are no longer those that were delivered."""
        return self.file_id != _file_id(self.source, self.name, self.sha256)

    def load_id(self, reader: Reader) -> str:
        """Return the id of the load of this file by this reader; it does not depend on the order of arrival."""
        return _short_id(self.file_id, reader.name, reader.version)


def _file_id(source: str, name: str, sha256: str | None) -> str:
    return _short_id(source, name, sha256 or "unread")


def _short_id(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def new_file(
    *,
    source: str,
    delivery: str,
    name: str,
    sha256: str | None,
    size_bytes: int | None,
    data_origin: DataOrigin | None,
    partitions: Sequence[str] | None,
) -> LandedFile:
    """Return a file that arrives now. Raises InputError for a source or delivery that is no key."""
    return LandedFile(
        file_id=_file_id(source, name, sha256),
        source=checked_key(source, what="source"),
        delivery=checked_key(delivery, what="delivery"),
        name=name,
        sha256=sha256,
        size_bytes=size_bytes,
        data_origin=data_origin,
        partitions=None if partitions is None else tuple(partitions),
        landed_at=datetime.now(UTC),
    )


def checked_key(key: str, *, what: str) -> str:
    """Return `key` if it is a valid name of a folder or partition. Raises InputError otherwise."""
    if not _KEY.fullmatch(key):
        raise InputError(f"{what} {key!r} is not a key; expected 1 to 64 of a-z, 0-9, '_' and '-'")
    return key


@dataclass(frozen=True)
class StagedFile:
    """Bytes that were written to a temporary file of the landing folder and are not in the ledger."""

    path: Path
    sha256: str
    size_bytes: int
    lock: IO[bytes]
    """The file, open and locked as long as it is needed: without a lock it is left of a process that was killed."""

    def open(self) -> IO[bytes]:
        """Open the bytes for reading."""
        return self.path.open("rb")

    def discard(self) -> None:
        """Delete the bytes, unless they were kept."""
        self.path.unlink(missing_ok=True)
        self.lock.close()


class Landing:
    """The folder of raw files, `landing/<source>/<delivery>/<sha256>.<ext>`, and its ledger.

    Folders and files are readable by their owner only.
    """

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse
        self._is_tidy = False

    def stage(self, stream: IO[bytes], *, task: str | None = None, size_bytes: int | None = None) -> StagedFile:
        """Write a stream to a temporary file, chunk by chunk, and compute its hash.

        Progress is reported as `task` in megabytes where it is given. Temporary files of processes that were killed are
        deleted first. Raises what the stream raises, and InputError where the file cannot be written; the temporary
        file is then deleted.
        """
        folder = self.folder / _INCOMING
        temporary = folder / f".{uuid4().hex}.{os.getpid()}.tmp"
        digest, size = BackgroundHash(), 0
        file: IO[bytes] | None = None
        try:
            with naming_unwritable(folder):
                make_private_folder(folder)
                if not self._is_tidy:
                    _remove_abandoned(folder.glob(_TEMPORARY))
                    self._is_tidy = True
                file = _open_locked(temporary)
            with closing(digest), closing(EarlySync(file.fileno())) as sync_early:
                while chunk := stream.read(STAGED_BYTES):
                    digest.update(chunk)
                    with naming_unwritable(temporary):
                        write_all(file, chunk)
                        sync_early.wrote(len(chunk))
                    size += len(chunk)
                    if task is not None:
                        progress.report_bytes(task, size, size_bytes)
                with naming_unwritable(temporary):
                    sync_early.finish()
        except BaseException:
            temporary.unlink(missing_ok=True)
            if file is not None:
                file.close()
            raise
        return StagedFile(temporary, digest.hexdigest(), size, file)

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
        """Keep the bytes of a file (None: refused unread) as `land_staged` does."""
        staged = None if content is None else self.stage(io.BytesIO(content))
        return self.land_staged(
            staged, source=source, delivery=delivery, name=name, data_origin=data_origin, partitions=partitions
        )

    def land_staged(
        self,
        staged: StagedFile | None,
        *,
        source: str,
        delivery: str,
        name: str,
        data_origin: DataOrigin | None,
        partitions: Sequence[str] | None,
    ) -> tuple[LandedFile, bool]:
        """Keep a file and enter it into the ledger; return it and whether its bytes are new under its name.

        `staged` is None for a file that was refused unread, `data_origin` is None (and `partitions` empty) for a file
        that no reader recognises, and `partitions` is None where they are known only after reading. The same name with
        other bytes supersedes the earlier version, which stays in landing; but a file without bytes or without an
        origin never supersedes a file with both. Bytes that have landed under the name before change nothing, whether
        they are current or superseded, unless they were refused then and are recognised now. Bytes of which lines were
        redacted are not kept again, unless the redacted ones have expired.
        """
        try:
            for partition in partitions or ():
                checked_key(partition, what="partition")
            file = new_file(
                source=source,
                delivery=delivery,
                name=name,
                sha256=None if staged is None else staged.sha256,
                size_bytes=None if staged is None else staged.size_bytes,
                data_origin=data_origin,
                partitions=partitions,
            )
            if staged is not None:
                known = self._redacted(file)
                if known is not None and known.expired_at is None:
                    return known, False
                file = replace(file, stamp=self.keep(staged, file))
        finally:
            if staged is not None:
                staged.discard()
        with self.warehouse.transaction(role="ingest") as transaction:
            transaction.lock("landing", source, name)
            is_new = _record(transaction, file)
            (stored,) = _files(transaction.frame(f"{_FILES} where file_id = $1", [file.file_id]))
            return stored, is_new

    def _redacted(self, file: LandedFile) -> LandedFile | None:
        """Return the redacted file of which these are the bytes, as delivered or as they are now."""
        known = _files(
            self.warehouse.frame(
                f"{_FILES} where source = $1 and name = $2 and (file_id = $3 or sha256 = $4) order by landed_at",
                [file.source, file.name, file.file_id, file.sha256],
            )
        )
        return next((one for one in known if one.is_redacted), None)

    def keep(self, staged: StagedFile, file: LandedFile) -> str | None:
        """Move staged bytes to their place, durably, unless the same bytes are there; return the file's stamp."""
        path = self.path(file)
        with naming_unwritable(path):
            if path.exists():
                stamp = stamp_of(path)  # before its bytes are compared: a later change is one
                if has_content(path, sha256=staged.sha256, size_bytes=staged.size_bytes):
                    return stamp
            for folder in (path.parent.parent, path.parent):
                make_private_folder(folder)
            sync(staged.path)
            staged.path.rename(path)
            sync(path.parent)
            return stamp_of(path)

    def path(self, file: LandedFile) -> Path:
        """Return the path of the bytes of a file."""
        extension = _EXTENSION.search(file.name)
        suffix = f".{extension[1].lower()}" if extension else ""
        return self.folder / file.source / file.delivery / f"{file.sha256}{suffix}"

    def open(self, file: LandedFile) -> IO[bytes]:
        """Open the bytes of a landed file: those that landed, which is verified at the end of the stream.

        Their hash is compared unless the file has the stamp with which it was hashed. Raises InputError if they are
        missing or were never read, and at the end of the stream if they were changed. A consumer that needs no more of
        the stream reads on to its end.
        """
        if file.sha256 is None:
            raise LandedFileError(f"{file.name} was refused unread: there are no bytes")
        if file.expired_at is not None:
            raise LandedFileError(
                f"the bytes of {file.name} expired on {file.expired_at:%Y-%m-%d} and were deleted: "
                "its rows stay as they were read; deliver the file again to read it anew"
            )
        return open_verified(self.path(file), file.name, sha256=file.sha256, stamp=file.stamp)

    def is_stamped(self, file: LandedFile) -> bool:
        """True if the bytes of a file are there with the stamp with which they were hashed."""
        return file.sha256 is not None and file.expired_at is None and has_stamp(self.path(file), file.stamp)

    def read(self, file: LandedFile) -> bytes:
        """Return the bytes of a landed file. Raises InputError if they are missing, changed or were never read."""
        with self.open(file) as stream:
            return b"".join(iter(lambda: stream.read(CHUNK_BYTES), b""))

    def record_without_bytes(self, transaction: Transaction, file: LandedFile) -> bool:
        """Enter a file whose bytes are not kept into the ledger; return whether it is new there."""
        transaction.lock("landing", file.source, file.name)
        if transaction.rows("select from ops.files where file_id = $1", [file.file_id]):
            return False
        _record(transaction, file)
        transaction.execute("update ops.files set expired_at = now() where file_id = $1", [file.file_id])
        return True

    def remove_abandoned(self) -> list[Path]:
        """Remove the temporary files of processes that were killed; return their paths."""
        return _remove_abandoned(self.folder.rglob(_TEMPORARY))

    def expire(self, reader: Reader, *, before: datetime) -> list[LandedFile]:
        """Delete the bytes of files that landed before a time and wait for no load; return the files.

        Bytes that a later file shares, under another name, stay until it is due, too. The bytes go before the ledger
        has it: after a kill between the two, the next call records them.
        """
        due = _files(
            self.warehouse.frame(
                f"""
                {_FILES} where source = $1 and sha256 is not null and expired_at is null and landed_at < $4::timestamptz
                    and not ({WAITING})
                    and not exists (
                        select from ops.files as sharing
                        where sharing.source = files.source and sharing.delivery = files.delivery
                            and sharing.sha256 = files.sha256 and sharing.expired_at is null
                            and (sharing.landed_at >= $4::timestamptz or not exists (
                                select from ops.loads
                                where loads.file_id = sharing.file_id and loads.state = 'committed'
                            ))
                    )
                order by name
                """,  # noqa: S608  (our own condition)
                [reader.source, reader.name, reader.version, before.isoformat()],
            )
        )
        for file in due:
            self.path(file).unlink(missing_ok=True)
        with self.warehouse.transaction(role="ingest") as transaction:
            transaction.execute(
                "update ops.files set expired_at = now() where file_id = any ($1::text[])",
                [[file.file_id for file in due] or "{}"],
            )
        return due

    def expired_unread(self, reader: Reader) -> list[LandedFile]:
        """Current files that expired before this version of the reader read them, by name: their rows stay."""
        return _files(
            self.warehouse.frame(
                f"{_FILES} where {WAITING.replace('expired_at is null', 'expired_at is not null')} order by name",
                [reader.source, reader.name, reader.version],
            )
        )

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


_FILES = """
select file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions, landed_at, expired_at, stamp
from ops.files
"""

WAITING = """
    files.source = $1 and files.superseded_by is null and files.data_origin is not null and files.expired_at is null
    and not exists (
        select from ops.loads
        where loads.file_id = files.file_id and loads.reader = $2 and loads.reader_version = $3
            and loads.state = 'committed'
    )
"""
"""Condition on `ops.files`: current, not expired and not loaded by the reader of ($1 source, $2 name, $3 version)."""

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
    transaction.execute(  # its bytes are there again, as they were delivered, verified
        "update ops.files set expired_at = null, stamp = $2,"
        " redacted_to = case when expired_at is null then redacted_to end,"
        " sha256 = case when expired_at is null then sha256 else $3 end,"
        " size_bytes = case when expired_at is null then size_bytes else $4 end"
        " where file_id = $1 and (expired_at is not null or stamp is distinct from $2)",
        [file.file_id, file.stamp, file.sha256, file.size_bytes],
    )
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
        " superseded_by, stamp) values ($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10)",
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
            file.stamp,
        ],
    )
    return True


_INCOMING = ".incoming"
"""Folder of temporary files below that of the landing."""
_TEMPORARY = ".*.tmp"


def _open_locked(path: Path) -> IO[bytes]:
    """Create a temporary file and lock it until it is closed."""
    while True:
        file = open(path, "wb", buffering=0, opener=open_private)  # noqa: SIM115  (a path has no opener)
        fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():
            return file
        file.close()  # another process deleted it between creation and lock


def _remove_abandoned(paths: Iterable[Path]) -> list[Path]:
    """Delete the temporary files that no process holds, those of killed ones; return them."""
    removed = []
    for path in paths:
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except (BlockingIOError, FileNotFoundError):
            continue  # in use, or another process was quicker
        removed.append(path)
    return removed
