"""`demo`: the whole path over simulated scrapes or a real archive, then the UI and the dbt docs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import IngestSummary, land_prices, summarise
from ons_bigdata.platform import dbt, progress, runs
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.instance import open_instance, run_log
from ons_bigdata.platform.landing import Landing
from ons_bigdata.platform.warehouse import open_warehouse
from ons_bigdata.simulation.scrape_archive import simulate_scrapes

if TYPE_CHECKING:
    import polars as pl

    from ons_bigdata.settings import Settings

DAYS = 28

_DIVISIONS = """
    select distinct on (code, method) code, name, method, period, index, base_period, products, status
    from marts.price_indices
    where level = 'division' and data_origin = $1 and index is not null
    order by code, method, period desc
"""


@dataclass(frozen=True)
class DemoSummary:
    """What the demo shows at its end."""

    ingest: IngestSummary
    run: runs.RunOutcome
    divisions: pl.DataFrame


def run_demo(archive: Path | None, settings: Settings) -> DemoSummary:
    """Simulate or take an archive, land it, materialise the whole graph over its days in one run.

    Raises InputError for an archive without scrape files, StepFailedError where a step or a blocking check fails.
    """
    scrapes = archive if archive is not None else _simulated(settings)
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    delivered = land_prices([scrapes], settings, landing)
    days = sorted({day for one in delivered for day in one.file.partitions})
    if not days:
        raise InputError(f"{scrapes} holds no scrape file")
    definitions = runs.load_definitions()
    with open_instance(settings, landing.warehouse.address) as instance:
        run = runs.materialise(
            definitions,
            runs.select(definitions, "*"),
            instance=instance,
            days=(days[0], days[-1]),
            log=run_log(settings),
        )
    run.raise_failure()
    origin = "real" if archive is not None else "simulated"
    divisions = landing.warehouse.frame(_DIVISIONS, [origin])
    return DemoSummary(summarise(landing.warehouse, delivered), run, divisions)


def build_docs(settings: Settings) -> Path:
    """Build the dbt docs; return the page."""
    progress.report("dbt docs", 0, 1)
    page = dbt.write_docs(settings)
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
        """Say nothing."""


def _simulated(settings: Settings) -> Path:
    progress.report("simulating scrapes", 0, 1)
    world = simulate_scrapes(settings.home / "demo", days=DAYS)
    progress.report("simulating scrapes", 1, 1)
    return world.scrapes_dir
