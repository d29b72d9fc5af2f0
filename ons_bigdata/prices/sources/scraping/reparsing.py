"""Kept pages read again: by the present extractor and the present retailer file, as the crawl itself reads them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ons_bigdata.platform.calendar import LONDON
from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.quote_writer import file_name, write_quotes
from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping import PARSER_VERSION
from ons_bigdata.prices.sources.scraping.landed import account_pages, land_quotes
from ons_bigdata.prices.sources.scraping.launch import pages_name
from ons_bigdata.prices.sources.scraping.pages import read_pages
from ons_bigdata.prices.sources.scraping.tally import CategoryRecord, CategoryTally

if TYPE_CHECKING:
    from datetime import date

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing
    from ons_bigdata.prices.sources.retailer_files import RetailerFile
    from ons_bigdata.prices.sources.scraping.listings import PageContent


@dataclass(frozen=True)
class Reparsed:
    """What another extraction made of a run's pages."""

    run_id: str
    rows: int
    rows_changed: int
    """Rows that are new, gone or other than before."""
    parse_failures: int


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
    failures = [asdict(failure) for tally in tallies for failure in tally.failures]
    content = write_quotes(rows) if rows else b""
    day, name = started_at.date(), file_name(file.retailer, started_at)
    before = _current_quotes(landing, name, day)
    if before and not rows:
        raise InputError(
            f"{pages.name}: no product can be read, but {name} has some; nothing was changed. Look at the retailer file"
        )
    if pages.data_origin is None:
        raise ValueError(f"{pages.name} has no data origin")
    land_quotes(landing, content, file.retailer, name, day, pages.data_origin)
    account_pages(landing, pages, rows=len(rows), failures=failures)
    records = [record for tally in tallies for record in tally.records()]
    _update_record(landing, run_id, records, rows=len(rows), failures=len(failures))
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
    current = landing.files(PRICE_FILES.name, current=True)
    return next(
        (landing.read(file) for file in current if file.name == name and day.isoformat() in (file.partitions or ())),
        b"",
    )


def _update_record(landing: Landing, run_id: str, records: list[CategoryRecord], *, rows: int, failures: int) -> None:
    with landing.warehouse.transaction(role="ingest") as transaction:
        transaction.execute(
            "update raw.scrape_runs set rows = $2, parse_failures = $3, parser_version = $4 where run_id = $1",
            [run_id, rows, failures, PARSER_VERSION],
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
