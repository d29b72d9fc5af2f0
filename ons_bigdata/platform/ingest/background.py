"""Work that a thread does beside the caller: hashing of bytes, and reading of the next item ahead."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import Future

INLINE_BYTES = 2 * 1024 * 1024
"""Bytes that are hashed by the caller before a thread is started: most files have no more."""

Item = TypeVar("Item")


class BackgroundHash:
    """SHA-256 of chunks of bytes; of a large file, a chunk is hashed while the caller works on the next one."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._size = 0
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def update(self, chunk: bytes) -> None:
        """Add a chunk. It must not change afterwards."""
        self._size += len(chunk)
        if self._size <= INLINE_BYTES:
            self._digest.update(chunk)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "sha256")
        self._wait()
        self._running = self._thread.submit(self._digest.update, chunk)

    def hexdigest(self) -> str:
        """Return the hash of all chunks so far, in hex digits."""
        self._wait()
        return self._digest.hexdigest()

    def close(self) -> None:
        """End the thread."""
        self._wait()
        if self._thread is not None:
            self._thread.shutdown()

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()
            self._running = None


def read_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Items of an iterator, each taken by a thread while the caller works on the one before.

    Exceptions of the iterator are raised here. At most two items exist at a time. After `close`, which a caller calls
    that does not take all items, the iterator is not used any more.
    """
    end = object()
    with ThreadPoolExecutor(1, "read-ahead") as thread:  # which is waited for at the end
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield cast("Item", item)
