"""From landed files to a partition of a raw table: read, quarantine, replace, account, in one transaction.

Knows no pilot: what a row is, a `Reading` says. Bytes and ledger are `landing`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from ons_bigdata import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
    from ons_bigdata.platform.postgres.warehouse import Transaction

Outcome = Literal["loaded", "outage", "refused"]

QUARANTINE_SCHEMA = {"line": pl.Int64, "reason": pl.String, "content": pl.String}


@dataclass(frozen=True)
class Reading:
    """What a reader made of one file. rows_in = rows accepted + rows quarantined."""

    outcome: Outcome
    reason: str | None
    rows_in: int
    accepted: pl.DataFrame
    quarantined: pl.DataFrame

    def __post_init__(self) -> None:
        found = self.accepted.height + self.quarantined.height
        if found != self.rows_in:
            raise ValueError(f"rows in ({self.rows_in}) are not accepted + quarantined ({found})")


ReadFile = Callable[["LandedFile", bytes, str], Reading]
"""(file, content, load id) -> reading."""


@dataclass(frozen=True)
class RawTable:
    """A partitioned raw table and the reader that fills it."""

    name: str
    partition_column: str
    """Column that a partition is; its text (ISO of a date) is the partition's key."""
    reader: Reader
    read: ReadFile
    json_columns: Sequence[str] = field(default=())
    partition_type: Literal["date", "text"] = "date"
    """Type of that column."""


@dataclass(frozen=True)
class LoadTotals:
    """Counts over the files of some partitions."""

    files: int = 0
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    outages: int = 0
    refused: int = 0

    def __add__(self, other: LoadTotals) -> LoadTotals:
        return LoadTotals(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def rebuild_partition(landing: Landing, table: RawTable, partition: str) -> LoadTotals:
    """Rebuild one partition of a raw table from all current files that touch it.

    One transaction under the lock of (source, partition): the old rows go, the new ones come, the
    ledger is brought up to date. Running it again gives the same rows.
    """
    reader = table.reader
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.lock(reader.source, partition)
        files = landing.current_files(reader.source, partition)
        transaction.execute(
            f"delete from {table.name} where {table.partition_column} = $1::{table.partition_type}",  # noqa: S608
            [partition],
        )
        readings = []
        for file in files:
            reading = table.read(file, landing.read(file), file.load_id(reader))
            _record_load(transaction, file, reader, reading)
            readings.append(reading)
            mine = reading.accepted.filter(pl.col(table.partition_column).cast(pl.String) == partition)
            _record_partition(transaction, file, reader, partition, mine.height)
            if mine.height:
                transaction.insert(table.name, mine, json_columns=table.json_columns)
    return LoadTotals(
        files=len(readings),
        rows_in=sum(reading.rows_in for reading in readings),
        accepted=sum(reading.accepted.height for reading in readings),
        quarantined=sum(reading.quarantined.height for reading in readings),
        outages=sum(reading.outcome == "outage" for reading in readings),
        refused=sum(reading.outcome == "refused" for reading in readings),
    )


def stale_partitions(landing: Landing, table: RawTable) -> list[str]:
    """Return the partitions that hold rows of a file that another has superseded: they are to be rebuilt, too.

    Only where a file's partitions are in its content can a new version leave one that the old one touched.
    """
    rows = landing.warehouse.frame(
        f"""
        select distinct stored.{table.partition_column}::text as partition
        from (select distinct load_id, {table.partition_column} from {table.name}) as stored
        join ops.loads using (load_id)
        join ops.files using (file_id)
        where files.superseded_by is not null
        order by partition
        """  # noqa: S608  (our own names)
    )
    return rows["partition"].to_list()


def analyse(landing: Landing, table: RawTable) -> None:
    """Renew the statistics of a raw table and of the ledger after their partitions were rebuilt."""
    landing.warehouse.analyse(table.name, "ops.files", "ops.loads", "ops.load_partitions")


def refuse(landing: Landing, file: LandedFile, reader: Reader, reason: str) -> None:
    """Record that no reader takes this file, and why. For files that touch no partition."""
    nothing = pl.DataFrame(schema=QUARANTINE_SCHEMA)
    with landing.warehouse.transaction(role="ingest") as transaction:
        _record_load(transaction, file, reader, Reading("refused", reason, 0, pl.DataFrame(), nothing))
        _finish_load(transaction, file, reader)


def account(landing: Landing, file: LandedFile, reader: Reader, reading: Reading) -> None:
    """Record what a reader made of a file that has no raw table of its own, for each partition that it touches."""
    with landing.warehouse.transaction(role="ingest") as transaction:
        _record_load(transaction, file, reader, reading)
        for partition in file.partitions:
            _record_partition(transaction, file, reader, partition, reading.accepted.height)


def _record_load(transaction: Transaction, file: LandedFile, reader: Reader, reading: Reading) -> None:
    load_id = file.load_id(reader)
    transaction.execute(
        """
        insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, reason,
            rows_in, accepted, quarantined, data_origin, code_version)
        values ($1, $2, $3, $4, 'started', $5, $6, $7, $8, $9, $10, $11)
        on conflict (load_id) do update set outcome = excluded.outcome, reason = excluded.reason,
            rows_in = excluded.rows_in, accepted = excluded.accepted, quarantined = excluded.quarantined,
            code_version = excluded.code_version
        """,
        [
            load_id,
            file.file_id,
            reader.name,
            reader.version,
            reading.outcome,
            reading.reason,
            reading.rows_in,
            reading.accepted.height,
            reading.quarantined.height,
            file.data_origin,
            __version__,
        ],
    )
    transaction.execute("delete from ops.quarantine where load_id = $1", [load_id])
    if reading.quarantined.height:
        transaction.insert("ops.quarantine", reading.quarantined.select(pl.lit(load_id).alias("load_id"), pl.all()))


def _record_partition(
    transaction: Transaction, file: LandedFile, reader: Reader, partition: str, accepted: int
) -> None:
    transaction.execute(
        "insert into ops.load_partitions (load_id, partition, accepted) values ($1, $2, $3)"
        " on conflict (load_id, partition) do update set accepted = excluded.accepted",
        [file.load_id(reader), partition, accepted],
    )
    _finish_load(transaction, file, reader)


def _finish_load(transaction: Transaction, file: LandedFile, reader: Reader) -> None:
    """Commit the load once each partition that its file touches is built."""
    transaction.execute(
        """
        update ops.loads set state = 'committed', finished_at = now()
        where load_id = $1 and state = 'started' and not exists (
            select from ops.files, unnest(files.partitions) as touched (partition)
            where files.file_id = loads.file_id and not exists (
                select from ops.load_partitions as built
                where built.load_id = loads.load_id and built.partition = touched.partition
            )
        )
        """,
        [file.load_id(reader)],
    )
