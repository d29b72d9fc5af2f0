"""Places that users visit besides their homes: addresses of all classes near a base, and parks far from any address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from convertbng.cutil import convert_lonlat
from scipy.spatial import cKDTree

from ons_bigdata.simulation.world.addresses import park_positions
from ons_bigdata.simulation.world.authorities import distances_km, draw_destinations, gravity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.events.users import Bases
    from ons_bigdata.simulation.world.building import World

PARK = "none"
"""Class of a place without an address within 300 m."""
_NEAREST = 24
_FAR_SHARE = 0.12
"""Share of the places in another authority."""
_FAR_DECAY_KM = 60.0
_PARK_RADIUS_M = 100.0


@dataclass(frozen=True)
class Places:
    """Places of each base, numbered from 0 in the order in which they are preferred."""

    first: NDArray[np.int64]
    """Row of the first place of each base."""
    address: NDArray[np.int64]
    """Row of the address of each place; −1 for a park."""
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


def draw_places(
    rng: Generator, world: World, bases: Bases, places: NDArray[np.int64], class_mix: Mapping[str, float]
) -> Places:
    """Places around each base: as many as `places` has for its user (row).

    `class_mix`: first letter of the class, or PARK, and its share of the places. An address is one of the nearest of
    its class to the base's output area, or to an output area of another authority. A class that the world has no
    address of is replaced by C.

    Raises ValueError for shares that are negative or do not sum to 1.
    """
    shares = np.array(list(class_mix.values()))
    if (shares < 0).any() or abs(shares.sum() - 1.0) > 1e-6:
        raise ValueError(f"shares of classes: {dict(class_mix)}; expected none below 0 and a sum of 1")
    counts = places[bases.user]
    base = np.repeat(np.arange(bases.user.size), counts)
    area = world.addresses["area_number"].to_numpy()[bases.address][base]
    area = _with_far_areas(rng, world, area)
    letter = rng.choice(shares.size, size=base.size, p=shares)
    middle = _middles(world)
    address = np.full(base.size, -1, dtype=np.int64)
    first_letters = world.addresses["class_code"].str.slice(0, 1)
    for place, name in enumerate(class_mix):
        mask = letter == place
        if name != PARK and mask.any():
            rows = np.flatnonzero((first_letters == name).to_numpy())
            rows = rows if rows.size else np.flatnonzero((first_letters == "C").to_numpy())
            address[mask] = _near(rng, world, rows, middle, area[mask])
    lon, lat = (world.addresses[axis].to_numpy()[address] for axis in ("lon", "lat"))
    parks = address < 0
    if parks.any():
        lon[parks], lat[parks] = _parks(rng, middle[area[parks]])
    return Places(np.cumsum(counts) - counts, address, lon, lat)


def _middles(world: World) -> NDArray[np.float64]:
    """Mean position of the addresses of each output area, by number."""
    means = (
        world.addresses.group_by("area_number")
        .agg(pl.col("easting_m").mean(), pl.col("northing_m").mean())
        .sort("area_number")
    )
    return means.select("easting_m", "northing_m").to_numpy()


def _with_far_areas(rng: Generator, world: World, area: NDArray[np.int64]) -> NDArray[np.int64]:
    """Output areas, some replaced by one of another authority."""
    authority_of = world.addresses.unique("area_number").sort("area_number")["authority_number"].to_numpy()
    far = rng.random(area.size) < _FAR_SHARE
    chances = gravity(
        world.authorities["residents_thousand"].to_numpy(),
        distances_km(world.authorities),
        decay_km=_FAR_DECAY_KM,
        share_within=0.0,
    )
    authority = draw_destinations(rng, authority_of[area[far]], chances)
    counts = np.bincount(authority_of)
    starts = np.cumsum(counts) - counts
    result = area.copy()
    result[far] = starts[authority] + (rng.random(authority.size) * counts[authority]).astype(np.int64)
    return result


def _near(
    rng: Generator, world: World, rows: NDArray[np.int64], middle: NDArray[np.float64], area: NDArray[np.int64]
) -> NDArray[np.int64]:
    """One of the nearest of some addresses (rows) to the middle of each area."""
    positions = world.addresses.select("easting_m", "northing_m").to_numpy()[rows]
    used, inverse = np.unique(area, return_inverse=True)
    nearest = min(_NEAREST, rows.size)
    _, found = cKDTree(positions).query(middle[used], k=nearest)
    rank = (nearest * rng.random(area.size) ** 1.5).astype(np.int64)
    return rows[found.reshape(used.size, nearest)[inverse, rank]]


def _parks(rng: Generator, near: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of a spot in the park of each position's block."""
    spots = park_positions(near[:, 0], near[:, 1]) + rng.uniform(-_PARK_RADIUS_M, _PARK_RADIUS_M, near.shape)
    longitude, latitude = convert_lonlat(np.ascontiguousarray(spots[:, 0]), np.ascontiguousarray(spots[:, 1]))
    return np.asarray(longitude), np.asarray(latitude)
