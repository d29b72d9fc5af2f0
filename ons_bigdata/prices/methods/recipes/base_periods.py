"""Base weeks by rhythm of collection, and the connected parts of the retailers, each with a base of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import (
    eager_frame,
    instance_of,
    refuse_missing_columns,
    refuse_unknown,
)
from ons_bigdata.prices.schemas.vocabulary import DAILY, RHYTHMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.panels import Week

    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ConnectedPart:
    """Retailers that common periods connect, directly or through others; their indices have one base.

    `retailers`: mask. `first`, `last`: rows of the first and the last calendar day with a quote. `week`: base week,
    None where there is none.
    """

    retailers: Booleans
    first: int
    last: int
    week: Week | None


def first_complete_week(days: pl.Series) -> Week | None:
    """First Monday to Sunday all of whose days occur in `days` (dates, any order, repeats allowed).

    None where there is no such week. Raises ValueError if `days` holds no dates or a null.
    """
    instance_of("days", days, pl.Series)
    if days.dtype != pl.Date or days.null_count() > 0:
        message = f"days: found {days.dtype} with {days.null_count()} nulls, expected Date without nulls"
        raise ValueError(message)
    return _first_whole_week(days.unique().to_list())


def base_weeks(quotes: pl.DataFrame, rhythms: Mapping[str, str] | None = None) -> dict[str, Week | None]:
    """Find the base week of each data origin, None where it has none.

    The first Monday to Sunday with all collections that are expected of the rhythm of some retailer: quotes on every
    day, whichever retailer they are of, or any quote of a retailer that is collected weekly or monthly.

    `quotes`: columns `data_origin`, `collected_on` and, with `rhythms`, `retailer`. `rhythms`: rhythm of collection of
    retailers; those not in it are collected daily. Raises ValueError on an unknown rhythm; lists the known ones.
    """
    known = checked_rhythms(rhythms)
    quotes = eager_frame(quotes)
    refuse_missing_columns(quotes, ("data_origin", "collected_on", *(["retailer"] if known else [])), "quotes")
    sparse = pl.col("retailer").is_in([*_sparse(known)]) if known else pl.lit(value=False)
    days = quotes.select("data_origin", "collected_on", sparse=sparse).unique().sort("data_origin", "collected_on")
    return {
        str(origin): _base_week(rows["collected_on"], rows.filter("sparse")["collected_on"])
        for (origin,), rows in days.partition_by("data_origin", as_dict=True).items()
    }


def checked_rhythms(rhythms: Mapping[str, str] | None) -> dict[str, str]:
    """Rhythms by retailer. Raises ValueError on an unknown one; lists the known ones."""
    if rhythms is not None and not isinstance(rhythms, Mapping):
        message = f"rhythms: found {type(rhythms).__name__}, expected a mapping of retailers to rhythms"
        raise ValueError(message)
    known = dict(rhythms or {})
    for rhythm in known.values():
        refuse_unknown("rhythm", rhythm, RHYTHMS)
    return known


def connected_parts(
    present: Booleans,
    days: Sequence[date],
    period_of: Integers,
    week: Week | None,
    *,
    sparse: Booleans,
    base_is_first_period: bool,
) -> list[ConnectedPart]:
    """Connected parts of the retailers, the part of the base week first, the rest in the order of their base weeks.

    Two retailers are connected where both have quotes in one period, or in the base week. `present`: retailers x days,
    mask of days with quotes. `period_of`: period of each day, -1 for a day that does not count. `week`: base week of
    all retailers together; that of the later parts is found as by `base_weeks`. `sparse`: mask of retailers collected
    weekly or monthly. `base_is_first_period`: the base is the first period of a part, not a week. Retailers without a
    quote in any period are of no part. A part without a base week holds all retailers that are left.
    """
    counted = period_of >= 0
    by_period = np.zeros((len(present), int(period_of.max(initial=-1)) + 1), dtype=np.bool_)
    for retailer, row in enumerate(present):
        by_period[retailer, period_of[row & counted]] = True
    left = np.any(by_period, axis=1)
    parts: list[ConnectedPart] = []
    while left.any():
        if parts:
            on_day = np.any(present & left[:, None], axis=0)
            on_sparse_day = np.any(present & (left & sparse)[:, None], axis=0)
            week = _base_week(_series(days, on_day), _series(days, on_sparse_day))
        if base_is_first_period:
            seeds = left & by_period[:, np.any(by_period[left], axis=0).argmax()]
        else:
            in_week = np.array([week is not None and week[0] <= day <= week[1] for day in days], dtype=np.bool_)
            seeds = left & np.any(present & in_week & counted, axis=1)
        members = _closure(seeds if seeds.any() else left, by_period)
        rows = np.flatnonzero(np.any(present[members], axis=0))
        parts.append(ConnectedPart(members, int(rows[0]), int(rows[-1]), week))
        left = left & ~members
    return parts


def _closure(seeds: Booleans, by_period: Booleans) -> Booleans:
    """Retailers connected to the seeds by common periods."""
    members = seeds
    while True:
        wider = members | np.any(by_period[:, np.any(by_period[members], axis=0)], axis=1)
        if wider.sum() == members.sum():
            return members
        members = wider


def _base_week(days: pl.Series, sparse_days: pl.Series) -> Week | None:
    """First complete week, or the week of the first day of a retailer collected weekly or monthly, if that is first."""
    whole = first_complete_week(days)
    if sparse_days.is_empty():
        return whole
    first = min(sparse_days.to_list())
    monday = first - timedelta(days=first.weekday())
    return min([week for week in (whole, (monday, monday + timedelta(days=6))) if week is not None])


def _first_whole_week(days: Iterable[date]) -> Week | None:
    present = set(days)
    mondays = sorted(day for day in present if day.weekday() == 0)
    complete = (day for day in mondays if all(day + timedelta(days=n) in present for n in range(7)))
    monday = next(complete, None)
    return None if monday is None else (monday, monday + timedelta(days=6))


def _sparse(rhythms: Mapping[str, str]) -> list[str]:
    return [retailer for retailer, rhythm in rhythms.items() if rhythm != DAILY]


def _series(days: Sequence[date], chosen: Booleans) -> pl.Series:
    return pl.Series([day for day, there in zip(days, chosen.tolist(), strict=True) if there], dtype=pl.Date)
