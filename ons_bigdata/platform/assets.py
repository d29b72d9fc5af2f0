"""The platform's own tables as assets: the ledger that every ingest writes and SQL reads. Nothing materialises here."""

import dagster as dg

GROUP = "platform"

LEDGER = [
    dg.AssetSpec(
        key=["ops", table],
        group_name=GROUP,
        owners=["team:platform"],
        kinds={"postgres", "table"},
        description=description,
    )
    for table, description in {
        "files": "One row per delivered file: source, name, hash, origin, the days it touches, what supersedes it.",
        "loads": "One row per file and reader version: outcome, rows in = accepted + quarantined, reason, times.",
        "load_partitions": "One row per load and partition: the rows accepted into it.",
    }.items()
]
