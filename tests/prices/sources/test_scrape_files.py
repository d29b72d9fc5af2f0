"""Scrape files: what a row becomes, which rows are quarantined, which files are refused."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.platform.deliveries import deliveries
from ons_bigdata.prices.schemas import PriceQuote
from ons_bigdata.prices.sources import csv_lines
from ons_bigdata.prices.sources.scrape_files import COLUMNS, ScrapeReading, parse_name, read_scrape
from ons_bigdata.settings import Settings

NAME = "alder_products_20160502080007.csv"
LOAD_ID = "0123456789abcdef"
HEADER = ",".join(COLUMNS)

ROW = {
    "timestamp": "2016-05-02 08:00:12.345678",
    "store": "ALDER",
    "ons_item_no": "210302",
    "ons_item_name": "Plain Biscuits (eg. Digestive)",
    "product_type": "Everyday Biscuits",
    "search_string": "digestives ",
    "product_name": " ALDER DIGESTIVES, 400G ",
    "item_price_str": "£1.50",
    "item_price_num": "1.5",
    "volume_price": "(37.5p / 100g)",
    "unit_price": "0.375",
    "no_units": "100",
    "units": "g",
    "std_price": "3.75",
    "std_unit": "kg",
    "promo": "Only £1.50: Save 50p",
    "offer": "Save 50p",
    "ml_prediction": "1",
    "single_class": "1",
}


def line(**changes: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow({**ROW, **changes}.values())
    return out.getvalue()


def scrape(*lines: str | bytes, end: bytes = b"\n") -> bytes:
    parts = [part if isinstance(part, bytes) else part.encode() for part in (HEADER, *lines)]
    return b"".join(part + end for part in parts)


def read(content: bytes, name: str = NAME) -> ScrapeReading:
    reading = read_scrape(content, name, load_id=LOAD_ID, retailers=["birch", "alder"])
    assert reading.rows_in == reading.quotes.height + reading.quarantined.height
    PriceQuote.validate(reading.quotes)
    return reading


def quote(**changes: str) -> dict:
    reading = read(scrape(line(**changes)))
    assert reading.quarantined.rows() == []
    return reading.quotes.row(0, named=True)


def reason(**changes: str) -> str:
    reading = read(scrape(line(), line(**changes), line()))
    assert reading.quotes["line"].to_list() == [2, 4]
    [(number, why, content)] = reading.quarantined.rows()
    assert (number, content) == (3, line(**changes))
    return why


# --- a row that can be followed by hand -----------------------------------------------------------------


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


def test_a_row_with_several_faults_says_them_all():
    assert reason(store="BIRCH", product_name="", unit_price="-1") == (
        "store 'BIRCH'; expected 'ALDER'; product_name is empty;"
        " unit_price '-1'; expected a number of at least 0 or nothing"
    )


def test_a_text_beyond_the_frame_is_quarantined_by_the_frame():
    assert reason(ons_item_name="x" * 501) == "not a price quote: item_name|max_length"


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


# --- lines ----------------------------------------------------------------------------------------------


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


def test_a_last_row_that_was_cut_off_says_so():
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


# --- files ----------------------------------------------------------------------------------------------


def test_no_bytes_are_an_outage():
    reading = read(b"")
    assert (reading.outcome, reading.reason, reading.rows_in) == ("outage", "no bytes", 0)


def test_a_file_name_says_retailer_and_start():
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
            f"file name {name!r}; expected <retailer>_products_<YYYYMMDDHHMMSS>.csv with a real date"
        )


def test_an_unknown_retailer_is_refused():
    reading = read(b"", "cedar_products_20160502080007.csv")
    assert (reading.outcome, reading.reason) == (
        "refused",
        "file name 'cedar_products_20160502080007.csv': unknown retailer 'cedar'; known: alder, birch",
    )


def test_another_header_is_refused_and_says_how_it_differs():
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
    assert "NUL character" in (reading.reason or "") or "not UTF-8" in (reading.reason or "")


# --- properties -----------------------------------------------------------------------------------------

SMALL = scrape(
    line(), line(product_name="A, B", offer=""), line(item_price_str="99p", item_price_num="0.99"), end=b"\r\n"
)
INSERTED = st.sampled_from([b'"', b"\0", b"\n", b"\r", b",", b"\xff", b"\xed\xa0\x80", b"-", b"\xc2\xa0", b'"\n"'])


@settings(max_examples=200)
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


@given(st.lists(st.text(alphabet='a,"\n', max_size=12), max_size=6))
def test_splitting_all_rows_at_once_gives_what_splitting_each_gives(texts):
    texts = [text.replace("\n", "") + "," * 17 + ",z" for text in texts]
    at_once = csv_lines._fields_of_all(texts, len(COLUMNS))
    each = [csv_lines.fields_of(text) for text in texts]
    if all(fault is None and len(fields) == len(COLUMNS) for fields, fault in each):
        assert at_once == [field for fields, _ in each for field in fields]
    else:
        assert at_once is None


@given(st.integers(1, 999_999))
def test_every_penny_up_to_the_highest_price_is_read_to_the_nearest_double(pence):
    pounds = f"{pence // 100}.{pence % 100:02}"
    content = scrape(
        line(item_price_str=f"£{pounds}", item_price_num=pounds),
        line(item_price_str=f"{pence}p", item_price_num=pounds),
        line(item_price_str=f"£{pence // 100:,}.{pence % 100:02}", item_price_num=pounds),
    )
    assert read(content).quotes["price_gbp"].to_list() == [float(pounds)] * 3


# --- the real archive -----------------------------------------------------------------------------------

ARCHIVE = Settings().shared / "data" / "prices" / "ons_scrapes_2016.tar.xz"


@pytest.mark.archive
@pytest.mark.skipif(not ARCHIVE.exists(), reason=f"needs the real archive at {ARCHIVE}")
def test_the_archive_of_2016_is_read_to_the_last_row():
    files = outages = rows_in = accepted = 0
    quarantined = []
    retailers = ["tesco", "sainsbury", "waitrose"]
    for file in deliveries([ARCHIVE], max_file_bytes=16 * 1024 * 1024):
        assert file.content is not None, file.refusal
        reading = read_scrape(file.content, file.name, load_id=LOAD_ID, retailers=retailers)
        assert reading.outcome != "refused", reading.reason
        files += 1
        outages += reading.outcome == "outage"
        rows_in += reading.rows_in
        accepted += reading.quotes.height
        quarantined += [(file.name, number) for number in reading.quarantined["line"]]
    assert (files, outages, rows_in, accepted) == (211, 12, 623_808, 623_805)
    assert quarantined == [
        ("tesco_products_20160803092818.csv", 1831),
        ("waitrose_products_20160816104341.csv", 1316),
        ("waitrose_products_20160907111413.csv", 1329),
    ]
