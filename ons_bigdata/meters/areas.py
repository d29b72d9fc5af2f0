"""The areas of the meters pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "collection": "files of meter readings as they came, readings in the lake, and attributes of the homes",
    "quality": "state of each expected half hour, meter-days, and reports by delivery",
    "absence": "days without people at home, and spells of them",
    "vacancy": "vacant and second homes by quarter: stock and flow",
    "fieldwork": "when to call: calendar of contact by area, and what prediction of absence saves",
    "evaluation": "absence injected into real homes, ground truths, and how the methods fare",
}
"""Area and what it holds."""
