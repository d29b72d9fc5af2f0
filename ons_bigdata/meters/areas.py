"""The areas of the meters pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "collection": "files of meter readings as they came, readings in the lake, and attributes of the homes",
    "quality": "state of each expected half hour, meter-days, and reports by delivery",
    "vacancy": "vacant homes as stock and flow by group of homes and quarter",
    "fieldwork": "calendar of contact by area, weekday and time of day",
    "evaluation": "how detectors and imputation fare on the homes of a delivery, next to naive judgements",
}
"""Area and what it holds."""
