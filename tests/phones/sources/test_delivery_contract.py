"""Files under the contract: what is taken in, and what is sent back with the reason."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.phones.sources.deliveries.flow_files import read_long, read_wide
from ons_bigdata.phones.sources.deliveries.side_tables import read_side_table
from ons_bigdata.phones.sources.specification_files import Registered
from ons_bigdata.platform.ingest.loading import Reading
from tests.phones.sources.delivered_lines import HEADER, line, long_file
from tests.phones.specifications import CODES, SPEC, changed

REGISTER = {SPEC.spec_id: Registered("alpha", SPEC)}
LOAD = "0" * 16
A, B, C, D = CODES


def read(content: bytes, name: str = "od_flows_alpha_2021-03.csv") -> Reading:
    return read_long(content, name=name, load_id=LOAD, register=REGISTER)


def test_each_cell_has_status_and_bounds() -> None:
    lines = [
        line(A, A, "1,250"),
        line(A, B, ""),
        line(A, C, "-1"),
        line(B, A, "NA"),
        line(B, B, "10"),
        line(B, C, "0"),
    ]
    reading = read(long_file(*lines))
    assert (reading.outcome, reading.reason) == ("loaded", None)
    assert reading.accepted.select("devices", "status", "lower", "upper").rows() == [
        (1250.0, "rounded", 1247.5, 1252.5),
        (None, "not_supplied", 0.0, None),
        (None, "suppressed", 1.0, 9.0),
        (None, "not_supplied", 0.0, None),
        (10.0, "rounded", 7.5, 12.5),
        (0.0, "rounded", 0.0, 2.5),
    ]
    assert reading.accepted["month"].to_list() == [date(2021, 3, 1)] * 6


def test_a_suppressed_cell_can_be_zero_only_where_zeros_are_suppressed() -> None:
    spec = changed("disclosure", suppresses_zeros=True)
    register = {spec.spec_id: Registered("alpha", spec)}

    def of_spec(*lines: str) -> Reading:
        content = long_file(*lines).replace(SPEC.spec_id.encode(), spec.spec_id.encode())
        return read_long(content, name="od_flows_alpha_2021-03.csv", load_id=LOAD, register=register)

    bounds = of_spec(line(A, B, "-1")).accepted.select("lower", "upper")
    assert bounds.rows() == [(0.0, 9.0)]
    assert "a count of 0.0; counts below 10 are suppressed" in str(of_spec(line(A, B, "0")).reason)
    # four cells that are suppressed from 1 on cannot add to 0; they can where zeros are suppressed
    lines = [line(A, to, "-1") for to in CODES]
    total = line(A, "TOTAL", "0")
    assert "totals disagree" in str(read(long_file(*lines, total)).reason)
    assert of_spec(*lines, total).outcome == "loaded"


@pytest.mark.parametrize("form", ["long", "wide"])
def test_a_file_of_another_form_is_sent_back_with_what_it_is(form: str) -> None:
    if form == "long":
        name, content, reader = "od_flows_alpha_2021-03.csv", long_file(line(A, B, "20")), read_long
    else:
        name, reader = f"od_matrix_alpha_2021-03_all_all_{SPEC.spec_id}.csv", read_wide
        content = "\n".join([f"origin,{','.join(CODES)}", *(f"{code},20,20,20,20" for code in CODES), ""]).encode()
    parquet = io.BytesIO()
    pl.read_csv(content).write_parquet(parquet)
    forms = {
        "semicolons": content.replace(b",", b";"),
        "tabs": content.replace(b",", b"\t"),
        "a Parquet file": parquet.getvalue(),
        "UTF-16": content.decode().encode("utf-16"),
    }
    for what, changed_content in forms.items():
        reading = reader(changed_content, name=name, load_id=LOAD, register=REGISTER)
        assert reading.outcome == "refused" and what in str(reading.reason)
    assert reader(content, name=name, load_id=LOAD, register=REGISTER).outcome == "loaded"


PARQUET = "od_flows_alpha_2021-03.parquet"


def parquet_of(content: bytes, **types: pl.DataType | type[pl.DataType]) -> bytes:
    """Return the rows of a CSV as Parquet, with nulls for blanks and some columns of a type."""
    frame = pl.read_csv(content, infer_schema=False, null_values="")
    buffer = io.BytesIO()
    frame.with_columns(
        pl.col(name).str.to_date() if kind == pl.Date else pl.col(name).cast(kind) for name, kind in types.items()
    ).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "types",
    [{}, {"devices": pl.Int64, "period_start": pl.Date, "persons": pl.Null}, {"devices": pl.Float64}],
    ids=["text", "numbers and days", "floats"],
)
def test_parquet_is_read_like_the_same_csv(types: dict[str, type[pl.DataType]]) -> None:
    content = long_file(line(A, B, "2000"), line(A, C, "30"), line(B, C, ""), line(A, "TOTAL", "2030"))
    expected = read(content)
    reading = read_long(parquet_of(content, **types), name=PARQUET, load_id=LOAD, register=REGISTER)
    assert reading.reason is None and expected.accepted.height == 4
    assert reading.accepted.equals(expected.accepted)


def test_faults_of_parquet_have_the_reasons_and_lines_of_the_same_csv() -> None:
    for content in (
        long_file(line(A, B, "20"), line("E02009999", B, "30")),
        long_file(line(A, B, "20"), line(A, C, "-3")),
        long_file(line(A, B, "20"), line(A, B, "20")),
        long_file(line(A, B, "20"), line(A, "TOTAL", "500")),
    ):
        reading = read_long(parquet_of(content), name=PARQUET, load_id=LOAD, register=REGISTER)
        assert reading.outcome == "refused" and reading.reason == read(content).reason
        assert "line 3" in str(reading.reason)


def test_parquet_that_is_no_table_of_the_contract_is_sent_back() -> None:
    lists = io.BytesIO()
    frame = pl.read_csv(long_file(line(A, B, "20")), infer_schema=False)
    frame.with_columns(devices=pl.concat_list("devices")).write_parquet(lists)
    fewer = io.BytesIO()
    frame.drop("segment").write_parquet(fewer)
    whole = parquet_of(long_file(line(A, B, "20")))
    for content, message in (
        (lists.getvalue(), "column devices is List"),
        (fewer.getvalue(), "missing columns SEGMENT"),
        (whole[: len(whole) // 2], "not Parquet that can be read"),
        (long_file(line(A, B, "20")), "not Parquet that can be read"),
        (b"", "no bytes"),
    ):
        reading = read_long(content, name=PARQUET, load_id=LOAD, register=REGISTER)
        assert message in str(reading.reason)


def test_a_matrix_without_destinations_is_sent_back() -> None:
    name = f"od_matrix_alpha_2021-03_all_all_{SPEC.spec_id}.csv"
    reading = read_wide(b"origin\nE02000001\n", name=name, load_id=LOAD, register=REGISTER)
    assert "a single column 'ORIGIN'" in str(reading.reason)


def test_byte_order_mark_and_case_of_the_header_do_not_matter() -> None:
    plain = read(long_file(line(A, B, "20")))
    other = read(
        long_file(line(A, B, "20"), header=HEADER.upper().replace("PROVIDER", '"Provider"'), start=b"\xef\xbb\xbf")
    )
    assert other.accepted.equals(plain.accepted)


SENT_BACK = {
    "an unknown code": ([line("E02009999", B, "20")], r"line 2: origin_code 'E02009999', not a code of MSOA11"),
    "mixed vintages": (
        [line(A, B, "20"), line(A, C, "20", geography="MSOA21")],
        r"1 of 2 rows are wrong.* line 3: geography 'MSOA21', expected MSOA11",
    ),
    "a negative flow": ([line(A, B, "-20")], r"devices '-20'; expected a whole number"),
    "a thousands separator as a decimal point": ([line(A, B, "1.250")], r"devices '1\.250'; expected a whole number"),
    "a wrong group of thousands": ([line(A, B, "12,50")], r"devices '12,50'; expected a whole number"),
    "a word": ([line(A, B, "few")], r"devices 'few'; expected a whole number, a blank or one of \*, -1, NA"),
    "another month": ([line(A, B, "20", period_start="2021-04-01")], r"period_start '2021-04-01', expected 2021-03-01"),
    "another provider": ([line(A, B, "20", provider="beta")], r"provider 'beta', expected alpha"),
    "another method": ([line(A, B, "20", method_version="v2")], r"method_version 'v2', expected v1"),
    "a changed specification": (
        [line(A, B, "20", spec_id=changed("home", min_share=0.5).spec_id)],
        r"is not in the register of specifications.*phones spec FILE --register alpha` adds it",
    ),
    "two specifications": ([line(A, B, "20"), line(A, C, "20", spec_id="f" * 16)], r"expected one for the whole file"),
    "a cell twice": ([line(A, B, "20"), line(A, B, "20")], rf"line 3: cell {A} to {B}, all, weekday came before"),
    "a count that had to be suppressed": ([line(A, B, "5")], r"counts below 10 are suppressed"),
    "a status against the number": (
        [line(A, B, "20") + ",suppressed"],
        r"status 'suppressed', but the count means rounded",
    ),
    "a line that is no row": ([line(A, B, "20"), "x"], r"1 lines are no rows.*line 3: 1 fields, expected 12"),
    "no row": ([], "no row below the header"),
}


@pytest.mark.parametrize(("lines", "reason"), SENT_BACK.values(), ids=SENT_BACK)
def test_a_faulty_delivery_is_sent_back_whole(lines: list[str], reason: str) -> None:
    header = HEADER + ",status" if any(text.endswith(",suppressed") for text in lines) else HEADER
    reading = read(long_file(*lines, header=header))
    assert (reading.outcome, reading.accepted.height) == ("refused", 0)
    assert pl.Series([reading.reason]).str.contains(reason).all(), reading.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("od_flows_beta_2021-03.csv", "is that of provider alpha; the file is of beta"),
        ("od_flows_alpha_2021-06.csv", "month 2021-06 of the file name is outside"),
        ("od_flows_alpha_2021-13.csv", "expected od_flows_<provider>_<YYYY-MM>.csv"),
        ("flows.csv", "expected od_flows_<provider>_<YYYY-MM>.csv"),
    ],
)
def test_a_file_of_another_provider_or_month_is_sent_back(name: str, reason: str) -> None:
    reading = read(long_file(line(A, B, "20")), name)
    assert reading.outcome == "refused"
    assert reason in str(reading.reason)


def test_totals_agree_within_suppression_and_rounding() -> None:
    """A to B 20 (17.5 to 22.5), three other pairs hidden (1 to 9 each): the total lies between 20.5 and 49.5."""
    for total, outcome in (("50", "loaded"), ("20", "loaded"), ("55", "refused"), ("15", "refused")):
        reading = read(long_file(line(A, B, "20"), line(A, "TOTAL", total)))
        assert reading.outcome == outcome, total
    assert f"origin_total {A} to TOTAL is 12.5 to 17.5, but its cells add to 20.5 to 49.5" in str(reading.reason)
    assert "destination_total" in str(read(long_file(line(A, B, "20"), line("TOTAL", B, "500"))).reason)
    assert "total TOTAL to TOTAL" in str(read(long_file(line(A, B, "20"), line("TOTAL", "TOTAL", "500"))).reason)


def test_a_wide_matrix_has_the_rows_of_the_long_file() -> None:
    long = read(long_file(line(A, A, "20"), line(A, B, ""), line(B, A, "*"), line(B, B, "1,250")))
    wide = f'zone,{A},{B}\n{A},20,\n{B},*,"1,250"\n'.encode()
    name = f"od_matrix_alpha_2021-03_all_weekday_{SPEC.spec_id}.csv"
    reading = read_wide(wide, name=name, load_id=LOAD, register=REGISTER)
    key = ["origin_code", "dest_code"]
    assert reading.accepted.drop("line").sort(key).equals(long.accepted.drop("line").sort(key))


def test_a_wide_matrix_with_another_column_is_sent_back() -> None:
    name = f"od_matrix_alpha_2021-03_all_weekday_{SPEC.spec_id}.csv"
    reading = read_wide(f"zone,{A},E02009999\n{A},20,20\n".encode(), name=name, load_id=LOAD, register=REGISTER)
    assert "columns E02009999: not codes of MSOA11" in str(reading.reason)


MARGINS = f"provider,spec_id,zone,segment,active_on,devices,penetration\nalpha,{SPEC.spec_id},{A},all,,120,0.2\n"
COVERAGE = (
    f"provider,spec_id,zone,technology,cells,mean_cell_radius_m,share_over_2km\nalpha,{SPEC.spec_id},{A},4G,3,900,0.1\n"
)
REPORT = f"provider,spec_id,item,subject,value\nalpha,{SPEC.spec_id},market_share,{A},0.25\n"


@pytest.mark.parametrize(
    ("table", "content", "old", "new", "reason"),
    [
        ("zone_margins", MARGINS, "120", "12x", "devices '12x'"),
        ("zone_margins", MARGINS, "all,,", "all,2021-04-01,", "active_on '2021-04-01', expected a day of 2021-03"),
        ("zone_margins", MARGINS, A, "E02009999", "zone 'E02009999', not a code"),
        ("coverage", COVERAGE, "0.1\n", "1.1\n", "share_over_2km|max"),
        ("coverage", COVERAGE, ",3,", ",,", "cells '', expected a whole number"),
        ("provider_report", REPORT, "0.25", "25", "market_share '25', expected 0 to 1"),
    ],
    ids=str,
)
def test_side_tables_are_taken_in_or_sent_back(table: str, content: str, old: str, new: str, reason: str) -> None:
    def reading(text: str) -> Reading:
        name = f"{table}_alpha_2021-03.csv"
        return read_side_table(text.encode(), table=table, name=name, load_id=LOAD, register=REGISTER)

    assert reading(content).accepted.height == 1
    assert reading(content.replace(old, new)).accepted.height == 0
    assert reason in str(reading(content.replace(old, new)).reason)


READERS: list[Callable[[bytes], Reading]] = [
    read,
    lambda content: read_wide(
        content, name=f"od_matrix_alpha_2021-03_all_weekday_{SPEC.spec_id}.csv", load_id=LOAD, register=REGISTER
    ),
]


@given(st.sampled_from(range(len(READERS))), st.data())
@settings(max_examples=60)
def test_mutated_files_are_read_or_refused(number: int, data: st.DataObject) -> None:
    """No exception, and no number that is not in the file."""
    whole = long_file(line(A, A, "20"), line(A, B, ""), line(B, A, "-1"))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 30)))
    content = whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]
    reading = READERS[number](content)
    assert reading.rows_in == reading.accepted.height + reading.quarantined.height
