"""Loading of landed files into tables of the lake: each file is read once, in batches, and loads are transactions.

The rows of several files are spilled to a private folder and written as one fragment for each partition and bucket. The
transaction that commits their loads makes them live and takes out the rows of other loads of the same file names.
Wherever a process is killed, a file still waits, or its load is committed with all its rows.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, cast

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.ingest.background import read_ahead
from ons_bigdata.platform.ingest.landed_bytes import LandedFileError
from ons_bigdata.platform.ingest.landing import checked_key
from ons_bigdata.platform.ingest.lanes.reading import Lanes, ReaderFailedError, StampedFile
from ons_bigdata.platform.ingest.ledger import (
    NO_ROW,
    QUARANTINED_LINES,
    LoadCounts,
    LoadTotals,
    commit_load,
    first_of_each_reason,
    is_current,
    record_load,
    record_partitions,
    restore_version,
    touches,
    version_loads,
    waiting_versions,
)
from ons_bigdata.platform.ingest.loading import MOST_FAILURES, PartitionCounts
from ons_bigdata.platform.ingest.redaction import delete_unreadable, finish_redactions, redact, rules_version
from ons_bigdata.platform.ingest.sources import HEAD_BYTES
from ons_bigdata.platform.ingest.unpacking import CHUNK_BYTES, CountedStream, open_unpacked, unpacked_name
from ons_bigdata.platform.lake.spill import Spill
from ons_bigdata.platform.processors import usable_processors

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
    from typing import IO

    from ons_bigdata.platform.ingest.bulk import Batch, LineReader, ReadBatches
    from ons_bigdata.platform.ingest.landing import LandedFile, Landing
    from ons_bigdata.platform.ingest.redaction import Rules
    from ons_bigdata.platform.ingest.sources import AdapterContext, BulkAdapter, BulkSource
    from ons_bigdata.platform.lake import Lake
    from ons_bigdata.platform.lake.files import LakeFile, Place, Writing
    from ons_bigdata.platform.postgres.warehouse import Transaction

MOST_REASONS = 100
"""Most different reasons of quarantined lines in one file: a reason is a fixed text, without content of the row."""

MOST_GROUPED_FILES = 64
MOST_GROUPED_ROWS = 200_000_000
"""Files, or rows, that are written and committed together: what a kill may cost, and disk for the rows on their way."""

PROCESSES = 2
PARALLEL_BYTES = 1024**3
"""Processes that read large files side by side, and bytes of waiting files from which they are started: to begin costs
each a second of processor time, in which a quarter of a gigabyte is read."""

MOST_KEYS = 20
"""Most partition keys that an error message lists."""

BEFORE_CALENDAR = "before the first day of the calendar"
AFTER_ARRIVAL = "dated after the arrival of the file"


@dataclass(frozen=True)
class BulkLoader:
    """A bulk source with the places of its files and rows."""

    landing: Landing
    lake: Lake
    source: BulkSource
    read_batches: ReadBatches
    key_id: Callable[[], str | None] | None
    """Name of the key of the pseudonyms, asked for where a file waits; None for a source without."""
    read_rules: Callable[[], Rules] | None = None
    """Rules by which lines of a file have to go before it is read; None for a source without."""
    line_reader: Callable[[], LineReader | None] | None = None
    """Reader of stretches of lines for several processes, asked for where a file waits; None for a source without."""
    processes: int = PROCESSES
    """Processes that read large files side by side; files are read in this process where there is only one."""
    parallel_bytes: int = PARALLEL_BYTES

    def load_waiting(self, *, partitions: Collection[str] | None = None) -> LoadTotals:
        """Read each waiting file once and write its rows to the lake; then compact the table.

        With `partitions`, only files that touch one of them, or of which the partitions are unknown. A file that its
        reader cannot read is refused with the reason. Raises InputError for landed bytes that are missing or changed,
        after all other files were loaded; and before any is read, for a key other than that of the rows in the table.
        """
        reader = self.source.reader
        pending = [
            file for file in self.landing.waiting_files(reader) if partitions is None or touches(file, partitions)
        ]
        if partitions is not None:
            pending += waiting_versions(self.landing, reader, partitions, known=pending)
        key_id = self._checked_key_id() if pending else None
        totals, failures = self._load_all(pending, key_id)
        self.lake.compact(self.source.table)
        if totals.partitions:
            self.lake.remove_orphans(self.source.table, totals.partitions)
        if failures:
            more = f"; and {len(failures) - MOST_FAILURES} more" if len(failures) > MOST_FAILURES else ""
            raise InputError("; ".join(failures[:MOST_FAILURES]) + more)
        return totals

    def rebuild(self, partitions: Collection[str] | None = None) -> LoadTotals:
        """Load the waiting files that touch partitions, and read again the files of which a fragment is damaged.

        Without `partitions`, of all of them. A partition is the live fragments of its current files, so that nothing
        else is read.
        """
        with self.landing.warehouse.transaction(role="ingest") as transaction:
            damaged = self.lake.end_damaged(transaction, self.source.table, partitions)
            transaction.execute(
                "update ops.loads set state = 'started', finished_at = null where load_id = any ($1::text[])",
                [sorted(damaged) or "{}"],
            )
        return self.load_waiting(partitions=partitions)

    def partition_counts(self, partitions: Collection[str] | None = None) -> dict[str, PartitionCounts]:
        """Rows of the partitions (None: all) and the files that they came from, by the catalog of the lake."""
        found = self.landing.warehouse.rows(
            """
            select partition, sum(rows)::bigint,
                (select count(distinct load_id)::int from ops.lake_files as files, unnest(load_ids) as load (load_id)
                where files.table_name = $1 and files.partition = lake_files.partition)
            from ops.lake_files where table_name = $1 and ($2 or partition = any ($3::text[])) group by partition
            """,
            [self.source.table.name, partitions is None, list(partitions or ()) or "{}"],
        )
        return {partition: PartitionCounts(rows, files, 0) for partition, rows, files in found}

    def _checked_key_id(self) -> str | None:
        """Return the name of the key. Raises InputError where there are rows with pseudonyms of another key."""
        key_id = None if self.key_id is None else self.key_id()
        if key_id is not None:
            with self.landing.warehouse.transaction(role="ingest") as transaction:
                _refuse_other_key(transaction, key_id)
        return key_id

    def _load_all(self, files: Sequence[LandedFile], key_id: str | None) -> tuple[LoadTotals, list[str]]:
        totals, failures = LoadTotals(), []
        queue, done = deque(files), 0
        task = f"{self._table}: files"
        while queue:
            group = _Group(self.lake, self.source, self._open_lanes(queue))
            with group:
                while queue and not group.is_full:
                    progress.report(task, done, done + len(queue))
                    done += 1
                    try:
                        queue.extend(self._read_into(group, queue.popleft()))
                    except InputError as error:
                        failures.append(str(error))
                loaded, again = self._commit(group, key_id)
            queue.extend(again)
            for counts, partitions in loaded:
                totals = totals.add(counts, partitions)
        progress.report(task, done, done)
        return totals, failures

    def _open_lanes(self, files: Iterable[LandedFile]) -> Lanes | None:
        """Return processes that read files side by side; None where there is one or the files are small."""
        reader = None if self.line_reader is None else self.line_reader()
        size = sum(file.size_bytes or 0 for file in files if file.stamp is not None)
        return Lanes(reader, self.processes) if reader and self.processes > 1 and size >= self.parallel_bytes else None

    def _read_into(self, group: _Group, file: LandedFile) -> list[LandedFile]:
        """Read one file into a group of files; return a version to load in its place.

        That is an earlier one of a file that is refused or has no rows.
        """
        source, reader = self.source, self.source.reader
        rules = None if self.read_rules is None else self.read_rules()
        is_searched = rules is None or not rules.version
        if rules is not None and not is_searched:
            try:
                file = redact(self.landing, file, rules).file
                is_searched = True
            except LandedFileError:
                raise
            except InputError:  # it cannot be unpacked: its reader refuses it
                is_searched = False
            finish_redactions(self.landing)
        reading = _BulkReading(source, file, group.spill, None if rules is None else rules.version)
        try:
            counts = self._read(file, reading, group.lanes)
        except InputError:
            group.spill.remove(reading.load_id)
            raise
        if counts.outcome != "loaded":
            group.spill.remove(reading.load_id)
            restored = restore_version(self.landing, file, reader, counts)
            if not is_searched:
                delete_unreadable(self.landing, file)
            if restored is not None:
                group.settled.append((counts, ()))
                return restored
        group.readings.append((reading, counts))
        return []

    def _commit(
        self, group: _Group, key_id: str | None
    ) -> tuple[list[tuple[LoadCounts, Collection[str]]], list[LandedFile]]:
        """Commit the loads of a group of files in one transaction; return the counts and partitions of each.

        Where a file was superseded meanwhile, or there are new rules by which lines have to go, nothing is committed,
        and the files that are current are returned, to be loaded again.
        """
        source, reader = self.source, self.source.reader
        group.end_reading()
        if not group.readings:
            return group.settled, []
        fragments = self._write(group)
        with self.landing.warehouse.transaction(role="ingest") as transaction:
            self.lake.lock(transaction, source.table)
            if key_id is not None:
                _refuse_other_key(transaction, key_id)  # another process may have loaded meanwhile
            version = None if self.read_rules is None else rules_version(transaction, source.name)
            files = [reading.file for reading, _ in group.readings]
            current = [file for file in files if is_current(transaction, file)]
            if len(current) < len(files) or any(reading.rules_version != version for reading, _ in group.readings):
                return group.settled, current  # the file in the place of a superseded one waits
            gone = []
            for reading, counts in group.readings:
                is_loaded = counts.outcome == "loaded"
                quarantined = reading.quarantined() if is_loaded else None
                gone += version_loads(transaction, reading.file)
                reasons = reading.reasons
                record_load(transaction, reading.file, reader, counts, quarantined, reasons=reasons, key_id=key_id)
                record_partitions(transaction, reading.file, reader, reading.partitions if is_loaded else {})
            lost = self.lake.exchange(transaction, source.table, group.opened, fragments, gone)
            for reading, counts in group.readings:
                accepted = reading.partitions if counts.outcome == "loaded" else {}
                commit_load(transaction, reading.file, reader, sorted(accepted))
        loaded = [
            (counts, {*reading.partitions, *lost} if counts.outcome == "loaded" else lost)
            for reading, counts in group.readings
        ]
        return [*group.settled, *loaded], []

    def _read(self, file: LandedFile, reading: _BulkReading, lanes: Lanes | None) -> LoadCounts:
        """Read a file into the spill. A reader that fails is a refusal of this file."""
        source, size = self.source, file.size_bytes or 0
        is_large = size > progress.LARGE_FILE_BYTES
        task = f"{self._table}: reading {file.name}"
        stamped = None if lanes is None else self._stamped(file, lanes.reader)
        try:
            parts = self._read_in_order(file) if lanes is None or stamped is None else lanes.read(stamped)
            with closing(parts) as batches:
                for batch, place in batches:
                    reading.add(batch)
                    if is_large:
                        progress.report_bytes(task, min(place, size - 1), size)
        except (LandedFileError, UnavailableError, OSError, MemoryError):
            raise
        except InputError as error:
            return _refused(str(error))
        except Exception as error:  # an error of a reader costs its file only
            text = "" if source.is_personal else f": {str(error)[:500]}"  # which may hold content of the file
            kind = error.kind if isinstance(error, ReaderFailedError) else type(error).__name__
            return _refused(f"reader {source.reader.name} {source.reader.version} failed: {kind}{text}")
        finally:
            if is_large:
                progress.report_bytes(task, size, size)
        return reading.counts()

    def _read_in_order(self, file: LandedFile) -> Generator[tuple[Batch, int]]:
        """Yield the batches of a file, read by this process, and the place in the file up to which it was read."""
        with self.landing.open(file) as landed:
            packed = CountedStream(landed)
            stream = open_unpacked(
                cast("IO[bytes]", packed),
                file.name,
                max_bytes=self.source.max_file_bytes,
                max_ratio=None
                if file.is_redacted
                else self.source.max_ratio,  # equal lines are packed to next to nothing
            )
            with closing(read_ahead(self.read_batches(stream, unpacked_name(file.name)))) as batches:
                for batch in batches:
                    yield batch, packed.count
            while landed.read(CHUNK_BYTES):  # to the end, where the hash is compared
                pass

    def _stamped(self, file: LandedFile, reader: LineReader) -> StampedFile | None:
        """Return a file for several processes; None where one has to read it, as a packed or a changed one."""
        size = file.size_bytes or 0
        is_plain = unpacked_name(file.name) == file.name and size <= self.source.max_file_bytes
        if file.stamp is None or not is_plain or not self.landing.is_stamped(file):
            return None
        with self.landing.open(file) as landed:
            is_by_line = reader.is_by_line(file.name, landed.read(HEAD_BYTES))
        return StampedFile(self.landing.path(file), file.name, file.stamp, size) if is_by_line else None

    @property
    def _table(self) -> str:
        return self.source.table_name.replace(".", "/")

    def _write(self, group: _Group) -> list[LakeFile]:
        places: Iterator[tuple[Place, Iterable[pl.DataFrame]]] = group.spill.places()
        files = [reading.file for reading, _ in group.readings]
        if sum(file.size_bytes or 0 for file in files) > progress.LARGE_FILE_BYTES:
            what = files[0].name if len(files) == 1 else f"{len(files)} files"
            places = progress.track(f"{self._table}: writing the rows of {what}", places)
        return group.opened.write_places(self.source.table, places)


def bulk_loader(
    landing: Landing, lake: Lake, source: BulkSource, open_context: Callable[[], AdapterContext]
) -> BulkLoader:
    """Return the loader of a source.

    Its key is asked for once a file waits. Loading raises what `open_context` raises, and InputError for a personal
    source without its key, before any file is read.
    """

    @cache
    def opened() -> tuple[BulkAdapter, str | None]:
        context = open_context()
        adapter = source.open_adapter(context)
        key = context.pseudonym_key if source.is_personal else None
        return adapter, None if key is None else key.key_id

    def read_batches(stream: IO[bytes], name: str) -> Iterator[Batch]:
        return opened()[0].read_batches(stream, name)

    of_source = source.read_rules
    read_rules = None if of_source is None else lambda: of_source(landing, open_context().pseudonym_key)
    return BulkLoader(
        landing,
        lake,
        source,
        read_batches,
        lambda: opened()[1],
        read_rules,
        lambda: opened()[0].line_reader,
        processes=min(PROCESSES, usable_processors()),
    )


def _refuse_other_key(transaction: Transaction, key_id: str) -> None:
    """Raise InputError where rows of any source have pseudonyms of another key than this one: all share one key."""
    others = transaction.rows(
        "select distinct source, key_id from ops.loads join ops.files using (file_id)"
        " where state = 'committed' and key_id <> $1 order by source, key_id",
        [key_id],
    )
    if others:
        source, other = others[0]
        raise InputError(
            f"the pseudonym key is {key_id}, but there are rows of {source} with pseudonyms of the key {other}: "
            "the same person would have two pseudonyms"
        )


def _refused(reason: str) -> LoadCounts:
    return LoadCounts("refused", reason, 0, 0, 0)


class _Group:
    """Files whose rows are written together: each place of the lake gets one file, which need not be compacted."""

    def __init__(self, lake: Lake, source: BulkSource, lanes: Lanes | None = None) -> None:
        self._source = source
        self._stack = ExitStack()
        self.lanes = lanes
        """Processes that read its large files; None where this process reads all."""
        if lanes is not None:
            self._stack.callback(lanes.close)
        self.opened: Writing = self._stack.enter_context(lake.writing())
        self.spill = Spill(self.opened.folder, source.table)
        self.readings: list[tuple[_BulkReading, LoadCounts]] = []
        """Files that were read, with their counts."""
        self.settled: list[tuple[LoadCounts, Collection[str]]] = []
        """Counts of files in whose place an earlier version is loaded."""

    def __enter__(self) -> None:
        self._stack.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def end_reading(self) -> None:
        """End the processes that read files."""
        if self.lanes is not None:
            self.lanes.close()

    @property
    def is_full(self) -> bool:
        """True if no further file is added. With rules by which lines have to go, each file is committed by itself."""
        rows = sum(counts.accepted for _, counts in self.readings)
        most = 1 if self._source.read_rules is not None else MOST_GROUPED_FILES
        return rows >= MOST_GROUPED_ROWS or len(self.readings) + len(self.settled) >= most


@dataclass
class _BulkReading:
    """Rows of a file that was read so far: accepted ones in the spill, the first quarantined lines of each reason."""

    source: BulkSource
    file: LandedFile
    spill: Spill
    rules_version: int | None
    rows_in: int = 0
    accepted: int = 0
    partitions: dict[str, int] = field(default_factory=dict)
    """Accepted rows by partition."""
    reasons: dict[str, int] = field(default_factory=dict)
    _lines: list[pl.DataFrame] = field(default_factory=list)
    _faults: dict[str, str | None] = field(default_factory=dict)
    """Partition -> reason why its rows are quarantined, or None."""

    def add(self, batch: Batch) -> None:
        """Add a batch.

        Raises InputError for other columns than the table's, rows without partition and too many reasons.
        """
        self.rows_in += batch.rows_in
        self._quarantine(batch.quarantined)
        if batch.accepted.is_empty():
            return
        expected = {name: dtype for name, dtype in self.source.table.columns.items() if name != "load_id"}
        if dict(batch.accepted.schema) != expected:
            if dict(sorted(batch.accepted.schema.items())) != dict(sorted(expected.items())):
                raise InputError(f"accepted rows have {dict(batch.accepted.schema)}; expected {expected}")
            batch = type(batch)(batch.rows_in, batch.accepted.select(list(expected)), batch.quarantined)
        rows = batch.accepted
        keys = rows[self.source.partition_column]
        if keys.null_count():
            raise InputError(f"{keys.null_count()} rows without {keys.name}, by which the table is partitioned")
        texts = {key: str(key) for key in keys.unique()}
        for text in texts.values():
            if text not in self._faults:
                self._faults[text] = self._fault(text)
        if any(self._faults[text] is not None for text in texts.values()):
            faults = {key: self._faults[text] for key, text in texts.items()}
            reason = keys.replace_strict(faults, return_dtype=pl.String)
            self._quarantine(rows.select("line", reason.alias("reason")).filter(pl.col("reason").is_not_null()))
            rows, keys = rows.filter(reason.is_null()), keys.filter(reason.is_null())
        self.accepted += rows.height
        for key, count in keys.value_counts().iter_rows():
            self.partitions[texts[key]] = self.partitions.get(texts[key], 0) + count
        self.spill.add(self.load_id, rows, keys)

    @property
    def load_id(self) -> str:
        """Load of the file by the source's reader."""
        return self.file.load_id(self.source.reader)

    def quarantined(self) -> pl.DataFrame:
        """Lines to be kept in the ledger, without content."""
        if not self._lines:
            return pl.DataFrame(schema={"line": pl.Int64, "reason": pl.String, "content": pl.String})
        lines = pl.concat(self._lines).unique("line", keep="first", maintain_order=True)
        return first_of_each_reason(lines).with_columns(content=pl.lit(None, pl.String))

    def counts(self) -> LoadCounts:
        """Counts of the ledger; a file without rows is an outage."""
        if not self.rows_in:
            return LoadCounts("outage", NO_ROW if self.file.size_bytes else "no bytes", 0, 0, 0)
        return LoadCounts("loaded", None, self.rows_in, self.accepted, sum(self.reasons.values()))

    def _quarantine(self, lines: pl.DataFrame) -> None:
        if lines.is_empty():
            return
        before = dict(self.reasons)
        for reason, count in lines["reason"].value_counts().iter_rows():
            self.reasons[reason] = before.get(reason, 0) + count
        if len(self.reasons) > MOST_REASONS:
            raise InputError(f"more than {MOST_REASONS} reasons of quarantined lines; expected a few fixed texts")
        full = [reason for reason, count in before.items() if count >= QUARANTINED_LINES]
        self._lines.append(first_of_each_reason(lines.filter(~pl.col("reason").is_in(full))))

    def _fault(self, key: str) -> str | None:
        """Reason why rows of a partition are quarantined; None within the calendar up to the file's arrival.

        Raises InputError for a key that is none of the source's partitions.
        """
        checked_key(key, what="partition")
        calendar = self.source.calendar
        if calendar is None:
            if key not in self.source.partition_keys:
                known = ", ".join(sorted(self.source.partition_keys)[:MOST_KEYS])
                raise InputError(f"partition {key!r} is none of {self.source.table_name}; known: {known}")
            return None
        try:
            day = date.fromisoformat(key)
        except ValueError as error:
            raise InputError(f"partition {key!r} is not a day; expected YYYY-MM-DD") from error
        if calendar.key(day) != key:
            raise InputError(f"partition {key} is not the first day of a {calendar.cadence.value}")
        if day < calendar.period_start(calendar.first_day):
            return BEFORE_CALENDAR
        # the arrival is in UTC: at that moment it is tomorrow somewhere
        return AFTER_ARRIVAL if day > self.file.landed_at.date() + timedelta(days=1) else None
