"""Redaction of landed files: lines that have to go are replaced by a marker; the ledger keeps both hashes.

Lines keep their numbers, so that the rows of the other lines stay as they were read. Wherever a process is killed, the
file is redacted whole or not at all, and `finish_redactions` deletes the earlier bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Protocol, cast

import numpy as np
import polars as pl
from backports import zstd

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import LandedFileError
from ons_bigdata.platform.ingest.unpacking import CHUNK_BYTES, CountedStream, open_unpacked, unpacked_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing, StagedFile
    from ons_bigdata.platform.postgres.warehouse import Transaction
    from ons_bigdata.platform.pseudonyms import PseudonymKey

REDACTED = "deleted by compliance"
"""Reason of the quarantine of redacted lines, and of rows that were taken out of the lake."""

_LINE_END = 10


@dataclass(frozen=True)
class FoundLines:
    """Lines of a part of a file that have to go, by their numbers from 1 on, ascending."""

    lines: NDArray[np.int64]
    without_key: NDArray[np.int64]
    """Those among them whose rows in the lake are known by their line alone, not by the keys of a row."""


class Rules(Protocol):
    """Rules by which lines have to go, as they were at a time."""

    @property
    def version(self) -> int:
        """Number that grows with each rule; 0 where there is none."""

    def find(self, stream: IO[bytes], name: str) -> Iterator[FoundLines]:
        """Lines of an unpacked file that have to go, part by part; lines that are redacted already are left out."""

    def marker(self, name: str, head: bytes) -> bytes:
        """Line that takes the place of a redacted one, without its end, in the format of a file with this beginning.

        The file is still recognised if its first line is the marker, and the reader quarantines it as `REDACTED`.
        """


ReadRules = Callable[["Landing", "PseudonymKey | None"], Rules]
"""Returns the present rules of a source."""


def rules_version(transaction: Transaction, source: str) -> int:
    """Present version of the rules of a source; 0 without any.

    In a transaction that holds the lock of the source's lake table it cannot grow: see `renew_rules_version`.
    """
    found = transaction.rows("select version from ops.redaction_rules where source = $1", [source])
    return int(found[0][0]) if found else 0


def renew_rules_version(transaction: Transaction, source: str) -> None:
    """Count a change of the rules of a source, in the transaction of the change, which holds the lock of the lake."""
    transaction.execute(
        "insert into ops.redaction_rules (source, version) values ($1, 1)"
        " on conflict (source) do update set version = redaction_rules.version + 1",
        [source],
    )


@dataclass(frozen=True)
class Redacted:
    """A landed file after its redaction."""

    file: LandedFile
    lines: int
    """Lines that were redacted; 0 where the bytes are as they were."""


def redact(landing: Landing, file: LandedFile, rules: Rules) -> Redacted:
    """Replace the lines of a landed file that have to go by the rules, and record the version of the rules.

    The lines are listed in `ops.redacted_lines` with the loads of the file where the rules ask for it. The earlier
    bytes are deleted by `finish_redactions`. Raises InputError where the bytes are missing, changed or cannot be
    unpacked.
    """
    found = _find(landing, file, rules)
    if not found.lines.size:
        _record_search(landing, file, rules.version)
        return Redacted(file, 0)
    with landing.open(file) as landed, _unpacked(landed, file) as stream:
        head = stream.read(CHUNK_BYTES)
        marker = rules.marker(unpacked_name(file.name), head)
        staged = landing.stage(cast("IO[bytes]", _Chunks(_packed(_rewritten(head, stream, found.lines, marker), file))))
    try:
        is_done = _exchange_bytes(landing, file, staged, found, rules.version)
    finally:
        staged.discard()
    (present,) = [one for one in landing.files(file.source) if one.file_id == file.file_id]
    return Redacted(present, int(found.lines.size) if is_done else 0)


def _exchange_bytes(landing: Landing, file: LandedFile, staged: StagedFile, found: FoundLines, version: int) -> bool:
    """Replace the bytes of a file by redacted ones; return False where another process has changed the file meanwhile.

    The intention is recorded first, so that bytes of a killed process are known to be nobody's.
    """
    after = replace(file, sha256=staged.sha256, size_bytes=staged.size_bytes)
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.lock("landing", file.source, file.name)
        if transaction.rows("select sha256 from ops.files where file_id = $1", [file.file_id]) != [(file.sha256,)]:
            return False
        with landing.warehouse.transaction(role="ingest") as intention:
            redaction_id = intention.rows(
                "insert into ops.redactions (file_id, sha256_before, sha256_after, lines, rules)"
                " values ($1, $2, $3, $4, $5) returning redaction_id",
                [file.file_id, file.sha256, after.sha256, int(found.lines.size), version],
            )[0][0]
        stamp = landing.keep(staged, after)
        transaction.execute(
            "update ops.files set sha256 = $2, size_bytes = $3, redacted_to = $4, stamp = $5 where file_id = $1",
            [file.file_id, after.sha256, after.size_bytes, version, stamp],
        )
        transaction.execute("update ops.redactions set replaced_at = now() where redaction_id = $1", [redaction_id])
        if found.without_key.size:
            transaction.execute(
                "insert into ops.redacted_lines (load_id, line) select load_id, line"
                " from ops.loads cross join unnest($2::bigint[]) as lines (line)"
                " where file_id = $1 and outcome = 'loaded' on conflict do nothing",
                [file.file_id, found.without_key.tolist()],
            )
    return True


def unsearched_files(landing: Landing, source: str, version: int | None = None) -> list[LandedFile]:
    """Landed files of a source that no rules have searched, or not those of `version`; whatever became of them."""
    searched = landing.warehouse.rows(
        "select file_id from ops.files where source = $1 and redacted_to is not null and redacted_to >= $2",
        [source, version or 0],
    )
    known = {file_id for (file_id,) in searched}
    return [
        file
        for file in landing.files(source)
        if file.sha256 is not None and file.expired_at is None and file.file_id not in known
    ]


def redact_or_delete(landing: Landing, file: LandedFile, rules: Rules) -> Redacted | None:
    """Redact a file, or delete its bytes where they cannot be unpacked and so not be searched (None).

    Raises LandedFileError where the bytes are missing or changed.
    """
    try:
        return redact(landing, file, rules)
    except LandedFileError:
        raise
    except InputError:
        delete_unreadable(landing, file)
        return None


def redact_unsearched(landing: Landing, source: str, read_rules: Callable[[], Rules]) -> int:
    """Redact landed files that no rules have searched, such as expired ones that were delivered again.

    Return their number; the rules are read only where there are some of the source.
    """
    with landing.warehouse.transaction() as transaction:
        if not rules_version(transaction, source):
            return 0
    files = unsearched_files(landing, source)
    if not files:
        return 0
    rules = read_rules()
    for file in files:
        redact_or_delete(landing, file, rules)
    finish_redactions(landing)
    return len(files)


def finish_redactions(landing: Landing) -> int:
    """Delete the bytes that landed files had before their redaction; return the number of redactions that are finished.

    Bytes that another file of the source still has stay until it is redacted, too, or expires. Redacted bytes that a
    killed process left before the ledger had them are deleted, too.
    """
    unfinished = landing.warehouse.rows(
        "select redaction_id, file_id from ops.redactions where finished_at is null order by redaction_id"
    )
    files = {file.file_id: file for file in landing.files()} if unfinished else {}
    return sum(_finish(landing, redaction_id, files[file_id]) for redaction_id, file_id in unfinished)


def _finish(landing: Landing, redaction_id: int, file: LandedFile) -> bool:
    """Delete the bytes that a redaction has left over; return whether it is finished."""
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.lock("landing", file.source, file.name)  # its process may be about to replace the bytes
        found = transaction.rows(
            "select replaced_at is not null, sha256_before, sha256_after from ops.redactions"
            " where redaction_id = $1 and finished_at is null",
            [redaction_id],
        )
        if not found:
            return False
        is_replaced, before, after = found[0]
        left = before if is_replaced else after
        users = transaction.rows(
            "select count(*)::int from ops.files where source = $1 and delivery = $2 and sha256 = $3"
            " and expired_at is null",
            [file.source, file.delivery, left],
        )[0][0]
        if users and is_replaced:
            return False
        if not users:
            landing.path(replace(file, sha256=left)).unlink(missing_ok=True)
        if is_replaced:
            transaction.execute("update ops.redactions set finished_at = now() where redaction_id = $1", [redaction_id])
        else:
            transaction.execute("delete from ops.redactions where redaction_id = $1", [redaction_id])
    return bool(is_replaced)


def delete_unreadable(landing: Landing, file: LandedFile) -> None:
    """Delete the bytes of a landed file that cannot be searched; the ledger has it as it has expired files."""
    landing.path(file).unlink(missing_ok=True)
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.execute("update ops.files set expired_at = now() where file_id = $1", [file.file_id])


def rewrite_lines(stream: IO[bytes], lines: NDArray[np.int64], marker: bytes) -> Iterator[bytes]:
    """Content of a stream with the marker in the place of lines, chunk by chunk."""
    return _rewritten(b"", stream, lines, marker)


def _find(landing: Landing, file: LandedFile, rules: Rules) -> FoundLines:
    """Lines of a landed file that have to go; its hash is compared on the way."""
    none = np.empty(0, dtype=np.int64)
    parts = [FoundLines(none, none)]
    size = file.size_bytes or 0
    task = f"landing/{file.source}: searching {file.name}"
    with landing.open(file) as landed:
        packed = CountedStream(landed)
        with _unpacked(cast("IO[bytes]", packed), file) as stream:
            for part in rules.find(stream, unpacked_name(file.name)):
                if part.lines.size:
                    parts.append(part)
                if size > progress.LARGE_FILE_BYTES:
                    progress.report_bytes(task, min(packed.count, size - 1), size)
        while landed.read(CHUNK_BYTES):  # to the end, where the hash is compared
            pass
    if size > progress.LARGE_FILE_BYTES:
        progress.report_bytes(task, size, size)
    return FoundLines(
        np.concatenate([part.lines for part in parts]), np.concatenate([part.without_key for part in parts])
    )


def _unpacked(packed: IO[bytes], file: LandedFile) -> IO[bytes]:
    return open_unpacked(packed, file.name)  # within its bounds, or it would have been refused


def _record_search(landing: Landing, file: LandedFile, version: int) -> None:
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.execute(
            "update ops.files set redacted_to = $3 where file_id = $1 and sha256 = $2",
            [file.file_id, file.sha256, version],
        )


# --- bytes ----------------------------------------------------------------------------------------------


def _rewritten(head: bytes, stream: IO[bytes], lines: NDArray[np.int64], marker: bytes) -> Iterator[bytes]:
    """Bytes of `head` and the rest of a stream, with the marker in the place of lines."""
    first, is_inside = 1, False  # number of the line with which the chunk begins; True within a line that goes
    chunk = head or stream.read(CHUNK_BYTES)
    while chunk:
        ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == _LINE_END)
        starts = np.concatenate([np.zeros(1, np.int64), ends + 1])  # of the lines first, first + 1, …
        place, kept = 0, bytearray()
        for line in lines[np.searchsorted(lines, first) : np.searchsorted(lines, first + len(ends), side="right")]:
            nth = int(line) - first
            start = int(starts[nth])
            if start == len(chunk):  # the line begins with the next chunk, if there is any
                continue
            stop = int(ends[nth]) + 1 if nth < len(ends) else len(chunk)
            kept += chunk[place:start]
            if not (nth == 0 and is_inside):
                kept += marker + b"\n"
            place = stop
        kept += chunk[place:]
        is_inside = place == len(chunk) and chunk[-1] != _LINE_END
        if kept:
            yield bytes(kept)
        first += len(ends)
        chunk = stream.read(CHUNK_BYTES)


def _packed(chunks: Iterator[bytes], file: LandedFile) -> Iterator[bytes]:
    """Chunks, packed as the name of the file demands; equal chunks make equal bytes."""
    suffix = file.name[len(unpacked_name(file.name)) :].lower()
    if not suffix:
        yield from chunks
        return
    packer = zlib.compressobj(wbits=31) if suffix == ".gz" else zstd.ZstdCompressor()
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


@dataclass
class _Chunks:
    """Chunks as a stream: each read returns the next one, whatever its size."""

    chunks: Iterator[bytes]
    _done: bool = field(default=False, init=False)

    def read(self, _size: int = -1) -> bytes:
        """Return the next chunk; nothing at the end."""
        return next((chunk for chunk in self.chunks if chunk), b"")


# --- the ledger -----------------------------------------------------------------------------------------


def record_removed_rows(transaction: Transaction, removed: pl.DataFrame, lines: pl.DataFrame) -> None:
    """Move rows that were taken out of the lake from the accepted to the quarantined ones of their loads.

    `removed` has load_id, partition and rows (Int64); `lines` has load_id and line, as many of each load as are to be
    listed one by one.
    """
    if removed.is_empty():
        return
    by_load = removed.group_by("load_id").agg(pl.col("rows").sum()).sort("load_id")
    columns = [by_load["load_id"].to_list(), by_load["rows"].to_list()]
    transaction.execute(
        "update ops.loads set accepted = accepted - rows, quarantined = quarantined + rows"
        " from unnest($1::text[], $2::bigint[]) as gone (load_id, rows) where loads.load_id = gone.load_id",
        columns,
    )
    transaction.execute(
        "update ops.quarantine_reasons as reasons set rows = reasons.rows + gone.rows"
        " from unnest($1::text[], $2::bigint[]) as gone (load_id, rows)"
        " where reasons.load_id = gone.load_id and reasons.reason = $3",
        [*columns, REDACTED],
    )
    transaction.execute(
        "insert into ops.quarantine_reasons (load_id, reason, rows) select load_id, $3, rows"
        " from unnest($1::text[], $2::bigint[]) as gone (load_id, rows) where not exists ("
        " select from ops.quarantine_reasons as known where known.load_id = gone.load_id and known.reason = $3)",
        [*columns, REDACTED],
    )
    transaction.execute(
        "update ops.load_partitions as written set accepted = accepted - rows"
        " from unnest($1::text[], $2::text[], $3::bigint[]) as gone (load_id, partition, rows)"
        " where written.load_id = gone.load_id and written.partition = gone.partition",
        [_texts(removed, "load_id"), _texts(removed, "partition"), removed["rows"].to_list()],
    )
    transaction.execute(
        "insert into ops.quarantine (load_id, line, reason) select load_id, line, $3"
        " from unnest($1::text[], $2::bigint[]) as gone (load_id, line) on conflict do nothing",
        [_texts(lines, "load_id"), lines["line"].to_list(), REDACTED],
    )


def _texts(frame: pl.DataFrame, column: str) -> Sequence[str]:
    return cast("list[str]", frame[column].to_list())
