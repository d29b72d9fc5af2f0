"""Lines of scrape files: line ends, encoding faults, cut-off lines, stray quotes."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.platform.ingest.tables import csv_lines
from ons_bigdata.prices.sources.scrape_files import COLUMNS
from tests.prices.sources.written_scrapes import HEADER, line, read, scrape


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark(start, end):
    reading = read(start + scrape(line(), line(), end=end))
    assert (reading.outcome, reading.rows_in, reading.quotes.height) == ("loaded", 2, 2)


def test_mixed_line_ends_blank_lines_at_the_end_and_no_last_line_end():
    content = scrape() + line().encode() + b"\r\n" + line().encode() + b"\n" + line().encode()
    for tail in (b"", b"\n", b"\r\n\n \n\r\n"):
        assert read(content + tail).quotes["line"].to_list() == [2, 3, 4]


def test_a_blank_line_in_the_middle_is_a_row():
    reading = read(scrape(line(), "", line()))
    assert reading.quotes["line"].to_list() == [2, 4]
    assert reading.quarantined.rows() == [(3, "blank line", "")]


def test_a_file_of_a_header_alone_is_loaded_with_no_rows():
    for content in (scrape(), HEADER.encode()):
        reading = read(content)
        assert (reading.outcome, reading.reason, reading.rows_in) == ("loaded", None, 0)


def test_rows_of_other_length_are_quarantined():
    reading = read(scrape(line(), "a,b", line() + ",20"))
    assert reading.quarantined.rows() == [
        (3, "2 fields, expected 19", "a,b"),
        (4, "20 fields, expected 19", line() + ",20"),
    ]


def test_a_last_row_that_was_cut_off_has_that_reason():
    cut = line()[:60]
    assert read(scrape(line()) + cut.encode()).quarantined.rows() == [(3, "cut off: 4 fields, expected 19", cut)]
    inside = line(product_name="PEAS, B")
    inside = inside[: inside.index(", B")]
    assert read(scrape(line()) + inside.encode()).quarantined.rows() == [
        (3, "cut off: quoted field not closed on its line", inside)
    ]


def test_one_stray_quote_costs_one_row():
    stray = line(product_name="PLAIN").replace("ALDER,210302", 'ALDER,"210302')
    reading = read(scrape(line(), stray, line(), line(product_name='5" PIE'), stray, line()))
    assert reading.quotes["line"].to_list() == [2, 4, 5, 7]
    assert reading.quarantined.rows() == [
        (3, "quoted field not closed on its line", stray),
        (6, "quoted field not closed on its line", stray),
    ]
    assert reading.quotes["product_name"].to_list()[2] == '5" PIE'


def test_two_lines_that_one_quoted_field_would_join_into_a_row_are_two_rows():
    first, second = line(product_name='"').split('""""')
    lines = [first + '"ALDER', 'DIGESTIVES"' + second]
    assert next(csv.reader(["\n".join(lines)]))[6] == "ALDER\nDIGESTIVES"
    reading = read(scrape(line(), *lines, line()))
    assert reading.quotes["line"].to_list() == [2, 5]
    assert [row[:2] for row in reading.quarantined.rows()] == [
        (3, "quoted field not closed on its line"),
        (4, "13 fields, expected 19"),
    ]


def test_only_the_last_row_can_be_cut_off():
    reading = read(scrape("a,b") + b"a,b")
    assert reading.quarantined["reason"].to_list() == ["2 fields, expected 19", "cut off: 2 fields, expected 19"]


def test_text_after_a_closing_quote_is_quarantined():
    bad = line().replace("ALDER,210302", 'ALDER,"210302"x')
    assert read(scrape(bad)).quarantined["reason"].to_list() == ["not CSV: ',' expected after '\"'"]


def test_bytes_that_are_not_text_are_quarantined_and_shown_escaped():
    good = line().encode()
    reading = read(
        scrape(
            good.replace(b"DIGESTIVES,", b"DIG\x00STIVES,"),
            good.replace("£1.50,1.5".encode(), b"\xa31.50,1.5"),
            good.replace(b"DIGESTIVES,", b"DIG\xed\xa0\x80STIVES,"),
            good.replace(b"DIGESTIVES,", b"DIG\rSTIVES,"),
            good,
        )
    )
    assert reading.quotes["line"].to_list() == [6]
    assert [row[:2] for row in reading.quarantined.rows()] == [
        (2, "NUL character"),
        (3, "not UTF-8: 0xa3 at byte 129 of the line"),
        (4, "not UTF-8: 0xed at byte 113 of the line (a lone surrogate)"),
        (5, "carriage return inside the line"),
    ]
    contents = reading.quarantined["content"].to_list()
    assert "DIG\\x00STIVES" in contents[0]
    assert ",\\xa31.50,1.5," in contents[1]
    assert "DIG\\xed\\xa0\\x80STIVES" in contents[2]
    assert "DIG\\rSTIVES" in contents[3]


def test_a_very_long_row_is_kept_only_in_part():
    reading = read(scrape("x" * 20_000))
    assert reading.quarantined["content"].item() == "x" * 10_000 + "… (20000 characters)"


def test_a_field_beyond_the_csv_limit_costs_one_row():
    reading = read(scrape(line(offer="x" * 200_000), line()))
    assert reading.quotes["line"].to_list() == [3]
    assert reading.quarantined["reason"].item().startswith("not CSV: field larger than field limit")


# --- properties -----------------------------------------------------------------------------------------

SMALL = scrape(
    line(), line(product_name="A, B", offer=""), line(item_price_str="99p", item_price_num="0.99"), end=b"\r\n"
)
INSERTED = st.sampled_from([b'"', b"\0", b"\n", b"\r", b",", b"\xff", b"\xed\xa0\x80", b"-", b"\xc2\xa0", b'"\n"'])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_rows_in_are_accepted_plus_quarantined(data):
    content = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(min(data.draw(st.sampled_from([0, len(HEADER)])), len(content)), len(content)))
        match data.draw(st.sampled_from(["insert", "flip", "cut"])):
            case "insert":
                content[position:position] = data.draw(INSERTED)
            case "flip":
                content[position : position + 1] = data.draw(st.binary(min_size=1, max_size=1))
            case "cut":
                del content[position : position + data.draw(st.sampled_from([1, 7, 10_000]))]
    reading = read(bytes(content))
    if reading.outcome == "loaded":
        lines = reading.quotes["line"].to_list() + reading.quarantined["line"].to_list()
        assert sorted(lines) == list(range(2, 2 + reading.rows_in))
        assert not any("\0" in text for text in reading.quarantined["content"])
        reading.quarantined["content"].str.join("").item().encode()
    else:
        assert reading.rows_in == 0
        assert reading.reason


@settings(deadline=None)
@given(st.lists(st.text(alphabet='a,"\n', max_size=12), max_size=6))
def test_splitting_all_rows_at_once_gives_what_splitting_each_gives(texts):
    texts = [text.replace("\n", "") + "," * 17 + ",z" for text in texts]
    at_once = csv_lines._fields_of_all(texts, len(COLUMNS))
    each = [csv_lines.fields_of(text) for text in texts]
    if all(fault is None and len(fields) == len(COLUMNS) for fields, fault in each):
        assert at_once == [field for fields, _ in each for field in fields]
    else:
        assert at_once is None
