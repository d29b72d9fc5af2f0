"""Columns of which all values are the same: they are kept as one value and need neither sorting nor conversion."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def is_constant(values: pl.Series) -> bool:
    """True if all values are the same, or all are null."""
    nulls = values.null_count()
    if nulls or values.is_empty():
        return nulls == len(values)
    return bool(values[0] == values[-1]) and bool((values == values[0]).all())
