"""Devices from files to published numbers in a real warehouse; no trace of a device outside restricted and the lake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import psycopg2
import pytest

from ons_bigdata.phones.assets import devices, duplicates, presence
from ons_bigdata.phones.sources.devices import register_files
from ons_bigdata.phones.sources.devices.event_files import SOURCES as EVENT_SOURCES
from ons_bigdata.phones.sources.devices.event_files import id_space
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import AdapterContext
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.pseudonyms import PseudonymKey, pseudonyms
from ons_bigdata.simulation.phones.agreement import PROVIDER
from ons_bigdata.simulation.phones.operator_files import SimulatedOperator, simulate_operator, write_operator
from ons_bigdata.simulation.phones.visitor_agreement import agree_visitors

KEY = PseudonymKey(bytes(range(32)))
RULES = {
    **{"threshold": 10.0, "rounding_base": 5.0, "persons_base": 10.0, "confidence": 0.95, "persons_per_place": 6.0},
    **{"day_from_hour": 10.0, "day_to_hour": 16.0, "night_from_hour": 1.0, "night_to_hour": 5.0},
}
ASSETS = [*devices.ASSETS, *duplicates.ASSETS, *presence.ASSETS]
PERSONAL = ["phone_anchors", "phone_devices", "phone_duplicates", "phone_true_devices", "phone_visitor_stays"]


@pytest.fixture(scope="module")
def operator() -> SimulatedOperator:
    """Simulate an operator with 300 phones."""
    return simulate_operator(persons=2_000, devices=300, zones=8, seed=6)


@pytest.fixture
def built(
    operator: SimulatedOperator, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Warehouse, dg.ExecuteInProcessResult]:
    """Ingest the operator's files and materialise everything that follows."""
    files = write_operator(tmp_path / "operator", operator)
    landing, lake = Landing(tmp_path / "landing", warehouse), Lake(tmp_path / "lake", warehouse)
    for name, value in (("open", warehouse), ("landing", landing), ("lake", lake)):
        monkeypatch.setattr(WarehouseResource, name, lambda _, value=value: value)
    for source in (*register_files.SOURCES, *EVENT_SOURCES):
        adapter = source.open_adapter(AdapterContext(tmp_path, KEY))
        for path in sorted([*files.events.iterdir(), *files.truth.iterdir()]):
            found = adapter.recognise(path.name, path.read_bytes()[:1000])
            if getattr(found, "delivery", None) is not None:
                landing.land(
                    path.read_bytes(), source=source.name, delivery=found.delivery, name=path.name,
                    data_origin=found.data_origin, partitions=None,
                )  # fmt: skip
        bulk_loader(landing, lake, source, lambda: AdapterContext(tmp_path, KEY)).load_waiting()
    spec, visitors = operator.specification, agree_visitors(date(2014, 5, 1))
    register = ("spec_id text, provider text, title text, document text",)
    cells = operator.cells.select(
        data_origin=pl.lit("simulated"),
        provider=pl.lit(PROVIDER),
        cell="cell",
        zone="zone",
        easting_m="easting_m",
        northing_m="northing_m",
        zone_shares="zone_shares",
        education_share="education_share",
        share_aged_16_24="share_aged_16_24",
    )
    adults = operator.persons.filter(pl.col("age") >= 18).group_by(area="home_zone").agg(residents=pl.len())
    residents = adults.select(
        "area",
        pl.col("residents").cast(pl.Float64),
        data_origin=pl.lit("simulated"),
        geography=pl.lit("zone"),
        residents_error=pl.lit(0.0),
    )
    tables = {
        "seeds.phone_specifications": (*register, _register(spec.spec_id, spec.canonical_json())),
        "seeds.phone_visitor_specifications": (*register, _register(visitors.spec_id, visitors.canonical_json())),
        "seeds.phone_presence_rules": (
            "parameter text, value double precision",
            pl.DataFrame({"parameter": list(RULES), "value": list(RULES.values())}),
        ),
        "staging.stg_phones__cells": (
            "data_origin text, provider text, cell text, zone text, easting_m float8, northing_m float8, "
            "zone_shares text, education_share float8, share_aged_16_24 float8",
            cells,
        ),
        "intermediate.int_phones__residents_united": (
            "area text, residents float8, data_origin text, geography text, residents_error float8",
            residents,
        ),
    }
    with warehouse.transaction() as transaction:
        for name, (columns, frame) in tables.items():
            transaction.execute(f"create table {name} ({columns})")
            transaction.insert(name, frame)
    return warehouse, dg.materialize(ASSETS, resources={"warehouse": WarehouseResource()})


def _register(spec_id: str, document: str) -> pl.DataFrame:
    return pl.DataFrame({"spec_id": [spec_id], "provider": [PROVIDER], "title": ["t"], "document": [document]})


def test_from_files_to_numbers(built: tuple[Warehouse, dg.ExecuteInProcessResult], operator: SimulatedOperator) -> None:
    warehouse, result = built
    assert result.success
    anchors = warehouse.frame("select * from restricted.phone_anchors")
    assert anchors.height == operator.devices.height
    right = warehouse.rows(
        "select value from analysis.phone_anchor_evaluation where measure = 'home_right' and area_class = 'all'"
    )
    assert right[0][0] >= 0.9
    pairs = warehouse.frame("select * from restricted.phone_duplicates")
    assert pairs.height == anchors["home"].count()
    judged = warehouse.rows("select value from analysis.phone_anchor_evaluation where measure = 'duplicate_precision'")
    assert judged[0][0] >= 0.8
    _check_population(warehouse, operator)
    _check_visitors(warehouse, operator)
    _check_no_trace(warehouse, result, operator)
    _check_parts(warehouse)


def _check_parts(warehouse: Warehouse) -> None:
    """Duplicates that are judged in parts of a few homes, for which the events are read again, are the same."""
    query = "select * from restricted.phone_duplicates order by device_key"
    whole = warehouse.frame(query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "MOST_EVENTS", 50_000)
        assert dg.materialize(duplicates.ASSETS, resources={"warehouse": WarehouseResource()}).success
    assert warehouse.frame(query).equals(whole)


def _check_population(warehouse: Warehouse, operator: SimulatedOperator) -> None:
    """At night most residents are at home; few devices, no number."""
    table = warehouse.frame("select * from analysis.phone_population_controlled")
    shown = table.filter(pl.col("status") == "published")
    night = shown.filter(pl.col("period") == "night_time").join(
        operator.shares_of_areas, left_on="area", right_on="zone"
    )
    assert night.height >= 4
    assert (night["persons"] / night["residents"]).is_between(0.7, 1.4).all()
    assert shown["devices"].min() >= 10 and (shown["persons"] % 10 == 0).all()
    hidden = table.filter(pl.col("status") != "published")
    assert hidden.select(pl.col("devices", "persons", "lower", "upper", "reason").count()).row(0) == (0,) * 5
    moved = warehouse.frame("select * from analysis.phone_movements_controlled where status = 'published'")
    assert "to_home" in set(moved["purpose"]) and moved["devices"].min() >= 10


def _check_visitors(warehouse: Warehouse, operator: SimulatedOperator) -> None:
    row = warehouse.frame(
        "select * from analysis.phone_visitor_nights_controlled"
        " where direction = 'inbound' and country = 'all' and area = 'all'"
    ).row(0, named=True)
    truth = operator.stays.filter(pl.col("direction") == "inbound")
    assert row["nights_per_device"] == pytest.approx(truth["nights"].sum() / truth["device"].n_unique(), abs=0.15)
    assert abs(row["devices"] - truth["device"].n_unique()) <= 3


def _check_no_trace(warehouse: Warehouse, result: dg.ExecuteInProcessResult, operator: SimulatedOperator) -> None:
    key = pseudonyms(
        operator.devices["device"].head(1).cast(pl.String), source=id_space(PROVIDER, "simulated"), key=KEY
    )[0]
    said = [str(event.event_specific_data) + (event.message or "") for event in result.all_events]
    assert not [text for text in said if str(key) in text]
    connection = psycopg2.connect(warehouse.address.libpq())
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
            " and table_schema not in ('pg_catalog', 'information_schema') order by 1, 2"
        )
        holding = []
        for schema, table in cursor.fetchall():
            cursor.execute(f'select 1 from "{schema}"."{table}" as t where t::text like %s limit 1', [f"%{key}%"])
            if cursor.fetchone():
                holding.append((schema, table))
    connection.close()
    assert {schema for schema, _ in holding} == {"restricted"}
    assert {"phone_anchors", "phone_devices", "phone_true_devices"} <= {table for _, table in holding} <= set(PERSONAL)
    for table in PERSONAL:
        with warehouse.transaction(role="reader") as transaction, pytest.raises(Exception, match="permission denied"):
            transaction.rows(f"select 1 from restricted.{table}")


def test_of_several_specifications_that_of_the_cells_zones_counts(operator: SimulatedOperator) -> None:
    spec = operator.specification
    other = spec.model_copy(update={"zones": spec.zones.model_copy(update={"codes": ("Z001",)})})
    registered = pl.concat([_register(one.spec_id, one.canonical_json()) for one in (spec, other)])
    cells = dict(operator.cells.select("cell", "zone").iter_rows())
    assert devices.agreed_months(registered, PROVIDER, cells) == {date(2014, 5, 1): spec}
    assert devices.agreed_months(registered, "other", cells) == {}


def test_of_several_specifications_of_visitors_one_counts_for_a_month() -> None:
    first = agree_visitors(date(2014, 5, 1))
    other = first.model_copy(update={"title": "Another"})
    later = agree_visitors(date(2014, 6, 1))
    registered = pl.concat([_register(one.spec_id, one.canonical_json()) for one in (first, other, later)])
    found = presence.agreed_visitor_months(registered, PROVIDER)
    assert found == {date(2014, 5, 1): max(first, other, key=lambda one: one.spec_id), date(2014, 6, 1): later}


def test_a_specification_that_left_the_register_is_an_error() -> None:
    with pytest.raises(InputError, match="no longer in the register"):
        devices.registered_document({}, "0" * 16)
