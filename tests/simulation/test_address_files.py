"""Address files of the simulated world: columns at the places of the published layouts, every address in every file."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.world.address_files import (
    CORE_COLUMNS,
    OTHER_SCHEME,
    SCHEME,
    AddressFiles,
    write_address_files,
)
from ons_bigdata.simulation.world.building import World, build_world

SHARED = Settings().shared / "data" / "tweets"


@pytest.fixture(scope="module")
def world() -> World:
    """Return a small world in three countries."""
    return build_world(seed=5, persons=300, addresses=900, authorities=["E08000035", "W06000015", "S12000036"])


@pytest.fixture(scope="module")
def files(world: World, tmp_path_factory: pytest.TempPathFactory) -> AddressFiles:
    """Write the files of the world."""
    return write_address_files(tmp_path_factory.mktemp("addresses"), world)


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def layout(product: str) -> list[str]:
    path = SHARED / "os_layouts.csv"
    if not path.is_file():
        pytest.skip("the layouts of the products are not on this machine (ONS_BIGDATA_SHARED)")
    return [row[2] for row in rows_of(path) if row[0] == product]


@pytest.mark.parametrize(
    ("product", "attribute", "columns"),
    [
        (
            "AddressBase",
            "addressbase",
            {"UPRN": "uprn", "POSTCODE": "postcode", "X_COORDINATE": "easting_m", "LONGITUDE": "lon"},
        ),
        (
            "AddressBase_Plus_and_Islands",
            "plus",
            {"UPRN": "uprn", "CLASS": "class_code", "Y_COORDINATE": "northing_m", "POSTCODE": "postcode"},
        ),
        (
            "AddressBase_Core",
            "core",
            {"uprn": "uprn", "classification_code": "class_code", "northing": "northing_m", "gss_code": "authority"},
        ),
    ],
)
def test_columns_are_where_the_published_layout_has_them(
    world: World, files: AddressFiles, product: str, attribute: str, columns: dict[str, str]
) -> None:
    names = layout(product)
    rows = rows_of(getattr(files, attribute))
    if attribute == "core":
        assert rows.pop(0) == names == list(CORE_COLUMNS)
    assert {len(row) for row in rows} == {len(names)}
    assert len(rows) == world.addresses.height
    for name, column in columns.items():
        assert [row[names.index(name)] for row in rows] == [str(value) for value in world.addresses[column]]


def test_records_of_premium_are_those_of_the_published_columns(world: World, files: AddressFiles) -> None:
    rows = rows_of(files.premium)
    by_record = {record: [row for row in rows if row[0] == record] for record in ("10", "21", "32", "99")}
    assert len(rows) == sum(map(len, by_record.values()))
    names = {"21": "abp_blpu.csv", "32": "abp_classification.csv"}
    for record, name in names.items():
        path = SHARED / name
        if path.is_file():
            header = rows_of(path)[0]
            assert {len(row) for row in by_record[record]} == {len(header)}
    uprns = [str(uprn) for uprn in world.addresses["uprn"]]
    assert [row[3] for row in by_record["21"]] == uprns
    main = [row for row in by_record["32"] if row[6] == SCHEME]
    assert [(row[3], row[5]) for row in main] == list(zip(uprns, world.addresses["class_code"], strict=True))
    other = [row for row in by_record["32"] if row[6] == OTHER_SCHEME]
    assert 0 < len(other) == len(by_record["32"]) - len(main)
    assert by_record["99"][0][2] == str(len(by_record["21"]) + len(by_record["32"]))


def test_open_uprn_has_a_byte_order_mark_and_no_class(world: World, files: AddressFiles) -> None:
    assert files.open_uprn.read_bytes().startswith(b"\xef\xbb\xbfUPRN,X_COORDINATE,Y_COORDINATE,LATITUDE,LONGITUDE\n")
    assert len(rows_of(files.open_uprn)) == world.addresses.height + 1


def test_a_postcode_leads_to_the_output_area_of_its_addresses(world: World, files: AddressFiles) -> None:
    directory = pl.read_csv(files.postcodes, infer_schema_length=None)
    assert directory["pcds"].is_unique().all()
    assert set(directory["pcd"].str.len_chars()) == {7}
    live = directory.filter(pl.col("doterm").is_null())
    assert live.height < directory.height
    joined = world.addresses.join(live, left_on="postcode", right_on="pcds", validate="m:1")
    assert joined.height == world.addresses.height
    assert (joined["output_area"] == joined["oa11"]).all()
    assert (joined["msoa"] == joined["msoa11"]).all()
    assert ((joined["easting_m"] - joined["oseast1m"]).abs() < 400).all()
    assert live.select("lsoa11", "msoa11").unique().height == live["lsoa11"].n_unique()


def test_areas_are_those_of_the_world_and_equal_worlds_give_equal_bytes(
    world: World, files: AddressFiles, tmp_path: Path
) -> None:
    assert pl.read_csv(files.areas)["residents"].sum() == world.persons.height
    again = write_address_files(tmp_path, world)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in files.core.parent.iterdir()}
    for path in vars(again).values():
        assert path.read_bytes() == (files.core.parent / path.name).read_bytes()
