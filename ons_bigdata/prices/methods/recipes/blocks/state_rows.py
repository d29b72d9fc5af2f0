"""States of daily outputs as rows of a table, one per array of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.schemas.indices import IndexState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from typing import Any

    from numpy.typing import NDArray

OUTPUT = ["data_origin", "recipe", "method", "scope"]
"""Columns that name an output of a data origin."""


def state_rows(
    month: date, labels: Mapping[str, str], structure: str, arrays: Mapping[str, NDArray[Any]]
) -> pl.DataFrame:
    """Rows of `IndexState` of one output after a month. `labels`: values of `OUTPUT`."""
    rows = {
        "month": [month] * len(arrays),
        **{name: [labels[name]] * len(arrays) for name in OUTPUT},
        "array_name": list(arrays),
        "structure": [structure] * len(arrays),
        "shape": [list(array.shape) for array in arrays.values()],
        "numbers": [array.astype(np.float64).ravel() for array in arrays.values()],
    }
    frame = pl.DataFrame(rows)
    lists = [pl.col("shape").cast(pl.List(pl.Int64)), pl.col("numbers").cast(pl.List(pl.Float64))]
    return frame.with_columns(pl.col("month").cast(pl.Date), *lists).select(IndexState.column_names())


def state_arrays(rows: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Arrays by name from the rows of one output and month, as `state_rows` made them."""
    names, shapes = rows["array_name"].to_list(), rows["shape"].to_list()
    return {
        name: numbers.to_numpy().reshape(shape)
        for name, shape, numbers in zip(names, shapes, rows["numbers"], strict=True)
    }
