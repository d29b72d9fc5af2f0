"""Dagster: factories of assets and checks, dbt as assets, partitions, runs, the instance and its processes."""
