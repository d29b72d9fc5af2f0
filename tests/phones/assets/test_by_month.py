"""Tables of deliveries by month: which months are built again, and that the rows are those of a whole build."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.assets import census_comparison, flow_estimates, weights
from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse

MARCH, APRIL = date(2021, 3, 1), date(2021, 4, 1)
ZONES = ["A", "B", "C", "D", "E", "F"]
ASSETS = [weights.phone_weights, flow_estimates.phone_flow_estimates, census_comparison.phone_flow_comparisons]
TABLES = [weights.WEIGHTS, weights.MARGINS, *flow_estimates.FRAMES, *census_comparison.FRAMES]
KINDS = {pl.String: "text", pl.Date: "date", pl.Float64: "double precision", pl.Int64: "bigint"}


def input_tables() -> dict[str, pl.DataFrame]:
    """Inputs of the assets for two months of an operator and two censuses of six zones."""
    random = np.random.default_rng(1)
    place = {"data_origin": "simulated", "geography": "zone"}
    delivery = place | {"provider": "alpha", "vintage": "SIM1", "day_type": "all"}
    pairs = list(product(ZONES, ZONES))
    flows = [
        delivery
        | {"month": month, "origin": o, "destination": d, "flow": count if count >= 10 else None}
        | {"status": "observed" if count >= 10 else "suppressed"}
        | {"lower": count if count >= 10 else 0.0, "upper": count if count >= 10 else 9.0}
        for month in (MARCH, APRIL)
        for o, d in pairs
        for count in [float(random.poisson(40 / (1 + abs(ord(o) - ord(d)))))]
    ]
    months = list(product((MARCH, APRIL), ZONES))
    census = [
        place
        | {"census_year": year, "origin": o, "destination": d, "destination_kind": "zone"}
        | {"persons": int(random.poisson(400 / (1 + abs(ord(o) - ord(d)))))}
        for year in (2001, 2011)
        for o, d in pairs
    ]
    return {
        "intermediate.int_phones__flows_united": pl.DataFrame(flows, infer_schema_length=None),
        "intermediate.int_phones__segment_flows": nothing(
            [*delivery, "segment", "origin", "destination"], ["flow", "lower", "upper"]
        ),
        "intermediate.int_phones__flow_totals_united": nothing([*delivery, "side", "zone"], ["total"]),
        "intermediate.int_phones__resident_devices_united": pl.DataFrame(
            [delivery | {"month": m, "area": z, "segment": "all", "devices": 200.0 + ord(z)} for m, z in months]
        ).drop("day_type"),
        "intermediate.int_phones__residents_united": pl.DataFrame(
            [place | {"area": z, "residents": 2000.0, "residents_error": 20.0} for z in ZONES]
        ),
        "intermediate.int_phones__census_flows_united": pl.DataFrame(census),
        "intermediate.int_phones__places_united": pl.DataFrame(
            [
                place
                | {"code": z, "longitude": 0.03 * n, "latitude": 51.0 + 0.01 * n, "easting_km": 2.0 * n}
                | {"northing_km": 1.0 * n, "rurality": "urban", "district_name": "Town"}
                for n, z in enumerate(ZONES)
            ]
        ),
        "staging.stg_phones__coverage": pl.DataFrame(
            [
                {"data_origin": "simulated", "provider": "alpha", "month": m, "zone": z, "technology": "4g"}
                | {"cells": 4, "mean_cell_radius_m": 700.0}
                for m, z in months
            ]
        ),
        "staging.stg_phones__population_figures": nothing(
            [*place, "figure", "area", "category", "provider"], ["year", "value", "standard_error"]
        ),
        "seeds.phone_publication_rules": pl.DataFrame(
            {"parameter": ["threshold", "rounding_base"], "value": [10.0, 5.0]}
        ),
    }


def nothing(texts: list[str], numbers: list[str]) -> pl.DataFrame:
    """Table of months without a row."""
    return pl.DataFrame(
        schema={**dict.fromkeys(texts, pl.String), "month": pl.Date, **dict.fromkeys(numbers, pl.Float64)}
    )


@pytest.fixture
def store(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    few = replace(census_comparison.BETWEEN_ZONES, draws=20, samples=20)
    monkeypatch.setattr(census_comparison, "BETWEEN_ZONES", few)
    with warehouse.transaction() as transaction:
        for name, frame in input_tables().items():
            columns = ", ".join(f"{column} {KINDS[type(kind)]}" for column, kind in frame.schema.items())
            transaction.execute(f"create table {name} ({columns})")
            transaction.insert(name, frame)
    return warehouse


def build(assets: list[dg.AssetsDefinition] = ASSETS) -> dict[str, int]:
    """Compute the tables of assets; number of months that were built of each."""
    result = dg.materialize(
        assets,
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    made = [event.materialization for event in result.get_asset_materialization_events()]
    return {event.asset_key.path[-1]: int(str(event.metadata["periods_built"].value)) for event in made}


def content(store: Warehouse) -> list[tuple[int, str]]:
    query = "select count(*), sum(hashtextextended(t::text, 0))::text from {} as t"
    return [store.rows(query.format(table))[0] for table in TABLES]


def execute(store: Warehouse, statement: str) -> None:
    with store.transaction() as transaction:
        transaction.execute(statement)


def test_a_changed_delivery_rebuilds_its_month_and_the_rows_are_those_of_a_whole_build(store: Warehouse) -> None:
    assert set(build().values()) == {2}
    months = "select distinct month from analysis.phone_flow_comparisons order by month"
    assert store.rows(months) == [(MARCH,), (APRIL,)]
    first = content(store)
    execute(
        store,
        "update intermediate.int_phones__flows_united set flow = flow + 7, lower = lower + 7, upper = upper + 7"
        " where month = '2021-04-01' and origin = 'A' and destination = 'A'",
    )
    built = build()
    assert {name for name, periods in built.items() if periods == 0} == {"phone_weights", "phone_weight_margins"}
    assert set(built.values()) == {0, 1}
    april = content(store)
    assert april != first
    execute(store, "delete from ops.table_days")
    assert set(build().values()) == {2}
    assert content(store) == april
    execute(store, "delete from intermediate.int_phones__flows_united where month = '2021-03-01'")
    assert build()["phone_flow_pairs"] == 0
    assert store.rows(months) == [(APRIL,)]
    execute(store, "update intermediate.int_phones__residents_united set residents = residents + 1")
    assert set(build([weights.phone_weights]).values()) == {2}
