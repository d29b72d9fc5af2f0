"""Adapters to the outside world of prices: files (later pages) turned into typed frames.

No methods and no Dagster.
"""
