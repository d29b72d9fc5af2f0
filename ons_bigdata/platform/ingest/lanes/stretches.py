"""Stretches: consecutive whole lines of a file, by the places of their first and last bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEARCHED_BYTES = 64 * 1024
"""Bytes that are searched for a line end at a time."""


@dataclass(frozen=True)
class Stretch:
    """Whole lines of a file; only that at the end of the file may have a last line without a line end."""

    begin: int
    """Place of its first byte."""
    end: int
    """Place after its last byte."""


def find_stretches(file: IO[bytes], size: int, stretch_bytes: int) -> Iterator[Stretch]:
    """Divide the lines of a file of `size` bytes into stretches of `stretch_bytes` or somewhat more, in order."""
    begin = 0
    while begin < size:
        end = _line_begin(file, begin + stretch_bytes, size)
        yield Stretch(begin, end)
        begin = end


def _line_begin(file: IO[bytes], place: int, size: int) -> int:
    """Return the first place from `place` on at which a line begins, or the end of the file."""
    searched = place - 1  # the line end before it
    while searched < size:
        file.seek(searched)
        data = file.read(_SEARCHED_BYTES)
        if not data:
            break
        end = data.find(b"\n")
        if end >= 0:
            return min(searched + end + 1, size)
        searched += len(data)
    return size
