"""Addresses from files to the table of clusters: late, twice, superseded; no identifier of a property with a user."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.platform.dagster.inputs import make_scan
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.bulk_loading import bulk_loader
from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.sources import AdapterContext, BulkSource
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets import addresses as address_assets
from ons_bigdata.tweets.assets.addresses import read_addresses, tweet_cluster_addresses
from ons_bigdata.tweets.sources.addresses import SOURCES
from ons_bigdata.tweets.sources.addresses.address_files import ADDRESSES
from tests.tweets.sources import written_addresses as written

UPRN, POSTCODE = 100023336956, "SW1A 2AA"

Ingest = Callable[[Path], list[str]]


@pytest.fixture
def lake(warehouse: Warehouse, tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", warehouse)


@pytest.fixture
def ingest(landing: Landing, lake: Lake) -> Ingest:
    """Land what is below a path, load it, and return the refusals."""

    def ingest_(path: Path) -> list[str]:
        project = Settings().dbt_project_dir
        list(land_files([path], landing, SOURCES, dbt_project_dir=project, max_file_bytes=10**7))
        for source in SOURCES:
            if isinstance(source, BulkSource):
                bulk_loader(landing, lake, source, partial(AdapterContext, project, None)).load_waiting()
        return [
            f"{name}: {reason}"
            for name, reason in landing.warehouse.rows(
                "select name, reason from ops.loads join ops.files using (file_id) where outcome = 'refused'"
            )
        ]

    return ingest_


def write(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def known(lake: Lake) -> list[tuple[int, str | None, str | None]]:
    """UPRN, class and postcode of the current addresses."""
    addresses = read_addresses(lambda: make_scan(lake)(ADDRESSES)).sort("uprn")
    return addresses.select("uprn", "class_code", "postcode").rows()


def test_folders_and_zips_are_taken_in_and_other_files_refused_with_the_reason(
    ingest: Ingest, lake: Lake, tmp_path: Path
) -> None:
    folder = tmp_path / "supply"
    write(folder, "AddressBasePlus_FULL_2014-05-01_001.csv", written.plus(), written.plus(uprn=5, e="x"))
    write(folder, "notes.txt", "read me")
    with zipfile.ZipFile(tmp_path / "open.zip", "w") as archive:
        archive.writestr("osopenuprn_202405.csv", f"{written.OPEN_HEADER}\n{written.open_uprn(uprn=7)}\n")
        archive.writestr("Data/ONSPD_MAY_2014_UK.csv", f"{written.ONSPD_HEADER}\n{written.onspd()}\n")
    assert len(ingest(folder)) == 1
    (refusal,) = ingest(tmp_path / "open.zip")
    assert refusal.startswith("notes.txt: no layout of an address or postcode product; expected AddressBase")
    assert known(lake) == [(7, None, None), (UPRN, "RD04", POSTCODE)]
    counts = lake.warehouse.rows(
        "select name, rows_in, accepted, quarantined from ops.loads join ops.files using (file_id)"
        " where outcome = 'loaded' order by name"
    )
    assert counts == [
        ("AddressBasePlus_FULL_2014-05-01_001.csv", 2, 1, 1),
        ("ONSPD_MAY_2014_UK.csv", 1, 1, 0),
        ("osopenuprn_202405.csv", 1, 1, 0),
    ]
    files = lake.files(ADDRESSES)
    assert {file.partition for file in files} == {"plus", "open_uprn"}
    ingest(folder)
    assert lake.files(ADDRESSES) == files


def test_files_in_any_order_give_the_same_addresses(ingest: Ingest, lake: Lake, tmp_path: Path) -> None:
    files = [
        ("AddressBasePlus_FULL_2014-05-01_001.csv", [written.plus(), written.plus(uprn=5), written.plus(uprn=6)]),
        ("AddressBasePlus_COU_2014-06-12_001.csv", [written.plus(change="D"), written.plus(uprn=5, change="U")]),
        ("AddressBasePlus_FULL_2014-03-01_001.csv", [written.plus(uprn=8)]),
    ]
    found = set()
    for number, order in enumerate(itertools.permutations(files)):
        for name, lines in order:
            ingest(write(tmp_path / str(number), name, *lines))
        found.add(tuple(known(lake)))
        lake.without_loads(ADDRESSES, [load for file in lake.files(ADDRESSES) for load in file.load_ids])
        with lake.warehouse.transaction() as transaction:
            transaction.execute("truncate ops.files, ops.loads cascade")
        if number == 1:  # the other orders are those of the method's property
            break
    assert found == {((5, "RD04", POSTCODE), (6, "RD04", POSTCODE))}


def test_clusters_get_class_and_area_and_no_table_holds_a_property(
    ingest: Ingest, lake: Lake, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "supply"
    write(
        folder, "core.csv", written.CORE_HEADER, written.core(), written.core(uprn=5, e="531000", **{"class": "CR08"})
    )
    write(folder, "onspd.csv", written.ONSPD_HEADER, written.onspd())
    ingest(folder)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    monkeypatch.setattr(address_assets, "_PART_ROWS", 1)
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table seeds.tweet_class_mix as select 'R'::text as primary_class, 0.639::float8 as share"
        )
        transaction.execute("create table seeds.tweet_address_rules (parameter text, value double precision)")
        transaction.execute(
            "insert into seeds.tweet_address_rules"
            " values ('radius_m', 300), ('shell_radius_m', 5), ('vote_neighbours', 5)"
        )
        for cluster, easting, status in ((0, 530010, "valid"), (1, 530800, "valid"), (2, 530010, "noise")):
            transaction.execute(
                "insert into restricted.tweet_clusters values ('dbscan_20m', 1, 'real', $1, $2, 3, 2, '2014-04-01',"
                " '2014-04-02', $3, 180000.5, 1, 1, 1)",
                [cluster, status, float(easting)],
            )
    result = dg.materialize([tweet_cluster_addresses], resources={"warehouse": WarehouseResource()})
    rows = warehouse.frame("select * from restricted.tweet_cluster_addresses order by cluster")
    assert rows.select("cluster", "address_class", "address_distance_m", "output_area", "authority").rows() == [
        (0, "RD04", 10.0, "E00023938", "E09000033"),
        (1, "CR08", 200.0, "E00023938", "E09000033"),
    ]
    (materialization,) = result.asset_materializations_for_node("tweet_cluster_addresses")
    assert materialization.metadata["clusters_with_address"].value == 2
    assert materialization.metadata["class_mix"].value.splitlines()[2:] == ["| R | 50.0% | 63.9% |"]
    assert materialization.metadata["relations_read"].value == [
        "lake.addresses",
        "lake.postcodes",
        "restricted.tweet_clusters",
        "seeds.tweet_address_rules",
        "seeds.tweet_class_mix",
    ]
    _assert_no_property(warehouse, lake)


def _assert_no_property(warehouse: Warehouse, lake: Lake) -> None:
    """No table of the database has a column of properties or postcodes, or one of their values."""
    columns = warehouse.rows(
        "select table_schema::text, table_name::text, column_name::text from information_schema.columns"
        " where table_schema not in ('pg_catalog', 'information_schema')"
    )
    assert [row for row in columns if any(word in row[2] for word in ("uprn", "postcode", "address_key"))] == []
    keys = lake.scan(ADDRESSES).select("address_key", pl.col("uprn")).collect()
    traces = [str(value) for row in keys.rows() for value in row if abs(value) > 10**6] + [POSTCODE, "SW1A2AA"]
    for schema, table in sorted({row[:2] for row in columns}):
        found = warehouse.rows(
            f'select 1 from "{schema}"."{table}" as row where row::text ~ $1 limit 1', ["|".join(traces)]
        )
        assert not found, (schema, table)
