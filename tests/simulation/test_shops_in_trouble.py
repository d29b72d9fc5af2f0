"""Breakages of the simulated shops as a visitor sees them: each scripted event on its day."""

from __future__ import annotations

import json
from collections import Counter

import polars as pl
import pytest

from tests.simulation.visitors import get, navigation, true_shelves, visit

QUIET, LAST_BUT_ONE, LAST = 25, 26, 27


def test_an_outage_responds_with_503_with_retry_after_to_everything(shop_on):
    shop = shop_on(14, "sim-alder")
    for path in ("/", "/robots.txt", "/shelf/cola", "/nothing"):
        response = get(shop, path)
        assert (response.status, response.headers["retry-after"]) == (503, "1")
    assert get(shop_on(15, "sim-alder"), "/").status == 200


def test_a_renamed_category_is_404_under_its_old_name_and_in_the_navigation_under_the_new(shop_on):
    assert "Bread rolls and wraps" in navigation(shop_on(QUIET, "sim-birch"))
    for day in (LAST_BUT_ONE, LAST):
        shop = shop_on(day, "sim-birch")
        shelves = navigation(shop)
        assert "Bread rolls and wraps" not in shelves
        assert get(shop, "/c/bread-rolls-and-wraps").status == 404
        assert Counter(visit(shop, shelves["Bread and cakes"])) == Counter(true_shelves(shop, day)[210111])


@pytest.mark.parametrize(
    ("day", "retailer", "path"),
    [(LAST_BUT_ONE, "sim-alder", "/shelf/family-cereal"), (22, "sim-birch", "/c/chilled-juice")],
)
def test_changed_markup_has_the_names_but_not_where_they_were(shop_on, day, retailer, path):
    shop = shop_on(day, retailer)
    item_number = 210213 if retailer == "sim-alder" else 212016
    response = get(shop, path)
    assert true_shelves(shop, day)[item_number][0][1] in response.tree.text_content()
    assert not response.tree.cssselect("div.productLists, ul.products, script[type='application/ld+json']")
    assert get(shop_on(day - 1, retailer), path).tree.cssselect("ul.products, script[type='application/ld+json']")


def test_an_empty_page_and_a_bot_wall_have_status_200(shop_on):
    empty = get(shop_on(23, "sim-alder"), "/shelf/lager")
    assert (empty.status, empty.tree.text_content().strip()) == (200, "")
    wall = get(shop_on(24, "sim-cedar"), "/browse/dried-pasta")
    assert wall.status == 200
    assert "Are you human?" in wall.text
    assert "__NEXT_DATA__" not in wall.text
    assert "Are you human?" in get(shop_on(24, "sim-cedar"), "/api/products?category=cat-dried-pasta&cursor=40").text


def test_a_second_page_fails_once(shop_on):
    shop = shop_on(LAST_BUT_ONE, "sim-alder")
    assert get(shop, "/shelf/red-wine").status == 200
    assert [get(shop, "/shelf/red-wine?page=2").status for _ in range(3)] == [500, 200, 200]
    shop.day = LAST_BUT_ONE
    assert get(shop, "/shelf/red-wine?page=2").status == 500  # the day begins anew
    shop.day = LAST
    assert get(shop, "/shelf/red-wine?page=2").status == 200


def test_malformed_json_has_a_comma_too_many(shop_on):
    shop = shop_on(LAST_BUT_ONE, "sim-birch")
    text = get(shop, "/c/apples-and-pears").tree.cssselect('script[type="application/ld+json"]')[0].text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    [products] = [node for node in json.loads(text.replace("},]}", "}]}"))["@graph"] if node["@type"] == "ItemList"]
    assert len(products["itemListElement"]) == 60
    json.loads(get(shop, "/c/apples-and-pears?page=2").tree.cssselect('script[type="application/ld+json"]')[0].text)


def test_prices_in_pence_duplicates_and_the_whole_shop_are_served(shop_on):
    shop = shop_on(LAST, "sim-cedar")
    shown = visit(shop, "/browse/bananas")
    assert Counter(shown) == Counter(
        (product_id, name, 100 * price, stock) for product_id, name, price, stock in true_shelves(shop, LAST)[212719]
    )
    alder = shop_on(LAST, "sim-alder")
    rows = Counter(visit(alder, "/shelf/white-potatoes"))
    assert set(rows) == set(true_shelves(alder, LAST)[212360])
    assert set(rows.values()) == {3}
    birch = shop_on(20, "sim-birch")
    whole = {row[0] for row in visit(birch, "/c/rum")}
    truth = birch.world.shelves.filter(pl.col("retailer") == "sim-birch", pl.col("day") == 20)
    assert whole == set(truth["product_id"])
