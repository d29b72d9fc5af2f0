"""Scrape files as a whole: names, headers, refusals."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from ons_bigdata.prices.sources.scrape_files import COLUMNS, parse_name
from tests.prices.sources.written_scrapes import HEADER, NAME, line, read, scrape


def test_no_bytes_are_an_outage():
    reading = read(b"")
    assert (reading.outcome, reading.reason, reading.rows_in) == ("outage", "no bytes", 0)


def test_a_file_name_contains_retailer_and_start():
    found = parse_name("sim-alder_products_20160502080007.csv")
    assert found is not None
    assert (found.retailer, found.run_id) == ("sim-alder", "sim-alder-20160502080007")
    assert found.started_at == datetime(2016, 5, 2, 8, 0, 7)  # noqa: DTZ001
    assert found.collected_on == date(2016, 5, 2)


@pytest.mark.parametrize(
    "name",
    [
        "alder_products_20160230080007.csv",
        "alder_products_20160502240000.csv",
        "alder_products_20160502.csv",
        "Alder_products_20160502080007.csv",
        "alder_products_20160502080007.csv.gz",
        "alder_products_20160502080007.csv\n",
        "_products_20160502080007.csv",
        "a" * 41 + "_products_20160502080007.csv",
        "alder_products_２0160502080007.csv",
        "../alder_products_20160502080007.csv",
        ".DS_Store",
    ],
)
def test_other_names_are_refused_even_when_empty(name):
    assert parse_name(name) is None
    for content in (b"", scrape(line())):
        reading = read(content, name)
        assert (reading.outcome, reading.rows_in) == ("refused", 0)
        assert reading.reason == (
            f"file name {name!r}; expected <retailer>_products_<YYYYMMDDHHMMSS>.csv (a scrape) or"
            " <retailer>_quotes_<YYYYMMDDHHMMSS>.csv (price quotes) with a real date"
        )


def test_an_unknown_retailer_is_refused():
    reading = read(b"", "cedar_products_20160502080007.csv")
    assert (reading.outcome, reading.reason) == (
        "refused",
        "file name 'cedar_products_20160502080007.csv': unknown retailer 'cedar'; known: alder, birch",
    )


def test_another_header_is_refused_with_the_difference():
    reading = read(scrape(line()).replace(b"item_price_num", b"price"))
    assert (reading.outcome, reading.rows_in) == ("refused", 0)
    assert reading.reason is not None
    assert reading.reason.startswith(
        f"file '{NAME}': wrong header: missing columns item_price_num; unknown columns price; found 'timestamp,store,"
    )
    assert reading.reason.endswith(f"expected '{HEADER}'")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("store,timestamp," + ",".join(COLUMNS[2:]), "columns in another order or twice"),
        (HEADER + ",store", "columns in another order or twice"),
        (HEADER[:-1], "missing columns single_class; unknown columns single_clas"),
        ('"' + HEADER, "quoted field not closed on its line"),
        ("", "missing columns timestamp, store"),
        (line(), "missing columns timestamp, store"),
    ],
)
def test_headers_that_are_refused(header, said):
    reading = read(f"{header}\n{line()}\n".encode())
    assert reading.outcome == "refused"
    assert said in (reading.reason or "")


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff".encode("utf-16-le") + scrape(line()).decode().encode("utf-16-le"),
        b"\x1f\x8b\x08\x00\xff\xfe",
        b"\0" * 100,
    ],
)
def test_what_is_not_text_is_refused(content):
    reading = read(content)
    assert reading.outcome == "refused"
    assert any(said in (reading.reason or "") for said in ("NUL character", "not UTF-8", "a text in UTF-16"))
