"""Storage of Dagster in Postgres: its tables, the connections to them, and events that are written together."""
