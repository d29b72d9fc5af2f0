"""Robots among the simulated users: one for each rule, and of the kind that only its rule catches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator

    from ons_bigdata.simulation.world.building import World

ROBOT_CLIENT = "simulated weather station"
LEAST_DAYS = 15
"""Fewest days that the rule on fixed positions needs."""
_RADIUS_M = 2_000.0
_METRE = 1 / 111_250
"""Degrees of latitude of a metre."""


def draw_robots(rng: Generator, world: World, *, first_user: int, volume_events: int) -> pl.DataFrame:
    """Events of the robots: user, kind (the rule that holds), at, lat, lon, client, town; by user and time.

    The users are numbered from `first_user`: one with `volume_events` events, one with constant intervals of an hour,
    one at a fixed position, one known by its client. Outages do not stop them.
    """
    seconds = world.days * 86_400 - 7_200
    volume_events = min(volume_events, seconds)
    counts = {
        "volume": volume_events,
        "constant_interval": min(200, seconds // 3_600),
        "fixed_position": 600,
        "client": 120,
    }
    begin = datetime(world.first_day.year, world.first_day.month, world.first_day.day, tzinfo=UTC)
    parts = []
    for number, (kind, count) in enumerate(counts.items()):
        address = world.addresses.row(int(rng.integers(world.addresses.height)), named=True)
        second = np.sort(rng.choice(seconds, size=count, replace=False))
        if kind == "constant_interval":
            second = 3_600 * np.arange(count)
        angle = rng.random(count) * 2 * np.pi
        radius_m = np.zeros(count) if kind == "fixed_position" else rng.random(count) * _RADIUS_M
        metre_east = _METRE / np.cos(np.radians(address["lat"]))
        parts.append(
            pl.DataFrame(
                {
                    "user": first_user + number,
                    "kind": kind,
                    "at": pl.Series(second).cast(pl.Int64) * 1_000_000,
                    "lat": (address["lat"] + radius_m * np.sin(angle) * _METRE).round(7),
                    "lon": (address["lon"] + radius_m * np.cos(angle) * metre_east).round(7),
                    "client": ROBOT_CLIENT if kind == "client" else "Twitter for Android",
                    "town": address["authority_name"],
                }
            ).with_columns(at=pl.lit(begin) + pl.col("at").cast(pl.Duration("us")))
        )
    return pl.concat(parts)


def end_of(world: World) -> datetime:
    """End of the last day of a world, UTC."""
    first = datetime(world.first_day.year, world.first_day.month, world.first_day.day, tzinfo=UTC)
    return first + timedelta(days=world.days)
