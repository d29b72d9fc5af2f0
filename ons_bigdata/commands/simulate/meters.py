"""`simulate meters`: files of readings of homes of the simulated world, and their truth, written into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.meters.deliveries.archives import write_meter_archive
from ons_bigdata.simulation.meters.deliveries.faults import CLEAN, FaultRates
from ons_bigdata.simulation.meters.generators import Simulation
from ons_bigdata.simulation.meters.world_homes import draw_world_homes
from ons_bigdata.simulation.world.building import build_world

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

LEAST_PERSONS = 20_000
"""Persons and addresses of the world for few meters; the same as of `simulate world`."""
PERSONS_PER_METER = 5


@dataclass(frozen=True)
class MeterOptions:
    """Sizes and choices of simulated meters."""

    meters: int
    first_day: date
    days: int
    seed: int
    generator: str
    file_format: str
    persons: int | None
    """Persons of the world; by the number of meters if None."""
    addresses: int | None
    has_faults: bool
    unit_errors: float
    keeps_presence: bool


@dataclass(frozen=True)
class WrittenMeters:
    """Folders that were written, and counts."""

    readings: Path
    truth: Path
    meters: int
    rows: int
    vacant: int
    second_homes: int
    faults: int

    def to_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {name: str(value) if name in ("readings", "truth") else value for name, value in vars(self).items()}


def write_meters(folder: Path, options: MeterOptions) -> WrittenMeters:
    """Build a world, give meters to some of its homes, and write readings and truth into a new or empty folder.

    Raises InputError for a folder with content, an unknown generator or format, and sizes or days that do not fit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is no empty folder; expected a new or an empty one")
    persons = options.persons or max(LEAST_PERSONS, PERSONS_PER_METER * options.meters)
    rates = FaultRates(unit_error_share=options.unit_errors) if options.has_faults else CLEAN
    try:
        progress.report("building a world", 0, 1)
        world = build_world(
            seed=options.seed,
            persons=persons,
            addresses=options.addresses or persons,
            first_day=options.first_day,
            days=options.days,
        )
        progress.report("building a world", 1, 1)
        drawn = draw_world_homes(world, options.meters, seed=options.seed)
        simulation = Simulation(options.seed, options.first_day, options.days, options.generator, trips=drawn.trips)
        written = write_meter_archive(
            folder,
            drawn.homes,
            simulation,
            file_format=options.file_format,
            rates=rates,
            keeps_presence=options.keeps_presence,
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    counts = dict(drawn.homes.group_by("occupancy").len().iter_rows())
    return WrittenMeters(
        readings=written.readings[0].parent,
        truth=written.truth,
        meters=written.meters,
        rows=written.rows,
        vacant=counts.get("vacant", 0),
        second_homes=counts.get("second_home", 0),
        faults=sum(written.faults.values()),
    )
