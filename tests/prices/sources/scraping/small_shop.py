"""A small HTTP server on loopback with scripted responses and a log of requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo

ROBOTS = "User-agent: *\nDisallow: /basket\nDisallow: /account\nCrawl-delay: 1\n"
MORNING = datetime(2016, 5, 28, 8, 5, tzinfo=ZoneInfo("Europe/London"))


@dataclass(frozen=True)
class Response:
    """A response; with status 0 there is none: the line goes dead."""

    body: str | bytes = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0


@dataclass
class Asked:
    """One request as it came in."""

    at: float
    path: str
    headers: dict[str, str]


@dataclass
class SmallShop:
    """Responses by path; those of a list come one after the other, the last from then on."""

    responses: dict[str, Any] = field(default_factory=lambda: {"/robots.txt": ROBOTS})
    everywhere: Response | None = None
    """Response of every path, if it is set."""
    now: datetime = MORNING
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    def response(self, path: str) -> Response:
        found = self.everywhere or self.responses.get(path, Response("<html><body>Not found</body></html>", 404))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Response) else Response(found)


@contextmanager
def serving(shop: SmallShop) -> Iterator[SmallShop]:
    """Serve the shop on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            shop.asked.append(Asked(time.monotonic(), self.path, dict(self.headers)))
            response = shop.response(self.path)
            time.sleep(response.wait_s)
            if response.status == 0:
                self.close_connection = True
                return
            body = response.body.encode() if isinstance(response.body, str) else response.body
            self.send_response_only(response.status)
            kind = "application/json" if body[:1] == b"{" else "text/html; charset=utf-8"
            sent = {"Content-Type": kind, "Date": format_datetime(shop.now.astimezone(ZoneInfo("UTC")), usegmt=False)}
            for name, value in {**sent, "Content-Length": str(len(body)), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
