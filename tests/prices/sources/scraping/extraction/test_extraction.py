"""Listings of each page family: by hand, then unusual forms, then pages without products."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.sources.quote_writer import write_quotes
from ons_bigdata.prices.sources.scraping.extraction import categories, extract, fault_of, more_url
from ons_bigdata.prices.sources.scraping.extraction.page import UnreadableError
from ons_bigdata.prices.sources.scraping.tally import CategoryTally
from tests.prices.sources.scraping.pages_of_shops import (
    BLANK,
    MICRODATA,
    cedar,
    departments,
    ld,
    line,
    only,
    page,
    product,
    retailer,
    shelf,
    state,
)

HTML, LD, MICRO, STATE, API = (
    retailer(kind) for kind in ("html_list", "json_ld", "microdata", "next_data", "json_api")
)


# --- lists in HTML --------------------------------------------------------------------------------------


def test_a_list_of_2014_by_hand() -> None:
    promo = '<div class="promo"><a class="promoFlyout" title="{}">x</a></div>'
    extra = promo.format("Was £2.00 Now £1.50") + promo.format("any 2 for £2.50") + '<p class="limitedLife">short</p>'
    lines = [
        line(1, extra=extra + '<span class="clubPrice">Club price £1.20</span>'),
        line(2, "99p", unit="12.5p/100g", extra='<p class="unavailable">out</p>'),
        line(3, "£1,250.00", unit="per 75cl", extra=promo.format("2for")),
        line(4, "call us"),
    ]
    content = extract(HTML, page(shelf(*lines, following="?page=2")))
    assert content.listings == [
        {
            "product_id": "1",
            "product_name": "Loaf & 1 800G",
            "price_gbp": 1.5,
            "unit_price_gbp": 0.15,
            "unit": "100 g",
            "promotion": "Was £2.00 Now £1.50; any 2 for £2.50",
            "was_price_gbp": 2.0,
            "loyalty_price_gbp": 1.2,
            "multibuy": "2 for 2.50",
            "in_stock": True,
            "url": "http://127.0.0.1:8871/p/1",
        },
        {
            **BLANK,
            **{"product_id": "2", "product_name": "Loaf & 2 800G", "price_gbp": 0.99, "unit_price_gbp": 0.125},
            **{"unit": "100 g", "in_stock": False, "url": "http://127.0.0.1:8871/p/2"},
        },
        {
            **BLANK,
            **{"product_id": "3", "product_name": "Loaf & 3 800G", "price_gbp": 1250.0, "promotion": "2for"},
            **{"in_stock": True, "url": "http://127.0.0.1:8871/p/3"},
        },
    ]
    assert content.failures == ["no price: Loaf & 4 800G"]
    assert content.listed == 4
    assert content.next_url == "http://127.0.0.1:8871/shelf/white?page=2"


@given(st.lists(st.integers(1, 99_999), max_size=8))
@settings(max_examples=20, deadline=None)
def test_every_product_listed_is_read_or_a_failure(pence: list[int]) -> None:
    lines = [line(number, f"{one}p" if one % 3 else "soon") for number, one in enumerate(pence)]
    content = extract(HTML, page(shelf(*lines)))
    assert content.listed == len(pence)
    assert [one["price_gbp"] for one in content.listings] == [one / 100 for one in pence if one % 3]


# --- embedded state and JSON ----------------------------------------------------------------------------


def test_embedded_state_by_hand() -> None:
    offer = {"text": "Any 2 for £3", "was": 2.0}
    products = [cedar(1, promotion=offer, memberPrice=1.2, available=False), cedar(2, price={"amount": None})]
    content = extract(STATE, page(state(products=products, nextCursor=40)))
    assert content.listings == [
        {
            "product_id": None,
            "product_name": "Loaf 1",
            "price_gbp": 1.5,
            "unit_price_gbp": 0.15,
            "unit": "100 g",
            "promotion": "Any 2 for £3",
            "was_price_gbp": 2.0,
            "loyalty_price_gbp": 1.2,
            "multibuy": "2 for 3.00",
            "in_stock": False,
            "url": None,
        }
    ]
    assert (content.failures, content.cursor) == (["no price: Loaf 2"], "40")


def test_a_state_that_a_script_assigns() -> None:
    text = f"<script id=__NEXT_DATA__>window.state = {json.dumps({'props': {'products': [cedar()]}})};</script>"
    assert only(extract(STATE, page(text)))["product_name"] == "Loaf 1"


def test_the_rest_of_a_category_comes_as_json() -> None:
    response = page(json.dumps({"products": [cedar(41)], "nextCursor": None}), kind="application/json")
    content = extract(STATE, response, is_more=True)
    assert (only(content)["product_name"], content.cursor) == ("Loaf 41", None)


def test_a_json_api_by_hand() -> None:
    item = {"id": 5, "title": "Loaf", "price": "99p", "perUnit": "12.5p/100g"}
    content = extract(API, page(json.dumps({"items": [item], "next": "b"}), kind="application/json"))
    assert only(content) == {
        **BLANK,
        **{"product_id": "5", "product_name": "Loaf", "price_gbp": 0.99, "unit_price_gbp": 0.125, "unit": "100 g"},
    }
    assert content.cursor == "b"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<html>no state</html>", "no state"),
        ("<script id=__NEXT_DATA__>{'a'}</script>", "state is not JSON"),
        (state(tiles=[]), "no list 'props.products'"),
    ],
)
def test_a_page_without_the_state_is_unreadable(body: str, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        extract(STATE, page(body))


# --- navigation -----------------------------------------------------------------------------------------


def test_categories_by_links_and_by_state() -> None:
    start = page(
        departments(White_Bread="/shelf/white", Brown_Bread="http://127.0.0.1:8871/shelf/brown"),
        url="http://127.0.0.1:8871/",
    )
    assert [(one.name, one.url) for one in categories(HTML, start)] == [
        ("White Bread", "http://127.0.0.1:8871/shelf/white"),
        ("Brown Bread", "http://127.0.0.1:8871/shelf/brown"),
    ]
    in_state = page(state(categories=[{"id": "c 1", "name": "White Bread", "slug": "white/1"}]))
    (found,) = categories(STATE, in_state)
    assert found.url == "http://127.0.0.1:8871/browse/white%2F1"
    assert more_url(STATE, found, "40", found.url) == "http://127.0.0.1:8871/api/products?category=c%201&cursor=40"


def test_an_address_with_a_field_that_the_state_has_not_is_an_error() -> None:
    with pytest.raises(UnreadableError, match=r"no field 'slug'; known: id, name"):
        categories(STATE, page(state(categories=[{"id": 1, "name": "White Bread"}])))


def test_a_start_page_without_categories_is_an_error() -> None:
    with pytest.raises(UnreadableError, match="no category found"):
        categories(HTML, page("<html><body>nothing</body></html>"))


# --- pages that are not as they should be ------------------------------------------------------------------


def test_an_invalid_link_is_kept_unchanged_and_costs_no_product() -> None:
    content = extract(HTML, page(shelf(line(1).replace("/p/1", "http://["), line(2), following="http://[")))
    assert [one["url"] for one in content.listings] == ["http://[", "http://127.0.0.1:8871/p/2"]
    assert content.next_url == "http://["
    assert only(extract(LD, page(ld(product() | {"url": "//["}))))["url"] == "//["


def test_halves_of_characters_and_nul_do_not_reach_a_file() -> None:
    """A shop that cuts names after so many UTF-16 units cuts an emoji in two."""
    tally = CategoryTally("White Bread", [(210111, "loaf")])
    tally.read(STATE, page(state(products=[cedar(1, name="Loaf \ud83c"), cedar(2, name="\0 cob", price={})])))
    assert [one["product_name"] for one, _ in tally.listings] == ["Loaf \ufffd"]
    assert [one.reason for one in tally.failures] == ["no price: \ufffd cob"]
    assert "Loaf \ufffd" in write_quotes(tally.rows("sim-alder", "sim-alder-20160528080500")).decode()


@pytest.mark.parametrize(("cursor", "told"), [(None, None), ("", None), (False, None), (0, "0"), ("b", "b")])
def test_an_empty_cursor_is_the_end(cursor: object, told: str | None) -> None:
    assert extract(STATE, page(state(products=[cedar()], nextCursor=cursor))).cursor == told


def test_what_no_extractor_expects_fails_the_category_and_not_the_run() -> None:
    tally = CategoryTally("White Bread", [(210111, "loaf")])
    assert tally.read(API, page('{"items":' + "[" * 100_000)) is None
    assert "JSON nested too deeply" in str(tally.records()[0].reason)


def test_a_link_of_microdata_that_is_no_address_costs_no_product() -> None:
    content = extract(MICRO, page(MICRODATA.replace('href="/p/7"', 'href="http://["')))
    assert [one["url"] for one in content.listings] == ["http://["]


# --- pages that give nothing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "empty page: status 200 without content"),
        ("<html><body></body></html>", "empty page: status 200, 26 bytes"),
        ("<html><body><h1>Are you human?</h1><p>Tick the box to go on</p></body></html>", "bot wall"),
        (shelf(line(1)).replace("productLists", "tileGrid"), "changed markup: no product found on a page of"),
        (shelf(line(1, "soon"), line(2, "soon")), "none of 2 products could be read: no price: Loaf & 1 800G"),
    ],
)
def test_a_page_without_products_fails_the_category_with_the_reason(body: str, words: str) -> None:
    tally = CategoryTally("White Bread", [(210111, "loaf")])
    assert tally.read(HTML, page(body)) is None
    (record,) = tally.records()
    assert record.state == "failed"
    assert words in str(record.reason)


def test_a_page_that_states_an_empty_shelf_is_no_failure() -> None:
    says = '<html><body><p class="noProducts">Nothing on this shelf today</p></body></html>'
    assert extract(HTML, page(says)).is_empty
    assert extract(STATE, page(state(products=[]))).is_empty
    assert extract(LD, page(ld({"@type": "ItemList", "itemListElement": []}))).is_empty
    content = extract(HTML, page(says))
    assert fault_of(page(says), content, None) is None


def test_a_category_counts_its_pages_products_and_duplicates() -> None:
    tally = CategoryTally("White Bread", [(210111, "loaf"), (210113, "other")])
    tally.read(HTML, page(shelf(line(1), line(2), line(3, "soon"))))
    tally.read(HTML, page(shelf(line(2), line(4))))
    records = tally.records()
    assert [(one.item_number, one.pages, one.products_listed, one.products_parsed) for one in records] == [
        (210111, 2, 5, 4),
        (210113, 2, 5, 4),
    ]
    assert (records[0].duplicates, records[0].parse_failures, records[0].state) == (1, 1, "collected")
    assert len(list(tally.rows("sim-alder", "sim-alder-20160528080500"))) == 8
