"""Rows of a table that new rows replace."""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class RowsFrom:
    """Rows of a table from a day on: those whose `column` is `first` or later, unless they have a day of their own.

    `keys`: columns of the table, without nulls, and `from_day`: rows with such a key are those of that day or later.
    """

    column: str
    first: date
    keys: pl.DataFrame
