"""The areas of the phones pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "deliveries": "specifications, the tables that operators deliver under them, and published flows",
    "flows": "weighted flows, reference models and the comparison with the census",
}
"""Area and what it holds."""
