"""Locks of the folders of a stream, and the request to close its segment: for all processes that work on a spool.

A module of its own, since compliance needs no library of the stream.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import UnavailableError
from ons_bigdata.platform.state_folder import make_private_folder, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLLECTOR_LOCK, ROLL_LOCK = "collector.lock", "roll.lock"

CLOSE_REQUEST = "close_segment"
"""File by which another process asks a collector to close its open segment; the collector deletes it."""


@contextmanager
def only_collector(folder: Path) -> Iterator[None]:
    """Lock the spool of a stream for a block. Raises UnavailableError where another process has it."""
    with _opened(folder, COLLECTOR_LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnavailableError(f"another collector of {folder} runs; `status` shows it") from error
        yield


@contextmanager
def only_roll(folder: Path) -> Iterator[None]:
    """Lock the rolling of the stream of one origin for a block; waits while another process or thread has it."""
    with _opened(folder, ROLL_LOCK) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[int]:
    lock = open_private(str(make_private_folder(folder) / name), os.O_RDWR | os.O_CREAT)
    try:
        yield lock
    finally:
        os.close(lock)
