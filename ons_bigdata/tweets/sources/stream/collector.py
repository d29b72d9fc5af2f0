"""Collector of the filtered stream: keeps a connection, spools what arrives, records gaps, rolls files into landing."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from ons_bigdata.platform.errors import find_unavailable
from ons_bigdata.platform.state_folder import make_private_folder
from ons_bigdata.tweets.sources.stream.client import Ending, FilteredStream, is_loopback
from ons_bigdata.tweets.sources.stream.health import Health, present_process, read_health, write_health
from ons_bigdata.tweets.sources.stream.journal import Connected, Journal, Started, disconnected_since
from ons_bigdata.tweets.sources.stream.locks import CLOSE_REQUEST, only_collector
from ons_bigdata.tweets.sources.stream.rolling import RollCounts, Rolling
from ons_bigdata.tweets.sources.stream.spool import Spool
from ons_bigdata.tweets.sources.stream.timing import Backoff, StreamTiming, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ons_bigdata.platform.pseudonyms import PseudonymKey
    from ons_bigdata.tweets.sources.stream.rolling import LandPaths
    from ons_bigdata.tweets.sources.stream.timing import Clock

_RETRY_ROLL_S = 30.0
"""Seconds after which a roll is repeated that found no database."""


@dataclass(frozen=True)
class StreamAccess:
    """Address of a stream, and what permits to collect it."""

    url: str
    token: str = field(repr=False)
    legal_basis: str

    @property
    def origin(self) -> Literal["real", "simulated"]:
        """Origin of the posts: a stream on this machine is simulated."""
        return "simulated" if is_loopback(self.url) else "real"


@dataclass(frozen=True)
class CollectorSummary:
    """Outcome of a collection."""

    data_origin: str
    connections: int
    failed_attempts: int
    posts: int
    """Posts received, repeated ones included."""
    rolled: RollCounts


class Collector:
    """Collects until `stop` is called or a number of posts has come, in the thread that calls `run`.

    `posts` is that number, repeated posts included; None for no end. `folder` is the spool of the stream. `land`
    lands rolled files; it is called in another thread, and where it raises UnavailableError, again later. `key` makes
    the pseudonyms by which repeated posts are recognised. `report` is told of connections and gaps.
    """

    def __init__(
        self,
        folder: Path,
        access: StreamAccess,
        *,
        land: LandPaths,
        key: PseudonymKey,
        timing: StreamTiming | None = None,
        clock: Clock | None = None,
        posts: int | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        if posts is not None and posts < 1:
            raise ValueError(f"posts is {posts}; expected at least 1")
        self._posts = posts
        self._access, self._report = access, report
        self._timing, self._clock = timing or StreamTiming(), clock or SystemClock()
        self._spool_folder = folder
        self._folder = folder / access.origin
        self._spool = Spool(self._folder / "segments")
        self._journal = Journal(self._folder / "connections.jsonl")
        self._rolling = Rolling(self._folder, self._spool, self._journal, origin=access.origin, land=land, key=key)
        self._client = FilteredStream(
            access.token, url=access.url, timing=self._timing, clock=self._clock, receiver=self
        )
        self._backoff = Backoff(self._timing)
        self._stop = threading.Event()
        self._roll_now = threading.Event()
        self._failure: BaseException | None = None
        self._rolled = RollCounts()
        self._failed_attempts = 0
        self._is_connected = self._has_delivered = self._is_close_asked = False
        self._without_connection_since: datetime | None = None

    def run(self) -> CollectorSummary:
        """Collect until `stop`, or until so many posts have come.

        Raises UnavailableError where another collector of this folder runs, and where the last roll finds no
        database (nothing is lost: the next start rolls it); InputError where the platform refuses for good.
        """
        with only_collector(self._spool_folder):
            self._begin()
            threads = [
                threading.Thread(target=self._guarded, args=(work,), name=name)
                for name, work in (("stream flush", self._keep_flushing), ("stream roll", self._keep_rolling))
            ]
            for thread in threads:
                thread.start()
            try:
                self._collect()
            finally:
                self._stop.set()
                self._roll_now.set()
                for thread in threads:
                    thread.join()
                self._end()
            if self._failure is not None:
                raise self._failure
            self._roll()
        health = self._health
        return CollectorSummary(
            self._access.origin, health.connections, self._failed_attempts, health.posts, self._rolled
        )

    def stop(self) -> None:
        """End the collection; for another thread, not for a signal handler, which may hold the lock that this needs."""
        self._stop.set()
        self._client.stop()

    # --- what the client calls ------------------------------------------------------------------------

    def connected(self) -> None:
        """Enter a new connection and begin its segment."""
        now = self._clock.now()
        self._journal.append(Connected(now))
        self._spool.begin(now)
        self._is_connected, self._has_delivered = True, False
        health = self._health
        health.state, health.since, health.reason, health.next_attempt_at = "connected", now, None, None
        health.connections += 1
        gap = self._without_connection_since
        after = "" if gap is None else f" after {(now - gap).total_seconds():,.1f} s without connection"
        self._report(f"{now:%Y-%m-%d %H:%M:%S} connected{after}")

    def received(self, data: bytes) -> None:
        """Keep received bytes."""
        now = self._clock.now()
        if self._spool.write(data, now, split=self._is_roll_due(now)):
            self._begin_roll(now)
        if not self._has_delivered:
            self._has_delivered = True
            self._backoff.reset()
        self._health.last_byte_at = now

    def post_arrived(self) -> None:
        """Count a post; end the collection with the last one wanted. What came with it is kept, too."""
        self._health.posts += 1
        self._health.last_post_at = self._health.last_byte_at
        if self._health.posts == self._posts:
            self.stop()

    # --- connections ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Complete what a killed collector left, and begin."""
        make_private_folder(self._folder)
        before = read_health(self._folder / "health.json")
        left = self._spool.open(last_rolled=self._rolling.record().last_segment)
        self._journal.mend()
        now = self._clock.now()
        events = self._journal.events()
        last = next((event for event in reversed(events) if not isinstance(event, Started)), None)
        if isinstance(last, Connected):
            # the health file was renewed every second, as long as the process was there
            seen = before.at if before is not None and before.state == "connected" else last.at
            half_line = 0 if left is None else left.half_line_bytes()
            self._journal.disconnect(max(last.at, min(seen, now)), Ending("killed", None, 0.0, half_line))
        self._without_connection_since = disconnected_since(self._journal.events())
        self._journal.append(Started(now))
        self._rolled_at = now
        pid, process_started = present_process()
        self._health = Health(
            url=self._access.url,
            legal_basis=self._access.legal_basis,
            pid=pid,
            process_started=process_started,
            state="waiting",
            since=now,
            at=now,
            last_byte_at=None if before is None else before.last_byte_at,
            last_post_at=None if before is None else before.last_post_at,
        )
        self._write_health()
        self._begin_roll(now)

    def _collect(self) -> None:
        while not self._stop.is_set():
            ending = self._attempt()
            if self._stop.is_set():
                return
            wait_s = max(self._backoff.wait_s(ending.reason), ending.least_wait_s)
            now = self._clock.now()
            cause = ending.reason if ending.detail is None else f"{ending.reason}, {ending.detail}"
            health = self._health
            health.state, health.since, health.reason = "waiting", now, cause
            health.next_attempt_at = now + timedelta(seconds=wait_s)
            self._report(f"{now:%Y-%m-%d %H:%M:%S} no connection: {cause}; next attempt in {wait_s:g} s")
            self._clock.wait(wait_s, self._stop)

    def _attempt(self) -> Ending:
        """Connect once, and enter how it ended."""
        try:
            ending = self._client.attempt()
        except BaseException:
            self._leave(Ending("stopped"))
            raise
        if self._is_connected:
            self._leave(ending)
        elif not self._stop.is_set():
            now = self._clock.now()
            self._failed_attempts += 1
            self._journal.fail(now, ending)
            if self._without_connection_since is None:
                self._without_connection_since = now
        return ending

    def _leave(self, ending: Ending) -> None:
        """Enter the end of the present connection, if there is one."""
        if not self._is_connected:
            return
        self._is_connected = False
        self._spool.end()
        now = self._clock.now()
        # a connection that has fallen silent was there when the last byte came; whether later, nobody knows
        since = self._health.since if self._health.last_byte_at is None else self._health.last_byte_at
        lasted_to = max(since, self._health.since) if ending.reason == "stalled" else now
        self._journal.disconnect(lasted_to, ending)
        self._without_connection_since = lasted_to
        if self._is_roll_due(now):
            self._begin_roll(now)

    def _end(self) -> None:
        now = self._clock.now()
        health = self._health
        health.state, health.since, health.next_attempt_at = "ended", now, None
        self._write_health()

    # --- threads ----------------------------------------------------------------------------------------

    def _guarded(self, work: Callable[[], None]) -> None:
        """Run the work of a thread; its failure ends the collection and is raised there."""
        try:
            work()
        except BaseException as error:  # raised again by `run`
            self._failure = error
            self.stop()

    def _keep_flushing(self) -> None:
        while not self._stop.wait(self._timing.flush_s):
            self._spool.flush()
            self._write_health()
            request = self._folder / CLOSE_REQUEST
            if request.exists():
                request.unlink(missing_ok=True)
                self._is_close_asked = True

    def _keep_rolling(self) -> None:
        timeout: float | None = None
        while True:
            self._roll_now.wait(timeout)
            if self._stop.is_set():
                return
            self._roll_now.clear()
            try:
                self._roll()
                timeout = None
            except Exception as error:
                unavailable = find_unavailable(error)
                if unavailable is None:
                    raise
                self._report(f"landing waits: {unavailable}")
                timeout = _RETRY_ROLL_S

    def _is_roll_due(self, now: datetime) -> bool:
        return self._is_close_asked or (now - self._rolled_at).total_seconds() >= self._timing.roll_s

    def _begin_roll(self, now: datetime) -> None:
        self._is_close_asked = False
        self._rolled_at = now
        self._roll_now.set()

    def _roll(self) -> None:
        self._rolled = self._rolled.plus(self._rolling.roll())

    # --- health -----------------------------------------------------------------------------------------

    def _write_health(self) -> None:
        health = self._health
        health.at = self._clock.now()
        write_health(self._folder / "health.json", health)
