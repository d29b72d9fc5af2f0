"""One pass over the sorted events of devices: nights, working days and free time of each cell, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ons_bigdata.phones.methods.anchors.encoding import DAY_S, compiled

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

NIGHT_PLACE_RATIO = 3.0
"""A place of nights has this many times the share of night time that it has of free time. A second cell that serves the
home now and then has about the same share of both."""


class Rules(NamedTuple):
    """Rules of a specification as numbers; hours are local, times in seconds."""

    night_from_s: int
    night_to_s: int
    min_events_per_night: int
    work_from_s: int
    work_to_s: int
    min_dwell_s: float
    core_from_s: int
    core_to_s: int
    evening_from_s: int
    evening_to_s: int
    max_day_s: float
    max_night_s: float
    surroundings_share: float


class Scanned(NamedTuple):
    """Counts of each device; cells are numbers, −1 for none."""

    counts: Integers
    """Columns: events, active days, observed working days, nights, home cell, home nights, nights of the next cell,
    working days at any cell, working days at the home, swapped nights."""
    work_cells: Integers
    """Workplaces of each device, by falling working days."""
    work_days: Integers
    work_dwell_s: Floats


EVENTS, ACTIVE, OBSERVED, NIGHTS, HOME, HOME_NIGHTS, NEXT_NIGHTS, WORKING, AT_HOME, SWAPPED = range(10)


@compiled
def _better(days: int, extra: float, cell: int, best_days: int, best_extra: float, best_cell: int) -> bool:
    """True if a cell comes before another: more days, then more events or time, then the smaller code."""
    if days != best_days:
        return days > best_days
    if extra != best_extra:
        return extra > best_extra
    return best_cell < 0 or cell < best_cell


@compiled
def scan_devices(  # noqa: PLR0912, PLR0915  (compiled: one pass, whose state is local variables)
    device: NDArray[np.int32],
    second: NDArray[np.int32],
    cell: NDArray[np.int32],
    sizes: tuple[int, int, int],
    is_workday: NDArray[np.bool_],
    rules: Rules,
) -> tuple[Integers, Integers, Integers, Floats]:
    """Scan sorted events; the arrays of `Scanned`.

    `sizes`: devices, cells, workplaces that are kept. `is_workday`: whether each day of the period, and the day after
    it, is a working day.
    """
    devices, cells, places = sizes
    days = is_workday.size
    counts = np.zeros((devices, 10), np.int64)
    work_cells = np.full((devices, places), -1, np.int64)
    work_days = np.zeros((devices, places), np.int64)
    work_dwell = np.zeros((devices, places))
    # of the cells of the present device
    touched = np.empty(cells, np.int32)
    is_touched = np.zeros(cells, np.bool_)
    nights = np.zeros(cells, np.int32)
    night_events = np.zeros(cells, np.int32)
    last_night = np.full(cells, -1, np.int32)
    in_night = np.zeros(cells, np.int32)
    workdays = np.zeros(cells, np.int32)
    dwell = np.zeros(cells)
    night_s = np.zeros(cells)
    free_s = np.zeros(cells)
    # of the present night and day
    core_s = np.zeros(cells)
    core_cells = np.empty(cells, np.int32)
    day_s = np.zeros(cells)
    day_cells = np.empty(cells, np.int32)
    night_place = np.full(days + 1, -1, np.int32)
    day_place = np.full(days + 1, -1, np.int32)
    row = 0
    while row < device.size:
        who = device[row]
        end = row
        while end < device.size and device[end] == who:
            end += 1
        number = 0
        core_number = 0
        day_number = 0
        core_day = -1
        work_day = -1
        last_active = -1
        last_counted_night = -1
        for place in range(days + 1):
            night_place[place] = -1
            day_place[place] = -1
        for at in range(row, end):
            where = cell[at]
            moment = second[at]
            if not is_touched[where]:
                is_touched[where] = True
                touched[number] = where
                number += 1
            day = moment // DAY_S
            of_day = moment - day * DAY_S
            if day < days - 1 and day != last_active:
                last_active = day
                counts[who, ACTIVE] += 1
                if is_workday[day]:
                    counts[who, OBSERVED] += 1
            # nights
            is_night = of_day >= rules.night_from_s or of_day < rules.night_to_s
            if is_night:
                night = day if of_day >= rules.night_from_s else day - 1
                if night >= 0:
                    if last_night[where] != night:
                        last_night[where] = night
                        in_night[where] = 0
                    in_night[where] += 1
                    night_events[where] += 1
                    if in_night[where] == rules.min_events_per_night:
                        nights[where] += 1
                        if last_counted_night != night:
                            last_counted_night = night
                            counts[who, NIGHTS] += 1
            # time that the event stands for, in the windows of the days that it touches
            half = (rules.max_night_s if is_night else rules.max_day_s) / 2.0
            before = 0.0 if at == row else min((moment - second[at - 1]) / 2.0, half)
            after = 0.0 if at == end - 1 else min((second[at + 1] - moment) / 2.0, half)
            begin = max(moment - before, 0.0)
            finish = moment + after
            for part in range(int(begin // DAY_S), int(finish // DAY_S) + 1):
                if part >= days:
                    break
                zero = part * float(DAY_S)
                span = min(finish, zero + rules.core_to_s) - max(begin, zero + rules.core_from_s)
                if span > 0:
                    if core_day != part:
                        _close_core(core_s, core_cells, core_number, core_day, night_place)
                        core_number = 0
                        core_day = part
                    if core_s[where] == 0.0:
                        core_cells[core_number] = where
                        core_number += 1
                    core_s[where] += span
                    night_s[where] += span
                span = min(finish, zero + rules.work_to_s) - max(begin, zero + rules.work_from_s)
                if span > 0:
                    if work_day != part:
                        if _close_day(
                            day_s,
                            day_cells,
                            day_number,
                            work_day,
                            day_place,
                            workdays,
                            dwell,
                            is_workday,
                            rules.min_dwell_s,
                        ):
                            counts[who, WORKING] += 1
                        day_number = 0
                        work_day = part
                    if day_s[where] == 0.0:
                        day_cells[day_number] = where
                        day_number += 1
                    day_s[where] += span
                span = min(finish, zero + rules.evening_to_s) - max(begin, zero + rules.evening_from_s)
                if span > 0:
                    free_s[where] += span
        _close_core(core_s, core_cells, core_number, core_day, night_place)
        if _close_day(
            day_s, day_cells, day_number, work_day, day_place, workdays, dwell, is_workday, rules.min_dwell_s
        ):
            counts[who, WORKING] += 1
        counts[who, EVENTS] = end - row
        home, next_nights = _home(touched, number, nights, night_events)
        counts[who, HOME] = home
        counts[who, NEXT_NIGHTS] = next_nights
        if home >= 0:
            counts[who, HOME_NIGHTS] = nights[home]
            counts[who, AT_HOME] = workdays[home]
        least = rules.surroundings_share * (nights[home] if home >= 0 else 0)
        for place in range(places):
            best = -1
            for index in range(number):
                one = touched[index]
                if workdays[one] == 0 or one == home or (home >= 0 and nights[one] >= least):
                    continue
                if _is_kept(work_cells, who, place, one):
                    continue
                if best < 0 or _better(workdays[one], dwell[one], one, workdays[best], dwell[best], best):
                    best = one
            if best >= 0:
                work_cells[who, place] = best
                work_days[who, place] = workdays[best]
                work_dwell[who, place] = dwell[best]
        counts[who, SWAPPED] = _swapped(touched, number, night_s, free_s, night_place, day_place, days)
        for index in range(number):
            one = touched[index]
            is_touched[one] = False
            nights[one] = 0
            night_events[one] = 0
            last_night[one] = -1
            in_night[one] = 0
            workdays[one] = 0
            dwell[one] = 0.0
            night_s[one] = 0.0
            free_s[one] = 0.0
        row = end
    return counts, work_cells, work_days, work_dwell


@compiled
def _is_kept(work_cells: Integers, who: int, place: int, cell: int) -> bool:
    for earlier in range(place):  # noqa: SIM110  (compiled: no generators)
        if work_cells[who, earlier] == cell:
            return True
    return False


@compiled
def _close_core(
    core_s: Floats, core_cells: NDArray[np.int32], number: int, day: int, night_place: NDArray[np.int32]
) -> None:
    """Enter the place of the night before a day, and forget its time."""
    best = -1
    for index in range(number):
        one = core_cells[index]
        if best < 0 or core_s[one] > core_s[best] or (core_s[one] == core_s[best] and one < best):
            best = one
    for index in range(number):
        core_s[core_cells[index]] = 0.0
    if day >= 0:
        night_place[day] = best


@compiled
def _close_day(  # noqa: PLR0913, PLR0917  (compiled: arrays of the present device)
    day_s: Floats,
    day_cells: NDArray[np.int32],
    number: int,
    day: int,
    day_place: NDArray[np.int32],
    workdays: NDArray[np.int32],
    dwell: Floats,
    is_workday: NDArray[np.bool_],
    min_dwell_s: float,
) -> bool:
    """Enter the daytime place of a day and its working days; return whether any cell has one."""
    best = -1
    any_cell = False
    for index in range(number):
        one = day_cells[index]
        if best < 0 or day_s[one] > day_s[best] or (day_s[one] == day_s[best] and one < best):
            best = one
        if day >= 0 and is_workday[day]:
            dwell[one] += day_s[one]
            if day_s[one] >= min_dwell_s:
                workdays[one] += 1
                any_cell = True
    for index in range(number):
        day_s[day_cells[index]] = 0.0
    if day >= 0:
        day_place[day] = best
    return any_cell


@compiled
def _home(
    touched: NDArray[np.int32], number: int, nights: NDArray[np.int32], night_events: NDArray[np.int32]
) -> tuple[int, int]:
    """Cell of most nights (−1 without any), and the nights of the next one."""
    best = -1
    for index in range(number):
        one = touched[index]
        if nights[one] and (
            best < 0 or _better(nights[one], night_events[one], one, nights[best], night_events[best], best)
        ):
            best = one
    following = 0
    for index in range(number):
        one = touched[index]
        if one != best and nights[one] > following:
            following = nights[one]
    return best, following


@compiled
def _swapped(
    touched: NDArray[np.int32],
    number: int,
    night_s: Floats,
    free_s: Floats,
    night_place: NDArray[np.int32],
    day_place: NDArray[np.int32],
    days: int,
) -> int:
    """Nights at a place of nights that is not the place of free time, with the following day at the latter."""
    rest = -1
    all_night = 0.0
    all_free = 0.0
    for index in range(number):
        one = touched[index]
        all_night += night_s[one]
        all_free += free_s[one]
        if rest < 0 or free_s[one] > free_s[rest] or (free_s[one] == free_s[rest] and one < rest):
            rest = one
    if rest < 0 or all_free == 0.0 or all_night == 0.0:
        return 0
    found = 0
    for day in range(days):
        where = night_place[day]
        if where < 0 or where == rest or day_place[day] != rest:
            continue
        if night_s[where] / all_night >= NIGHT_PLACE_RATIO * free_s[where] / all_free:
            found += 1
    return found
