"""British files of 48 columns, harmonised files of Ireland, the generic CSV: clocks, error codes, every fault."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ons_bigdata.meters.sources.formats import delimited, half_hour_columns, rows
from ons_bigdata.meters.sources.formats.half_hour_columns import day_layout
from ons_bigdata.platform.errors import InputError
from tests.meters.sources.written_readings import GENERIC, HDF, at, days, read, reasons, starts, values

DAY = f"1200012345678,2024-01-15,{values(48)}"
HALF_HOUR = timedelta(minutes=30)


def line(date: str, fields: list[str]) -> str:
    return ",".join(["1200012345678", date, *fields])


# --- 48 columns -------------------------------------------------------------------------------------------


def test_a_line_is_a_local_day_of_48_half_hours() -> None:
    summer = f"1200012345678,2024-07-15,{values(48)}"
    found = read(days(DAY, summer), "csv")
    assert (found.rows_in, found.accepted.height) == (96, 96)
    assert starts(found)[0] == at("2024-01-15T00:00") and starts(found)[48] == at("2024-07-14T23:00")
    assert set(found.accepted["flag"]) == {None}


@pytest.mark.parametrize(
    "labels",
    [
        [f"{column}" for column in range(1, 49)],
        [f"{column:02}" for column in range(48)],
        [f"HH{column:02}" for column in range(1, 49)],
        [f"kWh_{column}" for column in range(1, 49)],
        [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 30)],
        [f"{minute // 60:02}:{minute % 60:02}" for minute in [*range(30, 1440, 30), 0]],
        [f"{minute // 60:02}:{minute % 60:02}" for minute in range(30, 1441, 30)],
        [f"{minute // 60}{minute % 60:02}" for minute in range(0, 1440, 30)],
    ],
    ids=range(8),
)
def test_half_hours_are_numbered_or_labelled_by_begin_or_end(labels: list[str]) -> None:
    found = read(days(DAY, labels=labels), "csv")
    assert starts(found)[0] == at("2024-01-15T00:00") and starts(found)[47] == at("2024-01-15T23:30")


def test_a_header_with_other_columns_is_no_file_of_days() -> None:
    assert day_layout(days(DAY, labels=[f"hh{column}" for column in range(2, 50)])) is None
    assert day_layout(days(DAY, labels=[f"hh{column}" for column in range(1, 48)])) is None
    assert day_layout(b"mpan,hh1\n") is None


@pytest.mark.parametrize("text", ["2024-01-15", "15/01/2024", "15-01-2024", "20240115"])
def test_days_are_written_in_four_forms(text: str) -> None:
    assert starts(read(days(line(text, ["0.1"] * 48)), "csv"))[0] == at("2024-01-15T00:00")


def test_a_file_that_writes_the_month_first_is_not_read_as_the_other_days() -> None:
    """1 and 2 February as 02/01 and 02/02 would be 2 January and 2 February; 02/13 shows that the month is first."""
    texts = ["02/01/2024", "02/02/2024", "02/13/2024", "2024-02-14"]
    found = read(days(*(line(text, ["0.1"] * 48) for text in texts)), "csv")
    assert reasons(found) == {half_hour_columns.MONTH_FIRST: 3}
    assert starts(found)[0] == at("2024-02-14T00:00") and found.rows_in == 48 + 3


def test_one_day_that_cannot_be_does_not_condemn_a_file_that_writes_the_day_first() -> None:
    texts = ["01/02/2024", "13/02/2024", "02/13/2024"]
    found = read(days(*(line(text, ["0.1"] * 48) for text in texts)), "csv")
    assert reasons(found) == {half_hour_columns.NO_DAY: 1}
    assert starts(found)[0] == at("2024-02-01T00:00") and found.accepted.height == 96


def test_in_spring_the_columns_of_the_hour_left_out_are_no_rows_where_empty() -> None:
    fields = ["0.1", "0.1", "", "", *["0.2"] * 44]
    found = read(days(line("2024-03-31", fields)), "csv")
    assert (found.rows_in, found.accepted.height) == (46, 46)
    assert set(found.accepted["started_at"].diff().drop_nulls()) == {HALF_HOUR}
    assert starts(found)[2] == at("2024-03-31T01:00") and starts(found)[-1] == at("2024-03-31T22:30")


def test_in_spring_readings_of_the_hour_left_out_are_refused() -> None:
    found = read(days(line("2024-03-31", ["0.1"] * 48)), "csv")
    assert reasons(found) == {half_hour_columns.NO_HALF_HOUR: 2}
    assert found.accepted.height == 46


def test_in_spring_columns_that_count_through_end_with_two_empty_ones() -> None:
    found = read(days(line("2024-03-31", [f"0.{rank:02}" for rank in range(1, 47)] + ["", ""])), "csv")
    assert (found.rows_in, found.quarantined.height) == (46, 0)
    assert found.accepted["kwh"].to_list() == [rank / 100 for rank in range(1, 47)]
    assert set(found.accepted["started_at"].diff().drop_nulls()) == {HALF_HOUR}


def test_in_autumn_the_readings_of_an_hour_that_comes_twice_are_flagged() -> None:
    found = read(days(line("2024-10-27", ["0.1"] * 48)), "csv").accepted
    flagged = found.filter(found["flag"] == half_hour_columns.CLOCK_CHANGE)
    assert flagged["started_at"].to_list() == [at("2024-10-27T00:00"), at("2024-10-27T00:30")]
    assert found["started_at"].to_list()[4] == at("2024-10-27T02:00")  # the hour between is missing
    assert found["started_at"].to_list()[-1] == at("2024-10-27T23:30")


def test_fifty_columns_have_every_half_hour_of_autumn() -> None:
    header = ",".join(["mpan", "date", *(f"hh{column}" for column in range(1, 51))])
    content = "\n".join([header, line("2024-10-27", ["0.1"] * 50), line("2024-10-28", ["0.1"] * 48 + ["", ""]), ""])
    found = read(content.encode(), "csv")
    assert (found.rows_in, found.accepted.height) == (98, 98)
    assert set(found.accepted["started_at"].diff().drop_nulls()) == {HALF_HOUR}
    bad = read(content.replace("0.1,,", "0.1,0.1,").encode(), "csv")
    assert reasons(bad) == {half_hour_columns.NO_HALF_HOUR: 1}


def test_a_file_in_gmt_has_48_half_hours_each_day() -> None:
    found = read(days(line("2024-03-31", ["0.1"] * 48)), "csv", options={"clock": "utc"})
    assert starts(found)[2] == at("2024-03-31T01:00") and found.accepted.height == 48


CODES = ["4294967295", "4294967.295", "2147483647", "2147483.647", "16777215", "16777.215", "8590.017", "34364.271",
         "38655.37", "186227.0865", "50.01", "-51"]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_an_error_code_stands_in_its_own_column(code: str) -> None:
    row = read(days(line("2024-01-15", [code, *["0.1"] * 47])), "csv").accepted.row(0, named=True)
    assert (row["kwh"], row["code"]) == (None, code)


@pytest.mark.parametrize("token", ["Null", "NULL", "NA", "NaN", "-", "."])
def test_a_token_of_a_missing_reading_stands_in_the_column_of_codes(token: str) -> None:
    row = read(days(line("2024-01-15", [token, *["0.1"] * 47])), "csv").accepted.row(0, named=True)
    assert (row["kwh"], row["code"]) == (None, token)


def test_negative_readings_and_readings_up_to_fifty_are_kept_and_empty_ones_are_missing() -> None:
    found = read(days(line("2024-01-15", ["-0.5", "50", "0", "", *["0.1"] * 44])), "csv").accepted
    assert found["kwh"].to_list()[:4] == [-0.5, 50.0, 0.0, None]
    assert found["code"].null_count() == 48


def test_faults_of_a_file_of_days_are_counted_by_reason() -> None:
    content = days(
        DAY,
        f",2024-01-15,{values(48)}",
        f"1.2E+12,2024-01-15,{values(48)}",
        f"1200012345678,15.1.2024,{values(48)}",
        f"1200012345678,2024-01-15,{values(47)}",
        f"1200012345678,2024-01-15,x,{values(47)}",
        f"1200012345678,2024-01-15,{'9' * 40},{values(47)}",
        "",
    )
    found = read(content + DAY.encode(), "csv")
    assert reasons(found) == {
        delimited.NO_METER: 1,
        rows.ROUNDED_METER: 1,
        half_hour_columns.NO_DAY: 1,
        delimited.OTHER_FIELDS: 1,
        delimited.NO_NUMBER: 1,
        rows.NO_READING: 1,
        rows.BLANK: 1,
        rows.CUT_SHORT: 1,
    }
    assert found.accepted.height == 48 + 47 + 47


def test_export_is_marked_and_other_quantities_are_refused() -> None:
    header = ",".join(["mpan", "measurement_quantity", "date", *(f"hh{column}" for column in range(1, 49))])
    lines = [f"120001,{quantity},2024-01-15,{values(48)}" for quantity in ("AI", "AE", "RI")]
    found = read("\n".join([header, *lines, ""]).encode(), "csv")
    assert reasons(found) == {half_hour_columns.NO_UNIT: 1}
    assert found.accepted.select("meter", "is_export").unique().sort("meter").rows() == [
        ("120001", False),
        ("120001/export", True),
    ]


# --- harmonised files of Ireland --------------------------------------------------------------------------

HDF_HEADER = HDF.split(b"\n", 1)[0]


def hdf(*fields: tuple[str, str, str]) -> bytes:
    lines = [f"10001234567,000000000012345678,{value},{kind},{time}" for value, kind, time in fields]
    return HDF_HEADER + b"\n" + "".join(f"{text}\n" for text in lines).encode()


KW, KWH, EXPORT = "Active Import Interval (kW)", "Active Import Interval (kWh)", "Active Export Interval (kW)"


def test_kw_are_halved_and_times_are_ends_in_local_time() -> None:
    found = read(hdf(("0.4", KW, "01-07-2024 00:30"), ("0.4", KWH, "01-07-2024 00:00")), "csv")
    assert found.accepted["kwh"].to_list() == [0.2, 0.4]
    assert starts(found) == [at("2024-06-30T23:00"), at("2024-06-30T22:30")]
    assert found.accepted["meter"].to_list() == ["10001234567"] * 2


def test_export_is_a_meter_of_its_own() -> None:
    found = read(hdf(("0.4", EXPORT, "01-07-2024 00:30")), "csv").accepted
    assert found.select("meter", "kwh", "is_export").row(0) == ("10001234567/export", 0.2, True)


def test_in_autumn_a_file_that_descends_has_the_later_hour_first() -> None:
    times = ["02:30", "02:00", "01:30", "01:00", "01:30", "01:00", "00:30"]
    found = read(hdf(*(("0.1", KWH, f"27-10-2024 {time}") for time in times)), "csv")
    # ends 01:00 and 01:30 of summer time are those of 00:00Z and 00:30Z
    ends = ["02:30", "02:00", "01:30", "01:00", "00:30", "00:00"]
    assert starts(found) == [*(at(f"2024-10-27T{end}") - HALF_HOUR for end in ends), at("2024-10-26T23:00")]


def test_faults_of_a_harmonised_file_are_counted_by_reason() -> None:
    content = (
        hdf(
            ("0.1", KWH, "01-07-2024 00:30"),
            ("0.1", "24 Hr Active Import Register (kWh)", "01-07-2024 00:30"),
            ("0.1", KWH, "2024-07-01 00:30"),
            ("0.1", KWH, "31-03-2024 01:30"),
            ("?", KWH, "01-07-2024 00:30"),
        )
        + HDF.split(b"\n")[1].replace(b"10001234567", b"1000")
        + b"\n"
    )
    found = read(content, "csv")
    assert reasons(found) == {
        delimited.NO_DIRECTION: 1,
        delimited.NO_TIME: 1,
        delimited.LEFT_OUT: 1,
        delimited.NO_NUMBER: 1,
        delimited.NO_METER: 1,
    }
    assert found.accepted.height == 1


# --- the generic CSV --------------------------------------------------------------------------------------


def test_the_generic_csv_has_offsets_lengths_flags_and_other_columns() -> None:
    content = (
        b"note,meter,ended_at,kwh,minutes,flag\n"
        b'"a, b",m1,2024-07-01T01:30:00+01:00,0.5,30,A\n'
        b",m1,2024-07-01T00:45Z,1e-05,15,E\n"
        b",m1,2024-07-01 01:00:00.000Z,Null,15,\n"
    )
    found = read(content, "csv")
    assert reasons(found) == {}
    assert starts(found) == [at("2024-07-01T00:00"), at("2024-07-01T00:30"), at("2024-07-01T00:45")]
    assert found.accepted.select("kwh", "minutes", "code", "flag").rows() == [
        (0.5, 30, None, "A"),
        (1e-05, 15, None, "E"),
        (None, 15, "Null", None),
    ]


def test_a_bound_on_readings_is_that_of_the_interval() -> None:
    content = b"meter,started_at,kwh,minutes\nm,2024-07-01T00:00Z,26,15\nm,2024-07-01T00:00Z,26,30\n"
    assert read(content, "csv").accepted["kwh"].to_list() == [None, 26.0]


def test_times_without_offset_are_refused_unless_the_clock_is_said() -> None:
    content = b"meter,started_at,kwh\nm1,2024-07-01 00:00,0.5\nm1,2024-07-01T00:30:00Z,0.5\n"
    assert reasons(read(content, "csv")) == {delimited.NO_OFFSET: 1}
    assert starts(read(content, "csv", options={"clock": "utc"}))[0] == at("2024-07-01T00:00")
    sydney = read(content, "csv", options={"clock": "local", "timezone": "Australia/Sydney"})
    assert starts(sydney) == [at("2024-06-30T14:00"), at("2024-07-01T00:30")]


def test_columns_of_other_names_are_mapped() -> None:
    content = b"customer_id,ts,kwh\n1,2024-07-01T00:00Z,0.5\n"
    options = {"columns": {"meter": "customer_id", "started_at": "ts"}}
    assert read(content, "csv", options=options).accepted["meter"].to_list() == ["1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clock": "lcal"}, "unknown clock of a CSV 'lcal'; known: utc, local; did you mean 'local'"),
        ({"clock": "local"}, "clock 'local' without timezone"),
        ({"clock": "utc", "timezone": "Europe/London"}, "clock 'utc' with timezone"),
        ({"timezone": "Mars/Base"}, "timezone 'Mars/Base' is not known"),
        ({"timezone": "../x"}, "is not known"),
        ({"columns": {"metre": "a"}}, "unknown column of the generic CSV 'metre'; .*; did you mean 'meter'"),
        ({"columns": ["a"]}, "expected names of the file"),
    ],
    ids=range(7),
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(GENERIC, "csv", options=options)


def test_faults_of_a_generic_csv_are_counted_by_reason() -> None:
    content = (
        b"meter,started_at,kwh,minutes,flag\n"
        b"m1,2024-01-01T00:00Z,0.5,30,A\n"
        b",2024-01-01T00:00Z,0.5,30,\n"
        b"4.10E+09,2024-01-01T00:00Z,0.5,30,\n"
        b"m1,2024-01-01T00:00Z,0.5,61,\n"
        b"m1,2024-01-01T00:00Z,0.5,30,good\n"
        b"m1,yesterday,0.5,30,\n"
        b"m1,9999-01-01T00:00Z,0.5,30,\n"
        b"m1,2024-01-01T00:00Z,half,30,\n"
        b"m1,2024-01-01T00:00Z,0.5,30\n"
        b'"m1,2024-01-01T00:00Z,0.5,30,\n'
    )
    found = read(content, "csv")
    assert reasons(found) == {
        delimited.NO_METER: 1,
        rows.ROUNDED_METER: 1,
        delimited.NO_MINUTES: 1,
        delimited.NO_FLAG: 1,
        delimited.NO_TIME: 2,
        delimited.NO_NUMBER: 1,
        delimited.OTHER_FIELDS: 2,
    }
    assert found.rows_in == 10
