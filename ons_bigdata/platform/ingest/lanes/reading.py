"""Reading of one file by several processes: its batches come in the order of the file, lines numbered through."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.landed_bytes import LandedFileError, open_part
from ons_bigdata.platform.ingest.lanes.messages import receive, send
from ons_bigdata.platform.ingest.lanes.stretches import find_stretches
from ons_bigdata.platform.ingest.lanes.worker import FAILED, LANDED, MEMORY, REFUSED

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future
    from pathlib import Path

    from ons_bigdata.platform.ingest.bulk import LineReader
    from ons_bigdata.platform.ingest.lanes.stretches import Stretch

_WORKER = "ons_bigdata.platform.ingest.lanes.worker"
_PIPE_BYTES = 1024 * 1024


class ReaderFailedError(Exception):
    """A reader that failed in a lane: `kind` is the class of its error."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class StampedFile:
    """A landed file, unpacked, with the stamp with which it was hashed."""

    path: Path
    name: str
    stamp: str
    size_bytes: int


class Lanes:
    """Processes that read stretches of files by the reader of a source. They are started by the first file."""

    def __init__(self, reader: LineReader, processes: int) -> None:
        self.reader = reader
        self._processes = processes
        self._lanes: list[_Lane] = []
        self._idle: SimpleQueue[_Lane] = SimpleQueue()
        self._threads = ThreadPoolExecutor(processes, "lane")

    def read(self, file: StampedFile) -> Generator[tuple[Batch, int]]:
        """Yield the batches of a file in order, each with the place in the file up to which it was read.

        At most one stretch more than there are processes is read ahead. Raises what reading in this process raises,
        ReaderFailedError where a reader failed otherwise, and UnavailableError where a process ended.
        """
        self._start()
        running: deque[tuple[Stretch, Future[tuple[list[Batch], int]]]] = deque()
        lines = 0
        with open_part(file.path, file.name, stamp=file.stamp, begin=0, end=file.size_bytes) as searched:
            stretches = find_stretches(searched, file.size_bytes, self.reader.stretch_bytes)
            try:
                while True:
                    while len(running) <= self._processes and (stretch := next(stretches, None)) is not None:
                        running.append((stretch, self._threads.submit(self._read_stretch, file, stretch)))
                    if not running:
                        return
                    stretch, result = running.popleft()
                    batches, count = result.result()
                    while batches:
                        # lines of all stretches but the first are numbered from 2
                        yield _moved(batches.pop(0), lines - 1 if lines else 0), stretch.end
                    lines += count
            finally:
                for _, future in running:
                    future.cancel()
                for _, future in running:
                    if not future.cancelled():
                        future.exception()  # the lane is idle then

    def close(self) -> None:
        """End the processes."""
        for lane in self._lanes:
            lane.kill()  # which ends the reading of its thread
        self._threads.shutdown(cancel_futures=True)
        for lane in self._lanes:
            lane.close()

    def _start(self) -> None:
        if not self._lanes:
            self._lanes = [_Lane() for _ in range(self._processes)]
            for lane in self._lanes:
                self._idle.put(lane)

    def _read_stretch(self, file: StampedFile, stretch: Stretch) -> tuple[list[Batch], int]:
        lane = self._idle.get()
        try:
            return lane.read(self.reader, file, stretch)
        finally:
            self._idle.put(lane)


def _started_process() -> subprocess.Popen[bytes]:
    """Start a process of a lane, in which polars has one thread: the lanes share the processors."""
    return subprocess.Popen(  # noqa: S603  (this interpreter and our module)
        [sys.executable, "-m", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )


class _Lane:
    """A process that reads one stretch after another."""

    def __init__(self) -> None:
        self._process = _started_process()
        if sys.platform == "linux":
            for pipe in (self._jobs, self._replies):
                with suppress(OSError):  # more than the system admits
                    fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def _jobs(self) -> IO[bytes]:
        assert self._process.stdin is not None  # noqa: S101  (it is a pipe)
        return self._process.stdin

    @property
    def _replies(self) -> IO[bytes]:
        assert self._process.stdout is not None  # noqa: S101  (it is a pipe)
        return self._process.stdout

    def read(self, reader: LineReader, file: StampedFile, stretch: Stretch) -> tuple[list[Batch], int]:
        """Return the batches of a stretch, all lines numbered from 1 or, after the first of the file, from 2."""
        job = {
            "reader": f"{reader.read_batches.__module__}:{reader.read_batches.__qualname__}",
            "secret": None if reader.key is None else reader.key.secret.hex(),
            "path": str(file.path),
            "name": file.name,
            "stamp": file.stamp,
            "begin": stretch.begin,
            "end": stretch.end,
        }
        with suppress(BrokenPipeError):  # it has ended
            send(self._jobs, job)
        batches: list[Batch] = []
        while (message := receive(self._replies)) is not None:
            content, frames = message
            if "failure" in content:
                raise _failure(content)
            if "lines" in content:
                return batches, int(content["lines"])
            batches.append(Batch(content["rows_in"], *frames))
        code = self._process.wait()
        raise UnavailableError(f"a process that reads {file.name} ended with exit code {code} before it was done")

    def kill(self) -> None:
        """End the process; a stretch that it reads is broken off."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Close the pipes of the process."""
        for pipe in (self._jobs, self._replies):
            with suppress(BrokenPipeError):
                pipe.close()


def _failure(content: dict[str, Any]) -> Exception:
    kind, text = content["failure"], content["text"]
    if kind == LANDED:
        return LandedFileError(text)
    if kind == REFUSED:
        return InputError(text)
    if kind == MEMORY:
        return MemoryError()
    return ReaderFailedError(content["kind"], text) if kind == FAILED else UnavailableError(text)


def _moved(batch: Batch, lines: int) -> Batch:
    """Return a batch with its lines numbered after so many before them."""
    if not lines:
        return batch
    line = (pl.col("line") + lines).cast(pl.Int64)
    return Batch(batch.rows_in, batch.accepted.with_columns(line), batch.quarantined.with_columns(line))
