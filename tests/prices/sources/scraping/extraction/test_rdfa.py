"""Products of RDFa pages: by hand, in the forms of shop software, and prices that are not that of one now."""

from __future__ import annotations

import pytest

from ons_bigdata.prices.sources.scraping.extraction import extract
from tests.prices.sources.scraping.pages_of_shops import RDFA, only, page, retailer

SHOP = retailer("rdfa")


def test_rdfa_by_hand() -> None:
    content = extract(SHOP, page(RDFA))
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


OFFER = '<p property="offers" typeof="Offer"><b property="price">£1.50</b></p>'
START = '<div vocab="http://schema.org/" typeof="Product"><b property="name">Loaf</b>'
FORMS = {
    "plain": f"{START}{OFFER}</div>",
    "vocab without a slash": f"{START.replace('org/', 'org')}{OFFER}</div>",
    "prefix of the initial context": '<div typeof="schema:Product"><b property="schema:name">Loaf</b>'
    '<p property="schema:offers" typeof="schema:Offer"><b property="schema:price">1.50</b></p></div>',
    "prefix of the page": '<div prefix="og: http://ogp.me/ns# s: https://schema.org/" typeof="s:Product">'
    '<meta property="og:title" content="Other"><b property="s:name">Loaf</b>'
    '<p property="s:offers" typeof="s:Offer"><b property="s:price">1.50</b></p></div>',
    "xmlns": '<div xmlns:s="http://schema.org/" typeof="s:Product"><b property="s:name">Loaf</b>'
    '<p rel="s:offers"><span typeof="s:Offer"><b property="s:price">1.50</b></span></p></div>',
    "whole addresses": '<div typeof="http://schema.org/Product"><b property="http://schema.org/name">Loaf</b>'
    '<p property="http://schema.org/offers" typeof="http://schema.org/Offer"><b property="http://schema.org/price">1.50'
    "</b></p></div>",
    "parts of one resource": '<div vocab="http://schema.org/"><div resource="#p" typeof="Product">'
    f'<b property="name">Loaf</b></div><div about="#p">{OFFER}</div></div>',
    "reference": '<div vocab="http://schema.org/"><div typeof="Product"><b property="name">Loaf</b>'
    '<link property="offers" resource="#o"></div><p resource="#o" typeof="Offer"><b property=price>1.50</b></p></div>',
    "relation to a resource": '<div vocab="http://schema.org/"><div typeof="Product"><b property="name">Loaf</b>'
    '<i rel="offers" resource="#o"></i></div><p about="#o" typeof="Offer"><b property="price">1.50</b></p></div>',
    "name in a link": '<div vocab="http://schema.org/" typeof="Product"><a property="name" href="/p/1">Loaf</a>'
    f"{OFFER}</div>",
    "several types": f"{START.replace('Product', 'Product gr:SomeItems')}{OFFER}</div>",
    "review of another": f"{START}{OFFER}"
    '<p property="review" typeof="Review"><b property="itemReviewed" typeof="Thing">x</b></p></div>',
    "split price": f'{START}<p property="offers" '
    'typeof="Offer"><u property="price">£<b>1</b>.<sup>50</sup></u></p></div>',
    "struck price": f'{START}<p property="offers" '
    'typeof="Offer"><del property="price">2.00</del> <ins property="price">1.50</ins></p></div>',
    "list of items": '<ul vocab="http://schema.org/" typeof="ItemList"><li property=itemListElement typeof="ListItem">'
    f'<div property="item" typeof="Product"><b property="name">Loaf</b>{OFFER}</div></ul>',
}


@pytest.mark.parametrize("markup", FORMS.values(), ids=FORMS)
def test_rdfa_of_every_form(markup: str) -> None:
    found = only(extract(SHOP, page(markup)))
    assert (found["product_name"], found["price_gbp"]) == ("Loaf", 1.5)


@pytest.mark.parametrize(
    "offer",
    [
        '<b property="price">€1.50</b>',
        '<b property="price">1.50</b><meta property="priceCurrency" content="EUR">',
        '<b property="price">1.50</b><link property="itemCondition" href="https://schema.org/UsedCondition">',
        '<b property="price">1.50</b><p property="eligibleQuantity" typeof="QuantitativeValue"><i property=value>3</i>',
        '<b property="price">£3.00 per kg</b>',
        '<b property="price">from £1.50</b>',
        '<b property="price">£1</b>.50',
        '<p property="priceSpecification" typeof="UnitPriceSpecification"><b property="price">1.20</b>'
        '<link property="validForMemberTier" href="#gold"></p>',
    ],
)
def test_another_price_is_a_failure(offer: str) -> None:
    text = f'{START}<div property="offers" typeof="Offer">{offer}</div></div>'
    content = extract(SHOP, page(text))
    assert (content.listings, content.listed) == ([], 1)


def test_another_vocabulary_has_no_product() -> None:
    text = f'<div vocab="http://purl.org/goodrelations/v1#" typeof="Product"><b property="name">Loaf</b>{OFFER}</div>'
    assert extract(SHOP, page(text)).listed == 0
