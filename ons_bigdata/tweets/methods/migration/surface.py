"""The migration surface: share of users who live elsewhere, by length of the windows and of the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_repeated, refuse_unknown
from ons_bigdata.tweets.schemas.migration import SurfaceCell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TWELVE = tuple(range(1, 13))
NOWHERE = -1


def migration_surface(
    residence: pl.DataFrame | pl.LazyFrame,
    *,
    level: str = "authority",
    intervals: Sequence[int] = TWELVE,
    durations: Sequence[int] = TWELVE,
    draws: int = 200,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Share of users who live in another area after a gap, for each length of gap and of the windows before and after.

    `residence` (as `monthly_residence`): user_key, month and the column `level`; months without an area are unknown. A
    user lives in an area in a window of `duration_months` months if it is the area in each of them. A cell counts, over
    users and first months, the pairs of windows of which the second begins `interval_months` months after the last
    month of the first, and those with another area in the second.

    Returns the frame SurfaceCell, one row per gap and window, sorted: counts, the share of pairs observable and the
    share moved with a percentile interval of `draws` resamples of users (seeded). A cell for which the period is too
    short, or without an observable pair, has no share but a reason.

    Raises ValueError on missing columns, repeated months of a user, gaps or windows below 1 month, and options out of
    range.

    Source: Fiorio, Zagheni, Abel, Hill, Pestre, Letouzé, Cai, Demography 58 (2021) 51–74: migration estimates as a
    surface over observation interval and minimum duration.
    """
    refuse_unknown("level", level, ("authority", "output_area"))
    residence = eager_frame(residence, "residence")
    refuse_missing_columns(residence, ("user_key", "month", level), "residence")
    refuse_repeated(residence, ["user_key", "month"], "residence")
    if any(length < 1 for length in (*intervals, *durations)):
        message = "intervals and durations are months; expected 1 or more each"
        raise ValueError(message)
    if draws < 1 or not 0 < confidence < 1:
        message = f"draws is {draws}, confidence {confidence}; expected 1 or more, and a share between 0 and 1"
        raise ValueError(message)
    areas = _area_matrix(residence, level)
    lengths = sorted(set(durations))
    settled = _settled(areas, max(lengths, default=0))
    random = np.random.default_rng(seed)
    users = len(areas)
    shares = np.full(users, 1 / max(users, 1))
    weights = random.multinomial(users, shares, size=draws).astype(float) if users else np.zeros((draws, 0))
    cells = [
        _cell(settled[duration - 1], areas.shape[1], interval, duration, weights, confidence)
        for interval in sorted(set(intervals))
        for duration in lengths
    ]
    return SurfaceCell.validate(pl.DataFrame(cells, schema=SurfaceCell.create_empty().schema, orient="row"), cast=True)


def _area_matrix(residence: pl.DataFrame, level: str) -> NDArray[np.int32]:
    """Number of the area of each user (rows) and month (columns, without gaps); `NOWHERE` where unknown."""
    known = residence.filter(pl.col(level).is_not_null())
    if known.is_empty():
        return np.full((residence["user_key"].n_unique(), 0), NOWHERE, dtype=np.int32)
    number = known["month"].dt.year().cast(pl.Int64) * 12 + known["month"].dt.month()
    all_months = residence["month"].dt.year().cast(pl.Int64) * 12 + residence["month"].dt.month()
    first, last = int(all_months.min()), int(all_months.max())  # type: ignore[arg-type]
    users = residence["user_key"].unique().sort()
    rows = users.search_sorted(known["user_key"]).to_numpy()
    matrix = np.full((len(users), last - first + 1), NOWHERE, dtype=np.int32)
    matrix[rows, number.to_numpy() - first] = known[level].rank("dense").cast(pl.Int32).to_numpy()
    return matrix


def _settled(areas: NDArray[np.int32], longest: int) -> list[NDArray[np.int32]]:
    """Area of each user in windows of 1, 2, … months by first month; `NOWHERE` if it is not the same throughout."""
    windows = [areas]
    for duration in range(2, longest + 1):
        before = windows[-1]
        months = areas.shape[1] - duration + 1
        if months < 1:
            windows.append(areas[:, :0])
            continue
        following = areas[:, duration - 1 :]
        windows.append(np.where(before[:, :months] == following, following, NOWHERE).astype(np.int32))
    return windows


def _cell(
    settled: NDArray[np.int32],
    months: int,
    interval: int,
    duration: int,
    weights: NDArray[np.float64],
    confidence: float,
) -> tuple[int | float | str | None, ...]:
    room = months - 2 * duration - interval + 2
    if room < 1:
        return (interval, duration, 0, 0, 0, None, 0, None, None, None, "the period is too short for this cell")
    shift = duration + interval - 1
    first, second = settled[:, :room], settled[:, shift : shift + room]
    is_known = (first != NOWHERE) & (second != NOWHERE)
    is_moved = is_known & (first != second)
    known, moved = is_known.sum(axis=1), is_moved.sum(axis=1)
    starts, observable = is_known.size, int(known.sum())
    counts = (interval, duration, starts, observable, int((known > 0).sum()))
    share_observable = observable / starts if starts else None
    if not observable:
        return (*counts, share_observable, 0, None, None, None, "no user has an area in both windows")
    with np.errstate(invalid="ignore"):
        shares = (weights @ moved) / (weights @ known)
    tail = (1 - confidence) / 2
    lower, upper = np.nanquantile(shares, [tail, 1 - tail])
    return (
        *counts, share_observable, int(moved.sum()), float(moved.sum() / observable), float(lower), float(upper), None,
    )  # fmt: skip
