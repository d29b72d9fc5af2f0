"""Rolling of closed segments and ended gaps into files that land: each whole line once, keep-alives left out.

A plan on the disk names what goes into the next files, so that a roll that was killed is repeated with the same bytes
under the same names, which the landing knows; its record is written last.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.state_folder import make_private_folder, open_private
from ons_bigdata.tweets.sources.rolled_files import GAPS, POSTS, rolled_name
from ons_bigdata.tweets.sources.stream.journal import gaps
from ons_bigdata.tweets.sources.stream.spool import sync_folder

if TYPE_CHECKING:
    from ons_bigdata.tweets.sources.stream.journal import Gap, Journal
    from ons_bigdata.tweets.sources.stream.spool import Segment, Spool

STREAM = "twitter"

REMEMBERED_POSTS = 100_000
"""Latest posts by which repeated ones are recognised: five minutes of backfill at 300 posts a second."""

LandPaths = Callable[[Sequence[Path]], None]
"""Lands files; raises where one is not taken in."""


class RollRecord(msgspec.Struct, frozen=True):
    """Last segment and number of gaps that have been rolled, and digests of the latest posts."""

    last_segment: int = 0
    gaps: int = 0
    recent: tuple[int, ...] = ()


class _Plan(msgspec.Struct, frozen=True):
    """Segments and gaps of the next files."""

    segments: list[int]
    started_at: datetime
    first_gap: int
    end_gap: int


@dataclass(frozen=True)
class RollCounts:
    """Outcome of rolling."""

    files: int = 0
    lines: int = 0
    """Lines landed: posts, and messages of the platform."""
    duplicates: int = 0
    """Posts that had been received before."""
    half_lines: int = 0
    gaps: int = 0

    def plus(self, other: RollCounts) -> RollCounts:
        """Sum of two outcomes."""
        return RollCounts(
            self.files + other.files,
            self.lines + other.lines,
            self.duplicates + other.duplicates,
            self.half_lines + other.half_lines,
            self.gaps + other.gaps,
        )


class Rolling:
    """Rolls what a spool and a journal hold. Used by one thread at a time."""

    def __init__(
        self, folder: Path, spool: Spool, journal: Journal, *, origin: Literal["real", "simulated"], land: LandPaths
    ) -> None:
        self._folder = folder
        self._spool, self._journal, self._land = spool, journal, land
        self._is_simulated = origin == "simulated"
        self._record_path, self._plan_path = folder / "rolled.json", folder / "plan.json"

    def record(self) -> RollRecord:
        """Return what has been rolled. Raises InputError for a damaged file."""
        return _read(self._record_path, RollRecord) or RollRecord()

    def roll(self) -> RollCounts:
        """Land what is closed and has not been rolled; a roll that was killed first.

        Raises what landing raises; then nothing is lost, and the next call repeats it.
        """
        counts = RollCounts()
        record = self.record()
        left = _read(self._plan_path, _Plan)
        if left is not None and (max([0, *left.segments]) > record.last_segment or left.end_gap > record.gaps):
            counts = self._carry_out(left, record)
            record = self.record()
        self._delete_rolled(record)
        plan = self._make_plan(record)
        if plan is None:
            return counts
        _write(self._plan_path, plan)
        counts = counts.plus(self._carry_out(plan, record))
        self._delete_rolled(self.record())
        return counts

    def _make_plan(self, record: RollRecord) -> _Plan | None:
        segments = self._spool.closed()
        ended = gaps(self._journal.events(), stream=STREAM)
        if not segments and len(ended) <= record.gaps:
            return None
        started = segments[0].started_at if segments else ended[record.gaps].to_utc
        return _Plan([segment.number for segment in segments], started, record.gaps, len(ended))

    def _carry_out(self, plan: _Plan, record: RollRecord) -> RollCounts:
        """Write the files of a plan, land them, record it."""
        segments = {segment.number: segment for segment in self._spool.closed()}
        missing = [number for number in plan.segments if number not in segments]
        if missing:
            raise InputError(f"{self._folder}: segments {missing} of the plan are missing from the spool")
        folder = make_private_folder(self._folder / "rolled")
        recent = OrderedDict.fromkeys(record.recent)
        counts, paths = RollCounts(), []
        if plan.segments:
            path = folder / self._name(POSTS, plan.started_at, plan.segments[0])
            counts = _write_lines(path, [segments[number] for number in plan.segments], recent)
            paths += [path] if counts.lines else []
        ended = gaps(self._journal.events(), stream=STREAM)[plan.first_gap : plan.end_gap]
        if ended:
            paths.append(folder / self._name(GAPS, plan.started_at, plan.first_gap))
            _write_gaps(paths[-1], ended)
        if paths:
            self._land(paths)
        last = max([record.last_segment, *plan.segments])
        _write(self._record_path, RollRecord(last, plan.end_gap, tuple(recent)))
        for path in folder.iterdir():
            path.unlink()
        return counts.plus(RollCounts(files=len(paths), gaps=len(ended)))

    def _name(self, kind: str, started_at: datetime, number: int) -> str:
        return rolled_name(kind, started_at, number, is_simulated=self._is_simulated)

    def _delete_rolled(self, record: RollRecord) -> None:
        for segment in self._spool.closed():
            if segment.number <= record.last_segment:
                segment.path.unlink()
        self._plan_path.unlink(missing_ok=True)


class _PostId(msgspec.Struct, gc=False):
    id: str | None = None


class _PostLine(msgspec.Struct, gc=False):
    data: _PostId | None = None


_decode = msgspec.json.Decoder(_PostLine).decode


def post_digest(line: bytes) -> int | None:
    """Return 64 bits of a hash of the id of a post; None for a line that is no post."""
    try:
        post = _decode(line).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if post is None or post.id is None:
        return None
    return int.from_bytes(hashlib.blake2b(post.id.encode(), digest_size=8).digest())


def _write_lines(path: Path, segments: Sequence[Segment], recent: OrderedDict[int, None]) -> RollCounts:
    """Write the lines of segments that are not repeated; `recent` gains their posts."""
    lines = duplicates = half_lines = 0
    with open(path, "wb", opener=open_private) as file:
        for segment in segments:
            half_lines += segment.half_line_bytes() > 0
            for line in segment.lines():
                if not line.strip():
                    continue
                digest = post_digest(line)
                if digest is not None:
                    if digest in recent:
                        duplicates += 1
                        continue
                    recent[digest] = None
                    if len(recent) > REMEMBERED_POSTS:
                        recent.popitem(last=False)
                file.write(line + b"\n")
                lines += 1
    return RollCounts(lines=lines, duplicates=duplicates, half_lines=half_lines)


def _write_gaps(path: Path, ended: Sequence[Gap]) -> None:
    with open(path, "wb", opener=open_private) as file:
        file.writelines(msgspec.json.encode(gap) + b"\n" for gap in ended)


_Value = TypeVar("_Value")


def _read(path: Path, kind: type[_Value]) -> _Value | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InputError(f"{path} is damaged: {error}") from error


def _write(path: Path, value: object) -> None:
    """Write a whole file or nothing, durably."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb", opener=open_private) as file:
        file.write(msgspec.json.encode(value))
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync_folder(path.parent)
