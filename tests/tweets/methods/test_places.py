"""Placed events: local time, robots, duplicates, coverage, clusters and the levels; nothing is lost between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.tweets.methods import levels
from ons_bigdata.tweets.methods.geodesy import to_british_national_grid
from ons_bigdata.tweets.methods.local_time import add_local_time
from ons_bigdata.tweets.methods.places import FATES, place_events
from ons_bigdata.tweets.methods.recipe_steps import count_recipe_steps
from ons_bigdata.tweets.methods.robots import RobotRules, find_robots
from ons_bigdata.tweets.schemas import places
from tests.tweets.methods.geo_events import ONS_2015, PARAMETERS, START, bucket, event

RULES = RobotRules.from_parameters(PARAMETERS["robot_rules"], PARAMETERS["robot_clients"])
BOTH = {**PARAMETERS, "recipes": [*PARAMETERS["recipes"], ONS_2015]}


def test_local_time_is_that_of_london_with_summer_time() -> None:
    times = [
        datetime(2014, 3, 30, 0, 59, tzinfo=UTC),  # Sunday, winter
        datetime(2014, 3, 30, 1, 0, tzinfo=UTC),  # an hour later by the clock: 02:00
        datetime(2014, 6, 30, 23, 30, tzinfo=UTC),  # the next day and month in London
        datetime(2014, 10, 26, 0, 30, tzinfo=UTC),  # 01:30, for the first time
        datetime(2014, 10, 26, 1, 30, tzinfo=UTC),  # 01:30 again
    ]
    local = add_local_time(pl.DataFrame({"ts_utc": times}, schema={"ts_utc": pl.Datetime("us", "UTC")}))
    assert local["hour"].to_list() == [0, 2, 0, 1, 1]
    assert local["weekday"].to_list() == [7, 7, 2, 7, 7]
    assert local["local_date"].to_list()[2] == date(2014, 7, 1)
    assert local["month"].to_list()[2] == date(2014, 7, 1)


def robot_rule(*events: dict[str, object]) -> str | None:
    robots = find_robots(bucket(*events), RULES)
    return robots["robot_rule"].to_list()[0] if robots.height else None


def scattered(count: int, *, client: str = "phone") -> list[dict[str, object]]:
    """Return events of a user at changing intervals and positions."""
    return [event(1, 7 * place**1.5, 10.0 * place, client=client) for place in range(count)]


def test_each_rule_makes_a_robot_and_its_neighbour_a_person() -> None:
    assert robot_rule(*scattered(60)) is None
    assert robot_rule(*scattered(61)) == "volume"
    every_hour = [event(1, 60 * place, 10.0 * place) for place in range(20)]
    assert robot_rule(*every_hour) == "constant_interval"
    assert robot_rule(*every_hour[:19]) is None
    late = [event(1, 60 * place + 1 / 60 * (place % 2), 10.0 * place) for place in range(20)]
    assert robot_rule(*late) == "constant_interval"
    assert robot_rule(*[event(1, 60 * place + place % 3, 10.0 * place) for place in range(20)]) is None
    minutes = [15 * 24 * 60 * (place / 29) ** 2 for place in range(30)]
    assert robot_rule(*[event(1, minute) for minute in minutes]) == "fixed_position"
    assert robot_rule(*[event(1, minute / 2) for minute in minutes]) is None
    assert robot_rule(*[event(1, minute, 0.01 if place == 3 else 0) for place, minute in enumerate(minutes)]) is None
    assert robot_rule(*scattered(4), *[event(1, -(place**1.5) - 1, client="feed") for place in range(4)]) == "client"
    assert robot_rule(*scattered(5), *[event(1, -(place**1.5) - 1, client="feed") for place in range(4)]) is None


def test_parameters_of_robots_must_be_known() -> None:
    with pytest.raises(ValueError, match=r"found \['volume'\]; expected"):
        RobotRules.from_parameters({"volume": 1}, [])


def test_an_example_to_follow_by_hand() -> None:
    events = bucket(
        event(7, 0, 0),
        event(7, 60, 10),
        event(7, 120, 20),  # with the two before: a cluster of three
        event(7, 120.001, 20),  # the same second
        event(7, 180, 500),
        event(7, 24 * 60, 515),  # with the one before: noise within reach of each other
        event(7, 26 * 60, 2000),  # noise by itself
        event(7, 27 * 60, 0, east_of=2.5),  # in the Channel's east: outside the grid
        event(9, 0, 0, client="feed"),
    )
    placed = place_events(events, PARAMETERS)
    assert placed.filter(pl.col("user_key") == 7).sort("ts_utc").select("fate", "cluster").rows() == [
        ("valid", 0), ("valid", 0), ("valid", 0), ("duplicate", None),
        ("noise", 1), ("noise", 1), ("noise", 2), ("outside", None),
    ]  # fmt: skip
    users = levels.tweet_users(placed, parameters_hash="0" * 16)
    assert users.select(
        "user_key", "robot_rule", "events", "duplicates", "robot_events", "outside_events", "clustered_events",
        "noise_events", "valid_clusters", "noise_clusters",
    ).rows() == [(7, None, 8, 1, 0, 1, 3, 3, 1, 2), (9, "client", 1, 0, 1, 0, 0, 0, 0, 0)]  # fmt: skip
    clusters = levels.tweet_clusters(placed, integer_recipes=[])
    assert clusters.select("cluster", "status", "events", "days").rows() == [
        (0, "valid", 3, 1),
        (1, "noise", 2, 2),
        (2, "noise", 1, 1),
    ]
    first = clusters.row(0, named=True)
    assert first["max_distance_m"] == pytest.approx(10, abs=0.1)
    assert first["mean_distance_m"] == pytest.approx(20 / 3, abs=0.1)
    assert first["std_distance_m"] == pytest.approx(np.std([10, 0, 10]), abs=0.1)
    middle = to_british_national_grid(*(bucket(event(7, 60, 10))[axis].to_numpy() for axis in ("lon", "lat")))
    assert first["easting_m"] == pytest.approx(middle[0][0], abs=0.01)
    assert first["northing_m"] == pytest.approx(middle[1][0], abs=0.01)
    assert levels.tweet_cluster_hours(placed).select("weekday", "hour", "events").rows() == [
        (1, 13, 1),
        (1, 14, 1),
        (1, 15, 1),
    ]
    assert levels.tweet_cluster_months(placed).select("month", "events", "days").rows() == [(date(2014, 6, 1), 3, 1)]


def test_the_recipe_of_2015_truncates_to_whole_metres() -> None:
    placed = place_events(bucket(*scattered(5)), BOTH)
    clusters = levels.tweet_clusters(placed, integer_recipes=["ons_2015"]).sort("recipe", "cluster")
    old = clusters.filter(pl.col("recipe") == "ons_2015")
    assert old.height
    for axis in ("easting_m", "northing_m"):
        assert (old[axis] == old[axis].floor()).all()
    assert not (clusters.filter(pl.col("recipe") == "dbscan_20m")["northing_m"] % 1 == 0).all()


def test_robots_of_other_rules_than_volume_stay_in_the_recipe_of_2015() -> None:
    feed = [event(5, minutes, minutes % 3, client="feed") for minutes in range(0, 50, 10)]
    loud = [event(6, minutes, minutes % 7) for minutes in accumulate(range(1, 70))]
    placed = place_events(bucket(*feed, *loud), BOTH)
    fates = placed.group_by("recipe", "user_key").agg(pl.col("fate").unique().sort()).sort("recipe", "user_key")
    assert fates.rows() == [
        ("dbscan_20m", 5, ["robot"]), ("dbscan_20m", 6, ["robot"]),
        ("ons_2015", 5, ["valid"]), ("ons_2015", 6, ["robot"]),
    ]  # fmt: skip
    users = levels.tweet_users(placed, parameters_hash="0" * 16).sort("recipe", "user_key")
    assert users["robot_rule"].to_list() == ["client", "volume", None, "volume"]


def test_an_unknown_choice_of_robots_is_refused() -> None:
    recipe = {**PARAMETERS["recipes"][0], "robots": "some"}
    with pytest.raises(ValueError, match="recipe dbscan_20m: robots is 'some'; known: all, volume"):
        place_events(bucket(event(1, 0)), {**PARAMETERS, "recipes": [recipe]})


def test_each_step_from_one_recipe_to_the_other_is_counted() -> None:
    feed = [event(5, minutes, client="feed") for minutes in (0, 60, 120)]
    # 20 m apart in whole metres: neighbours by the default, none where closer than 20 m are
    pairs = [event(7, minutes, north) for minutes, north in ((0, 0.0), (60, 0.5), (120, 20.3), (180, 500.0))]
    steps = count_recipe_steps(bucket(*feed, *pairs), BOTH, "dbscan_20m", "ons_2015")
    assert steps["step"].to_list() == ["dbscan_20m", "robots", "is_integer_metres", "is_strict", "variant"]
    assert steps["robots"].to_list() == [1, 0, 0, 0, 0]
    assert steps["robot_events"].to_list() == [3, 0, 0, 0, 0]
    totals = steps.select(pl.sum_horizontal("robot_events", "clustered_events", "noise_events")).to_series()
    assert totals.to_list() == [7] * 5
    assert steps["changed_events"].to_list()[:2] == [None, 3]
    last = place_events(bucket(*feed, *pairs), {**PARAMETERS, "recipes": [ONS_2015]})
    assert steps["clustered_events"][-1] == (last["fate"] == "valid").sum()
    with pytest.raises(ValueError, match="unknown recipe 'ons_2016'; known: dbscan_20m, ons_2015"):
        count_recipe_steps(bucket(*feed), BOTH, "dbscan_20m", "ons_2016")


EVENTS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.floats(0, 30_000, allow_nan=False),
        st.sampled_from([0.0, 5.0, 12.0, 19.0, 40.0, 900.0]),
        st.sampled_from([0.0, 0.0, 0.0, 3.0]),
        st.sampled_from(["phone", "phone", "feed"]),
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60)
@given(EVENTS)
def test_no_event_is_lost_between_the_levels(rows: list[tuple[int, float, float, float, str]]) -> None:
    events = bucket(
        *(event(u, minutes, north, east_of=east, client=client) for u, minutes, north, east, client in rows)
    )
    placed = place_events(events, BOTH)
    assert set(placed["fate"]) <= set(FATES)
    for recipe in ("dbscan_20m", "ons_2015"):
        part = placed.filter(pl.col("recipe") == recipe)
        assert sorted(part["event_id"]) == sorted(events["event_id"])
    users = places.TweetUser.validate(levels.tweet_users(placed, parameters_hash="0" * 16))
    clusters = places.TweetCluster.validate(levels.tweet_clusters(placed, integer_recipes=["ons_2015"]))
    kept = places.TweetEvent.validate(levels.tweet_events(placed, recipes=["dbscan_20m", "ons_2015"]))
    hours = places.TweetClusterHour.validate(levels.tweet_cluster_hours(placed))
    months = places.TweetClusterMonth.validate(levels.tweet_cluster_months(placed))
    fates = ("duplicates", "robot_events", "outside_events", "clustered_events", "noise_events")
    assert (users["events"] == users.select(pl.sum_horizontal(fates)).to_series()).all()
    assert users["events"].sum() == 2 * events.height
    assert clusters["events"].sum() == kept.height == users["clustered_events"].sum() + users["noise_events"].sum()
    valid = clusters.filter(pl.col("status") == "valid")
    assert valid.height == users["valid_clusters"].sum()
    assert clusters.height - valid.height == users["noise_clusters"].sum()
    assert valid["events"].min() is None or valid["events"].min() >= 3
    assert hours["events"].sum() == months["events"].sum() == users["clustered_events"].sum()


@settings(max_examples=30)
@given(EVENTS)
def test_a_users_places_do_not_depend_on_the_users_beside(rows: list[tuple[int, float, float, float, str]]) -> None:
    events = bucket(
        *(event(u, minutes, north, east_of=east, client=client) for u, minutes, north, east, client in rows)
    )
    together = place_events(events, BOTH)
    apart = [place_events(part, BOTH) for part in events.partition_by("user_key")]
    order = ["recipe", "user_key", "ts_utc", "event_id"]
    assert_frame_equal(together.sort(order), pl.concat(apart).sort(order))


def test_of_two_rows_of_an_event_the_first_is_kept() -> None:
    first = event(1, 0)
    again = {**first, "ts_utc": START + timedelta(seconds=5)}
    placed = place_events(bucket(first, again, event(1, 10)), PARAMETERS).sort("ts_utc")
    assert placed["fate"].to_list() == ["noise", "duplicate", "noise"]


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_local_time_of_many_events_is_that_of_each(zone: str) -> None:
    """Quarters of an hour are looked up once; near changes of the clock, and with odd offsets, too."""
    rng = np.random.default_rng(2)
    changes = np.array([1_396_141_200, 1_414_285_200])  # 2014-03-30 and 2014-10-26, 01:00 UTC
    seconds = np.concatenate([rng.choice(changes, 5_000) + rng.integers(-9_000, 9_000, 5_000), changes, changes - 1])
    times = pl.Series("ts_utc", seconds * 1_000_000 + 999_999 * (seconds % 2)).cast(pl.Datetime("us", "UTC"))
    many = times.extend(times.sample(60_000, with_replacement=True, seed=3))
    each = pl.concat(add_local_time(pl.DataFrame([many[row : row + 1]]), zone=zone) for row in range(5_004))
    assert add_local_time(pl.DataFrame([many]), zone=zone).head(5_004).equals(each)
    assert add_local_time(pl.DataFrame({"ts_utc": many.head(0)}), zone=zone).schema == each.schema
