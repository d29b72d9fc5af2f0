"""`demo`: the whole path of each pilot over simulated sources or a real archive.

Each pilot brings its simulated deliveries (`commands/demo/<pilot>.py`) and has separate runs: a failing pilot does not
stop the rest.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.instance import open_instance, run_log
from ons_bigdata.platform.errors import InputError, ReportedError, StepFailedError
from ons_bigdata.platform.ingest.input_files import require_paths
from ons_bigdata.platform.ingest.sources import bulk_sources
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import make_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings


@dataclass(frozen=True)
class Delivered:
    """Days and data origin of what a pilot's demo took in."""

    days: tuple[str, str]
    """First and last day, YYYY-MM-DD."""
    data_origin: str
    counts: list[str] = field(default_factory=list)
    """Lines on what was taken in, apart from the files."""


class Demo(Protocol):
    """A pilot's part of the demo."""

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest simulated sources, or an archive; simulated sites stay open until `sites` is closed."""

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows taken in and the main figures, after the run."""


@dataclass(frozen=True)
class PilotOutcome:
    """Outcome of a pilot in the demo."""

    pilot: str
    seconds: float
    run: runs.RunOutcome | None = None
    lines: list[str] = field(default_factory=list)
    error: str | None = None
    """Why the pilot's demo failed; null if it did not."""


def choose_pilots(names: str | None, *, archive: Path | None) -> list[Pilot]:
    """Return the pilots of a comma-separated list; all for None.

    Raises InputError for an unknown pilot, an archive that is missing, and an archive with several pilots.
    """
    known = {pilot.name: pilot for pilot in PILOTS}
    named = list(known) if names is None else [name.strip() for name in names.split(",") if name.strip()]
    chosen = list(dict.fromkeys(named))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise InputError(f"pilots: found {', '.join(unknown) or 'none'}; known: {', '.join(known)}")
    require_paths([] if archive is None else [archive])
    if archive is not None and len(chosen) > 1:
        raise InputError("an archive is of one pilot: say which with --pilots")
    return [known[name] for name in chosen]


def run_demo(pilots: Sequence[Pilot], archive: Path | None, settings: Settings, sites: ExitStack) -> list[PilotOutcome]:
    """Ingest each pilot's sources and materialise its assets; return an outcome for each, failed or not.

    Simulated sites stay open until `sites` is closed. Raises StepFailedError where a signal interrupts a run.
    """
    warehouse = open_warehouse(settings)
    make_pseudonym_key(pilots, settings)
    names = tuple(pilot.name for pilot in pilots)
    outcomes = []
    for pilot in pilots:
        started = time.monotonic()
        try:
            outcome = _run_pilot(pilot, names, archive, settings, sites, warehouse)
        except ReportedError as error:
            outcome = PilotOutcome(pilot.name, 0, error=str(error))
        if outcome.run is not None and outcome.run.interrupted:
            raise StepFailedError(f"{pilot.name}: interrupted")  # an interrupt ends the demo, not one pilot
        outcomes.append(replace(outcome, seconds=time.monotonic() - started))
    return outcomes


def make_pseudonym_key(pilots: Sequence[Pilot], settings: Settings) -> None:
    """Write a random pseudonym key where a pilot has personal sources and there is no key."""
    is_personal = any(source.is_personal for pilot in pilots for source in bulk_sources(pilot.sources))
    if is_personal and settings.pseudonym_key is None and not settings.pseudonym_key_path.exists():
        make_key(settings.pseudonym_key_path)


def _run_pilot(
    pilot: Pilot,
    taken: tuple[str, ...],
    archive: Path | None,
    settings: Settings,
    sites: ExitStack,
    warehouse: Warehouse,
) -> PilotOutcome:
    """Run the demo of a pilot; the definitions are those of all pilots that are `taken`: loaded once."""
    demo: Demo = pilot.demo
    delivered = demo.deliver(settings, archive=archive, sites=sites)
    definitions = runs.load_definitions(pilots=taken)
    keys = runs.select(definitions, ",".join(f"group:{group}" for group in pilot.groups))
    with open_instance(settings, warehouse.address) as instance:
        run = runs.materialise(definitions, keys, instance=instance, days=delivered.days, log=run_log(settings))
    if not run.success:
        return PilotOutcome(pilot.name, 0, run, delivered.counts, error=run.reason)
    return PilotOutcome(pilot.name, 0, run, [*delivered.counts, *demo.summarise(warehouse, delivered)])
