"""Metadata of tables in the web interface: rows, rows of partitions, column lineage, charts."""
