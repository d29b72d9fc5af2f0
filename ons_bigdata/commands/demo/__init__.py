"""`demo`: the whole path of each pilot over simulated sources or a real archive.

Each pilot brings its simulated deliveries (`commands/demo/<pilot>.py`) and has separate runs, several pilots at a time
in processes of their own: a failing pilot does not stop the rest.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psutil

from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.instance import open_instance, run_log
from ons_bigdata.platform.errors import InputError, ReportedError, StepFailedError, find_unavailable
from ons_bigdata.platform.forked_jobs import Ended, Job, can_fork, run_forked
from ons_bigdata.platform.ingest.input_files import require_paths
from ons_bigdata.platform.ingest.sources import bulk_sources
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.processors import usable_processors
from ons_bigdata.platform.pseudonyms import make_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

    import dagster as dg

    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings


PILOT_BYTES = 1_500_000_000
"""Memory that a pilot takes at most, besides what it shares with the others."""


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

    expected_s: float
    """Seconds that it takes alone on two cores: of several pilots the longest begins first."""

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


def run_demo(
    pilots: Sequence[Pilot], archive: Path | None, settings: Settings, sites: ExitStack, *, at_once: int | None = None
) -> list[PilotOutcome]:
    """Ingest each pilot's sources and materialise its assets; return an outcome for each, failed or not.

    At most `at_once` pilots run at a time (None: `pilots_at_once`): several in forks of this process, where that is
    safe, else one after the other in this process. Simulated sites stay open until `sites` is closed.
    Raises StepFailedError where a signal interrupts a run.
    """
    warehouse = open_warehouse(settings)
    make_pseudonym_key(pilots, settings)
    most = min(pilots_at_once() if at_once is None else at_once, len(pilots))
    runs.load_definitions(pilots=tuple(pilot.name for pilot in pilots))  # once, for all forks
    if most > 1 and can_fork():  # after loading, which runs the code of all modules
        warehouse.close()  # a fork that ends would end the connections that it holds of this process
        return _run_in_forks(pilots, archive, settings, sites, most)
    outcomes = []
    for pilot in pilots:
        outcomes.append(_run_reported(pilot, pilots, archive, settings, sites))
        if _is_interrupted(outcomes[-1]):
            raise StepFailedError(f"{pilot.name}: interrupted")  # an interrupt ends the demo, not one pilot
    return outcomes


def pilots_at_once() -> int:
    """Return how many pilots this machine takes at a time: one more than it has processors, as far as memory is free.

    A pilot waits for the server for a part of its time. With one processor they run one after the other.
    """
    processors = usable_processors()
    if processors == 1:
        return 1
    return max(1, min(processors + 1, psutil.virtual_memory().available // PILOT_BYTES))


def make_pseudonym_key(pilots: Sequence[Pilot], settings: Settings) -> None:
    """Write a random pseudonym key where a pilot has personal sources and there is no key."""
    is_personal = any(source.is_personal for pilot in pilots for source in bulk_sources(pilot.sources))
    if is_personal and settings.pseudonym_key is None and not settings.pseudonym_key_path.exists():
        make_key(settings.pseudonym_key_path)


def _run_in_forks(
    pilots: Sequence[Pilot], archive: Path | None, settings: Settings, sites: ExitStack, most: int
) -> list[PilotOutcome]:
    def job_of(pilot: Pilot) -> Job:
        def work(own_sites: ExitStack) -> dict[str, Any]:
            outcome = _run_reported(pilot, pilots, archive, settings, own_sites)
            if _is_interrupted(outcome):
                raise KeyboardInterrupt
            return _as_json(outcome)

        return Job(pilot.name, work)

    longest_first = sorted(pilots, key=lambda pilot: -pilot.demo.expected_s)
    jobs = [job_of(pilot) for pilot in longest_first]
    try:
        ended = {one.name: one for one in run_forked(jobs, most=most, sites=sites, log=run_log(settings))}
    except KeyboardInterrupt as interrupt:
        raise StepFailedError("interrupted") from interrupt
    with open_instance(settings, open_warehouse(settings).address) as instance:
        runs.end_dead_runs(instance)
        return [_outcome(ended[pilot.name], instance, settings) for pilot in pilots]


def _as_json(outcome: PilotOutcome) -> dict[str, Any]:
    """Outcome of a pilot for the process that reads the checks of its runs from their records."""
    run = None if outcome.run is None else asdict(replace(outcome.run, checks=[]))
    return {**asdict(replace(outcome, run=None)), "run": run}


def _outcome(ended: Ended, instance: dg.DagsterInstance, settings: Settings) -> PilotOutcome:
    """Outcome of a pilot from how its process ended."""
    if ended.result is None:
        return PilotOutcome(ended.name, ended.seconds, error=f"{ended.killed}; output: {run_log(settings)}")
    found = ended.result["run"]
    run = None if found is None else runs.with_recorded_checks(runs.RunOutcome(**found), instance)
    return PilotOutcome(**{**ended.result, "run": run})


def _is_interrupted(outcome: PilotOutcome) -> bool:
    return outcome.run is not None and outcome.run.interrupted


def _run_reported(
    pilot: Pilot, taken: Sequence[Pilot], archive: Path | None, settings: Settings, sites: ExitStack
) -> PilotOutcome:
    """Run the demo of a pilot; return the outcome, also where an error ended it that is reported in one line."""
    started = time.monotonic()
    try:
        outcome = _run_pilot(pilot, taken, archive, settings, sites)
    except Exception as error:
        reported = error if isinstance(error, ReportedError) else find_unavailable(error)
        if reported is None:
            raise
        outcome = PilotOutcome(pilot.name, 0, error=str(reported))
    return replace(outcome, seconds=time.monotonic() - started)


def _run_pilot(
    pilot: Pilot,
    taken: Sequence[Pilot],
    archive: Path | None,
    settings: Settings,
    sites: ExitStack,
) -> PilotOutcome:
    """Run the demo of a pilot; the definitions are those of all pilots that are `taken`: loaded once."""
    demo: Demo = pilot.demo
    warehouse = open_warehouse(settings)
    delivered = demo.deliver(settings, archive=archive, sites=sites)
    definitions = runs.load_definitions(pilots=tuple(one.name for one in taken))
    keys = runs.select(definitions, ",".join(f"group:{group}" for group in pilot.groups))
    with open_instance(settings, warehouse.address) as instance:
        run = runs.materialise(definitions, keys, instance=instance, days=delivered.days, log=run_log(settings))
    if not run.success:
        return PilotOutcome(pilot.name, 0, run, delivered.counts, error=run.reason)
    return PilotOutcome(pilot.name, 0, run, [*delivered.counts, *demo.summarise(warehouse, delivered)])
