"""Quote files: written, read back, and every implausible row quarantined with its line and reason."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.prices.sources import price_files
from ons_bigdata.prices.sources.price_files import PRICE_FILES, adapter_for
from ons_bigdata.prices.sources.quote_files import parse_name, read_quote_file
from ons_bigdata.prices.sources.quote_writer import COLUMNS, QuoteRow, file_name, write_quotes

NAME = "sim-alder_quotes_20160502080000.csv"
LOAD_ID = "0123456789abcdef"
LONDON_SUMMER = timezone(timedelta(hours=1))

ROW = QuoteRow(
    retailer="sim-alder",
    run_id="sim-alder-20160502080000",
    collected_at=datetime(2016, 5, 2, 8, 0, 1, tzinfo=LONDON_SUMMER),
    item_number=210111,
    item_name="White sliced loaf",
    category="White Bread",
    product_id="AL1",
    product_name='The "Old" Mill, 800G',
    price_gbp=1.5,
    unit_price_gbp=0.1875,
    unit="100 g",
    promotion="Any 2 for £2.50",
    was_price_gbp=1.8,
    loyalty_price_gbp=1.35,
    multibuy="2 for 2.50",
    in_stock=True,
    url="http://127.0.0.1/p/AL1",
)


def read(content: bytes, **changes):
    reading = read_quote_file(content, **{"name": NAME, "load_id": LOAD_ID, "retailers": ["sim-alder"], **changes})
    assert reading.rows_in == reading.quotes.height + reading.quarantined.height
    return reading


def with_field(column: str, text: str) -> bytes:
    """Return a file whose second row has another text in one column."""
    plain = dict.fromkeys(COLUMNS, "") | {
        "retailer": "sim-alder",
        "run_id": "sim-alder-20160502080000",
        "collected_at": "2016-05-02T08:00:01+01:00",
        "item_number": "210111",
        "item_name": "loaf",
        "category": "Bread",
        "product_name": "Loaf",
        "price_gbp": "1.50",
    }
    rows = [",".join({**plain, **changes}.values()) for changes in ({}, {column: text}, {})]
    return "\n".join([",".join(COLUMNS), *rows, ""]).encode()


def test_a_row_becomes_a_quote_by_hand() -> None:
    quote = read(write_quotes([ROW])).quotes.row(0, named=True)
    attributes = json.loads(quote.pop("attributes"))
    assert quote == {
        "load_id": LOAD_ID,
        "line": 2,
        "run_id": "sim-alder-20160502080000",
        "retailer": "sim-alder",
        "item_number": 210111,
        "item_name": "White sliced loaf",
        "category": "White Bread",
        "product_id": "AL1",
        "product_name": 'The "Old" Mill, 800G',
        "price_gbp": 1.5,
        "unit_price": 0.1875,
        "unit": "100 g",
        "promotion": "Any 2 for £2.50",
        "collected_at": datetime(2016, 5, 2, 7, 0, 1, tzinfo=UTC),
        "collected_on": date(2016, 5, 2),
    }
    assert attributes == {
        "was_price_gbp": 1.8,
        "loyalty_price_gbp": 1.35,
        "multibuy": "2 for 2.50",
        "in_stock": True,
        "url": "http://127.0.0.1/p/AL1",
    }


def test_values_missing_in_the_source_are_null() -> None:
    silent = dict.fromkeys(
        ("product_id", "unit_price_gbp", "unit", "promotion", "was_price_gbp", "loyalty_price_gbp", "multibuy")
    )
    row = QuoteRow(**{**ROW, **silent, "in_stock": None, "url": None})  # type: ignore[typeddict-item]
    quote = read(write_quotes([row])).quotes.row(0, named=True)
    assert [quote[name] for name in ("product_id", "unit_price", "unit", "promotion")] == [None] * 4
    assert quote["attributes"] == "{}"


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("retailer", "sim-birch", "retailer 'sim-birch'; expected 'sim-alder'"),
        ("run_id", "sim-alder-20160502080001", "as in the file name"),
        ("collected_at", "2016-05-02T08:00:01", "expected ISO 8601 with offset"),
        ("collected_at", "2016-05-01T06:00:00+01:00", "implausible"),
        ("collected_at", "2016-05-10T06:00:00+01:00", "expected at most 1 hour before or 7 days after"),
        ("item_number", "21011", "expected six digits"),
        ("product_name", "  ", "product_name is empty"),
        ("price_gbp", "£1.50", "expected a number of pounds"),
        ("price_gbp", "0", "expected above 0"),
        ("price_gbp", "10000.01", "at most 10000.00"),
        ("price_gbp", "-1", "expected a number of pounds"),
        ("unit_price_gbp", "0.15", "without a unit"),
        ("unit_price_gbp", "dear", "unit_price_gbp 'dear'"),
        ("unit", "100g", "unit '100g'; expected quantity and measure"),
        ("unit", "0 g", "unit '0 g'"),
        ("was_price_gbp", "1,80", "not CSV|18 fields"),
        ("loyalty_price_gbp", "x", "loyalty_price_gbp 'x'"),
        ("in_stock", "yes", "expected true, false or nothing"),
        ("url", '"', "quoted field not closed on its line"),
    ],
)
def test_a_row_that_is_not_believed_is_kept_with_line_and_reason(column: str, text: str, reason: str) -> None:
    reading = read(with_field(column, text))
    assert (reading.rows_in, reading.quotes.height) == (3, 2)
    line, why, _ = reading.quarantined.row(0)
    assert line == 3
    assert any(words in why for words in reason.split("|")), why


@pytest.mark.parametrize(
    ("content", "changes", "outcome", "reason"),
    [
        (b"", {}, "outage", "no bytes"),
        (b"a,b\n", {}, "refused", "wrong header"),
        (b"\xff\n", {}, "refused", "not UTF-8"),
        (write_quotes([ROW]).decode().encode("utf-16"), {}, "refused", "a text in UTF-16"),
        (write_quotes([ROW]).replace(b",", b";"), {}, "refused", "semicolons between its columns; expected commas"),
        (write_quotes([ROW]).replace(b",", b"\t"), {}, "refused", "tabs between its columns"),
        (write_quotes([]), {"name": "sim-alder_quotes_20161302080000.csv"}, "refused", "with a real date"),
        (write_quotes([]), {"name": "oak_quotes_20160502080000.csv"}, "refused", "unknown retailer 'oak'"),
    ],
)
def test_a_file_is_refused_or_an_outage_with_the_reason(content: bytes, changes, outcome: str, reason: str) -> None:
    reading = read(content, **changes)
    assert reading.outcome == outcome
    assert reason in str(reading.reason)


def test_a_file_of_another_source_carries_it_and_the_days_of_its_rows() -> None:
    late = {**ROW, "collected_at": ROW["collected_at"] - timedelta(days=1), "run_id": "sim-alder-20160501080000"}
    reading = read(write_quotes([ROW, late], source="agg"), name="agg_quotes_20160502100000.csv", has_source=True)
    assert reading.quotes["source"].to_list() == ["agg", "agg"]
    assert reading.quotes["collected_on"].to_list() == [date(2016, 5, 2), date(2016, 5, 1)]
    assert read(write_quotes([ROW], source="agg")).outcome == "refused"


def test_names_of_both_forms_contain_the_run() -> None:
    started_at = datetime(2016, 5, 2, 8)  # noqa: DTZ001  (names are local)
    assert file_name("sim-alder", started_at) == NAME
    run = parse_name(NAME)
    assert run is not None
    assert (run.run_id, run.collected_on) == ("sim-alder-20160502080000", date(2016, 5, 2))
    assert parse_name("sim-alder_products_20160502080000.csv") is None
    assert price_files.parse_name("sim-alder_products_20160502080000.csv") == run


prices = st.floats(0.01, 9_999.99).map(lambda price: round(price, 2))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
texts = texts.filter(lambda text: bool(text.split()))  # `str.split` itself hypothesis takes for "not empty"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(prices, texts, st.none() | texts, st.none() | st.booleans()), max_size=5))
def test_what_is_written_is_read(rows) -> None:
    written = [
        QuoteRow(**{**ROW, "price_gbp": price, "product_name": name, "promotion": offer, "in_stock": stock})  # type: ignore[typeddict-item]
        for price, name, offer, stock in rows
    ]
    reading = read(write_quotes(written))
    assert reading.quarantined.is_empty()
    assert reading.quotes["price_gbp"].to_list() == [price for price, *_ in rows]


def test_a_quote_file_and_a_scrape_file_of_one_day_fill_one_table(landing: Landing) -> None:
    for name, content in (
        (NAME, write_quotes([ROW, {**ROW, "price_gbp": 0.0}])),
        (NAME.replace("0.csv", "1.csv"), b""),
    ):
        landing.land(
            content,
            source=PRICE_FILES.name,
            delivery="sim-alder",
            name=name,
            data_origin="simulated",
            partitions=["2016-05-02"],
        )
    totals = load_waiting(landing, PRICE_FILES, adapter_for({"sim-alder": "simulated"}).read)
    assert (totals.accepted, totals.quarantined, totals.outages) == (1, 1, 1)
    assert landing.warehouse.rows("select attributes ->> 'multibuy' from raw.price_quotes") == [("2 for 2.50",)]
