"""Big-data sources turned into official statistics: one Dagster asset graph, four pilots, one publication."""

__version__ = "0.1.0"
