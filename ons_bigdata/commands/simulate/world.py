"""`simulate world`: archives of events, address files and the truth of one simulated world, written into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.events.archives import simulate_event_archives
from ons_bigdata.simulation.world.address_files import write_address_files
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.simulation.world.official_moves import OTHER_AGES, STUDENT_AGES, read_official_moves
from ons_bigdata.simulation.world.outages import OutagePlan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import polars as pl


@dataclass(frozen=True)
class WorldOptions:
    """Sizes and choices of a world and of its events."""

    users: int
    persons: int
    addresses: int
    first_day: date
    days: int
    seed: int
    generator: str
    student_flows: Path | None
    """Official flows by authority, year and age group; shares of our own without."""
    home_flows: Path | None
    """The same for moves of homes, of the other ages; a pattern of our own without."""
    flows_year: int
    outages: int
    outage_hours: float
    outage_share: float
    live_days: int


@dataclass(frozen=True)
class WrittenWorld:
    """Folders that were written, and counts."""

    archives: Path
    addresses: Path
    truth: Path
    live: Path | None
    persons: int
    users: int
    events: int
    moves: int
    areas: int

    def to_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return {
            name: str(value) if name in ("archives", "addresses", "truth", "live") and value is not None else value
            for name, value in vars(self).items()
        }


def write_world(folder: Path, options: WorldOptions) -> WrittenWorld:
    """Build a world and write its files into a new or empty folder.

    Raises InputError for a folder with content, a file of flows that cannot be read, and sizes that do not fit.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is no empty folder; expected a new or an empty one")
    try:
        plan = OutagePlan(options.outages, options.outage_hours, options.outage_share)
        progress.report("building a world", 0, 1)
        world = build_world(
            seed=options.seed,
            persons=options.persons,
            addresses=options.addresses,
            student_flows=_flows(options.student_flows, options.flows_year, STUDENT_AGES),
            home_flows=_flows(options.home_flows, options.flows_year, OTHER_AGES),
            first_day=options.first_day,
            days=options.days,
            outages=plan,
        )
        progress.report("building a world", 1, 1)
        simulated = simulate_event_archives(
            folder,
            world,
            users=options.users,
            seed=options.seed,
            generator=options.generator,
            live_days=options.live_days,
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    files = write_address_files(folder / "addresses", world)
    return WrittenWorld(
        archives=simulated.archives,
        addresses=files.areas.parent,
        truth=simulated.truth,
        live=simulated.live,
        persons=world.persons.height,
        users=options.users,
        events=simulated.drawn.events.height,
        moves=world.moves.height,
        areas=world.areas.height,
    )


def _flows(path: Path | None, year: int, ages: Sequence[str]) -> pl.DataFrame | None:
    if path is None:
        return None
    if not path.is_file():
        raise InputError(f"no such file: {path}; expected a table of moves by authority, year and age group")
    return read_official_moves(path, year=year, ages=ages)
