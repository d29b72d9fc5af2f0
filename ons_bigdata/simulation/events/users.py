"""Persons of the simulated world who use the platform, and the addresses that they live at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from ons_bigdata.simulation.world.building import World

FIRST_USER = 9_000_000_001
AGE_WEIGHTS = ((16, 0.0), (25, 3.0), (35, 2.0), (45, 1.1), (65, 0.5), (200, 0.15))
"""Frequency of users by age: below the age, the weight."""
_STUDENT_WEIGHT = 1.3
_SPREAD_OF_AUTHORITIES = 0.25
"""Standard deviation of the logarithm of an authority's penetration."""
CLIENTS = {
    "Twitter for iPhone": 0.55,
    "Twitter for Android": 0.24,
    "Twitter Web Client": 0.10,
    "Twitter for iPad": 0.05,
    "Tweetbot": 0.03,
    "Instagram": 0.03,
}
"""Programs and their shares of the users."""


def draw_users(rng: Generator, world: World, users: int) -> pl.DataFrame:
    """Users, by person: user (from FIRST_USER), person, client.

    Young persons use the platform more often, and persons of some authorities more than those of others, so that users
    do not represent the residents. Nobody below 16 does.

    Raises ValueError for fewer than one user and for more than persons of 16 and over.
    """
    age = world.persons["age"].to_numpy()
    weight = np.select([age < below for below, _ in AGE_WEIGHTS], [value for _, value in AGE_WEIGHTS])
    eligible = int((weight > 0).sum())
    if not 1 <= users <= eligible:
        raise ValueError(f"users is {users}; expected 1 to {eligible}, the persons of 16 and over of this world")
    appeal = rng.lognormal(0.0, _SPREAD_OF_AUTHORITIES, world.authorities.height)
    authority = world.addresses["authority_number"].to_numpy()[world.persons["address"].to_numpy()]
    weight = weight * appeal[authority] * np.where(world.persons["is_student"].to_numpy(), _STUDENT_WEIGHT, 1.0)
    arrival = np.full(weight.size, np.inf)
    arrival[weight > 0] = rng.exponential(size=eligible) / weight[weight > 0]
    chosen = np.sort(np.argsort(arrival, kind="stable")[:users])
    return pl.DataFrame(
        {
            "user": FIRST_USER + np.arange(users),
            "person": world.persons["person"].gather(chosen),
            "client": pl.Series(rng.choice(list(CLIENTS), size=users, p=list(CLIENTS.values()))),
        }
    )


@dataclass(frozen=True)
class Bases:
    """Addresses at which users live in some spell: one base for each user and address; and the spells by day."""

    user: NDArray[np.int64]
    """Row of the user of each base."""
    address: NDArray[np.int64]
    """Row of the address of each base."""
    keys: NDArray[np.int64]
    """Row of the user and first day of each spell, in one number, ascending."""
    spell_base: NDArray[np.int64]
    spell_kind: NDArray[np.int64]
    """Kind of each spell: index in SPELL_KINDS."""

    def spells_on(self, user: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of the spell of each user (row) on each day."""
        return np.searchsorted(self.keys, _key(user, day), side="right") - 1


SPELL_KINDS = ("home", "parental", "term", "holiday")
_DAY_BITS = 20


def _key(user: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    return (user << _DAY_BITS) + day


def collect_bases(world: World, users: pl.DataFrame) -> Bases:
    """Bases of the users, and their spells."""
    spells = users.select("person", row=pl.int_range(pl.len(), dtype=pl.Int64)).join(
        world.spells.select("person", "address", "kind", day=(pl.col("first_date") - world.first_day).dt.total_days()),
        on="person",
        how="inner",
    )
    spells = spells.sort("row", "day")
    bases = spells.select("row", "address").unique(maintain_order=True).with_row_index("base")
    placed = spells.join(bases, on=["row", "address"], how="left", maintain_order="left")
    kinds = placed["kind"].replace_strict(
        {kind: place for place, kind in enumerate(SPELL_KINDS)}, return_dtype=pl.Int64
    )
    return Bases(
        user=bases["row"].to_numpy(),
        address=bases["address"].to_numpy(),
        keys=_key(placed["row"].to_numpy(), placed["day"].to_numpy()),
        spell_base=placed["base"].cast(pl.Int64).to_numpy(),
        spell_kind=kinds.to_numpy(),
    )
