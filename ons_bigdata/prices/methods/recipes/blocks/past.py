"""A block of consecutive periods, and what an elementary index keeps of the periods before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ons_bigdata.prices.methods.aggregation.linked import ABSENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Periods that are computed at once, by their numbers in the output's calendar of all history.

    `view`: first period of the view, from which the rows of arrays are counted. `start`, `stop`: the block's first
    period and the one after its last. The view may go on after the block. Raises ValueError unless
    0 <= view <= start <= stop.
    """

    view: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.view <= self.start <= self.stop:
            message = (
                f"block: found the view from period {self.view} and the block from {self.start} to {self.stop},"
                " expected 0 <= view <= start <= stop"
            )
            raise ValueError(message)

    @classmethod
    def whole(cls, periods: int) -> Block:
        """All periods of a history, in one block without a past."""
        return cls(0, 0, periods)

    @property
    def rows(self) -> slice:
        """Rows of the block in arrays of the view."""
        return slice(self.start - self.view, self.stop - self.view)


@dataclass(frozen=True, eq=False)
class Past:
    """State of an elementary index of one retailer and item before a block: its last levels, to which the block links.

    The replicate axis has 1 replicate for the published index (all products counting once) and B for the resamples.

    `rows`: numbers of the last periods with a level, ascending: those that later periods may link to, and the last of
    all. `levels`: values of the index there on the scale of the segment, rows x replicates, nan where a replicate has
    none. `segments`: number of the unbroken stretch, -1 where there is none. `newest`: number of the newest segment of
    each replicate, -1 before the first. `began`: first period of the newest stretch of windows; -1 for other forms, and
    before the first.

    Raises ValueError where the shapes differ or the rows do not ascend.
    """

    rows: Integers
    levels: Floats
    segments: Integers
    newest: Integers
    began: int = ABSENT

    def __post_init__(self) -> None:
        shape = (len(self.rows), len(self.newest))
        if self.levels.shape != shape or self.segments.shape != shape:
            message = (
                f"past: found levels of shape {self.levels.shape} and segments of {self.segments.shape}, expected"
                f" {shape}: rows x replicates"
            )
            raise ValueError(message)
        if (np.diff(self.rows) <= 0).any():
            message = f"past: found the rows {self.rows.tolist()}, expected ascending numbers of periods"
            raise ValueError(message)

    @classmethod
    def none(cls, replicates: int) -> Past:
        """The past of the first block: no period before it."""
        shape = (0, replicates)
        rows = np.empty(0, dtype=np.int64)
        return cls(rows, np.empty(shape), np.empty(shape, dtype=np.int64), np.full(replicates, ABSENT))

    @property
    def last(self) -> int:
        """Number of the last period with a level; -1 where there is none."""
        return int(self.rows[-1]) if len(self.rows) else ABSENT

    def onto(self, block: Block, periods: int) -> tuple[Floats, Integers]:
        """Levels and segments on the rows of a view of so many periods; nan and -1 where nothing is kept.

        Raises ValueError where a period is not before the block.
        """
        if self.last >= block.start:
            message = f"past: found a level of period {self.last}, expected periods before the block's {block.start}"
            raise ValueError(message)
        shape = (periods, len(self.newest))
        levels, segments = np.full(shape, np.nan), np.full(shape, ABSENT)
        inside = self.rows >= block.view
        levels[self.rows[inside] - block.view] = self.levels[inside]
        segments[self.rows[inside] - block.view] = self.segments[inside]
        return levels, segments

    def followed_by(
        self,
        block: Block,
        computed: tuple[Floats, Integers],
        newest: Integers,
        *,
        reach: int,
        began: int = ABSENT,
    ) -> Past:
        """Past of the block after this one.

        `computed`: levels and segments of the block, periods x replicates. `newest`, `began`: as of the past, after the
        block. `reach`: periods back to which the first period after the block may link.
        """
        rows = np.concatenate([self.rows, np.arange(block.start, block.stop)])
        levels = np.concatenate([self.levels, computed[0]])
        segments = np.concatenate([self.segments, computed[1]])
        there = np.isfinite(levels).any(axis=1)
        last = rows[there].max(initial=ABSENT)
        kept = there & (rows >= min(last, block.stop - reach))
        return Past(rows[kept], levels[kept], segments[kept], newest, began)


class Continued(NamedTuple):
    """Index of a block: values and segments, periods x replicates (nan and -1 where there is none); what follows."""

    indices: Floats
    segments: Integers
    past: Past
