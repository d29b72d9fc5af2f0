"""Text of the Irish trial: the rule of ranks, days when clocks change, every fault."""

from __future__ import annotations

import io
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.meters.sources.formats import cer, rows
from ons_bigdata.platform.ingest.lines import read_blocks
from tests.meters.sources.written_readings import CER, at, read, reasons, starts


@pytest.mark.parametrize(
    ("code", "start"),
    [
        (19501, "2009-07-13T23:00"),  # Irish summer time
        (45201, "2010-03-28T00:00"),
        (45204, "2010-03-28T00:30"),
        (45205, "2010-03-28T01:00"),
        (45248, "2010-03-28T22:30"),
        (66901, "2010-10-30T23:00"),
        (66903, "2010-10-31T00:00"),
        (66905, "2010-10-31T01:00"),
        (66950, "2010-10-31T23:30"),
        (29849, "2009-10-25T23:00"),
        (73048, "2010-12-31T23:30"),
    ],
)
def test_a_code_is_the_rank_in_the_half_hours_of_its_day(code: int, start: str) -> None:
    found = read(f"1392 {code} 0.14\n".encode(), "cer")
    assert (starts(found), found.accepted["kwh"].to_list()) == ([at(start)], [0.14])
    assert found.accepted.select("meter", "minutes", "code", "flag", "is_export").row(0) == (
        "1392", 30, None, None, False,
    )  # fmt: skip


def test_a_file_may_begin_with_a_negative_reading() -> None:
    assert cer.is_cer(b"1392 19503 -0.14\n1392 19504 0.1\n")


def test_a_gap_does_not_shift_a_day() -> None:
    found = read(b"1 45248 0.1\n1 45247 0.2\n", "cer")
    assert starts(found) == [at("2010-03-28T22:30"), at("2010-03-28T22:00")]


def test_all_codes_of_the_trial_are_consecutive_half_hours() -> None:
    text = "".join(
        f"1 {day}{slot:02} 0.1\n"
        for day in range(195, 731)
        for slot in cer.expected_slots({452: 46, 298: 50, 669: 50}.get(day, 48))
    )
    found = read(text.encode(), "cer")
    assert (found.rows_in, found.quarantined.height) == (25_730, 0)
    assert set(found.accepted["started_at"].diff().drop_nulls()) == {timedelta(minutes=30)}
    assert found.accepted["started_at"][0].date() == date(2009, 7, 13)


FAULTS = [
    ("1392 19503", cer.NOT_THREE_FIELDS),
    ("1392 19503 0.14 7", cer.NOT_THREE_FIELDS),
    ("1392  19503 0.14", cer.NOT_THREE_FIELDS),
    ("x 19503 0.14", cer.NO_METER),
    ("-1 19503 0.14", cer.NO_METER),
    ("12345678901 19503 0.14", cer.NO_METER),
    ("1392 195x3 0.14", cer.NO_CODE),
    ("1392 19503 0,14", cer.NO_NUMBER),
    ("1392 19503 nan", cer.NO_NUMBER),
    ("1392 19503 1e222", cer.NO_NUMBER),
    ("1392 19503 -", cer.NO_NUMBER),
    ("1392 19503 " + "9" * 400, rows.NO_READING),
    ("1392 19403 0.14", cer.DAY_OUT_OF_RANGE),
    ("1392 73101 0.14", cer.DAY_OUT_OF_RANGE),
    ("1392 999999999 0.14", cer.DAY_OUT_OF_RANGE),
    ("1392 -19503 0.14", cer.DAY_OUT_OF_RANGE),
    ("1392 19500 0.14", cer.NO_HALF_HOUR),
    ("1392 19549 0.14", cer.NO_HALF_HOUR),
    ("1392 45202 0.14", cer.NO_HALF_HOUR),
    ("1392 45203 0.14", cer.NO_HALF_HOUR),
    ("1392 45249 0.14", cer.NO_HALF_HOUR),
    ("1392 29851 0.14", cer.NO_HALF_HOUR),
    ("", rows.BLANK),
]


@pytest.mark.parametrize(("line", "reason"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_costs_its_line_alone(line: str, reason: str) -> None:
    found = read(CER + line.encode() + b"\n" + CER, "cer")
    assert reasons(found) == {reason: 1}
    assert found.quarantined["line"].to_list() == [3]
    assert found.accepted["line"].to_list() == [1, 2, 4, 5]
    assert found.accepted["kwh"].to_list() == [0.14, 0.138] * 2


def test_a_delivery_with_every_fault_counts_each_by_its_reason() -> None:
    body = CER + "".join(f"{line}\n" for line, _ in FAULTS).encode() + b"1 19503 \xff\n" + b"1392 19505 0.1"
    found = read(body, "cer")
    expected: dict[str, int] = {rows.NOT_UTF8: 1, rows.CUT_SHORT: 1}
    for _, reason in FAULTS:
        expected[reason] = expected.get(reason, 0) + 1
    assert reasons(found) == expected
    assert found.rows_in == found.accepted.height + found.quarantined.height == 2 + len(FAULTS) + 2


def test_a_number_that_can_be_no_reading_is_kept_as_a_code() -> None:
    found = read(b"1 19503 4294967.295\n1 19504 50.001\n1 19505 -60\n1 19506 50\n1 19507 -0.5\n", "cer")
    assert found.accepted["kwh"].to_list() == [None, None, None, 50.0, -0.5]
    assert found.accepted["code"].to_list() == ["4294967.295", "50.001", "-60", None, None]


def test_line_ends_of_windows_and_a_byte_order_mark_change_nothing() -> None:
    plain = read(CER, "cer").accepted
    assert_frame_equal(read(b"\xef\xbb\xbf" + CER.replace(b"\n", b"\r\n"), "cer").accepted, plain)


@given(st.lists(st.text(alphabet="0123456789. -\r", min_size=0, max_size=14), max_size=6), st.booleans())
def test_lines_are_read_alike_at_once_and_one_by_one(lines: list[str], ends: bool) -> None:
    content = CER + "\n".join(lines).encode() + b"\n" * ends
    for block in read_blocks(io.BytesIO(content)):
        at_once = cer._parsed_at_once(block)
        if at_once is not None:
            faults: dict[int, str] = {}
            by_line = cer._parsed_by_line(block, faults)
            assert faults == {}
            assert_frame_equal(by_line.drop("text"), at_once)
            assert by_line["text"].null_count() == by_line.height


def test_blocks_are_read_alike_whatever_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"".join(b"%d 19%d 0.%d\n" % (meter, 501 + meter % 48, meter) for meter in range(1, 300)) + b"bad\n"
    whole = read(content, "cer")
    monkeypatch.setattr(cer, "BLOCK_BYTES", 100)
    parts = read(content, "cer")
    assert_frame_equal(parts.accepted, whole.accepted)
    assert parts.quarantined.rows() == whole.quarantined.rows() == [(300, cer.NOT_THREE_FIELDS)]
    assert isinstance(whole.accepted, pl.DataFrame)


def test_lines_around_a_bad_one_are_read_alike_at_once_and_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b"%d 19%d 0.%d\n" % (meter, 501 + meter % 48, meter) for meter in range(1, 900)]
    lines[3], lines[450], lines[-2] = b"1 19503 -0.984\n", b"bad\n", b"2 19503 4294967.295\n"
    content = b"".join(lines) + b"5 19503 0.1"
    monkeypatch.setattr(cer, "_parsed_at_once", lambda _block: None)
    one_by_one = read(content, "cer")
    monkeypatch.undo()
    monkeypatch.setattr(cer._parsed, "__defaults__", ((3000, 200),))
    in_pieces = read(content, "cer")
    assert_frame_equal(in_pieces.accepted, one_by_one.accepted)
    assert in_pieces.quarantined.rows() == one_by_one.quarantined.rows()
    assert reasons(in_pieces) == {cer.NOT_THREE_FIELDS: 1, rows.CUT_SHORT: 1}
    assert in_pieces.accepted.filter(pl.col("kwh").is_null() | (pl.col("kwh") < 0))["line"].to_list() == [4, 898]
