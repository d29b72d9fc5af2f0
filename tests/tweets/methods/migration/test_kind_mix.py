"""Mix of kinds of moves: by hand, bounds from real moves by age, an independent posterior, properties, pooled flows."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods.migration import pooled_area_migration, pooled_flows
from ons_bigdata.tweets.methods.migration.kind_mix import (
    OFFICIAL_SPREAD,
    STUDENT_PART,
    USERS_SPREAD,
    KindMix,
    fit_mix,
    official_mix,
    term_years,
)

PERIOD = {"first_date": date(2014, 4, 1), "last_date": date(2014, 10, 31)}
AREAS = pl.DataFrame(
    {
        "authority": ["home", "town", "other"],
        "region": ["r", "s", "t"],
        "residents": [1_000_000, 1_000_000, 1_000_000],
        "easting_m": [100_000.0, 200_000.0, 150_000.0],
        "northing_m": [100_000.0, 100_000.0, 190_000.0],
    }
)
STUDENTS = pl.DataFrame({"area": ["home", "town", "other"], "students": [10, 100, 10], "users": [500, 500, 500]})


def moves_and_risk(of_anybody: int, of_students: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """So many moves of anybody from home to the other area and back, and first arrivals in the town from home."""
    pairs = [("home", "other", date(2014, 5, 3)), ("other", "home", date(2014, 7, 3))]
    rows = [(*pairs[number % 2], "move") for number in range(of_anybody)]
    rows += [("home", "town", date(2014, 9, 20), "term_start")] * of_students
    moves = pl.DataFrame(rows, schema=["from_area", "to_area", "moved_on", "kind"], orient="row").with_columns(
        user_key=pl.int_range(pl.len()), is_migration=pl.lit(value=True)
    )
    months = pl.DataFrame({"period": [date(2014, month, 1) for month in range(4, 11)]})
    users = AREAS.select(user_key=-1 - pl.int_range(pl.len()), area="authority", months=pl.lit(5_000.0))
    movers = moves.select("user_key", area="from_area", months=pl.lit(0.5))
    return moves, pl.concat([users, movers]).join(months, how="cross")


def official_of(student_ages: float, other_ages: float) -> pl.DataFrame:
    """Official moves out of and into each of the areas, all alike."""
    return pl.concat(
        [
            AREAS.select(area="authority", is_student_age=pl.lit(value), moves_out=pl.lit(n), moves_in=pl.lit(n))
            for value, n in ((False, other_ages), (True, student_ages))
        ]
    )


def test_a_year_has_one_round_of_arrivals_and_departures() -> None:
    """Departures of 15 May to 15 July (62 days) are in two parts of a year to June, arrivals in one."""
    assert term_years(date(2012, 7, 1), date(2013, 6, 30)) == pytest.approx((1.0, 1.0))
    assert term_years(date(2014, 4, 1), date(2014, 10, 31)) == (1.0, 1.0)
    assert term_years(date(2014, 4, 1), date(2014, 6, 30)) == pytest.approx((0.0, 47 / 62))
    assert term_years(date(2014, 9, 15), date(2015, 9, 14)) == pytest.approx((1.0, 1.0))
    assert term_years(date(2014, 11, 1), date(2015, 3, 31)) == (0.0, 0.0)


def test_the_official_mix_by_hand() -> None:
    """800 moves of ages 18–25 have 400 of students; 214 / 365.25 of the other 400 + 1,600 lie in the period."""
    assert official_mix(800.0, 1_600.0, **PERIOD) == pytest.approx(400 / (2_000 * 214 / 365.25))
    first_quarter = {"first_date": date(2014, 1, 1), "last_date": date(2014, 3, 31)}
    assert official_mix(800.0, 1_600.0, **first_quarter) == official_mix(0.0, 1_600.0, **PERIOD) == 0
    assert official_mix(0.0, 0.0, **PERIOD) == 0


def test_the_part_of_students_is_between_the_bounds_of_real_moves_by_age() -> None:
    """Others of 18–25 move at least as often as children and at most as often as ages 26–35, by year of age."""
    path = Settings().shared / "data" / "tweets" / "ons_internal_migration_la_year_age_2002_2015.csv.gz"
    if not path.is_file():
        pytest.skip(f"no official moves at {path} (set ONS_BIGDATA_SHARED)")
    table = pl.read_csv(path, infer_schema_length=None).filter(pl.col("year") == 2013)
    moved = dict(table.group_by("ageGroup").agg(pl.col("In").cast(pl.Float64).sum()).iter_rows())
    students = moved.pop("18-25")
    others = sum(moved.values())
    low, high = 1 - 8 * moved["26-35"] / 10 / students, 1 - 8 * moved["U18"] / 18 / students
    assert (low, high) == pytest.approx((0.32, 0.75), abs=0.005)
    assert low < STUDENT_PART < high
    mixes = [part * students / (others + (1 - part) * students) for part in (low, high)]
    assert 0.24 < np.log(mixes[1] / mixes[0]) / 4 < 0.26 < OFFICIAL_SPREAD[0]


@pytest.mark.parametrize(("users", "official"), [(0.3, 0.3), (0.6, 0.3), (0.1, 0.4), (3.0, 0.2)])
def test_the_mix_is_the_mean_of_an_independent_posterior(users: float, official: float) -> None:
    """Spread by a grid of the likelihood of the distance, then the product of the two normal curves on another."""
    variance = 0.02
    around_users = (USERS_SPREAD**2 + variance) ** 0.5
    spreads = np.exp(np.linspace(-4, 3, 20_001))
    distance = np.log(official / users)
    likelihood = norm.logpdf(distance, 0, np.hypot(spreads, around_users)) + norm.logpdf(
        np.log(spreads), np.log(OFFICIAL_SPREAD[0]), OFFICIAL_SPREAD[1]
    )
    spread = spreads[likelihood.argmax()]
    grid = np.linspace(-6, 6, 200_001)
    weights = norm.pdf(grid, np.log(users), around_users) * norm.pdf(grid, np.log(official), spread)
    mean = np.average(grid, weights=weights)
    error = np.average((grid - mean) ** 2, weights=weights) ** 0.5
    found = fit_mix(users, variance, official)
    assert np.log(users * found.factor) == pytest.approx(mean, abs=2e-3)
    assert found.error == pytest.approx(error, rel=2e-3)


@given(st.floats(0.01, 5.0), st.floats(0.001, 1.0), st.floats(0.01, 5.0), st.floats(0.1, 10.0))
@settings(max_examples=100, deadline=None)
def test_the_mix_lies_between_users_and_official_figures(
    users: float, variance: float, official: float, scale: float
) -> None:
    """On any scale; the farther official figures are, the less they count, and the less certain the mix is."""
    found = fit_mix(users, variance, official)
    low, high = sorted((users, official))
    assert low * (1 - 1e-9) <= users * found.factor <= high * (1 + 1e-9)
    assert found.error < (USERS_SPREAD**2 + variance) ** 0.5
    assert fit_mix(users * scale, variance, official * scale) == pytest.approx(found, rel=1e-6)
    farther = fit_mix(users, variance, official * (official / users))
    assert np.log(farther.factor) / 2 == pytest.approx(0, abs=abs(np.log(found.factor)) + 1e-6)
    assert farther.error >= found.error - 1e-6


def test_a_mix_that_nobody_knows_is_that_of_users() -> None:
    assert fit_mix(0.0, 0.1, 0.3) == fit_mix(0.3, 0.1, 0.0) == KindMix(1.0, 0.0)


def test_flows_of_students_follow_the_official_mix() -> None:
    """Users move to the town as often as to all others; the fewer moves of 18–25 there are, the fewer are carried over.

    Flows of anybody stay, and the interval of the flow of students is wider than without official figures.
    """
    moves, risk = moves_and_risk(200, 200)
    to_town, others, widths = [], [], []
    for student_ages in (None, 8_000.0, 3_000.0):
        official = None if student_ages is None else official_of(student_ages, 10_000.0)
        rows = pooled_flows(moves, AREAS, risk, **PERIOD, period="whole", students=STUDENTS, official=official)
        flow = {(row["origin"], row["destination"]): row for row in rows.iter_rows(named=True)}
        to_town.append(flow["r", "s"]["flow"])
        others.append(flow["r", "t"]["flow"])
        widths.append(np.log(flow["r", "s"]["upper"] / flow["r", "s"]["lower"]))
    assert to_town[0] > 1.2 * to_town[1] > 1.5 * to_town[2]
    assert others[1] == pytest.approx(others[0], rel=0.15)
    assert min(widths[1:]) > 1.3 * widths[0]


def test_without_moves_of_students_official_ages_change_nothing_but_effects() -> None:
    """The mix does not count where users have one kind of moves alone: estimates do not depend on the ages' totals."""
    moves, risk = moves_and_risk(100, 0)
    once, again = (
        pooled_area_migration(moves, AREAS, risk, **PERIOD, students=STUDENTS, official=official_of(number, 10_000.0))
        for number in (100.0, 9_000.0)
    )
    np.testing.assert_allclose(once["inflow"], again["inflow"], rtol=1e-6)
