"""Batches of rows that the reader of a bulk source yields from a part of a file at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ons_bigdata.platform.pseudonyms import PseudonymKey

BULK_QUARANTINE_SCHEMA = {"line": pl.Int64(), "reason": pl.String()}


@dataclass(frozen=True)
class Batch:
    """Rows read from a part of a file; rows_in = accepted + quarantined rows."""

    rows_in: int
    """Lines that count as rows."""
    accepted: pl.DataFrame
    """Columns of the lake table without `load_id`; `line` (Int64) is the 1-based line of the unpacked file."""
    quarantined: pl.DataFrame
    """Columns of BULK_QUARANTINE_SCHEMA; `reason` is a fixed text per kind of fault, without content of the row."""

    def __post_init__(self) -> None:
        total = self.accepted.height + self.quarantined.height
        if total != self.rows_in:
            raise ValueError(f"rows in ({self.rows_in}) are not accepted + quarantined ({total})")
        if dict(self.quarantined.schema) != BULK_QUARANTINE_SCHEMA:
            raise ValueError(f"quarantined rows have {self.quarantined.schema}; expected {BULK_QUARANTINE_SCHEMA}")


ReadBatches = Callable[[IO[bytes], str], Iterator[Batch]]
"""(unpacked stream, file name without `.gz` or `.zst`) -> batches of bounded size, in the order of the file."""


@dataclass(frozen=True)
class LineReader:
    """Reading of files of which no line bears on the rows of another, so that several processes can share a file.

    It is for readers that work line by line in Python; those that work on whole blocks by polars use several cores
    anyway.
    """

    read_batches: Callable[..., Iterator[Batch]]
    """Function at the top of a module, `(stream, name, head=None)`, with `key=` of a personal source.

    With `head`, the beginning of a file, the stream has lines after the first one, which are numbered from 2. Rows of a
    line are the same whatever lines come with it.
    """
    key: PseudonymKey | None
    is_by_line: Callable[[str, bytes], bool]
    """(name without `.gz` or `.zst`, beginning) -> whether no line of the file bears on another."""
    stretch_bytes: int
    """Bytes of a file that a process is given at a time."""
