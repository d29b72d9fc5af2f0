"""The simulated operator: the same every time, its delivery within the contract, its truth apart."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.commands.phones import read_spec
from ons_bigdata.phones.methods.anchors import home_and_work
from ons_bigdata.phones.sources.figure_files import read_figures
from ons_bigdata.phones.sources.specification_files import read_register
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.phones.agreement import PROVIDER, agree
from ons_bigdata.simulation.phones.figure_files import figure_table
from ons_bigdata.simulation.phones.operator_files import (
    MONTH,
    SimulatedOperator,
    deliver,
    simulate_operator,
    write_operator,
)
from ons_bigdata.simulation.phones.operator_tables import anchor_devices
from tests.command_line import ROOT

SHIFTS = ("night_shift", "rotating_shift")


@pytest.fixture(scope="module")
def operator() -> SimulatedOperator:
    """Simulate an operator with 600 phones."""
    return simulate_operator(devices=600, zones=16, seed=5)


def test_the_same_seed_gives_the_same_operator(operator: SimulatedOperator) -> None:
    again = simulate_operator(devices=600, zones=16, seed=5)
    assert_frame_equal(again.events, operator.events)
    assert_frame_equal(again.devices, operator.devices)
    assert all(
        table.equals(other) for table, other in zip(deliver(again).values(), deliver(operator).values(), strict=True)
    )


def test_every_kind_of_person_carries_a_phone(operator: SimulatedOperator) -> None:
    kinds = set(operator.devices["kind"])
    assert {"regular", "part_time", "home_worker", "pupil", "non_worker", *SHIFTS} <= kinds
    assert operator.devices["is_second"].any() and set(operator.devices["tariff"]) == {"contract", "payg"}
    assert set(operator.cells["rurality"]) == {"urban", "suburban", "rural"}
    radius = dict(operator.cells.group_by("rurality").agg(pl.col("radius_m").median()).iter_rows())
    assert radius["urban"] < radius["suburban"] < 2_000 < 2 * radius["rural"]


@pytest.mark.parametrize(("threshold", "rounding_base"), [(5, 1), (10, 5), (1, 1)])
def test_a_delivery_is_within_its_specification(tmp_path: Path, threshold: int, rounding_base: int) -> None:
    small = simulate_operator(
        persons=1_000, devices=150, zones=8, seed=1, threshold=threshold, rounding_base=rounding_base
    )
    files = write_operator(tmp_path, small)
    read = read_spec(files.specification, Settings(home=tmp_path), delivery=[files.deliveries])
    assert [file.reason for file in read.checked] == [None] * 4
    assert read.specification == small.specification


def test_a_changed_count_of_a_delivery_is_seen_by_its_totals(tmp_path: Path, operator: SimulatedOperator) -> None:
    files = write_operator(tmp_path, operator)
    path = next(files.deliveries.glob("*od_flows*"))
    flows = pl.read_csv(path, infer_schema=False)
    is_pair = (pl.col("origin_code") == "Z001") & (pl.col("dest_code") == "Z001") & (pl.col("segment") == "all")
    flows.with_columns(devices=pl.when(is_pair).then(pl.lit("900")).otherwise("devices")).write_csv(path)
    read = read_spec(files.specification, Settings(home=tmp_path), delivery=[path])
    assert "totals disagree" in str(read.checked[0].reason)


def test_figures_are_those_of_the_world_but_for_market_shares(operator: SimulatedOperator) -> None:
    table = figure_table(operator)
    reading = read_figures(table.write_csv().encode(), load_id="0" * 16)
    assert (reading.accepted.height, reading.quarantined.height) == (table.height, 0)
    adults = operator.persons.filter(pl.col("age") >= 18)
    residents = table.filter(pl.col("figure") == "residents")
    assert residents.filter(pl.col("category") == "all")["value"].sum() == adults.height
    assert residents.filter(pl.col("category") != "all")["value"].sum() == adults.height
    shares = table.filter(pl.col("figure") == "market_share")
    phones = 600 / shares["value"].mean()  # type: ignore[operator]
    assert 0.8 < phones / 18_000 < 1.25
    assert figure_table(operator).equals(table)


def test_homes_and_workplaces_are_those_that_serve_the_true_places(operator: SimulatedOperator) -> None:
    """Of regular workers: home 90 %, work 85 %, neither worse than the mast nearest to the true place by 2 points."""
    found = home_and_work(operator.events, operator.specification)
    judged = operator.devices.join(found, on="device", how="left")
    regular = judged.filter(pl.col("kind") == "regular")
    for place, least in (("home", 0.90), ("work", 0.85)):
        right, nearest = (
            regular.select((pl.col(f"{place}_cell") == pl.col(other)).fill_null(value=False).mean()).item()
            for other in (place, f"nearest_{place}_cell")
        )
        assert right >= least
        assert right >= nearest - 0.02


def test_the_operators_plain_rules_find_the_same_workplaces_with_few_events() -> None:
    few = simulate_operator(devices=600, zones=16, seed=5, events_per_day=6.5)
    rules = home_and_work(few.events, few.specification).select("device", by_rules="work")
    both = anchor_devices(few.events, few.specification).join(rules, on="device", validate="1:1")
    assert both["by_rules"].count() > 250
    assert both.select(pl.col("work").eq_missing(pl.col("by_rules")).mean()).item() >= 0.99


@pytest.mark.nightly
def test_homes_workplaces_and_night_workers_of_a_larger_operator() -> None:
    """By rurality, and shift workers with an F1 of 0.8 or more; another seed than the rules were made with."""
    operator = simulate_operator(devices=4_000, seed=77)
    judged = operator.devices.join(home_and_work(operator.events, operator.specification), on="device", how="left")
    regular = judged.filter(pl.col("kind") == "regular")
    for place, group, least in (("home", "rurality", 0.90), ("work", "work_rurality", 0.85)):
        for _, part in regular.partition_by(group, as_dict=True).items():
            right, nearest = (
                part.select((pl.col(f"{place}_cell") == pl.col(other)).fill_null(value=False).mean()).item()
                for other in (place, f"nearest_{place}_cell")
            )
            assert right >= max(least, nearest - 0.02)
    is_shift = pl.col("kind").is_in(SHIFTS)
    hits = judged.filter(is_shift & pl.col("shift_candidate")).height
    wrong = judged.filter(is_shift != pl.col("shift_candidate").fill_null(value=False)).height
    assert 2 * hits / (2 * hits + wrong) >= 0.8


def test_the_specification_of_the_demo_is_registered() -> None:
    codes = [f"Z{number:03d}" for number in range(1, 41)]
    registered = read_register(ROOT / "dbt_project")[agree(MONTH, codes, threshold=5, rounding_base=1).spec_id]
    assert registered.provider == PROVIDER
