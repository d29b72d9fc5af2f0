"""Rows of a small lake table, and a method that works entity by entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from ons_bigdata.platform.lake import LakeTable

COLUMNS: dict[str, pl.DataType] = {
    "user": pl.Int64(),
    "second": pl.Int64(),
    "value": pl.Float64(),
    "load_id": pl.String(),
    "line": pl.Int64(),
}


def table(buckets: int = 8) -> LakeTable:
    return LakeTable("events", COLUMNS, "user", ["user", "second"], buckets)


def rows(load: int, count: int = 300, users: int = 40) -> pl.DataFrame:
    """Rows of one load; the users are spread over all numbers."""
    random = np.random.default_rng(load)
    numbers = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, users, dtype=np.int64)
    return pl.DataFrame(
        {
            "user": numbers[random.integers(0, users, count)],
            "second": random.integers(0, 100, count),
            "value": random.normal(size=count),
            "load_id": [f"{load:016x}"] * count,
            "line": np.arange(1, count + 1),
        },
        schema=COLUMNS,
    )


def means(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Mean value of each user, with an offset; a user below `fail_at` ends the method."""
    if bucket["value"].max() > parameters.get("fail_above", float("inf")):  # type: ignore[operator]
        raise ValueError("a value is too high")
    return bucket.group_by("user").agg(pl.col("value").sort().mean() + parameters["offset"], pl.len().cast(pl.Int64))


def means_and_counts(bucket: pl.DataFrame, _parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Mean value and number of rows of each user, of rows that have only these columns."""
    assert bucket.columns == ["user", "value"]
    return {
        "means": bucket.group_by("user").agg(pl.col("value").mean()),
        "counts": bucket.group_by("user").agg(pl.len().cast(pl.Int64)),
    }
