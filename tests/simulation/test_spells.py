"""Spells and moves by hand, and students by the official flows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.simulation.world.official_moves import OTHER_AGES, read_official_moves, spread_over_authorities
from ons_bigdata.simulation.world.spells import (
    HOLIDAY,
    HOME,
    KINDS,
    PARENTAL,
    TERM,
    Intervals,
    moves_between,
    overlay,
    undisturbed,
)

FLOWS = "ons_internal_migration_la_year_age_2002_2015.csv.gz"


def intervals(*rows: tuple[int, int, int, int, int]) -> Intervals:
    """Return intervals of rows of person, start, end, address, kind."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return Intervals(*columns)


def rows_of(spells: Intervals) -> list[tuple[int, ...]]:
    return list(zip(*(vars(spells)[name].tolist() for name in vars(spells)), strict=True))


def test_a_later_layer_holds_and_equal_neighbours_are_one_spell() -> None:
    """Person 0 moves from address 7 to 8 on day 10 and is in term at 9 from day 4 to 6; person 1 stays at 5."""
    homes = intervals((0, 0, 10, 7, HOME), (0, 10, 20, 8, HOME), (1, 0, 12, 5, HOME), (1, 12, 20, 5, HOME))
    terms = intervals((0, 4, 6, 9, TERM), (0, 30, 40, 9, TERM))
    assert rows_of(overlay([homes, terms], persons=2, days=20)) == [
        (0, 0, 4, 7, HOME),
        (0, 4, 6, 9, TERM),
        (0, 6, 10, 7, HOME),
        (0, 10, 20, 8, HOME),
        (1, 0, 20, 5, HOME),
    ]


def test_a_day_without_a_home_is_an_error_that_names_person_and_day() -> None:
    homes = intervals((0, 0, 20, 7, HOME), (1, 0, 12, 5, HOME))
    with pytest.raises(ValueError, match="person 1 lives nowhere on day 12; the first layer must cover all days"):
        overlay([homes], persons=2, days=20)


def test_a_holiday_that_a_move_falls_into_is_left_out() -> None:
    homes = intervals((0, 0, 10, 7, HOME), (0, 10, 20, 8, HOME))
    holidays = intervals(*((0, start, start + 3, 1, HOLIDAY) for start in (0, 2, 8, 10, 12, 17)))
    assert undisturbed(holidays, homes).start.tolist() == [2, 12]


def test_moves_of_a_student_who_begins_and_of_one_who_ends() -> None:
    spells = intervals(
        (0, 0, 50, 7, HOME),
        (0, 50, 60, 9, TERM),
        (0, 60, 70, 7, PARENTAL),
        (0, 70, 90, 9, TERM),
        (1, 0, 30, 9, TERM),
        (1, 30, 40, 6, HOME),
        (1, 40, 45, 1, HOLIDAY),
        (1, 45, 60, 6, HOME),
        (1, 60, 90, 4, HOME),
    )
    moves = moves_between(spells, student_end=np.array([900, 30]))
    assert moves.select("person", "day", "kind", "is_residence_change").rows() == [
        (0, 50, "term_start", True),
        (0, 60, "term_end", False),
        (0, 70, "term_start", False),
        (1, 30, "term_end", True),
        (1, 40, "trip", False),
        (1, 45, "trip", False),
        (1, 60, "move", True),
    ]
    assert KINDS == ("home", "parental", "term", "holiday")


def test_students_follow_the_official_flows() -> None:
    """Arrivals in term by authority against moves of ages 18 to 25 into it, where there are places for students."""
    path = Settings().shared / "data" / "tweets" / FLOWS
    if not path.is_file():
        pytest.skip(f"no official flows at {path} (set ONS_BIGDATA_SHARED)")
    flows = read_official_moves(path)
    assert flows.height == 350
    world = build_world(seed=1, persons=60_000, addresses=60_000, student_flows=flows)
    arrivals = world.spells.filter(pl.col("kind") == "term").unique("person")["authority"].value_counts()
    both = world.authorities.filter(pl.col("students_thousand") > 0).join(flows, on="authority")
    both = both.join(arrivals, on="authority", how="left").with_columns(pl.col("count").fill_null(0))
    assert both.height > 90
    assert both.select(pl.corr("count", "moved_in")).item() > 0.9
    leaving = world.persons.filter("is_student").select("address").to_series()
    by_origin = world.addresses["authority"].gather(leaving).value_counts(name="students")
    origins = flows.join(by_origin, on="authority")
    assert origins.select(pl.corr("students", "moved_out")).item() > 0.8


def test_homes_follow_the_official_flows() -> None:
    """Moves of homes per resident against those of the other ages, which differ threefold between authorities."""
    path = Settings().shared / "data" / "tweets" / FLOWS
    if not path.is_file():
        pytest.skip(f"no official flows at {path} (set ONS_BIGDATA_SHARED)")
    flows = read_official_moves(path, ages=OTHER_AGES)
    world = build_world(seed=1, persons=120_000, addresses=100_000, home_flows=flows, mobility=3.0)
    moves = world.moves.filter(pl.col("kind") == "move", pl.col("from_area") != pl.col("to_area"))
    margins = spread_over_authorities(world.authorities, flows, "home_flows")
    for side, margin in (("from_area", "moved_out"), ("to_area", "moved_in")):
        both = margins.join(moves.group_by(authority=side).len(), on="authority").join(
            world.authorities, on="authority"
        )
        rates = both.select(*(pl.col(name) / pl.col("residents_thousand") for name in ("len", margin)))
        assert rates.select(pl.corr("len", margin)).item() > 0.75, side


def test_a_table_that_is_none_of_flows_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("LACode,year,ageGroup,Out\nE08000035,2015,18-25,1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"flows.csv: no column In; its columns: LACode, year, ageGroup, Out"):
        read_official_moves(path)
    path.write_text("LACode,year,ageGroup,Out,In\nE08000035,2015,18-25,1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"flows.csv: no row of year 2014 and ages 18-25; its years: \[2015\]"):
        read_official_moves(path, year=2014)
    assert read_official_moves(path).row(0) == ("E08000035", 1.0, 2.0)
