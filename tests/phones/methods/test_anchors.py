"""Homes and workplaces: made-up days first, then properties that hold for all events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.phones.methods.anchors import count_faults, home_and_work
from ons_bigdata.phones.schemas.specification import Specification
from tests.phones.methods.device_days import (
    DAYS,
    SCHEMA,
    SPEC,
    at,
    at_home,
    frame,
    is_weekend,
    night_worker,
    regular_worker,
    rotating_worker,
)


def only(events: list[tuple[int, datetime, str]], **arguments: object) -> dict[str, object]:
    """Return the row of the only device."""
    result = home_and_work(frame(events), SPEC, **arguments)  # type: ignore[arg-type]
    assert result.height == 1
    return result.row(0, named=True)


def test_a_regular_worker() -> None:
    row = only(regular_worker(7))
    assert (row["device"], row["home"], row["work"], row["workplaces"], row["status"]) == (7, "h", "w", ["w"], "worker")
    assert (row["home_nights"], row["nights"], row["home_share"]) == (28, 28, 1.0)
    assert (row["work_days"], row["days_per_week"], row["active_days"]) == (20, 5.0, 28)
    assert row["work_hours"] == pytest.approx(20 * 8.0)  # halves of the gaps, at most an hour: more than 9 to 17 h
    assert not row["shift_candidate"] and not row["is_part_time"]


def test_a_night_worker_is_flagged_and_not_exchanged() -> None:
    row = only(night_worker(1))
    assert row["shift_candidate"]
    assert row["swapped_nights"] == 16
    assert row["home"] == "h" or row["home"] == "w"


def test_a_rotating_worker_is_flagged_although_early_shifts_fall_on_weekends() -> None:
    """Nights from Friday to Monday in every other week, early shifts on the same days in the others."""
    row = only(rotating_worker(1))
    assert row["shift_candidate"]
    assert (row["home"], row["swapped_nights"]) == ("h", 6)  # the day after Sunday night is an early shift


def test_a_second_cell_of_the_home_makes_no_nights_away() -> None:
    """It serves one evening in five and two nights in five: twice the share, as chance gives with few events."""
    events = [(1, at(day, 12), "h") for day in range(DAYS)]
    events += [(1, at(day, 18.5), "b" if day % 5 == 0 else "h") for day in range(DAYS)]
    events += [(1, at(day, 26), "b" if day % 5 in {1, 3} else "h") for day in range(DAYS)]
    row = only(events)
    assert (row["swapped_nights"], row["shift_candidate"]) == (0, False)


def test_who_stays_at_home_has_no_workplace() -> None:
    row = only(at_home(1))
    assert (row["home"], row["work"], row["work_reason"], row["status"]) == (
        "h",
        None,
        "at_home",
        "home_or_near_worker",
    )


def test_a_part_time_worker_of_two_days_a_week() -> None:
    events = [
        (device, moment, "h" if cell == "w" and (moment.weekday() not in {1, 3}) else cell)
        for device, moment, cell in regular_worker(1)
    ]
    row = only(events)
    assert (row["work"], row["days_per_week"], row["is_part_time"], row["status"]) == ("w", 2.0, True, "worker")


def test_two_workplaces_are_listed_by_their_days() -> None:
    events = [
        (device, moment, "v" if cell == "w" and moment.weekday() in {0, 4} else cell)
        for device, moment, cell in regular_worker(1)
    ]
    assert only(events)["workplaces"] == ["w", "v"]


@pytest.mark.parametrize(
    ("events", "home_reason", "work_reason"),
    [
        ([(1, at(day, 22), "h") for day in range(5)], "few_active_days", "few_active_days"),
        ([(1, at(day, 12), "h") for day in range(DAYS)], "few_nights", "no_home"),
        ([(1, at(day, 22), "abcdefgh"[day % 7]) for day in range(DAYS)], "ambiguous", "no_home"),
    ],
    ids=["days", "nights", "ambiguous"],
)
def test_too_little_evidence_is_null_with_a_reason(
    events: list[tuple[int, datetime, str]], home_reason: str, work_reason: str
) -> None:
    row = only(events)
    assert (row["home"], row["work"], row["status"]) == (None, None, "unknown")
    assert (row["home_reason"], row["work_reason"]) == (home_reason, work_reason)


def test_ties_go_to_more_events_then_to_the_smaller_code() -> None:
    same = [(1, at(day, hour), cell) for day in range(DAYS) for hour, cell in ((21, "b"), (22, "a"))]
    assert only(same)["home"] == "a"
    assert only([*same, (1, at(3, 23), "b")])["home"] == "b"


def test_the_night_belongs_to_the_date_on_which_it_begins() -> None:
    """Events at 23 h and at 1 h of the next day are one night; the first early morning is no night of the period."""
    nights = [(1, at(day, hour), "h") for day in range(0, 24, 2) for hour in (23, 25)]
    assert only([(1, at(0, 1), "h"), *nights])["nights"] == 12


def test_local_time_is_summer_time_after_its_beginning() -> None:
    """19:30 UTC is no night in winter, and 20:30 local time on 28 March."""
    winter = [(1, datetime(2021, 3, day, 19, 30, tzinfo=UTC), "h") for day in range(1, 28)]
    assert only(winter)["nights"] == 0
    assert only([*winter, (1, datetime(2021, 3, 28, 19, 30, tzinfo=UTC), "h")])["nights"] == 1


def test_a_second_cell_of_the_home_is_no_workplace() -> None:
    """A non-worker whose phone is served by two cells at home."""
    events = [
        (1, at(day, hour), "ab"[(day + n) % 2]) for day in range(DAYS) for n, hour in enumerate((1, 6, 9, 13, 17, 21))
    ]
    row = only(events)
    assert (row["home"], row["work"]) == ("b", None) or (row["home"], row["work"]) == ("a", None)


def test_zones_and_students() -> None:
    cells = pl.DataFrame(
        {
            "cell": ["h", "w"],
            "zone": ["E02000001", "E02000002"],
            "education_share": [0.0, 0.8],
            "share_aged_16_24": [0.1, 0.7],
        }
    )
    student = only(regular_worker(1), cells=cells)
    assert (student["home_zone"], student["work_zone"], student["status"]) == ("E02000001", "E02000002", "student")
    near = only(regular_worker(1), cells=cells.drop("education_share").with_columns(zone=pl.lit("E02000001")))
    assert near["status"] == "home_or_near_worker"
    unknown = only([*regular_worker(1), (1, at(3, 2), "x")], cells=cells)
    assert unknown["events"] == student["events"]


def test_faults_of_events_are_counted() -> None:
    cells = pl.DataFrame({"cell": ["h", "w"], "easting_m": [0.0, 20_000.0], "northing_m": [0.0, 0.0]})
    rows = [
        (1, at(1, 1), "h"),
        (1, at(1, 1), "h"),
        (1, at(1, 1), "w"),
        (1, at(1, 1) + timedelta(seconds=60), "h"),
        (1, at(-3, 1), "h"),
        (1, at(2, 1), "x"),
        (None, at(2, 1), "h"),
        (1, None, "h"),
        (1, at(2, 1), None),
    ]
    counts = count_faults(pl.DataFrame(rows, schema=SCHEMA, orient="row"), SPEC, cells=cells)
    assert dict(counts.iter_rows()) == {
        "no_device": 1,
        "no_time": 1,
        "no_cell": 1,
        "out_of_period": 1,
        "unknown_cell": 1,
        "duplicate": 1,
        "duplicate_elsewhere": 1,
        "fast": 2,
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda events: events.drop("cell"), "cell"),
        (lambda events: events.with_columns(pl.col("at_utc").dt.replace_time_zone(None)), "time zone UTC"),
    ],
    ids=["column", "zone"],
)
def test_wrong_frames_are_refused(change: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        home_and_work(change(frame(regular_worker(1))), SPEC)  # type: ignore[operator]


def test_no_event_gives_no_row() -> None:
    assert home_and_work(frame([]), SPEC).height == 0


EVENTS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, DAYS * 24 * 60 - 1), st.sampled_from("abcd")), min_size=1, max_size=150
)
EASY = Specification.model_validate(
    {
        **SPEC.model_dump(),
        "devices": {**SPEC.devices.model_dump(), "min_active_days": 1},
        "home": {**SPEC.home.model_dump(), "min_nights": 1, "min_share": 0.2},
        "work": {**SPEC.work.model_dump(), "min_days_per_week": 0.1, "min_share": 0.01, "min_dwell_hours": 0.5},
    }
)


def drawn(events: list[tuple[int, int, str]]) -> pl.DataFrame:
    return frame([(device, at(0, minute / 60), cell) for device, minute, cell in events])


@given(EVENTS, st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_the_order_of_rows_and_repeated_rows_do_not_matter(events: list[tuple[int, int, str]], random: object) -> None:
    shuffled = [*events, *events[:5]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert_frame_equal(home_and_work(drawn(events), EASY), home_and_work(drawn(shuffled), EASY))


@given(EVENTS)
@settings(max_examples=15)
def test_buckets_and_other_names_of_devices_do_not_matter(events: list[tuple[int, int, str]]) -> None:
    whole = home_and_work(drawn(events), EASY)
    buckets = [home_and_work(drawn(events).filter(pl.col("device") == device), EASY) for device in (1, 2, 3)]
    assert_frame_equal(pl.concat(buckets), whole)
    renamed = home_and_work(drawn(events).with_columns(pl.col("device") * -1_000_003), EASY)
    back = renamed.with_columns((pl.col("device") // -1_000_003).alias("device")).sort("device")
    assert_frame_equal(back, whole)


@given(EVENTS, st.integers(0, DAYS - 1), st.sampled_from([20.5, 23.0, 25.0, 30.5]))
@settings(max_examples=20)
def test_more_nights_at_the_home_do_not_change_it(events: list[tuple[int, int, str]], day: int, hour: float) -> None:
    before = home_and_work(drawn(events), EASY)
    more = before.filter(pl.col("home").is_not_null()).select(
        "device", pl.lit(at(day, hour)).dt.cast_time_unit("us").alias("at_utc"), pl.col("home").alias("cell")
    )
    after = home_and_work(pl.concat([drawn(events), more.cast(SCHEMA)]), EASY)  # type: ignore[arg-type]
    known = pl.col("home").is_not_null()
    assert_frame_equal(
        before.filter(known).select("device", "home"),
        after.filter(pl.col("device").is_in(more["device"].implode())).select("device", "home"),
    )


def test_a_weekend_away_is_no_night_work() -> None:
    """Two nights a week with a partner whose home is elsewhere, days there too."""
    events = [
        (device, moment, "p" if is_weekend((moment.date() - at(0, 0).date()).days) else cell)
        for device, moment, cell in regular_worker(1)
    ]
    row = only(events)
    assert (row["home"], row["work"], row["shift_candidate"]) == ("h", "w", False)
