"""Disclosure control of tables of counts: threshold, rounding, margins of rounded cells, a status for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

PUBLISHED, BELOW_THRESHOLD = "published", "below_threshold"
LEAST_THRESHOLD = 3
"""In a cell of two, each person would learn of the other person."""


def control_counts(cells: pl.DataFrame, count: str, *, threshold: int = 10, base: int = 5) -> pl.DataFrame:
    """Cells whose counts may be published: rounded to a multiple of `base`, or null below `threshold`.

    `cells` has one row per cell with the column `count` (persons, homes or devices, integers ≥ 0); other columns pass
    through. The result has a column `status` more: "published" or "below_threshold". Cells below the threshold are one
    class: an empty cell looks like a cell with a few. Ties are rounded up.

    Raises ValueError for a threshold below 3 or a base below 1, counts that are null, negative or no integers, and a
    column `status` in the input.

    Source: Hundepool et al., Statistical Disclosure Control (2012), sections 4.2 (threshold rule) and 5.4 (rounding).
    """
    if threshold < LEAST_THRESHOLD:
        raise ValueError(f"threshold is {threshold}; expected at least {LEAST_THRESHOLD}")
    if base < 1:
        raise ValueError(f"base is {base}; expected at least 1")
    if "status" in cells.columns:
        raise ValueError("cells has a column status already; expected counts that are not controlled")
    _require_counts(cells, count)
    value = pl.col(count).cast(pl.Int64)
    is_small = value < threshold
    rounded = (2 * value + base) // (2 * base) * base
    return cells.with_columns(
        pl.when(~is_small).then(rounded).alias(count),
        pl.when(is_small).then(pl.lit(BELOW_THRESHOLD)).otherwise(pl.lit(PUBLISHED)).alias("status"),
    )


def controlled_margins(controlled: pl.DataFrame, count: str, by: Sequence[str]) -> pl.DataFrame:
    """Margins of controlled cells: sums of the published, rounded cells by the columns `by`.

    No margin can be used to uncover a cell, since it holds nothing that the published cells do not.
    `cells_below_threshold` counts the cells that are not in the sum. Where no cell is published the margin is null,
    with the status "below_threshold".

    `controlled` is the result of `control_counts`; the margins have the columns of `by`, `count`, `status` and
    `cells_below_threshold`, sorted by `by`. Raises ValueError for missing columns.
    """
    missing = [column for column in (*by, count, "status") if column not in controlled.columns]
    if missing:
        raise ValueError(f"controlled cells have no column {', '.join(missing)}")
    is_published = pl.col("status") == PUBLISHED
    return (
        controlled.group_by(by)
        .agg(
            pl.when(is_published.any()).then(pl.col(count).sum()).alias(count),
            pl.when(is_published.any()).then(pl.lit(PUBLISHED)).otherwise(pl.lit(BELOW_THRESHOLD)).alias("status"),
            (~is_published).sum().cast(pl.Int64).alias("cells_below_threshold"),
        )
        .sort(by)
    )


def _require_counts(cells: pl.DataFrame, count: str) -> None:
    if count not in cells.columns:
        raise ValueError(f"cells has no column {count}; its columns: {', '.join(cells.columns)}")
    if not cells.schema[count].is_integer():
        raise ValueError(f"column {count} is {cells.schema[count]}; expected integers")
    bad = cells[count].is_null() | (cells[count] < 0).fill_null(value=True)
    if bad.any():
        row = bad.to_list().index(True)
        raise ValueError(f"column {count}, row {row}: {cells[count][row]}; expected a count ≥ 0")
