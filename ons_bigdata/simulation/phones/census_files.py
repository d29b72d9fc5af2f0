"""The simulated census of the operator's world: travel to work between its zones in two years, and the zones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.simulation.phones.network import RURALITIES, lay_out_zones

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.simulation.phones.operator_files import SimulatedOperator

YEAR, EARLIER_YEAR = 2011, 2001
COUNTED = ("regular", "part_time", "night_shift", "rotating_shift")
"""Ways of living with a workplace away from home: pupils, students and home workers are in no table of commuters."""
_CHANGED_SHARE = 0.3
"""Share of the commuters whose workplace was another one ten years earlier."""


def census_tables(operator: SimulatedOperator) -> dict[str, pl.DataFrame]:
    """Commuters between zones (year, o, d, commuters) and zones, by the name of their file.

    Zones have zone, zone_name, residents, lon, lat and rurality.

    The later year counts every commuter of the world. Ten years earlier some had the workplace of another commuter: who
    changes is drawn with the seed of the world.
    """
    commuters = (
        operator.persons.filter(pl.col("kind").is_in(COUNTED))
        .drop_nulls(["home_zone", "work_zone"])
        .sort("person")
        .select("person", o="home_zone", d="work_zone")
    )
    rng = np.random.default_rng([operator.world.seed, 950])
    work = commuters["d"].to_numpy().copy()
    changed = np.flatnonzero(rng.random(len(work)) < _CHANGED_SHARE)
    work[changed] = work[rng.permutation(changed)]
    years = {YEAR: commuters, EARLIER_YEAR: commuters.with_columns(d=pl.Series(work, dtype=pl.String))}
    flows = [
        table.group_by("o", "d").agg(commuters=pl.len()).sort("o", "d").select(pl.lit(year).alias("year"), pl.all())
        for year, table in years.items()
    ]
    return {
        f"{SIMULATED}census_flows.csv": pl.concat(flows),
        f"{SIMULATED}census_zones.csv": _zones(operator),
    }


def write_census(folder: Path, operator: SimulatedOperator) -> None:
    """Write the tables of the census into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in census_tables(operator).items():
        table.write_csv(folder / name)


def _zones(operator: SimulatedOperator) -> pl.DataFrame:
    """Zones with the mean position of their addresses, their residents, and the rurality of most addresses."""
    world = operator.world
    codes = operator.specification.zones.codes
    zone_of = lay_out_zones(world, len(codes))
    rurality = pl.Series("rurality", np.array(RURALITIES)[operator.network.rurality])
    placed = world.addresses.with_columns(rurality).join(zone_of, on="output_area", how="left", maintain_order="left")
    return (
        placed.group_by("zone")
        .agg(pl.col("lon").mean().round(6), pl.col("lat").mean().round(6), pl.col("rurality").mode().sort().first())
        .join(operator.shares_of_areas.select("zone", "residents"), on="zone", how="left")
        .sort("zone")
        .select(
            "zone",
            pl.concat_str(pl.lit("Zone "), pl.col("zone").str.slice(1)).alias("zone_name"),
            "residents",
            "lon",
            "lat",
            "rurality",
        )
    )
