"""The prices pilot in the demo: a simulated archive as files, its last days scraped from shops over HTTP."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.ingest import ingest, known_sources, land, sources_of, summarise
from ons_bigdata.commands.scrape import ScrapeSummary, scrape_prices
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.simulation.official_files import simulate_official_files
from ons_bigdata.simulation.other_sources import simulate_other_sources
from ons_bigdata.simulation.scrape_archive import simulate_scrapes
from ons_bigdata.simulation.shop_retailer_files import write_retailer_files
from ons_bigdata.simulation.shops_over_http import serve_shops

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.platform.ingest.delivery import Landed
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings
    from ons_bigdata.simulation.scrape_archive import SimulatedArchive

START = date(2016, 5, 16)
"""A Monday, so that the first week can be the base; the days lie in two months, as a comparison by month needs."""
DAYS = 28
ARCHIVE_DAYS = 26
"""Days that come as files; the rest are scraped."""

_DIVISIONS = """
    select distinct on (code, method) code, name, method, period, index, base_period, products, status
    from marts.price_indices
    where level = 'division' and data_origin = $1 and index is not null
        and method in ('jevons_chained', 'jevons_fixed_base')
    order by code, method, period desc
"""


class PricesDemo:
    """Files and scrapes of simulated shops, or a real archive of scrape files."""

    expected_s = 95.0

    def __init__(self) -> None:
        self.files: list[Landed] = []

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated world or the archive; rows of scrape files are read by the run that follows.

        Raises InputError for an archive without scrape files, StepFailedError where a scrape or an ingest fails.
        """
        landing = Landing(settings.landing_dir, open_warehouse(settings))
        sources = sources_of("prices", known_sources())
        scrapes: list[ScrapeSummary] = []
        if archive is None:
            progress.report("simulating shops", 0, 1)
            world = simulate_scrapes(settings.home / "demo", days=DAYS, start=START, archive_days=ARCHIVE_DAYS)
            progress.report("simulating shops", 1, 1)
            self.files = land([world.scrapes_dir], settings, landing, sources)
            _ingest_other_files(world, settings)
            scrapes = _scrape(world, settings, sites)
        else:
            self.files = land([archive], settings, landing, sources)
        days = sorted(
            {day for one in self.files for day in one.file.partitions or ()} | {scrape.day for scrape in scrapes}
        )
        if not days:
            raise InputError(f"{archive} holds no scrape file")
        counts = [_scrape_line(scrape) for scrape in scrapes]
        return Delivered((days[0], days[-1]), "simulated" if archive is None else "real", counts)

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows of the scrape files and on the index of each division on its last day."""
        total = summarise(warehouse, self.files, sources_of("prices", known_sources()))
        lines = [
            total.count_line(),
            *(f"  refused {refusal}" for refusal in total.refusals),
            f"Days {delivered.days[0]} to {delivered.days[1]}",
            "Index by division on the last day, 100 = geometric mean of the base week:",
        ]
        for row in warehouse.frame(_DIVISIONS, [delivered.data_origin]).iter_rows(named=True):
            lines.append(
                f"  {row['code']}  {row['name']:34} {row['method']:18} {row['index']:8.2f}  "
                f"{row['period']} ({row['products']:,} products, {row['status']}; base {row['base_period']})"
            )
        return lines


DEMO = PricesDemo()


def _ingest_other_files(simulated: SimulatedArchive, settings: Settings) -> None:
    """Ingest the files other than scrapes: labels of scope, official figures, quote files of other sources."""
    ingest("scope-labels", [simulated.truth_dir / "labels.csv"], settings)
    prices = simulated.truth_dir / "true_prices.csv"
    official = simulate_official_files(prices, settings.home / "demo" / "official")
    ingest("official", [official.folder], settings)
    others = simulate_other_sources(prices, settings.home / "demo" / "other_sources")
    ingest("other-prices", sorted(others.folder.glob("*_quotes_*.csv")), settings)


def _scrape(simulated: SimulatedArchive, settings: Settings, sites: ExitStack) -> list[ScrapeSummary]:
    """Serve the shops on the days without a file and scrape each. Raises StepFailedError where a scrape fails."""
    # A delay between requests is for owners of sites; here there is none.
    shops = sites.enter_context(serve_shops(simulated.world, day=ARCHIVE_DAYS, crawl_delay_s=0))
    summaries = []
    for day in progress.track("scraping simulated shops", range(ARCHIVE_DAYS, DAYS)):
        shops.day = day
        write_retailer_files(settings.retailers_dir, shops)
        summary = scrape_prices(
            settings,
            retailers=[shop.retailer for shop in shops],
            day=simulated.world.date_of(day).isoformat(),
            build=False,
        )
        if summary.failures:
            raise StepFailedError("; ".join(summary.failures))
        summaries.append(summary)
    return summaries


def _scrape_line(scrape: ScrapeSummary) -> str:
    rows, requests = sum(run.rows for run in scrape.runs), sum(run.requests for run in scrape.runs)
    return f"Scraped {scrape.day}: {len(scrape.runs)} shops, {requests} requests, {rows:,} rows"
