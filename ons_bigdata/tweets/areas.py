"""The areas of the tweets pilot: one name each for modules of assets and checks, dbt folders and Dagster groups."""

AREAS = {
    "collection": "archives of geo-located events as they came, and the events in the lake",
    "places": "robots, clusters of places, and the events, hours and months of each cluster",
    "addresses": "addresses, their classes, and the types of the clusters: home, work, study",
    "residence": "residence of users by month, and their moves",
    "migration": "flows between areas, populations and official figures, and the comparison with them",
}
"""Area and what it holds."""
