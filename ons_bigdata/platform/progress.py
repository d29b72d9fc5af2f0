"""Progress of long work, reported to a listener (the command line draws bars; the UI has its logs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True)
class Progress:
    """How far a task is."""

    task: str
    done: int
    total: int | None
    """Total number of units of work; None where unknown."""
    current: str | None = None
    """What is being done now."""
    upcoming: str | None = None
    """What comes next."""


LARGE_FILE_BYTES = 50_000_000
"""Size above which the work on a single file reports its bytes."""

_MEGABYTE = 1_000_000

Listener = Callable[[Progress], None]

_Item = TypeVar("_Item")
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send all progress of the work within the block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(task: str, done: int, total: int | None, *, current: str | None = None, upcoming: str | None = None) -> None:
    """Report how far a task is."""
    listener = _listener.get()
    if listener is not None:
        listener(Progress(task, done, total, current, upcoming))


def report_bytes(task: str, done: int, total: int | None) -> None:
    """Report how many bytes of a file are done, in whole megabytes."""
    report(f"{task}, MB", done // _MEGABYTE, None if total is None else total // _MEGABYTE)


def track(task: str, items: Iterable[_Item], total: int | None = None) -> Iterator[_Item]:
    """Yield the items and report after each how many are done; the last report has this number as the total."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    report(task, 0, total)
    done = 0
    for item in items:
        yield item
        done += 1
        report(task, done, total)
    if done != total:
        report(task, done, done)
