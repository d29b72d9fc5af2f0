"""Recording of compliance events as tombstones, one transaction for each file, of which the bytes are not kept."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, Literal, cast

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Reader, new_file
from ons_bigdata.platform.ingest.ledger import (
    QUARANTINE_SCHEMA,
    QUARANTINED_LINES,
    LoadCounts,
    commit_load,
    record_load,
)
from ons_bigdata.platform.ingest.redaction import (
    renew_rules_version,
)
from ons_bigdata.platform.ingest.unpacking import CHUNK_BYTES, open_unpacked, unpacked_name
from ons_bigdata.tweets.schemas.vocabulary import SIMULATED
from ons_bigdata.tweets.sources.archives import GEO_EVENTS, NAME, TWITTER, id_space
from ons_bigdata.tweets.sources.compliance.events import ComplianceEvent, Job, job_of, read_events
from ons_bigdata.tweets.sources.compliance.kinds import REMOVING
from ons_bigdata.tweets.sources.compliance.tombstones import (
    TOMBSTONES,
    tombstone_rows,
)

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.landing import Landing
    from ons_bigdata.platform.lake import Lake
    from ons_bigdata.platform.postgres.warehouse import Transaction
    from ons_bigdata.platform.pseudonyms import PseudonymKey

READER = Reader("tweet_compliance", "tweet_compliance_lines", "1")
"""Reader of files of compliance events; the ledger has them, landing does not: they name who wants to be forgotten."""

BATCH_EVENTS = 20_000
"""Compliance events whose tombstones are recorded at a time."""

MAX_RATIO = 200


@dataclass
class FileCounts:
    """Outcome of a file of compliance events."""

    name: str
    rows_in: int = 0
    accepted: int = 0
    """Lines with a compliance event."""
    quarantined: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Quarantined lines by reason."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Events by kind; an edit counts once for each earlier version."""
    new_tombstones: int = 0
    """Tombstones that were not known."""
    new_removals: int = 0
    """Those among them that remove rows; the others lift such ones."""
    is_known: bool = False
    """True if the same bytes were recorded before."""
    refusal: str | None = None
    """Why nothing of the file was recorded; None where it was."""


class UnreadableError(InputError):
    """A file of compliance events whose packed bytes are damaged or too many: nothing of it is recorded."""


class _UndoneError(Exception):
    """Ends a transaction whose changes are not wanted."""


def record_file(
    landing: Landing,
    lake: Lake,
    stream: IO[bytes],
    name: str,
    *,
    key: PseudonymKey,
    job: Job | None,
    max_bytes: int,
    dry_run: bool = False,
) -> FileCounts:
    """Record the tombstones of a file of compliance events, in one transaction; with `dry_run`, count them only.

    Its bytes are not kept. `job` is the kind of ids of results of batch jobs where the name of the file has none.
    Raises UnreadableError where the file cannot be unpacked, InputError where tombstones or rows of the lake have
    pseudonyms of another key.
    """
    counts = FileCounts(name)
    hashed = _HashedStream(stream)
    packed = cast("IO[bytes]", io.BufferedReader(hashed, CHUNK_BYTES))
    arrived_at = datetime.now(UTC)
    lines: list[tuple[int, str, None]] = []
    try:
        with landing.warehouse.transaction() as transaction:
            _check_key(transaction, key)
            unpacked = open_unpacked(packed, name, max_bytes=max_bytes, max_ratio=MAX_RATIO)
            recorded: list[ComplianceEvent] = []
            of_name = job_of(unpacked_name(name)) or job

            def flush() -> None:
                rows = tombstone_rows(recorded, id_space=id_space(name), key=key, arrived_at=arrived_at)
                new, removing = _insert(transaction, rows, data_origin=_origin(name), key_id=key.key_id)
                counts.new_tombstones += new
                counts.new_removals += removing
                recorded.clear()

            for line, found in _read(unpacked, of_name):
                counts.rows_in += 1
                if isinstance(found, str):
                    counts.reasons[found] += 1
                    if counts.reasons[found] <= QUARANTINED_LINES:
                        lines.append((line, found, None))
                    continue
                counts.accepted += 1
                counts.kinds.update(event.kind for event in found)
                recorded += found
                if len(recorded) >= BATCH_EVENTS:
                    flush()
                    progress.report_bytes(f"reading {name}", hashed.size, None)
            flush()
            while hashed.read(CHUNK_BYTES):  # to the end, for the hash
                pass
            counts.quarantined = counts.reasons.total()
            _enter(transaction, landing, lake, hashed, counts, lines)
            if counts.is_known or dry_run:
                raise _UndoneError
    except _UndoneError:
        if counts.is_known:
            counts.new_tombstones = counts.new_removals = 0
    return counts


def _read(stream: IO[bytes], job: Job | None) -> Iterator[tuple[int, list[ComplianceEvent] | str]]:
    try:
        yield from read_events(stream, job=job)
    except InputError as error:
        raise UnreadableError(str(error)) from error


def _enter(
    transaction: Transaction,
    landing: Landing,
    lake: Lake,
    hashed: _HashedStream,
    counts: FileCounts,
    lines: Sequence[tuple[int, str, None]],
) -> None:
    """Enter a file into the ledger; its rules hold for loads that commit after the transaction."""
    file = new_file(
        source=READER.source,
        delivery=TWITTER,
        name=counts.name,
        sha256=hashed.digest.hexdigest(),
        size_bytes=hashed.size,
        data_origin=_origin(counts.name),
        partitions=(),
    )
    lake.lock(transaction, GEO_EVENTS)
    counts.is_known = not landing.record_without_bytes(transaction, file)
    if counts.is_known:
        return
    transaction.execute(f"update {TOMBSTONES} set sha256 = $1 where sha256 = $2", [file.sha256, _NO_HASH])  # noqa: S608
    load = LoadCounts("loaded", None, counts.rows_in, counts.accepted, counts.quarantined)
    if not hashed.size:
        load = LoadCounts("outage", None, 0, 0, 0)
    quarantined = pl.DataFrame(lines, schema=QUARANTINE_SCHEMA, orient="row")
    record_load(transaction, file, READER, load, quarantined, reasons=dict(counts.reasons))
    commit_load(transaction, file, READER, ())
    if counts.new_removals:
        renew_rules_version(transaction, NAME)


_NO_HASH = "0" * 64
"""In the place of the hash of a file that is being read."""


def _insert(transaction: Transaction, rows: pl.DataFrame, *, data_origin: str, key_id: str) -> tuple[int, int]:
    """Insert tombstones that are not known; return their number, and that of those that remove rows."""
    if rows.is_empty():
        return 0, 0
    new = transaction.rows(
        f"""
        with new as (
            insert into {TOMBSTONES}
                (kind, subject, key, up_to_id, effective_at, data_origin, key_id, sha256, applied_at)
            select kind, subject, key, nullif(up_to, '')::numeric, to_timestamp(us / 1e6), $6, $7, $8,
                case when kind = any ($9::text[]) then null else now() end
            from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
                as event (kind, subject, key, up_to, us)
            on conflict do nothing returning applied_at
        )
        select count(*)::int, count(*) filter (where applied_at is null)::int from new
        """,  # noqa: S608  (our own names)
        [
            rows["kind"].to_list(),
            rows["subject"].to_list(),
            rows["key"].to_list(),
            rows["up_to"].fill_null("").to_list(),
            rows["effective_at"].dt.epoch("us").to_list(),
            data_origin,
            key_id,
            _NO_HASH,
            list(REMOVING),
        ],
    )
    return int(new[0][0]), int(new[0][1])


def _check_key(transaction: Transaction, key: PseudonymKey) -> None:
    """Raise InputError where there are pseudonyms of another key: tombstones would be of nobody."""
    others = transaction.rows(
        f"select key_id from {TOMBSTONES} where key_id <> $1"  # noqa: S608  (our own names)
        " union select key_id from ops.loads join ops.files using (file_id)"
        " where source = $2 and state = 'committed' and key_id <> $1 limit 1",
        [key.key_id, NAME],
    )
    if others:
        raise InputError(
            f"the pseudonym key is {key.key_id}, but there are pseudonyms of the key {others[0][0]}: "
            "compliance events would not be applied to their rows"
        )


def _origin(name: str) -> Literal["real", "simulated"]:
    return "simulated" if name.startswith(SIMULATED) else "real"


class _HashedStream(io.RawIOBase):
    """A stream that hashes and counts what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any writable buffer)
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.digest.update(data)
        self.size += len(data)
        return len(data)
