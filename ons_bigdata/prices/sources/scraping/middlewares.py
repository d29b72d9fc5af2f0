"""What happens to every request and answer of a crawl: robots, budget, patience, keeping."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest

from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.sources.retailer_files import origin_of
from ons_bigdata.prices.sources.scraping.listings import Page

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser

    from ons_bigdata.prices.sources.scraping.spiders import RetailerSpider

COLLECTED_AT = "collected_at"
"""Key of a request's meta: when its answer came, by the clock that counts."""


def _spider(crawler: Crawler) -> RetailerSpider:
    return cast("RetailerSpider", crawler.spider)


class RecordedRobots(RobotsTxtMiddleware):
    """Holds requests to the robots.txt that the spider asked for first, and recorded."""

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the rules in force; None where there are none, or a written reason sets them aside."""
        spider = _spider(self.crawler)
        return spider.robots if spider.obeys_robots else None


class WithinLimits:
    """Lets no request leave the retailer's site, none go after hours, nor more of them than the budget has."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the middleware of a crawl."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Count a request. Raises IgnoreRequest for one that must not be sent."""
        spider = _spider(self.crawler)
        if origin_of(request.url) != spider.file.origin:
            raise IgnoreRequest(f"another site: {request.url} is not at {spider.file.site}")
        if not spider.is_within_hours():  # it may have waited long to be repeated
            raise IgnoreRequest("the allowed hours are over")
        if spider.record.requests >= spider.file.request_budget:
            spider.is_budget_spent = True
            raise IgnoreRequest(f"request budget of {spider.file.request_budget} is spent")
        spider.record.requests += 1


class PatientRetry(RetryMiddleware):
    """Tries again later: as much later as Retry-After says, and not at all where that is too long."""

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Return the answer, or the request again once its time has come."""
        if response.status not in self.retry_http_codes:
            return response
        spider = _spider(self.crawler)
        wait_s = retry_after_s(response)
        if wait_s is not None and wait_s > spider.file.longest_wait_s:
            request.meta["gave_up"] = f"Retry-After {wait_s:.0f} s, longest wait {spider.file.longest_wait_s:.0f} s"
            return response
        again = self._retry(request, f"status {response.status}")
        if again is None:
            return response
        await asyncio.sleep(spider.file.delay_s * 2 ** again.meta["retry_times"] if wait_s is None else wait_s)
        return again

    def _retry(self, request: Request, reason: str | Exception | type[Exception]) -> Request | None:
        """Return the request again, counted, until it was tried often enough: after an answer, or none."""
        again = super()._retry(request, reason)
        _spider(self.crawler).record.retries += again is not None
        return again


def retry_after_s(response: Response) -> float | None:
    """Return the seconds that an answer asks to wait; None where it does not say.

    A date is held against the answer's own Date: the site's clock need not be ours.
    """
    asked = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if asked.isdecimal():
        return float(asked)
    until = _date(asked)
    return None if until is None else max(0.0, (until - (date_of(response) or datetime.now(UTC))).total_seconds())


def date_of(response: Response) -> datetime | None:
    """Return the answer's Date in London; None where it has none."""
    return _date((response.headers.get("Date") or b"").decode("latin-1"))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(ZoneInfo(LONDON))  # "-0000" is UTC, too


class KeptAnswers:
    """Keeps every answer as it came, and notes when that was."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the middleware of a crawl."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Write the answer to the kept pages and return it."""
        spider = _spider(self.crawler)
        collected_at = spider.note_time(date_of(response))
        request.meta[COLLECTED_AT] = collected_at
        statuses = spider.record.responses_by_status
        statuses[str(response.status)] = statuses.get(str(response.status), 0) + 1
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        page = Page(response.url, response.status, content_type_of(response), response.body, collected_at)
        spider.keeper.keep(page, headers, request.meta.get("context", {}))
        return response


def content_type_of(response: Response) -> str | None:
    """Return the Content-Type of an answer."""
    found = response.headers.get("Content-Type")
    return None if found is None else found.decode("latin-1")
