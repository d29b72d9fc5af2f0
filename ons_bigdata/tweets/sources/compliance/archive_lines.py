"""Lines of landed archives that have to go by tombstones: posts, those that they repeat, and lines that name an id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import msgspec
import numpy as np
import polars as pl

from ons_bigdata.platform.ingest.lines import Block, read_blocks
from ons_bigdata.platform.ingest.redaction import FoundLines, rules_version
from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.tweets.sources.compliance.tombstones import Tombstones, contains, read_tombstones
from ons_bigdata.tweets.sources.event_json import JSON_MARKER, is_lines_of_objects, read_json_lines
from ons_bigdata.tweets.sources.event_text import CSV_MARKER, read_pilot_csv

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.landing import Landing
    from ons_bigdata.platform.pseudonyms import PseudonymKey
    from ons_bigdata.tweets.sources.event_rows import RawRows

_ReadBlock = Callable[[Block, "RawRows"], None]
FindFormat = Callable[[str, bytes], "tuple[str | None, _ReadBlock | None]"]
"""(name, beginning) -> platform and reader of an archive; None for an unknown one."""

LOOKED_UP = 20_000
"""Posts, or numbers of lines that cannot be read, whose pseudonyms are looked up at a time."""

_NUMBER = re.compile(rb"(?<![0-9])[0-9]{1,20}(?![0-9])")
_ID = re.compile(r"[0-9]{1,20}")
_CSV_BEGINNING = re.compile(rb"\A(?:\xef\xbb\xbf)?([0-9]{1,11}),([0-9]{1,20}),")


class _Person(msgspec.Struct, gc=False):
    id_str: str | None = None
    id: int | str | None = None


class _Status(msgspec.Struct, gc=False):
    """A v1.1 post, or an activity, within another."""

    user: _Person | None = None
    actor: _Person | None = None
    id_str: str | None = None
    id: int | str | None = None


class _Post(msgspec.Struct, gc=False):
    """A v2 post."""

    id: str | None = None
    author_id: str | None = None


class _Includes(msgspec.Struct, gc=False):
    tweets: list[_Post] | None = None
    users: list[_Person] | None = None


class _Line(msgspec.Struct, gc=False):
    """Ids of a line of any format, and of the posts that it repeats."""

    data: _Post | None = None
    includes: _Includes | None = None
    user: _Person | None = None
    actor: _Person | None = None
    id_str: str | None = None
    id: int | str | None = None
    retweeted_status: _Status | None = None
    quoted_status: _Status | None = None
    object: _Status | None = None
    twitter_quoted_status: _Status | None = None


_decoder = msgspec.json.Decoder(_Line)


@dataclass(frozen=True)
class ArchiveRules:
    """Rules by which lines of archives of the platform of posts have to go (`platform.ingest.redaction.Rules`)."""

    version: int
    tombstones: Tombstones
    key: PseudonymKey
    find_format: FindFormat
    id_space: Callable[[str], str]
    """Name of a file → name under which the pseudonyms of its users are made."""
    platform: str
    """Platform of the compliance events."""

    def find(self, stream: IO[bytes], name: str) -> Iterator[FoundLines]:
        """Lines that have to go, block by block. A line that cannot be read goes if it has a number that is an id.

        Lines longer than a mebibyte cannot be searched; they are never read, and go.
        """
        read: _ReadBlock | None = None
        is_first = True
        posts, unread, too_long = _Posts(), _Unread(), list[int]()
        for block in read_blocks(stream):
            if is_first:
                platform, read = self.find_format(name, block.data)
                is_first = False
                if platform not in (self.platform, None):
                    return
            too_long += block.too_long
            if read is read_json_lines:
                _add_json(block, posts, unread)
            elif read is read_pilot_csv:
                _add_csv(block, posts, unread)
            else:
                unread.add_all(block)
            if max(len(posts.rows), unread.size) >= LOOKED_UP:
                yield self._found(posts, unread, too_long, self.id_space(name))
                posts, unread, too_long = _Posts(), _Unread(), []
        yield self._found(posts, unread, too_long, self.id_space(name))

    def marker(self, name: str, head: bytes) -> bytes:
        """Line in the place of a redacted one."""
        _, read = self.find_format(name, head)
        return CSV_MARKER if read is read_pilot_csv else JSON_MARKER

    def _found(self, posts: _Posts, unread: _Unread, too_long: Sequence[int], id_space: str) -> FoundLines:
        frame = posts.frame()
        keyed = frame.with_columns(
            pseudonyms(frame["user"], source=id_space, key=self.key).alias("user_key"),
            pseudonyms(frame["post"], source=f"{id_space} event", key=self.key).alias("post_key"),
        )
        goes, by_number = self.tombstones.remove(keyed)
        numbers = frame["line"].to_numpy()
        profiles = [line for line, _ in posts.profiles]
        people = pseudonyms(
            pl.Series([user for _, user in posts.profiles], dtype=pl.String), source=id_space, key=self.key
        )
        shown = np.array(profiles, dtype=np.int64)[contains(self.tombstones.users, people)]
        named = unread.lines_with(self.tombstones, id_space, self.key)
        lines = np.unique(np.concatenate([numbers[goes], shown, named, np.array(too_long, dtype=np.int64)])).astype(
            np.int64
        )
        keyed_rows = numbers[goes & ~by_number & frame["is_own"].to_numpy()]
        return FoundLines(lines, np.setdiff1d(lines, keyed_rows))


class _Posts:
    """Posts of lines, their own and those that they repeat, and profiles."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, str | None, str | None, str | None, int | None, bool]] = []
        self.profiles: list[tuple[int, str | None]] = []
        """Lines with users whose profiles they show."""

    def add(self, line: int, user: str | None, post: str | None, *, is_own: bool) -> None:
        """Add a post that is known by its id, the line's own or a repeated one."""
        number = post if post is not None and _ID.fullmatch(post) else None
        self.rows.append((line, user, post, number, None, is_own))

    def frame(self) -> pl.DataFrame:
        """Posts with line, user, post (texts), number, second and is_own."""
        texts = dict.fromkeys(("user", "post", "number"), pl.String)
        schema = {"line": pl.Int64, **texts, "second": pl.Int64, "is_own": pl.Boolean}
        return pl.DataFrame(self.rows, schema=schema, orient="row")


class _Unread:
    """Lines without a post that can be read: numbers in them are looked up."""

    def __init__(self) -> None:
        self._lines: list[int] = []
        self._numbers: list[str] = []

    @property
    def size(self) -> int:
        """Count of the numbers."""
        return len(self._numbers)

    def add(self, line: int, text: bytes) -> None:
        """Add the numbers of a line."""
        found = {number.decode() for number in _NUMBER.findall(text)}
        self._lines += [line] * len(found)
        self._numbers += found

    def add_all(self, block: Block) -> None:
        """Add all lines of a block."""
        for line, text in enumerate(block.lines, block.first_line):
            self.add(line, text)

    def lines_with(self, tombstones: Tombstones, id_space: str, key: PseudonymKey) -> list[int]:
        """Lines that name a user or a post of a tombstone."""
        if not self._numbers:
            return []
        numbers = pl.Series(self._numbers, dtype=pl.String)
        users = pseudonyms(numbers, source=id_space, key=key)
        posts = pseudonyms(numbers, source=f"{id_space} event", key=key)
        named = (
            contains(tombstones.users, users)
            | contains(tombstones.posts, posts)
            | contains(tombstones.scrubbed["user_key"].to_numpy(), users)
        )
        return [line for line, is_named in zip(self._lines, named, strict=True) if is_named]


def _add_json(block: Block, posts: _Posts, unread: _Unread) -> None:
    for number, line in enumerate(_decoded(block), block.first_line):
        if line is None:
            unread.add(number, block.lines[number - block.first_line])
            continue
        own = _own_post(line)
        if own is not None:
            posts.add(number, *own, is_own=True)
        if own is None or None in own:
            unread.add(number, block.lines[number - block.first_line])
        if line.retweeted_status or line.quoted_status or line.object or line.twitter_quoted_status or line.includes:
            for user, post in _repeated_posts(line):
                posts.add(number, user, post, is_own=False)
        if line.includes is not None:
            posts.profiles += [(number, _person(user)) for user in line.includes.users or ()]


def _decoded(block: Block) -> Sequence[_Line | None]:
    """Each line of a block, None where it cannot be read; see `event_json`, which reads blocks in the same way."""
    if is_lines_of_objects(block):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            lines = _decoder.decode_lines(block.data)
            if len(lines) == block.count:
                return lines
    return [_decoded_line(text) for text in block.lines]


def _decoded_line(text: bytes) -> _Line | None:
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _own_post(line: _Line) -> tuple[str | None, str | None] | None:
    """User and post of a line; None for a line that is no post."""
    if line.data is not None:
        return line.data.author_id, line.data.id
    if line.user is not None:
        return _person(line.user), line.id_str if line.id_str is not None else _text(line.id)
    if line.actor is not None:
        return _last_part(line.actor.id), _last_part(line.id)
    return None


def _repeated_posts(line: _Line) -> Iterator[tuple[str | None, str | None]]:
    """Users and posts that a line repeats: retweets, quotes, included posts."""
    if line.includes is not None:
        yield from ((post.author_id, post.id) for post in line.includes.tweets or ())
    for status in (line.retweeted_status, line.quoted_status, line.object, line.twitter_quoted_status):
        if status is None:
            continue
        user = _person(status.user) if status.user is not None else None
        if user is None and status.actor is not None:
            user = _last_part(status.actor.id)
        yield user, status.id_str if status.id_str is not None else _last_part(status.id)


def _add_csv(block: Block, posts: _Posts, unread: _Unread) -> None:
    for number, text in enumerate(block.lines, block.first_line):
        if not text or text.startswith(CSV_MARKER):
            continue
        beginning = _CSV_BEGINNING.match(text)
        if beginning is None:
            unread.add(number, text)
            continue
        second, user = beginning[1].decode(), beginning[2].decode()
        posts.rows.append((number, user, f"{user}_{second}", None, int(second), True))


def _person(person: _Person) -> str | None:
    return person.id_str if person.id_str is not None else _text(person.id)


def _text(number: int | str | None) -> str | None:
    return None if number is None else str(number)


def _last_part(tag: int | str | None) -> str | None:
    return None if tag is None else str(tag).rpartition(":")[2]


def read_archive_rules(
    landing: Landing,
    key: PseudonymKey | None,
    *,
    source: str,
    platform: str,
    find_format: FindFormat,
    id_space: Callable[[str], str],
) -> ArchiveRules:
    """Return the present rules of the archives of a source. Raises ValueError without a key."""
    if key is None:
        raise ValueError("tombstones have pseudonyms: the pseudonym key is needed")
    with landing.warehouse.transaction() as transaction:  # before the tombstones: a later version is noticed
        version = rules_version(transaction, source)
    tombstones = read_tombstones(landing) if version else Tombstones()
    return ArchiveRules(version, tombstones, key, find_format, id_space, platform)
