"""Tables of the lake: their columns, partitions and buckets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform.ingest.landing import checked_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_BUCKETS = 1024

ROW_GROUP_ROWS = 500_000
"""Rows of a bucket that are sorted and written at a time."""


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake.

    Rows belong to an entity (`entity_column`, Int64, spread evenly over all numbers, as pseudonyms and the results of
    `spread_numbers` are) and come from a line of a load (`load_id`, `line`), unless the table is derived. All rows of
    an entity are in one bucket; the buckets are ranges of entities, so that buckets one after another are sorted by
    entity whatever their number.
    """

    name: str
    columns: Mapping[str, pl.DataType]
    entity_column: str
    order: Sequence[str]
    """Columns by which the rows of a file are sorted, the entity first; `load_id` and `line` are added at the end."""
    buckets: int
    """A power of two: 8 for daily tables, 64 for monthly ones. Fixed in the ledger once rows are there."""
    is_derived: bool = False
    """True if the rows are results of a method over the buckets of another table, in one partition; they come from no
    line of a load."""

    def __post_init__(self) -> None:
        checked_key(self.name, what="lake table")
        if not 1 <= self.buckets <= MOST_BUCKETS or self.buckets & (self.buckets - 1):
            raise ValueError(
                f"lake table {self.name}: {self.buckets} buckets; expected a power of two up to {MOST_BUCKETS}"
            )
        needed: dict[str, pl.DataType] = {self.entity_column: pl.Int64()}
        if not self.is_derived:
            needed |= {"load_id": pl.String(), "line": pl.Int64()}
        for column, dtype in needed.items():
            if self.columns.get(column) != dtype:
                present = self.columns.get(column)
                raise ValueError(f"lake table {self.name}: column {column} is {present}; expected {dtype}")
        unknown = [column for column in self.order if column not in self.columns]
        if unknown or next(iter(self.order), None) != self.entity_column:
            raise ValueError(
                f"lake table {self.name}: order {list(self.order)}; expected known columns, the entity first"
            )

    @property
    def sort_columns(self) -> list[str]:
        """Columns by which the rows of a file are sorted; no two rows agree in all of them, unless they are derived."""
        if self.is_derived:
            return list(self.order)
        return [*self.order, *(column for column in ("load_id", "line") if column not in self.order)]

    def ranges(self, bucket: int, rows: int) -> list[tuple[int, int]]:
        """Ranges of entities, first and last, into which `rows` rows of a bucket are divided: its row groups.

        They depend on the number of rows alone; entities are spread evenly, so that each has ROW_GROUP_ROWS or less.
        """
        parts = max(1, -(-rows // ROW_GROUP_ROWS))
        width = 2**64 // self.buckets
        start = -(2**63) + bucket * width
        bounds = [start + width * part // parts for part in range(parts + 1)]
        return [(first, after - 1) for first, after in pairwise(bounds)]


def bucket_of(entity: pl.Expr, buckets: int) -> pl.Expr:
    """Bucket of an entity, 0 to `buckets` - 1 (Int32): the range of all Int64 numbers in which it lies.

    `buckets` is a power of two. Buckets of a finer division lie within those of a coarser one.
    """
    bits = buckets.bit_length() - 1
    if bits == 0:
        return (entity * 0).cast(pl.Int32)
    # floor division of a signed number: the range below zero comes first
    return (entity // 2 ** (64 - bits) + buckets // 2).cast(pl.Int32)


_SPREADING_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd number next to 2^64 divided by the golden ratio: its multiples are spread evenly, even those of a sequence."""


def spread_numbers(numbers: pl.Series) -> pl.Series:
    """Entities (Int64) of numbers without nulls: each has its entity, and entities are spread evenly over all numbers.

    Source: Knuth, The Art of Computer Programming, volume 3, section 6.4 (multiplicative hashing).
    """
    if numbers.null_count():
        raise ValueError(f"{numbers.null_count()} numbers of {numbers.name} are null; expected a number in every row")
    spread = numbers.cast(pl.Int64).to_numpy().view(np.uint64) * _SPREADING_FACTOR  # modulo 2^64
    return pl.Series(numbers.name, spread.view(np.int64))
