"""Zone of each device at each hour, the days that it spends there, and its movements between zones."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.phones.methods.anchors.encoding import compiled, encode_events

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.phones.schemas.specification import Specification

HOUR_S = 3_600
HOME_CELL_SHARE = 0.05
"""Share of a device's hours in the core of the night from which a cell serves its home."""


def hourly_zones(events: pl.DataFrame, cells: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Zone with most time of each device and local hour: the first frame of `hourly_places`."""
    return hourly_places(events, cells, spec)[0]


def hourly_places(events: pl.DataFrame, cells: pl.DataFrame, spec: Specification) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Zone, and cell, with most time of each device and local hour: device, hour (since the period began), zone (cell).

    `events`: device, at_utc (UTC), cell; all events of a device. `cells`: cell, zone. An event stands for half of the
    gap to each neighbour, capped as the specification says; hours without any such time have no row. Events at cells
    without a zone count as time elsewhere, those at cells that are not listed in both frames. Of zones or cells with
    equal time the smaller code counts. Both are sorted.
    """
    refuse_missing_columns(events, ("device", "at_utc", "cell"), "events")
    refuse_missing_columns(cells, ("cell", "zone"), "cells")
    period = spec.period
    hours = ((period.last_day - period.first_day).days + 1) * 24
    encoded = encode_events(events, period.first_day, hours * HOUR_S - 1, period.time_zone)
    listed = pl.DataFrame({"cell": encoded.cells}).join(
        cells.select("cell", "zone", known="cell"), on="cell", how="left", maintain_order="left"
    )

    def longest(place: str, names: pl.Series) -> pl.DataFrame:
        """Place with most time in each hour, of the places `names`, which are those of `listed`."""
        numbered = pl.DataFrame({place: names, "number": pl.int_range(len(names), dtype=pl.Int32, eager=True)})
        of_cell = listed.join(numbered, on=place, how="left", maintain_order="left")["number"].fill_null(-1).to_numpy()
        device, hour, number = _longest_zones(
            encoded.device,
            encoded.second,
            of_cell[encoded.cell],
            hours,
            (spec.home.from_hour * HOUR_S, spec.home.to_hour * HOUR_S),
            (spec.dwell.max_day_minutes * 30.0, spec.dwell.max_night_minutes * 30.0),
            max(1, len(names)),
        )
        found = names.gather(pl.Series(number)) if len(names) else pl.Series([], dtype=pl.String)
        return pl.DataFrame({"device": encoded.devices.gather(pl.Series(device)), "hour": hour, place: found})

    zones, known = longest("zone", cells["zone"].drop_nulls().unique().sort()), longest("known", cells["cell"].sort())
    return zones, known.rename({"known": "cell"})


@compiled
def _longest_zones(  # noqa: PLR0915  (compiled: one pass, whose state is local variables)
    device: NDArray[np.int32],
    second: NDArray[np.int32],
    zone: NDArray[np.int32],
    hours: int,
    night: tuple[int, int],
    halves: tuple[float, float],
    zones: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Device, hour and zone of the longest stay in each hour, of sorted events; zone −1 is elsewhere.

    `night`: seconds of the day from which and to which the longer cap holds; `halves`: half of the caps by day, night.
    """
    begin = np.empty(device.size)
    end = np.empty(device.size)
    most = 0
    for at in range(device.size):
        moment = float(second[at])
        of_day = second[at] % 86_400
        half = halves[1] if of_day >= night[0] or of_day < night[1] else halves[0]
        is_first = at == 0 or device[at] != device[at - 1]
        is_last = at + 1 == device.size or device[at + 1] != device[at]
        begin[at] = moment if is_first else moment - min((moment - second[at - 1]) / 2.0, half)
        end[at] = moment if is_last else moment + min((second[at + 1] - moment) / 2.0, half)
        most += int(end[at] // 3_600.0) - int(begin[at] // 3_600.0) + 1
    out_device = np.empty(most, np.int32)
    out_hour = np.empty(most, np.int32)
    out_zone = np.empty(most, np.int32)
    number = 0
    spent = np.zeros(zones)
    touched = np.empty(zones, np.int32)
    count = 0
    now = -1
    for at in range(device.size):
        if at > 0 and device[at] != device[at - 1]:
            if count > 0:
                out_device[number], out_hour[number] = device[at - 1], now
                out_zone[number] = _longest(spent, touched, count)
                number += 1
                count = 0
            now = -1
        where = zone[at]
        if where < 0:
            continue
        start = begin[at]
        while start < end[at]:
            hour = int(start // 3_600.0)
            if hour >= hours:
                break
            stop = min(end[at], (hour + 1) * 3_600.0)
            if hour != now:
                if count > 0:
                    out_device[number], out_hour[number] = device[at], now
                    out_zone[number] = _longest(spent, touched, count)
                    number += 1
                    count = 0
                now = hour
            if spent[where] == 0.0:
                touched[count] = where
                count += 1
            spent[where] += stop - start
            start = stop
    if count > 0:
        out_device[number], out_hour[number] = device[-1], now
        out_zone[number] = _longest(spent, touched, count)
        number += 1
    return out_device[:number].copy(), out_hour[:number].copy(), out_zone[:number].copy()


@compiled
def _longest(spent: NDArray[np.float64], touched: NDArray[np.int32], count: int) -> int:
    """Zone with most time, of equal ones the smaller number; forget the times."""
    best = touched[0]
    for place in range(1, count):
        one = touched[place]
        if spent[one] > spent[best] or (spent[one] == spent[best] and one < best):
            best = one
    for place in range(count):
        spent[touched[place]] = 0.0
    return best


def with_day_types(hourly: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Hours with day (Int32, of the period), hour of the day (Int16) and day_type in the place of the running hour."""
    days = (spec.period.last_day - spec.period.first_day).days + 1
    dates = [spec.period.first_day + timedelta(days=day) for day in range(days)]
    excluded = set(spec.period.excluded_days)
    types = pl.Series(
        ["weekday" if day.isoweekday() in spec.work.weekdays and day not in excluded else "free_day" for day in dates]
    )
    day = hourly["hour"] // 24
    return hourly.with_columns(
        day=day, hour=(pl.col("hour") % 24).cast(pl.Int16), day_type=types.gather(day.cast(pl.UInt32))
    )


def days_by_cell(
    hourly: pl.DataFrame, anchors: pl.DataFrame, footprints: pl.DataFrame, spec: Specification
) -> pl.DataFrame:
    """Days of each device at each cell by kind of day and hour.

    `hourly`: device, hour, cell as of `hourly_places`; `anchors`: device, home; `footprints`: cell, area. Returns
    device, day_type, hour (0–23), cell, is_home, days, observed_days (on which the cell is known at this hour),
    sorted. Cells of the home are the device's home and those with HOME_CELL_SHARE of its hours in the core of the
    night or more that serve an area of the home: not those of a journey.
    """
    typed = with_day_types(hourly, spec)
    key = ["device", "day_type", "hour"]
    rule = spec.shift_workers
    night = typed.filter(pl.col("hour").is_between(rule.core_from_hour, rule.core_to_hour - 1))
    shares = (
        night.group_by("device", "cell").len().with_columns(share=pl.col("len") / pl.col("len").sum().over("device"))
    )
    often = shares.filter(pl.col("share") >= HOME_CELL_SHARE).join(anchors.select("device", "home"), on="device")
    near = often.join(footprints.select("area", home="cell"), on="home").join(
        footprints.select("cell", "area"), on=["cell", "area"], how="semi"
    )
    serving = near.select("device", "cell", serves_home=pl.lit(value=True)).unique()
    counts = typed.group_by(*key, "cell").agg(days=pl.len().cast(pl.Int16))
    placed = counts.join(serving, on=["device", "cell"], how="left").join(
        anchors.select("device", "home"), on="device", how="left"
    )
    is_home = pl.col("serves_home").fill_null(value=False) | (pl.col("cell") == pl.col("home")).fill_null(value=False)
    return (
        placed.with_columns(is_home=is_home, observed_days=pl.col("days").sum().over(key).cast(pl.Int16))
        .select(*key, "cell", "is_home", "days", "observed_days")
        .sort(*key, "cell")
    )


def movements(hourly: pl.DataFrame, anchors: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Changes of zone from one hour to the next by device, kind of day, hour of arrival, pair of zones and purpose.

    `hourly` as of `hourly_zones`; a gap of an hour ends a sequence. `anchors`: device, home_zone, work_zone (null
    without). Purpose: to_work into the zone of work where it is not that of the home, to_home into that of the home,
    from_home out of it, else other. Returns device, day_type, hour, origin, destination, purpose, trips, sorted.
    """
    steps = (
        hourly.sort("device", "hour")
        .with_columns(origin=pl.col("zone").shift())
        .filter(
            (pl.col("device") == pl.col("device").shift())
            & (pl.col("hour") - pl.col("hour").shift() == 1)
            & (pl.col("zone") != pl.col("origin"))
        )
        .rename({"zone": "destination"})
        .join(anchors.select("device", "home_zone", "work_zone"), on="device", how="left")
    )

    def at(side: str, place: str) -> pl.Expr:
        return (pl.col(side) == pl.col(place)).fill_null(value=False)

    purpose = (
        pl.when(at("destination", "work_zone") & ~at("destination", "home_zone"))
        .then(pl.lit("to_work"))
        .when(at("destination", "home_zone"))
        .then(pl.lit("to_home"))
        .when(at("origin", "home_zone"))
        .then(pl.lit("from_home"))
        .otherwise(pl.lit("other"))
    )
    key = ["device", "day_type", "hour", "origin", "destination", "purpose"]
    typed = with_day_types(steps.with_columns(purpose=purpose), spec)
    return typed.group_by(key).agg(trips=pl.len().cast(pl.Int16)).sort(key)
