"""Dagster assets that follow from sources: landing folders, raw tables, tables of the lake; and the ledger tables."""

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from ons_bigdata.platform.dagster.assets import PERSONAL, code_link
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.personal import conceal_content
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.ledger import LoadTotals
from ons_bigdata.platform.ingest.loading import (
    NO_FILES,
    PartitionCounts,
    ReadFile,
    analyse,
    load_waiting,
    partition_counts,
    rebuild,
)
from ons_bigdata.platform.ingest.sources import AnySource, BulkSource, Source, adapter_context
from ons_bigdata.settings import get_settings

ONLY_WAITING = "ons_bigdata/only_waiting"
"""Tag of a run that loads only the files that wait, as `ingest` does; any other run rebuilds its partitions."""


def source_assets(sources: Sequence[AnySource]) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return the landing folders and the tables of sources; a folder that several share comes once."""
    folders = {source.landing.name: _landing_spec(source) for source in sources}
    tables = [lake_asset(source) if isinstance(source, BulkSource) else raw_asset(source) for source in sources]
    return [*folders.values(), *tables]


def raw_asset(source: Source) -> dg.AssetsDefinition:
    """Return the raw table of a source as an asset, partitioned by the calendar of the source if it has one."""
    calendar = source.calendar

    @dg.asset(
        key=source.table.name.split("."),
        deps=[_landing_key(source)],
        partitions_def=None if calendar is None else partitions_of(calendar),
        backfill_policy=None if calendar is None else dg.BackfillPolicy.single_run(),
        kinds={"python", "postgres"},
        description=source.table.description,
        metadata=code_link(source.adapter),
    )
    def load(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        landing = warehouse.landing()
        read = source.adapter(get_settings().dbt_project_dir).read
        only_waiting = context.run.tags.get(ONLY_WAITING) == "true"
        if calendar is None:
            totals = _load_all(landing, source, read, only_waiting=only_waiting)
            _finish(context, landing, source, totals)
            return dg.MaterializeResult(metadata=_totals_metadata(partition_counts(landing, source), totals))
        keys = context.partition_keys
        loaded = load_waiting if only_waiting else rebuild
        totals = loaded(landing, source, read, partitions=keys)
        counts = partition_counts(landing, source, {*keys, *totals.partitions})
        _add_partition_metadata(context, counts, totals, _metadata)
        _finish(context, landing, source, totals)
        return dg.MaterializeResult(metadata=_metadata(NO_FILES))  # of the partitions without counts of their own

    return load


def lake_asset(source: BulkSource) -> dg.AssetsDefinition:
    """Return the table of the lake that a bulk source fills as an asset, `lake/<table>`.

    It is partitioned by the calendar of the source; without one, a run loads the files that wait.
    """
    calendar = source.calendar

    @dg.asset(
        key=source.table_name.split("."),
        deps=[_landing_key(source)],
        partitions_def=None if calendar is None else partitions_of(calendar),
        backfill_policy=None if calendar is None else dg.BackfillPolicy.single_run(),
        kinds={"python", "parquet"},
        description=source.description,
        metadata={"dagster/column_schema": _lake_columns(source), **code_link(source.adapter)},
        tags={PERSONAL: ""} if source.is_personal else None,
    )
    def load(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        landing = warehouse.landing()
        loader = bulk_loader(landing, warehouse.lake(), source, lambda: adapter_context(get_settings(), [source]))
        unread = landing.expired_unread(source.reader)
        if unread:
            context.log.warning(
                f"{len(unread)} files expired before version {source.reader.version} of {source.reader.name} read them:"
                f" their rows stay as an earlier version read them; deliver them again to change that"
            )
        keys = None if calendar is None else context.partition_keys
        only_waiting = context.run.tags.get(ONLY_WAITING) == "true"
        with conceal_content(source.table_name, personal=source.is_personal):
            totals = loader.load_waiting(partitions=keys) if only_waiting else loader.rebuild(keys)
        if keys is None:
            _finish(context, landing, source, totals)
            return dg.MaterializeResult(metadata=_totals_metadata(loader.partition_counts(), totals))
        counts = loader.partition_counts({*keys, *totals.partitions})
        _add_partition_metadata(context, counts, totals, _lake_metadata)
        _finish(context, landing, source, totals)
        return dg.MaterializeResult(metadata=_lake_metadata(NO_FILES))

    return load


def _add_partition_metadata(
    context: dg.AssetExecutionContext,
    counts: Mapping[str, PartitionCounts],
    totals: LoadTotals,
    describe: Callable[[PartitionCounts], dict[str, int]],
) -> None:
    """Add the metadata of the run's partitions; record the other partitions that its files touch: they are written."""
    keys = context.partition_keys
    for key in sorted(counts):
        if key in keys:
            context.add_asset_metadata(describe(counts[key]), partition_key=key)
    for key in sorted(totals.partitions.difference(keys)):
        metadata = describe(counts.get(key, NO_FILES))
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata))


def _lake_metadata(counts: PartitionCounts) -> dict[str, int]:
    """Metadata of one materialised partition of the lake."""
    return {
        "dagster/row_count": counts.rows,
        "dagster/partition_row_count": counts.rows,
        "files": counts.files,
    }


def _lake_columns(source: BulkSource) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=str(dtype), description=source.columns[name])
            for name, dtype in source.table.columns.items()
        ]
    )


def _load_all(landing: Landing, source: Source, read: ReadFile, *, only_waiting: bool) -> LoadTotals:
    if source.reads_loaded_files_again and not only_waiting:
        return rebuild(landing, source, read, partitions=landing.partitions(source.name))
    return load_waiting(landing, source, read)


def _finish(context: dg.AssetExecutionContext, landing: Landing, source: AnySource, totals: LoadTotals) -> None:
    """Renew the planner's statistics where rows were written, and log the totals of the run."""
    if totals.partitions:
        analyse(landing, "ops.lake_files" if isinstance(source, BulkSource) else source.table.name)
    context.log.info(
        f"{len(totals.partitions)} partitions written from {totals.files} files: {totals.rows_in} rows in,"
        f" {totals.accepted} accepted, {totals.quarantined} quarantined; {totals.outages} outages,"
        f" {totals.refused} files refused"
    )


def _metadata(counts: PartitionCounts) -> dict[str, int]:
    """Metadata of one materialised partition: the rows and current files that it holds after the run."""
    return {
        "dagster/row_count": counts.rows,
        "dagster/partition_row_count": counts.rows,
        "files": counts.files,
        "outages": counts.outages,
    }


def _totals_metadata(counts: Mapping[str, PartitionCounts], totals: LoadTotals) -> dict[str, int]:
    """Metadata of a table without calendar: its rows, and the counts of the files that the run read."""
    return {
        "dagster/row_count": sum(partition.rows for partition in counts.values()),
        "files": totals.files,
        "rows_in": totals.rows_in,
        "rows_accepted": totals.accepted,
        "rows_quarantined": totals.quarantined,
        "outages": totals.outages,
        "files_refused": totals.refused,
    }


def _landing_key(source: AnySource) -> dg.AssetKey:
    return dg.AssetKey(["landing", source.landing.name])


def _landing_spec(source: AnySource) -> dg.AssetSpec:
    folder = source.landing
    columns = [
        dg.TableColumn(name=name, type="string", description=description)
        for name, description in folder.columns.items()
    ]
    return dg.AssetSpec(
        key=_landing_key(source),
        deps=[dg.AssetKey(table.split(".")) for table in folder.written_after],
        kinds={"csv"},
        description=folder.description,
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns)} if columns else {},
    )


# --- the ledger -----------------------------------------------------------------------------------------


def _columns(*columns: tuple[str, str, str]) -> dg.TableSchema:
    """Return the column docs of a table from (name, type, description); a type that ends in `?` is nullable."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=name,
                type=kind.removesuffix("?"),
                description=description,
                constraints=dg.TableColumnConstraints(nullable=kind.endswith("?")),
            )
            for name, kind, description in columns
        ]
    )


_FILES = _columns(
    ("file_id", "text", "16 hex digits of the hash of source, name and content"),
    ("source", "text", "source, as in the list of sources"),
    ("delivery", "text", "provider of the file, such as an office or a feed; `unknown` for a refused file"),
    ("name", "text", "file name as it came"),
    ("sha256", "text?", "hash of the content; null where the file was refused unread"),
    ("size_bytes", "bigint?", "size of the content in bytes; null where the file was refused unread"),
    ("data_origin", "text?", "`real` or `simulated`; null for a file that no source recognises"),
    (
        "partitions",
        "text[]?",
        "partitions that the file touches; null where they are unknown until it has been read, empty where refused",
    ),
    ("landed_at", "timestamptz", "time of arrival"),
    ("expired_at", "timestamptz?", "when `expire` deleted the landed bytes; null while they are kept"),
    ("redacted_to", "bigint?", "version of the rules of redaction that searched the bytes last; null where none did"),
    ("superseded_by", "text?", "the version of the same name that replaces it; null for the current one"),
    (
        "stamp",
        "text?",
        "inode, size and times of the landed bytes when they were hashed; null for small files, for those refused"
        " unread, and for those that landed before",
    ),
)

_LOADS = _columns(
    ("load_id", "text", "16 hex digits of the hash of file, reader and reader version"),
    ("file_id", "text", "file that was read"),
    ("reader", "text", "name of the reader"),
    ("reader_version", "text", "version of the reader; a new one reads every file again"),
    ("state", "text", "`started`, or `committed` once every partition of the file is written"),
    ("outcome", "text", "`loaded`, `outage` (no bytes) or `refused` (not a file that the reader reads)"),
    ("reason", "text?", "why nothing was loaded; null where the outcome is `loaded`"),
    ("rows_in", "bigint", "rows in the file = accepted + quarantined"),
    ("accepted", "bigint", "rows accepted, over all partitions"),
    (
        "quarantined",
        "bigint",
        "rows quarantined, counted by reason in `ops.quarantine_reasons`; the first 1,000 of each reason are in"
        " `ops.quarantine` with their line",
    ),
    ("data_origin", "text?", "`real` or `simulated`; null where a file was refused without one"),
    ("code_version", "text", "version of the code that read"),
    ("key_id", "text?", "name of the key of the pseudonyms in the rows; null where there are none"),
    ("started_at", "timestamptz", "start of the load"),
    ("finished_at", "timestamptz?", "end of the load; null until committed"),
)

_LOAD_PARTITIONS = _columns(
    ("load_id", "text", "load"),
    ("partition", "text", "key of the partition, such as a day YYYY-MM-DD"),
    ("accepted", "bigint", "rows of the load accepted into the partition"),
)

LEDGER = [
    dg.AssetSpec(
        key=["ops", table],
        group_name="platform",
        owners=["team:platform"],
        kinds={"postgres", "table"},
        metadata={"dagster/column_schema": columns},
        description=description,
    )
    for table, columns, description in [
        (
            "files",
            _FILES,
            "One row per file name and content: source, hash, origin, the partitions it touches, its replacement.",
        ),
        (
            "loads",
            _LOADS,
            "One row per file and reader version: outcome, rows in = accepted + quarantined, reason, times.",
        ),
        ("load_partitions", _LOAD_PARTITIONS, "One row per load and partition: the rows accepted into it."),
    ]
]
