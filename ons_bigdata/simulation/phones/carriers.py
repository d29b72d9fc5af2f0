"""Who carries a phone of the operator: persons by their way of living, tariffs, second phones, market shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.random import Generator

    from ons_bigdata.simulation.world.building import World

KINDS = ("regular", "part_time", "night_shift", "rotating_shift", "home_worker", "student", "pupil", "non_worker")
"""Ways of living, by which the days of a person look."""
_WORKER_SHARES = {"regular": 0.70, "part_time": 0.13, "night_shift": 0.03, "rotating_shift": 0.03, "home_worker": 0.11}
_OWNERSHIP = ((0, 0.0), (8, 0.2), (11, 0.75), (16, 0.96), (65, 0.88), (75, 0.70))
"""Age from which a share of the persons owns a phone."""
_PAYG = ((0, 0.75), (18, 0.38), (25, 0.24), (55, 0.36), (70, 0.58))
"""Age from which a share of the phones is pay-as-you-go."""
SECOND_PHONE = 0.15
"""Share of the owners of working age who have a second phone."""
_SAME_OPERATOR = 3.0
"""How much likelier a second phone is the operator's where the first one is."""
_SHARE_SD = 0.30
"""Standard deviation of the log of the market share between authorities."""
_PAYG_FACTOR = 0.8
"""Market share among pay-as-you-go phones, relative to contracts."""
_SCHOOLS = ("CE03", "CE04")


def draw_kinds(rng: Generator, world: World) -> pl.DataFrame:
    """Persons with their way of living.

    Columns: person, age, kind, home (row of the address), place (row of the address of work, study or school; −1
    without), authority (number of the home's).
    """
    persons, addresses = world.persons, world.addresses
    age = persons["age"].to_numpy()
    authority = addresses["authority_number"].to_numpy()[persons["address"].to_numpy()]
    works = persons["has_work"].to_numpy()
    is_student = persons["is_student"].to_numpy() & persons["study_uprn"].is_not_null().to_numpy()
    is_pupil = (age >= 5) & (age < 18) & ~works
    kind = np.full(age.size, KINDS.index("non_worker"))
    drawn = rng.choice(len(_WORKER_SHARES), size=age.size, p=list(_WORKER_SHARES.values()))
    kind[works] = drawn[works]
    kind[is_student] = KINDS.index("student")
    kind[is_pupil] = KINDS.index("pupil")
    rows = dict(zip(addresses["uprn"].to_list(), range(addresses.height), strict=True))
    work = np.array([rows.get(uprn, -1) for uprn in persons["work_uprn"].to_list()])
    study = np.array([rows.get(uprn, -1) for uprn in persons["study_uprn"].to_list()])
    place = np.where(works, work, np.where(is_student, study, -1))
    place = np.where(is_pupil, _nearest_schools(world, persons["address"].to_numpy()), place)
    return pl.DataFrame(
        {
            "person": persons["person"],
            "age": age,
            "kind": pl.Series(np.array(KINDS)[kind]),
            "home": persons["address"],
            "place": place,
            "authority": authority,
        }
    )


def _nearest_schools(world: World, homes: np.ndarray) -> np.ndarray:
    """Row of the nearest school of each home in its authority; that of any shop where there is no school."""
    addresses = world.addresses
    is_school = addresses.select(
        pl.any_horizontal(pl.col("class_code").str.starts_with(code) for code in _SCHOOLS)
    ).to_series()
    authority = addresses["authority_number"].to_numpy()
    east, north = addresses["easting_m"].to_numpy(), addresses["northing_m"].to_numpy()
    is_shop = addresses["class_code"].str.starts_with("CR").to_numpy()
    nearest = np.empty(homes.size, np.int64)
    for number in range(world.authorities.height):
        here = np.flatnonzero(authority[homes] == number)
        if not here.size:
            continue
        schools = np.flatnonzero(is_school.to_numpy() & (authority == number))
        if not schools.size:
            schools = np.flatnonzero(is_shop & (authority == number))
        home = homes[here]
        distance = np.hypot(east[home][:, None] - east[schools], north[home][:, None] - north[schools])
        nearest[here] = schools[distance.argmin(axis=1)]
    return nearest


def draw_phones(
    rng: Generator, persons: pl.DataFrame, devices: int, authorities: int
) -> tuple[pl.DataFrame, np.ndarray]:
    """Phones of the operator, and its market share by authority.

    `persons` as of `draw_kinds`. Returns device (1, 2, …), person, row (of the person), tariff (contract, payg),
    is_second, holder_age (of the contract: phones of persons below 16 are their parents') and account (consumer,
    business).

    Raises ValueError where the persons do not have that many phones.
    """
    age = persons["age"].to_numpy()
    owns = np.flatnonzero(rng.random(age.size) < _by_age(_OWNERSHIP, age))
    second = owns[(age[owns] >= 18) & (age[owns] < 66) & (rng.random(owns.size) < SECOND_PHONE)]
    carrier = np.concatenate([owns, second])
    is_second = np.concatenate([np.zeros(owns.size, bool), np.ones(second.size, bool)])
    if carrier.size < devices:
        raise ValueError(f"devices is {devices}; expected at most {carrier.size}, the phones of {age.size} persons")
    is_payg = rng.random(carrier.size) < np.where(is_second, 0.2, _by_age(_PAYG, age[carrier]))
    share = 0.3 * np.exp(rng.normal(-0.5 * _SHARE_SD**2, _SHARE_SD, authorities))
    authority = persons["authority"].to_numpy()[carrier]
    weight = share[authority] * np.where(is_payg, _PAYG_FACTOR, 1.0)
    firsts = rng.random(carrier.size) < weight  # the first phones are the operator's with this chance
    of_operator = np.zeros(age.size, bool)
    of_operator[carrier[firsts & ~is_second]] = True
    weight = np.where(is_second & of_operator[carrier], weight * _SAME_OPERATOR, weight)
    weight = np.where(~is_second & ~of_operator[carrier], weight * 0.5, weight)
    chosen = np.sort(rng.choice(carrier.size, size=devices, replace=False, p=weight / weight.sum()))
    table = pl.DataFrame(
        {
            "device": np.arange(1, devices + 1),
            "person": persons["person"].gather(pl.Series(carrier[chosen])),
            "row": carrier[chosen],
            "tariff": pl.Series(np.where(is_payg[chosen], "payg", "contract")),
            "is_second": is_second[chosen],
            "holder_age": np.where(age[carrier[chosen]] < 16, 42, age[carrier[chosen]]),
            "account": pl.Series(np.where(is_second[chosen] & (rng.random(devices) < 0.7), "business", "consumer")),
        }
    )
    return table, share


def expected_phones(age: np.ndarray, *, seconds: float = SECOND_PHONE) -> np.ndarray:
    """Phones that a person of an age has on average, second ones among them."""
    has_second = np.where((age >= 18) & (age < 66), seconds, 0.0)
    return _by_age(_OWNERSHIP, age) * (1 + has_second)


def payg_chance(age: np.ndarray) -> np.ndarray:
    """Chance that a first phone of a person of an age is pay-as-you-go."""
    return _by_age(_PAYG, age)


def _by_age(steps: tuple[tuple[int, float], ...], age: np.ndarray) -> np.ndarray:
    ages = np.array([step[0] for step in steps])
    return np.array([step[1] for step in steps])[np.searchsorted(ages, age, side="right") - 1]
