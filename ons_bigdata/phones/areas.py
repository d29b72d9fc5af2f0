"""The areas of the phones pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "deliveries": "specifications, the tables that operators deliver under them, and published flows",
    "weighting": "published rates and residents, weights of devices, and estimates of travel to work",
    "devices": "events of single devices, their homes and workplaces, judged on simulated truth",
    "presence": "population present, movements between areas, visitors and their nights",
    "comparison": "census tables and areas, and the comparison of flows with them",
}
"""Area and what it holds."""
