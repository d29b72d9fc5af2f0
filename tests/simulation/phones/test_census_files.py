"""The simulated census: everyone who commutes is counted, and its files are read without a fault."""

from __future__ import annotations

import polars as pl

from ons_bigdata.phones.sources.census_flows import read_census_flows
from ons_bigdata.phones.sources.zone_files import read_zones
from ons_bigdata.simulation.phones.census_files import COUNTED, census_tables
from ons_bigdata.simulation.phones.network import RURALITIES
from ons_bigdata.simulation.phones.operator_files import simulate_operator


def test_the_files_count_all_commuters_and_are_read() -> None:
    operator = simulate_operator(persons=1_000, devices=100, zones=8, seed=1)
    flows, zones = census_tables(operator).values()
    commuters = operator.persons.filter(pl.col("kind").is_in(COUNTED)).drop_nulls("work_zone").height
    totals = dict(flows.group_by("year").agg(pl.col("commuters").sum()).iter_rows())
    assert totals == {2011: commuters, 2001: commuters}
    arrivals = flows.group_by("year", "d").agg(pl.col("commuters").sum()).sort("d")
    assert arrivals.filter(pl.col("year") == 2011)["commuters"].equals(
        arrivals.filter(pl.col("year") == 2001)["commuters"]
    )  # workplaces are exchanged
    assert census_tables(operator)["simulated_census_flows.csv"].equals(flows)

    read = read_census_flows(flows.write_csv().encode(), load_id="0" * 16)
    assert read.accepted.height == flows.height and set(read.accepted["geography"]) == {"zone"}
    places = read_zones(zones.write_csv().encode(), load_id="0" * 16)
    assert places.accepted["code"].to_list() == [f"Z{number:03d}" for number in range(1, 9)]
    assert set(places.accepted["vintage"]) == {"SIM1"}
    assert set(places.accepted["rurality"]) <= set(RURALITIES)
