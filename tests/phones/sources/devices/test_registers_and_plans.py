"""Registers of devices, simulated truth and cell plans: rows, and faults with reasons."""

from __future__ import annotations

import io

import polars as pl
import pytest

from ons_bigdata.phones.sources.devices import cell_plans, register_files
from ons_bigdata.phones.sources.devices.register_files import PHONE_DEVICES, PHONE_TRUE_DEVICES, recognise
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.pseudonyms import PseudonymKey, pseudonyms

KEY = PseudonymKey(bytes(range(32)))
REGISTER = b"""device,tariff,account,holder_age,is_machine
7,payg,consumer,44,false
8,contract,business,,true
8,contract,business,,true
9,free,consumer,44,false
10,payg,consumer,140,false
"""
PLAN = b"""cell,easting_m,northing_m,area_class,radius_m,zone
c1,430000,433000,urban,300,Z001
c2,430500,433000,rural,2500,
c2,430500,433000,rural,2500,
c3,x,433000,rural,2500,Z001
c4,430500,433000,village,2500,Z001
"""


def test_devices_of_a_register_have_the_pseudonyms_of_its_events() -> None:
    [batch] = register_files.read_batches(io.BytesIO(REGISTER), "devices_alpha.csv", key=KEY, table=PHONE_DEVICES)
    keys = pseudonyms(pl.Series(["7", "8"]), source="alpha device", key=KEY)
    assert batch.accepted.rows() == [
        (2, "real", "alpha", keys[0], "payg", "consumer", 44, False),
        (3, "real", "alpha", keys[1], "contract", "business", None, True),
    ]
    assert batch.quarantined.rows() == [
        (4, register_files.TWICE),
        (5, "tariff of another form than documented"),
        (6, "holder_age of another form than documented"),
    ]
    with pytest.raises(InputError, match="missing columns account"):
        list(register_files.read_batches(io.BytesIO(b"device,tariff\n"), "devices_a.csv", key=KEY, table=PHONE_DEVICES))


def test_truth_of_real_devices_is_refused() -> None:
    assert isinstance(recognise("true_devices_alpha.csv", b"", table=PHONE_TRUE_DEVICES), Refused)
    assert recognise("simulated_true_devices_alpha.csv", b"", table=PHONE_TRUE_DEVICES) == Recognised(
        "true_devices", "simulated", None
    )
    assert recognise("simulated_true_devices_alpha.csv", b"", table=PHONE_DEVICES) is None


def test_cells_of_a_plan_and_faults() -> None:
    reading = cell_plans.read_cell_plan(PLAN, name="cell_plan_alpha.csv", load_id="0" * 16)
    assert reading.accepted.select("cell", "area_class", "radius_m", "zone").rows() == [
        ("c1", "urban", 300.0, "Z001"),
        ("c2", "rural", 2500.0, None),
    ]
    assert [reason.split(";")[0] for reason in reading.quarantined["reason"]] == [
        "cell 'c2' came before",
        "EASTING_M 'x'",
        "area_class 'village'",
    ]
    assert reading.accepted.select("zone_shares", "education_share", "share_aged_16_24").null_count().row(0) == (
        2,
        2,
        2,
    )
    assert cell_plans.recognise("cell_plan_alpha.csv", b"") == Recognised("alpha", "real", ("alpha",))


def test_a_plan_may_say_what_cells_serve() -> None:
    header = "cell,easting_m,northing_m,area_class,radius_m,zone,zone_shares,education_share,share_aged_16_24\n"
    shares = {
        "Z001=0.75 Z002=0.25,0.5,": None,
        "Z001=1,,0.25": None,
        ",,": None,
        "Z001=0.7,,": "zone_shares 'Z001=0.7'",
        "Z001:1,,": "zone_shares 'Z001:1'",
        "Z001=0.6 Z002=0.6,,": "zone_shares 'Z001=0.6 Z002=0.6'",
        ",1.5,": "education_share '1.5'",
        ",,some": "share_aged_16_24 'some'",
    }
    lines = [f"c{number},430000,433000,urban,300,Z001,{text}" for number, text in enumerate(shares)]
    content = (header + "\n".join(lines)).encode()
    reading = cell_plans.read_cell_plan(content, name="cell_plan_alpha.csv", load_id="0" * 16)
    assert reading.accepted.select("zone_shares", "education_share", "share_aged_16_24").rows() == [
        ("Z001=0.75 Z002=0.25", 0.5, None),
        ("Z001=1", None, 0.25),
        (None, None, None),
    ]
    reasons = [reason.split(";")[0] for reason in reading.quarantined["reason"]]
    assert reasons == [text for text in shares.values() if text]
