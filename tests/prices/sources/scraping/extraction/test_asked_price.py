"""Pages of grocers with several prices of a product: the current price for any customer, or a recorded failure."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from ons_bigdata.prices.sources.scraping.extraction import categories, extract, read_navigation
from ons_bigdata.prices.sources.scraping.extraction.page import UnreadableError
from ons_bigdata.prices.sources.scraping.extraction.price_texts import read_price_text
from ons_bigdata.prices.sources.scraping.extraction.unit_prices import unit
from tests.prices.sources.scraping.pages_of_shops import ld, line, only, page, product, retailer, shelf, state

SHOP = retailer("html_list", selectors={"product": "li.p", "name": "h3", "price": ".price"}, patterns={})
LD, MICRO, HTML = retailer("json_ld"), retailer("microdata"), retailer("html_list")


@pytest.mark.parametrize(
    ("text", "price", "was", "loyalty"),
    [
        ("Was £2.00 Now £1.50", 1.5, 2.0, None),
        ("Now £1.50 Was £2.00", 1.5, 2.0, None),
        ("Original price was: £2.00. Current price is: £1.50.", 1.5, 2.0, None),
        ("Regular price £2.00 Sale price £1.50", 1.5, 2.0, None),
        ("RRP £2.00 £1.50", 1.5, 2.0, None),
        ("£2.00\n£1.50 Clubcard Price", 2.0, None, 1.5),
        ("£3.60 inc. VAT (£3.00 ex. VAT)", 3.6, None, None),
        ("£1.50 + £0.20 deposit", 1.5, None, None),
        ("£1.50 (15p/100g)", 1.5, None, None),
        ("800g £1.50", 1.5, None, None),
        ("gbp 1.50", 1.5, None, None),
        ("1.50 GBP", 1.5, None, None),
        ("€1.80 (£1.50)", 1.5, None, None),
        ("1\u202f250.00", 1250.0, None, None),
        ("1'250.00", 1250.0, None, None),
        ("Regular price £1.50", 1.5, None, None),
    ],
)
def test_amounts_of_a_text_by_their_meaning(text: str, price: float, was: float | None, loyalty: float | None) -> None:
    read = read_price_text(text)
    assert (read.price_gbp, read.was_price_gbp, read.loyalty_price_gbp) == (price, was, loyalty)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "€1.50",
            "$1.50",
            "US$1.50",
            "R 34.99",
            "R34.99",
            "3.00 €/kg",
            "CHF 1.50",
            "Fr. 1.50",
            "15,00 kr",
            "₤1.50",
            "E£1",
        ),
        *(",89", "1.250,00", "1,50 £", "£1.250", "1.5e2", "−1.50", "£−1.50", "−£1.50", "1.50-", "0x10", "1_000", "NaN"),
        *("£1·50", "£1⁵⁰", "£1 50", "١٫٥٠", "£0,89", "1,25,000", "12.99 inkl. MwSt", "9" * 1000, "1e308"),
        *("2 for £3.00", "3 for £2", "2 x £1.50", "£3.00 for 2", "£1.50 when you buy 2", "from £1", "£1.00 - £2.00"),
        *("Clubcard price £1.20", "£3.00/kg", "£3.00 per kg", "Save 50p", "£1.00 ex VAT", "Was £2.00", "£1.50 £1.80"),
    ],
)
def test_amounts_other_than_the_current_unit_price_are_no_price(text: str) -> None:
    assert read_price_text(text).price_gbp is None


def test_a_decimal_comma_is_an_option_of_the_shop() -> None:
    assert read_price_text("1.250,00 £", decimal=",").price_gbp == 1250.0
    assert read_price_text("£ 1,50", decimal=",").price_gbp == 1.5
    assert read_price_text("£1.50", decimal=",").price_gbp is None


def test_a_long_text_of_digits_is_read_at_once() -> None:
    assert unit("1" * 20_000) is None
    assert read_price_text("1" * 20_000).price_gbp is None


MARKUP = {
    "plain list": "<p class=price><del>2.00</del> <ins>1.50</ins></p>",
    "price within": "<del><b class=price>£2.00</b></del><ins><b class=price>£1.50</b></ins>",
    "woocommerce": '<p class="price"><del aria-hidden="true"><bdi><span>&pound;</span>2.00</bdi></del>'
    '<span class="screen-reader-text">Original price was: &pound;2.00.</span><ins><bdi><span>&pound;</span>1.50</bdi>'
    '</ins><span class="screen-reader-text">Current price is: &pound;1.50.</span></p>',
    "magento": '<div class="price"><span class="old-price">Regular Price <b>£2.00</b></span>'
    '<span class="special-price">Special Price <b>£1.50</b></span></div>',
    "shopify": '<div class="price"><div><span>Regular price</span><s>£2.00 GBP</s></div><div><span>Sale price</span>'
    "<span>£1.50 GBP</span></div></div>",
    "style": '<p class="price"><i style="text-decoration: line-through">£2</i> £1.50</p>',
}


@pytest.mark.parametrize("markup", MARKUP.values(), ids=MARKUP)
def test_struck_prices_of_shop_software_are_earlier_ones(markup: str) -> None:
    found = only(extract(SHOP, page(f"<li class=p><h3>Loaf</h3>{markup}</li>")))
    assert (found["price_gbp"], found["was_price_gbp"]) == (1.5, 2.0)


@pytest.mark.parametrize(
    ("markup", "price"),
    [
        ("<p class=price>£<b>1</b>.<sup>50</sup></p>", 1.5),
        ("<p class=price>£1<sup>50</sup></p>", 1.5),
        ("<p class=price>£1<span class=cents>50</span></p>", 1.5),
        ("<p class=price>£<b>1</b><b>,</b><b>250</b></p>", 1250.0),
        ("<p class=price>99<small>p</small></p>", 0.99),
        ("<p class=price>£1<b>50</b></p>", None),
        ("<p class=price>£1.50</p><p class=price>€1.80</p>", 1.5),
        ("<p class=price>£1.50</p><p class=price>£1.80</p>", None),
        ("<p class=price>£2.00</p><p class=price>£1.50 with Clubcard</p>", 2.0),
    ],
)
def test_prices_in_several_elements(markup: str, price: float | None) -> None:
    content = extract(SHOP, page(f"<li class=p><h3>Loaf</h3>{markup}</li>"))
    assert [one["price_gbp"] for one in content.listings] == ([] if price is None else [price])
    assert content.listed == 1


@pytest.mark.parametrize(
    "price",
    [
        "<u itemprop=price>£<b>1</b>.<sup>50</sup></u>",
        "<del itemprop=price>2.00</del><ins itemprop=price>1.50</ins>",
        "<ins itemprop=price>1.50</ins><del itemprop=price>2.00</del>",
        '<del><b itemprop=price content="2.00">£2</b></del><b itemprop=price content="1.50">£1.50</b>',
        '<meta itemprop=priceCurrency content=gbp><data itemprop=price value="1.50">x</data>',
    ],
)
def test_microdata_prices(price: str) -> None:
    offer = f'<p itemprop=offers itemscope itemtype="https://schema.org/Offer">{price}</p>'
    text = f'<div itemscope itemtype="http://schema.org/Product"><b itemprop=name>Loaf</b>{offer}</div>'
    assert only(extract(MICRO, page(text)))["price_gbp"] == 1.5


UNIT = {"price": 0.15, "referenceQuantity": {"value": 100, "unitCode": "GRM"}}
OTHERS: tuple[dict[str, Any], ...] = (
    {"price": 1.2, "validForMemberTier": {"@id": "#m"}},
    {"price": 1.1, "eligibleQuantity": {"value": 3}},
    {"price": 2.0, "priceType": "https://schema.org/ListPrice"},
    {"@type": "DeliveryChargeSpecification", "price": 3},
    {"price": 1.25, "valueAddedTaxIncluded": False},
    UNIT,
)


@pytest.mark.parametrize("others", [*permutations(OTHERS, 2)])
def test_the_type_of_a_specification_decides_and_not_its_place(others: tuple[dict[str, Any], ...]) -> None:
    for place in range(3):
        specifications = [*others[:place], {"price": 1.5}, *others[place:]]
        block = product(price=None, priceSpecification=specifications)
        assert only(extract(LD, page(ld(block))))["price_gbp"] == 1.5
    content = extract(LD, page(ld(product(price=None, priceSpecification=list(others)))))
    assert (content.listings, len(content.failures)) == ([], 1)


@pytest.mark.parametrize(
    "block",
    [
        {**product(), "offers": [{"price": "1.80", "priceCurrency": "EUR"}, {"price": "1.50", "priceCurrency": "GBP"}]},
        {**product(), "offers": [{"price": 1, "itemCondition": "https://schema.org/UsedCondition"}, {"price": 1.5}]},
        {**product(), "name": {"@language": "en", "@value": "Loaf"}},
        product(price={"@value": "1.50"}),
        {**product(), "@type": "schema:Product"},
        {**product(), "@type": "IndividualProduct"},
        {"@type": "Product", "name": "Loaves", "hasVariant": [product()]},
        {"@type": "ProductGroup", "name": "Loaves", "hasVariant": [product()]},
        json.dumps(product()) + ";",
        f"<!-- shop -->{json.dumps(product())}",
        f"//<![CDATA[\n{json.dumps(product())}\n//]]>",
        f"/*<![CDATA[*/{json.dumps(product())}/*]]>*/",
    ],
)
def test_json_ld_of_every_shape_is_read(block: object) -> None:
    review = {"@type": "Review", "itemReviewed": {"@type": "Product", "name": "Other"}}
    assert only(extract(LD, page(ld(" ", block, review))))["price_gbp"] == 1.5


@pytest.mark.parametrize(
    "kind",
    [
        *("application/LD+JSON; charset=utf-8", " application/ld+json ", "text/ld+json", "application/json+ld"),
        *("ld+json", "application/ld-json", "application/x-ld+json", "text/json-ld", "application&#x2F;ld&#x2B;json"),
    ],
)
def test_json_ld_is_read_under_each_spelling_of_its_type(kind: str) -> None:
    assert "application/ld+json" in (text := ld(product()))
    assert only(extract(LD, page(text.replace("application/ld+json", kind))))["price_gbp"] == 1.5


@pytest.mark.parametrize("kind", ["application/json", "text/javascript", "text/plain", "application/ld+xml"])
def test_a_script_of_another_type_is_no_json_ld(kind: str) -> None:
    content = extract(LD, page(ld(product()).replace("application/ld+json", kind)))
    assert (content.listings, content.failures) == ([], [])


def test_integer_pence_are_an_option_of_the_retailer_file() -> None:
    shop = retailer("json_api", prices_in_pence=True)
    items = [{"title": "a", "price": 150}, {"title": "b", "price": "99"}, {"title": "c", "price": 1.5}]
    content = extract(shop, page(json.dumps({"items": items})))
    assert [one["price_gbp"] for one in content.listings] == [1.5, 0.99]
    assert content.failures == ["unclear price: found 1.5, expected whole pence: c"]


# --- links and navigation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        *("#", "#more", "javascript:more()", "JavaScript:void(0)", "", " ", "mailto:shop@example.org"),
        *("/shelf/white", "/shelf/white#top", "?", "./white", "../shelf/white", "/shelf/x/../white", "/shelf/white/"),
        *("/%73helf/%77%68ite", "/Shelf/White", "//127.0.0.1:8871/shelf/white", "HTTP://127.0.0.1:8871/shelf/white?#"),
        *("http://127.0.0.1.:8871/shelf/white", "https://127.0.0.1:8871/shelf/white"),
    ],
)
def test_a_next_link_that_leads_to_no_other_page_ends_the_list(link: str) -> None:
    text = shelf(line(1)).replace("</body>", f'<a class="next" href="{link}">Next</a></body>')
    assert extract(HTML, page(text)).next_url is None


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://www.shop.example/white?page=2", "https://WWW.Shop.Example.:443/white?page=2"),
        ("https://www.shop.example/white?page=2", "http://www.shop.example:80/white?page=%32"),
        ("https://www.shop.example/white?page=2&size=9", "?size=9&page=2"),
        ("https://www.shop.example", "/"),
        ("http://xn--br-mka.example/a", "http://brø.example/a"),
        ("http://shop.example/brød", "/br%c3%b8d"),
    ],
)
def test_a_page_that_links_to_itself_in_another_spelling_is_the_last(url: str, link: str) -> None:
    text = shelf(line(1), following=link.replace("&", "&amp;"))
    assert extract(HTML, page(text, url=url)).next_url is None


@pytest.mark.parametrize(
    "link", ["?page=2", "?page=", "/shelf/white/2", "//127.0.0.2:8871/shelf/white", "/shelf%2Fwhite"]
)
def test_a_link_to_a_similar_address_goes_on(link: str) -> None:
    assert extract(HTML, page(shelf(line(1), following=link))).next_url is not None


def test_a_link_to_the_address_that_led_here_is_one_to_the_page_itself() -> None:
    redirected = replace(page(shelf(line(1), following="/old")), requested_url="http://127.0.0.1:8871/old")
    assert extract(HTML, redirected).next_url is None


def test_links_start_from_the_base_of_the_page() -> None:
    text = shelf(line(1).replace("/p/1", "p/1"), following="2").replace("<body>", '<body><base href="/shop/">')
    content = extract(HTML, page(text))
    assert only(content)["url"] == "http://127.0.0.1:8871/shop/p/1"
    assert content.next_url == "http://127.0.0.1:8871/shop/2"


@pytest.mark.parametrize("base", ["http://[", "javascript:x", "data:text/html,x", "mailto:a@b", "about:blank", "", "#"])
def test_a_base_that_is_no_address_of_the_web_does_not_count(base: str) -> None:
    text = shelf(line(1), following="?page=2").replace("<body>", f'<body><base href="{base}">')
    content = extract(HTML, page(text))
    assert only(content)["url"] == "http://127.0.0.1:8871/p/1"
    assert content.next_url == "http://127.0.0.1:8871/shelf/white?page=2"


def test_a_block_of_json_within_a_text_is_a_failure() -> None:
    content = extract(LD, page(ld(product(1), json.dumps(json.dumps(product(2))))))
    assert (len(content.listings), content.failures) == (1, ["JSON-LD block 2 is a text, expected an object"])


BREAD = {"id": "w", "name": "White Bread", "slug": "white"}


@pytest.mark.parametrize(
    "entry",
    [{"name": "x"}, {"name": "x", "slug": "\ud83c"}, 7, {"slug": "x"}, {"name": "x" * 20_000, "slug": "y"}, None],
)
def test_one_unreadable_navigation_entry_costs_no_other(entry: object) -> None:
    content = read_navigation(retailer("next_data"), page(state(categories=[entry, BREAD])))
    assert ([one.name for one in content.categories], len(content.failures)) == (
        ["White Bread"],
        1,
    )


def test_a_start_page_of_nested_brackets_is_unreadable() -> None:
    for body in ("[" * 1_000, "<script id=__NEXT_DATA__>" + "[" * 100_000 + "</script>"):
        with pytest.raises(UnreadableError, match=r"nested too deeply|not JSON"):
            categories(retailer("next_data"), page(body))
