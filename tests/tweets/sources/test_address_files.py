"""Files of addresses and postcodes: golden records, every layout, refusals, quarantine."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.sources import Recognised
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.schemas.addresses import AddressRecord, PostcodeRecord
from ons_bigdata.tweets.sources import SOURCES
from ons_bigdata.tweets.sources.addresses import address_files, csv_lines, layouts, postcode_files, values
from tests.tweets.sources import written_addresses as written
from tests.tweets.sources.written_addresses import HOUSE, read, read_postcodes

UPRN = HOUSE["uprn"]


@pytest.fixture(scope="module")
def shared() -> Path:
    folder = Settings().shared / "data" / "tweets"
    if not folder.is_dir():
        pytest.skip(f"no shared tweets data at {folder} (set ONS_BIGDATA_SHARED)")
    return folder


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("abp_blpu", {"UPRN": "uprn", "X_COORDINATE": "easting_m", "Y_COORDINATE": "northing_m"}),
        ("abp_classification", {"UPRN": "uprn", "CLASSIFICATION_CODE": "class_code", "CLASS_KEY": "record_key"}),
    ],
)
def test_records_of_premium_are_those_of_the_shared_files(shared: Path, name: str, columns: dict[str, str]) -> None:
    content = (shared / f"{name}.csv").read_bytes()
    expected = list(csv.DictReader(io.StringIO(content.decode())))
    assert address_files.recognise(f"{name}.csv", content) == Recognised("premium", "real", None)
    batch = written._together(list(address_files.read_batches(io.BytesIO(content), f"{name}.csv")))
    assert (batch.rows_in, batch.quarantined.height) == (len(expected), 0)
    for row, record in zip(batch.accepted.iter_rows(named=True), expected, strict=True):
        for theirs, ours in columns.items():
            assert row[ours] == type(row[ours])(record[theirs])
        assert row["changed_on"] == date.fromisoformat(record["LAST_UPDATE_DATE"])
        assert row["ended_on"] == (date.fromisoformat(record["END_DATE"]) if record["END_DATE"] else None)
    if name == "abp_blpu":
        assert batch.accepted["logical_status"].to_list() == [int(one["LOGICAL_STATUS"]) for one in expected]
        assert batch.accepted["parent_uprn"].to_list() == [int(one["PARENT_UPRN"]) for one in expected]


def test_delivery_points_with_words_for_postcodes_are_quarantined(shared: Path) -> None:
    content = (shared / "abp_delivery_point.csv").read_bytes()
    batch = written._together(list(address_files.read_batches(io.BytesIO(content), "abp_delivery_point.csv")))
    assert batch.quarantined.rows() == [(line, values.BAD_POSTCODE) for line in (2, 3, 4)]


def test_a_file_of_another_index_is_no_address_product(shared: Path) -> None:
    content = (shared / "nag_hybrid_test.csv").read_bytes()
    assert address_files.recognise("nag_hybrid_test.csv", content) is None
    assert postcode_files.recognise("nag_hybrid_test.csv", content) is None


@pytest.mark.parametrize(
    ("product", "table"),
    [
        (layouts.ADDRESSBASE, "AddressBase"),
        (layouts.CORE, "AddressBase_Core"),
        (layouts.PLUS, "AddressBase_Plus_and_Islands"),
    ],
    ids=["addressbase", "core", "plus"],
)
def test_layouts_are_those_of_the_publisher(shared: Path, product: layouts.NamedColumns, table: str) -> None:
    lines = csv.reader((shared / "os_layouts.csv").read_text().splitlines())
    published = {int(place): name.upper() for of, place, name, _ in lines if of == table}
    assert product.fields == max(published)
    assert {at: published[at] for _, at in product.names.values()} == {at: name for name, at in product.names.values()}


COMMON = {"uprn": UPRN, "easting_m": 530000.0, "northing_m": 180000.5, "postcode": "SW1A 2AA", "class_code": "RD04"}
FILES: list[tuple[str, list[str], dict[str, Any]]] = [
    ("addressbase", [written.addressbase()], COMMON | {"class_code": "R", "changed_on": date(2014, 3, 1)}),
    ("core", [written.CORE_HEADER, written.core(parent=7)], COMMON | {"authority": "E09000033", "parent_uprn": 7}),
    ("core", [written.core()], COMMON | {"authority": "E09000033", "parent_uprn": None}),
    ("plus", [written.plus(postcode="", locator="sw1a2aa")], COMMON | {"change_type": "I"}),
    (
        "open_uprn",
        [written.OPEN_HEADER, written.open_uprn()],
        COMMON | {"postcode": None, "class_code": None, "supply": "full"},
    ),
]


@pytest.mark.parametrize(("product", "lines", "expected"), FILES, ids=["addressbase", "core", "bare", "plus", "open"])
def test_each_layout_is_recognised_and_read(product: str, lines: list[str], expected: dict[str, Any]) -> None:
    head = "\r\n".join(lines).encode()
    assert address_files.recognise("supply.csv", head) == Recognised(product, "real", None)
    batch = read("supply.csv", *lines)
    assert batch.quarantined.is_empty()
    row = batch.accepted.row(0, named=True)
    assert {name: row[name] for name in expected} == expected
    assert row["product"] == product
    assert (row["line"], batch.rows_in) == (len(lines), 1)
    _validate(batch.accepted, AddressRecord)


def test_record_types_of_premium_mix_and_others_are_no_rows() -> None:
    header = '10,"GeoPlace",9999,2014-04-10,1,2014-04-10,09:00:00,"2.0","F"'
    batch = read(
        "premium.csv",
        header,
        written.blpu(),
        written.lpi(),
        written.delivery_point(postcode="SW1A 2AB"),
        written.classification(),
        written.classification(key="1V1", scheme="VOA Special Category", **{"class": "217"}),
        "11,I,5,9402538,1",
        "77,I,6",
        '99,0,8,2014-04-10,"09:00:00"',
    )
    assert batch.quarantined.rows() == [(8, address_files.UNKNOWN_RECORD)]
    assert batch.accepted["record"].to_list() == ["property", "name", "delivery_point", "class"]
    assert batch.accepted["postcode"].to_list() == ["SW1A 2AA", None, "SW1A 2AB", None]
    assert batch.accepted["class_code"].to_list() == [None, None, None, "RD04"]
    assert set(batch.accepted["edition"]) == {date(2014, 4, 10)}
    assert set(batch.accepted["supply"]) == {"full"}
    _validate(batch.accepted, AddressRecord)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"uprn": "x1"}, values.NO_UPRN),
        ({"uprn": "0"}, values.NO_UPRN),
        ({"uprn": "1234567890123"}, values.NO_UPRN),
        ({"change": "Z"}, values.NO_CHANGE),
        ({"class": "house"}, values.BAD_CLASS),
        ({"e": "800000"}, values.NO_POSITION),
        ({"e": ""}, values.NO_POSITION),
        ({"e": "0.00", "n": "0.00"}, values.NO_POSITION),
        ({"postcode": "POSTCODE"}, values.BAD_POSTCODE),
        ({"changed": "01/03/2014"}, values.BAD_DATE),
        ({"parent": "none"}, values.BAD_PARENT),
        ({"country": "N"}, values.OTHER_GRID),
    ],
    ids=str,
)
def test_bad_rows_are_quarantined_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    batch = read("plus.csv", written.plus(), written.plus(**changes), written.plus(uprn=5))
    assert batch.quarantined.rows() == [(2, reason)]
    assert batch.accepted["line"].to_list() == [1, 3]


def test_lines_that_are_no_rows_are_quarantined() -> None:
    lines = [written.plus(), written.plus() + ",", written.plus(uprn=6).replace('"A STREET, OLD"', '"A STREET')]
    content = "\n".join([*lines, "", written.plus(uprn=7)]).encode() + b"\n" + written.plus().encode() + b"\xff\n"
    batch = written._together(list(address_files.read_batches(io.BytesIO(content), "plus.csv")))
    assert batch.quarantined.rows() == [
        (2, csv_lines.OTHER_FIELDS),
        (3, csv_lines.OPEN_QUOTE),
        (6, csv_lines.NOT_UTF8),
    ]
    assert batch.accepted["line"].to_list() == [1, 5]


def test_a_deletion_needs_no_position() -> None:
    batch = read("plus.csv", written.plus(), written.plus(change="D", e="", n=""))
    assert batch.accepted["change_type"].to_list() == ["I", "D"]


def test_blocks_of_any_size_give_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [written.plus(uprn=number, change="IZ"[number % 7 == 0]) for number in range(1, 60)]
    whole = read("plus.csv", *lines)
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", 300)
    parts = read("plus.csv", *lines)
    assert parts.accepted.equals(whole.accepted)
    assert parts.quarantined.equals(whole.quarantined)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AddressBasePlus_FULL_2014-05-01_001.csv", (date(2014, 5, 1), "full", "real")),
        ("AddressBasePremium_COU_2014-06-12_001.csv", (date(2014, 6, 12), "changes", "real")),
        ("osopenuprn_202405.csv", (date(2024, 5, 1), None, "real")),
        ("simulated_ONSPD_MAY_2014_UK.csv", (date(2014, 5, 1), None, "simulated")),
        ("NC6040.csv", (None, None, "real")),
        ("full_20149931.csv", (None, "full", "real")),
        ("carefully_2014-02-30.csv", (None, None, "real")),
    ],
)
def test_edition_supply_and_origin_are_read_from_the_name(name: str, expected: tuple[Any, ...]) -> None:
    delivery = values.read_name(name)
    assert (delivery.edition, delivery.supply, delivery.data_origin) == expected


@pytest.mark.parametrize(
    "head",
    [b"", b"a,b,c\n1,2,3\n", b"\xff\xfe,", written.plus().encode().replace(b"RD04", b"house"), b"UPRN,NAME\n1,a\n"],
    ids=["empty", "other", "no-utf8", "no-class", "too-few"],
)
def test_other_files_are_of_no_source(head: bytes) -> None:
    assert address_files.recognise("file.csv", head) is None
    assert postcode_files.recognise("file.csv", head) is None


def test_a_reader_refuses_a_file_that_it_does_not_know() -> None:
    with pytest.raises(InputError, match="no layout of an address product"):
        read("file.csv", "a,b,c")
    with pytest.raises(InputError, match="no layout of a postcode product"):
        read_postcodes("file.csv", "a,b,c")
    with pytest.raises(InputError, match="the header lacks columns of records 21"):
        read("file.csv", "RECORD_IDENTIFIER,UPRN", "21,1")


def test_the_postcode_directory_to_follow_by_hand() -> None:
    lines = [
        written.onspd(),
        written.onspd(postcode="AB1 0AA", ended="199606"),
        written.onspd(postcode="JE2 3AB", la="L99999999", oa="L99999999", msoa="L99999999", e="", n=""),
        written.onspd(postcode="nowhere"),
        written.onspd(ended="1996-06"),
        written.onspd(oa="area"),
    ]
    batch = read_postcodes("ONSPD_MAY_2014_UK.csv", written.ONSPD_HEADER, *lines)
    assert batch.quarantined.rows() == [
        (5, postcode_files.NO_POSTCODE),
        (6, values.BAD_DATE),
        (7, values.BAD_AREA),
    ]
    shown = ["postcode", "easting_m", "output_area", "authority", "terminated_month", "edition"]
    assert batch.accepted.select(shown).rows() == [
        ("SW1A 2AA", 530050.0, "E00023938", "E09000033", None, date(2014, 5, 1)),
        ("AB1 0AA", 530050.0, "E00023938", "E09000033", date(1996, 6, 1), date(2014, 5, 1)),
        ("JE2 3AB", None, None, None, None, date(2014, 5, 1)),
    ]
    _validate(batch.accepted, PostcodeRecord)


def test_a_later_edition_of_the_directory_has_other_names() -> None:
    header = written.ONSPD_HEADER.replace("oa11", "oa21").replace("msoa11", "msoa21")
    assert read_postcodes("ONSPD.csv", header, written.onspd()).accepted["output_area"].to_list() == ["E00023938"]
    assert postcode_files.recognise("ONSPD.csv", header.replace("oa21", "oa99").encode()) is None


def test_code_point_open_to_follow_by_hand() -> None:
    lines = [written.code_point(), written.code_point(quality=90, e=0, n=0)]
    assert postcode_files.recognise("sw.csv", lines[0].encode()) == Recognised("code_point_open", "real", None)
    batch = read_postcodes("sw.csv", *lines)
    assert batch.accepted.select("postcode", "easting_m", "authority", "output_area").rows() == [
        ("SW1A 2AA", 530047.0, "E09000033", None)
    ]
    assert batch.quarantined.rows() == [(2, values.NO_POSITION)]
    _validate(batch.accepted, PostcodeRecord)


def test_the_last_source_of_the_command_gives_the_reason() -> None:
    of_command = [source for source in SOURCES if source.command == "addresses"]
    assert [type(source).__name__ for source in of_command] == ["BulkSource", "BulkSource", "Catchall"]
    assert "expected AddressBase" in SimpleNamespace(**vars(of_command[-1])).reason


def _validate(accepted: pl.DataFrame, frame: Any) -> None:
    frame.validate(accepted.with_columns(pl.lit("0" * 16).alias("load_id")).select(frame.column_names()))
