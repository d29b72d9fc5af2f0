"""Files of the Low Carbon London trial: quirks of the published files, and the forms in which they are passed on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ons_bigdata.meters.sources.formats import delimited, rows
from ons_bigdata.meters.sources.formats.lcl import lcl_layout
from ons_bigdata.meters.sources.readers import read as read_files
from ons_bigdata.platform.errors import InputError
from tests.meters.sources.written_readings import LCL, at, read, reasons, starts

HEADER = LCL.split(b"\r\n", 1)[0]


def test_the_published_file_has_a_trailing_blank_in_its_header_crlf_and_padded_values() -> None:
    found = read(LCL, "lcl")
    assert starts(found) == [at("2012-10-12T00:30"), at("2012-10-12T01:00")]
    assert found.accepted["kwh"].to_list() == [0.0, 0.2]
    assert found.accepted["meter"].to_list() == ["MAC000002"] * 2
    assert (found.rows_in, found.accepted["line"].to_list()) == (2, [2, 3])  # the header is no row


def test_the_parts_of_the_published_file_that_have_the_acorn_group_are_read() -> None:
    content = HEADER + b",Acorn,Acorn_grouped\r\nMAC000002,Std,2012-10-12 00:30:00.0000000, 0.2 ,ACORN-A,Affluent\r\n"
    found = read(content, "lcl")
    assert found.accepted.select("meter", "kwh").rows() == [("MAC000002", 0.2)]
    assert found.quarantined.is_empty()


def test_a_null_off_the_grid_is_a_row_without_a_reading() -> None:
    found = read(LCL + b"MAC000002,Std,2012-12-19 12:37:27.0000000,Null\r\n", "lcl")
    row = found.accepted.row(2, named=True)
    assert (row["started_at"], row["kwh"], row["code"]) == (at("2012-12-19T12:37:27"), None, "Null")


def test_identical_rows_stay_two_rows() -> None:
    line = b"MAC000002,Std,2012-11-01 00:00:00.0000000, 0.3 \r\n"
    assert read(LCL + line + line, "lcl").accepted["line"].to_list() == [2, 3, 4, 5]


def test_the_form_of_the_competition_site_is_read() -> None:
    content = b"LCLid,tstp,energy(kWh/hh)\nMAC000131,2011-12-15 09:00:00.0000000,0.485\nMAC000131,2011-12-15 09:30:00.0000000,Null\n"  # noqa: E501
    found = read(content, "lcl", "block_0.csv")
    assert found.accepted["kwh"].to_list() == [0.485, None]
    assert found.accepted["code"].to_list() == [None, "Null"]


def test_the_meter_of_a_file_without_its_column_is_that_of_the_name() -> None:
    content = b"ts,kwh\n2011-12-10T00:00:00.000000,0.082\n"
    assert read(content, "lcl", "lcl_MAC000060_halfhourly.csv").accepted["meter"].to_list() == ["MAC000060"]
    assert lcl_layout("other.csv", content) is None


def test_the_clock_is_gmt_unless_it_is_said_to_be_local() -> None:
    line = HEADER + b"\r\nMAC000002,Std,2013-07-01 12:00:00.0000000, 0.3 \r\n"
    assert starts(read(line, "lcl")) == [at("2013-07-01T12:00")]
    assert starts(read(line, "lcl", options={"clock": "local"})) == [at("2013-07-01T11:00")]
    with pytest.raises(InputError, match=r"unknown clock .*'lcal'; known: gmt, local; did you mean 'local'"):
        read(line, "lcl", options={"clock": "lcal"})


def test_local_times_that_come_twice_are_one_hour_after_the_other_and_those_left_out_are_refused() -> None:
    def line(time: str) -> bytes:
        return f"MAC000002,Std,{time}:00.0000000, 0.3 \r\n".encode()

    autumn = ["2013-10-27 00:30", "2013-10-27 01:00", "2013-10-27 01:30", "2013-10-27 01:00", "2013-10-27 01:30"]
    found = read(HEADER + b"\r\n" + b"".join(map(line, autumn)), "lcl", options={"clock": "local"})
    expected = ["2013-10-26T23:30", "2013-10-27T00:00", "2013-10-27T00:30", "2013-10-27T01:00", "2013-10-27T01:30"]
    assert starts(found) == [at(text) for text in expected]
    spring = read(HEADER + b"\r\n" + line("2013-03-31 01:30"), "lcl", options={"clock": "local"})
    assert reasons(spring) == {delimited.LEFT_OUT: 1}


FAULTS = [
    ("MAC02,Std,2012-10-12 00:30:00.0000000, 0.1 ", delimited.NO_METER),
    (",Std,2012-10-12 00:30:00.0000000, 0.1 ", delimited.NO_METER),
    ("MAC000002,Std,2012-13-12 00:30:00.0000000, 0.1 ", delimited.NO_TIME),
    ("MAC000002,Std,, 0.1 ", delimited.NO_TIME),
    ("MAC000002,Std,2012-10-12 00:30:00.0000000, x ", delimited.NO_NUMBER),
    ("MAC000002,Std,2012-10-12 00:30:00.0000000,null", delimited.NO_NUMBER),
    ("MAC000002,Std,2012-10-12 00:30:00.0000000, inf ", delimited.NO_NUMBER),
    ("MAC000002,Std,2012-10-12 00:30:00.0000000", delimited.OTHER_FIELDS),
    ("MAC000002,Std,2012-10-12 00:30:00.0000000, 0.1 ,", delimited.OTHER_FIELDS),
    ("", rows.BLANK),
]


def test_a_delivery_with_every_fault_counts_each_by_its_reason() -> None:
    body = LCL + "".join(f"{line}\r\n" for line, _ in FAULTS).encode() + b"MAC000002,Std,\xff\r\n"
    found = read(body + b"MAC000002,Std,2012-10-12 00:30:00.0000000, 0.1", "lcl")
    expected: dict[str, int] = {rows.NOT_UTF8: 1, rows.CUT_SHORT: 1}
    for _, reason in FAULTS:
        expected[reason] = expected.get(reason, 0) + 1
    assert reasons(found) == expected
    assert found.accepted.height == 2


@pytest.mark.parametrize(("line", "reason"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_costs_its_line_alone(line: str, reason: str) -> None:
    found = read(LCL + line.encode() + b"\r\n" + LCL.split(b"\r\n", 1)[1], "lcl")
    assert reasons(found) == {reason: 1}
    assert found.accepted["line"].to_list() == [2, 3, 5, 6]


def test_an_empty_value_is_a_row_without_reading_or_code() -> None:
    found = read(LCL + b"MAC000002,Std,2012-10-12 02:00:00.0000000,\r\n", "lcl")
    assert found.accepted.select("kwh", "code").row(2) == (None, None)


def test_homes_of_the_trial_are_read_whole(shared_meters: Path) -> None:
    counts = {"lcl_MAC000060_halfhourly.csv": 38_784, "lcl_MAC000584_halfhourly.csv.gz": 32_904}
    for name, count in counts.items():
        found = read_files(shared_meters / name, "lcl", quarantined="raise").collect()
        opened = gzip.open if name.endswith(".gz") else open
        with opened(shared_meters / name, "rt") as lines:
            texts = [line.rsplit(",", 1)[1] for line in lines][1:]
        assert found.height == len(texts) == count
        assert found["kwh"].to_list() == [float(text) for text in texts]
