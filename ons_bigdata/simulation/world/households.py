"""Households and persons of the simulated world: homes, ages, work and study."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.addresses import DWELLINGS
from ons_bigdata.simulation.world.authorities import (
    COMMUTING_DECAY_KM,
    distances_km,
    draw_destinations,
    gravity,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

SIZES = {1: 0.29, 2: 0.35, 3: 0.16, 4: 0.13, 5: 0.05, 6: 0.02}
"""Persons of a household and its share of the households."""
STUDENT_AGES = (18, 21)
STUDENT_SHARE = 0.6
"""Share of students among those of these ages who live with their parents."""
_WORK_SHARE = 0.76
_WORK_WITHIN = 0.62
"""Share of those who work in the authority in which they live."""
_WORKPLACES = ("CO", "CR", "CI", "CM", "CC", "CE03", "CE04")


def draw_households(rng: Generator, addresses: pl.DataFrame, persons: int) -> pl.DataFrame:
    """Homes at the beginning, one row for each: household, uprn, persons (size of the household), address (row).

    Dwellings are drawn without replacement, so that two households never share one at the beginning.

    Raises ValueError if there are more households than nine in ten dwellings.
    """
    is_dwelling = addresses["class_code"].is_in(DWELLINGS).to_numpy()
    dwellings = rng.permutation(np.flatnonzero(is_dwelling))
    sizes = rng.choice(list(SIZES), size=persons, p=list(SIZES.values()))
    ends = np.cumsum(sizes)
    households = int(np.searchsorted(ends, persons)) + 1
    sizes = sizes[:households]
    sizes[-1] -= ends[households - 1] - persons
    if households > 0.9 * dwellings.size:
        raise ValueError(
            f"{persons} persons are {households} households, but there are {dwellings.size} dwellings among "
            f"{addresses.height} addresses; expected at most nine households for ten dwellings"
        )
    home = dwellings[:households]
    return pl.DataFrame(
        {
            "household": np.arange(1, households + 1),
            "uprn": addresses["uprn"].gather(home),
            "persons": sizes,
            "address": home,
        }
    )


def draw_persons(rng: Generator, homes: pl.DataFrame, addresses: pl.DataFrame, margins: pl.DataFrame) -> pl.DataFrame:
    """Persons of the households: person, household, age (years, on the first day), is_student, and address (row).

    The first two of a household are adults of like ages, further ones are their children (or, of old couples, adults
    of like age). Among those of STUDENT_AGES who live with their parents, students are more frequent where more young
    people leave (`margins`, see `student_margins`).
    """
    household = np.repeat(np.arange(homes.height), homes["persons"].to_numpy())
    place = np.arange(household.size) - np.repeat(
        np.cumsum(homes["persons"].to_numpy()) - homes["persons"].to_numpy(), homes["persons"].to_numpy()
    )
    head = np.where(
        homes["persons"].to_numpy() > 2, rng.integers(24, 62, homes.height), rng.integers(19, 90, homes.height)
    )
    partner = np.clip(head[household] + rng.integers(-5, 6, household.size), 18, 95)
    child = np.maximum(np.minimum(rng.integers(0, 25, household.size), head[household] - 18), 0)
    age = np.where(place == 0, head[household], np.where(place == 1, partner, child))
    address = homes["address"].to_numpy()[household]
    is_of_age = (place > 1) & (age >= STUDENT_AGES[0]) & (age <= STUDENT_AGES[1])
    share = _student_shares(addresses["authority_number"].to_numpy()[address], margins)
    return pl.DataFrame(
        {
            "person": np.arange(1, household.size + 1),
            "household": household + 1,
            "age": age,
            "is_student": is_of_age & (rng.random(household.size) < share),
            "address": address,
        }
    )


def _student_shares(authority: NDArray[np.int64], margins: pl.DataFrame) -> NDArray[np.float64]:
    """Chance to be a student of each person, by authority; on average STUDENT_SHARE, at most 0.95."""
    moved_out = margins["moved_out"].to_numpy()
    persons = np.bincount(authority, minlength=moved_out.size)
    rate = np.divide(moved_out, persons, out=np.zeros_like(moved_out), where=persons > 0)
    if margins["moved_in"].sum() == 0:
        return np.zeros(authority.size)  # nowhere to study
    mean = float((rate * persons).sum() / persons.sum())
    share = np.full_like(rate, STUDENT_SHARE) if mean == 0 else np.minimum(STUDENT_SHARE * rate / mean, 0.95)
    return share[authority]


def draw_workplaces(
    rng: Generator, persons: pl.DataFrame, authorities: pl.DataFrame, addresses: pl.DataFrame
) -> NDArray[np.int64]:
    """Row of the address at which each person works; −1 for those without work."""
    age = persons["age"].to_numpy()
    works = (age >= 18) & (age < 66) & ~persons["is_student"].to_numpy() & (rng.random(age.size) < _WORK_SHARE)
    workers = np.flatnonzero(works)
    origin = addresses["authority_number"].to_numpy()[persons["address"].to_numpy()[workers]]
    chances = gravity(
        authorities["residents_thousand"].to_numpy(),
        distances_km(authorities),
        decay_km=COMMUTING_DECAY_KM,
        share_within=_WORK_WITHIN,
    )
    by_authority = AddressesByAuthority(addresses, _WORKPLACES, authorities.height)
    workplaces = np.full(age.size, -1, dtype=np.int64)
    workplaces[workers] = by_authority.draw(rng, draw_destinations(rng, origin, chances))
    return workplaces


class AddressesByAuthority:
    """Rows of the addresses whose class begins with one of some prefixes, by authority."""

    def __init__(self, addresses: pl.DataFrame, prefixes: tuple[str, ...], authorities: int) -> None:
        """Collect the rows."""
        self.prefixes = prefixes
        is_wanted = addresses.select(
            pl.any_horizontal(pl.col("class_code").str.starts_with(prefix) for prefix in prefixes)
        ).to_series()
        rows = np.flatnonzero(is_wanted.to_numpy())
        authority = addresses["authority_number"].to_numpy()
        self.rows = rows[np.argsort(authority[rows], kind="stable")]
        self.counts = np.bincount(authority[rows], minlength=authorities)
        self.starts = np.cumsum(self.counts) - self.counts

    def draw(self, rng: Generator, authority: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of an address in each authority. Raises ValueError for an authority without any."""
        counts = self.counts[authority]
        if (counts == 0).any():
            number = int(authority[np.argmax(counts == 0)])
            raise ValueError(f"authority {number} of the table has no address of class {', '.join(self.prefixes)}")
        return self.rows[self.starts[authority] + (rng.random(authority.size) * counts).astype(np.int64)]
