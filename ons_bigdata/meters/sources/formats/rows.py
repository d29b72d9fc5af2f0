"""Rows that a reader of a format yields: accepted readings and quarantined rows with fixed reasons; shared rules."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.platform.ingest.lines import Block, ByteStream

INSTANT = pl.Datetime("us", "UTC")

READING_COLUMNS: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "meter": pl.String(),
    "started_at": INSTANT,
    "minutes": pl.Int16(),
    "kwh": pl.Float64(),
    "code": pl.String(),
    "flag": pl.String(),
    "is_export": pl.Boolean(),
}
"""Columns of accepted rows: the line of the unpacked file, and those of the lake; `meter` as the file has it.

A meter may be a whole number (Int64), where the format has numbers.
"""

BLANK = "blank line"
TOO_LONG = "line longer than a mebibyte"
NOT_UTF8 = "bytes that are no UTF-8"
CUT_SHORT = "last line without a line end: its last value may be cut short"

NO_READING = "number too long for a reading or an error code"
LONGEST_CODE = 32
"""Most characters of a code that comes in place of a reading."""

NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?"
"""Pattern of a number, perhaps with an exponent, as spreadsheets write small ones; no plus sign, no word (nan)."""


ROUNDED_METER = "meter as a spreadsheet rounds long numbers (1.2E+12): its digits are lost"
ROUNDED = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{1,2}$"
"""Pattern of a long number as a spreadsheet saves it. Several meters become one and the same."""


class ReplayedStream:
    """A stream whose beginning was looked at and is read again."""

    def __init__(self, stream: ByteStream, head_bytes: int) -> None:
        self.head = read_fully(stream, head_bytes)
        """The first bytes, fewer than `head_bytes` only where the stream has no more."""
        self._left, self._stream = self.head, stream

    def read(self, size: int = -1, /) -> bytes:
        """Next bytes, at most `size`; none at the end."""
        if not self._left:
            return self._stream.read(size)
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken + self._stream.read() if size < 0 else taken


def read_fully(stream: ByteStream, size: int) -> bytes:
    """Read as many bytes as `size`, or all there are."""
    parts, left = [], size
    while left and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


@dataclass(frozen=True)
class Readings:
    """Rows read from a part of a file; a row is a reading, or a line of which the readings cannot be told."""

    accepted: pl.DataFrame
    """Columns of READING_COLUMNS."""
    quarantined: pl.DataFrame
    """`line` and `reason`; a line of several readings may come several times."""

    @property
    def rows_in(self) -> int:
        """Rows that were read."""
        return self.accepted.height + self.quarantined.height


def quarantined_lines(faults: Mapping[int, str]) -> pl.DataFrame:
    """Rows of the quarantine from the reasons by line."""
    return pl.DataFrame(
        {"line": list(faults), "reason": list(faults.values())}, schema=BULK_QUARANTINE_SCHEMA, orient="col"
    )


def decoded_lines(block: Block, faults: dict[int, str]) -> pl.DataFrame:
    """Lines of a block as text without CR (`line`, `text`); those that cannot be read are entered in `faults`.

    The last line of a file that has no line end is a fault: its last value may be cut short.
    """
    texts = pl.DataFrame({"text": pl.Series(_texts(block), dtype=pl.String)}).select(
        pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.Int64).alias("line"),
        pl.col("text").str.strip_suffix("\r"),
    )
    last = block.first_line + texts.height - 1
    reason = pl.coalesce(
        pl.when(pl.col("line").is_in(list(block.too_long))).then(pl.lit(TOO_LONG)),
        pl.when(pl.col("text").is_null()).then(pl.lit(NOT_UTF8)),
        pl.when(pl.col("text").str.strip_chars(" \t") == "").then(pl.lit(BLANK)),
        pl.when(pl.lit(block.is_cut_short) & (pl.col("line") == last)).then(pl.lit(CUT_SHORT)),
    )
    judged = texts.with_columns(reason.alias("reason"))
    faults.update(dict(judged.filter(pl.col("reason").is_not_null()).select("line", "reason").iter_rows()))
    return judged.filter(pl.col("reason").is_null()).drop("reason")


def _texts(block: Block) -> list[str] | list[str | None]:
    """Lines of a block as text; None for those that are no UTF-8."""
    try:
        return block.data.decode().split("\n")
    except UnicodeDecodeError:
        return [_text(line) for line in block.lines]


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def split_faults(
    rows: pl.DataFrame, rules: Mapping[str, pl.Expr], faults: dict[int, str], *, keep: Sequence[str] = ()
) -> pl.DataFrame:
    """Rows without any fault; the lines of others are entered in `faults` with the first reason that holds."""
    reason = pl.coalesce(pl.when(rule).then(pl.lit(reason)) for reason, rule in rules.items())
    judged = rows.with_columns(reason.alias("reason"))
    if judged["reason"].null_count() == judged.height:
        return rows
    faults.update(dict(judged.filter(pl.col("reason").is_not_null()).select("line", "reason").iter_rows()))
    good = judged.filter(pl.col("reason").is_null()).drop("reason")
    return good.select(keep) if keep else good


def unknown_name(name: str, known: Sequence[str], *, what: str) -> InputError:
    """Error for an unknown name, with the known ones and the nearest."""
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    return InputError(f"unknown {what} {name!r}; known: {', '.join(known) or 'none'}{hint}")
