"""Processes that serve Dagster: code server, guarded web interface and daemon."""
