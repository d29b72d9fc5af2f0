"""`demo`: the whole path of each pilot over simulated sources or a real archive, then the UI and the dbt docs.

Each pilot brings its simulated deliveries (`commands/demo_<pilot>.py`) and has separate runs: a failing pilot does not
stop the rest.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform import progress
from ons_bigdata.platform.dagster import dbt_calls, runs
from ons_bigdata.platform.dagster.instance import open_instance, run_log
from ons_bigdata.platform.errors import InputError, ReportedError, StepFailedError
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
    """What a pilot's demo took in: the days, and where the data come from."""

    days: tuple[str, str]
    """First and last day, YYYY-MM-DD."""
    data_origin: str
    counts: list[str] = field(default_factory=list)
    """Lines on what was taken in, apart from the files."""


class Demo(Protocol):
    """A pilot's part of the demo."""

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Take in simulated sources, or an archive; simulated sites stay open until `sites` is closed."""

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

    Raises InputError for an unknown pilot, and for an archive with several pilots.
    """
    known = {pilot.name: pilot for pilot in PILOTS}
    named = list(known) if names is None else [name.strip() for name in names.split(",") if name.strip()]
    chosen = list(dict.fromkeys(named))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise InputError(f"pilots: found {', '.join(unknown) or 'none'}; known: {', '.join(known)}")
    if archive is not None and len(chosen) > 1:
        raise InputError("an archive is of one pilot: say which with --pilots")
    return [known[name] for name in chosen]


def run_demo(pilots: Sequence[Pilot], archive: Path | None, settings: Settings, sites: ExitStack) -> list[PilotOutcome]:
    """Take in each pilot's sources and materialise its assets; return an outcome for each, failed or not.

    Simulated sites stay open until `sites` is closed. Raises StepFailedError where a signal interrupts a run.
    """
    warehouse = open_warehouse(settings)
    make_pseudonym_key(pilots, settings)
    outcomes = []
    for pilot in pilots:
        started = time.monotonic()
        try:
            outcome = _run_pilot(pilot, archive, settings, sites, warehouse)
        except ReportedError as error:
            outcome = PilotOutcome(pilot.name, 0, error=str(error))
        if outcome.run is not None and outcome.run.interrupted:
            raise StepFailedError(f"{pilot.name}: interrupted")  # the user's wish is for all pilots
        outcomes.append(replace(outcome, seconds=time.monotonic() - started))
    return outcomes


def make_pseudonym_key(pilots: Sequence[Pilot], settings: Settings) -> None:
    """Write a random pseudonym key where a pilot has personal sources and there is no key."""
    is_personal = any(source.is_personal for pilot in pilots for source in bulk_sources(pilot.sources))
    if is_personal and settings.pseudonym_key is None and not settings.pseudonym_key_path.exists():
        make_key(settings.pseudonym_key_path)


def _run_pilot(
    pilot: Pilot, archive: Path | None, settings: Settings, sites: ExitStack, warehouse: Warehouse
) -> PilotOutcome:
    demo: Demo = pilot.demo
    delivered = demo.deliver(settings, archive=archive, sites=sites)
    definitions = runs.load_definitions()
    keys = runs.select(definitions, ",".join(f"group:{group}" for group in pilot.groups))
    with open_instance(settings, warehouse.address) as instance:
        run = runs.materialise(
            definitions, keys, instance=instance, days=delivered.days, log=run_log(settings), warehouse=warehouse
        )
    if not run.success:
        return PilotOutcome(pilot.name, 0, run, delivered.counts, error=run.reason)
    return PilotOutcome(pilot.name, 0, run, [*delivered.counts, *demo.summarise(warehouse, delivered)])


def build_docs(settings: Settings) -> Path:
    """Build the dbt docs; return the page."""
    progress.report("dbt docs", 0, 1)
    page = dbt_calls.write_docs(settings)
    progress.report("dbt docs", 1, 1)
    return page


def serve_docs(page: Path, *, host: str, port: int) -> ThreadingHTTPServer:
    """Serve the folder of the docs page on loopback in a thread; the caller shuts it down."""
    handler = partial(_QuietHandler, directory=str(page.parent))
    server = ThreadingHTTPServer((host, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True, name="dbt docs").start()
    return server


class _QuietHandler(SimpleHTTPRequestHandler):
    """Serves files without a line for each on the terminal."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Log nothing."""
