"""Client of the filtered stream: the rule, and one connection at a time whose bytes are handed on as they arrive.

tweepy's `StreamingClient` prepares the requests. Its loop of connections is not used: it connects again without a wait
after the end of a stream, lets one kind of fault lengthen the waits of another, and stops silently on errors of its
user's code.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from tweepy import StreamingClient, StreamRule

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.lines import LONGEST_LINE_BYTES
from ons_bigdata.platform.printable import escape_unprintable

if TYPE_CHECKING:
    from ons_bigdata.tweets.sources.stream.timing import Clock, Reason, StreamTiming

PLATFORM_URL = "https://api.twitter.com"

RULE = StreamRule(value="place_country:GB has:geo", tag="ons_bigdata")
"""Rule of the stream: posts with a place in the United Kingdom."""

FIELDS = {
    "expansions": ["geo.place_id"],
    "tweet_fields": ["created_at", "geo", "author_id", "lang", "source"],
    "place_fields": ["country_code", "place_type", "geo"],
}
"""Fields that are asked for, and no more."""

PERMANENT = (400, 401, 402, 403, 404)
"""HTTP errors that a later attempt does not mend: they end the collection."""
RATE_LIMITS = (420, 429)
_NO_RULES = 409
_LONGEST_DETAIL = 200
_PIECE_BYTES = 64 * 1024
_PIECES_AFTER_STOP = 64
"""Most pieces that are read after a stop: they had arrived, but a stream that goes on must not delay the end."""
_RATE_WINDOW_S = 900.0


@dataclass(frozen=True)
class Ending:
    """Why a connection or an attempt ended."""

    reason: Reason
    detail: str | None = None
    """HTTP status, or the platform's title of the problem."""
    least_wait_s: float = 0.0
    """Wait that the platform demands."""
    half_line_bytes: int = 0
    """Bytes of a line whose end did not come."""


class Receiver(Protocol):
    """Recipient of what a connection brings."""

    def connected(self) -> None:
        """Begin a connection: the platform has answered with 200."""

    def received(self, data: bytes) -> None:
        """Keep bytes, before anything else is done with them."""

    def post_arrived(self) -> None:
        """Count a post, all bytes of which have been kept."""


class AttemptFailedError(Exception):
    """An attempt to connect failed and may be repeated."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.reason)
        self.ending = ending


class _Post(msgspec.Struct, gc=False):
    id: str | None = None


class _Problem(msgspec.Struct, gc=False):
    title: str | None = None
    disconnect_type: str | None = None
    detail: str | None = None


class _StreamLine(msgspec.Struct, gc=False):
    """Parts of a line that tell posts from messages of the platform, of which some are single problems."""

    data: _Post | None = None
    errors: list[_Problem] | None = None
    title: str | None = None
    connection_issue: str | None = None


_decode = msgspec.json.Decoder(_StreamLine).decode


class FilteredStream(StreamingClient):
    """Connections to the filtered stream at an address, each made by `attempt`.

    Raises InputError for an address to which the token must not be sent: one that is neither https nor loopback.
    """

    def __init__(self, token: str, *, url: str, timing: StreamTiming, clock: Clock, receiver: Receiver) -> None:
        super().__init__(token)
        self._url = checked_url(url)
        self._timing, self._clock, self._receiver = timing, clock, receiver
        self._has_rule = False
        self._ending: Ending | None = None
        self._response: requests.Response | None = None
        self._is_stopped = False
        self.session.trust_env = False  # a .netrc would replace the token, a proxy would see it
        self.session.headers["Accept-Encoding"] = "identity"  # a packed stream holds lines back

    def __repr__(self) -> str:
        """Name the address, never the token."""
        return f"FilteredStream({self._url!r})"

    def attempt(self) -> Ending:
        """Connect once, hand on what arrives, and return why it ended.

        Raises InputError where the platform refuses for good, and whatever the receiver raises.
        """
        self._ending = None
        try:
            if not self._has_rule:
                self._ensure_rule()
                self._has_rule = True
            self.filter(**FIELDS)
        except AttemptFailedError as failed:
            self._has_rule = self._has_rule and failed.ending.detail != f"HTTP {_NO_RULES}"
            return failed.ending
        finally:
            self.session.close()  # a connection that the platform is about to close must not serve the next attempt
        if self._ending is None:
            raise RuntimeError("the connection ended without a reason")
        return self._ending

    def stop(self) -> None:
        """End the present connection; for another thread."""
        self._is_stopped = True
        self.disconnect()
        response = self._response
        if response is not None:
            try:
                descriptor = os.dup(response.raw.fileno())
            except OSError:  # it has just ended
                return
            # not by the socket of the response: under TLS, what it reads after that is not decrypted
            with socket.socket(fileno=descriptor) as connection, suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    # --- rule -------------------------------------------------------------------------------------------

    def _ensure_rule(self) -> None:
        """Add the rule unless it is there. Raises InputError where there are others, whose posts would come, too."""
        present = self.get_rules().data or []
        others = [rule for rule in present if rule.value != RULE.value]
        if others:
            raise InputError(
                f"the stream of this token has {len(others)} rules besides {RULE.value!r}, and their posts would be"
                " collected, too: delete them, or use the token of another app"
            )
        if not present:
            answer = self.add_rules(RULE)
            if answer.errors:
                raise InputError(f"the platform refused the rule {RULE.value!r}: {answer.errors[0].get('title')}")

    def request(
        self,
        method: str,
        route: str,
        params: Any = None,  # noqa: ANN401  (the signature is tweepy's)
        json: Any = None,  # noqa: ANN401
        user_auth: bool = False,
    ) -> requests.Response:
        """Send a request about rules. In place of tweepy's, which has a fixed address and logs the token."""
        del user_auth
        with self._send(method, f"{self._url}{route}", params=params, json=json) as response:
            _ = response.content
            if not response.ok:
                raise AttemptFailedError(self._refusal(response))
        return response

    # --- stream -----------------------------------------------------------------------------------------

    def _connect(self, method: str, endpoint: str, **kwargs: Any) -> None:  # noqa: ANN401  (tweepy's)
        """Make one connection and read it to its end. In place of tweepy's loop."""
        self.running = True
        url = f"{self._url}/2/tweets/{endpoint}/stream"
        try:
            with self._send(method, url, params=kwargs.get("params"), stream=True) as response:
                if response.status_code != 200:
                    raise AttemptFailedError(self._refusal(response))
                self._response = response
                self._receiver.connected()
                self._ending = self._read(response)
        finally:
            self._response = None
            self.running = False

    def _read(self, response: requests.Response) -> Ending:
        """Read a connection to its end."""
        tail = _Tail()
        reason: Reason = "closed"
        left = _PIECES_AFTER_STOP
        while left:
            left -= self._is_stopped
            try:
                data = response.raw.read1(_PIECE_BYTES, decode_content=True)
            except urllib3.exceptions.ReadTimeoutError:
                reason = "stalled"
                break
            except (urllib3.exceptions.HTTPError, OSError):
                reason = "dropped"
                break
            if not data:
                break
            self._receiver.received(data)
            for line in tail.lines(data):
                self.on_data(line)
            if self._ending is not None:  # a message of the platform that ends the stream
                return Ending(self._ending.reason, self._ending.detail, 0.0, tail.size)
        return Ending("stopped" if self._is_stopped else reason, None, 0.0, tail.size)

    def on_data(self, raw_data: bytes) -> None:
        """Count a post, or note a message that ends the stream; the bytes of the line have been kept."""
        try:
            line = _decode(raw_data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # it is kept; the reader of the rolled file gives the reason
        if line.data is not None:
            self._receiver.post_arrived()
            return
        problem = line.errors[0] if line.errors else _Problem(line.title)
        title = problem.title or ""
        if line.connection_issue is not None or title in ("ConnectionException", "TooManyConnections"):
            self._ending = Ending("too_many_connections", _short(line.connection_issue or title))
        elif line.errors or title:
            self._ending = Ending("platform_disconnect", _short(problem.disconnect_type or title))

    # --- both -------------------------------------------------------------------------------------------

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:  # noqa: ANN401
        try:
            return self.session.request(
                method,
                url,
                headers={"Authorization": f"Bearer {self.bearer_token}", "User-Agent": self.user_agent},
                timeout=(self._timing.connect_s, self._timing.silence_s),
                allow_redirects=False,
                **options,
            )
        except requests.RequestException as error:
            # the text of the error has the address and is long; its kind is enough
            raise AttemptFailedError(Ending("unreachable", type(error).__name__)) from None

    def _refusal(self, response: requests.Response) -> Ending:
        """Ending of a request that was answered with an error. Raises InputError for a permanent one."""
        status = response.status_code
        if status in PERMANENT:
            raise InputError(f"the platform refuses with HTTP {status}: {self._problem(response)}")
        if status in RATE_LIMITS:
            return Ending("rate_limited", f"HTTP {status}", self._seconds_to_reset(response))
        return Ending("http_error", f"HTTP {status}")

    def _problem(self, response: requests.Response) -> str:
        """Text of the platform about a problem, without the token."""
        try:
            found = response.json()
            text = " ".join(str(found[name]) for name in ("title", "detail") if name in found)
        except (ValueError, TypeError, requests.RequestException, urllib3.exceptions.HTTPError):
            text = ""
        return _short(text.replace(self.bearer_token, "(token)")) or "no reason given"

    def _seconds_to_reset(self, response: requests.Response) -> float:
        """Seconds until the platform counts connections anew; 0 where it does not say."""
        reset = response.headers.get("x-rate-limit-reset", "")
        if not reset.isdecimal():
            return 0.0
        return min(max(int(reset) - self._clock.now().timestamp(), 0.0), _RATE_WINDOW_S)


class _Tail:
    """The end of the bytes received so far that is no whole line yet."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipped = 0
        """Bytes of a line that is too long, of which no more is kept here."""

    @property
    def size(self) -> int:
        """Bytes of the line whose end has not come."""
        return self._skipped + len(self._rest)

    def lines(self, data: bytes) -> list[bytes]:
        """Lines that end in `data`, without line ends and keep-alives."""
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = b"" if self._skipped else self._rest + whole[0]
            self._rest, self._skipped = rest, 0
        elif self._skipped:
            self._skipped += len(rest)
        else:
            self._rest += rest
        if len(self._rest) > LONGEST_LINE_BYTES:
            self._rest, self._skipped = b"", len(self._rest)
        return [line for line in (one.removesuffix(b"\r") for one in whole) if line]


def checked_url(url: str) -> str:
    """Return the address of a stream without a slash at its end.

    Raises InputError unless it is https, or http of this machine: the token would be readable on the way.
    """
    parts = urlsplit(url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
    if not is_safe or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InputError(f"--url {url!r}: expected https://…, or http:// with a loopback address")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """True if an address is one of this machine, where only a simulated stream is served."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _short(text: str) -> str:
    return escape_unprintable(text)[:_LONGEST_DETAIL].strip()
