"""Kept pages read again, by the present extractor and the present retailer file, with the code of the crawl."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from ons_bigdata.platform.errors import InputError
from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.quote_writer import file_name, write_quotes
from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping import PARSER_VERSION
from ons_bigdata.prices.sources.scraping.extraction import read_navigation
from ons_bigdata.prices.sources.scraping.extraction.page import UnreadableError
from ons_bigdata.prices.sources.scraping.landed import account_pages, land_quotes
from ons_bigdata.prices.sources.scraping.launch import pages_name
from ons_bigdata.prices.sources.scraping.pages import read_pages
from ons_bigdata.prices.sources.scraping.tally import NAVIGATION, CategoryRecord, CategoryTally, ParseFailure

if TYPE_CHECKING:
    from datetime import date

    from ons_bigdata.platform.ingest.landing import LandedFile, Landing
    from ons_bigdata.prices.sources.quote_writer import QuoteRow
    from ons_bigdata.prices.sources.retailer_files import RetailerFile
    from ons_bigdata.prices.sources.scraping.extraction.page import Page, PageContent


@dataclass(frozen=True)
class Reparsed:
    """Result of another extraction of a run's pages."""

    run_id: str
    rows: int
    rows_changed: int
    """Rows that are new, gone or changed."""
    parse_failures: int


def reparse_run(landing: Landing, file: RetailerFile, pages: LandedFile) -> Reparsed:
    """Read a run's kept pages again, and update quote file and record.

    A category that was cut off, or of which a page was not received, stays failed for the reason that the crawl
    recorded; so does a category whose last page links a page that was not collected. A category with a page that cannot
    be decoded keeps the rows it has.

    Raises InputError for pages that are missing or were changed, and where no row is extracted although there were
    some: then the retailer file or the extractor is wrong, and nothing is changed.
    """
    started_at, run_id = _run_of(pages)
    read = _read(landing.read(pages), pages.name, file)
    recorded = _recorded(landing, run_id)
    for tally in read.tallies:
        if tally.category in recorded:
            asked_for, reason = recorded[tally.category]
            tally.take_over(reason, pages=asked_for)
    day, name = started_at.date(), file_name(file.retailer, started_at)
    before = _current_quotes(landing, name, day)
    content = _quotes(read, before, file.retailer, run_id)
    rows = max(0, content.count(b"\n") - 1)
    failures = [asdict(failure) for failure in read.failures()]
    if before and not rows:
        raise InputError(
            f"{pages.name}: no product can be read, but {name} has some; nothing was changed. Check the retailer file"
        )
    if pages.data_origin is None:
        raise ValueError(f"{pages.name} has no data origin")
    land_quotes(landing, content, file.retailer, name, day, pages.data_origin)
    account_pages(landing, pages, rows=rows, failures=failures)
    records = [record for tally in read.tallies for record in tally.records()]
    _update_record(landing, run_id, records, rows=rows, failures=len(failures))
    changed = set(before.splitlines()[1:]) ^ set(content.splitlines()[1:])
    return Reparsed(run_id, rows, len(changed), len(failures))


@dataclass
class _ReadPages:
    tallies: list[CategoryTally]
    undecoded: dict[str, str]
    """Category → reason for which one of its pages cannot be decoded."""
    navigation_failures: list[ParseFailure]

    def failures(self) -> list[ParseFailure]:
        """Return the failures of the run, in order."""
        return self.navigation_failures + [failure for tally in self.tallies for failure in tally.failures]


def _quotes(read: _ReadPages, before: bytes, retailer: str, run_id: str) -> bytes:
    """Return the quote file; categories with a page that cannot be decoded have their rows of `before`."""
    rows: list[QuoteRow] = []
    kept: list[bytes] = []
    lines = before.splitlines(keepends=True)
    of_category: dict[str, list[bytes]] = {}
    for line, row in zip(lines[1:], csv.DictReader(io.StringIO(before.decode())), strict=True):
        of_category.setdefault(row["category"], []).append(line)
    for tally in read.tallies:
        earlier = of_category.get(" ".join(tally.category.split()), [])
        if tally.category in read.undecoded and earlier:
            kept += earlier
        else:
            rows += tally.rows(retailer, run_id)
    return (write_quotes(rows) if rows or kept else b"") + b"".join(kept)


def _run_of(pages: LandedFile) -> tuple[datetime, str]:
    retailer, stamp = pages.delivery, pages.name.removesuffix(".warc.gz").rsplit("_", 1)[-1]
    started_at = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=ZoneInfo(LONDON))
    if pages.name != pages_name(retailer, started_at):
        raise ValueError(f"{pages.name} is not the name of a run of {retailer}")
    return started_at, f"{retailer}-{stamp}"


def _read(content: bytes, name: str, file: RetailerFile) -> _ReadPages:
    """Count the kept pages by category, in the order in which they were collected."""
    items: dict[str, list[tuple[int, str]]] = {}
    for one in file.categories:
        items.setdefault(normal_name(one.category), []).append((one.item_number, one.item_name))
    tallies: dict[str, CategoryTally] = {}
    contents: dict[str, PageContent | None] = {}
    undecoded: dict[str, str] = {}
    navigation_failures: list[ParseFailure] = []
    for kept in read_pages(content, name=name):
        kind, category = kept.context.get("kind"), kept.context.get("category")
        if kind == "start" and kept.page.status == 200:
            navigation_failures = _navigation_failures(file, kept.page)
        if kept.page.status != 200 or kind not in {"list", "more"} or category is None:
            continue
        as_then = [(number, words) for number, words in kept.context["items"]]
        wanted = items.get(normal_name(category), as_then)
        tally = tallies.setdefault(category, CategoryTally(category, wanted, url=kept.page.url))
        if tally.is_last_page(kept.page):
            contents[category] = None
            continue
        contents[category] = tally.read(file, kept.page, is_more=kind == "more")
        if kept.page.fault is not None:
            undecoded.setdefault(category, kept.page.fault)
    for category, last in contents.items():
        if last is not None and (last.next_url is not None or (last.cursor is not None and file.load_more is not None)):
            tallies[category].fault = f"the page after page {tallies[category].pages} was not collected"
    return _ReadPages(list(tallies.values()), undecoded, navigation_failures)


def _navigation_failures(file: RetailerFile, page: Page) -> list[ParseFailure]:
    try:
        return [ParseFailure(NAVIGATION, page.url, reason) for reason in read_navigation(file, page).failures]
    except UnreadableError:
        return []  # the categories themselves are in the record of the crawl


def _recorded(landing: Landing, run_id: str) -> dict[str, tuple[int, str | None]]:
    """Pages requested, and reason of incompleteness, by category of the retailer file."""
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
