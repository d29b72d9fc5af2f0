"""Zones of devices by hour: an example by hand, a slow oracle, and movements with their purpose."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.phones.methods.presence.bucket import follow_devices
from ons_bigdata.phones.methods.presence.hours import days_by_cell, hourly_places, hourly_zones, movements
from tests.phones.methods.device_days import DAYS, FIRST, LONDON, SPEC, at, frame, is_weekend, regular_worker

CELLS = pl.DataFrame({"cell": ["h", "w", "x", "nowhere"], "zone": ["Z1", "Z2", "Z1", None]})


AREAS = pl.DataFrame({"cell": ["h", "x", "w"], "area": ["Z1", "Z1", "Z2"]})


def test_hours_to_follow_by_hand() -> None:
    # caps of the specification: 2 h by day, so that an event reaches one hour to each side
    events = frame([(1, at(0, 10), "h"), (1, at(0, 10.5), "w"), (1, at(0, 14), "x"), (1, at(0, 15.5), "nowhere")])
    assert hourly_zones(events, CELLS, SPEC).rows() == [
        (1, 10, "Z2"),  # 15 minutes at h, 45 at w
        (1, 11, "Z2"),  # to 11.30
        (1, 13, "Z1"),  # an hour before the event at 14
        (1, 14, "Z1"),  # to 14.45, half of the gap to nowhere
    ]


def test_an_hour_that_zones_share_evenly_is_that_of_the_smaller_code() -> None:
    even = frame([(1, at(0, 9.75), "w"), (1, at(0, 10.25), "w"), (1, at(0, 10.75), "h"), (1, at(0, 11.25), "h")])
    assert hourly_zones(even, CELLS, SPEC).filter(pl.col("hour") == 10)["zone"].to_list() == ["Z1"]


def slow_hourly_zones(events: pl.DataFrame) -> list[tuple[int, int, str]]:
    """Zones by hour in seconds counted one by one, for few events."""
    spent: dict[tuple[int, int, str], float] = {}
    zone_of = dict(CELLS.iter_rows())
    start = at(0, 0)
    for device in events["device"].unique().to_list():
        rows = events.filter(pl.col("device") == device).select("at_utc", "cell").unique().sort("at_utc", "cell").rows()
        seconds = [round((time - start).total_seconds()) for time, _ in rows]
        for place, (moment, (_, cell)) in enumerate(zip(seconds, rows, strict=True)):
            hour = moment % 86_400 // 3_600
            half = (8 if hour >= 20 or hour < 7 else 2) * 1_800
            before = 0.0 if place == 0 else min((moment - seconds[place - 1]) / 2, half)
            after = 0.0 if place == len(rows) - 1 else min((seconds[place + 1] - moment) / 2, half)
            if zone_of[cell] is None:
                continue
            half_second = 2 * (moment - before), 2 * (moment + after)
            for step in range(int(half_second[0]), int(half_second[1])):
                key = (device, step // 7_200, zone_of[cell])
                spent[key] = spent.get(key, 0.0) + 0.5
    best: dict[tuple[int, int], tuple[float, str]] = {}
    for (device, hour, zone), time in sorted(spent.items()):
        if time > best.get((device, hour), (0.0, ""))[0]:
            best[device, hour] = (time, zone)
    return [(device, hour, zone) for (device, hour), (_, zone) in sorted(best.items())]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.integers(0, 2 * 86_400), st.sampled_from(["h", "w", "x", "nowhere"])),
        min_size=1,
        max_size=8,
    )
)
def test_hours_are_those_of_a_slow_count(rows: list[tuple[int, int, str]]) -> None:
    events = frame([(device, at(1, 0) + timedelta(seconds=second), cell) for device, second, cell in rows])
    assert hourly_zones(events, CELLS, SPEC).rows() == slow_hourly_zones(events)


def test_days_and_movements_of_a_regular_worker() -> None:
    hourly, hourly_cells = hourly_places(frame(regular_worker(1)), CELLS, SPEC)
    days = days_by_cell(hourly_cells, pl.DataFrame({"device": [1], "home": ["h"]}), AREAS, SPEC)
    workdays = sum(not is_weekend(day) for day in range(DAYS))
    noon = days.filter((pl.col("hour") == 12) & (pl.col("day_type") == "weekday"))
    assert noon.select("cell", "is_home", "days", "observed_days").rows() == [("w", False, workdays, workdays)]
    assert days.filter(pl.col("hour") == 3).select("cell", "is_home").unique().rows() == [("h", True)]
    anchors = pl.DataFrame({"device": [1], "home_zone": ["Z1"], "work_zone": ["Z2"]})
    moved = movements(hourly, anchors, SPEC)
    assert moved.select("day_type", "purpose", "origin", "destination").unique().sort("purpose").rows() == [
        ("weekday", "to_home", "Z2", "Z1"),
        ("weekday", "to_work", "Z1", "Z2"),
    ]
    assert moved.filter(pl.col("purpose") == "to_work")["trips"].sum() <= workdays
    nobody = anchors.with_columns(home_zone=pl.lit(None, pl.String), work_zone=pl.lit(None, pl.String))
    assert movements(hourly, nobody, SPEC)["purpose"].unique().to_list() == ["other"]


def test_a_cell_that_serves_the_home_by_night_is_of_the_home() -> None:
    """Of 25 nights the device is at x in two (8 %), which is near its home, and at w, which is elsewhere, in two."""
    nights = [(1, at(day, 2), "x" if day < 2 else "w" if day < 4 else "h") for day in range(25)]
    _, hourly = hourly_places(frame([*nights, (1, at(3, 12), "x"), (1, at(3, 15), "w")]), CELLS, SPEC)
    days = days_by_cell(hourly, pl.DataFrame({"device": [1], "home": ["h"]}), AREAS, SPEC)
    assert days.select("cell", "is_home").unique().sort("cell").rows() == [("h", True), ("w", False), ("x", True)]


def test_a_change_of_zone_over_a_gap_is_no_movement() -> None:
    hourly = pl.DataFrame(
        {"device": [1, 1, 1, 2], "hour": pl.Series([8, 9, 11, 12], dtype=pl.Int32), "zone": ["Z1", "Z2", "Z1", "Z2"]}
    )
    anchors = pl.DataFrame({"device": [1], "home_zone": ["Z1"], "work_zone": ["Z2"]})
    assert movements(hourly, anchors, SPEC).select("device", "hour", "purpose", "trips").rows() == [
        (1, 9, "to_work", 1)
    ]


def test_a_bucket_leaves_out_roamers_and_other_operators() -> None:
    events = pl.concat([frame(regular_worker(device)) for device in (1, 2, 3, 4)]).rename({"device": "device_key"})
    labelled = events.with_columns(
        data_origin=pl.lit("real"),
        provider=pl.when(pl.col("device_key") == 2).then(pl.lit("beta")).otherwise(pl.lit("alpha")),
        home_mcc=pl.when(pl.col("device_key") == 3).then(208).when(pl.col("device_key") == 4).then(234).cast(pl.Int16),
    )
    month = {
        "data_origin": "real",
        "provider": "alpha",
        "spec_id": SPEC.spec_id,
        "specification": SPEC.model_dump(mode="json"),
        "cells": dict(CELLS.iter_rows()),
        "ground": {},
        "zone_shares": {},
    }
    made = follow_devices(labelled, {"months": [month]})
    assert made["anchors"].select("device_key", "home", "work", "home_zone", "work_zone", "month").rows() == [
        (1, "h", "w", "Z1", "Z2", FIRST),
        (4, "h", "w", "Z1", "Z2", FIRST),
    ]
    assert made["presence"]["device_key"].unique().sort().to_list() == [1, 4]
    assert made["movements"]["device_key"].unique().sort().to_list() == [1, 4]
    assert follow_devices(labelled, {"months": []})["anchors"].is_empty()
    assert LONDON.key == SPEC.period.time_zone
