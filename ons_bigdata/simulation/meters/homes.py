"""Homes that carry simulated meters: households, dwellings, kinds of meter, and who is vacant from when to when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from numpy.random import Generator
    from numpy.typing import NDArray

STARTING_KWH = 0.006
"""Half hours below it read zero on an insensitive meter."""
OCCUPIED, SECOND_HOME, VACANT = "occupied", "second_home", "vacant"
EMPLOYMENTS = ("employed", "unemployed", "carer", "retired")
DWELLING_TYPES = ("detached", "semi_detached", "terraced", "flat")
_DWELLING_SHARES = (0.3, 0.3, 0.25, 0.15)
TARIFFS = ("A", "B", "C", "D", "E", "W")
_TARIFF_SHARES = (0.25, 0.1, 0.25, 0.1, 0.27, 0.03)
_SIZES, _SIZE_SHARES = (1, 2, 3, 4, 5, 6), (0.24, 0.31, 0.17, 0.16, 0.08, 0.04)


@dataclass(frozen=True)
class HomeShares:
    """Shares of homes by kind of occupancy and of equipment, and the flows into and out of vacancy.

    Vacancy after the Vacant Dwelling Indicators of the CSO: stock by urban and rural area, two thirds of it for more
    than two years; per quarter about 0.32 % of the homes become vacant and 11 % of the vacant ones are occupied again.
    """

    vacant_urban: float = 0.03
    vacant_rural: float = 0.075
    rural: float = 0.35
    second_homes: float = 0.03
    become_vacant_per_quarter: float = 0.0035
    occupied_again_per_quarter: float = 0.11
    zero_reading: float = 0.12
    """Share of the vacant homes whose meter shows zeros alone."""
    solar: float = 0.1
    insensitive: float = 0.13
    """Homes with hardly any standby, whose meter reads zero while nothing else runs."""
    controlled_load: float = 0.02
    """Insensitive meters of homes that heat their water by night."""
    electric_heating: float = 0.075


def draw_homes(
    rng: Generator, meters: int, *, first_day: date, days: int, shares: HomeShares | None = None
) -> pl.DataFrame:
    """Draw homes without a world: see `SimulatedMeters.homes`; meters are numbered from 1000.

    Further columns: is_rural, adults, workers, and meter_type (import, insensitive, net_import with
    solar, controlled_load).
    """
    shares = shares or HomeShares()
    if meters < 1:
        raise ValueError(f"meters is {meters}; expected at least 1")
    size = rng.choice(_SIZES, size=meters, p=_SIZE_SHARES)
    adults = np.where(size == 1, 1, np.where(rng.random(meters) < 0.1, 1, 2))
    adults = np.where((size > 2) & (rng.random(meters) < 0.25), np.minimum(size, 3), adults)
    employment = rng.choice(EMPLOYMENTS, size=meters, p=(0.58, 0.1, 0.1, 0.22))
    employment = np.where((size > 3) & (employment == "retired"), "employed", employment)
    second_works = (adults > 1) & (employment != "retired") & (rng.random(meters) < 0.55)
    frame = pl.DataFrame(
        {
            "meter": [str(1000 + number) for number in range(meters)],
            "area": [f"A{number:03d}" for number in rng.integers(0, max(1, meters // 40), meters)],
            "dwelling_type": rng.choice(DWELLING_TYPES, size=meters, p=_DWELLING_SHARES),
            "is_rural": rng.random(meters) < shares.rural,
            "household_size": size,
            "adults": adults,
            "workers": (employment == "employed").astype(np.int64) + second_works,
            "employment": employment,
        }
    )
    return equip_homes(rng, draw_occupancy(rng, frame, first_day=first_day, days=days, shares=shares), shares)


def draw_occupancy(
    rng: Generator, homes: pl.DataFrame, *, first_day: date, days: int, shares: HomeShares
) -> pl.DataFrame:
    """Add occupancy, vacant_from and vacant_until (the first day on which it is occupied again) to homes.

    A home has at most one vacancy. A vacancy older than the range keeps its true beginning; one that outlasts it has no
    end. `vacant` is every home with a vacancy within the range.
    """
    meters = homes.height
    is_rural = homes["is_rural"].to_numpy()
    draw = rng.random(meters)
    share = np.where(is_rural, shares.vacant_rural, shares.vacant_urban)
    in_stock = draw < share
    is_second = ~in_stock & (draw < share + shares.second_homes * np.where(is_rural, 1.6, 0.7))
    quarters = days / 91.3
    enters = ~in_stock & ~is_second & (rng.random(meters) < shares.become_vacant_per_quarter * quarters)
    long_standing = rng.random(meters) < 2 / 3
    age = np.where(long_standing, 730 + rng.exponential(900, meters), rng.uniform(1, 730, meters)).astype(np.int64)
    begins = np.where(in_stock, -age, rng.integers(0, days, meters))
    wait = (rng.exponential(91.3 / -np.log1p(-shares.occupied_again_per_quarter), meters) + 1).astype(np.int64)
    ends = np.maximum(begins, 0) + wait
    is_vacant = in_stock | enters
    return homes.with_columns(
        occupancy=pl.Series(np.where(is_vacant, VACANT, np.where(is_second, SECOND_HOME, OCCUPIED))),
        vacant_from=_dates(first_day, begins, is_vacant),
        vacant_until=_dates(first_day, ends, is_vacant & (ends < days)),
    )


def equip_homes(rng: Generator, homes: pl.DataFrame, shares: HomeShares) -> pl.DataFrame:
    """Add tariff, has_electric_heating, has_solar, meter_type and reads_zero (a vacant home without any use)."""
    meters = homes.height
    kinds = {"net_import": shares.solar, "controlled_load": shares.controlled_load, "insensitive": shares.insensitive}
    kinds["import"] = 1.0 - sum(kinds.values())
    is_vacant = (homes["occupancy"] == VACANT).to_numpy()
    meter_type = rng.choice(np.array(list(kinds)), size=meters, p=list(kinds.values()))
    meter_type = np.where(is_vacant, "import", meter_type)
    return homes.with_columns(
        tariff=pl.Series(rng.choice(TARIFFS, size=meters, p=_TARIFF_SHARES)),
        has_electric_heating=pl.Series((rng.random(meters) < shares.electric_heating) & (meter_type == "import")),
        has_solar=pl.Series(meter_type == "net_import"),
        meter_type=pl.Series(meter_type, dtype=pl.String),
        reads_zero=pl.Series(is_vacant & (rng.random(meters) < shares.zero_reading)),
    )


def _dates(first_day: date, number: NDArray[np.int64], given: NDArray[np.bool_]) -> pl.Series:
    return pl.Series(np.where(given, np.datetime64(first_day) + number, np.datetime64("NaT")))
