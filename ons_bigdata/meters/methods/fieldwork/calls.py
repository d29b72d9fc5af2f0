"""Plans of calls at dwellings, what becomes of them given who is at home, and how two plans compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.meters.methods.fieldwork.calendar import PERIODS

USUAL_SHARES = {"weekday_day": 0.5, "weekday_evening": 0.35, "weekend_day": 0.15}
"""Shares of calls as interviewers usually make them: by day and evening (17 to 21 h) of weekdays, on weekends."""
SWITCH_GAIN = 0.85
"""Factor on the chance of a period in which a call has failed, and on its neighbours: a home not met then is likely to
be out at that time again."""

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class CallPlan:
    """Calls at dwellings: `day` (number of the day of fieldwork) and `slot` (half hour), homes × calls, in order."""

    day: Integers
    slot: Integers


def usual_calls(homes: int, weekdays: Integers, calls: int, random: np.random.Generator) -> CallPlan:
    """Calls as usual: each on a day of its own, its time drawn from `USUAL_SHARES`.

    `weekdays`: ISO weekday of each day of fieldwork.
    """
    kinds = random.choice(len(USUAL_SHARES), (homes, calls), p=list(USUAL_SHARES.values()))
    begins, ends = np.array([18, 34, 18])[kinds], np.array([34, 42, 38])[kinds]
    slot = begins + np.floor(random.random((homes, calls)) * (ends - begins)).astype(np.int64)
    return CallPlan(_days_of_kinds(kinds, weekdays, random), slot)


def _days_of_kinds(kinds: Integers, weekdays: Integers, random: np.random.Generator) -> Integers:
    """A day for each call, of the right kind, one call a day, in order where the kinds allow."""
    homes, calls = kinds.shape
    order = np.argsort(random.random((homes, len(weekdays))), axis=1)
    is_weekend = weekdays[order] >= 6
    day = np.empty((homes, calls), dtype=np.int64)
    for home in range(homes):
        free = {False: list(order[home][~is_weekend[home]]), True: list(order[home][is_weekend[home]])}
        day[home] = [free[bool(kind == 2)].pop() for kind in kinds[home]]
    return day


def calendar_calls(
    areas: list[str], calendar: pl.DataFrame, weekdays: Integers, calls: int, random: np.random.Generator
) -> CallPlan:
    """Calls by the calendar: each at the best weekday and period of the area that is left.

    `areas`: of each home. `calendar`: as `contact_calendar` returns it; homes of areas without rows take those without
    area. Days are drawn among those with the weekday; periods called at before count less. A day has one call.
    """
    refuse_missing_columns(calendar, ["area", "weekday", "period", "chance"], "calendar")
    names = list(PERIODS)
    tables: dict[str | None, Floats] = {}
    for (area,), part in calendar.group_by("area"):
        table = np.zeros((7, len(names)))
        for weekday, period, chance in part.select("weekday", "period", "chance").iter_rows():
            table[weekday - 1, names.index(period)] = chance
        tables[area] = table
    day, slot = (np.empty((len(areas), calls), dtype=np.int64) for _ in range(2))
    for home, area in enumerate(areas):
        chances = tables.get(area, tables[None])[weekdays - 1].copy()
        chances += random.random(chances.shape) * 1e-6  # days of the same weekday in random order
        for call in range(calls):
            best = int(chances.argmax())
            day[home, call], period = divmod(best, len(names))
            begin, end = PERIODS[names[period]]
            slot[home, call] = random.integers(begin, end)
            chances[day[home, call]] = -1.0
            chances[:, period] *= SWITCH_GAIN
    return CallPlan(day, slot)


def outcome_of_calls(
    plan: CallPlan, is_awake: np.ndarray, answers: Floats, is_skipped: np.ndarray | None = None
) -> pl.DataFrame:
    """Calls made at each home until contact, and whether there was any.

    `is_awake`: homes × days × 48, whether somebody is at home and awake. `answers`: homes × calls, uniform draws; a
    call at which somebody is there meets them if its draw is below 0.85. `is_skipped`: homes at which nobody calls.
    Returns calls, is_contacted, is_skipped, by home.
    """
    rows = np.arange(len(plan.day))[:, None]
    order = np.argsort(plan.day, axis=1)
    day, slot = np.take_along_axis(plan.day, order, 1), np.take_along_axis(plan.slot, order, 1)
    met = is_awake[rows, day, slot] & (answers < ANSWERING_SHARE)
    skipped = np.zeros(len(met), dtype=bool) if is_skipped is None else is_skipped
    contacted = met.any(axis=1) & ~skipped
    calls = np.where(skipped, 0, np.where(contacted, met.argmax(axis=1) + 1, met.shape[1]))
    return pl.DataFrame({"calls": calls, "is_contacted": contacted, "is_skipped": skipped})


ANSWERING_SHARE = 0.85
"""Share of calls answered where somebody is at home and awake."""


def calls_per_contact(outcome: pl.DataFrame) -> float:
    """Calls made for each home contacted."""
    return float(outcome["calls"].sum()) / float(outcome["is_contacted"].sum())


def saving(usual: pl.DataFrame, planned: pl.DataFrame, draws: int, seed: int) -> tuple[float, float, float]:
    """Share of the calls per contact that a plan saves against the usual calls at the same homes.

    With the limits of the 95 % interval over homes drawn with replacement.
    """
    columns = ("calls", "is_contacted")
    first, second = (np.column_stack([frame[name].to_numpy() for name in columns]) for frame in (usual, planned))
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(first), (draws, len(first)))

    def saved(rows: np.ndarray) -> float:
        before, after = first[rows].sum(axis=0), second[rows].sum(axis=0)
        return 1 - float((after[0] / after[1]) / (before[0] / before[1]))

    low, high = np.quantile([saved(rows) for rows in drawn], [0.025, 0.975])
    return saved(np.arange(len(first))), float(low), float(high)
