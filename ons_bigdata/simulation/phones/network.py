"""Masts of the operator by rurality, and the cells that serve a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.world.building import World

RURALITIES = ("urban", "suburban", "rural")
_LIMITS_M = (2_000.0, 5_000.0)
"""Distance from the middle of the authority up to which a place is urban, and suburban."""
_SPACING_M = {"urban": 600.0, "suburban": 1_300.0, "rural": 4_500.0}
"""Mean distance of neighbouring masts."""
_JITTER = 0.25
_SHADOWING_DB = 3.0
"""Standard deviation of the signal between places at the same distance."""
_FADING_DB = 2.5
"""Standard deviation of the signal between events at the same place."""
_LOSS_DB = 38.0
"""Loss of signal for each tenfold of the distance."""
_NEIGHBOURS = 5
"""Masts that may serve a place."""


@dataclass(frozen=True)
class Network:
    """Masts, one cell each."""

    masts: pl.DataFrame
    """cell, easting_m, northing_m, rurality, radius_m (half of the mean distance to its neighbours)."""
    nearest: NDArray[np.int64]
    """Masts that may serve each address, by rising distance: row of the address by neighbour."""
    strength_db: NDArray[np.float64]
    """Mean signal of these masts at the address."""
    rurality: NDArray[np.int64]
    """Number of the rurality of each address."""

    @property
    def server(self) -> NDArray[np.int64]:
        """Mast that serves each address best."""
        best = self.strength_db.argmax(axis=1)
        return self.nearest[np.arange(best.size), best]

    def serving(self, rng: Generator, address: NDArray[np.int64]) -> NDArray[np.int64]:
        """Mast that serves an event at each of these addresses: the best by signal with fading."""
        signal = self.strength_db[address] + rng.normal(0.0, _FADING_DB, (address.size, self.strength_db.shape[1]))
        return self.nearest[address, signal.argmax(axis=1)]


def build_network(rng: Generator, world: World) -> Network:
    """Build the masts on a jittered lattice, dense in towns, and the signals at all addresses."""
    addresses = world.addresses
    east, north = addresses["easting_m"].to_numpy(), addresses["northing_m"].to_numpy()
    rurality = _rurality(world, east, north)
    points, classes = [], []
    for number, name in enumerate(RURALITIES):
        spacing = _SPACING_M[name]
        here = np.unique(np.floor(np.column_stack([east, north])[rurality == number] / spacing), axis=0)
        points.append((here + 0.5 + rng.uniform(-_JITTER, _JITTER, here.shape)) * spacing)
        classes.append(np.full(len(here), number))
    position, of_class = np.concatenate(points), np.concatenate(classes)
    tree = cKDTree(position)
    neighbours = min(_NEIGHBOURS, len(position))
    distance, nearest = tree.query(np.column_stack([east, north]), k=neighbours)
    distance, nearest = distance.reshape(east.size, -1), nearest.reshape(east.size, -1)
    power = np.array([0.0, 4.0, 8.0])[of_class]
    strength = power[nearest] - _LOSS_DB * np.log10(np.maximum(distance, 30.0))
    strength += rng.normal(0.0, _SHADOWING_DB, strength.shape)
    apart = tree.query(position, k=min(4, len(position)))[0].reshape(len(position), -1)
    masts = pl.DataFrame(
        {
            "cell": [f"c{number:05d}" for number in range(1, len(position) + 1)],
            "easting_m": position[:, 0],
            "northing_m": position[:, 1],
            "rurality": pl.Series(np.array(RURALITIES)[of_class]),
            "radius_m": apart[:, 1:].mean(axis=1) / 2 if apart.shape[1] > 1 else apart[:, 0],
        }
    )
    return Network(masts, nearest, strength, rurality)


def _rurality(world: World, east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.int64]:
    middle = world.authorities.select("easting_m", "northing_m").to_numpy()
    number = world.addresses["authority_number"].to_numpy()
    far = np.hypot(east - middle[number, 0], north - middle[number, 1])
    return np.searchsorted(_LIMITS_M, far)


def lay_out_zones(world: World, zones: int) -> pl.DataFrame:
    """Zones of about equal size: groups of output areas of an authority, cut along their longer side.

    Returns output_area, zone (Z001, …), sorted by output area. Raises ValueError for fewer zones than authorities, and
    for more than output areas.
    """
    areas = world.areas.sort("output_area")
    authorities = areas["authority"].unique().sort().to_list()
    if not len(authorities) <= zones <= areas.height:
        raise ValueError(
            f"zones is {zones}; expected {len(authorities)} (authorities) to {areas.height} (output areas)"
        )
    sizes = {one: areas.filter(pl.col("authority") == one).height for one in authorities}
    number = dict.fromkeys(authorities, 1)
    while sum(number.values()) < zones:
        largest = max(
            (one for one in authorities if number[one] < sizes[one]), key=lambda one: sizes[one] / number[one]
        )
        number[largest] += 1
    parts = []
    for one in authorities:
        parts += _cut(areas.filter(pl.col("authority") == one), number[one])
    return pl.concat(
        part.select("output_area", zone=pl.lit(f"Z{count:03d}")) for count, part in enumerate(parts, start=1)
    ).sort("output_area")


def _cut(areas: pl.DataFrame, number: int) -> list[pl.DataFrame]:
    """Cut areas into a number of groups of about equal size."""
    if number == 1:
        return [areas]
    spans = [float(np.ptp(areas[axis].to_numpy())) for axis in ("easting_m", "northing_m")]
    ordered = areas.sort("easting_m" if spans[0] >= spans[1] else "northing_m", "output_area")
    left = number // 2
    cut = min(max(left, round(areas.height * left / number)), areas.height - (number - left))
    return [*_cut(ordered[:cut], left), *_cut(ordered[cut:], number - left)]
