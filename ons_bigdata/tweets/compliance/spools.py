"""Redaction of spools: segments, the one that a collector writes to included, unfinished rolls, remembered posts.

What a roll lands while this goes on is searched in landing, which has to be searched after the spools.
"""

from __future__ import annotations

import os
import time
from typing import IO, TYPE_CHECKING

import numpy as np

from ons_bigdata.platform.errors import UnavailableError
from ons_bigdata.platform.ingest.redaction import rewrite_lines
from ons_bigdata.platform.state_folder import open_private, touch_private_file
from ons_bigdata.tweets.schemas.vocabulary import SIMULATED
from ons_bigdata.tweets.sources.stream.locks import CLOSE_REQUEST, only_collector, only_roll
from ons_bigdata.tweets.sources.stream.rolling import forget_posts, remove_unfinished
from ons_bigdata.tweets.sources.stream.spool import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ons_bigdata.platform.ingest.redaction import Rules
    from ons_bigdata.tweets.sources.compliance.tombstones import Tombstones
    from ons_bigdata.tweets.sources.stream.rolling import PostKeys

SEGMENTS, OPEN, CLOSED, TEMPORARY = "segments", "*.open", "*.raw", ".*.tmp"

CLOSE_WAIT_S = 90.0
"""Longest wait for a collector to close its segment: a working connection sends a line end every 20 seconds."""

_ASK_S = 0.2
"""Seconds between looks at the open segment."""


def redact_spools(spool: Path, rules: Rules, standing: Tombstones) -> int:
    """Remove what has to go by rules and standing tombstones from the spools below a folder; return redacted lines.

    An open segment of a collector that runs is closed by it on request; that of a killed one is redacted as it is.
    Raises UnavailableError where a collector does not close its segment in time; all other files are redacted then.
    """
    lines = 0
    late: list[str] = []
    for segments in sorted(spool.rglob(SEGMENTS)) if spool.is_dir() else ():
        folder = segments.parent
        in_open = _redact_open(folder, rules, time.monotonic() + CLOSE_WAIT_S)
        late += [] if in_open is not None else [str(folder)]
        lines += in_open or 0
        with only_roll(folder):
            remove_unfinished(folder)
            lines += sum(_redact_segment(path, rules) for path in sorted(segments.glob(CLOSED)))
            forget_posts(folder, _goes_by(standing))
    if late:
        raise UnavailableError(
            f"the collector of {', '.join(late)} has not closed its segment in {CLOSE_WAIT_S:g} s: "
            "what it holds was not searched; run `ons-bigdata compliance` again"
        )
    return lines


def _redact_open(folder: Path, rules: Rules, deadline: float) -> int | None:
    """Redact the open segment of a collector that does not run, or have a running one close its; None where it is late.

    Returns redacted lines: 0 where the collector has closed it, since it is searched with the closed ones.
    """
    present = {path.name for path in (folder / SEGMENTS).glob(OPEN)}
    request = folder / CLOSE_REQUEST
    try:
        while True:
            try:
                with only_collector(folder.parent):
                    _remove_temporaries(folder)
                    return sum(_redact_segment(path, rules) for path in sorted((folder / SEGMENTS).glob(OPEN)))
            except UnavailableError:
                if not present & {path.name for path in (folder / SEGMENTS).glob(OPEN)}:
                    return 0
            if time.monotonic() > deadline:
                return None
            touch_private_file(request)
            time.sleep(_ASK_S)
    finally:
        request.unlink(missing_ok=True)


def _remove_temporaries(folder: Path) -> None:
    """Remove what a killed redaction has left."""
    for path in (folder / SEGMENTS).glob(TEMPORARY):
        path.unlink(missing_ok=True)


def _redact_segment(path: Path, rules: Rules) -> int:
    """Redact a segment, whose users may be real or simulated: whole or not at all. Return redacted lines.

    A line without its end is replaced by a marker without one, since its rest never comes and it is never landed.
    """
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        left.unlink()
    lines = _lines_that_go(path, rules)
    if not lines.size:
        return 0
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with path.open("rb") as segment, open(temporary, "w+b", opener=open_private) as file:
            file.writelines(rewrite_lines(segment, lines, rules.marker("segment.jsonl", b"{")))
            if not _ends_with_line_end(segment) and _ends_with_line_end(file):
                file.truncate(file.tell() - 1)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return int(lines.size)


def _lines_that_go(path: Path, rules: Rules) -> NDArray[np.int64]:
    found = [np.empty(0, dtype=np.int64)]
    for name in ("segment.jsonl", f"{SIMULATED}segment.jsonl"):
        with path.open("rb") as segment:
            found += [part.lines for part in rules.find(segment, name)]
    return np.unique(np.concatenate(found))


def _ends_with_line_end(file: IO[bytes]) -> bool:
    """True if the last byte of an open file is a line end; leaves it at its end."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return False
    file.seek(size - 1)
    return file.read(1) == b"\n"


def _goes_by(standing: Tombstones) -> Callable[[Sequence[PostKeys]], list[bool]]:
    """Condition on the latest posts: those of tombstones, and all of users whose posts or positions go."""
    users = {*standing.users.tolist(), *standing.scrubbed["user_key"].to_list()}
    posts = set(standing.posts.tolist())

    def goes(latest: Iterable[PostKeys]) -> list[bool]:
        return [post in posts or user in users for post, user in latest]

    return goes
