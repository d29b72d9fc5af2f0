"""Raking of weights to several margins within a range of factors, with what the range leaves undone."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.phones.schemas.weights import CappedCell, CappedMargin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Frame = pl.DataFrame | pl.LazyFrame

AT_END = 1e-9
"""Relative distance from an end of the range within which a factor counts as capped."""


class CappedRaking(NamedTuple):
    """Raked cells and the report of the margins."""

    cells: pl.DataFrame
    """`CappedCell` columns added to the cells as they came."""
    margins: pl.DataFrame
    """`CappedMargin` rows."""
    capped_mass: float
    """Share of the raked persons in cells whose factor is at an end of the range."""
    is_reached: bool
    """True if all margins are reached within the tolerance."""


class _Margin(NamedTuple):
    name: str
    code: NDArray[np.int64]
    total: NDArray[np.float64]
    categories: list[str]


def rake_capped(
    cells: Frame,
    margins: Sequence[Frame],
    *,
    lowest: float = 0.2,
    highest: float = 5.0,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
) -> CappedRaking:
    """Weights raked to margins, their factors kept between `lowest` and `highest` of the start weights.

    `cells`: columns of text or whole numbers (area, age, sex, segment, …), devices (≥ 0), weight (> 0, persons per
    device before raking); one row per combination. `margins`: frames, each with one or more of these columns and
    `total` (persons, ≥ 0) of each category; a category that a margin does not list is not scaled by it.

    The factor of a cell is the product of one factor per margin, cut to the range. Margins are taken in turn: the
    factor of each category is set so that the cut factors give its total, until no category is off by more than
    `tolerance`. A category that the range does not let reach its total stays as near as it gets and is reported.

    Returns the cells in their order with factor, weight_raked and is_capped; the report of all categories; the share
    of persons in capped cells; and whether all totals are reached.

    Raises ValueError on faulty frames, margins without a common column with the cells, and a positive total of a
    category without devices.

    Source: Deville, Särndal, Sautory, Generalized raking procedures in survey sampling, Journal of the American
    Statistical Association 88 (1993) 1013–1020 (raking with bounds).
    """
    _refuse_range(lowest, highest, tolerance, max_iterations)
    table = _checked_cells(eager_frame(cells, "cells"))
    sides = [_margin(table, eager_frame(frame, f"margins[{number}]"), number) for number, frame in enumerate(margins)]
    start = (table["devices"] * table["weight"]).to_numpy()
    factors = [np.ones(len(side.total)) for side in sides]
    for _ in range(max_iterations):
        for number, side in enumerate(sides):
            others = np.ones(len(start))
            for other, factor in zip(
                sides[:number] + sides[number + 1 :], factors[:number] + factors[number + 1 :], strict=True
            ):
                others = others * factor[other.code]
            factors[number] = _category_factors(start, others, side, lowest, highest)
        factor = _cut(sides, factors, len(start), lowest, highest)
        if all(_worst(start * factor, side) <= tolerance for side in sides):
            break
    capped = (factor <= lowest * (1 + AT_END)) | (factor >= highest * (1 - AT_END))
    persons = start * factor
    added = table.with_columns(
        factor=pl.Series(factor),
        weight_raked=pl.Series(table["weight"].to_numpy() * factor),
        is_capped=pl.Series(capped),
    )
    CappedCell.validate(added.select("devices", "weight", "factor", "weight_raked", "is_capped"), cast=True)
    report = pl.concat([_report(persons, capped, side) for side in sides])
    return CappedRaking(
        cells=added,
        margins=CappedMargin.validate(report, cast=True),
        capped_mass=float(persons[capped].sum() / persons.sum()) if persons.sum() > 0 else 0.0,
        is_reached=all(_worst(persons, side) <= tolerance for side in sides),
    )


def _refuse_range(lowest: float, highest: float, tolerance: float, max_iterations: int) -> None:
    if not (0 < lowest <= 1 <= highest and isfinite(highest)):
        message = f"lowest is {lowest}, highest {highest}; expected 0 < lowest ≤ 1 ≤ highest"
        raise ValueError(message)
    if not (isfinite(tolerance) and tolerance > 0) or max_iterations < 1:
        message = f"tolerance is {tolerance}, max_iterations {max_iterations}; expected positive numbers"
        raise ValueError(message)


def _checked_cells(cells: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(cells, ("devices", "weight"), "cells")
    refuse_no_numbers(cells, ("devices", "weight"), "cells")
    table = cells.with_columns(pl.col("devices", "weight").cast(pl.Float64))
    refuse_rows(
        table.select("devices", "weight"),
        {
            "no devices, or a number that is not finite": ~pl.col("devices").fill_null(float("nan")).is_finite(),
            "negative devices": pl.col("devices") < 0,
            "no weight, or one that is not finite": ~pl.col("weight").fill_null(float("nan")).is_finite(),
            "a weight of 0 or less": pl.col("weight") <= 0,
        },
        "cells",
    )
    return table


def _margin(table: pl.DataFrame, totals: pl.DataFrame, number: int) -> _Margin:
    name = f"margins[{number}]"
    refuse_missing_columns(totals, ("total",), name)
    refuse_no_numbers(totals, ("total",), name)
    columns = [column for column in totals.columns if column != "total"]
    if not columns:
        message = f"{name} has no column besides total; expected a column of the cells"
        raise ValueError(message)
    refuse_missing_columns(table, columns, "cells")
    refuse_repeated(totals, columns, name)
    wanted = totals.with_columns(
        *(pl.col(column).cast(table.schema[column]) for column in columns), pl.col("total").cast(pl.Float64)
    )
    refuse_rows(
        wanted,
        {
            "no total, or one that is not finite": ~pl.col("total").fill_null(float("nan")).is_finite(),
            "a negative total": pl.col("total") < 0,
        },
        name,
    )
    filled = table.filter(pl.col("devices") > 0).select(columns).unique()
    empty = wanted.join(filled, on=columns, how="anti").filter(pl.col("total") > 0)
    refuse_rows(empty, {"a positive total, but no devices to weight": pl.lit(value=True)}, name)
    keyed = table.select(columns).unique().sort(columns).join(wanted, on=columns, how="left", maintain_order="left")
    coded = table.select(columns).join(
        keyed.with_row_index("code").select(*columns, "code"),
        on=columns,
        how="left",
        maintain_order="left",
        nulls_equal=True,
    )
    return _Margin(
        name=", ".join(columns),
        code=coded["code"].cast(pl.Int64).to_numpy(),
        total=keyed["total"].fill_null(float("nan")).to_numpy(),
        categories=[", ".join(str(value) for value in row) for row in keyed.select(columns).iter_rows()],
    )


def _category_factors(
    start: NDArray[np.float64], others: NDArray[np.float64], side: _Margin, lowest: float, highest: float
) -> NDArray[np.float64]:
    """Factor of each category for which its cut factors give its total; by halving the range of its logarithm."""
    size = len(side.total)
    known = np.isfinite(side.total)
    # At these ends every cell of the category is at an end of the range.
    least, most = np.full(size, np.inf), np.zeros(size)
    np.minimum.at(least, side.code, lowest / others)
    np.maximum.at(most, side.code, highest / others)
    low, high = np.log(np.where(known, least, 1.0)), np.log(np.where(known, most, 1.0))
    for _ in range(60):
        middle = (low + high) / 2
        reached = np.bincount(
            side.code, start * np.clip(others * np.exp(middle)[side.code], lowest, highest), minlength=size
        )
        too_much = reached > np.where(known, side.total, np.inf)
        high, low = np.where(too_much, middle, high), np.where(too_much, low, middle)
    return np.where(known, np.exp((low + high) / 2), 1.0)


def _cut(
    sides: list[_Margin], factors: list[NDArray[np.float64]], size: int, lowest: float, highest: float
) -> NDArray[np.float64]:
    product = np.ones(size)
    for side, factor in zip(sides, factors, strict=True):
        product = product * factor[side.code]
    return np.clip(product, lowest, highest)


def _differences(persons: NDArray[np.float64], side: _Margin) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    reached = np.bincount(side.code, persons, minlength=len(side.total)).astype(np.float64)
    return reached, np.where(side.total > 0, reached / np.where(side.total > 0, side.total, 1) - 1, reached)


def _worst(persons: NDArray[np.float64], side: _Margin) -> float:
    _, difference = _differences(persons, side)
    return float(np.nanmax(np.abs(np.where(np.isfinite(side.total), difference, 0.0)), initial=0.0))


def _report(persons: NDArray[np.float64], capped: NDArray[np.bool_], side: _Margin) -> pl.DataFrame:
    reached, difference = _differences(persons, side)
    held = np.bincount(side.code, np.where(capped, persons, 0.0), minlength=len(reached))
    table = pl.DataFrame(
        {
            "category": side.categories,
            "total": side.total,
            "reached": reached,
            "relative_difference": difference,
            "capped_share": np.clip(np.divide(held, reached, out=np.zeros_like(reached), where=reached > 0), 0, 1),
        },
        schema_overrides={"category": pl.String},
    )
    return table.filter(pl.col("total").is_finite()).select(pl.lit(side.name).alias("margin"), pl.all())
