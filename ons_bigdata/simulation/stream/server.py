"""Server of a simulated filtered stream: real HTTP on 127.0.0.1, the endpoints of API v2, a script of faults.

What it has sent, and when, is its record: the truth by which a client is judged.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from ons_bigdata.simulation.stream.script import LINE_END, End, Pause, Refuse, Send, Step, Torn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ons_bigdata.simulation.stream.clock import StreamClock

STREAM_PATH = "/2/tweets/search/stream"
RULES_PATH = "/2/tweets/search/stream/rules"

SILENCE_S = 21.0
"""Time of the script after which a client leaves a silent connection."""

_MOST_REAL_S = 5.0


@dataclass
class Attempt:
    """A request for the stream and what came of it."""

    at: datetime
    status: int | None = None
    """None where the connection was dropped without an answer."""
    ended_at: datetime | None = None
    """When the connection ended, a silent one with its last byte; None while it lasts."""
    ended_by: Literal["close", "drop", "stall", "client"] | None = None
    last_byte_at: datetime | None = None
    data: bytes = b""
    """Bytes that were sent."""
    limit_s: float | None = None
    """Seconds after which the client may try again, where the answer says it."""

    @property
    def lines(self) -> list[bytes]:
        """Whole lines that were sent, keep-alives left out."""
        return [line for line in self.data.split(LINE_END)[:-1] if line]

    @property
    def half_line(self) -> bytes:
        """Beginning of a line whose end was never sent."""
        return self.data.split(LINE_END)[-1]


@dataclass
class SimulatedStream:
    """A stream and its server, created by `serve_stream`."""

    token: str = field(repr=False)
    clock: StreamClock
    steps: Iterator[Step]
    finished: Callable[[], object]
    until: datetime | None
    attempts: list[Attempt] = field(default_factory=list)
    rules: list[dict[str, str]] = field(default_factory=list)
    address: str = ""
    _turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by the present connection."""

    def next_step(self) -> Step | None:
        """Next step of the script; None after its end."""
        if self.until is not None and self.clock.time >= self.until:
            return None
        return next(self.steps, None)

    def change_rules(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Add or delete rules as a client demands; return the answer."""
        added = []
        for rule in wanted.get("add", ()):
            if all(rule["value"] != known["value"] for known in self.rules):
                added.append({"id": str(len(self.rules) + 1), **rule})
                self.rules.append(added[-1])
        ids = wanted.get("delete", {}).get("ids", ())
        self.rules[:] = [rule for rule in self.rules if rule["id"] not in ids]
        return {"data": added, "meta": {"summary": {"created": len(added), "deleted": len(ids)}}}


def _handler_of(stream: SimulatedStream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers requests for the stream and for its rules."""

        _now: datetime
        """Time of the script on the present connection, whatever its client does meanwhile."""

        protocol_version = "HTTP/1.1"
        server_version, sys_version = "SimulatedStream/1", ""
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if not self._is_known():
                return
            if path == RULES_PATH:
                self._answer(200, {"data": stream.rules, "meta": {"result_count": len(stream.rules)}})
            elif path == STREAM_PATH:
                self._stream()
            else:
                self._answer(404, {"title": "Not Found Error", "detail": f"no {path}"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self._is_known():
                return
            if urlsplit(self.path).path == RULES_PATH:
                self._answer(201, stream.change_rules(json.loads(body)))
            else:
                self._answer(404, {"title": "Not Found Error", "detail": "no such endpoint"})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            """Log nothing: attempts are recorded."""

        def _is_known(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {stream.token}":
                return True
            self._answer(401, {"title": "Unauthorized", "detail": "Unauthorized"})
            return False

        def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _stream(self) -> None:
            if not stream._turn.acquire(timeout=_MOST_REAL_S):
                self._answer(429, {"title": "ConnectionException", "connection_issue": "TooManyConnections"})
                return
            try:
                attempt = Attempt(stream.clock.time)
                self._now = attempt.at
                stream.attempts.append(attempt)
                self._play(attempt)
                attempt.ended_at = self._now if attempt.ended_at is None else attempt.ended_at
            finally:
                stream._turn.release()

        def _play(self, attempt: Attempt) -> None:
            """Answer an attempt, and play the script until the connection ends."""
            if not stream.rules:
                attempt.status = 409
                self._answer(409, {"title": "ConnectionException", "connection_issue": "RuleConfigurationIssue"})
                return
            step = stream.next_step()
            if isinstance(step, Refuse):
                self._refuse(attempt, step)
                return
            attempt.status = 200
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            stream.clock.sent()
            self.end_headers()
            self.close_connection = True
            try:
                self._send_steps(attempt, step)
            except (BrokenPipeError, ConnectionResetError):
                attempt.ended_by = "client"

        def _send_steps(self, attempt: Attempt, step: Step | None) -> None:
            while step is not None:
                match step:
                    case Send(chunks):
                        for chunk in chunks:
                            self._write(attempt, b"%x\r\n%b\r\n" % (len(chunk), chunk), chunk)
                    case Torn(data, sent):
                        self._write(attempt, b"%x\r\n%b" % (len(data), data[:sent]), data[:sent])
                        self._end(attempt, "drop")
                        return
                    case Pause(seconds):
                        self._now = stream.clock.pause(seconds)
                    case End(how):
                        self._end(attempt, how)
                        return
                    case Refuse():
                        raise ValueError(f"{step} on a connection; expected it after an end")
                step = stream.next_step()
            stream.clock.pause(0)
            stream.finished()
            attempt.ended_by, attempt.ended_at = "client", self._now
            self._await_client()

        def _write(self, attempt: Attempt, wire: bytes, data: bytes) -> None:
            stream.clock.sent()  # before, lest the client be faster
            self.wfile.write(wire)
            attempt.data += data
            attempt.last_byte_at = self._now

        def _end(self, attempt: Attempt, how: Literal["close", "drop", "stall"]) -> None:
            last_byte_at = attempt.at if attempt.last_byte_at is None else attempt.last_byte_at
            attempt.ended_by, attempt.ended_at = how, last_byte_at if how == "stall" else self._now
            stream.clock.pause(0)
            if how == "close":
                self.wfile.write(b"0\r\n\r\n")
            elif how == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._await_client()
                stream.clock.fell_silent(max(SILENCE_S - (self._now - last_byte_at).total_seconds(), 0.0))

        def _await_client(self) -> None:
            """Wait until the client leaves."""
            try:
                while self.connection.recv(1024):
                    pass
            except OSError:
                return

        def _refuse(self, attempt: Attempt, step: Refuse) -> None:
            attempt.status, attempt.limit_s = step.status, step.reset_in_s
            if step.status is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            headers = {}
            if step.reset_in_s is not None:
                headers["x-rate-limit-reset"] = str(int(stream.clock.time.timestamp() + step.reset_in_s))
            self._answer(step.status, {"title": "Error", "detail": f"simulated {step.status}"}, headers)

    return Handler


class _Server(ThreadingHTTPServer):
    """Server whose clients may leave at any time."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  (socketserver's)
        """Report errors, but not that a client has left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serve_stream(
    steps: Iterable[Step],
    *,
    clock: StreamClock,
    token: str,
    until: datetime | None = None,
    finished: Callable[[], object] = lambda: None,
    port: int = 0,
) -> Iterator[SimulatedStream]:
    """Serve a script on 127.0.0.1 until the context ends; `address` of the result is that of the API.

    The script goes on from connection to connection and ends after its last step, or at the time `until`. Then
    `finished` is called once, and the connection stays open and silent until the client leaves. Raises OSError for a
    port in use.
    """
    stream = SimulatedStream(token, clock, iter(steps), finished, until)
    server = _Server(("127.0.0.1", port), _handler_of(stream))
    stream.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True, name="simulated stream")
    thread.start()
    try:
        yield stream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
