"""Offers of schema.org by kind: quantities and conditions in words, prices of pieces, net prices, prefixes."""

from __future__ import annotations

from typing import Any

import pytest

from ons_bigdata.prices.sources.scraping.extraction import extract
from ons_bigdata.prices.sources.scraping.extraction.page import PageContent
from tests.prices.sources.scraping.pages_of_shops import ld, only, page, product, retailer

LD = retailer("json_ld")
PIECE = {"@type": "UnitPriceSpecification", "referenceQuantity": {"value": 1, "unitCode": "C62"}}


def read(**offer: Any) -> PageContent:
    return extract(LD, page(ld(product(**offer))))


@pytest.mark.parametrize(
    "offer",
    [
        *({"eligibleQuantity": text} for text in ("3 items", "two", {"minValue": "2 pcs"}, {"value": "three"})),
        *({"itemCondition": text} for text in ("Like New", "Good", "Very good - refurb", "B-Ware")),
        {"price": None, "priceSpecification": {"price": 3, "referenceQuantity": "1 kg"}},
        {"price": None, "priceSpecification": {"price": 3, "unitText": "per kg"}},
        {"price": None, "priceSpecification": {"price": 3, "unitText": "/ 100g"}},
        {"price": None, "priceSpecification": {"price": 1.5, "billingIncrement": 1, "billingDuration": "P1M"}},
        {"price": None, "priceSpecification": {"price": 1.5, "billingDuration": 12}},
        {"priceSpecification": {"price": 1.5, "valueAddedTaxIncluded": "false"}},
        {"priceSpecification": {"price": "1.50", "valueAddedTaxIncluded": False}},
    ],
)
def test_an_offer_that_is_not_the_price_of_one_now_is_a_failure(offer: dict[str, Any]) -> None:
    content = read(**offer)
    assert (content.listings, len(content.failures)) == ([], 1)


@pytest.mark.parametrize(
    "offer",
    [
        *({"eligibleQuantity": text} for text in ("1", "1 item", {"minValue": 1, "maxValue": 5}, {"value": 0.5})),
        *({"itemCondition": text} for text in ("New", "NewCondition", "https://schema.org/NewCondition", "Brand new")),
        *({"priceSpecification": {"price": 1.5, "unitCode": code}} for code in ("C62", "H87", "EA")),
        {"priceCurrency": "&pound;"},
        {"price": {"@set": ["1.50"]}},
        {"priceSpecification": {"price": 1.25, "valueAddedTaxIncluded": False}},
    ],
)
def test_an_offer_of_one_new_piece_is_the_price(offer: dict[str, Any]) -> None:
    assert only(read(**offer))["price_gbp"] == 1.5


def test_the_price_of_a_piece_beside_that_of_the_pack_is_a_unit_price() -> None:
    """Bread buns by six: the offer has the price of the pack, the specification that of one bun."""
    found = only(read(price=1.5, priceSpecification={**PIECE, "price": 0.25}))
    assert (found["price_gbp"], found["unit_price_gbp"], found["unit"]) == (1.5, 0.25, "1 each")
    found = only(read(price=1.5, priceSpecification=[{"price": 0.25, "unitCode": "C62"}]))
    assert (found["price_gbp"], found["unit_price_gbp"], found["unit"]) == (1.5, 0.25, "1 each")


def test_the_price_of_a_piece_alone_is_the_price() -> None:
    found = only(read(price=None, priceSpecification={**PIECE, "price": 0.25}))
    assert (found["price_gbp"], found["unit_price_gbp"]) == (0.25, None)


def test_the_currency_of_a_product_is_that_of_its_offers() -> None:
    offer = {"@type": "Offer", "price": 1.5}
    content = extract(LD, page(ld({"@type": "Product", "name": "Loaf", "priceCurrency": "EUR", "offers": offer})))
    assert content.failures == ["price in EUR, expected GBP: Loaf"]


@pytest.mark.parametrize("prefix", ["schema:", "http://schema.org/", "https://schema.org/"])
def test_properties_with_a_prefix_are_read(prefix: str) -> None:
    offer = {"@type": f"{prefix}Offer", f"{prefix}price": {"@value": "1.50"}}
    block = {"@type": f"{prefix}Product", f"{prefix}name": "Loaf", f"{prefix}offers": {"@list": [offer]}}
    assert only(extract(LD, page(ld({"@graph": {"@set": [block]}}))))["price_gbp"] == 1.5


@pytest.mark.parametrize("kind", ["FoodProduct", "gr:ProductOrService", None, 5, "MenuItem"])
def test_a_node_with_offers_of_an_unknown_type_is_recorded(kind: object) -> None:
    content = extract(LD, page(ld(product(1), product(2) | {"@type": kind})))
    assert [one["product_id"] for one in content.listings] == ["1"]
    assert len(content.failures) == 1
    assert "expected a Product: Loaf 2" in content.failures[0]


def test_events_and_services_are_no_products() -> None:
    others = [product(2) | {"@type": kind} for kind in ("FoodEvent", "Service", "WebPage")]
    assert extract(LD, page(ld(product(1), *others))).listed == 1
