"""Scrape runs over HTTP: one run per retailer and day, its pages kept."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg

from ons_bigdata import __version__
from ons_bigdata.platform.dagster.partitions import partitions_of
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import DataOrigin, Landing
from ons_bigdata.prices.calendar import DAYS, LONDON, SCRAPES_DUE
from ons_bigdata.prices.sources.retailer_files import RetailerFile, read_retailer_file, retailer_file_path
from ons_bigdata.prices.sources.retailers import read_retailers
from ons_bigdata.prices.sources.scraping.landed import keep_run, latest_start
from ons_bigdata.prices.sources.scraping.launch import Outcome, crawl, read_killed, read_outcome
from ons_bigdata.prices.sources.scraping.manners import user_agent
from ons_bigdata.settings import Settings, get_settings

RUNS, CATEGORIES = dg.AssetKey(["raw", "scrape_runs"]), dg.AssetKey(["raw", "scrape_categories"])

RETAILER_DAYS = dg.MultiPartitionsDefinition(
    {
        "day": partitions_of(DAYS),
        "retailer": dg.StaticPartitionsDefinition(sorted(read_retailers(get_settings().dbt_project_dir))),
    }
)
"""A run covers a retailer and a day; key `<day>|<retailer>`."""

_FRESH = dg.FreshnessPolicy.cron(deadline_cron=SCRAPES_DUE, lower_bound_delta=timedelta(hours=4), timezone=LONDON)
"""By noon in London some run of the day must be in; the schedule starts them just after 08:00."""


_BUILT_BY = (
    "`raw/price_quotes` of {day}. `ons-bigdata scrape` builds it at once, `prices_daily_schedule` at 09:35 of the day;"
    " otherwise: `ons-bigdata materialize --select 'tag:pilot=prices' --from {day} --to {day}`"
)
"""Note for users of the web interface: a run lands its quote file, and another run builds the rows."""


def _spec(key: dg.AssetKey, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(key, kinds={"scrapy", "postgres"}, description=description, freshness_policy=_FRESH)


@dg.multi_asset(
    name="scrape_runs",
    specs=[
        _spec(
            RUNS,
            "One row per run of the scraper: manners, responses, kept pages, rows. A run lands its quote file; "
            "the rows come when raw/price_quotes is materialised for the day, as prices_daily_schedule does at 09:35.",
        ),
        _spec(CATEGORIES, "One row per run, category and item: what the shop listed, what was read."),
    ],
    partitions_def=RETAILER_DAYS,
    backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
)
def scrape_runs(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> tuple[dg.MaterializeResult, dg.MaterializeResult]:
    """Collect one retailer's present day: crawl, land pages and quote file, write the run's record."""
    day, retailer = context.partition_key.split("|")
    landing = warehouse.landing()
    outcome = collect(landing, get_settings(), retailer, date.fromisoformat(day))
    rows = {table: _count_rows(landing, table, retailer, day) for table in ("scrape_runs", "scrape_categories")}
    by_state = {
        state: sum(category["state"] == state for category in outcome.categories)
        for state in ("collected", "empty", "missing", "unknown", "failed")
    }
    run = outcome.run
    context.log.info("%s: %s, %d rows", run["run_id"], run["finish_reason"], run["rows"])
    return (
        dg.MaterializeResult(
            asset_key=RUNS,
            metadata={
                "dagster/row_count": rows["scrape_runs"],
                "run": run["run_id"],
                "finish_reason": run["finish_reason"],
                "requests": run["requests"],
                "retries": run["retries"],
                "responses_by_status": dg.MetadataValue.json(run["responses_by_status"]),
                "rows": run["rows"],
                "parse_failures": len(outcome.failures),
                "pages": outcome.pages_file,
                "rows_are_built_by": dg.MetadataValue.md(_BUILT_BY.format(day=day)),
            },
        ),
        dg.MaterializeResult(
            asset_key=CATEGORIES,
            metadata={
                "dagster/row_count": rows["scrape_categories"],
                **by_state,
                "not_whole": dg.MetadataValue.md(_list_incomplete(outcome)),
            },
        ),
    )


def _count_rows(landing: Landing, table: str, retailer: str, day: str) -> int:
    """Rows of a raw table of scrapes for a retailer and day: those of all its runs."""
    query = f"select count(*) from raw.{table} where retailer = $1 and collected_on = $2::text::date"  # noqa: S608
    ((rows,),) = landing.warehouse.rows(query, [retailer, day])
    return int(rows)


def _list_incomplete(outcome: Outcome) -> str:
    lines = [
        f"* {category['category']} ({category['item_number']}): {category['state']}, {category['reason']}"
        for category in outcome.categories
        if category["reason"] is not None
    ]
    return "\n".join(lines) or "none"


def collect(landing: Landing, settings: Settings, retailer: str, day: date) -> Outcome:
    """Crawl a retailer, one process at a time; land and record the outcome, after that of an earlier killed run.

    Raises InputError where the run must not start: no contact, no or a faulty retailer file, another day than the
    site's present one, outside the allowed hours. UnavailableError where the retailer is being crawled.
    """
    origin = read_retailers(settings.dbt_project_dir)[retailer]
    path = retailer_file_path(settings.retailers_dir, retailer)
    file = read_retailer_file(path)
    agent = user_agent(file.contact or settings.scraper_contact, __version__)
    _require_site_of_origin(file, origin)
    folder = settings.home / "spool" / "price_pages" / retailer
    with landing.warehouse.transaction() as transaction:
        transaction.lock("scrape", retailer, timeout="1s")
        _land_interrupted_crawls(landing, folder, origin)
        spool = folder / uuid4().hex
        outcome = crawl(path, spool, day=day, agent=agent, after=latest_start(landing, retailer, day))
        keep_run(landing, outcome, data_origin=origin)
        shutil.rmtree(spool)
    return outcome


def _require_site_of_origin(file: RetailerFile, origin: DataOrigin) -> None:
    """Raise InputError where a real retailer's site is on this machine, or a simulated one's is not."""
    if file.is_loopback != (origin == "simulated"):
        where = "on this machine" if file.is_loopback else "not on this machine"
        raise InputError(f"retailer {file.retailer} is {origin}, and its site {file.site} is {where}")


def _land_interrupted_crawls(landing: Landing, folder: Path, origin: DataOrigin) -> None:
    """Land crawls whose process was killed: the whole outcome if it was complete, else pages and record."""
    for spool in sorted(folder.glob("*")):
        left = read_outcome(spool) or read_killed(spool)
        if left is not None:
            keep_run(landing, left, data_origin=origin)
        shutil.rmtree(spool)


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [scrape_runs]
