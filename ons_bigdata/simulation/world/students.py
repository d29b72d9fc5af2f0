"""Moves of students between authorities: official flows of ages 18 to 25, or shares of the table of authorities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.simulation.world.official_moves import fitted_destinations, spread_over_authorities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DECAY_KM = 160.0


def student_margins(authorities: pl.DataFrame, flows: pl.DataFrame | None) -> pl.DataFrame:
    """Moves out of and into each authority of the world: authority, moved_out, moved_in, in the world's order.

    Without flows students leave in proportion to residents and arrive in proportion to the places for students. With
    flows (columns of `read_official_moves`) these count, as in `spread_over_authorities`, with its errors. Nobody
    arrives where there are no places for students.
    """
    if flows is None:
        return authorities.select(
            "authority", moved_out=pl.col("residents_thousand"), moved_in=pl.col("students_thousand")
        )
    has_places = pl.Series(authorities["students_thousand"] > 0)
    return spread_over_authorities(authorities, flows, "student_flows").with_columns(
        pl.when(has_places).then("moved_in").otherwise(0.0).alias("moved_in")
    )


def student_destinations(authorities: pl.DataFrame, margins: pl.DataFrame) -> NDArray[np.float64]:
    """Chance of each authority of study (columns) for students of each authority (rows)."""
    return fitted_destinations(authorities, margins, decay_km=_DECAY_KM)
