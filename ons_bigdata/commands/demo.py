"""`demo`: the whole path over simulated shops or a real archive, then the UI and the dbt docs.

The simulated world is taken in as a user would: the archive as files, the last days scraped from the shops over HTTP.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import IngestSummary, ingest, known_sources, land, sources_of, summarise
from ons_bigdata.commands.scrape import ScrapeSummary, scrape_prices
from ons_bigdata.platform.dagster import dbt_calls, progress, runs
from ons_bigdata.platform.dagster.instance import open_instance, run_log
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.simulation.official_files import simulate_official_files
from ons_bigdata.simulation.other_sources import simulate_other_sources
from ons_bigdata.simulation.scrape_archive import simulate_scrapes
from ons_bigdata.simulation.shop_retailer_files import write_retailer_files
from ons_bigdata.simulation.shops_over_http import serve_shops

if TYPE_CHECKING:
    import polars as pl

    from ons_bigdata.platform.ingest.sources import Landed
    from ons_bigdata.settings import Settings
    from ons_bigdata.simulation.scrape_archive import SimulatedArchive

START = date(2016, 5, 16)
"""A Monday, so that the first week can be the base; the days lie in two months, as a comparison by month needs."""
DAYS = 28
ARCHIVE_DAYS = 26
"""The days that come as files; the others are scraped."""

_DIVISIONS = """
    select distinct on (code, method) code, name, method, period, index, base_period, products, status
    from marts.price_indices
    where level = 'division' and data_origin = $1 and index is not null
        and method in ('jevons_chained', 'jevons_fixed_base')
    order by code, method, period desc
"""


@dataclass(frozen=True)
class DemoSummary:
    """What the demo shows at its end."""

    ingest: IngestSummary
    run: runs.RunOutcome
    divisions: pl.DataFrame
    scrapes: list[ScrapeSummary] = field(default_factory=list)


def run_demo(archive: Path | None, settings: Settings, shops: ExitStack) -> DemoSummary:
    """Take in a simulated world or an archive and materialise the whole graph over its days in one run.

    The shops of a simulated world stay open until `shops` is closed.

    Raises InputError for an archive without scrape files, StepFailedError where a step, a scrape or a blocking check
    fails.
    """
    landing = Landing(settings.landing_dir, open_warehouse(settings))
    sources = sources_of("prices", known_sources())
    scrapes: list[ScrapeSummary] = []
    if archive is not None:
        delivered = land([archive], settings, landing, sources)
    else:
        world = _simulated(settings)
        delivered = land([world.scrapes_dir], settings, landing, sources)
        _other_files(world, settings)
        scrapes = _scraped(world, settings, shops)
    days = _days(delivered, scrapes)
    if not days:
        raise InputError(f"{archive} holds no scrape file")
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
    return DemoSummary(summarise(landing.warehouse, delivered, sources), run, divisions, scrapes)


def _simulated(settings: Settings) -> SimulatedArchive:
    progress.report("simulating shops", 0, 1)
    simulated = simulate_scrapes(settings.home / "demo", days=DAYS, start=START, archive_days=ARCHIVE_DAYS)
    progress.report("simulating shops", 1, 1)
    return simulated


def _other_files(simulated: SimulatedArchive, settings: Settings) -> None:
    """Take in what comes beside the scrapes: labels of scope, official figures, files of other sources."""
    ingest("scope-labels", [simulated.truth_dir / "labels.csv"], settings)
    prices = simulated.truth_dir / "true_prices.csv"
    official = simulate_official_files(prices, settings.home / "demo" / "official")
    ingest("official", [official.folder], settings)
    others = simulate_other_sources(prices, settings.home / "demo" / "other_sources")
    ingest("other-prices", sorted(others.folder.glob("*_quotes_*.csv")), settings)


def _scraped(simulated: SimulatedArchive, settings: Settings, shops: ExitStack) -> list[ScrapeSummary]:
    """Open the shops on the days that are in no file and scrape each. Raises StepFailedError where one fails."""
    # A delay between requests is for owners of sites; here there is none.
    opened = shops.enter_context(serve_shops(simulated.world, day=ARCHIVE_DAYS, crawl_delay_s=0))
    summaries = []
    for day in range(ARCHIVE_DAYS, DAYS):
        opened.day = day
        write_retailer_files(settings.retailers_dir, opened)
        summary = scrape_prices(
            settings,
            retailers=[shop.retailer for shop in opened],
            day=simulated.world.date_of(day).isoformat(),
            build=False,
        )
        if summary.failures:
            raise StepFailedError("; ".join(summary.failures))
        summaries.append(summary)
    return summaries


def _days(delivered: list[Landed], scrapes: list[ScrapeSummary]) -> list[str]:
    of_files = {day for one in delivered for day in one.file.partitions or ()}
    return sorted(of_files | {scrape.day for scrape in scrapes})


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
        """Say nothing."""
