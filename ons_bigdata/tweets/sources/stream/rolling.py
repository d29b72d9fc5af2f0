"""Rolling of closed segments and ended gaps into files that land: each whole line once, keep-alives left out.

A plan on the disk names what goes into the next files, so that a roll that was killed is repeated with the same bytes
under the same names, which the landing knows; its record is written last.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.platform.state_folder import make_private_folder, open_private
from ons_bigdata.tweets.sources.archives import id_space
from ons_bigdata.tweets.sources.rolled_files import GAPS, POSTS, rolled_name
from ons_bigdata.tweets.sources.stream.journal import gaps
from ons_bigdata.tweets.sources.stream.locks import only_roll
from ons_bigdata.tweets.sources.stream.spool import sync_folder

if TYPE_CHECKING:
    from ons_bigdata.platform.pseudonyms import PseudonymKey
    from ons_bigdata.tweets.sources.stream.journal import Gap, Journal
    from ons_bigdata.tweets.sources.stream.spool import Segment, Spool

STREAM = "twitter"

REMEMBERED_POSTS = 100_000
"""Latest posts by which repeated ones are recognised: five minutes of backfill at 300 posts a second."""

RECORD, PLAN, ROLLED = "rolled.json", "plan.json", "rolled"
"""Parts of the folder of a stream that belong to its rolling: record, plan, folder of the next files."""

_KEYED_LINES = 4096
"""Lines of which the pseudonyms are computed at a time."""

LandPaths = Callable[[Sequence[Path]], None]
"""Lands files; raises where one is not taken in."""

PostKeys = tuple[int, int]
"""Pseudonyms of a post and of its user (0: a post without user)."""


class RollRecord(msgspec.Struct, frozen=True):
    """Last segment and number of gaps that have been rolled, and pseudonyms of the latest posts and their users."""

    last_segment: int = 0
    gaps: int = 0
    latest: tuple[PostKeys, ...] = ()


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
        self,
        folder: Path,
        spool: Spool,
        journal: Journal,
        *,
        origin: Literal["real", "simulated"],
        land: LandPaths,
        key: PseudonymKey,
    ) -> None:
        self._folder = folder
        self._spool, self._journal, self._land, self._key = spool, journal, land, key
        self._is_simulated = origin == "simulated"
        self._record_path, self._plan_path = folder / RECORD, folder / PLAN

    def record(self) -> RollRecord:
        """Return what has been rolled. Raises InputError for a damaged file."""
        return _read(self._record_path, RollRecord) or RollRecord()

    def roll(self) -> RollCounts:
        """Land what is closed and has not been rolled; a roll that was killed first.

        Raises what landing raises; then nothing is lost, and the next call repeats it. Waits while another process
        redacts what is to be rolled.
        """
        with only_roll(self._folder):
            return self._roll()

    def _roll(self) -> RollCounts:
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
        folder = make_private_folder(self._folder / ROLLED)
        latest = OrderedDict(record.latest)
        counts, paths = RollCounts(), []
        if plan.segments:
            path = folder / self._name(POSTS, plan.started_at, plan.segments[0])
            chosen = [segments[number] for number in plan.segments]
            counts = _write_lines(path, chosen, latest, id_space(path.name), self._key)
            paths += [path] if counts.lines else []
        ended = gaps(self._journal.events(), stream=STREAM)[plan.first_gap : plan.end_gap]
        if ended:
            paths.append(folder / self._name(GAPS, plan.started_at, plan.first_gap))
            _write_gaps(paths[-1], ended)
        if paths:
            self._land(paths)
        last = max([record.last_segment, *plan.segments])
        _write(self._record_path, RollRecord(last, plan.end_gap, tuple(latest.items())))
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


class _PostIds(msgspec.Struct, gc=False):
    id: str | None = None
    author_id: str | None = None


class _PostLine(msgspec.Struct, gc=False):
    data: _PostIds | None = None


_decode = msgspec.json.Decoder(_PostLine).decode


def post_keys(lines: Sequence[bytes], id_space: str, key: PseudonymKey) -> list[PostKeys | None]:
    """Pseudonyms of the posts of lines and of their users, as in the lake; None for a line that is no post."""
    ids = [_ids(line) for line in lines]
    posts = pseudonyms(pl.Series([post for post, _ in ids], dtype=pl.String), source=f"{id_space} event", key=key)
    users = pseudonyms(pl.Series([user for _, user in ids], dtype=pl.String), source=id_space, key=key)
    keyed = zip(posts.to_list(), users.fill_null(0).to_list(), strict=True)
    return [None if post is None else (post, user) for post, user in keyed]


def _ids(line: bytes) -> tuple[str | None, str | None]:
    """Ids of the post and the user of a line."""
    try:
        post = _decode(line).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, None
    return (None, None) if post is None else (post.id, post.author_id)


def _write_lines(
    path: Path, segments: Sequence[Segment], latest: OrderedDict[int, int], id_space: str, key: PseudonymKey
) -> RollCounts:
    """Write the lines of segments that are not repeated; `latest` gains the pseudonyms of their posts and users."""
    lines = duplicates = half_lines = 0
    with open(path, "wb", opener=open_private) as file:
        for segment in segments:
            half_lines += segment.half_line_bytes() > 0
            for line, keys in _keyed(segment.lines(), id_space, key):
                if keys is not None:
                    post, user = keys
                    if post in latest:
                        duplicates += 1
                        continue
                    latest[post] = user
                    if len(latest) > REMEMBERED_POSTS:
                        latest.popitem(last=False)
                file.write(line + b"\n")
                lines += 1
    return RollCounts(lines=lines, duplicates=duplicates, half_lines=half_lines)


def _keyed(lines: Iterable[bytes], id_space: str, key: PseudonymKey) -> Iterator[tuple[bytes, PostKeys | None]]:
    """Lines that are no keep-alives, with the pseudonyms of their posts."""
    filled = (line for line in lines if line.strip())
    while part := list(islice(filled, _KEYED_LINES)):
        yield from zip(part, post_keys(part, id_space, key), strict=True)


def _write_gaps(path: Path, ended: Sequence[Gap]) -> None:
    with open(path, "wb", opener=open_private) as file:
        file.writelines(msgspec.json.encode(gap) + b"\n" for gap in ended)


# --- for redaction --------------------------------------------------------------------------------------


def forget_posts(folder: Path, goes: Callable[[Sequence[PostKeys]], Sequence[bool]]) -> int:
    """Remove the latest posts of which `goes` is true from the record of a stream's folder; return their number.

    Under the lock of `only_roll`. A post that comes again is then landed again. Raises InputError for a damaged record.
    """
    record = _read(folder / RECORD, RollRecord)
    if record is None:
        return 0
    kept = tuple(keys for keys, is_gone in zip(record.latest, goes(record.latest), strict=True) if not is_gone)
    _write(folder / RECORD, msgspec.structs.replace(record, latest=kept))
    return len(record.latest) - len(kept)


def remove_unfinished(folder: Path) -> None:
    """Remove the files that a killed roll has written: it is repeated from the segments. Under `only_roll`."""
    rolled = folder / ROLLED
    for path in rolled.iterdir() if rolled.is_dir() else ():
        path.unlink()
    for name in (RECORD, PLAN):
        for path in folder.glob(f".{name}.*.tmp"):
            path.unlink()


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
