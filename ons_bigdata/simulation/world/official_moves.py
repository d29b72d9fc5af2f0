"""Official moves into and out of authorities, by ages: margins of the moves between authorities of the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.authorities import distances_km

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

STUDENT_AGES = ("18-25",)
OTHER_AGES = ("U18", "26-35", "36-55", "O55")
_COLUMNS = ("LACode", "year", "ageGroup", "Out", "In")
_ROUNDS = 50


def read_official_moves(path: Path, *, year: int = 2015, ages: Sequence[str] = STUDENT_AGES) -> pl.DataFrame:
    """Moves of persons of some ages out of and into each authority in the year to 30 June of `year`.

    The file is the table of internal migration by authority, year and age group (CSV, may be compressed with gzip),
    with the columns LACode, year, ageGroup, Out and In. Result: authority, moved_out, moved_in (persons).

    Raises ValueError for missing columns and for a year that the file does not have with these ages.
    """
    table = pl.read_csv(path, infer_schema_length=None)
    missing = [column for column in _COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(f"{path.name}: no column {', '.join(missing)}; its columns: {', '.join(table.columns)}")
    flows = (
        table.filter((pl.col("year") == year) & pl.col("ageGroup").is_in(list(ages)))
        .group_by(authority="LACode")
        .agg(moved_out=pl.col("Out").cast(pl.Float64).sum(), moved_in=pl.col("In").cast(pl.Float64).sum())
    )
    if flows.is_empty():
        years = sorted(table["year"].unique().to_list())
        raise ValueError(f"{path.name}: no row of year {year} and ages {', '.join(ages)}; its years: {years}")
    return flows.sort("authority")


def spread_over_authorities(authorities: pl.DataFrame, flows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Moves out of and into each authority of the world: authority, moved_out, moved_in, in the world's order.

    The row of a whole region is spread over its authorities by residents, and authorities that the world does not have
    are left out. Raises ValueError if an authority is in neither row, and for negative numbers; `name` says of what.
    """
    negative = flows.filter((pl.col("moved_out") < 0) | (pl.col("moved_in") < 0))
    if negative.height:
        raise ValueError(f"{name}, authority {negative['authority'][0]}: negative moves; expected none")
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
        raise ValueError(f"{name} has no row of authority {without['authority'][0]} nor of its region")
    return joined


def fitted_destinations(authorities: pl.DataFrame, margins: pl.DataFrame, *, decay_km: float) -> NDArray[np.float64]:
    """Chance of each other authority (columns) for those who leave an authority (rows).

    Gravity over distance, exp(−distance / decay), fitted to the moves out of and into each authority by iterative
    proportional fitting. With one authority everybody stays there.
    """
    if authorities.height == 1:
        return np.ones((1, 1))
    weights = np.exp(-distances_km(authorities) / decay_km)
    np.fill_diagonal(weights, 0.0)
    moved_out, moved_in = (margins[column].to_numpy() + 1e-9 for column in ("moved_out", "moved_in"))
    moved_in = moved_in * moved_out.sum() / moved_in.sum()
    for _ in range(_ROUNDS):
        weights *= (moved_in / weights.sum(axis=0))[None, :]
        weights *= (moved_out / weights.sum(axis=1))[:, None]
    chances: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return chances
