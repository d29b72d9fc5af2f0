"""Small files of address and postcode products, written for tests in the layout of each."""

from __future__ import annotations

import io
from typing import Any

import polars as pl

from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.tweets.sources.addresses import address_files, postcode_files

HOUSE: dict[str, Any] = {
    "uprn": 100023336956,
    "parent": "",
    "class": "RD04",
    "e": "530000.00",
    "n": "180000.50",
    "postcode": "SW1A 2AA",
    "change": "I",
    "changed": "2014-03-01",
    "gss": "E09000033",
    "country": "E",
}

CORE_HEADER = (
    "uprn,parent_uprn,udprn,usrn,toid,classification_code,easting,northing,latitude,longitude,rpc,last_update_date,"
    "single_line_address,po_box,organisation,sub_building,building_name,building_number,street_name,locality,town_name,"
    "post_town,island,postcode,delivery_point_suffix,gss_code,change_code"
)
OPEN_HEADER = "\ufeffUPRN,X_COORDINATE,Y_COORDINATE,LATITUDE,LONGITUDE"
ONSPD_HEADER = "pcd,pcds,dointr,doterm,oslaua,oseast1m,osnrth1m,oa11,lsoa11,msoa11,wz11"
SCHEME = "AddressBase Premium Classification Scheme"


def line(fields: int, values: dict[int, Any]) -> str:
    """Line of a CSV file with values at 1-based places."""
    return ",".join(str(values.get(place, "")) for place in range(1, fields + 1))


def addressbase(**changes: Any) -> str:
    row = HOUSE | {"class": "R"} | changes
    return line(
        27,
        {
            **{1: row["uprn"], 4: '"SHOP, THE"', 15: row["postcode"], 17: row["e"], 18: row["n"]},
            **{19: 51.5, 20: -0.1, 21: 1, 22: row["country"], 23: row["change"], 26: row["changed"], 27: row["class"]},
        },
    )


def core(**changes: Any) -> str:
    row = HOUSE | changes
    return line(
        27,
        {
            **{1: row["uprn"], 2: row["parent"], 6: row["class"], 7: row["e"], 8: row["n"], 12: row["changed"]},
            **{13: '"10, A STREET"', 24: row["postcode"], 26: row["gss"], 27: row["change"]},
        },
    )


def plus(**changes: Any) -> str:
    row = HOUSE | {"locator": ""} | changes
    return line(
        77,
        {
            **{1: row["uprn"], 3: row["change"], 4: 2, 6: row["class"], 7: row["parent"], 8: row["e"], 9: row["n"]},
            **{14: row["country"], 16: row["changed"], 50: '"A STREET, OLD"', 65: row["postcode"], 66: row["locator"]},
        },
    )


def blpu(**changes: Any) -> str:
    row = HOUSE | {"status": 1, "ended": ""} | changes
    return line(
        22,
        {
            **{1: 21, 2: row["change"], 3: 1, 4: row["uprn"], 5: row["status"], 8: row["parent"], 9: row["e"]},
            **{10: row["n"], 15: row["country"], 17: row["ended"], 18: row["changed"], 21: row["postcode"]},
        },
    )


def lpi(**changes: Any) -> str:
    row = HOUSE | {"status": 1, "key": "1L1"} | changes
    return line(
        26, {1: 24, 2: row["change"], 3: 2, 4: row["uprn"], 5: row["key"], 7: row["status"], 10: row["changed"]}
    )


def delivery_point(**changes: Any) -> str:
    row = HOUSE | {"udprn": 77} | changes
    return line(29, {1: 28, 2: row["change"], 4: row["uprn"], 5: row["udprn"], 16: row["postcode"], 28: row["changed"]})


def classification(**changes: Any) -> str:
    row = HOUSE | {"key": "1C1", "ended": "", "scheme": SCHEME} | changes
    return line(
        12,
        {
            **{1: 32, 2: row["change"], 3: 4, 4: row["uprn"], 5: row["key"], 6: row["class"], 7: row["scheme"]},
            **{10: row["ended"], 11: row["changed"]},
        },
    )


def open_uprn(**changes: Any) -> str:
    row = HOUSE | changes
    return f"{row['uprn']},{row['e']},{row['n']},51.5,-0.1"


def onspd(**changes: Any) -> str:
    row = {
        **{"postcode": "SW1A 2AA", "ended": "", "la": "E09000033", "e": "530050", "n": "179950"},
        **{"oa": "E00023938", "msoa": "E02000977"},
    } | changes
    return (
        f"{row['postcode']},{row['postcode']},198001,{row['ended']},{row['la']},{row['e']},{row['n']},{row['oa']},"
        f"E01004736,{row['msoa']},E33032000"
    )


def code_point(**changes: Any) -> str:
    row = {"postcode": "SW1A2AA", "quality": 10, "e": 530047, "n": 179951, "la": "E09000033"} | changes
    return (
        f'"{row["postcode"]}",{row["quality"]},{row["e"]},{row["n"]},"E92000001","E19000003","E18000007","",'
        f'"{row["la"]}","E05000644"'
    )


def read(name: str, *lines: str) -> Batch:
    """All rows of a file of addresses, as one batch."""
    return _together(list(address_files.read_batches(io.BytesIO(_bytes(lines)), name)))


def read_postcodes(name: str, *lines: str) -> Batch:
    """All rows of a file of postcodes, as one batch."""
    return _together(list(postcode_files.read_batches(io.BytesIO(_bytes(lines)), name)))


def _bytes(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{one}\r\n" for one in lines).encode()


def _together(batches: list[Batch]) -> Batch:
    accepted = pl.concat([batch.accepted for batch in batches], how="diagonal").sort("line")
    quarantined = pl.concat([batch.quarantined for batch in batches]).sort("line")
    return Batch(accepted.height + quarantined.height, accepted, quarantined)
