"""Rows of scrape files: the quotes made of them, and quarantined rows with their reasons."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.sources.scrape_files import ScrapeReading
from tests.prices.sources.written_scrapes import LOAD_ID, line, quote, read, reason, scrape


def test_a_row_becomes_a_quote():
    assert quote() == {
        "load_id": LOAD_ID,
        "line": 2,
        "run_id": "alder-20160502080007",
        "retailer": "alder",
        "item_number": 210302,
        "item_name": "Plain Biscuits (eg. Digestive)",
        "category": "Everyday Biscuits",
        "product_id": None,
        "product_name": "ALDER DIGESTIVES, 400G",
        "price_gbp": 1.5,
        "unit_price": 0.375,
        "unit": "100 g",
        "promotion": "Only £1.50: Save 50p",
        "attributes": json.dumps(
            {
                "item_price_str": "£1.50",
                "ml_prediction": "1",
                "offer": "Save 50p",
                "search_string": "digestives ",
                "single_class": "1",
                "std_price": "3.75",
                "std_unit": "kg",
                "store": "ALDER",
                "volume_price": "(37.5p / 100g)",
            },
            ensure_ascii=False,
            separators=(",", ":"),
        ),
        "collected_at": datetime(2016, 5, 2, 7, 0, 12, 345678, tzinfo=UTC),
        "collected_on": date(2016, 5, 2),
    }


@pytest.mark.parametrize(
    ("text", "number", "price"),
    [
        ("£19.00", "19.0", 19.0),
        ("£1.50/unit", "1.5", 1.5),
        ("£2.00/kg", "2.0", 2.0),
        ("99p", "0.99", 0.99),
        ("69p", "0.6900000000000001", 0.69),
        ("£1,250.00", "1250", 1250.0),
        ("£10000.00", "10000.0", 10_000.0),
        ("1p", "0.01", 0.01),
    ],
)
def test_price_texts_that_are_understood(text, number, price):
    assert quote(item_price_str=text, item_price_num=number)["price_gbp"] == price


@pytest.mark.parametrize(
    "text",
    [
        *("", "nan", "£", "p", "1.50", "£1", "£1.5", "£1.50p", " £1.50", "£1,50", "1,50 £", "£12,50.00", "99.5p"),
        *("$1.50", "€1.50", "£１.50", "from £1", "from £1.00", "2 for £3.00", "£1.50 each", "£1.50/100g"),
        *("£1.50 £2.00", "99p/unit", "1.50/unit"),
    ],
)
def test_price_texts_that_are_not_understood(text):
    assert reason(item_price_str=text) == f"price text '{text}' not understood; expected such as '£1.50' or '99p'"


@pytest.mark.parametrize(
    ("text", "number"), [("£0.00", "0"), ("0p", "0.0"), ("-£1.50", "-1.5"), ("£10000.01", "10000.01")]
)
def test_prices_out_of_bounds_are_quarantined(text, number):
    expected = f"price '{text}'; expected above 0 and at most 10000.00 GBP"
    assert reason(item_price_str=text, item_price_num=number) == expected


@pytest.mark.parametrize("number", ["", "150", "1.51", "1.50001", "nan", "inf", "1.5.0", "£1.50"])
def test_price_text_and_number_must_agree(number):
    assert reason(item_price_num=number) == f"price text '£1.50' and number '{number}' disagree"


@pytest.mark.parametrize(
    ("no_units", "units", "unit"),
    [
        ("100", "g", "100 g"),
        ("1.0", "kg", "1 kg"),
        ("75", "cl", "75 cl"),
        ("1.0", "l", "1 l"),
        ("1.0", "litre", "1 l"),
        ("1.0", "each", "1 each"),
        ("100", "na", "100 unknown"),
        ("100.0", "NA", "100 unknown"),
        ("100", "", "100 unknown"),
        ("18.7", "na", "18.7 unknown"),
        ("18.750", "cl", "18.75 cl"),
        ("0.5", "kg", "0.5 kg"),
        ("", "", None),
        ("", "na", None),
    ],
)
def test_units(no_units, units, unit):
    assert quote(no_units=no_units, units=units)["unit"] == unit


@pytest.mark.parametrize("no_units", ["0", "0.0", "-1", "many", "1,5", "1e3", " 1"])
def test_a_number_of_units_that_is_none_is_quarantined(no_units):
    assert reason(no_units=no_units) == f"no_units '{no_units}'; expected a number above 0 or nothing"


def test_a_unit_that_is_no_word_is_quarantined():
    assert reason(units="100g") == "units '100g'; expected a word such as 'g' or 'litre'"


@pytest.mark.parametrize(("text", "unit_price"), [("", None), ("0.375", 0.375), ("0.0", 0.0), ("12", 12.0)])
def test_unit_prices(text, unit_price):
    assert quote(unit_price=text)["unit_price"] == unit_price


@pytest.mark.parametrize("text", ["-0.1", "nan", "inf", "£0.38", "1.2.3", "-"])
def test_a_unit_price_that_is_no_number_is_quarantined_not_lost(text):
    assert reason(unit_price=text) == f"unit_price '{text}'; expected a number of at least 0 or nothing"


@pytest.mark.parametrize(
    ("promo", "offer", "promotion"),
    [("a", "b", "a"), ("", "b", "b"), ("a", "", "a"), ("", "", None)],
)
def test_promotions(promo, offer, promotion):
    assert quote(promo=promo, offer=offer)["promotion"] == promotion


def test_attributes_leave_out_what_is_empty_and_keep_any_text():
    empty = dict.fromkeys(("volume_price", "std_price", "std_unit", "offer", "ml_prediction", "single_class"), "")
    odd = 'a "quoted" \\ text\twith Ünïcode \x1f'
    found = quote(**{**empty, "search_string": odd})["attributes"]
    assert json.loads(found) == {"item_price_str": "£1.50", "search_string": odd, "store": "ALDER"}


def test_names_are_composed_and_stripped_and_other_texts_are_as_in_the_file():
    row = quote(product_name="  MU\u0308LLER\u00a0", ons_item_name=" Yoghurt ", product_type=" Yoghurt ")
    assert (row["product_name"], row["item_name"], row["category"]) == ("MÜLLER", " Yoghurt ", " Yoghurt ")


@pytest.mark.parametrize("name", ["", "  ", "\u00a0"])
def test_a_product_without_a_name_is_quarantined(name):
    assert reason(product_name=name) == "product_name is empty"


@pytest.mark.parametrize("number", ["", "21030", "2103020", "021030", "21O302", "210302.0", "-10302"])
def test_item_numbers_that_are_none(number):
    assert reason(ons_item_no=number) == f"ons_item_no '{number}'; expected six digits"


def test_a_row_of_another_store_is_quarantined():
    assert quote(store="Alder")["retailer"] == "alder"
    assert reason(store="BIRCH") == "store 'BIRCH'; expected 'ALDER'"


def test_a_row_with_several_faults_lists_all_of_them():
    assert reason(store="BIRCH", product_name="", unit_price="-1") == (
        "store 'BIRCH'; expected 'ALDER'; product_name is empty;"
        " unit_price '-1'; expected a number of at least 0 or nothing"
    )


def test_a_text_beyond_the_frame_is_quarantined_by_the_frame():
    assert reason(ons_item_name="x" * 501) == "not a price quote: item_name: max length 500"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 999_999), min_size=1, max_size=200))
def test_every_penny_up_to_the_highest_price_is_read_to_the_nearest_double(pences):
    rows, expected = [], []
    for pence in pences:
        pounds = f"{pence // 100}.{pence % 100:02}"
        texts = (f"£{pounds}", f"{pence}p", f"£{pence // 100:,}.{pence % 100:02}")
        rows += [line(item_price_str=text, item_price_num=pounds) for text in texts]
        expected += [float(pounds)] * 3
    assert read(scrape(*rows)).quotes["price_gbp"].to_list() == expected


# --- time -----------------------------------------------------------------------------------------------


def at(run: str, timestamp: str) -> ScrapeReading:
    return read(scrape(line(timestamp=timestamp)), f"alder_products_{run}.csv")


@pytest.mark.parametrize(
    ("run", "timestamp", "utc"),
    [
        ("20160110080000", "2016-01-10 08:00:01", datetime(2016, 1, 10, 8, 0, 1, tzinfo=UTC)),
        ("20160710080000", "2016-07-10 08:00:01.5", datetime(2016, 7, 10, 7, 0, 1, 500_000, tzinfo=UTC)),
        # 30 October 2016: 01:30 comes twice, in summer time (00:30 UTC) and in winter time (01:30 UTC)
        ("20161030010000", "2016-10-30 01:30:00", datetime(2016, 10, 30, 0, 30, tzinfo=UTC)),
        ("20161030010000", "2016-10-30 02:00:00", datetime(2016, 10, 30, 2, 0, tzinfo=UTC)),
        ("20161030015500", "2016-10-30 01:05:00", datetime(2016, 10, 30, 0, 5, tzinfo=UTC)),
    ],
)
def test_times_are_londons(run, timestamp, utc):
    assert at(run, timestamp).quotes["collected_at"].to_list() == [utc]


def test_a_time_that_does_not_exist_is_quarantined():
    assert at("20160327005900", "2016-03-27 01:30:00").quarantined["reason"].to_list() == [
        "timestamp '2016-03-27 01:30:00' does not exist in Europe/London: the clocks went forward"
    ]


def test_a_run_past_midnight_belongs_to_the_day_it_began():
    quotes = at("20160502235900", "2016-05-03 00:10:00").quotes
    assert quotes["collected_on"].to_list() == [date(2016, 5, 2)]
    assert quotes["collected_at"].to_list() == [datetime(2016, 5, 2, 23, 10, tzinfo=UTC)]


@pytest.mark.parametrize(
    "timestamp",
    [
        *("", "2016-05-02", "2016-02-30 08:00:00", "02/05/2016 08:00:00", "2016-05-02 24:00:00"),
        *("2016-05-02T08:00:00", "2016-05-02 08:00:60", "2016-05-02 08:00:00Z", " 2016-05-02 08:00:00"),
        "2016-05-02 08:00:00.1234567",
    ],
)
def test_times_that_are_none(timestamp):
    expected = f"timestamp '{timestamp}'; expected YYYY-MM-DD HH:MM:SS with up to 6 decimals"
    assert reason(timestamp=timestamp) == expected


@pytest.mark.parametrize(
    ("timestamp", "plausible"),
    [
        ("2016-05-02 07:00:06", False),
        ("2016-05-02 07:00:07", True),
        ("2016-05-09 08:00:07", True),
        ("2016-05-09 08:00:08", False),
        ("2061-05-02 08:00:08", False),
    ],
)
def test_a_time_must_fit_the_run(timestamp, plausible):
    reading = read(scrape(line(timestamp=timestamp)))
    assert reading.quotes.height == plausible
    if not plausible:
        assert (
            reading.quarantined["reason"]
            .item()
            .startswith(f"timestamp '{timestamp}' is implausible for a run that started at 2016-05-02 08:00:07")
        )
