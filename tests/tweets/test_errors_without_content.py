"""An error in any asset about single people, whose text holds a row: no trace of it in events, logs or tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import dagster as dg
import polars as pl
import psycopg2
import pytest

from ons_bigdata.meters.assets import homes as meter_homes_assets
from ons_bigdata.meters.assets import quality as meter_assets
from ons_bigdata.phones.assets import devices as phone_device_assets
from ons_bigdata.pilots import PILOTS
from ons_bigdata.platform.dagster.assets import PERSONAL
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest import bulk_loading
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake, engine
from ons_bigdata.platform.lake.files import Writing
from ons_bigdata.platform.lake.spill import Spill
from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse
from ons_bigdata.platform.pseudonyms import make_key
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets import addresses as address_assets
from ons_bigdata.tweets.assets import migration as migration_assets
from ons_bigdata.tweets.assets import places as place_assets
from ons_bigdata.tweets.assets import residence as residence_assets
from ons_bigdata.tweets.schemas.tables import TABLES
from ons_bigdata.tweets.sources import archives
from tests.tweets.sources.written_events import V1, changed

USER, POST = "777000777000777", "888000888000888123"
LAT, LON = 51.4321987, -0.9876123
DAY = "2014-04-01"
CANARY = f"row {USER}, {POST}, {LAT}, {LON}"
TRACES = (USER, POST, "51.4321987", "0.9876123")

Break = Callable[[pytest.MonkeyPatch], None]


def fail(*_: object, **__: object) -> NoReturn:
    """Raise an error as libraries do, with a cause."""
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        raise ValueError(f"cannot convert {CANARY}") from error


def at(owner: object, name: str, failure: Callable[..., Any] = fail) -> Break:
    """Make a function fail."""
    return lambda patch: patch.setattr(owner, name, failure)


def wrong_bounds(placed: pl.DataFrame, **_: object) -> dict[str, pl.DataFrame]:
    """Rows that the frames refuse."""
    return {table: placed.with_columns(pl.lit(CANARY).alias("recipe")) for table in TABLES}


def refused_by_the_database(transaction: Transaction, table: str, frame: pl.DataFrame) -> int:
    """Insert a row that the database refuses with its content in the detail of the error."""
    del frame
    transaction.execute(
        f"insert into {table} (recipe, user_key, source) values ($1, $2, $3)",
        [CANARY, int(USER), CANARY],
    )
    return 0


LAKE: dict[str, Break] = {
    "judging of rows": at(archives, "judge"),
    "adding to the spill": at(Spill, "add"),
    "merging of the spill": at(Spill, "places"),
    "writing of a file": at(Writing, "write"),
    "publishing of files": at(Writing, "publish"),
    "the ledger": at(bulk_loading, "record_load"),
}
PLACES: dict[str, Break] = {
    "the method": at(engine, "call"),
    "division into tables": at(place_assets, "divide"),
    "frames": at(place_assets, "divide", wrong_bounds),
    "counts": at(place_assets, "count"),
    "copying": at(Transaction, "insert"),
    "a constraint of the database": at(Transaction, "insert", refused_by_the_database),
}
READING: dict[str, Break] = {"reading": at(Warehouse, "frame")}
ASSETS = {
    "lake__geo_events": LAKE,
    "tweet_places": PLACES,
    "tweet_cluster_addresses": {**READING, "the rules": at(address_assets, "read_rules")},
    "tweet_homes": READING,
    "tweet_residence": {**READING, "the rules": at(residence_assets, "read_rules")},
    "tweet_migration": {**READING, "the rules": at(migration_assets, "read_rules")},
}
LOADING: dict[str, Break] = {"loading": at(bulk_loading.BulkLoader, "rebuild")}
METERS: dict[str, Break] = {"the method": at(meter_homes_assets, "BucketMethod")}
ASSETS |= {
    **{f"lake__meter_{name}": LOADING for name in ("readings", "accumulations", "homes", "survey_answers")},
    "meter_homes": METERS,
    "meter_survey_answers": METERS,
    "meter_days": {"the method": at(meter_assets, "BucketMethod")},
    **{f"lake__{name}": LOADING for name in ("device_events", "phone_devices", "phone_true_devices")},
    "phone_devices": {"the method": at(phone_device_assets, "BucketMethod")},
    "phone_true_devices": {"the method": at(phone_device_assets, "BucketMethod")},
    "phone_anchors": READING,
    "phone_duplicates": READING,
    "phone_visitor_stays": READING,
}
CASES = [(name, place) for name, places in ASSETS.items() for place in places]


@pytest.fixture
def installation(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> tuple[Settings, Landing, Lake]:
    """Open the test's database with a landed archive of the person of the traces, and the seeds of places."""
    landing, lake = Landing(settings.landing_dir, warehouse), Lake(settings.lake_dir, warehouse)
    make_key(settings.pseudonym_key_path)
    for name, value in (("open", warehouse), ("landing", landing), ("lake", lake)):
        monkeypatch.setattr(WarehouseResource, name, lambda _, value=value: value)
    monkeypatch.setattr("ons_bigdata.platform.dagster.raw_assets.get_settings", lambda: settings)
    point = {"coordinates": {"coordinates": [LON, LAT]}, "geo": {"coordinates": [LAT, LON]}}
    lines = [
        json.dumps(
            changed(
                V1, user={"id_str": USER}, id_str=f"{POST[:-1]}{place}", timestamp_ms=str(1_396_360_000_000 + place),
                **point,
            )
        )
        for place in range(6)
    ]  # fmt: skip
    landing.land(
        "".join(f"{line}\n" for line in lines).encode(),
        source="geo_events", delivery="twitter", name="stream.jsonl", data_origin="real", partitions=None,
    )  # fmt: skip
    for path in sorted((settings.dbt_project_dir / "seeds" / "tweets" / "places").glob("*.csv")):
        frame = pl.read_csv(path, schema_overrides={"eps_m": pl.Float64, "value": pl.Float64, "min_points": pl.Int32})
        types = {pl.String: "text", pl.Boolean: "boolean", pl.Int32: "integer", pl.Float64: "double precision"}
        with warehouse.transaction() as transaction:
            columns = ", ".join(f"{name} {types[type(kind)]}" for name, kind in frame.schema.items())
            transaction.execute(f"create table seeds.{path.stem} ({columns})")
            transaction.insert(f"seeds.{path.stem}", frame)
    return settings, landing, lake


@pytest.mark.parametrize(("name", "place"), CASES, ids=[f"{name}: {place}" for name, place in CASES])
def test_an_error_with_a_row_in_its_text_leaves_no_trace(
    name: str,
    place: str,
    installation: tuple[Settings, Landing, Lake],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings, landing, _ = installation
    (asset,) = [one for one in personal_assets() if one.node_def.name == name]
    resources = {"warehouse": WarehouseResource()}
    if name == "tweet_places":
        lake_asset = next(one for one in personal_assets() if one.node_def.name == "lake__geo_events")
        assert dg.materialize([lake_asset], resources=resources, partition_key=DAY).success
    caplog.set_level(logging.DEBUG)
    with dg.DagsterInstance.ephemeral() as instance, monkeypatch.context() as patch:
        ASSETS[name][place](patch)
        partition = DAY if asset.partitions_def is not None else None
        result = dg.materialize(
            [asset], instance=instance, resources=resources, partition_key=partition, raise_on_error=False
        )
        events = [entry.to_json() for entry in instance.all_logs(result.run_id)]
    if place in {"judging of rows", "adding to the spill"}:  # while a file is read, an error is a refusal of the file
        assert landing.warehouse.rows("select outcome from ops.loads") == [("refused",)]
    else:
        assert not result.success
    assert events
    printed = capfd.readouterr()
    texts = [*events, caplog.text, printed.out, printed.err, *rows_outside_restricted(landing.warehouse)]
    texts += [path.read_text(errors="replace") for path in Path(settings.home).rglob("*.log")]
    assert not [trace for trace in TRACES for text in texts if trace in text]


def test_every_personal_asset_is_made_to_fail() -> None:
    """A new asset about single people needs its lines in ASSETS."""
    names = {asset.node_def.name for asset in personal_assets()}
    assert names == set(ASSETS)


def personal_assets() -> list[dg.AssetsDefinition]:
    """Return the assets of all pilots whose rows are about single people."""
    return [
        asset
        for pilot in PILOTS
        for asset in pilot.assets
        if isinstance(asset, dg.AssetsDefinition) and any(PERSONAL in spec.tags for spec in asset.specs)
    ]


def rows_outside_restricted(warehouse: Warehouse) -> list[str]:
    """Return all rows of all tables outside `restricted`, as text."""
    connection = psycopg2.connect(warehouse.address.libpq())
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables"
            " where table_schema not in ('pg_catalog', 'information_schema', 'restricted')"
            " and table_type = 'BASE TABLE'"
        )
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"select row::text from {table} as row")
            texts += [text for (text,) in cursor.fetchall()]
    connection.close()
    return texts
