"""Moves of students between authorities: official flows of ages 18 to 25, or shares of the table of authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.authorities import distances_km

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_COLUMNS = ("LACode", "year", "ageGroup", "Out", "In")
_AGES = "18-25"
_DECAY_KM = 160.0
_ROUNDS = 50


def read_student_flows(path: Path, *, year: int = 2015) -> pl.DataFrame:
    """Moves of persons aged 18 to 25 out of and into each authority in the year to 30 June of `year`.

    The file is the table of internal migration by authority, year and age group (CSV, may be compressed with gzip),
    with the columns LACode, year, ageGroup, Out and In. Result: authority, moved_out, moved_in (persons).

    Raises ValueError for missing columns and for a year that the file does not have.
    """
    table = pl.read_csv(path, infer_schema_length=None)
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(f"{path.name}: no column {', '.join(missing)}; its columns: {', '.join(table.columns)}")
    flows = table.filter((pl.col("year") == year) & (pl.col("ageGroup") == _AGES)).select(
        authority="LACode", moved_out=pl.col("Out").cast(pl.Float64), moved_in=pl.col("In").cast(pl.Float64)
    )
    if flows.is_empty():
        years = sorted(table["year"].unique().to_list())
        raise ValueError(f"{path.name}: no row of year {year} and ages {_AGES}; its years: {years}")
    return flows.sort("authority")


def student_margins(authorities: pl.DataFrame, flows: pl.DataFrame | None) -> pl.DataFrame:
    """Moves out of and into each authority of the world: authority, moved_out, moved_in, in the world's order.

    Without flows students leave in proportion to residents and arrive in proportion to the places for students. With
    flows (columns of `read_student_flows`) these count; the row of a whole region is spread over its authorities by
    residents, and authorities that the world does not have are left out. Nobody arrives where there are no places for
    students.

    Raises ValueError if an authority is in neither row, and for negative numbers.
    """
    if flows is None:
        return authorities.select(
            "authority", moved_out=pl.col("residents_thousand"), moved_in=pl.col("students_thousand")
        )
    negative = flows.filter((pl.col("moved_out") < 0) | (pl.col("moved_in") < 0))
    if negative.height:
        raise ValueError(f"student_flows, authority {negative['authority'][0]}: negative moves; expected none")
    share = pl.col("residents_thousand") / pl.col("residents_thousand").sum().over("region")
    joined = (
        authorities.select("authority", "region", share=share)
        .join(flows, on="authority", how="left", maintain_order="left")
        .join(flows, left_on="region", right_on="authority", how="left", suffix="_region", maintain_order="left")
        .select(
            "authority",
            *(
                pl.coalesce(column, pl.col(f"{column}_region") * pl.col("share")).alias(column)
                for column in ("moved_out", "moved_in")
            ),
        )
    )
    without = joined.filter(pl.col("moved_out").is_null() | pl.col("moved_in").is_null())
    if without.height:
        raise ValueError(f"student_flows has no row of authority {without['authority'][0]} nor of its region")
    has_places = pl.Series(authorities["students_thousand"] > 0)
    return joined.with_columns(pl.when(has_places).then("moved_in").otherwise(0.0).alias("moved_in"))


def student_destinations(authorities: pl.DataFrame, margins: pl.DataFrame) -> NDArray[np.float64]:
    """Chance of each authority of study (columns) for students of each authority (rows).

    Gravity over distance, fitted to the moves into each authority by iterative proportional fitting. With one authority
    students stay there.
    """
    if authorities.height == 1:
        return np.ones((1, 1))
    weights = np.exp(-distances_km(authorities) / _DECAY_KM)
    np.fill_diagonal(weights, 0.0)
    moved_out, moved_in = (margins[column].to_numpy() + 1e-9 for column in ("moved_out", "moved_in"))
    moved_in = moved_in * moved_out.sum() / moved_in.sum()
    for _ in range(_ROUNDS):
        weights *= (moved_in / weights.sum(axis=0))[None, :]
        weights *= (moved_out / weights.sum(axis=1))[:, None]
    return weights / weights.sum(axis=1, keepdims=True)
