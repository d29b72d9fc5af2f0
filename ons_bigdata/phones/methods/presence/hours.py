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


def hourly_zones(events: pl.DataFrame, cells: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Zone with most time of each device and local hour: device, hour (since the period began), zone; sorted.

    `events`: device, at_utc (UTC), cell; all events of a device. `cells`: cell, zone. An event stands for half of the
    gap to each neighbour, capped as the specification says; hours without any such time have no row. Events at cells
    without a zone count as time elsewhere. Of zones with equal time the smaller code counts.
    """
    refuse_missing_columns(events, ("device", "at_utc", "cell"), "events")
    refuse_missing_columns(cells, ("cell", "zone"), "cells")
    period = spec.period
    hours = ((period.last_day - period.first_day).days + 1) * 24
    encoded = encode_events(events, period.first_day, hours * HOUR_S - 1, period.time_zone)
    zones = cells["zone"].drop_nulls().unique().sort()
    numbered = pl.DataFrame({"zone": zones, "number": pl.int_range(len(zones), dtype=pl.Int32, eager=True)})
    of_cell = (
        pl.DataFrame({"cell": encoded.cells})
        .join(cells.select("cell", "zone"), on="cell", how="left", maintain_order="left")
        .join(numbered, on="zone", how="left", maintain_order="left")["number"]
        .fill_null(-1)
        .to_numpy()
    )
    device, hour, zone = _longest_zones(
        encoded.device,
        encoded.second,
        of_cell[encoded.cell],
        hours,
        (spec.home.from_hour * HOUR_S, spec.home.to_hour * HOUR_S),
        (spec.dwell.max_day_minutes * 30.0, spec.dwell.max_night_minutes * 30.0),
        max(1, len(zones)),
    )
    return pl.DataFrame(
        {
            "device": encoded.devices.gather(pl.Series(device)),
            "hour": hour,
            "zone": zones.gather(pl.Series(zone)) if len(zones) else pl.Series([], dtype=pl.String),
        }
    )


@compiled
def _longest_zones(
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
    out_device = np.empty(1024, np.int32)
    out_hour = np.empty(1024, np.int32)
    out_zone = np.empty(1024, np.int32)
    number = 0
    spent = np.zeros(zones)
    touched = np.empty(zones, np.int32)
    count = 0
    now = -1
    for at in range(device.size + 1):
        is_end = at == device.size
        is_first = not is_end and (at == 0 or device[at] != device[at - 1])
        if (is_end or is_first) and count > 0:
            out_device, out_hour, out_zone, number = _flush(
                out_device, out_hour, out_zone, number, device[at - 1], now, spent, touched, count
            )
            count = 0
        if is_end:
            break
        if is_first:
            now = -1
        moment = float(second[at])
        of_day = second[at] % 86_400
        half = halves[1] if of_day >= night[0] or of_day < night[1] else halves[0]
        is_last = at + 1 == device.size or device[at + 1] != device[at]
        begin = moment if is_first else moment - min((moment - second[at - 1]) / 2.0, half)
        end = moment if is_last else moment + min((second[at + 1] - moment) / 2.0, half)
        if zone[at] < 0:
            continue
        while begin < end:
            hour = int(begin // 3_600.0)
            if hour >= hours:
                break
            stop = min(end, (hour + 1) * 3_600.0)
            if hour != now:
                if count > 0:
                    out_device, out_hour, out_zone, number = _flush(
                        out_device, out_hour, out_zone, number, device[at], now, spent, touched, count
                    )
                    count = 0
                now = hour
            if spent[zone[at]] == 0.0:
                touched[count] = zone[at]
                count += 1
            spent[zone[at]] += stop - begin
            begin = stop
    return out_device[:number].copy(), out_hour[:number].copy(), out_zone[:number].copy()


@compiled
def _flush(  # noqa: PLR0913, PLR0917  (compiled: arrays of the present hour)
    out_device: NDArray[np.int32],
    out_hour: NDArray[np.int32],
    out_zone: NDArray[np.int32],
    number: int,
    device: int,
    hour: int,
    spent: NDArray[np.float64],
    touched: NDArray[np.int32],
    count: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], int]:
    """Enter the zone with most time of an hour, and forget its times; the arrays grow where they are full."""
    if number == out_device.size:
        larger = 2 * number
        grown = np.empty(larger, np.int32), np.empty(larger, np.int32), np.empty(larger, np.int32)
        grown[0][:number], grown[1][:number], grown[2][:number] = out_device, out_hour, out_zone
        out_device, out_hour, out_zone = grown
    best = touched[0]
    for place in range(1, count):
        one = touched[place]
        if spent[one] > spent[best] or (spent[one] == spent[best] and one < best):
            best = one
    for place in range(count):
        spent[touched[place]] = 0.0
    out_device[number], out_hour[number], out_zone[number] = device, hour, best
    return out_device, out_hour, out_zone, number + 1


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


def days_by_zone(hourly: pl.DataFrame, spec: Specification) -> pl.DataFrame:
    """Days of each device in each zone by kind of day and hour.

    `hourly` as of `hourly_zones`. Returns device, day_type, hour (0–23), zone, days, observed_days (on which the zone
    is known at this hour), sorted.
    """
    typed = with_day_types(hourly, spec)
    key = ["device", "day_type", "hour"]
    counts = typed.group_by(*key, "zone").agg(days=pl.len().cast(pl.Int16))
    return counts.with_columns(observed_days=pl.col("days").sum().over(key).cast(pl.Int16)).sort(*key, "zone")


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
