"""Clocks of a simulated stream: one that only a script and its client advance, one that runs faster than time."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import Protocol

_MOST_REAL_S = 2.0


class StreamClock(Protocol):
    """Time of a simulated stream."""

    @property
    def time(self) -> datetime:
        """Time in UTC."""

    def sent(self) -> None:
        """Note that bytes are about to be sent."""

    def pause(self, seconds: float) -> datetime:
        """Advance the time before the next bytes; return it."""

    def fell_silent(self, seconds: float) -> None:
        """Note that a client has left a connection that was silent for so long."""


class ScriptClock:
    """Time that server and client share and that passes only while one of them waits: nothing depends on the machine.

    The server waits by `pause`, while there is a connection; the client by `wait`, while there is none. A pause begins,
    and further bytes are sent, once the client has read the clock after the latest bytes, by which it dates them.
    """

    def __init__(self, start: datetime) -> None:
        self._time = start
        self._changed = threading.Condition()
        self._is_read = True

    @property
    def time(self) -> datetime:
        """Time in UTC, for the server."""
        with self._changed:
            return self._time

    def now(self) -> datetime:
        """Time in UTC, for the client."""
        with self._changed:
            self._is_read = True
            self._changed.notify_all()
            return self._time

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Advance the time by a wait of the client."""
        if not stop.is_set():
            self.advance(seconds)

    def sent(self) -> None:
        """Note that bytes are about to be sent, once the client has dated those before them."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_read, _MOST_REAL_S)
            self._is_read = False

    def pause(self, seconds: float) -> datetime:
        """Advance the time, once the client has dated what was sent; return it."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_read, _MOST_REAL_S)
            self._time += timedelta(seconds=seconds)
            return self._time

    def fell_silent(self, seconds: float) -> None:
        """Advance the time by that which the client waited in vain."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Advance the time."""
        with self._changed:
            self._time += timedelta(seconds=seconds)


class PacedClock:
    """Time that runs `speed` times as fast as that of this machine."""

    def __init__(self, start: datetime, *, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed {speed}; expected a positive number")
        self._start, self._speed, self._begun = start, speed, time.monotonic()

    @property
    def time(self) -> datetime:
        """Time in UTC."""
        return self._start + timedelta(seconds=(time.monotonic() - self._begun) * self._speed)

    def sent(self) -> None:
        """Do nothing: time passes anyway."""

    def pause(self, seconds: float) -> datetime:
        """Sleep for the compressed time; return the time then."""
        time.sleep(seconds / self._speed)
        return self.time

    def fell_silent(self, seconds: float) -> None:
        """Do nothing: the time has passed."""
