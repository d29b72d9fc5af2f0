"""Messages between a lane and its caller, through pipes: JSON with frames of rows behind it.

Rows about single people go through pipes alone, and so does the key of the pseudonyms.
"""

from __future__ import annotations

import io
import json
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform.lake.constant_columns import is_constant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LENGTH_BYTES = 8


def send(stream: IO[bytes], content: Mapping[str, Any], frames: Sequence[pl.DataFrame] = ()) -> None:
    """Write a message of JSON values and frames."""
    packed = [part for frame in frames for part in _packed(frame)]
    order = [frame.columns for frame in frames]
    head = json.dumps({"content": content, "order": order, "sizes": [len(part) for part in packed]}).encode()
    stream.write(len(head).to_bytes(_LENGTH_BYTES, "little"))
    stream.write(head)
    for part in packed:
        stream.write(part)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], list[pl.DataFrame]] | None:
    """Read the next message; None where the stream ends before it is complete."""
    length = stream.read(_LENGTH_BYTES)
    if len(length) < _LENGTH_BYTES:
        return None
    text = stream.read(int.from_bytes(length, "little"))
    if len(text) < int.from_bytes(length, "little"):
        return None
    head = json.loads(text)
    parts = []
    for size in head["sizes"]:
        part = stream.read(size)
        if len(part) < size:
            return None
        parts.append(part)
    pairs = zip(parts[::2], parts[1::2], head["order"], strict=True)
    return head["content"], [_unpacked(rows, constants, order) for rows, constants, order in pairs]


def _packed(frame: pl.DataFrame) -> tuple[memoryview, memoryview]:
    """Pack the rows without the columns that have one value, and one row of these."""
    constants = [column.name for column in frame if is_constant(column)] if frame.height > 1 else []
    return _stream_bytes(frame.drop(constants)), _stream_bytes(frame.select(constants).head(1))


def _stream_bytes(frame: pl.DataFrame) -> memoryview:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer)
    return buffer.getbuffer()


def _unpacked(rows: bytes, constants: bytes, order: Sequence[str]) -> pl.DataFrame:
    frame, same = pl.read_ipc_stream(rows), pl.read_ipc_stream(constants)
    return frame.with_columns(column.new_from_index(0, frame.height) for column in same).select(order)
