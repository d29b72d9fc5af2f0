"""Formats of files of readings: how each is recognised by its beginning, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ons_bigdata.meters.sources.formats.cer import is_cer, read_cer
from ons_bigdata.meters.sources.formats.rows import Readings
from ons_bigdata.platform.ingest.lines import ByteStream


@dataclass(frozen=True)
class Format:
    """A format of files of readings."""

    name: str
    expected: str
    """Form of its lines, for messages."""
    recognises: Callable[[bytes], bool]
    """True for the beginning of a file of the format."""
    read: Callable[[ByteStream], Iterator[Readings]]
    """Rows of a file, a part at a time. Never raises for any content."""


FORMATS = (Format("cer", "rows `meter code kWh` separated by spaces, such as `1392 19503 0.14`", is_cer, read_cer),)
"""Formats, in the order in which they are tried; no file is of two of them."""

BY_NAME = {one.name: one for one in FORMATS}


def recognised_format(head: bytes) -> Format | None:
    """Format of a file by its beginning; None for no known one."""
    return next((one for one in FORMATS if one.recognises(head)), None)
