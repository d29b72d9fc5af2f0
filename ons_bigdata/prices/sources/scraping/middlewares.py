"""Scrapy middlewares and resolver of a crawl: addresses, robots.txt, budget and hours, retries, kept responses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import psutil
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.extensions.memusage import MemoryUsage
from twisted.internet.interfaces import IHostnameResolver as IHostnameResolverInterface
from twisted.internet.interfaces import IResolutionReceiver as IResolutionReceiverInterface
from zope.interface import implementer

from ons_bigdata.prices.calendar import LONDON
from ons_bigdata.prices.sources.scraping.extraction.page import Page
from ons_bigdata.prices.sources.scraping.pages import decoded_page
from ons_bigdata.prices.sources.site_addresses import origin_of, refusal_of, require_address

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser
    from twisted.internet.base import ReactorBase

    from ons_bigdata.prices.sources.scraping.crawl_state import CrawlState

PRODUCT_PAGES = ("list", "more")
"""Kinds of pages that list products."""

COLLECTED_AT = "collected_at"
"""Key of a request's meta: time of its response, by the clock in force."""

LOOPBACK_SETTING = "ONS_BIGDATA_SITE_IS_LOOPBACK"
"""Setting of a crawl, true if its site is on this machine: then connections go there only, else never."""


def _state(crawler: Crawler) -> CrawlState:
    return cast("CrawlState", cast(Any, crawler.spider).state)  # a RetailerSpider


@implementer(IHostnameResolverInterface)
class CheckedResolver:
    """Resolver that gives each connection public addresses only, or loopback ones only for a site on this machine.

    Twisted calls it at every connection, for host names and for addresses in every notation.
    """

    def __init__(self, reactor: ReactorBase, *, is_loopback: bool) -> None:
        self.reactor, self.is_loopback = reactor, is_loopback
        self.resolver: Any = reactor.nameResolver

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        """Return the resolver of a crawl."""
        return cls(reactor, is_loopback=crawler.settings.getbool(LOOPBACK_SETTING))

    def install_on_reactor(self) -> None:
        """Install the resolver between Twisted and the resolver of the system."""
        cast(Any, self.reactor).installNameResolver(self)

    def resolveHostName(  # noqa: N802  (names as in Twisted)
        self,
        resolutionReceiver: Any,  # noqa: N803, ANN401
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803, ANN401
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> Any:  # noqa: ANN401
        """Resolve a host name; addresses that are not allowed are left out."""
        receiver = _AllowedAddresses(resolutionReceiver, is_loopback=self.is_loopback)
        return self.resolver.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)


@implementer(IResolutionReceiverInterface)
class _AllowedAddresses:
    def __init__(self, receiver: Any, *, is_loopback: bool) -> None:  # noqa: ANN401
        self.receiver, self.is_loopback = receiver, is_loopback

    def resolutionBegan(self, resolutionInProgress: Any) -> None:  # noqa: N802, N803, ANN401
        self.receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: Any) -> None:  # noqa: N802, ANN401
        if refusal_of(getattr(address, "host", ""), is_loopback=self.is_loopback) is None:
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.receiver.resolutionComplete()


class PresentMemory(MemoryUsage):
    """Bound on the memory that the crawl uses at present.

    The peak is no measure: on Linux a process begins with that of the process that started it.
    """

    def get_virtual_size(self) -> int:
        """Resident memory in bytes."""
        return int(psutil.Process().memory_info().rss)


class RecordedRobots(RobotsTxtMiddleware):
    """Applies the robots.txt that the spider requested first, and recorded."""

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """Return the rules in force; None where there are none, or the retailer file sets them aside."""
        state = _state(self.crawler)
        return state.robots if state.obeys_robots else None


class WithinLimits:
    """Refuses requests that leave the retailer's site, fall outside the allowed hours or exceed the budget."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the middleware of a crawl."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Count a request. Raises IgnoreRequest for one that must not be sent."""
        state = _state(self.crawler)
        if origin_of(request.url) != state.file.origin:
            raise IgnoreRequest(f"another site: {request.url} is not at {state.file.site}")
        try:
            require_address(request.url, is_loopback=state.file.is_loopback)
        except ValueError as error:
            raise IgnoreRequest(str(error)) from error
        if not state.is_within_hours():  # it may have waited long to be repeated
            raise IgnoreRequest("the allowed hours are over")
        if state.record.requests >= state.file.request_budget:
            state.is_budget_spent = True
            raise IgnoreRequest(f"request budget of {state.file.request_budget} is spent")
        state.record.requests += 1
        state.write_journal()


class PatientRetry(RetryMiddleware):
    """Repeats a request after the wait in Retry-After, unless that is too long or ends after the allowed hours."""

    async def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Return the response, or the request again once its time has come."""
        if response.status not in self.retry_http_codes:
            return response
        state = _state(self.crawler)
        wait_s = retry_after_s(response)
        if wait_s is not None and wait_s > state.file.longest_wait_s:
            request.meta["gave_up"] = f"Retry-After {wait_s:.0f} s, longest wait {state.file.longest_wait_s:.0f} s"
            return response
        repeats = request.meta.get("retry_times", 0) + 1
        pause_s = state.file.delay_s * 2**repeats if wait_s is None else wait_s
        if not state.can_wait(pause_s):
            request.meta["gave_up"] = f"the allowed hours end before a wait of {pause_s:.0f} s"
            return response
        again = self._retry(request, f"status {response.status}")
        if again is None:
            return response
        await asyncio.sleep(pause_s)
        return again

    def _retry(self, request: Request, reason: str | Exception | type[Exception]) -> Request | None:
        """Return the request again, counted, up to RETRY_TIMES: after a response, or none."""
        again = super()._retry(request, reason)
        _state(self.crawler).record.retries += again is not None
        return again


def retry_after_s(response: Response) -> float | None:
    """Wait (seconds) that the Retry-After of a response requests; None without one.

    A date is compared with the Date of the response: the site's clock need not be ours.
    """
    asked = (response.headers.get("Retry-After") or b"").decode("latin-1").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked[:12])
    until = _date(asked)
    return None if until is None else max(0.0, (until - (date_of(response) or datetime.now(UTC))).total_seconds())


def date_of(response: Response) -> datetime | None:
    """Return the response's Date in London; None where it has none."""
    return _date((response.headers.get("Date") or b"").decode("latin-1"))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(ZoneInfo(LONDON))  # "-0000" is UTC, too
    except (TypeError, ValueError, OverflowError):
        return None


class KeptResponses:
    """Keeps every response as received, with its time."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the middleware of a crawl."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        """Write the response to the kept pages and return it."""
        state = _state(self.crawler)
        collected_at = state.record_time(date_of(response))
        request.meta[COLLECTED_AT] = collected_at
        if response.status == HTTPStatus.OK and request.meta.get("context", {}).get("kind") in PRODUCT_PAGES:
            state.note_site_date(date_of(response))
        statuses = state.record.responses_by_status
        statuses[str(response.status)] = statuses.get(str(response.status), 0) + 1
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in response.headers.items()
            for value in values
        ]
        page = Page(response.url, response.status, content_type_of(response), response.body, collected_at)
        state.keeper.keep(page, headers, request.meta.get("context", {}))
        state.write_journal()
        return response


def page_of(response: Response, collected_at: datetime) -> Page:
    """Return a response as a page with its body decoded."""
    return decoded_page(
        url=response.url,
        status=response.status,
        content_type=content_type_of(response),
        encodings=[value.decode("latin-1") for value in response.headers.getlist("Content-Encoding")],
        body=response.body,
        collected_at=collected_at,
        requested_url=response.meta["context"].get("requested_url"),
    )


def content_type_of(response: Response) -> str | None:
    """Return the Content-Type of a response."""
    found = response.headers.get("Content-Type")
    return None if found is None else found.decode("latin-1")
