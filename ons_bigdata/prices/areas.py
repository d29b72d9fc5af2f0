"""Areas of the prices pilot: the names of modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "collection": "runs, files and rows as delivered, staged; products over time; days of collection",
    "scope": "products in and out of their item, and the effect on the indices",
    "quality": "counts judged, decisions, exclusions, findings on the collected quotes, and the daily report",
    "indices": "weights and classifications; figures by recipe, their errors, diagnostics and movements",
    "comparison": "official figures, other sources, frequencies, costs",
}
"""Area and its subject."""
