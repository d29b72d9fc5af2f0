"""Progress of long work, told to whoever listens (the command line draws bars; the UI has its logs)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Listener = Callable[[str, int, int | None], None]
"""(what is being done, how much of it is done, of how much or None)."""

_Item = TypeVar("_Item")
_listener: ContextVar[Listener | None] = ContextVar("progress_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell `listener` about all work that is done within the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(task: str, done: int, total: int | None) -> None:
    """Tell how far a task is."""
    listener = _listener.get()
    if listener is not None:
        listener(task, done, total)


def track(task: str, items: Iterable[_Item], total: int | None = None) -> Iterator[_Item]:
    """Yield the items and tell after each how many are done."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    report(task, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        report(task, done, total)
