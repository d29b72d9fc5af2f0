"""Raking of flows to margins by iterative proportional fitting."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numba import njit

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.estimation.schemas import AdjustedFlow

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MARKS = 64_000_000
"""Pairs of origins and destinations, a byte each, up to which repeated cells are found by marks."""
CONSISTENT = 1e-9
"""Largest relative difference of the two sums of totals that counts as rounding."""


def rake(
    flows: pl.DataFrame | pl.LazyFrame,
    origin_totals: pl.DataFrame | pl.LazyFrame,
    destination_totals: pl.DataFrame | pl.LazyFrame,
    *,
    tolerance: float = 1e-12,
    max_iterations: int = 2000,
) -> pl.DataFrame:
    """Flows adjusted to totals by origin and by destination, by iterative proportional fitting.

    `flows`: origin, destination (text or whole numbers), flow (finite, ≥ 0), one row per cell; further columns pass
    through. `origin_totals`: origin, total; `destination_totals`: destination, total (finite, ≥ 0). Returns the rows
    of `flows` in their order with `flow_adjusted` (Float64) added; cells of flow 0 stay 0.

    Each iteration scales rows, then columns. It ends when no sum of a row or column differs from its total by more
    than `tolerance` times the total. An origin without a total is not scaled by origin, a destination without one not
    by destination. If every positive cell has both totals, the two sums of totals must be equal.

    Raises ValueError on missing columns, repeated cells, negative or missing numbers, totals of origins and
    destinations that do not add up to the same, a positive total without a positive flow to scale, and if the
    tolerance is not reached within `max_iterations` (as where zero cells make the totals impossible): with the largest
    difference and its place.

    Source: Deming & Stephan, Annals of Mathematical Statistics 11 (1940) 427–444; convergence: Fienberg, Annals of
    Mathematical Statistics 41 (1970) 907–917.
    """
    if not (isfinite(tolerance) and tolerance > 0):
        message = f"tolerance is {tolerance}; expected a positive number"
        raise ValueError(message)
    if max_iterations < 1:
        message = f"max_iterations is {max_iterations}; expected at least 1"
        raise ValueError(message)
    cells = _cells(eager_frame(flows, "flows"))
    rows = _margin(cells, eager_frame(origin_totals, "origin_totals"), "origin")
    columns = _margin(cells, eager_frame(destination_totals, "destination_totals"), "destination")
    _refuse_repeated_cells(cells, rows, columns)
    flow = cells["flow"].cast(pl.Float64).to_numpy()
    _refuse_inconsistent(flow, rows, columns)
    adjusted, iterations, worst, is_row, where = _fit(
        flow, rows.code, columns.code, rows.total, columns.total, tolerance, max_iterations
    )
    if iterations < 0:
        margin = rows if is_row else columns
        found = np.bincount(margin.code, adjusted, minlength=len(margin.total))[where]
        message = (
            f"flows cannot be raked to tolerance {tolerance:g} in {max_iterations} iterations: {margin.name} "
            f"{margin.keys[where]!r} adds up to {found:.12g}, its total is {margin.total[where]:.12g} "
            f"(relative difference {worst:.3g}); zero cells may make the totals impossible"
        )
        raise ValueError(message)
    result = cells.with_columns(flow_adjusted=pl.Series(adjusted, dtype=pl.Float64))
    AdjustedFlow.validate(result.select("flow", "flow_adjusted"), cast=True)
    return result


class Margin(NamedTuple):
    """Totals of the cells of one side: code of each cell, and total (NaN for none) and key of each code."""

    name: str
    code: NDArray[np.int32]
    total: NDArray[np.float64]
    keys: pl.Series


def _cells(flows: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(flows, ("origin", "destination", "flow"), "flows")
    refuse_no_keys(flows, ("origin", "destination"), "flows")
    refuse_no_numbers(flows, ("flow",), "flows")
    if "flow_adjusted" in flows.columns:
        message = "flows has a column flow_adjusted already; drop or rename it"
        raise ValueError(message)
    flow = pl.col("flow").cast(pl.Float64)
    refuse_rows(
        flows.select("origin", "destination", "flow"),
        {
            "no origin": pl.col("origin").is_null(),
            "no destination": pl.col("destination").is_null(),
            "no flow": flow.is_null(),
            "a flow that is not finite": ~flow.is_finite(),
            "a negative flow": flow < 0,
        },
        "flows",
    )
    return flows


def _margin(cells: pl.DataFrame, totals: pl.DataFrame, name: str) -> Margin:
    frame_name = f"{name}_totals"
    refuse_missing_columns(totals, (name, "total"), frame_name)
    refuse_no_numbers(totals, ("total",), frame_name)
    refuse_no_keys(totals, (name,), frame_name)
    if totals.schema[name].is_integer() != cells.schema[name].is_integer():
        message = f"{frame_name}: column {name} is {totals.schema[name]}; in flows it is {cells.schema[name]}"
        raise ValueError(message)
    total = pl.col("total").cast(pl.Float64)
    refuse_rows(
        totals.select(name, "total"),
        {
            f"no {name}": pl.col(name).is_null(),
            "no total": total.is_null(),
            "a total that is not finite": ~total.is_finite(),
            "a negative total": total < 0,
        },
        frame_name,
    )
    refuse_repeated(totals, (name,), frame_name)
    plain = pl.col(name).cast(pl.Int64 if cells.schema[name].is_integer() else pl.String)
    code, keys = _codes(cells.select(plain).to_series())
    mass = np.bincount(code, cells["flow"].cast(pl.Float64).to_numpy(), minlength=len(keys))
    sums = pl.DataFrame({name: keys, "mass": mass})
    wanted = totals.select(plain, total=total)
    joined = wanted.join(sums, on=name, how="left").filter(pl.col("total") > 0)
    refuse_rows(
        joined.filter(pl.col("mass").fill_null(0) <= 0).select(name, "total"),
        {"a positive total, but no positive flow to scale": pl.lit(value=True)},
        frame_name,
    )
    keyed = sums.join(wanted, on=name, how="left", maintain_order="left")
    return Margin(name, code, keyed["total"].fill_null(float("nan")).to_numpy().copy(), keys)


def _codes(values: pl.Series) -> tuple[NDArray[np.int32], pl.Series]:
    """Code of each value in the order of first appearance, and the distinct values. One cast, no join of the rows."""
    keys = values.unique(maintain_order=True)
    if values.dtype == pl.String:
        return values.cast(pl.Enum(keys)).to_physical().cast(pl.Int32).to_numpy(), keys
    numbered = keys.to_frame().with_row_index("code")
    joined = values.to_frame().join(numbered, on=values.name, how="left", maintain_order="left")
    return joined["code"].cast(pl.Int32).to_numpy(), keys


def _refuse_repeated_cells(cells: pl.DataFrame, rows: Margin, columns: Margin) -> None:
    """Raise ValueError for a cell that comes twice, told by the codes of its sides."""
    number = rows.code.astype(np.int64) * len(columns.keys) + columns.code
    if len(rows.keys) * len(columns.keys) <= MOST_MARKS:
        marks = np.zeros(len(rows.keys) * len(columns.keys), bool)
        marks[number] = True
        is_repeated = int(marks.sum()) < number.size
    else:
        is_repeated = np.unique(number).size < number.size
    if is_repeated:
        refuse_repeated(cells, ("origin", "destination"), "flows")


def _refuse_inconsistent(flow: NDArray[np.float64], rows: Margin, columns: Margin) -> None:
    """Raise ValueError if both margins cover all flows and their sums differ."""
    positive = flow > 0
    covered = ~np.isnan(rows.total[rows.code[positive]]) & ~np.isnan(columns.total[columns.code[positive]])
    if not covered.all():
        return
    left, right = float(np.nansum(rows.total)), float(np.nansum(columns.total))
    if abs(left - right) > CONSISTENT * max(left, right):
        message = (
            f"origin_totals add up to {left:.12g}, destination_totals to {right:.12g}; expected the same: "
            "scale one to the other before"
        )
        raise ValueError(message)


@njit(cache=True)
def _fit(flow, row, column, row_total, column_total, tolerance, max_iterations):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0912
    """Adjusted flows, number of iterations (−1: not converged), worst difference, its side (1 row) and its code.

    Factors of rows and columns are kept, not cells: a cell is flow × row factor × column factor, so that an iteration
    reads the cells twice and writes none.
    """
    a = np.ones(len(row_total))
    b = np.ones(len(column_total))
    row_sum = np.zeros(len(a))
    column_sum = np.zeros(len(b))
    for k in range(len(flow)):
        column_sum[column[k]] += flow[k]
    worst, is_row, where = 0.0, 1, 0
    state = -1
    for iteration in range(max_iterations + 1):
        row_sum[:] = 0.0
        for k in range(len(flow)):
            row_sum[row[k]] += flow[k] * b[column[k]]
        worst, is_row, where = 0.0, 1, 0
        for i in range(len(a)):
            difference = _difference(a[i] * row_sum[i], row_total[i])
            if difference > worst:
                worst, is_row, where = difference, 1, i
        for j in range(len(b)):
            difference = _difference(b[j] * column_sum[j], column_total[j])
            if difference > worst:
                worst, is_row, where = difference, 0, j
        if worst <= tolerance:
            state = iteration
            break
        if iteration == max_iterations:
            break
        for i in range(len(a)):
            if not np.isnan(row_total[i]):
                a[i] = row_total[i] / row_sum[i] if row_sum[i] > 0 else 0.0
        column_sum[:] = 0.0
        for k in range(len(flow)):
            column_sum[column[k]] += flow[k] * a[row[k]]
        for j in range(len(b)):
            if not np.isnan(column_total[j]):
                b[j] = column_total[j] / column_sum[j] if column_sum[j] > 0 else 0.0
    adjusted = np.empty(len(flow))
    for k in range(len(flow)):
        adjusted[k] = flow[k] * a[row[k]] * b[column[k]]
    return adjusted, state, worst, is_row, where


@njit(cache=True)
def _difference(found, total):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Relative difference of a sum from its total; from a total of zero, the sum itself; 0 without a total."""
    if np.isnan(total):
        return 0.0
    return abs(found - total) / total if total > 0 else found
