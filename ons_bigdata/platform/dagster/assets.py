"""What the assets of every pilot share, and the platform's own tables as assets: the ledger, which SQL reads.

What is computed from them is the pilots'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.platform.dagster import progress
from ons_bigdata.platform.dagster.frames import column_schema
from ons_bigdata.platform.ingest.loading import LoadTotals, RawTable, analyse, rebuild_partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import dataframely as dy

    from ons_bigdata.platform.ingest.landing import Landing

GROUP = "platform"

AREA = "area"
"""Tag of an asset: the part of its pilot that it belongs to. A pilot is too large to be read in one picture."""


def group_name(pilot: str, area: str) -> str:
    """Name of the Dagster group of one area of a pilot."""
    return f"{pilot}_{area}"


def annotate_assets(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec],
    *,
    pilot: str,
    area: str,
    frames: Mapping[str, type[dy.Schema]],
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Set group, owner, area and column schema of assets.

    The group is `<pilot>_<area>`; columns come from the frame that `frames` has for the table, unless the asset
    declares its own.
    """

    def annotate(spec: dg.AssetSpec) -> dg.AssetSpec:
        frame = frames.get(".".join(spec.key.path))
        columns = {} if frame is None else {"dagster/column_schema": column_schema(frame)}
        return spec.replace_attributes(
            group_name=group_name(pilot, area),
            owners=[f"team:{pilot}"],
            tags={**spec.tags, AREA: area},
            metadata={**columns, **spec.metadata},
        )

    return list(dg.map_asset_specs(annotate, assets))


def rebuilt(landing: Landing, table: RawTable, partitions: Sequence[str], **metadata: int) -> dg.MaterializeResult:
    """Rebuild partitions of a raw table from their landed files; tell how many files and rows they were."""
    totals = LoadTotals()
    for partition in progress.track(f"{table.name.replace('.', '/')}: partitions", partitions):
        totals += rebuild_partition(landing, table, partition)
    if partitions:
        analyse(landing, table)
    return dg.MaterializeResult(
        metadata={
            "partitions_rebuilt": len(partitions),
            **metadata,
            "files": totals.files,
            "rows_in": totals.rows_in,
            "rows_accepted": totals.accepted,
            "rows_quarantined": totals.quarantined,
            "outages": totals.outages,
            "files_refused": totals.refused,
        }
    )


def _columns(*columns: tuple[str, str, str]) -> dg.TableSchema:
    """Return the column docs of a table from (name, type, description); a type that ends in `?` may be null."""
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
    ("source", "text", "source, as in the command that ingests it"),
    ("delivery", "text", "who or what delivered, or `unknown`"),
    ("name", "text", "file name as it came"),
    ("sha256", "text?", "hash of the content; null where the file was refused unread"),
    ("size_bytes", "bigint?", "size of the content in bytes; null where the file was refused unread"),
    ("data_origin", "text?", "`real` or `simulated`; null for a file that no reader knows"),
    ("partitions", "text[]", "partitions that the name says the file touches; empty for a file that no reader knows"),
    ("landed_at", "timestamptz", "time of arrival"),
    ("superseded_by", "text?", "the version of the same name that stands in its place; null for the current one"),
)

_LOADS = _columns(
    ("load_id", "text", "16 hex digits of the hash of file, reader and reader version"),
    ("file_id", "text", "file that was read"),
    ("reader", "text", "name of the reader"),
    ("reader_version", "text", "version of the reader; a new one reads every file again"),
    ("state", "text", "`started`, or `committed` once every partition of the file is built"),
    ("outcome", "text", "`loaded`, `outage` (no bytes) or `refused` (not what the reader reads)"),
    ("reason", "text?", "why there is nothing to load; null where the outcome is `loaded`"),
    ("rows_in", "bigint", "rows in the file = accepted + quarantined"),
    ("accepted", "bigint", "rows accepted, over all partitions"),
    ("quarantined", "bigint", "rows quarantined; each is in `ops.quarantine` with line and reason"),
    ("data_origin", "text?", "`real` or `simulated`; null where a file was refused without one"),
    ("code_version", "text", "version of the code that read"),
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
        group_name=GROUP,
        owners=["team:platform"],
        kinds={"postgres", "table"},
        metadata={"dagster/column_schema": columns},
        description=description,
    )
    for table, columns, description in [
        (
            "files",
            _FILES,
            "One row per delivered file: source, name, hash, origin, the days it touches, what supersedes it.",
        ),
        (
            "loads",
            _LOADS,
            "One row per file and reader version: outcome, rows in = accepted + quarantined, reason, times.",
        ),
        ("load_partitions", _LOAD_PARTITIONS, "One row per load and partition: the rows accepted into it."),
    ]
]
