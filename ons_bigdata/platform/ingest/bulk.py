"""Batches of rows that the reader of a bulk source yields from a part of a file at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import polars as pl

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
