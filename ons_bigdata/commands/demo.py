"""`demo`: the whole path over simulated scrapes or a real archive, then the UI and the dbt docs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import RAW_ASSET, IngestSummary, ingest_prices
from ons_bigdata.platform import dbt, progress, runs
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.instance import open_instance, run_log
from ons_bigdata.platform.warehouse import Warehouse, open_warehouse
from ons_bigdata.simulation.scrape_archive import simulate_scrapes

if TYPE_CHECKING:
    import polars as pl

    from ons_bigdata.settings import Settings

DAYS = 28

_DIVISIONS = """
    select data_origin, code, name, method,
        (array_agg(index order by period desc) filter (where index is not null))[1] as latest_index,
        max(period) filter (where index is not null) as latest_day, max(base_period) as base_period,
        sum((status = 'none')::int)::int as days_without, sum((status = 'partial')::int)::int as days_partial
    from marts.price_indices where level = 'division' and data_origin = $1
    group by data_origin, code, name, method order by code, method
"""


@dataclass(frozen=True)
class DemoSummary:
    """What the demo shows at its end."""

    ingest: IngestSummary
    run: runs.RunOutcome
    divisions: pl.DataFrame


def run_demo(archive: Path | None, settings: Settings) -> DemoSummary:
    """Simulate or take an archive, ingest it, materialise the whole graph over its days.

    Raises InputError for an archive without scrape files, StepFailedError where a step or a blocking check fails.
    """
    scrapes = archive if archive is not None else _simulated(settings)
    ingest = ingest_prices([scrapes], settings)
    if ingest.first_day is None or ingest.last_day is None:
        raise InputError(f"{scrapes} holds no scrape file; refused: {'; '.join(ingest.refusals[:3]) or 'none'}")
    warehouse = open_warehouse(settings)
    run = materialise_all(settings, warehouse, (ingest.first_day, ingest.last_day))
    if not run.success:
        blocking = [check.check for check in run.failed_checks if check.blocking]
        raise StepFailedError("; ".join(run.failures) or f"blocking checks failed: {', '.join(blocking)}")
    origin = "real" if archive is not None else "simulated"
    return DemoSummary(ingest, run, warehouse.frame(_DIVISIONS, [origin]))


def materialise_all(settings: Settings, warehouse: Warehouse, days: tuple[str, str]) -> runs.RunOutcome:
    """Materialise everything after the raw table, which the ingest has just built, in one run over the days."""
    definitions = runs.load_definitions()
    keys = [key for key in runs.select(definitions, "*") if key.to_user_string() != RAW_ASSET]
    with open_instance(settings, warehouse.address) as instance:
        return runs.materialise(definitions, keys, instance=instance, days=days, log=run_log(settings))


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
