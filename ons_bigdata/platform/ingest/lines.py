"""Lines of a stream of bytes, read in blocks of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES = 256 * 1024
"""Bytes that are read at a time: few enough for the lines to be decoded while they are in the processor's cache."""

LONGEST_LINE_BYTES = 1024 * 1024
"""Longest line that is read; records of several thousand bytes occur."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ByteStream(Protocol):
    """Bytes that are read from beginning to end."""

    def read(self, size: int = -1, /) -> bytes:
        """Next bytes, at most `size`; none at the end."""


@dataclass(frozen=True)
class Block:
    """Consecutive lines of a file, without their line ends."""

    first_line: int
    """Number of the first line, 1 for the first of the file."""
    data: bytes
    """The lines with LF between them."""
    too_long: frozenset[int] = frozenset()
    """Numbers of lines longer than LONGEST_LINE_BYTES, which are empty here."""
    is_cut_short: bool = False
    """True if the last line has no line end."""

    @cached_property
    def lines(self) -> list[bytes]:
        """The lines one by one."""
        return self.data.split(b"\n")

    @cached_property
    def ends(self) -> list[int]:
        """Where each line ends in `data`: the places of the LFs between them, and the length.

        A search for each takes a third of the time that `bytes.count` needs for their number alone, though more than
        `count`.
        """
        find, ends, end = self.data.find, [], -1
        while (end := find(b"\n", end + 1)) >= 0:
            ends.append(end)
        return [*ends, len(self.data)]

    @cached_property
    def count(self) -> int:
        """Number of lines."""
        ends = self.__dict__.get("ends")  # where they were searched for, they need not be counted
        return _count_line_ends(self.data) + 1 if ends is None else len(ends)


def read_blocks(stream: ByteStream, *, block_bytes: int = BLOCK_BYTES, first_line: int = 1) -> Iterator[Block]:
    """Blocks of whole lines of a stream, in order; a byte order mark at the beginning is left out.

    With a `first_line` after 1, the stream has lines of a file from that one on, and no beginning.

    Lines end with LF; a CR before it stays. Of a line that is too long only its number is kept, whatever its length.
    """
    number, rest, is_skipping = first_line, b"", False
    is_first = first_line == 1
    while data := stream.read(block_bytes):
        if is_first:
            data += stream.read(max(len(_BYTE_ORDER_MARK) - len(data), 0))
            data, is_first = data.removeprefix(_BYTE_ORDER_MARK), False
        end = data.rfind(b"\n")
        if end < 0:  # no line ends in this block
            rest, is_skipping = _continued(rest + data, is_skipping)
            continue
        too_long = set()
        if is_skipping:
            too_long.add(number)
            whole = data[data.index(b"\n") : end]
        else:
            whole = b"".join((rest, memoryview(data)[:end]))  # one copy
        if _has_too_long_line(whole):
            lines = whole.split(b"\n")
            too_long.update(number + place for place, line in enumerate(lines) if len(line) > LONGEST_LINE_BYTES)
            whole = b"\n".join(b"" if len(line) > LONGEST_LINE_BYTES else line for line in lines)
        rest, is_skipping = _continued(data[end + 1 :], False)
        block = Block(number, whole, frozenset(too_long))
        yield block
        number += block.count
    if is_skipping or rest:
        yield Block(number, rest, frozenset({number} if is_skipping else ()), is_cut_short=True)


def split_block(block: Block, piece_bytes: int) -> Iterator[Block]:
    """Blocks of some `piece_bytes` each that have the lines of a block without lines that are too long."""
    first_line, begin = block.first_line, 0
    while begin <= len(block.data):
        end = block.data.find(b"\n", begin + piece_bytes)
        end = len(block.data) if end < 0 else end
        piece = Block(first_line, block.data[begin:end], is_cut_short=block.is_cut_short and end == len(block.data))
        yield piece
        first_line, begin = first_line + piece.count, end + 1


def _has_too_long_line(data: bytes) -> bool:
    """True if a line is longer than LONGEST_LINE_BYTES; without looking at each."""
    begin = 0
    while len(data) - begin > LONGEST_LINE_BYTES:
        end = data.rfind(b"\n", begin, begin + LONGEST_LINE_BYTES + 1)
        if end < 0:
            return True
        begin = end + 1
    return False


def _count_line_ends(data: bytes) -> int:
    """Number of LFs: a quarter of the time of `bytes.count`, which is made for longer texts."""
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == ord(b"\n")))


def _continued(rest: bytes, is_skipping: bool) -> tuple[bytes, bool]:
    """Beginning of a line of which the end has not come, or nothing where it is too long already."""
    if is_skipping or len(rest) > LONGEST_LINE_BYTES:
        return b"", True
    return rest, False
