"""The simulated shops as web sites on this machine: real HTTP on 127.0.0.1, one server per shop.

A shop's clock runs from 08:00 to 09:00 London time of its simulated day. `shop_pages` writes the pages.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from ons_bigdata.simulation.shop_days import shop_day
from ons_bigdata.simulation.shop_pages import (
    HTML,
    TEXT,
    Page,
    PageFamily,
    embedded_state,
    html_lists,
    json_ld,
    microdata,
)
from ons_bigdata.simulation.shop_shelves import LATER_RETAILERS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopShelf
    from ons_bigdata.simulation.shop_world import ShopWorld

FAMILIES: dict[str, PageFamily] = {
    "sim-alder": html_lists,
    "sim-birch": json_ld,
    "sim-cedar": embedded_state,
    "sim-damson": microdata,
}
"""Family of pages of each shop."""

PRIVATE_PATHS = ("/basket", "/account")
"""Pages that robots.txt disallows."""

RETRY_AFTER_S = 1
"""Retry-After of a shop that is down."""

_LONDON = ZoneInfo("Europe/London")
_SECONDS_PER_REQUEST, _LONGEST_VISIT_S = 1, 3_300
_EMPTY = '<!DOCTYPE html>\n<html lang="en-GB"><head><title></title></head><body></body></html>\n'
_BOT_WALL = (
    '<!DOCTYPE html>\n<html lang="en-GB"><head><title>One moment</title></head><body><h1>Are you human?</h1>'
    "<p>Please tick the box to go on to the shop.</p></body></html>\n"
)


@dataclass(frozen=True)
class Visit:
    """A request that a shop has responded to."""

    path: str
    """With the query."""
    at: datetime
    """By this machine's clock."""
    user_agent: str
    status: int


@dataclass(frozen=True)
class _Reply:
    status: int
    page: Page
    headers: tuple[tuple[str, str], ...] = ()


class SimulatedShop:
    """A shop and its server, created by `serve_shops`."""

    def __init__(self, world: ShopWorld, retailer: str, *, day: int, port: int, crawl_delay_s: int) -> None:
        self.world, self.retailer, self.crawl_delay_s = world, retailer, crawl_delay_s
        self.visits: list[Visit] = []
        self._lock = threading.Lock()
        self.day = day
        self.family = FAMILIES[retailer]
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name=retailer)
        self._thread.start()

    @property
    def address(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def day(self) -> int:
        """The simulated day; 0 is the first. Setting it raises ValueError for a day outside of the simulation."""
        return self._day

    @day.setter
    def day(self, day: int) -> None:
        shop = shop_day(self.world, self.retailer, day)
        with self._lock:
            self._day, self.shop, self._responses = day, shop, 0
            self._failed: set[str] = set()

    @property
    def now(self) -> datetime:
        """Time of the shop: each request advances it by a second, up to the end of the hour."""
        seconds = min(self._responses * _SECONDS_PER_REQUEST, _LONGEST_VISIT_S)
        return datetime.combine(self.shop.date, time(8), _LONDON) + timedelta(seconds=seconds)

    def reply(self, target: str) -> _Reply:
        """Return the response to a request for an address (path and query)."""
        parts = urlsplit(target)
        with self._lock:
            self._responses += 1
            shop = self.shop
        if shop.is_down:
            return _Reply(503, Page("Service unavailable\n", TEXT), (("Retry-After", str(RETRY_AFTER_S)),))
        query = dict(parse_qsl(parts.query))
        shelf = self._shelf_of(shop, parts.path, query)
        if shelf is not None and (trouble := self._trouble(shelf, target, query)) is not None:
            return trouble
        page = self._page(shop, parts.path, query)
        return _Reply(404, Page("Not found\n", TEXT)) if page is None else _Reply(200, page)

    def _page(self, shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
        if path == "/":
            return self.family.home(shop)
        if path == "/robots.txt":
            return Page(self._robots(), TEXT)
        if path in PRIVATE_PATHS:
            return Page(f"<!DOCTYPE html>\n<title>{path}</title>\n", HTML)
        return self.family.page(shop, path, query)

    def _robots(self) -> str:
        lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE_PATHS)]
        return "\n".join([*lines, *([f"Crawl-delay: {self.crawl_delay_s}"] if self.crawl_delay_s else []), ""])

    def _shelf_of(self, shop: ShopDay, path: str, query: Mapping[str, str]) -> ShopShelf | None:
        if path == embedded_state.API_PATH and self.family is embedded_state:
            return shop.shelves.get(query.get("category", "").removeprefix("cat-"))
        return shop.shelves.get(path.removeprefix(self.family.SHELF_PATH))

    def _trouble(self, shelf: ShopShelf, target: str, query: Mapping[str, str]) -> _Reply | None:
        """Response of a shelf whose pages are faulty; None where the page itself is sent."""
        if shelf.trouble == "bot_wall":
            return _Reply(200, Page(_BOT_WALL))
        if shelf.trouble == "empty_page":
            return _Reply(200, Page(_EMPTY))
        is_second = query.get("page") == "2" or query.get("cursor") == str(embedded_state.PRODUCTS_PER_PAGE)
        if shelf.trouble == "page_failed_once" and is_second:
            with self._lock:
                is_first = target not in self._failed
                self._failed.add(target)
            if is_first:
                return _Reply(500, Page("Internal server error\n", TEXT))
        return None

    def close(self) -> None:
        """Stop the server and free its port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(shop: SimulatedShop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Responds to GET and HEAD with the shop's pages and the shop's time."""

        protocol_version = "HTTP/1.1"
        server_version, sys_version = "SimulatedShop/1", ""
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            reply = shop.reply(self.path)
            body = reply.page.body.encode()
            agent = self.headers.get("User-Agent", "")
            shop.visits.append(Visit(self.path, datetime.now(UTC), agent, reply.status))
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.page.content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  (the name http.server calls)

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Return the shop's time, as HTTP writes it."""
            return format_datetime(shop.now.astimezone(UTC), usegmt=True)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Log nothing: requests are recorded in `visits`."""

    return Handler


class SimulatedShops:
    """The shops that are open, by retailer."""

    def __init__(self, shops: Mapping[str, SimulatedShop]) -> None:
        self.shops = dict(shops)

    def __getitem__(self, retailer: str) -> SimulatedShop:
        return self.shops[retailer]

    def __iter__(self) -> Iterator[SimulatedShop]:
        return iter(self.shops.values())

    @property
    def addresses(self) -> dict[str, str]:
        """Address of each shop by retailer."""
        return {retailer: shop.address for retailer, shop in self.shops.items()}

    @property
    def day(self) -> int:
        """The simulated day, the same in all shops; setting it changes it in all of them."""
        return next(iter(self)).day

    @day.setter
    def day(self, day: int) -> None:
        for shop in self:
            shop.day = day


@contextmanager
def serve_shops(
    world: ShopWorld,
    *,
    retailers: Collection[str] | None = None,
    day: int = 0,
    ports: Mapping[str, int] | None = None,
    crawl_delay_s: int = 1,
) -> Iterator[SimulatedShops]:
    """Serve the shops of a world on 127.0.0.1 on a simulated day, until the context ends.

    retailers: those of the world (None), or some of them; sim-damson is served only when it is named here
    and in the world. ports: by retailer; free ones by default. crawl_delay_s: the Crawl-delay of robots.txt; 0: none.

    Raises ValueError for a retailer or a day that the world lacks, OSError for a port in use.
    """
    usual = (retailer for retailer in world.retailers if retailer not in LATER_RETAILERS)
    chosen = list(usual if retailers is None else retailers)
    open_shops: dict[str, SimulatedShop] = {}
    try:
        for retailer in chosen:
            port = (ports or {}).get(retailer, 0)
            open_shops[retailer] = SimulatedShop(world, retailer, day=day, port=port, crawl_delay_s=crawl_delay_s)
        yield SimulatedShops(open_shops)
    finally:
        for shop in open_shops.values():
            shop.close()


def keep_shops_open(
    world: ShopWorld,
    *,
    day: int,
    stop: threading.Event,
    opened: Callable[[SimulatedShops], None] = lambda _: None,
    retailers: Collection[str] | None = None,
    ports: Mapping[str, int] | None = None,
    crawl_delay_s: int = 1,
) -> None:
    """Serve the shops until `stop` is set; `opened` is called once they respond. For a command that blocks."""
    with serve_shops(world, retailers=retailers, day=day, ports=ports, crawl_delay_s=crawl_delay_s) as shops:
        opened(shops)
        stop.wait()
