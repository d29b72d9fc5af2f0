"""Moves: examples by hand, precision and recall against a simulated truth, properties, errors."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.tweets.methods.residence import chain as chain_module
from ons_bigdata.tweets.methods.residence import detect_moves, settled_spells, time_at_risk
from ons_bigdata.tweets.methods.residence.chain import ResidenceChain
from ons_bigdata.tweets.methods.residence.term_time import is_vacation_stay
from tests.tweets.methods.migrants import Migrants, migrants

FIRST = date(2014, 4, 1)
SPAN = (FIRST, date(2014, 10, 31))
AREAS = {"a": "E06000001", "b": "E06000002", "c": "E06000003"}


def days_at(places: str, *, hall: str = "", every: int = 2) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and clusters of user 1: a letter per `every` days, the area of a residential cluster; - is no event."""
    rows = [
        (1, ord(place) - ord("a"), FIRST + timedelta(days=every * day), 20)
        for day, place in enumerate(places)
        if place != "-"
    ]
    events = pl.DataFrame(
        rows, schema={"user_key": pl.Int64, "cluster": pl.Int32, "local_date": pl.Date, "hour": pl.Int32}, orient="row"
    )
    clusters = pl.DataFrame(
        [
            (1, ord(letter) - ord("a"), "hall" if letter == hall else "residential", area)
            for letter, area in AREAS.items()
        ],
        schema={"user_key": pl.Int64, "cluster": pl.Int32, "class_group": pl.String, "authority": pl.String},
        orient="row",
    )
    return events, clusters


TERM_OF_FEW_DAYS = "a" * 14 + "-b" * 9 + "a" * 75


def moves_of(places: str, *, hall: str = "") -> list[tuple[str, str, str, bool]]:
    rows = detect_moves(*days_at(places, hall=hall))
    letters = {area: letter for letter, area in AREAS.items()}
    return [
        (letters[row["from_area"]], letters[row["to_area"]], row["kind"], row["is_migration"])
        for row in rows.iter_rows(named=True)
    ]


def test_a_move_and_its_date() -> None:
    """Last seen in the one on 29 May, first seen in the other on 8 June: moved on 3 June."""
    moves = detect_moves(*days_at("a" * 30 + "----" + "b" * 73))
    row = moves.row(0, named=True)
    assert moves.height == 1
    assert (row["from_area"], row["to_area"]) == (AREAS["a"], AREAS["b"])
    assert (row["kind"], row["is_migration"]) == ("move", True)
    assert (row["last_seen_before"], row["moved_on"], row["first_seen_after"]) == (
        date(2014, 5, 29), date(2014, 6, 3), date(2014, 6, 8),
    )  # fmt: skip
    assert row["months_before"] == pytest.approx(58 / 30.4375)
    assert row["probability"] > 0.99


@pytest.mark.parametrize(
    "places",
    [
        pytest.param("a" * 100, id="stays"),
        pytest.param("a" * 40 + "b" * 6 + "a" * 50, id="holiday of 12 days"),
        pytest.param("aaab" * 25, id="weekends elsewhere"),
        pytest.param("ab" * 50, id="two places in turn"),
        pytest.param("a" * 90 + "b" * 3, id="last week elsewhere"),
        pytest.param("b" + "-" * 40 + "a" * 60, id="seen once before"),
        pytest.param("", id="no events"),
    ],
)
def test_no_move(places: str) -> None:
    assert [row for row in moves_of(places) if row[3]] == []


def test_a_stay_of_months_and_back_is_a_trip() -> None:
    assert moves_of("a" * 15 + "b" * 60 + "a" * 32) == [("a", "b", "trip", False), ("b", "a", "trip", False)]


def test_term_time_returns_are_no_migration() -> None:
    """Term until mid June, home until mid September, the same term-time address again."""
    summer = "b" * 36 + "a" * 47 + "b" * 20
    expected = [("b", "a", "term_end", False), ("a", "b", "term_start", False)]
    assert moves_of(summer) == expected
    assert moves_of(summer, hall="b") == expected


def test_first_arrival_and_last_departure_of_a_student_are_migrations() -> None:
    assert moves_of("a" * 83 + "b" * 20, hall="b") == [("a", "b", "term_start", True)]
    assert moves_of("b" * 36 + "a" * 70, hall="b") == [("b", "a", "term_end", True)]


def test_a_departure_in_june_is_not_settled_in_september() -> None:
    assert moves_of("b" * 36 + "a" * 40, hall="b") == [("b", "a", "term_end", False)]
    assert moves_of("b" * 36 + "a" * 40) == [("b", "a", "move", False)]


def test_a_return_needs_the_days_of_returning() -> None:
    """First seen on 12 June: a change on 1 August is no return from the vacation, one in September may be."""
    assert moves_of("-" * 36 + "a" * 25 + "b" * 40) == [("a", "b", "move", True)]
    assert moves_of("-" * 36 + "a" * 48 + "b" * 20) == [("a", "b", "move", False)]
    assert moves_of("-" * 65 + "a" * 18 + "b" * 24) == [("a", "b", "move", False)]


def test_only_days_in_term_show_that_a_change_is_no_return() -> None:
    """Seen at home in April and from 12 June on: a student may have been away in May. Seen in May, nobody was."""
    assert moves_of("a" * 12 + "-" * 24 + "a" * 48 + "b" * 20) == [("a", "b", "move", False)]
    assert moves_of("a" * 12 + "-" * 10 + "a" * 62 + "b" * 20) == [("a", "b", "move", True)]


def test_a_stay_longer_than_a_term_settles_a_change() -> None:
    """A change in the Easter vacation, and 180 days in the new area: no student's term. In a hall it might be one."""
    assert moves_of("a" * 12 + "b" * 90) == [("a", "b", "move", True)]
    assert moves_of("a" * 12 + "b" * 60) == [("a", "b", "move", False)]
    assert moves_of("a" * 12 + "b" * 90, hall="b") == [("a", "b", "term_start", False)]


def test_few_days_before_a_move_leave_it_in_doubt() -> None:
    """Ten days seen in the area before: a probability of 0.57, which counts only where that is asked for."""
    events, clusters = days_at("a" * 10 + "b" * 90)
    assert detect_moves(events, clusters).is_empty()
    assert detect_moves(events, clusters, min_probability=0.5)["probability"].to_list() == [
        pytest.approx(0.574, abs=1e-3)
    ]


def test_windows_are_parameters() -> None:
    events, clusters = days_at("a" * 80 + "b" * 20)
    assert detect_moves(events, clusters)["is_migration"].to_list() == [True]
    assert detect_moves(events, clusters, min_months_after=1.5).is_empty()


@pytest.mark.parametrize(
    ("begin", "end", "is_vacation"),
    [
        (date(2014, 6, 10), date(2014, 9, 20), True),
        (date(2014, 6, 10), date(2014, 11, 20), False),
        (date(2014, 12, 12), date(2015, 1, 12), True),
        (date(2014, 12, 12), date(2015, 2, 12), False),
        (date(2014, 8, 1), date(2014, 9, 1), False),
    ],
)
def test_vacations(begin: date, end: date, is_vacation: bool) -> None:
    frame = pl.DataFrame({"begin": [begin], "end": [end]})
    assert frame.select(is_vacation_stay(pl.col("begin"), pl.col("end"))).item() == is_vacation


def test_time_at_risk_is_what_lies_between_the_windows() -> None:
    """Seen from 1 April to 26 October, moved on 3 June: at risk from 10 April to 17 October."""
    spells = settled_spells(*days_at("a" * 30 + "----" + "b" * 71))
    risk = time_at_risk(spells, every="1y")
    days = dict(zip(risk["area"], (risk["months"] * 30.4375).round().cast(pl.Int64), strict=True))
    assert days == {
        AREAS["a"]: (date(2014, 6, 3) - date(2014, 4, 10)).days,
        AREAS["b"]: (date(2014, 10, 17) - date(2014, 6, 3)).days,
    }
    assert time_at_risk(spells)["months"].sum() == pytest.approx(risk["months"].sum())
    assert time_at_risk(spells, min_days_per_month=20).is_empty()


def test_days_on_which_a_change_is_not_settled_are_no_time_at_risk() -> None:
    """At risk from 19 June (seen from the 10th) to 20 October (to the 30th), but not from 25 August to 5 October.

    Seen from 10 June to 28 September: not in those of leaving either, until 15 July.
    """
    days = {}
    for name, places in {"october": "-" * 35 + "a" * 72, "september": "-" * 35 + "a" * 56}.items():
        risk = time_at_risk(settled_spells(*days_at(places)), every="1mo")
        days[name] = {row["period"].month: round(row["months"] * 30.4375) for row in risk.iter_rows(named=True)}
    assert days["october"] == {6: 12, 7: 31, 8: 24, 10: 15}
    assert days["september"] == {7: 16, 8: 24}


@given(st.integers(0, 1_000))
@settings(max_examples=5)
def test_migrations_lie_in_time_at_risk(seed: int) -> None:
    """Each migration of an active user has time at risk in its month: moves and time leave out the same days."""
    world = migrants(150, seed=seed, activity="lognormal", authorities=6)
    spells = settled_spells(world.events, world.clusters)
    risk = time_at_risk(spells, min_days_per_month=0.0).select("user_key", month="period").unique()
    moves = detect_moves(world.events, world.clusters).filter("is_migration")
    assert (
        moves.with_columns(month=pl.col("moved_on").dt.month_start())
        .join(risk, on=["user_key", "month"], how="anti")
        .is_empty()
    )


@pytest.mark.parametrize("term", [(False, False), (False, True), (True, True)])
def test_the_chain_equals_the_sum_over_all_paths(term: tuple[bool, bool]) -> None:
    """Forward-backward against enumeration of the states of four days, first round (background of the start)."""
    chain = ResidenceChain()
    terms = np.tile(term, (4, 1))
    visited = np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=bool)
    days = np.array([0, 3, 10, 12])
    shares = chain.residences(np.zeros(4, np.int64), days, visited, np.full(4, 2), terms)
    assert shares.sum(axis=1) == pytest.approx(np.ones(4))
    once = chain.residences(np.zeros(4, np.int64), days, visited, np.full(4, 2), terms, rounds=1)
    changes = chain.moves_per_year + chain.term_changes_per_year * (term[0] != term[1])
    np.testing.assert_allclose(once, enumerated(visited, days, chain, changes, background=0.05), rtol=1e-9)


def test_changes_between_three_areas_of_which_one_is_in_term_time() -> None:
    """Chances of residences a month later, by hand; one step back is the transpose of one step forward."""
    rates, term = (0.15 / 365.25, 8 / 365.25, 1 / 4, 1 / 365.25), np.array([[False, True, False]])
    forward, backward = np.zeros((6, 6)), np.zeros((6, 6))
    for state in range(6):
        rows = np.vstack([np.eye(6)[state], np.zeros(6)])
        chain_module._step(rows, 0, 1, 3, term, 0, 30.0, rates)
        forward[state] = rows[1]
        rows = np.vstack([np.zeros(6), np.eye(6)[state]])
        chain_module._step(rows, 1, 0, 3, term, 0, 30.0, rates)
        backward[state] = rows[0]
    np.testing.assert_allclose(forward, backward.T, rtol=1e-12)
    residence = forward[:3, :3] + forward[:3, 3:]
    moved = 1 - np.exp(-1.15 / 365.25 * 30)
    to_other, to_term, from_term = 0.075 / 1.15, 1.075 / 1.15, 0.575 / 1.15
    assert residence == pytest.approx(
        np.array(
            [
                [1 - moved, moved * to_term, moved * to_other],
                [moved * from_term, 1 - moved, moved * from_term],
                [moved * to_other, moved * to_term, 1 - moved],
            ]
        )
    )


def test_a_term_that_few_days_show_is_no_trip() -> None:
    """At home to 28 April, at a hall for five weeks with an event in four days, then at home: a change each way."""
    assert [row[:3] for row in moves_of(TERM_OF_FEW_DAYS, hall="b")] == [
        ("a", "b", "term_start"),
        ("b", "a", "term_end"),
    ]
    assert moves_of(TERM_OF_FEW_DAYS) == []


def enumerated(  # type: ignore[no-untyped-def]
    visited: np.ndarray,  # type: ignore[type-arg]
    days: np.ndarray,  # type: ignore[type-arg]
    chain: ResidenceChain,
    changes_per_year: float,
    background: float,
):
    """Probability of each area by summing over all sequences of states (area, away)."""
    move, leave, back = changes_per_year / 365.25, chain.trips_per_year / 365.25, 1 / chain.trip_days

    def seen(place: int, row: int, share: float) -> float:
        return share / background if visited[row, place] else (1 - share) / (1 - background)

    def emitted(state: int, row: int) -> float:
        home, is_away = state % 2, state >= 2
        if not is_away:
            return seen(home, row, chain.share_at_home)
        return seen(home, row, 1 - chain.share_away) * seen(1 - home, row, chain.share_at_home)

    def step(before: int, after: int, gap: int) -> float:
        moved, mixed = 1 - np.exp(-move * gap), 1 - np.exp(-(leave + back) * gap)
        to_away, to_there = mixed * leave / (leave + back), mixed * back / (leave + back)
        is_other = before % 2 != after % 2
        begins_away = before >= 2 and not is_other
        away = 1 - to_there if begins_away else to_away
        return float((moved if is_other else 1 - moved) * (away if after >= 2 else 1 - away))

    total = np.zeros((len(days), 2))
    start = [back / (leave + back), leave / (leave + back)]
    for path in np.ndindex(*(4,) * len(days)):
        weight = start[path[0] >= 2] * emitted(path[0], 0)
        for row in range(1, len(days)):
            weight *= step(path[row - 1], path[row], days[row] - days[row - 1]) * emitted(path[row], row)
        for row, state in enumerate(path):
            total[row, state % 2] += weight
    return total / total.sum(axis=1, keepdims=True)


# Simulated users


@cache
def people(activity: str) -> Migrants:
    return migrants(1_000, seed=21, activity=activity)


@pytest.mark.parametrize("activity", ["pareto", "lognormal"])
def test_precision_recall_and_returns(activity: str) -> None:
    """Aims: precision 0.9, recall 0.6 from ten events a month on, term-time returns counted in at most 2 %."""
    world = people(activity)
    moves = detect_moves(world.events, world.clusters).filter("is_migration")
    active = world.events.group_by("user_key").len().filter(pl.col("len") >= 70)
    pair = ["user_key", "from_area", "to_area"]
    truth, returns = (
        world.moves.filter(pl.col("is_return") == is_return).join(active, on="user_key") for is_return in (False, True)
    )
    given_moves = moves.join(active, on="user_key", how="semi")
    right = given_moves.join(truth, on=pair).filter(
        (pl.col("moved_on") - pl.col("moved_on_right")).dt.total_days().abs() <= 31
    )
    assert truth.height > 30
    assert right.height / given_moves.height >= 0.9
    assert right.height / truth.height >= 0.6
    assert given_moves.join(returns, on=pair).height <= 0.02 * returns.height


@given(st.integers(0, 1_000))
@settings(max_examples=10)
def test_order_of_rows_and_numbers_of_users_do_not_matter(seed: int) -> None:
    world = migrants(40, seed=seed, activity="lognormal", authorities=4)
    moves = detect_moves(world.events, world.clusters)
    events = world.events.with_columns(user_key=1_000 - pl.col("user_key")).sample(fraction=1, shuffle=True, seed=seed)
    again = detect_moves(events, world.clusters.with_columns(user_key=1_000 - pl.col("user_key")))
    back = again.with_columns(user_key=1_000 - pl.col("user_key")).sort("user_key", "moved_on")
    assert moves.drop("probability").equals(back.drop("probability"))
    np.testing.assert_allclose(moves["probability"], back["probability"], rtol=1e-9)


# Errors


def test_bad_input_is_refused() -> None:
    events, clusters = days_at("ab")
    with pytest.raises(ValueError, match=r"min_months_before is -1; expected 0 or more months"):
        detect_moves(events, clusters, min_months_before=-1)
    with pytest.raises(ValueError, match=r"min_probability is 2; expected a probability"):
        detect_moves(events, clusters, min_probability=2)
    with pytest.raises(ValueError, match=r"clusters: column authorities is missing; found user_key"):
        detect_moves(events, clusters, level="authorities")
    with pytest.raises(ValueError, match=r"column local_date is Datetime.*expected Date"):
        detect_moves(events.with_columns(pl.col("local_date").cast(pl.Datetime)), clusters)
    with pytest.raises(ValueError, match=r"share_at_home is 1.0; expected at least 0.5 and less than 1"):
        ResidenceChain(share_at_home=1.0)
    with pytest.raises(ValueError, match=r"unknown every 'week'"):
        time_at_risk(settled_spells(events, clusters), every="week")
