"""Spool of a stream: the received bytes, unchanged, in numbered segments that are on the disk before they are parsed.

A segment holds bytes of one connection. It ends with the connection, or between two lines once it is old enough; a
line that was cut short can only be at the end of the last segment of a connection.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.state_folder import make_private_folder, open_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OPEN, _CLOSED = ".open", ".raw"
_TIME = "%Y%m%dT%H%M%S%fZ"
_SEGMENT = re.compile(r"([0-9]{9})_([0-9]{8}T[0-9]{12}Z)\.(open|raw)")
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Segment:
    """Received bytes of one connection, in the order of their numbers."""

    number: int
    started_at: datetime
    path: Path

    def lines(self) -> Iterator[bytes]:
        """Whole lines without their ends; keep-alives are empty ones. A line without its end is left out."""
        rest = b""
        with self.path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                *whole, rest = (rest + data).split(b"\n")
                yield from (line.removesuffix(b"\r") for line in whole)

    def half_line_bytes(self) -> int:
        """Bytes after the last line end."""
        rest = 0
        with self.path.open("rb") as file:
            while data := file.read(_READ_BYTES):
                end = data.rfind(b"\n")
                rest = rest + len(data) if end < 0 else len(data) - end - 1
        return rest


class Spool:
    """Folder of segments. Written by one thread; `flush` and `closed` may be called from another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._is_dirty = False
        self._last = 0

    def open(self, *, last_rolled: int) -> Segment | None:
        """Open the folder for writing: close the segment that a killed collector left open, and return it."""
        make_private_folder(self.folder)
        left = None
        for segment in self._segments():
            if segment.path.suffix == _OPEN:
                left = Segment(segment.number, segment.started_at, _closed(segment.path))
            self._last = max(self._last, segment.number)
        self._last = max(self._last, last_rolled)
        return left

    def begin(self, now: datetime) -> None:
        """Begin the segment of a new connection."""
        with self._lock:
            self._begin(now)

    def write(self, data: bytes, now: datetime, *, split: bool) -> bool:
        """Append received bytes. With `split`, go on in a new segment after the last line end, if `data` has one.

        Return True if a segment was closed. Raises InputError where the bytes cannot be written.
        """
        with self._lock:
            end = data.rfind(b"\n") + 1
            if not split or not end:
                self._append(data)
                return False
            self._append(data[:end])
            self._close()
            self._begin(now)
            self._append(data[end:])
            return True

    def end(self) -> None:
        """Close the segment of a connection that has ended; nothing where there is none."""
        with self._lock:
            self._close()

    def flush(self) -> None:
        """Write what was received to the disk; the lock is free meanwhile."""
        with self._lock:
            if self._file is None or not self._is_dirty:
                return
            self._is_dirty = False
            copy = os.dup(self._file)
        try:
            os.fsync(copy)
        finally:
            os.close(copy)

    def closed(self) -> list[Segment]:
        """Closed segments, by number."""
        return [segment for segment in self._segments() if segment.path.suffix == _CLOSED]

    def _segments(self) -> list[Segment]:
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            match = _SEGMENT.fullmatch(path.name)
            if match is not None:
                started = datetime.strptime(match[2], _TIME).replace(tzinfo=UTC)
                found.append(Segment(int(match[1]), started, path))
        return sorted(found, key=lambda segment: segment.number)

    def _begin(self, now: datetime) -> None:
        if self._file is not None:
            raise RuntimeError("the segment of the last connection is open")
        self._last += 1
        self._path = self.folder / f"{self._last:09d}_{now.strftime(_TIME)}{_OPEN}"
        self._file = open_private(str(self._path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)

    def _append(self, data: bytes) -> None:
        if self._file is None or self._path is None:
            raise RuntimeError("bytes without a connection")
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror}") from error
        self._is_dirty = True

    def _close(self) -> None:
        if self._file is None or self._path is None:
            return
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)
            self._file = None
        _closed(self._path)


def _closed(path: Path) -> Path:
    """Rename an open segment to a closed one, durably; an empty one is deleted by who rolls it."""
    closed = path.with_suffix(_CLOSED)
    path.rename(closed)
    sync_folder(path.parent)
    return closed


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
