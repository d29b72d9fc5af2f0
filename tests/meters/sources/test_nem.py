"""Files of the Australian market: intervals (NEM12), accumulated reads (NEM13), broken files; none loses a value."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.meters.sources.formats import NO_NEM12_HEADER, nem12, nem13, open_format, unknown_content
from ons_bigdata.meters.sources.readers import read_accumulations, read_with_quarantine
from ons_bigdata.platform.errors import InputError
from tests.meters.sources import written_readings as written
from tests.meters.sources.written_readings import at, read, reasons, starts, values

R30 = "200,NMI0000001,E1,1,E1,N1,SERIAL,kWh,30,"
R5 = "200,NMI0000001,E1,1,E1,N1,SERIAL,kWh,5,"


def day(count: int = 48, quality: str = "A", date: str = "20240101", value: str = "0.5") -> str:
    return f"300,{date},{values(count, value)},{quality},,,20240102000000,"


def test_a_day_is_48_half_hours_of_market_time_to_follow_by_hand() -> None:
    found = read(written.nem12(R30, day()), "nem12")
    assert (found.rows_in, found.accepted.height) == (48, 48)
    assert starts(found)[0] == at("2023-12-31T14:00") and starts(found)[-1] == at("2024-01-01T13:30")
    assert found.accepted.row(0, named=True) == {
        "line": 3, "meter": "NMI0000001/E1", "started_at": at("2023-12-31T14:00"), "minutes": 30, "kwh": 0.5,
        "code": None, "flag": "A", "is_export": False,
    }  # fmt: skip


@pytest.mark.parametrize(("minutes", "count"), [(5, 288), (15, 96), (30, 48)])
def test_intervals_of_each_length_follow_each_other(minutes: int, count: int) -> None:
    found = read(written.nem12(R30.replace(",30,", f",{minutes},"), day(count)), "nem12")
    assert found.accepted.height == count
    assert set(found.accepted["started_at"].diff().drop_nulls()) == {timedelta(minutes=minutes)}
    assert set(found.accepted["minutes"]) == {minutes}


@pytest.mark.parametrize(("unit", "kwh"), [("WH", 0.0005), ("KWH", 0.5), ("MWh", 500.0)])
def test_units_of_active_energy_become_kwh(unit: str, kwh: float) -> None:
    found = read(written.nem12(R30.replace("kWh", unit), day()), "nem12")
    assert set(found.accepted["kwh"]) == {kwh}


def test_registers_of_a_meter_are_meters_and_export_is_marked() -> None:
    content = written.nem12(R30, day(), R30.replace(",E1,N1", ",E2,N1"), day(), R30.replace(",E1,N1", ",B1,N1"), day())
    rows = read(content, "nem12").accepted.select("meter", "is_export").unique().sort("meter").rows()
    assert rows == [("NMI0000001/B1", True), ("NMI0000001/E1", False), ("NMI0000001/E2", False)]


def test_a_flag_v_is_refined_by_ranges_of_intervals() -> None:
    content = written.nem12(R30, day(quality="V"), "400,1,20,E52,,", "400,21,24,F14,76,", "400,25,48,A,,", day())
    assert read(content, "nem12").accepted["flag"].to_list() == ["E"] * 20 + ["F"] * 4 + ["A"] * 24 + ["A"] * 48


def test_reason_records_of_a_day_without_v_change_no_flag() -> None:
    content = written.nem12(R30, day(), "400,1,48,A,89,", "500,O,S01,20240101120000,")
    assert read(content, "nem12").accepted["flag"].to_list() == ["A"] * 48


def test_null_data_have_no_reading_and_keep_what_came_in_their_place() -> None:
    found = read(written.nem12(R30, day(quality="N", value="0")), "nem12").accepted
    assert (set(found["kwh"]), set(found["code"]), set(found["flag"])) == ({None}, {"0"}, {"N"})


def test_an_error_code_is_no_reading_and_a_large_site_is_one() -> None:
    line = f"300,20240101,4294967.295,900.5,{values(46)},A,,,,"
    found = read(written.nem12(R30, line), "nem12").accepted
    assert found["kwh"].to_list()[:2] == [None, 900.5]
    assert found["code"].to_list()[:2] == ["4294967.295", None]


FAULTS: list[tuple[list[str], dict[str, int]]] = [
    ([R30, day(47)], {nem12.OTHER_COUNT: 1}),
    ([R30, day(96)], {nem12.OTHER_LENGTH: 1}),
    ([R30.replace(",30,", ",15,"), day(288)], {nem12.OTHER_LENGTH: 1}),  # 5-minute data declared as 15
    ([R5, day(96)], {nem12.OTHER_LENGTH: 1}),
    ([R30, "300,20240101,V,,,20240102,"], {nem12.NO_VALUES: 1}),
    ([R30, f"300,20240101,{values(48)}"], {nem12.NO_QUALITY: 1}),
    ([R30, f"300,20240101,{values(24)}"], {nem12.OTHER_COUNT: 1}),
    ([R30, day(date="20241301")], {nem12.NO_DAY: 1}),
    ([R30, day(date="")], {nem12.NO_DAY: 1}),
    ([R30, day(quality="V")], {nem12.NOT_COVERED: 48}),
    ([R30, day(quality="V"), "400,1,47,A,,"], {nem12.NOT_COVERED: 48}),
    ([R30, day(quality="V"), "400,1,48,A,,", "400,48,48,E,,"], {nem12.NOT_COVERED: 48}),
    ([R30, day(quality="V"), "400,1,48,V,,"], {nem12.NOT_COVERED: 48, nem12.BAD_EVENT: 1}),
    ([R30, day(quality="V"), "400,1,48,A,,", "400,49,96,N,,"], {nem12.NOT_COVERED: 48, nem12.BAD_EVENT: 1}),
    ([R30, day(quality="V"), "400,one,48,A,,"], {nem12.NOT_COVERED: 48, nem12.BAD_EVENT: 1}),
    ([R30, "400,1,48,A,,"], {nem12.NO_EVENT: 1}),
    ([day()], {nem12.NO_REGISTER: 1}),
    (["200,,E1,1,E1,N1,S,kWh,30,", day()], {nem12.BAD_REGISTER: 1, nem12.BROKEN_REGISTER: 1}),
    (["200,NMI1,E1,1,,N1,S,kWh,30,", day()], {nem12.BAD_REGISTER: 1, nem12.BROKEN_REGISTER: 1}),
    ([R30.replace(",30,", ",45,"), day()], {nem12.BAD_REGISTER: 1, nem12.BROKEN_REGISTER: 1}),
    ([R30.replace("kWh", "kVArh"), day()], {nem12.NOT_ENERGY: 48}),
    ([R30.replace(",E1,N1", ",Q1,N1"), day()], {nem12.NO_DIRECTION: 48}),
    (["250,NMI1"], {nem12.UNKNOWN_RECORD: 1}),
    ([R30, f"300,20240101,x,,{values(46)},A,,,,"], {nem12.NO_NUMBER: 2}),
    (["900", day()], {nem12.AFTER_END: 1}),
    (["100,NEM13,202401010000,A,B", day()], {nem12.OTHER_HEADER: 1, nem12.NO_HEADER: 1}),
]


@pytest.mark.parametrize(("records", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_counted_with_its_reason_and_costs_its_record_alone(
    records: list[str], expected: dict[str, int]
) -> None:
    found = read(written.nem12(*records, "900", "100,NEM12,202401010000,A,B", R30, day()), "nem12")
    assert reasons(found) == expected
    rest = 46 if nem12.NO_NUMBER in expected else 0
    assert found.accepted.height == 48 + rest
    assert found.rows_in == 48 + rest + sum(expected.values())


def test_a_file_that_breaks_off_is_noticed() -> None:
    whole = written.nem12(R30, day(), day())
    assert reasons(read(whole.removesuffix(b"900\n"), "nem12")) == {nem12.NO_END: 1}
    found = read(whole[: whole.rindex(b"0.5,0.5,0.5,")], "nem12")
    assert reasons(found) == {nem12.OTHER_COUNT: 1, nem12.NO_END: 1}
    assert found.accepted.height == 48


def test_records_without_a_header_are_refused_by_name() -> None:
    content = b"\n200,VABD000163,E1Q1,1,E1,N1,METSER123,kWh,30,\n"
    assert open_format("a.csv", content) is None
    assert unknown_content(content) == NO_NEM12_HEADER


def test_flags_reach_over_the_parts_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nem12, "_MOST_RECORDS", 1)
    monkeypatch.setattr("ons_bigdata.platform.ingest.lines.BLOCK_BYTES", 50)
    content = written.nem12(R30, day(quality="V"), "400,1,24,A,,", "400,25,48,S14,,", day(date="20240102"))
    assert read(content, "nem12").accepted["flag"].to_list() == ["A"] * 24 + ["S"] * 24 + ["A"] * 48


R250 = (
    "250,NMI0000001,11,1,11,11,SERIAL,E,100.5,20240101000000,A,,,150,20240201000000,E64,,,49.5,kWh,20240301,20240202,"
)


def test_an_accumulated_read_is_energy_between_two_reads() -> None:
    [found] = nem13.read_nem13(io.BytesIO(written.nem13(R250, "550,N,,E,")))
    assert found.accepted.rows(named=True) == [
        {
            "line": 2, "meter": "NMI0000001/11", "started_at": at("2023-12-31T14:00"),
            "ended_at": at("2024-01-31T14:00"), "kwh": 49.5, "previous_read": 100.5, "current_read": 150.0,
            "previous_flag": "A", "flag": "E", "is_export": False,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (R250.replace(",kWh,", ",kVArh,"), nem13.NOT_ENERGY),
        (R250.replace(",E,100.5", ",X,100.5"), nem13.NO_DIRECTION),
        (R250.replace("20240101000000", "2024"), nem13.NO_TIME),
        (R250.replace("20240201000000", "20230201000000"), nem13.NO_ORDER),
        (R250.replace(",E64,", ",,"), nem13.NO_QUALITY),
        (R250.replace(",49.5,", ",many,"), nem13.NO_NUMBER),
        (R250.replace("NMI0000001", ""), nem13.NO_METER),
        ("250,NMI0000001", nem13.OTHER_FIELDS),
        ("300,20240101", nem13.UNKNOWN_RECORD),
        ("900\n250,NMI0000001", nem13.AFTER_END),
        ("100,NEM12,2024,A,B", nem13.OTHER_HEADER),
    ],
)
def test_a_broken_read_is_quarantined_with_its_reason(record: str, reason: str) -> None:
    [found] = nem13.read_nem13(io.BytesIO(written.nem13(R250, record)))
    assert (reasons(found), found.accepted.height, found.rows_in) == ({reason: 1}, 1, 2)


def test_reads_of_a_file_that_breaks_off_are_noticed() -> None:
    [found] = nem13.read_nem13(io.BytesIO(written.nem13(R250).removesuffix(b"900\n")))
    assert reasons(found) == {nem13.NO_END: 1}


@given(st.integers(0, 600), st.integers(0, 255))
def test_no_byte_loses_a_row(place: int, byte: int) -> None:
    content = bytearray(written.nem12(R30, day(quality="V"), "400,1,48,A,,", day()))
    ends = content.count(b"\n")
    content[min(place + 31, len(content) - 1)] = byte
    found = read(bytes(content), "nem12")
    refused = set(found.quarantined["line"])
    lines = {3, 5} if content.count(b"\n") == ends else set(found.accepted["line"])
    # whatever the byte, a day is read whole, or its record is in the quarantine
    assert all(line in refused or (found.accepted["line"] == line).sum() == 48 for line in lines)
    assert found.rows_in == found.accepted.height + found.quarantined.height > 0


def _numbers_of(path: Path) -> tuple[int, float]:
    """Values of records 300 of active energy in a zip of NEM12, and their sum in kWh: an independent count."""
    count, total = 0, 0.0
    factors = {"KWH": 1.0, "WH": 0.001}
    with zipfile.ZipFile(path) as archive:
        [name] = archive.namelist()
        unit, length = "", 0
        for record in csv.reader(io.TextIOWrapper(archive.open(name))):
            if record[0] == "200":
                unit, length = record[7].upper(), int(record[8])
            elif record[0] == "300" and unit in factors and len(record) > 1440 // length:
                numbers = record[2 : 2 + 1440 // length]
                count += len(numbers)
                total += factors[unit] * sum(map(float, numbers))
    return count, total


def test_all_shared_files_of_intervals_are_read_without_loss(shared_meters: Path) -> None:
    paths = sorted((shared_meters / "nem" / "nem12").iterdir())
    assert len(paths) == 94
    expected = [_numbers_of(path) for path in paths]
    found = read_with_quarantine(paths, "nem12")
    assert found.readings.height == sum(count for count, _ in expected) > 30_000
    assert found.readings["kwh"].sum() == pytest.approx(sum(total for _, total in expected), rel=1e-12)
    lost = found.quarantined.group_by("reason").len().sort("reason").rows()
    assert dict(lost) == {  # reactive energy, and one record that is broken by line ends
        nem12.NOT_ENERGY: 11_712,
        nem12.OTHER_COUNT: 1,
        nem12.UNKNOWN_RECORD: 2,
        nem12.NO_EVENT: 2,
    }


def test_all_shared_files_of_accumulated_reads_are_read_without_loss(shared_meters: Path) -> None:
    found = read_accumulations(shared_meters / "nem" / "nem13")
    assert (found.readings.height, found.quarantined.height) == (120, 0)
    assert found.readings.select((found.readings["ended_at"] > found.readings["started_at"]).all()).item()


def test_the_broken_shared_files_are_refused_or_quarantined(shared_meters: Path) -> None:
    folder = shared_meters / "nem" / "invalid"
    fates: dict[str, object] = {}
    for path in sorted(folder.iterdir()):
        try:
            found = read_with_quarantine(path, "nem12")
        except InputError as error:
            fates[path.stem] = str(error).rsplit("found ", 1)[1]
        else:
            fates[path.stem] = (found.readings.height, *sorted({*found.quarantined["reason"]}))
    event = nem12.NO_EVENT
    assert fates == {
        "Example_NEM12_15min_200_30min_300": (0, nem12.OTHER_LENGTH, event),
        "Example_NEM12_15min_200_30min_400": (0, nem12.NOT_COVERED),
        "Example_NEM12_30min_200_15min_300": (0, nem12.OTHER_LENGTH, event),
        "Example_NEM12_30min_200_15min_400": (0, nem12.OTHER_LENGTH, event),
        "Example_NEM12_empty": (0,),
        "Example_NEM12_incomplete_interval": (48, nem12.NO_VALUES, nem12.NOT_ENERGY),
        "Example_NEM12_missing_header": NO_NEM12_HEADER,
        "Example_NEM12_powercor": NO_NEM12_HEADER,
        "Example_NEM12_powercor.csv": NO_NEM12_HEADER,
        "Example_NEM12_powercor_missing_fields": NO_NEM12_HEADER,
        "Example_empty_file": "no bytes",
    }
