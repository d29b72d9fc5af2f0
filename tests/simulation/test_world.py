"""Simulated world: everybody lives somewhere on each day, moves are changes of spell, areas contain their addresses."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.simulation.world.addresses import CELL_M, DWELLINGS, park_positions
from ons_bigdata.simulation.world.building import World, build_world
from ons_bigdata.simulation.world.outages import OutagePlan

TOWNS = ("E08000035", "E06000023", "W06000015", "S12000036", "E09000022")


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world of the whole country."""
    return build_world(seed=3, persons=15_000, addresses=15_000)


def frames(world: World) -> dict[str, pl.DataFrame]:
    return {
        field.name: value
        for field in dataclasses.fields(world)
        if isinstance(value := getattr(world, field.name), pl.DataFrame)
    }


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**31),
    persons=st.integers(1, 600),
    days=st.integers(2, 420),
    first_day=st.dates(date(2012, 1, 1), date(2016, 12, 31)),
)
def test_every_person_lives_somewhere_on_each_day_and_only_there(
    seed: int, persons: int, days: int, first_day: date
) -> None:
    world = build_world(seed=seed, persons=persons, addresses=600, authorities=TOWNS, first_day=first_day, days=days)
    spells = world.spells
    assert (spells["first_date"] < spells["last_date"]).all()
    of_person = spells.group_by("person").agg(
        pl.col("first_date").first().alias("from"),
        pl.col("last_date").last().alias("to"),
        (pl.col("first_date").shift(-1) == pl.col("last_date")).all().alias("is_gapless"),
        pl.len() - 1,
    )
    assert of_person.height == persons == world.persons.height
    assert (of_person["from"] == first_day).all()
    assert ((of_person["to"] - of_person["from"]).dt.total_days() == days).all()
    assert of_person["is_gapless"].all()
    assert of_person["len"].sum() == world.moves.height


def test_moves_are_the_changes_of_spells(world: World) -> None:
    next_spell = world.spells.select(
        "person",
        from_uprn="uprn",
        to_uprn=pl.col("uprn").shift(-1).over("person"),
        from_area="authority",
        to_area=pl.col("authority").shift(-1).over("person"),
        moved_on="last_date",
    ).filter(pl.col("to_uprn").is_not_null())
    assert world.moves.select(next_spell.columns).equals(next_spell)


def test_an_area_contains_its_addresses_and_no_others(world: World) -> None:
    cells = world.addresses.select(
        "output_area",
        *((pl.col(axis) / CELL_M).floor().cast(pl.Int64).alias(axis) for axis in ("easting_m", "northing_m")),
    ).unique()
    assert cells.height == cells["output_area"].n_unique() == cells.select(pl.exclude("output_area")).n_unique()
    assert cells.height == world.areas.height
    assert world.addresses["postcode"].n_unique() == world.addresses.select("postcode", "output_area").n_unique()


def test_parks_are_more_than_300_m_from_every_address(world: World) -> None:
    east, north = (world.addresses[axis].to_numpy() for axis in ("easting_m", "northing_m"))
    parks = park_positions(east, north)
    for park in np.unique(parks, axis=0)[:200]:
        assert np.hypot(east - park[0], north - park[1]).min() > 500


def test_residents_of_areas_are_persons_and_homes_are_dwellings(world: World) -> None:
    assert world.areas["residents"].sum() == world.persons.height
    assert world.areas["residents_16_plus"].sum() == (world.persons["age"] >= 16).sum()
    assert world.homes["persons"].sum() == world.persons.height
    homes = world.homes.join(world.addresses, on="uprn", validate="1:1")
    assert homes.height == world.homes.height
    assert homes["class_code"].is_in(DWELLINGS).all()


def test_students_are_away_in_term_and_back_at_their_parents_between_terms(world: World) -> None:
    students = world.persons.filter("is_student")
    assert 0.008 < students.height / world.persons.height < 0.03
    spells = world.spells.join(students, on="person", how="semi")
    assert set(spells["kind"]) >= {"term", "parental", "home"}
    assert world.spells.join(students, on="person", how="anti")["kind"].is_in(["home", "holiday"]).all()
    on = pl.col("first_date") <= date(2014, 5, 20)
    in_may = spells.filter(on & (pl.col("last_date") > date(2014, 5, 20)))
    began = students.filter(pl.col("age") > 18)
    assert in_may.join(began, on="person", how="semi").filter(pl.col("kind") == "term").height > 0.95 * began.height
    halls = (
        spells.filter(pl.col("kind") == "term").join(world.addresses, on="uprn").filter(pl.col("class_code") == "RI03")
    )
    assert halls.height > 30
    homes = world.persons.join(world.homes.select("household", home="uprn"), on="household")
    parental = spells.filter(pl.col("kind") == "parental").join(homes, on="person")
    assert (parental["uprn"] == parental["home"]).mean() > 0.9  # parents move, too


def test_moves_of_students_are_in_their_season_and_change_the_residence_once(world: World) -> None:
    starts = world.moves.filter(pl.col("kind") == "term_start", pl.col("is_residence_change"))
    assert starts.height > 20
    assert starts["moved_on"].is_between(date(2014, 9, 15), date(2014, 9, 30)).all()
    assert starts["person"].is_unique().all()
    ends = world.moves.filter(pl.col("kind") == "term_end", pl.col("is_residence_change"))
    assert ends["moved_on"].is_between(date(2014, 6, 5), date(2014, 6, 25)).all()


def test_moves_of_homes_are_made_all_year(world: World) -> None:
    moves = world.moves.filter(pl.col("kind") == "move", pl.col("is_residence_change"))
    by_month = moves["moved_on"].dt.month().value_counts()
    assert by_month.height == 7
    yearly = moves.height / world.persons.height * 365.25 / world.days
    assert 0.06 < yearly < 0.16
    assert 0.3 < (moves["from_area"] != moves["to_area"]).mean() < 0.6


def test_work_and_study_are_at_addresses_of_their_classes(world: World) -> None:
    classes = world.addresses.select("uprn", "class_code")
    work = world.persons.filter("has_work").join(classes, left_on="work_uprn", right_on="uprn")
    assert work.height == world.persons["has_work"].sum()
    assert work["class_code"].str.starts_with("C").all()
    assert work["age"].is_between(18, 65).all()
    study = world.persons.filter("is_student").join(classes, left_on="study_uprn", right_on="uprn")
    assert study["class_code"].is_in(["CE05", "CE01HE"]).all()
    assert study.height == world.persons["is_student"].sum()
    assert (
        world.persons.filter(~pl.col("is_student"))["study_uprn"].null_count() == (~world.persons["is_student"]).sum()
    )


def test_students_go_where_the_flows_have_them_go() -> None:
    flows = pl.DataFrame(
        {
            "authority": [*TOWNS[:3], "S92000003", TOWNS[4]],
            "moved_out": [0.0, 100.0, 100.0, 0.0, 200.0],
            "moved_in": [300.0, 0.0, 0.0, 100.0, 0.0],
        }
    )
    world = build_world(seed=1, persons=12_000, addresses=12_000, authorities=TOWNS, student_flows=flows)
    terms = world.spells.filter(pl.col("kind") == "term").unique("person")
    assert set(terms["authority"]) <= {TOWNS[0], TOWNS[3]}
    assert (terms["authority"] == TOWNS[0]).mean() == pytest.approx(0.75, abs=0.08)
    with pytest.raises(ValueError, match=f"student_flows has no row of authority {TOWNS[1]} nor of its region"):
        build_world(
            seed=1,
            persons=60,
            addresses=600,
            authorities=TOWNS,
            student_flows=flows.filter(pl.col("authority") != TOWNS[1]),
        )


def test_equal_arguments_give_equal_worlds_and_another_seed_another(world: World) -> None:
    again = frames(build_world(seed=3, persons=15_000, addresses=15_000))
    other = frames(build_world(seed=4, persons=15_000, addresses=15_000))
    for name, frame in frames(world).items():
        assert frame.equals(again[name]), name
        assert name == "authorities" or not frame.equals(other[name]), name


def test_outages_do_not_overlap_and_may_be_laid_on_half_of_the_areas() -> None:
    plan = OutagePlan(mean_hours=60.0, share_of_authorities=0.5)
    world = build_world(seed=1, persons=50, addresses=600, authorities=TOWNS, outages=plan)
    assert world.outages.height == 12 * 2
    one = world.outages.filter(pl.col("authority") == world.outages["authority"][0])
    assert one["outage"].to_list() == list(range(1, 13))
    assert (one["started_at"][1:] > one["ended_at"][:-1]).all()
    with pytest.raises(ValueError, match="share_of_authorities 0"):
        OutagePlan(share_of_authorities=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"persons": 0}, "persons is 0; expected at least 1"),
        ({"days": 1}, "days is 1; expected at least 2"),
        ({"addresses": 100}, "addresses is 100; expected at least 200, 40 for each authority"),
        ({"persons": 5_000}, "5000 persons are .* expected at most nine households for ten dwellings"),
        ({"authorities": ["E99999999"]}, "unknown authorities E99999999; known: E06000002"),
    ],
)
def test_a_world_that_cannot_be_built_is_an_error(arguments: dict[str, object], message: str) -> None:
    usual = {"seed": 1, "persons": 100, "addresses": 600, "authorities": TOWNS}
    with pytest.raises(ValueError, match=message):
        build_world(**{**usual, **arguments})  # type: ignore[arg-type]


def test_a_small_world_by_hand() -> None:
    """One authority, three persons: spells of each are the whole range, cut at the days of the moves."""
    world = build_world(seed=11, persons=3, addresses=60, authorities=["E06000046"], days=30)
    assert world.areas.height == 1
    assert world.areas.row(0, named=True)["residents"] == 3
    for person in world.persons["person"]:
        spells = world.spells.filter(pl.col("person") == person)
        assert spells["first_date"][0] == date(2014, 4, 1)
        assert spells["last_date"][-1] == date(2014, 5, 1)
        moved_on = world.moves.filter(pl.col("person") == person)["moved_on"].to_list()
        assert spells["first_date"].to_list()[1:] == moved_on
