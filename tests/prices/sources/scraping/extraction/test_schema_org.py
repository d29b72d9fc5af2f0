"""Pages whose products schema.org describes: by hand, in unusual forms, and offers that cannot be read."""

from __future__ import annotations

import json

import pytest

from ons_bigdata.prices.sources.scraping.extraction import extract
from tests.prices.sources.scraping.pages_of_shops import (
    MICRODATA,
    ld,
    only,
    page,
    product,
    retailer,
)

LD, MICRO = retailer("json_ld"), retailer("microdata")
UNIT = {
    "@type": "UnitPriceSpecification",
    "price": 0.15,
    "referenceQuantity": {"@type": "QuantitativeValue", "value": 100, "unitCode": "GRM"},
}
WAS = {"@type": "UnitPriceSpecification", "price": "2.00", "priceType": "https://schema.org/StrikethroughPrice"}
MEMBER = {"@type": "UnitPriceSpecification", "price": "1.20", "validForMemberTier": {"@type": "MemberProgramTier"}}


def test_json_ld_by_hand() -> None:
    bread = product(
        1,
        availability="https://schema.org/InStock",
        priceSpecification=[UNIT, WAS, MEMBER],
    )
    bread |= {
        "name": "Bread &amp; butter",
        "url": "/p/1",
        "additionalProperty": [{"@type": "PropertyValue", "name": "multibuy", "value": "3 for £2"}],
        "isSimilarTo": product(99),
    }
    shape = {"@graph": [{"@type": "ItemList", "itemListElement": [{"@type": "ListItem", "item": bread}]}]}
    assert only(extract(LD, page(ld({"@context": "https://schema.org", **shape})))) == {
        "product_id": "1",
        "product_name": "Bread & butter",
        "price_gbp": 1.5,
        "unit_price_gbp": 0.15,
        "unit": "100 g",
        "promotion": "3 for £2",
        "was_price_gbp": 2.0,
        "loyalty_price_gbp": 1.2,
        "multibuy": "3 for 2.00",
        "in_stock": True,
        "url": "http://127.0.0.1:8871/p/1",
    }


@pytest.mark.parametrize(
    "block",
    [
        product(),
        [product()],
        {"@graph": [product()]},
        {"@type": "ItemList", "itemListElement": [product()]},
        {"@type": "ItemList", "itemListElement": {"@type": "ListItem", "item": product()}},
        {"@type": "CollectionPage", "mainEntity": {"@type": "ItemList", "itemListElement": [product()]}},
        {**product(), "@type": ["Product", "Thing"]},
        {**product(), "@type": "http://schema.org/Product"},
        {**product(), "offers": [product()["offers"]]},
        product(**{"@type": "AggregateOffer", "price": None, "lowPrice": "1.50", "highPrice": "9"}),
        {**product(), "offers": {"@type": "AggregateOffer", "offers": [{"@type": "Offer", "price": 1.5}]}},
        product(price=None, priceSpecification={"@type": "PriceSpecification", "price": 1.5}),
        product(price=None, priceSpecification=[UNIT, WAS, {"@type": "UnitPriceSpecification", "price": 1.5}]),
        product(price="£1.50"),
        {"@graph": [product() | {"offers": {"@id": "#o"}}, {"@id": "#o", "@type": "Offer", "price": 1.5}]},
        {
            "@graph": [
                {"@id": "http://127.0.0.1:8871/shelf/white#o", "price": 1.5},
                product() | {"offers": {"@id": "#o"}},
            ]
        },
        {"@graph": [product(price=None, priceSpecification={"@id": "_:s"}), {"@id": "_:s", "price": 1.5}]},
        {"@graph": [product() | {"@id": "#p"}, {"@type": "ListItem", "item": {"@type": "Product", "@id": "#p"}}]},
    ],
)
def test_json_ld_in_all_its_shapes(block: object) -> None:
    assert only(extract(LD, page(ld(block))))["price_gbp"] == 1.5


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        (product(price=None), "no price: Loaf 1"),
        ({**product(), "offers": None}, "no price: Loaf 1"),
        (product(price=0), "price 0, expected above 0"),
        (product(priceCurrency="EUR"), "price in EUR, expected GBP: Loaf 1"),
        ({**product(), "name": " "}, "no name"),
        (
            product(price=None, priceSpecification={"price": 2.5, "priceCurrency": "EUR"}),
            "price in EUR, expected GBP: Loaf 1",
        ),
        (product(priceSpecification=[UNIT | {"priceCurrency": "EUR"}]), "price in EUR, expected GBP: Loaf 1"),
        (product(priceCurrency=["EUR", "GBP"]), "price in ['EUR', 'GBP'], expected GBP: Loaf 1"),
        ({**product(), "offers": {"@id": "#not-there"}}, "no price: Loaf 1"),
        (
            product(**{"@type": "AggregateOffer", "price": None, "offers": [{"price": 1, "priceCurrency": "EUR"}]}),
            "price in EUR, expected GBP: Loaf 1",
        ),
    ],
)
def test_an_offer_that_cannot_be_read_is_a_failure_and_no_other_is_lost(block: object, reason: str) -> None:
    content = extract(LD, page(ld({"@graph": [product(1), block, product(2)]})))
    assert [one["product_id"] for one in content.listings] == ["1", "2"]
    assert len(content.failures) == 1
    assert content.failures[0].startswith(reason)


OUT, IN = "https://schema.org/OutOfStock", "https://schema.org/InStock"


@pytest.mark.parametrize(
    ("offers", "price", "in_stock"),
    [
        ([{"availability": OUT}, {"price": 2, "availability": IN}], 2.0, True),
        ([{"price": "soon", "availability": OUT}, {"price": 2}], 2.0, None),
        ([{"price": 3, "availability": OUT}, {"price": 2, "availability": IN}], 2.0, True),
        ({"@type": "AggregateOffer", "offers": [{"price": 3, "availability": IN}, {"price": 2}]}, 2.0, None),
        (
            {
                "@type": "AggregateOffer",
                "offers": [{"price": "£10", "availability": IN}, {"price": 9, "availability": OUT}, {"name": "none"}],
            },
            10.0,
            True,
        ),
        ([{"@type": "AggregateOffer", "offers": [{"availability": OUT}]}, {"price": 2, "availability": IN}], 2.0, True),
    ],
)
def test_price_and_stock_are_of_one_offer(offers: object, price: float, in_stock: bool | None) -> None:
    found = only(extract(LD, page(ld({**product(), "offers": offers}))))
    assert (found["price_gbp"], found["in_stock"]) == (price, in_stock)


def test_what_goes_with_the_price_is_of_the_same_offer_and_references_are_followed_across_blocks() -> None:
    dear = {"@type": "Offer", "price": 3, "priceSpecification": {**WAS, "price": 4}}
    cheap = {"@type": "Offer", "@id": "#cheap", "price": 2, "priceSpecification": [{"@id": "#unit"}]}
    shelf_price = {**UNIT, "@id": "#unit", "referenceQuantity": {"@id": "#per"}}
    per = {**UNIT["referenceQuantity"], "@id": "#per"}
    bread = {**product(), "offers": {"@type": "AggregateOffer", "offers": [dear, {"@id": "#cheap"}]}}
    found = only(extract(LD, page(ld(bread, [cheap], {"@graph": [shelf_price, per]}))))
    expected = {"price_gbp": 2.0, "unit_price_gbp": 0.15, "unit": "100 g", "was_price_gbp": None}
    assert {name: found[name] for name in expected} == expected


def test_an_offer_that_refers_to_itself_ends() -> None:
    circle = {"@id": "#o", "@type": "AggregateOffer", "offers": [{"@id": "#o"}]}
    content = extract(LD, page(ld({"@graph": [product(1) | {"offers": {"@id": "#o"}}, circle, product(2)]})))
    assert content.failures == ["no price: Loaf 1"]
    assert [one["product_id"] for one in content.listings] == ["2"]


def test_trailing_commas_and_comments_are_read_past() -> None:
    text = json.dumps(product())
    assert only(extract(LD, page(ld(text.removesuffix("}") + ",}"))))["price_gbp"] == 1.5
    assert only(extract(LD, page(ld(f"<!-- shop -->\n{text}"))))["price_gbp"] == 1.5


@pytest.mark.parametrize("broken", ['{"a": 1,, }', '{"a": ', "{'a': 1}"])
def test_a_block_that_is_no_json_is_one_failure(broken: str) -> None:
    content = extract(LD, page(ld(product(1), broken, product(2))))
    assert [one["product_id"] for one in content.listings] == ["1", "2"]
    assert len(content.failures) == 1
    assert content.failures[0].startswith("JSON-LD block 2 is not JSON")


def test_microdata_by_hand() -> None:
    content = extract(MICRO, page(MICRODATA))
    assert content.listings == [
        {
            "product_id": "7",
            "product_name": "Loaf & 7",
            "price_gbp": 1.5,
            "unit_price_gbp": 0.15,
            "unit": "100 g",
            "promotion": "any 2 for £3",
            "was_price_gbp": 2.0,
            "loyalty_price_gbp": None,
            "multibuy": "2 for 3.00",
            "in_stock": False,
            "url": "http://127.0.0.1:8871/p/7",
        }
    ]
    assert content.failures == ["no price: No price here"]
    assert content.next_url == "http://127.0.0.1:8871/shelf/white?page=2"


def test_a_unit_of_no_quantity_leaves_the_price_alone() -> None:
    for value in ("", "one", "NaN", -1):
        specification = UNIT | {"referenceQuantity": {"value": value, "unitCode": "GRM"}}
        found = only(extract(LD, page(ld(product(priceSpecification=[specification])))))
        assert (found["price_gbp"], found["unit_price_gbp"], found["unit"]) == (1.5, None, None), value
