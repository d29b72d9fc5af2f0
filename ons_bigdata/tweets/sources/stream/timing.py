"""Clock and periods of the collector, and the waits that the protocol of the stream demands between connections.

Source: documentation of the platform's API v2, filtered stream, "Handling disconnections".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import threading

Reason = Literal[
    "closed",
    "dropped",
    "stalled",
    "unreachable",
    "http_error",
    "platform_disconnect",
    "rate_limited",
    "too_many_connections",
    "stopped",
    "killed",
]
"""Why there is no connection; docs/tweets/collection/stream.md describes each."""

Fault = Literal["network", "http", "rate"]
"""Kinds of faults, each with waits of its own."""

FAULTS: dict[Reason, Fault] = {
    "closed": "network",
    "dropped": "network",
    "stalled": "network",
    "unreachable": "network",
    "http_error": "http",
    "platform_disconnect": "http",
    "rate_limited": "rate",
    "too_many_connections": "rate",
}
"""Kind of fault of each reason after which the collector connects again."""


class Clock(Protocol):
    """Time by which the collector waits and dates what it records."""

    def now(self) -> datetime:
        """Time in UTC."""

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait; return earlier where `stop` is set."""


class SystemClock:
    """Clock of this machine."""

    def now(self) -> datetime:
        """Time in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait; return earlier where `stop` is set."""
        stop.wait(seconds)


@dataclass(frozen=True)
class StreamTiming:
    """Periods of the collector, in seconds; the defaults are those of the protocol."""

    silence_s: float = 21.0
    """Silence after which a connection counts as stalled; the platform sends a keep-alive every 20 seconds."""
    connect_s: float = 10.0
    """Most time to open a connection."""
    network_step_s: float = 0.25
    """First wait after a network fault or an end of the stream, and the amount by which it grows."""
    network_most_s: float = 16.0
    http_first_s: float = 5.0
    """First wait after an HTTP error, which then doubles."""
    http_most_s: float = 320.0
    rate_first_s: float = 60.0
    """First wait after a refusal for too many connections, which then doubles."""
    rate_most_s: float = 960.0
    """Longest such wait; connections are counted over 900 seconds."""
    flush_s: float = 1.0
    """Period at which received bytes are written to the disk and the health file is renewed."""
    roll_s: float = 300.0
    """Period after which received lines are rolled into landing."""


@dataclass
class Backoff:
    """Waits before the next connection. Each kind of fault has a count of its own."""

    timing: StreamTiming
    _counts: dict[Fault, int] = field(default_factory=dict)

    def wait_s(self, reason: Reason) -> float:
        """Seconds to wait after a connection or an attempt that ended for a reason; counts it."""
        fault = FAULTS[reason]
        count = self._counts[fault] = self._counts.get(fault, 0) + 1
        timing = self.timing
        if fault == "network":
            return min(timing.network_step_s * count, timing.network_most_s)
        first, most = (
            (timing.http_first_s, timing.http_most_s) if fault == "http" else (timing.rate_first_s, timing.rate_most_s)
        )
        return min(first * 2.0 ** min(count - 1, 30), most)

    def reset(self) -> None:
        """Begin anew, once a connection has delivered something: a response of 200 alone is no working connection."""
        self._counts.clear()
