"""From a crawl's outcome to landing and tables: kept pages, quote file, record; and the same from kept pages again.

The rows of the quote file are read into raw.price_quotes when the raw asset builds the day.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from ons_bigdata.platform.calendar import LONDON
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.loading import QUARANTINE_SCHEMA, Reading, account
from ons_bigdata.prices.schemas.scraping import ScrapeCategory, ScrapeRun
from ons_bigdata.prices.sources import delivery, quote_files
from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping.extraction import PARSER_VERSION
from ons_bigdata.prices.sources.scraping.launch import pages_name
from ons_bigdata.prices.sources.scraping.pages import read_pages
from ons_bigdata.prices.sources.scraping.tally import CategoryRecord, CategoryTally, ParseFailure

if TYPE_CHECKING:
    from datetime import date

    from ons_bigdata.platform.landing import DataOrigin
    from ons_bigdata.prices.sources.retailer_files import RetailerFile
    from ons_bigdata.prices.sources.scraping.launch import Outcome
    from ons_bigdata.prices.sources.scraping.listings import PageContent

PAGES_SOURCE = "price_pages"
PAGES_READER = Reader(PAGES_SOURCE, "page_extractor", PARSER_VERSION)
"""Products are its rows: listed = read + quarantined, by the ledger as of every file."""


@dataclass(frozen=True)
class Reparsed:
    """What another extraction made of a run's pages."""

    run_id: str
    rows: int
    rows_changed: int
    """Rows that are new, gone or other than before."""
    parse_failures: int


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
    failures = [ParseFailure(**failure) for failure in outcome.failures]
    _account(landing, pages, rows=outcome.run["rows"], failures=failures)
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


def _account(landing: Landing, pages: LandedFile, *, rows: int, failures: list[ParseFailure]) -> None:
    """Record in the ledger what the extraction made of the pages: rows of the quote file, and what was not read."""
    lines = [(number, one.reason, f"{one.category}: {one.url}") for number, one in enumerate(failures, start=1)]
    quarantined = pl.DataFrame(lines, schema=QUARANTINE_SCHEMA, orient="row")
    accepted = pl.DataFrame({"row": range(rows)})
    account(landing, pages, PAGES_READER, Reading("loaded", None, rows + len(lines), accepted, quarantined))


def land_quotes(
    landing: Landing, content: bytes, retailer: str, name: str, day: date, data_origin: DataOrigin
) -> LandedFile:
    """Land a quote file in the source that raw.price_quotes is built from."""
    file, _ = landing.land(
        content,
        source=delivery.SOURCE,
        delivery=retailer,
        name=name,
        data_origin=data_origin,
        partitions=[day.isoformat()],
    )
    return file


def latest_start(landing: Landing, retailer: str, day: date) -> datetime | None:
    """Return the start of the retailer's last run of a day that landed, London time; None where there is none."""
    names = landing.warehouse.rows(
        "select name from ops.files where source = $1 and delivery = $2 and $3 = any (partitions)",
        [delivery.SOURCE, retailer, day.isoformat()],
    )
    starts = [run.started_at for (name,) in names if (run := quote_files.parse_name(name)) is not None]
    return max(starts).replace(tzinfo=ZoneInfo(LONDON)) if starts else None


def reparse_run(landing: Landing, file: RetailerFile, pages: LandedFile) -> Reparsed:
    """Read a run's kept pages again, and bring quote file and record up to what they say now.

    A category that was cut off, or of which a page did not come, stays failed for the reason that the crawl recorded;
    so does one whose last page, read as it should be, is followed by one that was not collected.

    Raises InputError for pages that are gone or were changed, and where no row comes out although there were some:
    then the retailer file or the extractor is wrong, and all stays as it is.
    """
    started_at, run_id = _run_of(pages)
    tallies = _tallied(landing.read(pages), pages.name, file)
    recorded = _recorded(landing, run_id)
    for tally in tallies:
        if tally.category in recorded:
            asked_for, reason = recorded[tally.category]
            tally.stand_by(reason, pages=asked_for)
    rows = [row for tally in tallies for row in tally.rows(file.retailer, run_id)]
    failures = [failure for tally in tallies for failure in tally.failures]
    content = quote_files.write_quotes(rows) if rows else b""
    day, name = started_at.date(), quote_files.file_name(file.retailer, started_at)
    before = _current_quotes(landing, name, day)
    if before and not rows:
        raise InputError(
            f"{pages.name}: no product can be read, but {name} has some; nothing was changed. Look at the retailer file"
        )
    if pages.data_origin is None:
        raise ValueError(f"{pages.name} has no data origin")
    land_quotes(landing, content, file.retailer, name, day, pages.data_origin)
    _account(landing, pages, rows=len(rows), failures=failures)
    _update_record(landing, run_id, [record for tally in tallies for record in tally.records()], len(rows), failures)
    changed = set(before.splitlines()[1:]) ^ set(content.splitlines()[1:])
    return Reparsed(run_id, len(rows), len(changed), len(failures))


def _run_of(pages: LandedFile) -> tuple[datetime, str]:
    retailer, stamp = pages.delivery, pages.name.removesuffix(".warc.gz").rsplit("_", 1)[-1]
    started_at = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo(LONDON))
    if pages.name != pages_name(retailer, started_at):
        raise ValueError(f"{pages.name} is not the name of a run of {retailer}")
    return started_at, f"{retailer}-{stamp}"


def _tallied(content: bytes, name: str, file: RetailerFile) -> list[CategoryTally]:
    """Count the kept pages by category, in the order in which they were collected."""
    items: dict[str, list[tuple[int, str]]] = {}
    for one in file.categories:
        items.setdefault(normal_name(one.category), []).append((one.item_number, one.item_name))
    tallies: dict[str, CategoryTally] = {}
    contents: dict[str, PageContent | None] = {}
    for kept in read_pages(content, name=name):
        kind, category = kept.context.get("kind"), kept.context.get("category")
        if kept.page.status != 200 or kind not in {"list", "more"} or category is None:
            continue
        as_then = [(number, words) for number, words in kept.context["items"]]
        wanted = items.get(normal_name(category), as_then)
        tally = tallies.setdefault(category, CategoryTally(category, wanted, url=kept.page.url))
        contents[category] = tally.read(file, kept.page, is_more=kind == "more")
    for category, last in contents.items():
        if last is not None and (last.next_url is not None or (last.cursor is not None and file.load_more is not None)):
            tallies[category].fault = f"the page after page {tallies[category].pages} was not collected"
    return list(tallies.values())


def _recorded(landing: Landing, run_id: str) -> dict[str, tuple[int, str | None]]:
    """Return, by category of the retailer file, the pages that were asked for and why it was not whole."""
    rows = landing.warehouse.rows(
        "select category, pages, reason from raw.scrape_categories where run_id = $1 and item_number is not null",
        [run_id],
    )
    return {category: (pages, reason) for category, pages, reason in rows}


def _current_quotes(landing: Landing, name: str, day: date) -> bytes:
    current = landing.current_files(delivery.SOURCE, day.isoformat())
    return next((landing.read(file) for file in current if file.name == name), b"")


def _update_record(
    landing: Landing, run_id: str, records: list[CategoryRecord], rows: int, failures: list[ParseFailure]
) -> None:
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.execute(
            "update raw.scrape_runs set rows = $2, parse_failures = $3, parser_version = $4 where run_id = $1",
            [run_id, rows, len(failures), PARSER_VERSION],
        )
        for one in records:
            transaction.execute(
                """
                update raw.scrape_categories
                set products_listed = $3, products_parsed = $4, parse_failures = $5, duplicates = $6,
                    state = $7, reason = $8
                where run_id = $1 and category = $2
                """,
                [
                    *(run_id, one.category, one.products_listed, one.products_parsed, one.parse_failures),
                    *(one.duplicates, one.state, one.reason),
                ],
            )
