"""Residence by month: an example by hand, the weights against a simulated truth, properties, errors."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.tweets.methods.residence import home_clusters, monthly_residence
from ons_bigdata.tweets.methods.residence.observation import ObservationModel, collection_days
from tests.tweets.methods.migrants import FIRST, LAST, NO_OUTAGES, Migrants, migrants, twelve_outages

SCHEMA = {"user_key": pl.Int64, "cluster": pl.Int32, "local_date": pl.Date, "hour": pl.Int32}
CLUSTERS = pl.DataFrame(
    [
        (1, 0, "residential", "A1", "A"),
        (1, 1, "residential", "A2", "A"),
        (1, 2, "commercial", "B1", "B"),
        (1, 3, "hall", "B2", "B"),
    ],
    schema=["user_key", "cluster", "class_group", "output_area", "authority"],
    orient="row",
)


def events_of(counts: dict[tuple[int, int], int], hour: int = 20) -> pl.DataFrame:
    """Events of user 1: (month, cluster) → number, one a day."""
    rows = [
        (1, cluster, date(2014, month, 1) + timedelta(days=day), hour)
        for (month, cluster), number in counts.items()
        for day in range(number)
    ]
    return pl.DataFrame(
        rows, schema=dict(zip(SCHEMA, (pl.Int64, pl.Int32, pl.Date, pl.Int32), strict=True)), orient="row"
    )


def residence_of(counts: dict[tuple[int, int], int], **options: int) -> list[tuple[object, ...]]:
    rows = monthly_residence(events_of(counts), CLUSTERS, NO_OUTAGES, first_date=FIRST, last_date=LAST, **options)  # type: ignore[arg-type]
    return list(rows.select(pl.col("month").dt.month(), "status", "cluster", "output_area", "authority").iter_rows())


def test_example_by_hand() -> None:
    """Three events make a residence; a gap of one month within an authority is carried, one between authorities not."""
    counts = {(4, 0): 3, (5, 0): 2, (6, 0): 5, (7, 0): 1, (8, 1): 4, (9, 2): 9, (10, 3): 3}
    assert residence_of(counts) == [
        (4, "observed", 0, "A1", "A"),
        (5, "carried", 0, "A1", "A"),
        (6, "observed", 0, "A1", "A"),
        (7, "carried", None, None, "A"),
        (8, "observed", 1, "A2", "A"),
        (9, "missing", None, None, None),
        (10, "observed", 3, "B2", "B"),
    ]


def test_gaps_are_carried_up_to_their_bound_and_nothing_is_invented() -> None:
    counts = {(5, 0): 3, (8, 0): 3}
    assert [row[1] for row in residence_of(counts)] == ["observed", "missing", "missing", "observed"]
    assert [row[1] for row in residence_of(counts, max_gap_months=2)] == ["observed", "carried", "carried", "observed"]
    assert residence_of({(5, 0): 2, (6, 0): 2, (7, 2): 8}) == []
    assert residence_of({}) == []


def test_of_several_clusters_the_largest_counts_and_ties_are_broken_by_days_nights_number() -> None:
    assert residence_of({(5, 0): 3, (5, 1): 4})[0][2] == 1
    assert residence_of({(5, 0): 4, (5, 1): 4})[0][2] == 0
    late = pl.concat([events_of({(5, 0): 4}), events_of({(5, 1): 4}, hour=23)])
    rows = monthly_residence(late, CLUSTERS, NO_OUTAGES, first_date=FIRST, last_date=LAST)
    assert rows["cluster"].to_list() == [1]


def test_days_of_collection() -> None:
    """Outages may overlap; those without authority are of all."""
    outages = pl.DataFrame(
        [
            (datetime(2014, 4, 10, tzinfo=UTC), datetime(2014, 4, 12, tzinfo=UTC), None),
            (datetime(2014, 4, 11, tzinfo=UTC), datetime(2014, 4, 13, tzinfo=UTC), "A"),
            (datetime(2014, 4, 29, 23, tzinfo=UTC), datetime(2014, 5, 1, 23, tzinfo=UTC), "B"),
        ],
        schema=NO_OUTAGES.schema,
        orient="row",
    )
    days = collection_days(pl.Series(["A", "B"]), outages, first_date=date(2014, 4, 6), last_date=date(2014, 5, 10))
    assert days["period_days"].to_list() == [25.0, 10.0, 25.0, 10.0]
    assert days["days"].round(6).to_list() == [22.0, 10.0, 22.0, 9.0]


def test_chance_of_a_model_is_the_tail_of_its_distribution() -> None:
    """Against draws of the stated distribution."""
    model = ObservationModel(prior_events=1.0, prior_days=20.0, monthly_shape=2.0, share_absent=0.1)
    random = np.random.default_rng(5)
    events, days, month = 9.0, 100.0, 25.0
    size = 1 / (1 / 2.0 + 1 / 10.0)
    drawn = random.poisson(random.gamma(size, (10.0 / 120.0 * month) / size, 400_000))
    expected = 0.9 * (drawn >= 3).mean()
    chance = model.chance(np.array([events]), np.array([days]), np.array([month]), 3)[0]
    assert chance == pytest.approx(expected, abs=0.004)
    assert model.chance(np.array([events]), np.array([days]), np.array([0.0]), 3)[0] == 0


# Outages on half of the areas

AREAS = [f"E{number:08d}" for number in range(20)]
HIT = AREAS[:10]


@cache
def world(*, has_outages: bool) -> Migrants:
    return migrants(
        1500, seed=11, activity="lognormal", outages=twelve_outages(list(HIT)) if has_outages else NO_OUTAGES
    )


@cache
def observed(*, has_outages: bool) -> pl.DataFrame:
    """Observed rows of the areas with outages."""
    people = world(has_outages=has_outages)
    outages = twelve_outages(list(HIT)) if has_outages else NO_OUTAGES
    rows = monthly_residence(people.events, people.clusters, outages, first_date=FIRST, last_date=LAST)
    return rows.filter(pl.col("status") == "observed", pl.col("authority").is_in(HIT))


def test_weights_remove_the_bias_of_outages() -> None:
    """At most a fifth of the bias of the total over the months is left."""
    without = observed(has_outages=False).height
    before = observed(has_outages=True).height / without - 1
    after = observed(has_outages=True)["outage_weight"].sum() / without - 1
    assert before < -0.08
    assert abs(after) <= 0.2 * abs(before)


def test_weights_are_bounded_and_only_of_observed_rows() -> None:
    people = world(has_outages=True)
    rows = monthly_residence(
        people.events, people.clusters, twelve_outages(list(HIT)), first_date=FIRST, last_date=LAST, max_weight=4.0
    )
    of_observed = pl.col("status") == "observed"
    assert rows.filter(~of_observed)["outage_weight"].null_count() == rows.filter(~of_observed).height
    assert rows.filter(of_observed)["outage_weight"].is_between(1, 4).all()
    unaffected = rows.filter(of_observed, ~pl.col("authority").is_in(HIT))
    assert (unaffected["probability_observed"] <= unaffected["probability_without_outages"]).all()


# Properties


@given(st.integers(0, 1_000))
@settings(max_examples=10)
def test_order_of_rows_and_numbers_of_users_do_not_matter(seed: int) -> None:
    people = migrants(30, seed=seed, activity="lognormal", authorities=4)
    options = {"first_date": FIRST, "last_date": LAST, "model": ObservationModel(1.0, 20.0, 4.0, 0.02)}
    rows = monthly_residence(people.events, people.clusters, NO_OUTAGES, **options)
    events = people.events.with_columns(user_key=1_000 - pl.col("user_key")).sample(fraction=1, shuffle=True, seed=seed)
    clusters = people.clusters.with_columns(user_key=1_000 - pl.col("user_key"))
    again = monthly_residence(events, clusters, NO_OUTAGES, **options)
    back = again.with_columns(user_key=1_000 - pl.col("user_key")).sort("user_key", "month")
    plain = ["user_key", "month", "status", "cluster", "output_area", "authority", "events"]
    assert rows.select(plain).equals(back.select(plain))
    np.testing.assert_allclose(rows["probability_observed"], back["probability_observed"], rtol=1e-12)


def test_doubled_areas_have_doubled_residents() -> None:
    """Every user twice, the second time in a copy of the areas: the same rows and weights in both."""
    people = migrants(40, seed=3, activity="lognormal", authorities=4)
    copies = [
        (frame, frame.with_columns(user_key=pl.col("user_key") + 1_000)) for frame in (people.events, people.clusters)
    ]
    twin = copies[1][1].with_columns(pl.col("authority", "output_area").str.replace("E", "W"))
    rows = monthly_residence(
        pl.concat(copies[0]), pl.concat([people.clusters, twin]), NO_OUTAGES, first_date=FIRST, last_date=LAST
    )
    first, second = (rows.filter(pl.col("authority").str.starts_with(letter)) for letter in "EW")
    assert first.height == second.height > 0
    assert first["weight"].to_list() == second["weight"].to_list()


# Main home


def test_home_by_evenings_and_events_around() -> None:
    """Evenings at 0 outweigh more events by day at 1; a residential cluster far from all others loses."""
    clusters = CLUSTERS.with_columns(easting_m=pl.Series([0.0, 300.0, 600.0, 90_000.0]), northing_m=pl.lit(0.0))
    events = pl.concat([events_of({(5, 0): 8}), events_of({(5, 1): 12, (5, 2): 5}, hour=14), events_of({(6, 3): 9})])
    home = home_clusters(events, clusters)
    assert home.select("user_key", "cluster", "output_area", "events", "days").row(0) == (1, 0, "A1", 8, 8)
    assert home_clusters(events.filter(pl.col("cluster") == 2), clusters).is_empty()


def test_a_home_has_many_places_around_it() -> None:
    """Six evenings at 0 with four places visited once around it outweigh eight evenings at 3, far from all others.

    Scores: 6 · 5 · √(1 + 4) = 67.1, and 8 · 1 · √1 = 8. Without the places around: 6 and 8.
    """
    around = pl.DataFrame(
        [(1, 10 + number, None, None, None, 500.0 * number, 800.0) for number in range(4)],
        schema=[*CLUSTERS.columns, "easting_m", "northing_m"],
        orient="row",
    )
    far = CLUSTERS.with_columns(easting_m=pl.Series([0.0, 300.0, 600.0, 90_000.0]), northing_m=pl.lit(0.0))
    clusters = pl.concat([far, around.cast(far.schema)])  # type: ignore[arg-type]
    once = {(5, 10 + number): 1 for number in range(4)}
    events = pl.concat([events_of({(5, 0): 6, (6, 3): 8}), events_of({(6, 3): 9}, hour=14), events_of(once, hour=14)])
    home = home_clusters(events, clusters)
    assert home.select("cluster", "score").row(0) == pytest.approx((0, 6 * 5 * 5**0.5))
    assert home_clusters(events, far)["cluster"].to_list() == [3]


def test_the_home_of_most_of_the_time_not_of_most_events() -> None:
    """Twelve evenings at 0 from April to June, then fourteen at 3 in July: more events there, but a shorter time."""
    clusters = CLUSTERS.with_columns(easting_m=pl.Series([0.0, 300.0, 600.0, 90_000.0]), northing_m=pl.lit(0.0))
    events = pl.concat([events_of({(4, 0): 4, (5, 0): 4, (6, 0): 4}), events_of({(7, 3): 14})])
    assert home_clusters(events, clusters)["cluster"].to_list() == [0]
    assert home_clusters(events.filter(pl.col("cluster") == 3), clusters)["cluster"].to_list() == [3]


# Errors


def test_bad_input_is_refused() -> None:
    events = events_of({(5, 0): 3})
    options = {"first_date": FIRST, "last_date": LAST}
    with pytest.raises(ValueError, match=r"clusters: rows with the same user_key and cluster; the first: user_key 1"):
        monthly_residence(events, pl.concat([CLUSTERS, CLUSTERS]), NO_OUTAGES, **options)
    with pytest.raises(ValueError, match="events: column hour is missing"):
        monthly_residence(events.drop("hour"), CLUSTERS, NO_OUTAGES, **options)
    with pytest.raises(ValueError, match=r"3 of 3 rows outside 2014-06-01 to 2014-10-31; the first on 2014-05-0"):
        monthly_residence(events, CLUSTERS, NO_OUTAGES, first_date=date(2014, 6, 1), last_date=LAST)
    with pytest.raises(ValueError, match=r"outages: column started_at is .*; expected Datetime with time zone"):
        monthly_residence(events, CLUSTERS, NO_OUTAGES.with_columns(pl.lit(FIRST).alias("started_at")), **options)
    with pytest.raises(ValueError, match="min_events is 0; expected at least 1"):
        monthly_residence(events, CLUSTERS, NO_OUTAGES, **options, min_events=0)
    with pytest.raises(ValueError, match="reach_m is 0; expected a positive number of metres"):
        home_clusters(events, CLUSTERS, reach_m=0)
