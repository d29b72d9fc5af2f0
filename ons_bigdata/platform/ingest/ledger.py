"""Ledger of loads in schema `ops`: which files wait, what was read of each, which version of a file is current."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from ons_bigdata import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
    from ons_bigdata.platform.postgres.warehouse import Transaction

Outcome = Literal["loaded", "outage", "refused"]

NO_ROW = "no row"
"""Reason of an outage: a file with bytes, such as a header, but without rows."""

QUARANTINE_SCHEMA = {"line": pl.Int64, "reason": pl.String, "content": pl.String}

QUARANTINED_LINES = 1000
"""Most lines of one reason and load that are quarantined one by one; the rest is counted."""


@dataclass(frozen=True)
class LoadCounts:
    """Outcome of reading a file; rows_in = accepted + quarantined rows."""

    outcome: Outcome
    reason: str | None
    """Why nothing was loaded; None where the outcome is `loaded`."""
    rows_in: int
    accepted: int
    quarantined: int

    def __post_init__(self) -> None:
        total = self.accepted + self.quarantined
        if total != self.rows_in:
            raise ValueError(f"rows in ({self.rows_in}) are not accepted + quarantined ({total})")


@dataclass(frozen=True)
class LoadTotals:
    """Counts over the files of a run, and the partitions that were written."""

    files: int = 0
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    outages: int = 0
    refused: int = 0
    partitions: frozenset[str] = field(default_factory=frozenset)

    def add(self, counts: LoadCounts, partitions: Collection[str]) -> LoadTotals:
        """Totals including a further file."""
        return LoadTotals(
            files=self.files + 1,
            rows_in=self.rows_in + counts.rows_in,
            accepted=self.accepted + counts.accepted,
            quarantined=self.quarantined + counts.quarantined,
            outages=self.outages + (counts.outcome == "outage"),
            refused=self.refused + (counts.outcome == "refused"),
            partitions=self.partitions | frozenset(partitions),
        )


def touches(file: LandedFile, partitions: Collection[str]) -> bool:
    """True if a file has rows in one of the partitions, or may have."""
    return file.partitions is None or not set(file.partitions).isdisjoint(partitions)


def waiting_versions(
    landing: Landing, reader: Reader, partitions: Collection[str], *, known: Sequence[LandedFile]
) -> list[LandedFile]:
    """Further waiting files: those whose superseded version has rows in one of the partitions."""
    names = landing.warehouse.rows(
        """
        select distinct files.name from ops.load_partitions as written
        join ops.loads using (load_id) join ops.files using (file_id)
        where files.source = $1 and files.superseded_by is not null and written.partition = any ($2::text[])
        """,
        [reader.source, list(partitions) or "{}"],
    )
    wanted = {name for (name,) in names} - {file.name for file in known}
    return [file for file in landing.waiting_files(reader) if file.name in wanted] if wanted else []


def is_current(transaction: Transaction, file: LandedFile) -> bool:
    """True if a file is current; locks it in that state until the transaction ends."""
    found = transaction.rows("select superseded_by is null from ops.files where file_id = $1 for share", [file.file_id])
    return bool(found and found[0][0])


def version_loads(transaction: Transaction, file: LandedFile) -> list[str]:
    """Return the ids of all loads of all versions of a file."""
    found = transaction.rows(
        "select load_id from ops.loads join ops.files using (file_id) where source = $1 and name = $2",
        [file.source, file.name],
    )
    return [load_id for (load_id,) in found]


def restore_version(landing: Landing, file: LandedFile, reader: Reader, counts: LoadCounts) -> list[LandedFile] | None:
    """Record a refusal or an outage and make the version current again that the file superseded.

    Versions in which this reader found no rows are passed over; where it found none in all, the last one is current.
    Return the restored file, which waits even if it was loaded before: its rows may be gone. It does not wait where its
    bytes have expired, and is left out. Return None without an earlier version; nothing is recorded then.
    """
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.lock("landing", file.source, file.name)
        if not is_current(transaction, file):
            return None
        restored = _version_before(transaction, file, reader) or _last_version(transaction, file)
        if restored is None:
            return None
        transaction.execute("update ops.files set superseded_by = $1 where file_id = $2", [restored, file.file_id])
        transaction.execute("update ops.files set superseded_by = null where file_id = $1", [restored])
        transaction.execute(  # where its bytes have expired, its rows stay as they were read
            "update ops.loads set state = 'started', finished_at = null where file_id = $1 and reader = $2"
            " and not (outcome <> 'loaded' and reader_version = $3 and state = 'committed')"
            " and exists (select from ops.files where file_id = $1 and expired_at is null)",
            [restored, reader.name, reader.version],
        )
        record_load(transaction, file, reader, counts)
        commit_load(transaction, file, reader, file.partitions or ())
    return [candidate for candidate in landing.waiting_files(reader) if candidate.file_id == restored]


_LAST_REFUSED = """
    select from ops.loads join ops.files using (file_id)
    where file_id = $1 and reader = $2 and reader_version = $3 and loads.state = 'committed' and outcome = 'refused'
        and expired_at is null and not exists (
            select from ops.files as later
            where later.source = files.source and later.name = files.name and later.data_origin is not null
                and later.landed_at > files.landed_at
        )
"""
"""Query of a row where the reader ($2 name, $3 version) refused a file ($1) that is the last of its name to land."""


def read_refused_again(landing: Landing, file: LandedFile, reader: Reader) -> bool:
    """Make a delivered file wait again that this reader refused before; return whether it does.

    What a reader refuses can depend on a register that was added to since. The file becomes current again where an
    earlier version took its place; where a later version of its name has landed, nothing changes.
    """
    refused = [file.file_id, reader.name, reader.version]
    if not landing.warehouse.rows(_LAST_REFUSED, refused):
        return False
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.lock("landing", file.source, file.name)
        if not transaction.rows(_LAST_REFUSED, refused):
            return False
        transaction.execute(
            "update ops.files set superseded_by = $1"
            " where source = $2 and name = $3 and superseded_by is null and file_id <> $1",
            [file.file_id, file.source, file.name],
        )
        transaction.execute("update ops.files set superseded_by = null where file_id = $1", [file.file_id])
        transaction.execute(
            "update ops.loads set state = 'started', finished_at = null where load_id = $1", [file.load_id(reader)]
        )
        return True


def _version_before(transaction: Transaction, file: LandedFile, reader: Reader) -> str | None:
    """Return the id of the version that a file superseded, unless this reader found no rows in it."""
    found = transaction.rows(
        "select file_id from ops.files where superseded_by = $1 and size_bytes > 0 and data_origin is not null"
        " and not exists (select from ops.loads where file_id = files.file_id and reader = $2"
        " and outcome <> 'loaded' and reader_version = $3 and state = 'committed') order by landed_at desc limit 1",
        [file.file_id, reader.name, reader.version],
    )
    return str(found[0][0]) if found else None


def _last_version(transaction: Transaction, file: LandedFile) -> str | None:
    """Return the id of the version of a file that landed last; None where it is the file itself."""
    found = transaction.rows(
        "select file_id from ops.files where source = $1 and name = $2 and size_bytes > 0 and data_origin is not null"
        " order by landed_at desc, file_id limit 1",
        [file.source, file.name],
    )
    return str(found[0][0]) if found and found[0][0] != file.file_id else None


def record_load(
    transaction: Transaction,
    file: LandedFile,
    reader: Reader,
    counts: LoadCounts,
    quarantined: pl.DataFrame | None = None,
    *,
    reasons: Mapping[str, int] | None = None,
    key_id: str | None = None,
) -> None:
    """Enter a load as started, with its counts and quarantined lines (columns of QUARANTINE_SCHEMA).

    `reasons` has the number of lines of each reason where `quarantined` holds only some of them.
    """
    load_id = file.load_id(reader)
    transaction.execute(
        """
        insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, reason,
            rows_in, accepted, quarantined, data_origin, code_version, key_id)
        values ($1, $2, $3, $4, 'started', $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict (load_id) do update set state = 'started', finished_at = null,
            outcome = excluded.outcome, reason = excluded.reason,
            rows_in = excluded.rows_in, accepted = excluded.accepted, quarantined = excluded.quarantined,
            code_version = excluded.code_version, key_id = excluded.key_id
        """,
        [
            load_id,
            file.file_id,
            reader.name,
            reader.version,
            counts.outcome,
            counts.reason,
            counts.rows_in,
            counts.accepted,
            counts.quarantined,
            file.data_origin,
            __version__,
            key_id,
        ],
    )
    transaction.execute("delete from ops.quarantine where load_id = $1", [load_id])
    transaction.execute("delete from ops.quarantine_reasons where load_id = $1", [load_id])
    if quarantined is None or quarantined.is_empty():
        return
    of_load = pl.lit(load_id).alias("load_id")
    by_reason = (
        quarantined.group_by("reason").agg(pl.len().cast(pl.Int64).alias("rows"))
        if reasons is None
        else pl.DataFrame(list(reasons.items()), schema={"reason": pl.String, "rows": pl.Int64}, orient="row")
    )
    transaction.insert("ops.quarantine_reasons", by_reason.sort("reason").select(of_load, pl.all()))
    transaction.insert("ops.quarantine", first_of_each_reason(quarantined).select(of_load, pl.all()))


def first_of_each_reason(quarantined: pl.DataFrame) -> pl.DataFrame:
    """First QUARANTINED_LINES lines of each reason, in their order."""
    return quarantined.filter(pl.int_range(pl.len()).over("reason") < QUARANTINED_LINES)


def record_partition(transaction: Transaction, file: LandedFile, reader: Reader, partition: str, accepted: int) -> None:
    """Enter the rows of a load that were accepted into a partition."""
    record_partitions(transaction, file, reader, {partition: accepted})


def record_partitions(transaction: Transaction, file: LandedFile, reader: Reader, accepted: Mapping[str, int]) -> None:
    """Enter the rows of a load that were accepted into each partition, all in one statement."""
    if not accepted:
        return
    partitions = sorted(accepted)
    transaction.execute(
        "insert into ops.load_partitions (load_id, partition, accepted)"
        " select $1, partition, accepted from unnest($2::text[], $3::bigint[]) as written (partition, accepted)"
        " on conflict (load_id, partition) do update set accepted = excluded.accepted",
        [file.load_id(reader), partitions, [accepted[partition] for partition in partitions]],
    )


def commit_load(transaction: Transaction, file: LandedFile, reader: Reader, partitions: Sequence[str]) -> None:
    """Commit a load of which all partitions are written; from then on the file's partitions are known."""
    keys = list(partitions) or "{}"
    transaction.execute(
        "delete from ops.load_partitions where load_id = $1 and partition <> all ($2::text[])",
        [file.load_id(reader), keys],
    )
    transaction.execute(
        "update ops.files set partitions = $2::text[] where file_id = $1 and partitions is distinct from $2::text[]",
        [file.file_id, keys],
    )
    transaction.execute(
        "update ops.loads set state = 'committed', finished_at = now() where load_id = $1",
        [file.load_id(reader)],
    )
