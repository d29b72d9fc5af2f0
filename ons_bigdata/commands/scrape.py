"""`scrape prices`: scrape retailers, one run each, then build the days whose quote files wait."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from ons_bigdata.commands.ingest import failed_checks_of, load_waiting
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.prices.calendar import DAYS
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.retailer_files import read_retailer_file, retailer_file_path, retailers_with_file
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

PILOT = "prices"
RUNS_ASSETS = "raw/scrape_runs,raw/scrape_categories"


@dataclass(frozen=True)
class ScrapedRun:
    """Counts of a run, from its record."""

    run_id: str
    finish_reason: str
    requests: int
    rows: int
    parse_failures: int
    categories_found: int
    categories_missing: int
    categories_failed: int


@dataclass(frozen=True)
class ScrapeSummary:
    """Runs of a day, and why other retailers were not scraped."""

    day: str
    runs: list[ScrapedRun] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    unavailable: list[str] = field(default_factory=list)
    """Retailers whose run failed because the database was lost or another process held the lock."""
    failed_checks: list[str] = field(default_factory=list)
    """Checks of the runs and of the loaded days that failed, `schema/table check`."""

    def to_dict(self) -> dict[str, object]:
        """Return the summary as `--json` prints it."""
        return asdict(self)


def scrape_prices(
    settings: Settings, *, retailers: Sequence[str] = (), day: str | None = None, build: bool = True
) -> ScrapeSummary:
    """Scrape the retailers (none given: all that have a retailer file) for a day, today in London if none is given.

    The days' rows are built afterwards, unless `build` is false because the caller builds them. A retailer that fails,
    or whose file is faulty, does not stop the rest. Raises InputError for an unknown retailer, one without a
    file, where no file can be read, and where a site with a clock of its own is scraped without a day.
    """
    wanted, faulty = _retailers_to_scrape(settings, retailers, day)
    warehouse = open_warehouse(settings)
    day = DAYS.today().isoformat() if day is None else DAYS.require_day(day, what="--day").isoformat()
    from ons_bigdata.platform.dagster import runs  # noqa: PLC0415  (Dagster takes seconds to import)
    from ons_bigdata.platform.dagster.instance import open_instance, run_log  # noqa: PLC0415

    definitions = runs.load_definitions(raw_only=True, pilots=(PILOT,))
    keys = runs.select(definitions, RUNS_ASSETS)
    summary = ScrapeSummary(day, failures=faulty)
    with open_instance(settings, warehouse.address) as instance:
        for retailer in wanted:
            outcome = runs.materialise(
                definitions, keys, instance=instance, days=None, log=run_log(settings), partition=f"{day}|{retailer}"
            )
            summary.failed_checks.extend(outcome.names_of_failed_checks)
            if outcome.success:
                summary.runs.append(_latest(warehouse, retailer, day))
            else:
                summary.failures.append(f"{retailer}: {outcome.reason}")
                if outcome.unavailable:
                    summary.unavailable.append(retailer)
    if build:
        written = load_waiting(settings, Landing(settings.landing_dir, warehouse), [PRICE_FILES])
        summary.failed_checks.extend(failed_checks_of(written))
    return replace(summary, failed_checks=sorted(set(summary.failed_checks)))


def _retailers_to_scrape(settings: Settings, retailers: Sequence[str], day: str | None) -> tuple[list[str], list[str]]:
    """Retailers to scrape, and the reasons why the rest cannot be scraped: faults of their retailer files."""
    known = read_retailers(settings.dbt_project_dir)
    with_file = retailers_with_file(settings.retailers_dir)
    unknown = [retailer for retailer in retailers or with_file if retailer not in known]
    if unknown:
        raise InputError(f"unknown retailer {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    wanted = list(retailers) or with_file
    if not wanted:
        raise InputError(
            f"no retailer file in {settings.retailers_dir}; docs/how-to/add-a-retailer.md says how to write one"
        )
    files, faulty = [], []
    for retailer in wanted:
        try:
            files.append(read_retailer_file(retailer_file_path(settings.retailers_dir, retailer)))
        except InputError as error:
            faulty.append(f"{retailer}: {error}")
    if not files:
        raise InputError("; ".join(faulty))
    own_clock = [file.retailer for file in files if file.clock == "site"]
    if own_clock and day is None:
        raise InputError(f"{', '.join(own_clock)}: the site has a clock of its own; give its day with --day")
    return [file.retailer for file in files], faulty


def _latest(warehouse: Warehouse, retailer: str, day: str) -> ScrapedRun:
    return ScrapedRun(
        **warehouse.frame(
            "select run_id, finish_reason, requests, rows, parse_failures, categories_found, categories_missing,"
            " (select count(distinct category)::int from raw.scrape_categories as seen"
            "  where seen.run_id = scrape_runs.run_id and state = 'failed') as categories_failed"
            " from raw.scrape_runs where retailer = $1 and collected_on = $2::date order by started_at desc limit 1",
            [retailer, day],
        ).row(0, named=True)
    )
