"""Catalog of the lake: which files are live, the scan of a table, exchange of a load's files, compaction, orphans."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import checked_key
from ons_bigdata.platform.lake.files import TEMPORARY_SUFFIX, LakeFile, footer_rows, write_file
from ons_bigdata.platform.lake.tables import LakeTable, bucket_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse

_LIVE = """
select table_name, partition, bucket, sha256, rows, size_bytes, load_ids
from ops.lake_files
where table_name = $1
"""


@dataclass(frozen=True)
class Lake:
    """The folder of the lake with its ledger."""

    folder: Path
    warehouse: Warehouse

    def write(self, table: LakeTable, partition: str, rows: pl.DataFrame) -> list[LakeFile]:
        """Write rows of one partition, a file for each bucket that has any. They are live once `make_live` says so."""
        checked_key(partition, what="partition")
        buckets = rows.select(bucket_of(pl.col(table.entity_column), table.buckets).alias("bucket"))["bucket"]
        if buckets.null_count():
            row = buckets.is_null().to_list().index(True)
            raise ValueError(f"lake table {table.name}, row {row}: {table.entity_column} is null; expected an entity")
        parts = rows.with_columns(buckets.alias("__bucket")).partition_by(
            "__bucket", as_dict=True, include_key=False, maintain_order=True
        )
        return [
            write_file(self.folder, table, partition, int(bucket), part) for (bucket,), part in sorted(parts.items())
        ]

    def make_live(self, transaction: Transaction, table: LakeTable, files: Iterable[LakeFile]) -> None:
        """Enter files into the ledger, within the transaction that commits their load.

        Raises InputError where the table has another number of buckets in the ledger.
        """
        self._fix_buckets(transaction, table)
        for file in files:
            transaction.execute(
                "insert into ops.lake_files (table_name, partition, bucket, sha256, rows, size_bytes, load_ids)"
                " values ($1, $2, $3, $4, $5, $6, $7::text[]) on conflict do nothing",
                [file.table, file.partition, file.bucket, file.sha256, file.rows, file.size_bytes, list(file.load_ids)],
            )

    def files(
        self,
        table: LakeTable,
        *,
        partitions: Collection[str] | None = None,
        buckets: Collection[int] | None = None,
    ) -> list[LakeFile]:
        """Live files of a table, of some partitions and buckets or of all, by partition, bucket and name."""
        frame = self.warehouse.frame(f"{_LIVE} order by partition, bucket, sha256", [table.name])
        return [
            file
            for file in _files(frame)
            if (partitions is None or file.partition in partitions) and (buckets is None or file.bucket in buckets)
        ]

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

    def without_loads(self, table: LakeTable, load_ids: Collection[str]) -> list[LakeFile]:
        """Remove the rows of loads from the table and return the files that are no longer live.

        Files of these loads alone go; files with rows of other loads are written anew without them. The exchange is
        one transaction for each partition and bucket.
        """
        gone = [file for file in self.files(table) if set(file.load_ids) & set(load_ids)]
        for (partition, bucket), files in _by_place(gone):
            kept = self._rows(table, files).filter(~pl.col("load_id").is_in(list(load_ids)))
            self._exchange(table, partition, bucket, files, kept)
        return gone

    def compact(self, table: LakeTable, *, partitions: Collection[str] | None = None) -> int:
        """Write the files of each partition and bucket as one, where there are several; return how many places were.

        The result depends on the rows alone: the same live files whatever the order in which they came.
        """
        count = 0
        for (partition, bucket), files in _by_place(self.files(table, partitions=partitions)):
            if len(files) > 1:
                self._exchange(table, partition, bucket, files, self._rows(table, files))
                count += 1
        return count

    def remove_orphans(self) -> list[Path]:
        """Remove the files of the folder that are not live, and temporary ones; return their paths.

        For a moment without writers: a file that is being written is not live yet.
        """
        live = {row[0] for row in self.warehouse.rows(
            "select table_name || '/' || partition || '/' || bucket || '/' || sha256 || '.parquet' from ops.lake_files"
        )}  # fmt: skip
        orphans = [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and (path.suffix in {".parquet", TEMPORARY_SUFFIX})
            and path.relative_to(self.folder).as_posix() not in live
        ]
        for path in orphans:
            path.unlink()
        return orphans

    def faults(self, table: LakeTable) -> list[str]:
        """Faults of the live files: missing, unreadable, another number of rows than in the ledger."""
        found = []
        for file in self.files(table):
            path = self.folder / file.name
            if not path.is_file():
                found.append(f"{file.name}: missing")
                continue
            try:
                rows = footer_rows(path)
            except InputError as error:
                found.append(f"{file.name}: {error}")
                continue
            if rows != file.rows:
                found.append(f"{file.name}: {rows} rows, the ledger has {file.rows}")
        return found

    def _rows(self, table: LakeTable, files: Sequence[LakeFile]) -> pl.DataFrame:
        paths = [self.folder / file.name for file in files]
        return pl.read_parquet(paths, schema=dict(table.columns))

    def _exchange(
        self, table: LakeTable, partition: str, bucket: int, old: Sequence[LakeFile], rows: pl.DataFrame
    ) -> None:
        """Replace live files by one file with `rows`, or by none where there are no rows."""
        new = [write_file(self.folder, table, partition, bucket, rows)] if rows.height else []
        with self.warehouse.transaction(role="ingest") as transaction:
            transaction.lock("lake", table.name, partition, str(bucket))
            for file in old:
                transaction.execute(
                    "delete from ops.lake_files"
                    " where table_name = $1 and partition = $2 and bucket = $3 and sha256 = $4",
                    [file.table, file.partition, file.bucket, file.sha256],
                )
            self.make_live(transaction, table, new)
        for file in old:
            if file not in new:
                with suppress(FileNotFoundError):
                    (self.folder / file.name).unlink()

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


def _by_place(files: Iterable[LakeFile]) -> Iterator[tuple[tuple[str, int], list[LakeFile]]]:
    places: dict[tuple[str, int], list[LakeFile]] = {}
    for file in files:
        places.setdefault((file.partition, file.bucket), []).append(file)
    yield from sorted(places.items())
