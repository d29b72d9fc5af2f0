"""Rows of a table that new rows replace."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class RowsFrom:
    """Rows of a table: those whose `column` is `first` or a later day, and those with one of the `keys`, by columns."""

    column: str
    first: date
    keys: pl.DataFrame
