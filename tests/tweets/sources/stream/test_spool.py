"""Segments of a spool: whole lines come back however the bytes were cut up, also after a kill."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.platform.pseudonyms import PseudonymKey, pseudonyms
from ons_bigdata.tweets.sources.stream.client import _Tail
from ons_bigdata.tweets.sources.stream.rolling import post_keys
from ons_bigdata.tweets.sources.stream.spool import Spool
from tests.tweets.sources.stream.streamed import START
from tests.tweets.sources.written_events import KEY

LINE = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b""))
PIECES = st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1)
"""Sizes of the pieces in which bytes arrive, and whether the spool is to split there."""


def cut(data: bytes, pieces: list[tuple[int, bool]]) -> list[tuple[bytes, bool]]:
    """Cut bytes up, the sizes again and again."""
    found, start, place = [], 0, 0
    while start < len(data):
        size, split = pieces[place % len(pieces)]
        found.append((data[start : start + size], split))
        start, place = start + size, place + 1
    return found


@settings(max_examples=50)
@given(lines=st.lists(LINE), rest=LINE, pieces=PIECES, is_killed=st.booleans())
def test_whole_lines_come_back(
    lines: list[bytes], rest: bytes, pieces: list[tuple[int, bool]], is_killed: bool
) -> None:
    data = b"".join(line + b"\r\n" for line in lines) + rest
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        assert spool.open(last_rolled=0) is None
        spool.begin(START)
        tail, seen = _Tail(), []
        for piece, split in cut(data, pieces):
            spool.write(piece, START, split=split)
            seen += tail.lines(piece)
        if is_killed:
            left = Spool(Path(folder)).open(last_rolled=0)
            assert left is not None
            assert left.half_line_bytes() == len(rest)
        spool.flush()
        if not is_killed:
            spool.end()
        segments = spool.closed()
        assert b"".join(segment.path.read_bytes() for segment in segments) == data
        assert [line for segment in segments for line in segment.lines()] == lines
        assert [segment.half_line_bytes() for segment in segments] == [0] * (len(segments) - 1) + [len(rest)]
        assert (seen, tail.size) == ([line for line in lines if line], len(rest))
        assert [segment.number for segment in segments] == list(range(1, len(segments) + 1))


def test_numbers_go_on_after_all_is_rolled(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.open(last_rolled=41)
    spool.begin(START)
    spool.end()
    assert [segment.path.name for segment in spool.closed()] == ["000000042_20261102T120000000000Z.raw"]


def test_only_posts_have_keys_and_the_key_makes_them() -> None:
    """The ids themselves cannot be found from what is kept, but by the key."""
    lines = [b'{"data":{"id":"%d","author_id":"7"}}' % number for number in (1, 2)]
    (first, user), second = post_keys(lines, "twitter", KEY)
    assert second == (pseudonyms(pl.Series(["2"]), source="twitter event", key=KEY)[0], user)
    assert user == pseudonyms(pl.Series(["7"]), source="twitter", key=KEY)[0]
    assert [(first, 0)] == post_keys([b'{"data":{"id":"1","text":"edited"},"matching_rules":[]}'], "twitter", KEY)
    assert post_keys(lines[:1], "twitter", PseudonymKey(bytes(32))) != [(first, user)]
    no_posts = [b"", b"{", b'{"delete":{}}', b'{"data":{}}', b'{"data":[1]}']
    assert post_keys(no_posts, "twitter", KEY) == [None] * 5
