"""Journal of a stream's connections, and the gaps between them: times without connection, with their reasons."""

from __future__ import annotations

import os
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.state_folder import open_private
from ons_bigdata.tweets.sources.stream.timing import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ons_bigdata.tweets.sources.stream.client import Ending


class Started(msgspec.Struct, tag_field="event", tag="started", frozen=True):
    """The collector began."""

    at: datetime


class Connected(msgspec.Struct, tag_field="event", tag="connected", frozen=True):
    """The platform answered with 200."""

    at: datetime


class Disconnected(msgspec.Struct, tag_field="event", tag="disconnected", frozen=True):
    """A connection ended. `at` is the last time at which it is known to have lasted."""

    at: datetime
    reason: Reason
    detail: str | None = None
    half_line_bytes: int = 0


class Failed(msgspec.Struct, tag_field="event", tag="failed", frozen=True):
    """An attempt to connect failed."""

    at: datetime
    reason: Reason
    detail: str | None = None


Event = Started | Connected | Disconnected | Failed


class Gap(msgspec.Struct, frozen=True):
    """A time without connection."""

    stream: str
    from_utc: datetime
    to_utc: datetime
    reason: Reason
    detail: str | None
    """HTTP status or title that the platform gave with the reason."""
    failed_attempts: int
    responses: str | None
    """Responses to failed attempts, in order, such as `HTTP 503 (3), HTTP 429`; None without any."""
    half_line_bytes: int
    """Bytes of a line that the end of the connection cut short; 0 where there is none."""


class Journal:
    """File of events, one JSON object a line, each on the disk before the next step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: Event) -> None:
        """Enter an event."""
        file = open_private(str(self.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(file, msgspec.json.encode(event) + b"\n")
            os.fsync(file)
        finally:
            os.close(file)

    def disconnect(self, at: datetime, ending: Ending) -> None:
        """Enter the end of a connection."""
        self.append(Disconnected(at, ending.reason, ending.detail, ending.half_line_bytes))

    def fail(self, at: datetime, ending: Ending) -> None:
        """Enter a failed attempt."""
        self.append(Failed(at, ending.reason, ending.detail))

    def mend(self) -> None:
        """Cut off an event that was not written whole, because the process or the machine was stopped."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(self.path, whole)

    def events(self) -> list[Event]:
        """All events in order. Raises InputError for a damaged journal."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]  # what follows the last line end is being written
        decoder = msgspec.json.Decoder(Event)
        events = []
        for number, line in enumerate(lines, 1):
            try:
                events.append(decoder.decode(line))
            except msgspec.DecodeError as error:
                raise InputError(f"{self.path}, line {number}: {error}; expected an event of a connection") from error
        return events


def gaps(events: Iterable[Event], *, stream: str) -> list[Gap]:
    """Return the times without connection that have ended, in order; further events only add to the list.

    The time before the first connection counts from the first start, if an attempt failed before it.
    """
    found: list[Gap] = []
    started: datetime | None = None
    ended: Disconnected | None = None
    failed: list[Failed] = []
    for event in events:
        match event:
            case Started():
                started = event.at if started is None else started
            case Disconnected():
                ended, failed = event, []
            case Failed():
                failed.append(event)
            case Connected():
                first = ended if ended is not None else (failed[0] if failed else None)
                if first is not None:
                    begun = ended.at if ended is not None else (started or first.at)
                    found.append(
                        Gap(
                            stream=stream,
                            from_utc=begun,
                            to_utc=event.at,
                            reason=first.reason,
                            detail=first.detail,
                            failed_attempts=len(failed),
                            responses=_runs(failed),
                            half_line_bytes=0 if ended is None else ended.half_line_bytes,
                        )
                    )
                ended, failed = None, []
    return found


def disconnected_since(events: Iterable[Event]) -> datetime | None:
    """Time since which there is no connection; None while there is one, and before the first event."""
    since: datetime | None = None
    for event in events:
        match event:
            case Connected():
                since = None
            case Disconnected():
                since = event.at
            case Failed():
                since = event.at if since is None else since
            case Started():
                pass
    return since


def _runs(failed: Iterable[Failed]) -> str | None:
    """Responses to attempts; equal ones in a row once, with their number."""
    runs = [(text, len(list(run))) for text, run in groupby(event.detail or event.reason for event in failed)]
    return ", ".join(text if count == 1 else f"{text} ({count})" for text, count in runs) or None
