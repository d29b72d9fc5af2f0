"""Spiders, one per page family: they visit a retailer's categories with one request at a time."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

import scrapy
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.throttle import AutoThrottle
from scrapy.robotstxt import ProtegoRobotParser

from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.sources.retailer_files import normal_name
from ons_bigdata.prices.sources.scraping import extraction
from ons_bigdata.prices.sources.scraping.crawl_state import CrawlState, RefusedError, RunRecord, StoppedError
from ons_bigdata.prices.sources.scraping.extraction import FoundCategory
from ons_bigdata.prices.sources.scraping.extraction.page import (
    Page,
    PageContent,
    UnreadableError,
    one_spelling,
    printable,
)
from ons_bigdata.prices.sources.scraping.manners import ROBOTS_NAME
from ons_bigdata.prices.sources.scraping.middlewares import COLLECTED_AT, page_of
from ons_bigdata.prices.sources.scraping.tally import (
    NAMES_KEPT,
    NAVIGATION,
    CategoryRecord,
    CategoryTally,
    ParseFailure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ons_bigdata.prices.sources.retailer_files import PageKind, RetailerFile

RESEMBLANCE = 0.5
"""From this ratio of matching characters on (difflib), two category names resemble each other."""

HEADERS = {"Accept-Encoding": "gzip"}
"""Scrapy would also accept encodings in which kept pages cannot be read again."""

MOST_ROBOTS_BYTES = 500 * 1024
"""Length of a robots.txt up to which it is read: every request is compared with every rule."""

CATEGORIES_LOST = 3
"""Number of consecutive categories without any page from the site after which the run ends."""


class NoPageError(Exception):
    """No page was received from an address; `status` of the response, if there was one."""

    def __init__(self, message: str, *, status: int | None = None, is_refused: bool = False) -> None:
        super().__init__(message)
        self.is_refused = is_refused
        """The page was not requested: forbidden by our rules, or there is no address."""
        self.is_absent = status is not None and 400 <= status < 500 and status != 429
        """The site responds, but not with the page."""
        self.is_lost = not (is_refused or status in {404, 410})
        """The fault is of the site, not of the address: it does not respond, or refuses crawlers."""


class RetailerSpider(scrapy.Spider):
    """Visits the categories of a retailer. Subclasses for the page families define how a category continues."""

    page_kind: ClassVar[PageKind]

    def __init__(self, state: CrawlState, *, parent: int) -> None:
        """Prepare a run; it ends with the process `parent`."""
        super().__init__(name=state.file.retailer)
        self.state, self.parent = state, parent
        self.tallies: list[CategoryTally] = _tallies(state.file)
        self.others: list[CategoryRecord] = []
        """Categories of only one side: missing and unknown."""
        self.navigation_failures: list[ParseFailure] = []
        self.failure: BaseException | None = None
        self._lost_in_a_row = 0

    @property
    def file(self) -> RetailerFile:
        """The retailer file."""
        return self.state.file

    @property
    def record(self) -> RunRecord:
        """The record of the run."""
        return self.state.record

    async def start(self) -> AsyncIterator[Any]:
        """Walk through the shop; Scrapy schedules nothing."""
        try:
            await self.walk()
        except BaseException as error:
            self.failure = error
        return
        yield

    async def walk(self) -> None:
        """Go from robots.txt over the navigation through all categories, and record how it ended."""
        if self.file.clock == "real":
            self.state.begin(datetime.now(ZoneInfo(LONDON)))
        try:
            await self._read_robots()
            found = {normal_name(one.name): one for one in await self._read_navigation()}
            for tally in self.tallies:
                await self._collect(tally, found)
            await self._sample_unknown_categories(found)
            self.record.finish_reason = "finished"
        except StoppedError as stop:
            self.record.finish_reason = stop.finish_reason
            for tally in self.tallies:
                if tally.pages == 0:
                    tally.fail(f"not collected: {stop}")
        self.record.finished_at = self.state.now

    async def _read_robots(self) -> None:
        """Read robots.txt and obey it. If it cannot be reached all is forbidden, if it does not exist nothing is."""
        try:
            page = await self._fetch(f"{self.file.site}/robots.txt", "robots", meta={"dont_obey_robotstxt": True})
        except NoPageError as error:
            if self.record.started_at is None and self.state.now is None:
                raise RefusedError(f"{self.file.site} does not respond, and its clock is not known: {error}") from error
            self.state.begin(self.state.now)
            if not error.is_absent:
                raise StoppedError("outage", f"robots.txt: {error}") from error
            return
        self.state.begin(self.state.now)
        if page.fault is not None:  # rules that cannot be read are not the same as none
            raise StoppedError("outage", f"robots.txt: {page.fault}")
        self.record.robots_sha256 = hashlib.sha256(page.body).hexdigest()
        self.state.robots = ProtegoRobotParser(rules_of(page.body), self)
        asked_s = self.state.robots.crawl_delay(ROBOTS_NAME) or 0.0
        if self.file.is_loopback and self.file.delay_s < 1:
            return  # the only case in which a shorter delay is allowed
        delay_s = max(self.file.delay_s, asked_s)
        if not self.state.can_wait(delay_s):
            end = f"allowed hours end at {self.file.allowed_hours[1]:%H:%M}"
            raise StoppedError("hours", f"robots.txt asks for {delay_s:g} s between requests; {end}")
        self._slow_down(delay_s)

    async def _read_navigation(self) -> list[FoundCategory]:
        start = self.file.site + "/" + self.file.navigation.start.lstrip("/")
        try:
            page = await self._fetch(start, "start")
        except NoPageError as error:
            is_down = not (error.is_refused or error.is_absent)
            raise StoppedError("outage" if is_down else "no_start", f"start page: {error}") from error
        try:
            navigation = extraction.read_navigation(self.file, page)
        except Exception as error:  # whatever the start page contains, the run has a record
            reason = str(error) if isinstance(error, UnreadableError) else f"{type(error).__name__}: {str(error)[:200]}"
            fault = printable(str(extraction.fault_of(page, None, reason)))
            raise StoppedError("no_categories", f"start page: {fault}") from error
        found = navigation.categories
        self.navigation_failures = [ParseFailure(NAVIGATION, page.url, reason) for reason in navigation.failures]
        names = {normal_name(one.name) for one in found}
        for tally in [one for one in self.tallies if normal_name(one.category) not in names]:
            self.tallies.remove(tally)
            self.others += [
                CategoryRecord(tally.category, number, "missing", reason="not in the shop's navigation")
                for number, _ in tally.items
            ]
        return found

    async def _collect(self, tally: CategoryTally, found: dict[str, FoundCategory]) -> None:
        """Read the pages of a category in order until the last, or until one fails."""
        category = found[normal_name(tally.category)]
        tally.url = category.url
        context = {"category": tally.category, "items": list(tally.items)}
        url: str | None = category.url
        is_more, seen = False, set[str]()
        while url is not None:
            spelling = one_spelling(url)
            if spelling in seen or len(seen) >= self.file.pages_per_category:
                tally.cut_off("pages go in a circle" if spelling in seen else f"more than {len(seen)} pages")
                return
            seen.add(spelling)
            try:
                page = await self._fetch(url, "more" if is_more else "list", context=context)
                self._lost_in_a_row = 0
                if tally.is_last_page(page):  # a page beyond the last leads back to the last
                    return
                content = tally.read(self.file, page, is_more=is_more)
                url, is_more = self.following(category, content, page) if content else None, True
            except NoPageError as error:
                tally.pages += 1
                tally.fail(str(error))
                self._count_lost(error)
                return
            except (StoppedError, UnreadableError) as error:
                tally.cut_off(str(error))
                if isinstance(error, StoppedError):
                    raise
                return

    def following(self, category: FoundCategory, content: PageContent, page: Page) -> str | None:
        """Address of the next page, which this page links to."""
        return content.next_url

    async def _sample_unknown_categories(self, found: dict[str, FoundCategory]) -> None:
        """Record the categories that the retailer file lacks, and the products of those that resemble a missing one."""
        known = {normal_name(one.category) for one in self.file.categories}
        missing = {normal_name(one.category) for one in self.others if one.state == "missing"}
        for name, category in found.items():
            if name in known:
                continue
            like = sorted(one for one in missing if resemble(one, name))
            record = CategoryRecord(category.name, None, "unknown", url=category.url)
            self.others.append(await self._sampled(record, like) if like else record)

    async def _sampled(self, record: CategoryRecord, like: list[str]) -> CategoryRecord:
        tally = CategoryTally(record.category, [(0, "")], url=record.url)
        try:
            page = await self._fetch(str(record.url), "sample", context={"category": record.category, "items": []})
            tally.read(self.file, page)
        except NoPageError as error:
            tally.fail(str(error))
        names = [listing["product_name"] for listing, _ in tally.listings]
        return CategoryRecord(
            record.category,
            None,
            "unknown",
            url=record.url,
            pages=tally.pages,
            products_listed=len(names) + len(tally.failures),
            products_parsed=len(names),
            parse_failures=len(tally.failures),
            product_names=list(dict.fromkeys(names))[:NAMES_KEPT],
            reason="; ".join([f"resembles the missing {', '.join(like)}", *([tally.fault] if tally.fault else [])]),
        )

    async def _fetch(
        self, url: str, kind: str, *, context: dict[str, Any] | None = None, meta: dict[str, Any] | None = None
    ) -> Page:
        """Request a page and return it. Raises NoPageError, and StoppedError where the run must end."""
        self._require_allowed()
        known = {"kind": kind, "requested_url": url, **(context or {})}
        try:
            request = scrapy.Request(url, headers=HEADERS, meta={**(meta or {}), "context": known}, dont_filter=True)
        except ValueError as error:
            raise NoPageError(f"no address: {url!r}", is_refused=True) from error
        engine = self.crawler.engine
        if engine is None:
            raise RuntimeError("the crawl has no engine: it was not started by Scrapy")
        try:
            response = await engine.download_async(request)
        except Exception as error:
            if self.state.is_budget_spent:
                raise StoppedError("budget", f"request budget of {self.file.request_budget} is spent") from error
            is_refused = isinstance(error, IgnoreRequest)
            raise NoPageError(str(error) or type(error).__name__, is_refused=is_refused) from error
        if response.status != 200:
            gave_up = f" ({response.meta['gave_up']})" if "gave_up" in response.meta else ""
            raise NoPageError(f"status {response.status} from {response.url}{gave_up}", status=response.status)
        return page_of(response, response.meta[COLLECTED_AT])

    def _require_allowed(self) -> None:
        """Raise StoppedError once the hours are over, or the process that started the crawl is gone."""
        if os.getppid() != self.parent:
            raise StoppedError("killed", "the process that started the crawl is gone")
        self.state.require_allowed()

    def _slow_down(self, delay_s: float) -> None:
        """Wait at least so long between requests, from now on."""
        self.record.delay_s = delay_s
        throttle = self.crawler.get_extension(AutoThrottle)
        if throttle is not None:
            throttle.mindelay = delay_s
        if self.crawler.engine is not None:
            for slot in self.crawler.engine.downloader.slots.values():
                slot.delay = max(slot.delay, delay_s)

    def _count_lost(self, error: NoPageError) -> None:
        self._lost_in_a_row = self._lost_in_a_row + 1 if error.is_lost else 0
        if self._lost_in_a_row >= CATEGORIES_LOST:
            raise StoppedError("outage", f"the site gave no page of {CATEGORIES_LOST} categories in a row")


class HtmlListSpider(RetailerSpider):
    """Lists in plain HTML; the next page is a link."""

    page_kind = "html_list"


class JsonLdSpider(RetailerSpider):
    """schema.org as JSON-LD; the next page is a link."""

    page_kind = "json_ld"


class MicrodataSpider(RetailerSpider):
    """schema.org as microdata; the next page is a link."""

    page_kind = "microdata"


class RdfaSpider(RetailerSpider):
    """schema.org as RDFa; the next page is a link."""

    page_kind = "rdfa"


class LoadMoreSpider(RetailerSpider):
    """Pages with a cursor: a second address has the rest of the category."""

    def following(self, category: FoundCategory, content: PageContent, page: Page) -> str | None:
        """Return the address of the rest, while there is a cursor."""
        if content.cursor is None:
            return None
        return extraction.more_url(self.file, category, content.cursor, page.url)


class NextDataSpider(LoadMoreSpider):
    """State embedded in the first page, the rest as JSON."""

    page_kind = "next_data"


class JsonApiSpider(LoadMoreSpider):
    """JSON throughout."""

    page_kind = "json_api"


SPIDERS: dict[PageKind, type[RetailerSpider]] = {
    spider.page_kind: spider
    for spider in (HtmlListSpider, JsonLdSpider, MicrodataSpider, RdfaSpider, NextDataSpider, JsonApiSpider)
}


def rules_of(body: bytes) -> bytes:
    """Return the part of a robots.txt that is read: the whole lines of its first 500 KiB (RFC 9309, 2.5)."""
    return body if len(body) <= MOST_ROBOTS_BYTES else body[:MOST_ROBOTS_BYTES].rpartition(b"\n")[0]


def resemble(one: str, other: str) -> bool:
    """True if two category names are so similar that the second may be the first renamed."""
    return SequenceMatcher(None, one, other).ratio() >= RESEMBLANCE


def _tallies(file: RetailerFile) -> list[CategoryTally]:
    items: dict[str, list[tuple[int, str]]] = {}
    names: dict[str, str] = {}
    for one in file.categories:
        key = normal_name(one.category)
        names.setdefault(key, one.category)
        items.setdefault(key, []).append((one.item_number, one.item_name))
    return [CategoryTally(names[key], numbers) for key, numbers in items.items()]
