"""Loading of landed files into raw tables: each file is read once, its rows are written partition by partition.

Every partition is written in a separate transaction under the lock (source, partition); the load is committed with the
last one. Wherever a process is killed, the file still waits, and the next run completes it with the same rows.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import adbc_driver_manager
import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest.landing import checked_key
from ons_bigdata.platform.ingest.ledger import (
    NO_ROW,
    QUARANTINE_SCHEMA,
    LoadCounts,
    LoadTotals,
    Outcome,
    commit_load,
    is_current,
    record_load,
    record_partition,
    restore_version,
    touches,
    version_loads,
    waiting_versions,
)
from ons_bigdata.platform.ingest.unpacking import open_unpacked, unpacked_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
    from ons_bigdata.platform.ingest.sources import Source
    from ons_bigdata.platform.postgres.warehouse import Transaction

MOST_FAILURES = 5
"""Greatest number of failures that an error message lists."""


@dataclass(frozen=True)
class Reading:
    """Result of reading a file; rows_in = accepted + quarantined rows.

    `accepted` has the columns of the raw table, `quarantined` those of QUARANTINE_SCHEMA.
    """

    outcome: Outcome
    reason: str | None
    """Why nothing was loaded; None where the outcome is `loaded`."""
    rows_in: int
    accepted: pl.DataFrame
    quarantined: pl.DataFrame

    @property
    def counts(self) -> LoadCounts:
        """Counts of the ledger. Raises ValueError where rows in are not accepted + quarantined."""
        return LoadCounts(self.outcome, self.reason, self.rows_in, self.accepted.height, self.quarantined.height)

    def __post_init__(self) -> None:
        _ = self.counts


def refused_reading(reason: str, outcome: Outcome = "refused") -> Reading:
    """Return the reading of a file without rows: `refused`, or an `outage` (no bytes)."""
    return Reading(outcome, reason, 0, pl.DataFrame(), pl.DataFrame(schema=QUARANTINE_SCHEMA))


ReadFile = Callable[["LandedFile", bytes, str], Reading]
"""(file, content, load id) -> reading."""


@dataclass(frozen=True)
class PartitionCounts:
    """Rows that one partition of a raw table holds, and the current files that touch it."""

    rows: int
    files: int
    outages: int
    """Files of it that hold no bytes."""


NO_FILES = PartitionCounts(rows=0, files=0, outages=0)
"""Counts of a partition that no file touches."""


def load_waiting(
    landing: Landing, source: Source, read: ReadFile, *, partitions: Collection[str] | None = None
) -> LoadTotals:
    """Read each waiting file of a source once and write all partitions that it touches.

    With `partitions`, only files that touch one of them, or of which the partitions are unknown. Rows of other files
    stay as they are; rows of earlier loads of the same file name are exchanged.

    A file that its reader cannot read is refused with the reason. Raises InputError for landed bytes that are missing
    or changed and StepFailedError for rows that the table rejects, both after all other files were loaded.
    """
    pending = [file for file in landing.waiting_files(source.reader) if partitions is None or touches(file, partitions)]
    if partitions is not None:
        pending += waiting_versions(landing, source.reader, partitions, known=pending)
    return _load_all(landing, source, read, pending, chosen=None)


def rebuild(landing: Landing, source: Source, read: ReadFile, partitions: Collection[str]) -> LoadTotals:
    """Rebuild partitions from all current files that touch them, reading each file once.

    Waiting files are loaded as by `load_waiting`. Of a loaded file only the rows of these partitions are exchanged,
    unless it reads differently than its load recorded: then all its partitions are. Rows of superseded files are
    removed. Raises as `load_waiting` does.
    """
    chosen = frozenset(partitions)
    current = [
        file
        for file in landing.files(source.reader.source, current=True)
        if file.data_origin is not None and touches(file, chosen)
    ]
    current += waiting_versions(landing, source.reader, chosen, known=current)
    _remove_superseded(landing, source, chosen)
    return _load_all(landing, source, read, current, chosen=chosen)


def partition_counts(
    landing: Landing, source: Source, partitions: Collection[str] | None = None
) -> dict[str, PartitionCounts]:
    """Return the counts of partitions (None: all), from the ledger; a partition that no file touches is left out.

    Counted are current files as the present reader read them, which are the rows of the table once none waits.
    """
    found = landing.warehouse.rows(
        """
        select written.partition, sum(written.accepted)::bigint, count(*)::int,
            sum((loads.outcome = 'outage')::int)::int
        from ops.load_partitions as written join ops.loads using (load_id) join ops.files using (file_id)
        where files.source = $1 and loads.reader = $2 and loads.reader_version = $3
            and loads.state = 'committed' and files.superseded_by is null
            and ($4 or written.partition = any ($5::text[]))
        group by written.partition
        """,
        [
            source.reader.source,
            source.reader.name,
            source.reader.version,
            partitions is None,
            list(partitions or ()) or "{}",
        ],
    )
    return {partition: PartitionCounts(rows, files, outages) for partition, rows, files, outages in found}


def analyse(landing: Landing, table: str) -> None:
    """Renew the planner's statistics of a raw table and of the ledger after files were loaded."""
    landing.warehouse.analyse(table, "ops.files", "ops.loads", "ops.load_partitions")


def refuse(landing: Landing, file: LandedFile, reader: Reader, reason: str) -> None:
    """Record the refusal of a file that no reader recognises."""
    with landing.warehouse.transaction(role="ingest") as transaction:
        record_load(transaction, file, reader, refused_reading(reason).counts)
        commit_load(transaction, file, reader, ())


def account_empty(landing: Landing, file: LandedFile, reader: Reader) -> None:
    """Record a file without bytes whose earlier version stays current: it never waits to be read."""
    with landing.warehouse.transaction(role="ingest") as transaction:
        if not is_current(transaction, file):
            record_load(transaction, file, reader, refused_reading("no bytes", "outage").counts)
            commit_load(transaction, file, reader, file.partitions or ())


def account(landing: Landing, file: LandedFile, reader: Reader, reading: Reading) -> None:
    """Record the reading of a file that has no raw table, for each partition that it touches."""
    partitions = file.partitions or ()
    with landing.warehouse.transaction(role="ingest") as transaction:
        record_load(transaction, file, reader, reading.counts, reading.quarantined)
        for partition in partitions:
            record_partition(transaction, file, reader, partition, reading.accepted.height)
        commit_load(transaction, file, reader, partitions)


# --- which files ----------------------------------------------------------------------------------------


# --- one file -------------------------------------------------------------------------------------------


def _load_all(
    landing: Landing, source: Source, read: ReadFile, files: Sequence[LandedFile], *, chosen: frozenset[str] | None
) -> LoadTotals:
    totals, failures, is_input = LoadTotals(), [], True
    queue, done = deque(files), 0
    task = f"{source.table.name.replace('.', '/')}: files"
    while queue:
        progress.report(task, done, done + len(queue))
        file = queue.popleft()
        try:
            totals, restored = _load_file(landing, source, read, file, chosen, totals)
        except InputError as error:
            failures.append(str(error))
        except adbc_driver_manager.Error as error:
            failures.append(f"{file.name}: {source.table.name} does not take its rows: {error}")
            is_input = False
        else:
            queue.extend(restored)
        done += 1
    progress.report(task, done, done)
    if failures:
        more = f"; and {len(failures) - MOST_FAILURES} more" if len(failures) > MOST_FAILURES else ""
        message = "; ".join(failures[:MOST_FAILURES]) + more
        raise InputError(message) if is_input else StepFailedError(message)
    return totals


def _load_file(
    landing: Landing,
    source: Source,
    read: ReadFile,
    file: LandedFile,
    chosen: frozenset[str] | None,
    totals: LoadTotals,
) -> tuple[LoadTotals, list[LandedFile]]:
    """Read one file and write its partitions; return the totals and an earlier version that has to be loaded instead.

    An earlier version is current again where this one is refused or has no rows: such a file never supersedes a file
    with rows.
    """
    reading, rows = _read(landing, source, read, file)
    counts = reading.counts
    if counts.outcome != "loaded":
        restored = restore_version(landing, file, source.reader, counts)
        if restored is not None:
            return totals.add(counts, ()), restored
    declared = () if reading.outcome == "refused" and file.partitions is None else file.partitions or ()
    kept = sorted(rows) or sorted(declared)
    touched = sorted({*kept, *_stored_partitions(landing, source, file)})
    is_whole = chosen is None or not _is_recorded(landing, source, file, reading)
    if chosen is not None and not is_whole:
        touched = [partition for partition in touched if partition in chosen]
    steps: list[str | None] = [*touched] or [None]
    for step in steps:
        with landing.warehouse.transaction(role="ingest") as transaction:
            if step is not None:
                transaction.lock(source.reader.source, step)
            if not is_current(transaction, file):
                return totals, []  # superseded meanwhile: the file in its place waits and removes these rows
            if is_whole and step == steps[0]:
                record_load(transaction, file, source.reader, counts, reading.quarantined)
            if step is not None:
                _exchange_rows(transaction, source, file, step, rows.get(step))
                if step in kept:
                    height = rows[step].height if step in rows else 0
                    record_partition(transaction, file, source.reader, step, height)
            if is_whole and step == steps[-1]:
                commit_load(transaction, file, source.reader, kept)
    return totals.add(counts, touched), []


def _read(
    landing: Landing, source: Source, read: ReadFile, file: LandedFile
) -> tuple[Reading, Mapping[str, pl.DataFrame]]:
    """Read a file and split its accepted rows by partition.

    A reader that fails is a refusal of this file; a file without rows is an outage, whether or not it has bytes.
    """
    packed = landing.read(file)
    try:
        with open_unpacked(io.BytesIO(packed), file.name) as stream:  # within its bounds, or it would not have landed
            content = stream.read()
        reading = read(replace(file, name=unpacked_name(file.name)), content, file.load_id(source.reader))
        if reading.outcome == "loaded" and not reading.rows_in:
            reading = refused_reading(NO_ROW, "outage")
        return reading, _split(reading.accepted, source.table.partition_column)
    except Exception as error:  # an error of a reader costs its file only
        reader = f"{source.reader.name} {source.reader.version}"
        return refused_reading(f"reader {reader} failed: {type(error).__name__}: {str(error)[:500]}"), {}


def _split(accepted: pl.DataFrame, column: str) -> Mapping[str, pl.DataFrame]:
    if accepted.is_empty():
        return {}
    keyed = accepted.with_columns(pl.col(column).cast(pl.String).alias("_partition"))
    parts = keyed.partition_by("_partition", as_dict=True, include_key=False)
    if (None,) in parts:
        raise ValueError(f"{parts[(None,)].height} rows without {column}, by which the table is partitioned")
    return {checked_key(str(key), what="partition"): part for (key,), part in parts.items()}


def _is_recorded(landing: Landing, source: Source, file: LandedFile, reading: Reading) -> bool:
    """True if a committed load of this file and reader has the same outcome and counts."""
    found = landing.warehouse.rows(
        "select outcome, reason, rows_in, accepted, quarantined from ops.loads"
        " where load_id = $1 and state = 'committed'",
        [file.load_id(source.reader)],
    )
    counts = (reading.rows_in, reading.accepted.height, reading.quarantined.height)
    return found == [(reading.outcome, reading.reason, *counts)]


# --- rows -----------------------------------------------------------------------------------------------


def _stored_partitions(landing: Landing, source: Source, file: LandedFile) -> list[str]:
    """Return the partitions in which any version of a file has rows."""
    with landing.warehouse.transaction() as transaction:
        loads = version_loads(transaction, file)
        if not loads:
            return []
        found = transaction.rows(
            f"select distinct {source.table.partition_column}::text from {source.table.name}"  # noqa: S608
            " where load_id = any ($1)",
            [loads],
        )
    return [partition for (partition,) in found]


def _exchange_rows(
    transaction: Transaction, source: Source, file: LandedFile, partition: str, rows: pl.DataFrame | None
) -> None:
    """Replace the rows of all versions of a file in one partition."""
    table = source.table
    transaction.execute(
        f"delete from {table.name} where load_id = any ($1)"  # noqa: S608  (our own names)
        f" and {table.partition_column} = $2::{table.partition_type}",
        [version_loads(transaction, file) or "{}", partition],
    )
    if rows is not None:
        transaction.insert(table.name, rows, json_columns=table.json_columns)


def _remove_superseded(landing: Landing, source: Source, partitions: Collection[str]) -> None:
    """Delete rows of superseded files that no waiting file replaces, in these partitions."""
    table, reader = source.table, source.reader
    for partition in sorted(partitions):
        with landing.warehouse.transaction(role="ingest") as transaction:
            transaction.lock(reader.source, partition)
            transaction.execute(
                f"""
                delete from {table.name} where {table.partition_column} = $1::{table.partition_type}
                and load_id in (
                    select load_id from ops.loads join ops.files using (file_id)
                    where source = $2 and superseded_by is not null
                )
                """,  # noqa: S608  (our own names)
                [partition, reader.source],
            )
