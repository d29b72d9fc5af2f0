"""Pages as shops write them, one maker per page family, and the retailer files that go with them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from ons_bigdata.prices.sources.quote_writer import Listing
from ons_bigdata.prices.sources.retailer_files import RetailerFile, parse_retailer_file
from ons_bigdata.prices.sources.scraping.extraction.page import Page, PageContent

AT = datetime(2016, 5, 28, 8, 5, tzinfo=ZoneInfo("Europe/London"))

FAMILIES: dict[str, dict[str, Any]] = {
    "html_list": {
        "navigation": {"links": "nav#departments a"},
        "selectors": {
            "product": "div.productLists > ul.products > li",
            "id": "h3 > a::attr(id)",
            "name": "div.desc h3.inBasketInfoContainer > a",
            "price": "p.price > span.linePrice",
            "unit_price": "span.linePriceAbbr",
            "promotion": "div.promo a.promoFlyout::attr(title)",
            "loyalty_price": "span.clubPrice",
            "out_of_stock": "p.unavailable",
            "url": "h3 > a",
            "next_page": "a.next",
            "empty": "p.noProducts",
        },
        "patterns": {"id": "^h-(.+)$"},
    },
    "json_ld": {"navigation": {"links": "nav a"}, "selectors": {"next_page": "link[rel=next]"}},
    "microdata": {"navigation": {"links": "nav a"}, "selectors": {"next_page": "link[rel=next]"}},
    "rdfa": {"navigation": {"links": "nav a"}, "selectors": {"next_page": "link[rel=next]"}},
    "next_data": {
        "navigation": {"state": "props.categories", "path": "/browse/{slug}"},
        "selectors": {
            "products": "props.products",
            "id": "id",
            "name": "name",
            "price": "price.amount",
            "unit_price": "price.unitAmount",
            "unit": "price.unitMeasure",
            "promotion": "promotion.text",
            "was_price": "promotion.was",
            "loyalty_price": "memberPrice",
            "in_stock": "available",
        },
        "load_more": {
            "path": "/api/products?category={id}&cursor={cursor}",
            "products": "products",
            "first_cursor": "props.nextCursor",
            "next_cursor": "nextCursor",
        },
    },
    "json_api": {
        "navigation": {"start": "/api/categories", "state": "categories", "path": "/api/products?category={id}"},
        "selectors": {"products": "items", "id": "id", "name": "title", "price": "price", "unit_price": "perUnit"},
        "load_more": {
            "path": "/api/products?category={id}&cursor={cursor}",
            "products": "items",
            "first_cursor": "next",
            "next_cursor": "next",
        },
    },
}


def retailer_text(kind: str, site: str = "http://127.0.0.1:8871", **changes: Any) -> str:
    """Return the text of a retailer file of a page family, for one category."""
    content = {
        "retailer": "sim-alder",
        "name": "Alder",
        "site": site,
        "page_kind": kind,
        "clock": "site",
        "delay_s": 0,
        **FAMILIES[kind],
        "categories": [{"item_number": 210111, "item_name": "White sliced loaf", "category": "White Bread"}],
        **changes,
    }
    return yaml.safe_dump(content)


def retailer(kind: str, **changes: Any) -> RetailerFile:
    """Return a parsed retailer file of a page family."""
    return parse_retailer_file(retailer_text(kind, **changes), where="test", retailer="sim-alder")


def page(body: str | bytes, url: str = "http://127.0.0.1:8871/shelf/white", kind: str = "text/html") -> Page:
    """Return a page as it came."""
    return Page(url, 200, f"{kind}; charset=utf-8", body.encode() if isinstance(body, str) else body, AT)


def line(number: int, price: str = "£1.50", *, unit: str = "(£0.15/100g)", extra: str = "", name: str = "") -> str:
    """Return one product of a list of 2014."""
    return (
        f'<li id="p-{number}"><div class="desc"><h3 class="inBasketInfoContainer">'
        f'<a id="h-{number}" href="/p/{number}">{name or f"Loaf &amp; {number} 800G"}</a></h3></div>'
        f'<p class="price"><span class="linePrice">{price}</span> <span class="linePriceAbbr">{unit}</span></p>'
        f"{extra}</li>"
    )


def shelf(*lines: str, following: str | None = None) -> str:
    """Return a list page of 2014."""
    link = f'<a class="next" href="{following}">Next</a>' if following else ""
    words = "<h1>A shelf of the shop</h1>"
    listed = f'<div class="productLists"><ul class="products line">{"".join(lines)}</ul></div>'
    return f"<html><body>{words}{listed}{link}</body></html>"


def departments(**links: str) -> str:
    """Return a start page: link → name, with `_` for blanks in names."""
    found = "".join(f'<li><a href="{link}">{name.replace("_", " ")}</a></li>' for name, link in links.items())
    return f'<html><body><nav id="departments"><ul>{found}</ul></nav></body></html>'


def ld(*blocks: Any, following: str | None = None) -> str:
    """Return a page with blocks of JSON-LD; a text is a block as it stands."""
    scripts = "".join(
        f'<script type="application/ld+json">{block if isinstance(block, str) else json.dumps(block)}</script>'
        for block in blocks
    )
    link = f'<link rel="next" href="{following}">' if following else ""
    words = "<nav><a href='/c'>White Bread</a></nav>A shop's shelf of bread"
    return f"<html><head>{link}{scripts}</head><body>{words}</body></html>"


def product(number: int = 1, **offer: Any) -> dict[str, Any]:
    """Return a schema.org Product."""
    offers = {"@type": "Offer", "price": "1.50", "priceCurrency": "GBP", **offer}
    return {"@type": "Product", "sku": str(number), "name": f"Loaf {number}", "offers": offers}


def state(**properties: Any) -> str:
    """Return a page that embeds its state."""
    script = json.dumps({"props": properties}).replace("</", "<\\/")
    block = f'<script id="__NEXT_DATA__" type="application/json">{script}</script>'
    return f'<html><body><div id="__next"></div>{block}</body></html>'


def cedar(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a product of an embedded state."""
    price = {"amount": 1.5, "currency": "GBP", "unitAmount": 0.15, "unitMeasure": "100g"}
    plain = {"id": None, "name": f"Loaf {number}", "price": price, "promotion": None, "available": True}
    return {**plain, "memberPrice": None, **changes}


MICRODATA = """<html><head><link rel="next" href="?page=2"></head><body><nav><a href="/aisle">White Bread</a></nav>
<article itemscope itemtype="https://schema.org/Product"><meta itemprop="sku" content="7"><a itemprop="url" href="/p/7">
<h3 itemprop="name">Loaf &amp; 7</h3></a><span itemprop="offers" itemscope itemtype="https://schema.org/Offer">
<meta itemprop="priceCurrency" content="GBP"><span itemprop="price" content="1.50">£1.50</span>
<link itemprop="availability" href="https://schema.org/OutOfStock">
<span itemprop="priceSpecification" itemscope itemtype="https://schema.org/UnitPriceSpecification">
<meta itemprop="price" content="0.15"><span itemprop="referenceQuantity" itemscope
itemtype="https://schema.org/QuantitativeValue"><meta itemprop="value" content="100">
<meta itemprop="unitCode" content="GRM"></span></span><span itemprop="priceSpecification" itemscope itemtype="https://schema.org/UnitPriceSpecification">
<link itemprop="priceType" href="https://schema.org/StrikethroughPrice">
<s itemprop="price" content="2.00">was</s></span>
</span><span itemprop="additionalProperty" itemscope itemtype="https://schema.org/PropertyValue">
<meta itemprop="name" content="multibuy"><b itemprop="value">any 2 for £3</b></span></article>
<article itemscope itemtype="https://schema.org/Product"><h3 itemprop="name">No price here</h3></article>
</body></html>"""


RDFA = """<html><head><link rel="next" href="?page=2"></head><body vocab="https://schema.org/">
<nav><a href="/aisle">White Bread</a></nav>
<article typeof="Product"><meta property="sku" content="7"><a property="url" href="/p/7">
<h3 property="name">Loaf &amp; 7</h3></a>
<span property="offers" typeof="Offer"><meta property="priceCurrency" content="GBP">
<span property="price" content="1.50">£1.50</span>
<link property="availability" href="https://schema.org/OutOfStock">
<span property="priceSpecification" typeof="UnitPriceSpecification"><meta property="price" content="0.15">
<span property="referenceQuantity" typeof="QuantitativeValue"><meta property="value" content="100">
<meta property="unitCode" content="GRM"></span></span>
<span property="priceSpecification" typeof="UnitPriceSpecification">
<link property="priceType" href="https://schema.org/StrikethroughPrice">
<s property="price" content="2.00">was</s></span></span>
<span property="additionalProperty" typeof="PropertyValue"><meta property="name" content="multibuy">
<b property="value">any 2 for £3</b></span></article>
<article typeof="Product"><h3 property="name">No price here</h3></article></body></html>"""


BLANK: Listing = {
    "product_id": None,
    "product_name": "",
    "price_gbp": 0.0,
    "unit_price_gbp": None,
    "unit": None,
    "promotion": None,
    "was_price_gbp": None,
    "loyalty_price_gbp": None,
    "multibuy": None,
    "in_stock": None,
    "url": None,
}


def only(content: PageContent) -> Listing:
    """The listing of a page with exactly one listing and no failure."""
    assert (len(content.listings), content.failures) == (1, [])
    return content.listings[0]
