"""Catalog of the lake: which files are live, the scan of a table, exchange of a load's files, compaction, orphans."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest.landing import checked_key
from ons_bigdata.platform.lake.files import WRITING, LakeFile, Place, Writing, footer_rows, remove_abandoned, writing
from ons_bigdata.platform.lake.tables import LakeTable, bucket_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

ORPHAN_AGE_S = 3600.0
"""Seconds for which a file that is not live is kept: longer than a reader or an exchange takes."""

DERIVED = "all"
"""Partition of the rows of a derived table."""

LOCK_TIMEOUT = "10min"
"""Longest wait for another exchange of files, which may write many of them anew."""


@dataclass(frozen=True)
class RemovedRows:
    """Rows that were taken out of a table."""

    counts: pl.DataFrame
    """load_id, partition and rows."""
    lines: pl.DataFrame
    """load_id and line of some of them."""
    entities: pl.Series
    """Entities that lost rows."""


_ALL_LIVE = "select table_name, partition, bucket, sha256, rows, size_bytes, load_ids from ops.lake_files"
_LIVE = f"{_ALL_LIVE} where table_name = $1"


@dataclass(frozen=True)
class Lake:
    """The folder of the lake with its ledger."""

    folder: Path
    warehouse: Warehouse

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Open a private folder for files that are written and then published."""
        with writing(self.folder) as opened:
            yield opened

    def write(self, table: LakeTable, partition: str, rows: pl.DataFrame) -> list[LakeFile]:
        """Write rows of one partition, a file for each bucket that has any. They are live after `make_live`.

        Raises ValueError for a row without entity.
        """
        checked_key(partition, what="partition")
        buckets = rows.select(bucket_of(pl.col(table.entity_column), table.buckets).alias("bucket"))["bucket"]
        if buckets.null_count():
            row = buckets.is_null().to_list().index(True)
            raise ValueError(f"lake table {table.name}, row {row}: {table.entity_column} is null; expected an entity")
        parts = rows.with_columns(buckets.alias("__bucket")).partition_by(
            "__bucket", as_dict=True, include_key=False, maintain_order=True
        )
        with self.writing() as opened:
            files = [
                opened.write(table, partition, int(bucket), _divide(table, int(bucket), part))
                for (bucket,), part in sorted(parts.items())
            ]
            opened.publish()
        return files

    def lock(self, transaction: Transaction, table: LakeTable) -> None:
        """Acquire the lock under which the live files of a table are exchanged, until the transaction ends."""
        transaction.lock("lake", table.name, timeout=LOCK_TIMEOUT)

    def make_live(self, transaction: Transaction, table: LakeTable, files: Iterable[LakeFile]) -> None:
        """Enter published files into the ledger, within the transaction that commits their load.

        Raises InputError where the table has another number of buckets in the ledger.
        """
        self._fix_buckets(transaction, table)
        listed = list(files)
        transaction.execute(
            "insert into ops.lake_files (table_name, partition, bucket, sha256, rows, size_bytes, load_ids)"
            " select $1, partition, bucket, sha256, rows, size_bytes, string_to_array(load_ids, ',')"
            " from unnest($2::text[], $3::int[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])"
            " as file (partition, bucket, sha256, rows, size_bytes, load_ids) on conflict do nothing",
            [
                table.name,
                [file.partition for file in listed] or "{}",
                [file.bucket for file in listed] or "{}",
                [file.sha256 for file in listed] or "{}",
                [file.rows for file in listed] or "{}",
                [file.size_bytes for file in listed] or "{}",
                [",".join(file.load_ids) for file in listed] or "{}",
            ],
        )

    def exchange(
        self,
        transaction: Transaction,
        table: LakeTable,
        opened: Writing,
        files: Sequence[LakeFile],
        gone: Collection[str],
    ) -> set[str]:
        """Make written files live and take the rows of the loads `gone` out of the table, within a transaction.

        Files with rows of other loads, too, are written anew without them. Return the partitions that lost rows.
        Another exchange or compaction of the table waits until the transaction ends.
        """
        self.lock(transaction, table)
        stale = _files(transaction.frame(f"{_LIVE} and load_ids && $2::text[]", [table.name, list(gone) or "{}"]))
        stays = ~pl.col("load_id").is_in(list(gone))
        kept = [
            file
            for place, files in _by_place(stale)
            for file in self._merged(
                table, opened, place, [file for file in files if not set(file.load_ids) <= set(gone)], stays
            )
        ]
        self._end(transaction, stale)
        opened.publish()
        self.make_live(transaction, table, [*files, *kept])
        return {file.partition for file in stale}

    def write_bucket(
        self, table: LakeTable, bucket: int, rows: pl.DataFrame, opened: Writing, *, load_ids: Collection[str]
    ) -> list[LakeFile]:
        """Write the rows of a bucket of a derived table, which `load_ids` are behind; none where there is no row.

        They are live after `replace_bucket`.
        """
        return write_derived(table, bucket, rows, opened, load_ids=load_ids)

    def replace_bucket(
        self, transaction: Transaction, table: LakeTable, bucket: int, opened: Writing, files: Sequence[LakeFile]
    ) -> None:
        """Make written files the only live ones of a bucket of a derived table, within a transaction."""
        self.lock(transaction, table)
        live = _files(transaction.frame(f"{_LIVE} and bucket = $2", [table.name, bucket]))
        names = {file.name for file in files}
        self._end(transaction, [file for file in live if file.name not in names])
        opened.publish()
        self.make_live(transaction, table, files)

    def files(
        self,
        table: LakeTable,
        *,
        partitions: Collection[str] | None = None,
        buckets: Collection[int] | None = None,
    ) -> list[LakeFile]:
        """Live files of a table, of some partitions and buckets or of all, by partition, bucket and name."""
        frame = self.warehouse.frame(
            f"{_LIVE} and ($2 or partition = any ($3::text[])) and ($4 or bucket = any ($5::int[]))"
            " order by partition, bucket, sha256",
            [
                table.name,
                partitions is None,
                list(partitions or ()) or "{}",
                buckets is None,
                list(buckets or ()) or "{}",
            ],
        )
        return _files(frame)

    def scan(
        self,
        table: LakeTable,
        *,
        partitions: Collection[str] | None = None,
        buckets: Collection[int] | None = None,
    ) -> pl.LazyFrame:
        """Rows of the live files of a table, lazily: of some partitions and buckets or of all. In no order."""
        paths = [self.folder / file.name for file in self.files(table, partitions=partitions, buckets=buckets)]
        if not paths:
            return pl.LazyFrame(schema=dict(table.columns))
        return pl.scan_parquet(paths, schema=dict(table.columns), missing_columns="raise", extra_columns="raise")

    def remove_rows(
        self,
        transaction: Transaction,
        table: LakeTable,
        opened: Writing,
        goes: pl.Expr,
        *,
        task: str,
        listed_lines: int,
    ) -> RemovedRows:
        """Remove the rows of a table of which an expression is true, within a transaction; return what went.

        Only files with such rows are written anew. Of each load, `listed_lines` lines are listed. The earlier files
        stay on disk until `remove_orphans`.
        """
        self.lock(transaction, table)
        files = _files(transaction.frame(f"{_LIVE} order by partition, bucket, sha256", [table.name]))
        goes = goes.fill_null(value=False)
        counts, lines, entities, ended, written = [], [], [], [], []
        for place, of_place in progress.track(task, list(_by_place(files))):
            columns = ["load_id", "line", table.entity_column]
            gone = self._rows(table, of_place).filter(goes).select(columns).collect()
            if gone.is_empty():
                continue
            counts.append(
                gone.group_by("load_id").agg(rows=pl.len().cast(pl.Int64)).with_columns(partition=pl.lit(place[0]))
            )
            lines.append(gone.sort("load_id", "line").group_by("load_id").head(listed_lines).select("load_id", "line"))
            entities.append(gone[table.entity_column].unique())
            ended += of_place
            written += self._merged(table, opened, place, of_place, ~goes)
        self._end(transaction, ended)
        opened.publish()
        self.make_live(transaction, table, written)
        transaction.execute(  # waits for writers of results that were computed before, and they for this one
            "insert into ops.lake_removals (table_name, removals) values ($1, 1)"
            " on conflict (table_name) do update set removals = lake_removals.removals + 1",
            [table.name],
        )
        if not counts:
            return RemovedRows(
                pl.DataFrame(schema={"load_id": pl.String, "rows": pl.Int64, "partition": pl.String}),
                pl.DataFrame(schema={"load_id": pl.String, "line": pl.Int64}),
                pl.Series(table.entity_column, dtype=pl.Int64),
            )
        every = pl.concat(lines).sort("load_id", "line").group_by("load_id", maintain_order=True).head(listed_lines)
        counted = pl.concat(counts).group_by("load_id", "partition", maintain_order=True).agg(pl.col("rows").sum())
        return RemovedRows(counted, every, pl.concat(entities).unique())

    def removals(self, table: LakeTable, transaction: Transaction | None = None) -> int:
        """Return how often rows were removed from a table by a rule. In a transaction, no other removal ends in it."""
        query = "select removals from ops.lake_removals where table_name = $1"
        if transaction is None:
            found = self.warehouse.rows(query, [table.name])
        else:
            found = transaction.rows(f"{query} for share", [table.name])
        return int(found[0][0]) if found else 0

    def without_loads(self, table: LakeTable, load_ids: Collection[str]) -> set[str]:
        """Remove the rows of loads from the table in one transaction; return the partitions that lost rows."""
        with self.writing() as opened, self.warehouse.transaction(role="ingest") as transaction:
            return self.exchange(transaction, table, opened, [], load_ids)

    def compact(self, table: LakeTable, *, partitions: Collection[str] | None = None) -> int:
        """Write the files of each partition and bucket as one, where there are several; return how many places were.

        The result depends on the rows alone: the same live files whatever the order in which they came. Each partition
        is one transaction.
        """
        compacted = 0
        several = {place[0] for place, files in _by_place(self.files(table, partitions=partitions)) if len(files) > 1}
        for partition in sorted(several):
            with self.writing() as opened, self.warehouse.transaction(role="ingest") as transaction:
                self.lock(transaction, table)
                live = _files(transaction.frame(f"{_LIVE} and partition = $2", [table.name, partition]))
                places = [(place, files) for place, files in _by_place(live) if len(files) > 1]
                rows = ((place, self._parts(table, place, files)) for place, files in places)
                merged = opened.write_places(table, rows)
                self._end(transaction, [file for _, files in places for file in files])
                opened.publish()
                self.make_live(transaction, table, merged)
            compacted += len(places)
        return compacted

    def remove_orphans(
        self, table: LakeTable | None = None, partitions: Collection[str] | None = None, *, age_s: float = ORPHAN_AGE_S
    ) -> list[Path]:
        """Remove files that are not live, and what writers left that were killed; return their paths.

        Of all tables, or one and some of its partitions. A file is kept for `age_s` after it was written or ended to be
        live: a reader may have listed it, or a writer may be about to make it live. Files of running writers are in
        locked folders.
        """
        abandoned = remove_abandoned(self.folder)
        folders = [self.folder]
        if table is not None:
            of_table = self.folder / table.name
            folders = [of_table] if partitions is None else [of_table / partition for partition in sorted(partitions)]
        oldest = time.time() - age_s
        candidates = [
            path for folder in folders for path in sorted(folder.rglob("*.parquet")) if path.stat().st_mtime <= oldest
        ]
        if not candidates:
            return abandoned
        live = {row[0] for row in self.warehouse.rows(
            "select table_name || '/' || partition || '/' || bucket || '/' || sha256 || '.parquet' from ops.lake_files"
        )}  # fmt: skip
        orphans = [
            path
            for path in candidates
            if path.relative_to(self.folder).as_posix() not in live and WRITING not in path.parts
        ]
        for path in orphans:
            path.unlink(missing_ok=True)
        return [*abandoned, *orphans]

    def faults(self, table: LakeTable) -> list[str]:
        """Faults of the live files: missing, unreadable, another number of rows than in the ledger."""
        return [fault for file in self.files(table) if (fault := self._fault(file)) is not None]

    def all_faults(self) -> list[str]:
        """Faults of the live files of all tables in the ledger."""
        frame = self.warehouse.frame(f"{_ALL_LIVE} order by table_name, partition, bucket, sha256")
        return [fault for file in _files(frame) if (fault := self._fault(file)) is not None]

    def end_damaged(self, transaction: Transaction, table: LakeTable, partitions: Collection[str] | None) -> set[str]:
        """Remove missing and damaged files of these partitions from the catalog; return the loads that have rows there.

        Of all partitions for None. The loads have to be read again.
        """
        damaged = [file for file in self.files(table, partitions=partitions) if self._fault(file) is not None]
        if damaged:
            self.lock(transaction, table)
            self._end(transaction, damaged)
        return {load_id for file in damaged for load_id in file.load_ids}

    def _fault(self, file: LakeFile) -> str | None:
        path = self.folder / file.name
        if not path.is_file():
            return f"{file.name}: missing"
        try:
            rows = footer_rows(path)
        except InputError as error:
            return f"{file.name}: {error}"
        return None if rows == file.rows else f"{file.name}: {rows} rows, the ledger has {file.rows}"

    def _merged(
        self, table: LakeTable, opened: Writing, place: Place, files: Sequence[LakeFile], stays: pl.Expr
    ) -> list[LakeFile]:
        """Write the rows of the files of one place that stay as one file, or as none."""
        if not files:
            return []
        partition, bucket = place
        kept = self._rows(table, files).filter(stays)
        count = int(kept.select(pl.len()).collect().item())
        return [opened.write(table, partition, bucket, _ranges(kept, table, bucket, count))] if count else []

    def _parts(self, table: LakeTable, place: Place, files: Sequence[LakeFile]) -> Iterator[pl.DataFrame]:
        """Rows of all files of a place in the order of the table, divided into its ranges."""
        return _ranges(self._rows(table, files), table, place[1], sum(file.rows for file in files))

    def _rows(self, table: LakeTable, files: Sequence[LakeFile]) -> pl.LazyFrame:
        """Rows of files, lazily. Raises StepFailedError for a damaged one."""
        for fault in filter(None, map(self._fault, files)):
            partition = files[0].partition
            raise StepFailedError(f"{fault}; materialise lake/{table.name} of {partition} to read its files again")
        paths = [self.folder / file.name for file in files]
        return pl.scan_parquet(paths, schema=dict(table.columns))

    def _end(self, transaction: Transaction, files: Sequence[LakeFile]) -> None:
        """Remove files from the ledger. They stay on disk for readers that have listed them, until they are orphans."""
        if not files:
            return
        transaction.execute(
            "delete from ops.lake_files using unnest($1::text[], $2::text[], $3::int[], $4::text[])"
            " as ended (table_name, partition, bucket, sha256) where lake_files.table_name = ended.table_name"
            " and lake_files.partition = ended.partition and lake_files.bucket = ended.bucket"
            " and lake_files.sha256 = ended.sha256",
            [
                [file.table for file in files],
                [file.partition for file in files],
                [file.bucket for file in files],
                [file.sha256 for file in files],
            ],
        )
        for file in files:
            with suppress(FileNotFoundError):
                os.utime(self.folder / file.name)

    def _fix_buckets(self, transaction: Transaction, table: LakeTable) -> None:
        transaction.execute(
            "insert into ops.lake_tables (table_name, buckets) values ($1, $2) on conflict do nothing",
            [table.name, table.buckets],
        )
        fixed = transaction.rows("select buckets from ops.lake_tables where table_name = $1", [table.name])[0][0]
        if fixed != table.buckets:
            raise InputError(
                f"lake table {table.name} has {fixed} buckets in the ledger and {table.buckets} in the code: "
                "the number is fixed once rows are there"
            )


def _files(frame: pl.DataFrame) -> list[LakeFile]:
    return [
        LakeFile(
            table=row["table_name"],
            partition=row["partition"],
            bucket=row["bucket"],
            sha256=row["sha256"],
            rows=row["rows"],
            size_bytes=row["size_bytes"],
            load_ids=tuple(row["load_ids"]),
        )
        for row in frame.to_dicts()
    ]


def _by_place(files: Iterable[LakeFile]) -> Iterator[tuple[Place, list[LakeFile]]]:
    places: dict[Place, list[LakeFile]] = {}
    for file in files:
        places.setdefault((file.partition, file.bucket), []).append(file)
    yield from sorted(places.items())


def _ranges(rows: pl.LazyFrame, table: LakeTable, bucket: int, count: int) -> Iterator[pl.DataFrame]:
    """Rows of a bucket, `count` of them, in the order of the table, divided into its ranges."""
    entity = pl.col(table.entity_column)
    ranges = table.ranges(bucket, count)
    for first, last in ranges:
        part = rows if len(ranges) == 1 else rows.filter(entity.is_between(first, last))
        yield part.sort(table.sort_columns).collect()


def write_derived(
    table: LakeTable, bucket: int, rows: pl.DataFrame, opened: Writing, *, load_ids: Collection[str]
) -> list[LakeFile]:
    """Write the rows of a bucket of a derived table as `Lake.write_bucket` does."""
    if rows.is_empty():
        return []
    return [opened.write(table, DERIVED, bucket, _divide(table, bucket, rows), load_ids=load_ids)]


def _divide(table: LakeTable, bucket: int, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows of a bucket in the order of the table, divided into its ranges."""
    entity = pl.col(table.entity_column)
    if _is_in_order(rows, table.sort_columns):
        entities = rows[table.entity_column]
        for first, last in table.ranges(bucket, rows.height):
            start, end = entities.search_sorted(first, side="left"), entities.search_sorted(last, side="right")
            yield rows.slice(start, end - start)
        return
    for first, last in table.ranges(bucket, rows.height):
        yield rows.filter(entity.is_between(first, last)).sort(table.sort_columns)


def _is_in_order(rows: pl.DataFrame, columns: Sequence[str]) -> bool:
    """True if rows are sorted by columns, which takes much less time to see than to sort them anew."""
    in_order = pl.lit(value=True)
    for column in reversed(columns):
        before = pl.col(column).shift(1)
        in_order = (before < pl.col(column)) | ((before == pl.col(column)) & in_order)
    return bool(rows.select(in_order.slice(1).all(ignore_nulls=False)).item())
