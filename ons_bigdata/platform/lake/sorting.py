"""Sorting of rows by whole numbers and times, in a fraction of the time where rows of an entity come together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_KEY_BITS = 63
_MICROSECONDS = 1_000_000
_LEAST_ROWS_PER_STRETCH = 4
"""Rows of equal value one after another, on average, from which their ranks are cheap to find."""


def sort_rows(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Rows in the order of columns; rows that agree in all of them stay in their order."""
    in_order = sort_by_number(rows, columns)
    return rows.sort(columns, maintain_order=True) if in_order is None else in_order


def sort_by_number(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame | None:
    """Rows as `sort_rows` has them, where one number can hold the order of the columns; else None.

    The sort is stable and merges parts that are in order already (timsort). There is no such number for nulls, texts,
    and ranges that are too wide.
    """
    if rows.is_empty():
        return rows
    key = _joint_key(rows, columns)
    if key is None:
        return None
    if bool((key[1:] >= key[:-1]).all()):
        return rows
    return rows[pl.Series(np.argsort(key, kind="stable"))]


def _joint_key(rows: pl.DataFrame, columns: Sequence[str]) -> NDArray[np.int64] | None:
    """Number of each row that is in the order of the columns; None where there is none of 63 bits."""
    key, bits = None, 0
    for column in columns:
        series = rows[column]
        if series.null_count() or not (series.dtype.is_integer() or series.dtype.is_temporal()):
            return None
        values = series.to_physical().to_numpy().astype(np.int64, copy=False)
        places = _places(values)
        if places is None:
            return None
        width = int(places.max()).bit_length()
        bits += width
        if bits > _KEY_BITS:
            return None
        key = places if key is None else (key << width) | places
    return key


def _places(values: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Small numbers, from 0, in the order of values: their distance from the least one, or their ranks."""
    least, most = int(values.min()), int(values.max())
    if most - least < 2**31:
        return values - least
    if most - least < 2**62:
        distances = values - least
        seconds, rest = np.divmod(distances, _MICROSECONDS)
        if not rest.any():
            return seconds
    begins = np.flatnonzero(values[1:] != values[:-1]) + 1
    if len(begins) * _LEAST_ROWS_PER_STRETCH > len(values):
        return None
    begins = np.concatenate(([0], begins))
    of_stretches = values[begins]
    _, ranks = np.unique(of_stretches, return_inverse=True)
    return np.repeat(ranks, np.diff(begins, append=len(values)))
