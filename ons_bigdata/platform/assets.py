"""The platform's own tables as assets: the ledger that every ingest writes and SQL reads. Nothing materialises here."""

import dagster as dg

GROUP = "platform"


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
    ("source", "text", "source, e.g. `prices`"),
    ("delivery", "text", "who or what delivered; for prices the retailer, or `unknown`"),
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
    ("partition", "text", "key of the partition; for prices a day, YYYY-MM-DD"),
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
