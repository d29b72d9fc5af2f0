"""Work that a thread does beside the caller: hashing, writing to the disk, and reading of the next item ahead."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from concurrent.futures import Future

INLINE_BYTES = 2 * 1024 * 1024
"""Bytes that are hashed by the caller before a thread is started: most files have no more."""

SYNCED_BYTES = 64 * 1024 * 1024
"""Bytes of a file after which they begin to be written to the disk."""

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


class EarlySync:
    """Writes the bytes of a file to the disk while more of them come, so that the last sync has little left to do."""

    def __init__(self, descriptor: int, *, every_bytes: int = SYNCED_BYTES) -> None:
        self._descriptor = descriptor
        self._every_bytes = every_bytes
        self._waiting = 0
        self._thread: ThreadPoolExecutor | None = None
        self._running: Future[None] | None = None

    def wrote(self, size: int) -> None:
        """Count bytes that were written; begin to bring them to the disk once there are enough.

        Raises OSError where the disk refused earlier ones: the system reports that once, not to the last sync.
        """
        self._waiting += size
        if self._waiting < self._every_bytes or (self._running is not None and not self._running.done()):
            return
        self.finish()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "sync")
        self._waiting = 0
        self._running = self._thread.submit(os.fdatasync, self._descriptor)

    def finish(self) -> None:
        """Wait for the disk. Raises OSError where it refused bytes."""
        if self._running is not None:
            self._running.result()
            self._running = None

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()


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
