"""Gaps of archives: outages of a simulated world come back, nights and quiet archives are none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.simulation.events.drawing import draw_events
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.simulation.world.outages import OutagePlan
from ons_bigdata.tweets.methods.residence.archive_gaps import find_archive_gaps

DAY = datetime(2014, 6, 2, tzinfo=UTC)


def hours_of(times: pl.Series) -> pl.DataFrame:
    """Hours with events, as the asset counts them."""
    frame = pl.DataFrame({"at": times.cast(pl.Datetime("us", "UTC"))})
    return frame.group_by(hour=pl.col("at").dt.truncate("1h")).agg(
        events=pl.len().cast(pl.Int64), first_utc=pl.col("at").min(), last_utc=pl.col("at").max()
    )


def regular(days: int, per_hour: dict[int, int], *, without: tuple[datetime, datetime] | None = None) -> pl.Series:
    """Times of events: so many in each hour of the day, evenly."""
    times = [
        DAY + timedelta(days=day, hours=hour, seconds=(number + 0.5) * 3600 / count)
        for day in range(days)
        for hour, count in per_hour.items()
        for number in range(count)
    ]
    return pl.Series([at for at in times if without is None or not without[0] <= at < without[1]])


def test_a_gap_by_hand() -> None:
    """Four events an hour for ten days, nothing for seven hours of the fifth: 28 were to be expected."""
    begin = DAY + timedelta(days=4, hours=9)
    times = regular(10, dict.fromkeys(range(24), 4), without=(begin, begin + timedelta(hours=7)))
    (gap,) = find_archive_gaps(hours_of(times)).iter_rows(named=True)
    assert gap["from_utc"] == begin - timedelta(minutes=7)  # the last event is half a minute before
    assert gap["to_utc"] == begin + timedelta(hours=7, minutes=7)
    assert gap["expected_events"] == pytest.approx(4 * 7.25)
    assert find_archive_gaps(hours_of(times), least_events=30).is_empty()


def test_nights_without_events_are_no_gaps() -> None:
    by_day = dict.fromkeys(range(7, 23), 40)
    assert find_archive_gaps(hours_of(regular(30, by_day))).is_empty()
    outage = (DAY + timedelta(days=9, hours=12), DAY + timedelta(days=10, hours=12))
    (gap,) = find_archive_gaps(hours_of(regular(30, by_day, without=outage))).iter_rows(named=True)
    assert gap["expected_events"] == pytest.approx(40 * 16, rel=0.1)
    assert (gap["from_utc"].date(), gap["to_utc"].date()) == (date(2014, 6, 11), date(2014, 6, 12))


def test_the_limit_is_against_the_volume_of_the_archive_itself() -> None:
    """A day without events is an outage of a lively archive, and not of one with three events a day."""
    outage = (DAY + timedelta(days=5), DAY + timedelta(days=6))
    assert find_archive_gaps(hours_of(regular(20, {9: 1, 15: 2}, without=outage))).is_empty()
    assert find_archive_gaps(hours_of(regular(20, {9: 10, 15: 20}, without=outage))).height == 1


def test_weeks_without_events_do_not_hide_themselves() -> None:
    """The level of a day is the median of days with events, so that a long outage has the level of its ends."""
    outage = (DAY + timedelta(days=20), DAY + timedelta(days=80))
    (gap,) = find_archive_gaps(hours_of(regular(100, dict.fromkeys(range(24), 3), without=outage))).iter_rows(
        named=True
    )
    assert gap["expected_events"] == pytest.approx(60 * 72, rel=0.02)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_outages_of_a_simulated_world_come_back(seed: int) -> None:
    """All outages of two hours and more, to twenty minutes at each end, and nothing else."""
    world = build_world(
        seed=seed, persons=12_000, addresses=14_000, days=60, outages=OutagePlan(outages=5, mean_hours=16.0)
    )
    drawn = draw_events(world, users=4_000, seed=seed, volume_events=100)
    events = drawn.events.filter(pl.col("place") != "robot")
    found = find_archive_gaps(hours_of(events["at"]))
    hours = (pl.col("ended_at") - pl.col("started_at")).dt.total_seconds() / 3600
    true = world.outages.filter(hours >= 2)
    assert found.height == true.height > 2
    for side, name in (("from_utc", "started_at"), ("to_utc", "ended_at")):
        apart = (found[side] - true[name]).dt.total_seconds().abs().to_numpy()
        assert np.max(apart) < 1200
    covered = (found["to_utc"] - found["from_utc"]).dt.total_seconds().sum()
    assert covered == pytest.approx((true["ended_at"] - true["started_at"]).dt.total_seconds().sum(), rel=0.05)


def test_faults_of_the_input_are_named() -> None:
    hours = hours_of(regular(2, {3: 2}))
    with pytest.raises(ValueError, match="least_events is 0"):
        find_archive_gaps(hours, least_events=0)
    with pytest.raises(ValueError, match="no events"):
        find_archive_gaps(hours.with_columns(events=pl.lit(0)))
    with pytest.raises(ValueError, match="times outside of the hour"):
        find_archive_gaps(hours.with_columns(last_utc=pl.col("last_utc") + pl.duration(hours=1)))
    assert find_archive_gaps(hours.head(0)).is_empty()
