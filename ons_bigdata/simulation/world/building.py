"""The simulated world as a whole, built from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.world.addresses import lay_out_addresses
from ons_bigdata.simulation.world.authorities import read_authorities
from ons_bigdata.simulation.world.households import draw_households, draw_persons, draw_workplaces
from ons_bigdata.simulation.world.mobility import (
    Ground,
    Studies,
    draw_graduate_homes,
    draw_holidays,
    draw_homes,
    draw_studies,
)
from ons_bigdata.simulation.world.official_moves import spread_over_authorities
from ons_bigdata.simulation.world.outages import OutagePlan, draw_outages
from ons_bigdata.simulation.world.spells import HOME, KINDS, PARENTAL, Intervals, moves_between, overlay, undisturbed
from ons_bigdata.simulation.world.students import student_destinations, student_margins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

FIRST_DAY = date(2014, 4, 1)
DAYS = 214
"""1 April to 31 October 2014, as in the pilot of 2015."""

WHOLE_COUNTRY = OutagePlan()


@dataclass(frozen=True)
class World:
    """Areas, addresses, homes, persons, and where each person lives on each day, with the truth of every move.

    Identifiers are those of the columns: `output_area`, `uprn`, `household`, `person`. Dates of spells are half-open.
    """

    seed: int
    first_day: date
    days: int
    authorities: pl.DataFrame
    """See `read_authorities`."""
    areas: pl.DataFrame
    """output_area, msoa, authority, authority_name, region, easting_m, northing_m (mean position of the residents; of
    the addresses where nobody lives), residents, residents_16_plus (persons of the world on the first day)."""
    addresses: pl.DataFrame
    """See `lay_out_addresses`."""
    homes: pl.DataFrame
    """household, uprn, persons, address (row): one row for each household, on the first day."""
    persons: pl.DataFrame
    """person, household, age, is_student, has_work, work_uprn, study_uprn (null without), address (row of the home on
    the first day)."""
    spells: pl.DataFrame
    """person, uprn, kind (home, parental, term, holiday), first_date, last_date, output_area, authority, address (row);
    sorted by person and date. `last_date` is the first day on which the person no longer lives there."""
    moves: pl.DataFrame
    """person, from_uprn, to_uprn, from_area, to_area (authorities), moved_on, kind (move, term_start, term_end, trip),
    is_residence_change: one row for each change of spell. See `moves_between`."""
    outages: pl.DataFrame
    """See `draw_outages`."""


def build_world(  # noqa: PLR0913
    *,
    seed: int,
    persons: int,
    addresses: int,
    authorities: Sequence[str] | None = None,
    student_flows: pl.DataFrame | None = None,
    home_flows: pl.DataFrame | None = None,
    first_day: date = FIRST_DAY,
    days: int = DAYS,
    outages: OutagePlan = WHOLE_COUNTRY,
    mobility: float = 1.0,
) -> World:
    """Build a world. The same arguments give the same world.

    `authorities`: codes of the authorities that it has, all of the table by default. `student_flows`: moves of young
    people by authority (see `read_official_moves`); shares of our own by default. `home_flows`: moves of other ages, of
    which the households' moves have the pattern; one is drawn by default. `outages`: their number, length and reach; 12
    everywhere by default. `mobility`: moves of households, as a multiple of those of the country.

    Raises ValueError for fewer than one person, fewer than two days, a negative mobility, too few addresses for the
    authorities or the persons, and authorities that the table does not have.
    """
    if persons < 1:
        raise ValueError(f"persons is {persons}; expected at least 1")
    if days < 2:
        raise ValueError(f"days is {days}; expected at least 2")
    if mobility < 0:
        raise ValueError(f"mobility is {mobility}; expected 0 or more")
    table = read_authorities(authorities)
    streams = iter(np.random.default_rng([seed, stage]) for stage in range(20))
    address_table = lay_out_addresses(next(streams), table, addresses)
    margins = student_margins(table, student_flows)
    homes = draw_households(next(streams), address_table, persons)
    people = draw_persons(next(streams), homes, address_table, margins)
    workplace = draw_workplaces(next(streams), people, table, address_table)
    home_margins = None if home_flows is None else spread_over_authorities(table, home_flows, "home_flows")
    ground = Ground(table, address_table, homes, people, first_day, days, mobility, home_margins)
    spells, moves, university = _live(streams, ground, student_destinations(table, margins))
    collected = draw_outages(next(streams), table, outages, first_day=first_day, days=days)
    uprn = address_table["uprn"]
    people = people.with_columns(
        has_work=pl.Series(workplace >= 0),
        work_uprn=_gathered(uprn, workplace),
        study_uprn=_gathered(uprn, university),
    )
    return World(
        seed,
        first_day,
        days,
        table,
        _areas(address_table, people),
        address_table,
        homes,
        people,
        spells,
        moves,
        collected,
    )


def _live(
    streams: Iterator[Generator], ground: Ground, destinations: NDArray[np.float64]
) -> tuple[pl.DataFrame, pl.DataFrame, NDArray[np.int64]]:
    """Spells, moves, and the row of the university of each person (−1 without)."""
    homes = draw_homes(next(streams), ground)
    studies = draw_studies(next(streams), ground, destinations)
    graduates = draw_graduate_homes(next(streams), ground, studies)
    size = {"persons": ground.persons.height, "days": ground.days}
    residence = _between_terms(overlay([homes, studies.terms, graduates], **size), studies)
    holidays = undisturbed(draw_holidays(next(streams), ground), residence)
    spells = overlay([residence, holidays], **size)
    moves = moves_between(spells, studies.end)
    return _spell_frame(spells, ground), _move_frame(moves, ground), studies.university


def _between_terms(spells: Intervals, studies: Studies) -> Intervals:
    """Spells with those of students at home, from the first day of the studies to the last, of kind `parental`."""
    start, end = studies.start[spells.person], studies.end[spells.person]
    is_parental = (spells.kind == HOME) & (spells.start >= start) & (spells.end <= end)
    return replace(spells, kind=np.where(is_parental, PARENTAL, spells.kind))


def _spell_frame(spells: Intervals, ground: Ground) -> pl.DataFrame:
    addresses = ground.addresses
    return pl.DataFrame(
        {
            "person": spells.person + 1,
            "uprn": addresses["uprn"].gather(spells.address),
            "kind": pl.Series(np.array(KINDS)[spells.kind]),
            "first_date": _dates(spells.start, ground.first_day),
            "last_date": _dates(spells.end, ground.first_day),
            "output_area": addresses["output_area"].gather(spells.address),
            "authority": addresses["authority"].gather(spells.address),
            "address": spells.address,
        }
    )


def _move_frame(moves: pl.DataFrame, ground: Ground) -> pl.DataFrame:
    addresses = ground.addresses
    return pl.DataFrame(
        {
            "person": moves["person"] + 1,
            "from_uprn": addresses["uprn"].gather(moves["from_address"]),
            "to_uprn": addresses["uprn"].gather(moves["to_address"]),
            "from_area": addresses["authority"].gather(moves["from_address"]),
            "to_area": addresses["authority"].gather(moves["to_address"]),
            "moved_on": _dates(moves["day"].to_numpy(), ground.first_day),
            "kind": moves["kind"],
            "is_residence_change": moves["is_residence_change"],
        }
    )


def _dates(day: NDArray[np.int64], first_day: date) -> pl.Series:
    return pl.Series(np.datetime64(first_day) + day.astype("timedelta64[D]"))


def _gathered(values: pl.Series, rows: NDArray[np.int64]) -> pl.Series:
    """Values of rows; null for −1."""
    return values.gather(pl.Series(np.where(rows < 0, 0, rows))).zip_with(
        pl.Series(rows >= 0), pl.Series([None], dtype=values.dtype)
    )


def _areas(addresses: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Output areas with their residents on the first day."""
    home = persons["address"].to_numpy()
    residents = np.bincount(home, minlength=addresses.height)
    adults = np.bincount(home, weights=persons["age"].to_numpy() >= 16, minlength=addresses.height)
    lives = pl.col("residents").sum() > 0
    return (
        addresses.with_columns(residents=pl.Series(residents), residents_16_plus=pl.Series(adults.astype(np.int64)))
        .group_by("output_area", "msoa", "authority", "authority_name", "region", maintain_order=True)
        .agg(
            *(
                pl.when(lives)
                .then((pl.col(axis) * pl.col("residents")).sum() / pl.col("residents").sum())
                .otherwise(pl.col(axis).mean())
                .alias(axis)
                for axis in ("easting_m", "northing_m")
            ),
            pl.col("residents").sum(),
            pl.col("residents_16_plus").sum(),
        )
    )
