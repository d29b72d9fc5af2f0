"""The areas of the prices pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "collection": "runs, files and rows as they came, staged; products over time; which days were collected",
    "scope": "which products belong to their item, and what that does to the indices",
    "quality": "counts judged, decisions, exclusions, findings on what was collected, and the daily report",
    "indices": "weights and classifications; figures by recipe, their errors, diagnostics and movements",
    "comparison": "official figures, other sources, frequencies, costs",
}
"""Area and what it holds."""
