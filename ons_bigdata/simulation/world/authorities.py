"""Local authorities of the simulated world: real codes and names, rounded positions and sizes."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

_TABLE = "authorities.csv"

MIGRATION_DECAY_KM = 60.0
"""Distance over which the attraction of an authority to movers falls by a factor e."""
COMMUTING_DECAY_KM = 9.0


def read_authorities(codes: Sequence[str] | None = None) -> pl.DataFrame:
    """Authorities of the world, in the order of the table: 153 of Great Britain, or those with the given codes.

    Columns: authority (GSS code of 2014), name, region (GSS code), easting_m, northing_m (middle of its largest town,
    rounded to a kilometre), residents_thousand, students_thousand (full-time students in term), holiday_weight
    (attraction to visitors, 1 is usual). The figures are rounded by us and are no official statistics.

    Raises ValueError for codes that the table does not have, and for no code at all.
    """
    with resources.files(__package__).joinpath(_TABLE).open("rb") as file:
        table = pl.read_csv(file.read())
    if codes is not None:
        unknown = sorted(set(codes) - set(table["authority"]))
        if unknown:
            raise ValueError(f"unknown authorities {', '.join(unknown)}; known: {', '.join(table['authority'])}")
        table = table.filter(pl.col("authority").is_in(list(codes)))
    if table.is_empty():
        raise ValueError("authorities is empty; expected at least one code")
    return table.select(
        "authority",
        "name",
        "region",
        easting_m=pl.col("easting_km") * 1000.0,
        northing_m=pl.col("northing_km") * 1000.0,
        residents_thousand=pl.col("residents_thousand").cast(pl.Float64),
        students_thousand=pl.col("students_thousand").cast(pl.Float64),
        holiday_weight=pl.col("holiday_weight").cast(pl.Float64),
    )


def distances_km(authorities: pl.DataFrame) -> NDArray[np.float64]:
    """Distance between the middles of all pairs of authorities, in kilometres."""
    east, north = (authorities[column].to_numpy() / 1000.0 for column in ("easting_m", "northing_m"))
    return np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :])


def gravity(
    attraction: NDArray[np.float64], distance_km: NDArray[np.float64], *, decay_km: float, share_within: float
) -> NDArray[np.float64]:
    """Chance of each destination (columns) for each origin (rows): attraction times exp(−distance / decay).

    `share_within` is the chance to stay in the origin; 0 for moves between authorities. With one authority, it is 1.
    """
    weights = attraction[None, :] * np.exp(-distance_km / decay_km)
    np.fill_diagonal(weights, 0.0)
    totals = weights.sum(axis=1, keepdims=True)
    chances = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0) * (1.0 - share_within)
    np.fill_diagonal(chances, np.where(totals[:, 0] > 0, share_within, 1.0))
    return chances


def draw_destinations(rng: Generator, origins: NDArray[np.int64], chances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Destination of each origin, by row of the matrix of chances."""
    sums = np.cumsum(chances, axis=1)
    sums /= sums[:, -1:]
    offsets = np.arange(sums.shape[0])[:, None]
    found = np.searchsorted((sums + offsets).ravel(), origins + rng.random(origins.size), side="right")
    return np.minimum(found - origins * sums.shape[1], sums.shape[1] - 1)
