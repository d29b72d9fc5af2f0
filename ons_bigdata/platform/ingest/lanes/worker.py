"""Process of a lane: gets stretches as messages, reads each, and sends its batches and the number of its lines."""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landed_bytes import LandedFileError, open_part
from ons_bigdata.platform.ingest.lanes.messages import receive, send
from ons_bigdata.platform.ingest.sources import HEAD_BYTES
from ons_bigdata.platform.pseudonyms import PseudonymKey

if TYPE_CHECKING:
    from collections.abc import Mapping

LANDED, REFUSED, UNREADABLE, MEMORY, FAILED = "landed", "refused", "unreadable", "memory", "failed"
"""Kinds of failures: landed bytes that changed; a refusal by the reader; the operating system's; any other error."""


class _CountedLines:
    """A stream that counts the line ends that were read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.count += int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord(b"\n")))
        return data


def main() -> None:
    """Read stretches until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller ends it
    replies, jobs = sys.stdout.buffer, sys.stdin.buffer
    sys.stdout = sys.stderr  # what a reader prints must not be taken for a reply
    try:
        while (message := receive(jobs)) is not None:
            _reply(replies, message[0])
    except BrokenPipeError:  # the caller was killed
        sys.stderr = None


def _reply(replies: IO[bytes], job: Mapping[str, Any]) -> None:
    try:
        send(replies, {"lines": _read(replies, job)})
    except BrokenPipeError:
        raise
    except LandedFileError as error:
        send(replies, {"failure": LANDED, "text": str(error)})
    except InputError as error:
        send(replies, {"failure": REFUSED, "text": str(error)})
    except OSError as error:
        send(replies, {"failure": UNREADABLE, "text": f"{type(error).__name__}: {error.strerror}"})
    except MemoryError:
        send(replies, {"failure": MEMORY, "text": ""})
    except Exception as error:  # the caller judges it
        send(replies, {"failure": FAILED, "kind": type(error).__name__, "text": str(error)})


def _read(replies: IO[bytes], job: Mapping[str, Any]) -> int:
    """Send the batches of a stretch; return the number of its line ends."""
    module, function = job["reader"].split(":")
    read_batches = getattr(importlib.import_module(module), function)
    options: dict[str, Any] = {} if job["secret"] is None else {"key": PseudonymKey(bytes.fromhex(job["secret"]))}
    path, landed = Path(job["path"]), {"name": job["name"], "stamp": job["stamp"]}
    if job["begin"]:
        with open_part(path, **landed, begin=0, end=HEAD_BYTES) as beginning:
            options["head"] = beginning.read(HEAD_BYTES)
    with open_part(path, **landed, begin=job["begin"], end=job["end"]) as part:
        lines = _CountedLines(part)
        for batch in read_batches(cast("IO[bytes]", lines), job["name"], **options):
            send(replies, {"rows_in": batch.rows_in}, [batch.accepted, batch.quarantined])
        while lines.read(HEAD_BYTES):  # to the end, where the stamp is compared
            pass
    return lines.count


if __name__ == "__main__":
    main()
