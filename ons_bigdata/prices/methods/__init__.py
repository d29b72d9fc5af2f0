"""The statistics of the prices pilot: pure functions, frames in and out.

No Dagster, no database, no file, no environment, no clock.
"""
