"""Flows and the migration surface: published weights, examples by hand, a simulated truth, properties, errors."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods.migration import area_migration, flows, migration_surface, penetration_weights
from ons_bigdata.tweets.methods.migration.area_flows import gamma_interval
from ons_bigdata.tweets.methods.migration.smoothing import smoothed_counts
from ons_bigdata.tweets.methods.residence import detect_moves, settled_spells, time_at_risk
from tests.tweets.methods.migrants import FIRST, LAST, Migrants, migrants

AREAS = pl.DataFrame({"authority": ["A", "B", "C"], "region": ["N", "N", "S"], "residents": [1_000, 2_000, 500]})
PERIOD = {"first_date": date(2014, 4, 1), "last_date": date(2014, 6, 30)}
QUARTER_MONTHS = 91 / 30.4375


def moves_of(*rows: tuple[int, str, str, date]) -> pl.DataFrame:
    schema = {"user_key": pl.Int64, "from_area": pl.String, "to_area": pl.String, "moved_on": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(is_migration=pl.lit(value=True))


def at_risk(users: dict[str, int]) -> pl.DataFrame:
    """Users of each area at risk throughout the quarter, a row for each month."""
    rows = [
        (100 * number + user, area, date(2014, month, 1), QUARTER_MONTHS / 3)
        for number, (area, count) in enumerate(users.items())
        for user in range(count)
        for month in (4, 5, 6)
    ]
    return pl.DataFrame(rows, schema=["user_key", "area", "period", "months"], orient="row")


RISK = at_risk({"A": 10, "B": 40, "C": 2})
MOVES = moves_of(
    (0, "A", "B", date(2014, 5, 3)), (1, "A", "B", date(2014, 5, 9)), (100, "B", "A", date(2014, 6, 1)),
    (101, "B", "C", date(2014, 6, 2)), (200, "C", "A", date(2014, 6, 3)), (999, "A", "B", date(2014, 6, 3)),
)  # fmt: skip


def shared(name: str) -> pl.DataFrame:
    path: Path = Settings().shared / "golden" / "phones" / "flow_adjustment" / name
    if not path.is_file():
        pytest.skip(f"no published adjustment of flows at {path} (set ONS_BIGDATA_SHARED)")
    return pl.read_csv(path, infer_schema_length=None)


@pytest.mark.parametrize("side", ["origin", "destination"])
def test_published_inverse_penetration_weights(side: str) -> None:
    coverage = shared("coverage.csv.gz").rename({"origin": "area", "user_count": "users", "population": "residents"})
    weights = penetration_weights(coverage.select("area", "users"), coverage.select("area", "residents"))
    published = shared(f"inverse_penetration_{side}.csv.gz").join(shared("flows.csv.gz"), on=["origin", "destination"])
    ours = published.join(weights, left_on=side, right_on="area", how="left")
    assert ours.height == published.height > 15_000
    np.testing.assert_allclose(ours["flow"] * ours["weight"], ours["flow_adj"], rtol=1e-12)


def test_flows_by_hand() -> None:
    """Ten of the thousand residents of A are users at risk throughout the quarter: a move of one counts 100."""
    rows = flows(MOVES, AREAS, RISK, **PERIOD)
    assert rows.select(pl.col("origin") + pl.col("destination")).to_series().to_list() == ["AB", "BA", "BC", "CA"]
    assert rows["moves"].to_list() == [2, 1, 1, 1]
    assert rows["flow"].round(6).to_list() == [200.0, 50.0, 50.0, None]
    assert rows["reason"].to_list() == [None, None, None, "fewer than 5 users of the area at risk"]
    exact = [chi2.ppf(0.025, 4) / 2 * 100, chi2.ppf(0.975, 6) / 2 * 100]
    assert rows.select("lower", "upper").row(0) == pytest.approx(exact)


def test_flows_of_regions_leave_out_moves_within_one() -> None:
    rows = flows(MOVES, AREAS, RISK, **PERIOD, level="region", weighting="none", period="whole")
    assert rows.select("origin", "destination", "moves", "flow").rows() == [("N", "S", 1, 1.0), ("S", "N", 1, 1.0)]


def test_weights_of_users_weigh_moves_and_time_alike() -> None:
    """User 0 counts three times: 3 + 1 weighted moves of 12 weighted users."""
    weights = pl.DataFrame({"user_key": [0], "weight": [3.0]})
    rows = flows(MOVES, AREAS, RISK, **PERIOD, user_weights=weights)
    assert rows["flow"][0] == pytest.approx(4 / 12 * 1_000)


def test_net_and_gross_by_hand() -> None:
    rows = area_migration(MOVES, AREAS, RISK, **PERIOD, least_users=1.0)
    assert rows.select("area", "moves_in", "moves_out").rows() == [("A", 2, 2), ("B", 2, 2), ("C", 1, 1)]
    assert rows["inflow"].round(6).to_list() == [300.0, 200.0, 50.0]
    assert rows["outflow"].round(6).to_list() == [200.0, 100.0, 250.0]
    assert rows["net"].round(6).to_list() == [100.0, 100.0, -200.0]
    assert ((rows["net_lower"] < rows["net"]) & (rows["net"] < rows["net_upper"])).all()


def test_without_a_move_the_upper_end_is_that_of_none() -> None:
    rows = area_migration(moves_of(), AREAS, RISK, **PERIOD)
    first = rows.row(0, named=True)
    assert (first["area"], first["inflow"], first["outflow"], first["net"]) == ("A", 0.0, 0.0, 0.0)
    assert first["outflow_upper"] == pytest.approx(100 * chi2.ppf(0.975, 2) / 2)


def test_gamma_intervals_cover_weighted_sums() -> None:
    """In at least 95 % of draws, for two strata of different weights."""
    random = np.random.default_rng(1)
    means, weights = np.array([3.0, 8.0]), np.array([40.0, 5.0])
    counts = random.poisson(means, (4_000, 2))
    ends = gamma_interval(counts @ weights, counts @ weights**2, np.full(4_000, 40.0), 0.95)
    assert ((ends.lower <= means @ weights) & (means @ weights <= ends.upper)).mean() >= 0.95


def test_smoothing_moves_counts_towards_their_margins() -> None:
    """Rates of a product form: smoothed counts are nearer to them than the counts; the total stays about the same."""
    random = np.random.default_rng(2)
    rates = np.outer(random.gamma(2, 1, 12), random.gamma(2, 0.3, 12))
    np.fill_diagonal(rates, 0)
    counts = random.poisson(rates)
    smoothed = smoothed_counts(counts, 0.95)
    assert np.abs(smoothed.mean - rates).sum() < 0.7 * np.abs(counts - rates).sum()
    assert smoothed.mean.sum() == pytest.approx(counts.sum(), rel=0.02)
    inside = (smoothed.lower <= rates) & (rates <= smoothed.upper)
    assert inside[rates > 0].mean() >= 0.8
    with pytest.raises(ValueError, match="expected a square table without moves within an area"):
        smoothed_counts(np.ones((2, 2), dtype=np.int64), 0.95)


def test_smoothed_flows_have_a_row_for_every_pair() -> None:
    rows = flows(MOVES, AREAS, RISK, **PERIOD, least_users=1.0, smoothing="margins")
    assert set(rows.select("origin", "destination").rows()) >= {("A", "B"), ("B", "A"), ("B", "C"), ("C", "A")}
    assert rows["moves"].sum() == 5
    assert (rows["lower"] < rows["upper"]).all()
    with pytest.raises(ValueError, match="expected no user_weights"):
        flows(MOVES, AREAS, RISK, **PERIOD, smoothing="margins", user_weights=pl.DataFrame({"user_key": [0], "weight": [1.0]}))  # fmt: skip  # noqa: E501


# Simulated users


@cache
def world() -> tuple[Migrants, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    people = migrants(1_500, seed=31, activity="lognormal", authorities=8)
    residents = people.spells.filter(pl.col("first_day") == 0).group_by("authority").agg(residents=pl.len() * 100)
    areas = residents.with_columns(region=pl.col("authority").str.slice(8, 1))
    spells = settled_spells(people.events, people.clusters)
    return people, detect_moves(people.events, people.clusters), areas, time_at_risk(spells)


def test_estimated_moves_agree_with_the_truth() -> None:
    """All moves of residents, each user standing for a hundred, within 15 %."""
    people, moves, areas, risk = world()
    rows = flows(moves, areas, risk, first_date=FIRST, last_date=LAST, period="whole")
    truth = people.moves.filter(~pl.col("is_return")).height * 100
    assert rows["flow"].sum() / truth == pytest.approx(1, abs=0.15)


def test_doubled_residents_double_the_flows() -> None:
    _, moves, areas, risk = world()
    options = {"first_date": FIRST, "last_date": LAST}
    once = flows(moves, areas, risk, **options)
    twice = flows(moves, areas.with_columns(pl.col("residents") * 2), risk, **options)
    for column in ("flow", "lower", "upper"):
        np.testing.assert_allclose(twice[column], once[column] * 2, rtol=1e-12)


def test_nets_add_up_to_nothing_and_sides_to_flows() -> None:
    _, moves, areas, risk = world()
    options = {"first_date": FIRST, "last_date": LAST, "period": "whole"}
    rows = area_migration(moves, areas, risk, **options)
    total = flows(moves, areas, risk, **options)["flow"].sum()
    assert rows["net"].sum() == pytest.approx(0, abs=1e-6 * total)
    assert rows["inflow"].sum() == pytest.approx(total)


# Surface


def months_at(*users: str) -> pl.DataFrame:
    """Residence of each user: a letter per month from April on; - is unknown."""
    rows = [
        (user, date(2014, 4 + month, 1), None if area == "-" else area)
        for user, areas in enumerate(users)
        for month, area in enumerate(areas)
    ]
    return pl.DataFrame(rows, schema={"user_key": pl.Int64, "month": pl.Date, "authority": pl.String}, orient="row")


def test_surface_by_hand() -> None:
    """aabb: one of three neighbouring months differs; windows of two months differ. a-ba: seen at gaps of 2 and 3."""
    cells = migration_surface(months_at("aabb", "a-ba"), intervals=(1, 2, 3), durations=(1, 2))
    counts = {
        (row["interval_months"], row["duration_months"]): (row["starts"], row["observable"], row["moved"])
        for row in cells.iter_rows(named=True)
    }
    assert counts == {
        (1, 1): (6, 4, 2), (2, 1): (4, 3, 3), (3, 1): (2, 2, 1),
        (1, 2): (2, 1, 1), (2, 2): (0, 0, 0), (3, 2): (0, 0, 0),
    }  # fmt: skip
    assert cells.filter(pl.col("duration_months") == 2)["reason"].to_list() == [
        None, "the period is too short for this cell", "the period is too short for this cell",
    ]  # fmt: skip


@given(st.lists(st.text("ab-", min_size=5, max_size=5), min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_surface_does_not_depend_on_order_or_names(users: list[str], random: object) -> None:
    residence = months_at(*users)
    options = {"intervals": (1, 2), "durations": (1, 2), "draws": 5}
    plain = ["interval_months", "duration_months", "starts", "observable", "users", "moved"]
    cells = migration_surface(residence, **options)  # type: ignore[arg-type]
    other = residence.sample(fraction=1, shuffle=True, seed=1).with_columns(
        user_key=100 - pl.col("user_key"), authority=pl.col("authority").replace({"a": "z"})
    )
    assert cells.select(plain).equals(migration_surface(other, **options).select(plain))  # type: ignore[arg-type]
    assert (cells["moved"] <= cells["observable"]).all()


def test_a_longer_gap_sees_more_moves() -> None:
    users = ["a" * (2 + k) + "b" * (6 - k) for k in range(5)] + ["a" * 8] * 5
    cells = migration_surface(months_at(*users), intervals=(1, 2, 3, 4), durations=(1,))
    assert cells["share_moved"].is_sorted()


# Errors


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="areas has no authority Z, in which 1 rows of moves have from_area"):
        flows(moves_of((0, "Z", "A", date(2014, 5, 1))), AREAS, RISK, **PERIOD)
    with pytest.raises(ValueError, match=r"unknown level 'regions'; known: authority, region; did you mean region\?"):
        flows(MOVES, AREAS, RISK, **PERIOD, level="regions")
    with pytest.raises(ValueError, match="areas: column residents_16_plus is missing"):
        flows(MOVES, AREAS, RISK, **PERIOD, population="residents_16_plus")
    with pytest.raises(ValueError, match="confidence is 95; expected a share between 0 and 1"):
        flows(MOVES, AREAS, RISK, **PERIOD, confidence=95)
    with pytest.raises(ValueError, match="residence: rows with the same user_key and month"):
        migration_surface(pl.concat([months_at("ab"), months_at("ab")]))
    with pytest.raises(ValueError, match="expected 1 or more each"):
        migration_surface(months_at("ab"), intervals=(0,))
    unknown = AREAS.with_columns(residents=pl.when(pl.col("authority") != "A").then("residents"))
    assert flows(MOVES, unknown, RISK, **PERIOD)["reason"][0] == "residents of the area are not known"
    assert timedelta(days=91) == PERIOD["last_date"] + timedelta(days=1) - PERIOD["first_date"]
