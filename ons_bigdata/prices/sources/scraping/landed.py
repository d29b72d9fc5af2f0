"""A crawl's outcome in landing and tables: kept pages, quote file, record.

The rows of the quote file are read into raw.price_quotes when the raw asset builds the day.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.loading import Reading, account
from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.schemas.scraping import ScrapeCategory, ScrapeRun
from ons_bigdata.prices.sources import quote_files
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping import PARSER_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.prices.sources.scraping.launch import Outcome

PAGES_SOURCE = "price_pages"
PAGES_READER = Reader(PAGES_SOURCE, "page_extractor", PARSER_VERSION)
"""Products are its rows: listed = read + quarantined, by the ledger as of every file."""


def keep_run(landing: Landing, outcome: Outcome, *, data_origin: DataOrigin) -> None:
    """Land a run's pages and its quote file and write its record. Again with the same outcome: nothing changes."""
    day, retailer = outcome.started_at.date(), outcome.run["retailer"]
    pages, _ = landing.land(
        outcome.pages,
        source=PAGES_SOURCE,
        delivery=retailer,
        name=outcome.pages_file,
        data_origin=data_origin,
        partitions=[day.isoformat()],
    )
    account_pages(landing, pages, rows=outcome.run["rows"], failures=outcome.failures)
    if outcome.quotes is not None:
        land_quotes(landing, outcome.quotes, retailer, outcome.quote_file, day, data_origin)
    known = {"retailer": retailer, "collected_on": day, "data_origin": data_origin}
    run = _run_frame({**outcome.run, **known, "pages_file": pages.name, "pages_sha256": pages.sha256}, outcome)
    categories = pl.DataFrame(
        [{**category, "run_id": outcome.run["run_id"], **known} for category in outcome.categories],
        schema=ScrapeCategory.create_empty().schema,
    )
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.execute("delete from raw.scrape_runs where run_id = $1", [outcome.run["run_id"]])
        transaction.insert("raw.scrape_runs", ScrapeRun.validate(run), json_columns=["responses_by_status"])
        if categories.height:
            transaction.insert("raw.scrape_categories", ScrapeCategory.validate(categories))


def _run_frame(run: dict[str, Any], outcome: Outcome) -> pl.DataFrame:
    states = [(normal_name(one["category"]), one["state"]) for one in outcome.categories]
    wanted = {name: state for name, state in states if state != "unknown"}
    counted = {
        **run,
        "started_at": _utc(run["started_at"]),
        "finished_at": _utc(run["finished_at"]),
        "responses_by_status": json.dumps(run["responses_by_status"], sort_keys=True),
        "parse_failures": len(outcome.failures),
        "categories_found": sum(state != "missing" for state in wanted.values()),
        "categories_missing": sum(state == "missing" for state in wanted.values()),
    }
    schema = ScrapeRun.create_empty().schema
    return pl.DataFrame([{name: counted[name] for name in schema}], schema=schema)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def account_pages(landing: Landing, pages: LandedFile, *, rows: int, failures: Sequence[Mapping[str, str]]) -> None:
    """Record the extraction of the pages in the ledger: rows of the quote file, and failures.

    A failure is category, url and reason.
    """
    lines = [
        (number, one["reason"], f"{one['category']}: {one['url']}") for number, one in enumerate(failures, start=1)
    ]
    quarantined = pl.DataFrame(lines, schema=QUARANTINE_SCHEMA, orient="row")
    accepted = pl.DataFrame({"row": range(rows)})
    account(landing, pages, PAGES_READER, Reading("loaded", None, rows + len(lines), accepted, quarantined))


def land_quotes(
    landing: Landing, content: bytes, retailer: str, name: str, day: date, data_origin: DataOrigin
) -> LandedFile:
    """Land a quote file in the source that raw.price_quotes is built from."""
    file, _ = landing.land(
        content,
        source=PRICE_FILES.name,
        delivery=retailer,
        name=name,
        data_origin=data_origin,
        partitions=[day.isoformat()],
    )
    return file


def latest_start(landing: Landing, retailer: str, day: date) -> datetime | None:
    """Start of the retailer's last run of a day, London time; None where there is none.

    Runs with a landed quote file count, and recorded ones: a killed run has a record only.
    """
    names = landing.warehouse.rows(
        "select name from ops.files where source = $1 and delivery = $2 and $3 = any (partitions)",
        [PRICE_FILES.name, retailer, day.isoformat()],
    )
    starts = [run.started_at for (name,) in names if (run := quote_files.parse_name(name)) is not None]
    recorded = landing.warehouse.rows(
        "select started_at from raw.scrape_runs where retailer = $1 and collected_on = $2::date",
        [retailer, day.isoformat()],
    )
    london = ZoneInfo(LONDON)
    all_starts = [start.replace(tzinfo=london) for start in starts] + [
        start.astimezone(london) for (start,) in recorded
    ]
    return max(all_starts, default=None)
