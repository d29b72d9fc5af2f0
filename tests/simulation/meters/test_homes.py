"""Homes with meters: of their own, and of the simulated world; stock and flow of vacancy."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ons_bigdata.commands.simulate.meters import MeterOptions, write_meters
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.meters.deliveries.vacancy_flows import quarters_of, vacancy_flows
from ons_bigdata.simulation.meters.homes import HomeShares, draw_homes
from ons_bigdata.simulation.meters.world_homes import WorldHomes, draw_world_homes
from ons_bigdata.simulation.world.building import World, build_world

FIRST_DAY, DAYS = date(2009, 7, 14), 536
AUTHORITIES = ["E08000035", "E07000031"]
"""Leeds, and a small one."""


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(seed=5, persons=1_500, addresses=1_500, authorities=AUTHORITIES, first_day=FIRST_DAY, days=DAYS)


@pytest.fixture(scope="module")
def placed(world: World) -> WorldHomes:
    shares = HomeShares(vacant_urban=0.1, vacant_rural=0.1, become_vacant_per_quarter=0.02)
    return draw_world_homes(world, 200, seed=1, shares=shares)


def residents(world: World) -> pl.DataFrame:
    return world.spells.filter(pl.col("kind") != "holiday").join(
        world.persons.select("person", "household"), on="person"
    )


def test_shares_of_many_homes_are_those_asked_for() -> None:
    homes = draw_homes(np.random.default_rng(1), 20_000, first_day=FIRST_DAY, days=DAYS)
    in_stock = (pl.col("vacant_from") < FIRST_DAY).fill_null(value=False)
    by_place = dict(homes.group_by("is_rural").agg(in_stock.mean()).iter_rows())
    assert by_place[False] == pytest.approx(0.03, abs=0.005)
    assert by_place[True] == pytest.approx(0.075, abs=0.008)
    stock = homes.filter(in_stock)
    two_years = FIRST_DAY - timedelta(days=730)
    assert (stock["vacant_from"] <= two_years).mean() == pytest.approx(2 / 3, abs=0.05)
    own_type = homes.filter(pl.col("occupancy") == "occupied")["meter_type"].ne("import").mean()
    assert own_type == pytest.approx(0.25, abs=0.02)


def test_flows_of_many_homes_have_the_proportions_of_the_official_ones() -> None:
    homes = draw_homes(np.random.default_rng(1), 40_000, first_day=FIRST_DAY, days=DAYS)
    flows = vacancy_flows(homes, first_day=FIRST_DAY, days=DAYS).filter(pl.col("quarter").dt.year() == 2010)
    total = flows.select(pl.col("stock_before", "became_vacant", "occupied_again", "homes").sum()).row(0, named=True)
    assert total["occupied_again"] / total["stock_before"] == pytest.approx(0.11, abs=0.015)
    assert total["became_vacant"] / total["homes"] == pytest.approx(0.0035, abs=0.0006)


def test_stock_and_flow_by_hand_and_balance() -> None:
    dates: list[tuple[date | None, date | None]] = [
        (date(2009, 1, 1), None),
        (date(2009, 8, 1), date(2009, 9, 1)),
        (date(2009, 10, 1), None),
    ]
    dates += [(date(2008, 1, 1), date(2009, 10, 1)), (None, None)]
    homes = pl.DataFrame(
        {"area": ["A"] * 5, "vacant_from": [one for one, _ in dates], "vacant_until": [end for _, end in dates]}
    )
    flows = vacancy_flows(homes, first_day=FIRST_DAY, days=120)
    columns = [
        "quarter",
        "first_date",
        "end_date",
        "homes",
        "stock_before",
        "became_vacant",
        "occupied_again",
        "stock_after",
    ]
    assert flows.select(columns).rows() == [
        (date(2009, 7, 1), FIRST_DAY, date(2009, 10, 1), 5, 2, 1, 1, 2),
        (date(2009, 10, 1), date(2009, 10, 1), date(2009, 11, 11), 5, 2, 1, 1, 2),
    ]


def test_stock_balances_exactly_in_every_area_and_quarter() -> None:
    homes = draw_homes(np.random.default_rng(2), 5_000, first_day=FIRST_DAY, days=DAYS)
    flows = vacancy_flows(homes, first_day=FIRST_DAY, days=DAYS)
    balance = pl.col("stock_before") + pl.col("became_vacant") - pl.col("occupied_again") - pl.col("stock_after")
    assert flows.select(balance.abs().max()).item() == 0
    carried = pl.col("stock_after").shift().over("area") - pl.col("stock_before")
    assert flows.select(carried.abs().max()).item() == 0


def test_quarters_cover_the_range() -> None:
    quarters = quarters_of(FIRST_DAY, DAYS)
    assert quarters[0] == (FIRST_DAY, date(2009, 10, 1))
    assert quarters[-1] == (date(2010, 10, 1), date(2011, 1, 1))
    assert len(quarters) == 6


def test_lived_in_homes_are_those_of_the_worlds_households(world: World, placed: WorldHomes) -> None:
    lived_in = placed.homes.filter(pl.col("occupancy") == "occupied")
    people = residents(world).join(lived_in.select("uprn", meter_household="household"), on="uprn")
    assert (people["household"] == people["meter_household"]).all()
    size = world.persons.group_by("household").len()
    sizes = lived_in.join(size, on="household")
    assert sizes.height == lived_in.height
    assert (sizes["household_size"] == sizes["len"]).all()
    assert (lived_in["workers"] <= lived_in["household_size"]).all()


def test_nobody_of_the_world_lives_in_a_home_while_it_is_vacant(world: World, placed: WorldHomes) -> None:
    vacant = placed.homes.filter(pl.col("occupancy") == "vacant")
    onset = vacant.filter(pl.col("vacant_from") >= FIRST_DAY)
    again = vacant.filter(pl.col("vacant_until").is_not_null())
    assert onset.height > 0
    assert again.height > 0
    people = residents(world).join(vacant, on="uprn")
    end = FIRST_DAY + timedelta(days=DAYS)
    until = pl.col("vacant_until").fill_null(end)
    assert people.filter((pl.col("first_date") < until) & (pl.col("last_date") > pl.col("vacant_from"))).height == 0
    moved = residents(world).group_by("uprn").agg(pl.col("first_date").min(), pl.col("last_date").max())
    assert onset.join(moved, on="uprn").select((pl.col("last_date") == pl.col("vacant_from")).all()).item()
    assert again.join(moved, on="uprn").select((pl.col("first_date") == pl.col("vacant_until")).all()).item()


def test_trips_are_the_holidays_of_the_households(world: World, placed: WorldHomes) -> None:
    assert placed.trips.height > 10
    homes = placed.trips.join(placed.homes.select("meter", "household"), on="meter")
    holidays = world.spells.filter(pl.col("kind") == "holiday").join(
        world.persons.select("person", "household"), on="person"
    )
    found = homes.join(holidays, on=["household", "first_date", "last_date"], how="semi")
    assert found.height == homes.height


def test_no_dwelling_has_two_meters(placed: WorldHomes) -> None:
    assert placed.homes["uprn"].n_unique() == placed.homes.height == 200
    assert placed.homes["meter"].n_unique() == 200


def test_more_meters_than_households_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="5000 meters are more than the"):
        draw_world_homes(world, 5_000, seed=1)


def options(**changed: object) -> MeterOptions:
    values: dict[str, object] = {
        "meters": 5,
        "first_day": FIRST_DAY,
        "days": 3,
        "seed": 1,
        "generator": "chain",
        "file_format": "cer",
        "persons": 300,
        "addresses": 6_200,
        "has_faults": True,
        "unit_errors": 0.0,
        "keeps_presence": True,
    }
    return MeterOptions(**{**values, **changed})  # type: ignore[arg-type]


def test_the_command_writes_readings_and_truth_into_an_empty_folder(tmp_path: Path) -> None:
    written = write_meters(tmp_path / "new", options())
    assert written.meters == 5
    lines = sum(len(path.read_text().splitlines()) for path in written.readings.iterdir())
    assert written.rows == lines > 400
    assert written.to_dict()["truth"] == str(tmp_path / "new" / "truth")
    with pytest.raises(InputError, match="is no empty folder"):
        write_meters(tmp_path / "new", options())


def test_the_command_names_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="generator 'x' is unknown"):
        write_meters(tmp_path / "a", options(generator="x"))
