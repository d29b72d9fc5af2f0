"""Comparison of raw tables with the ledger: rows that were lost, or that came back, by load and partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.landing import PENDING_PARTITIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from ons_bigdata.platform.ingest.landing import Reader
    from ons_bigdata.platform.ingest.sources import RawTable
    from ons_bigdata.platform.postgres.warehouse import Warehouse

_OF_FILES = """
select written.partition
from ops.load_partitions as chosen join ops.load_partitions as written using (load_id)
where chosen.partition = any ($1::text[])
union
select unnest($1::text[])
"""
"""Partitions, and all others that a load of one of them has written."""

_DIFFERENCES = f"""
with waiting as ({PENDING_PARTITIONS}),
stored as (
    -- as text once counted: of each row it would take most of the time
    select load_id, counted.partition::text as partition, rows
    from (
        select load_id, {{column}} as partition, count(*) as rows from {{table}} where {{is_compared}} group by 1, 2
    ) as counted
),
ledger as (
    select load_id, built.partition, files.name, built.accepted
    from ops.loads
    join ops.files using (file_id)
    join ops.load_partitions as built using (load_id)
    where files.source = $1 and loads.reader = $2 and loads.reader_version = $3
        and files.superseded_by is null and ($4 or built.partition = any ($5::text[]))
)
select load_id, partition, ledger.name,
    coalesce(ledger.accepted, 0) as accepted, coalesce(stored.rows, 0) as rows
from stored
full join ledger using (load_id, partition)
where coalesce(ledger.accepted, 0) <> coalesce(stored.rows, 0)
    and partition not in (select waiting.partition from waiting)
order by partition, load_id
"""  # noqa: S608  (our own table and column names)


def ledger_differences(
    store: Warehouse, table: RawTable, reader: Reader, partitions: Sequence[str] | None = None
) -> pl.DataFrame:
    """Compare the rows of a raw table with those that the ledger accepted of current files by this reader version.

    `partitions`: those that are compared, with all others of their files; None for the whole table, of which each row
    is counted. A partition with a waiting file is not compared: it has the rows of earlier loads until a run rebuilds
    it. Returns load_id, partition, name (of the file), accepted and rows of the loads and partitions that differ.
    """
    compared: list[str] = []
    if partitions is not None:
        compared = [key for (key,) in store.rows(_OF_FILES, [list(partitions) or "{}"])]
    column = table.partition_column
    is_compared = "true" if partitions is None else f"{column} = any ($5::text[]::{table.partition_type}[])"
    query = _DIFFERENCES.format(table=table.name, column=column, is_compared=is_compared)
    return store.frame(query, [reader.source, reader.name, reader.version, partitions is None, compared or "{}"])
