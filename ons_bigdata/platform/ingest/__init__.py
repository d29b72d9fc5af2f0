"""Ingest: deliveries of files, landing and its ledger, loading of raw tables."""
