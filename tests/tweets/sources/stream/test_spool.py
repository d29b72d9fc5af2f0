"""Segments of a spool: whole lines come back however the bytes were cut up, also after a kill."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.tweets.sources.stream.client import _Tail
from ons_bigdata.tweets.sources.stream.rolling import post_digest
from ons_bigdata.tweets.sources.stream.spool import Spool
from tests.tweets.sources.stream.streamed import START

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


def test_only_posts_have_a_digest() -> None:
    first, second = (post_digest(b'{"data":{"id":"%d"}}' % number) for number in (1, 2))
    assert first is not None
    assert first != second
    assert first == post_digest(b'{"data":{"id":"1","text":"edited"},"matching_rules":[]}')
    assert [post_digest(line) for line in (b"", b"{", b'{"delete":{}}', b'{"data":{}}', b'{"data":[1]}')] == [None] * 5
