"""Pages of sim-birch: products described by schema.org in JSON-LD; the page of each product has microdata."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from ons_bigdata.simulation.shop_pages import Page, ShelfPage, html_page, shelf_page
from ons_bigdata.simulation.shop_pages.microdata import product_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing

SHELF_PATH = "/c/"
PRODUCTS_PER_PAGE = 60

SCHEMA = "https://schema.org/"
_UNIT_CODES = {"g": "GRM", "l": "LTR", "each": "C62"}


def home(shop: ShopDay) -> Page:
    """Return the start page: the categories as links."""
    links = "\n".join(
        f'<li><a href="{SHELF_PATH}{shelf.slug}">{escape(shelf.name)}</a></li>' for shelf in shop.shelves.values()
    )
    return html_page(shop.name, "", f'<ul class="category-menu">\n{links}\n</ul>')


def page(shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
    """Return a page of a category (`?page=N`, 60 products each) or of a product; None for any other address."""
    if path.startswith("/p/"):
        listing = shop.products.get(path.removeprefix("/p/"))
        return None if listing is None else html_page(listing.name, "", product_item(listing, "/p/"))
    shown = shelf_page(shop, path, query, shelf_path=SHELF_PATH, products_per_page=PRODUCTS_PER_PAGE)
    if shown is None:
        return None
    link = f'<link rel="next" href="{shown.next_path}">' if shown.next_path else ""
    return html_page(shown.shelf.name, link, f"<h1>{escape(shown.shelf.name)}</h1>\n{_block(shown)}")


def _block(shown: ShelfPage) -> str:
    shelf = shown.shelf
    if shelf.trouble == "changed_markup":
        tiles = "".join(
            f'<div class="tile" data-cost="{listing.price_pence}">{escape(listing.name)}</div>'
            for listing in shown.listings
        )
        return f'<section class="tiles">{tiles}</section>'
    elements = [
        {"@type": "ListItem", "position": shown.first + place, "item": _product(listing, place)}
        for place, listing in enumerate(shown.listings, start=1)
    ]
    crumbs = {"@type": "BreadcrumbList", "name": shelf.name}
    graph = [crumbs, {"@type": "ItemList", "numberOfItems": len(shelf.listings), "itemListElement": elements}]
    text = json.dumps({"@context": SCHEMA, "@graph": graph}, ensure_ascii=False)
    if shelf.trouble == "malformed_json" and shown.number == 1:
        text = f"{text.removesuffix(']}')},]}}"
    # An end of script inside a text would end the block.
    return '<script type="application/ld+json">' + text.replace("</", "<\\/") + "</script>"


def _product(listing: ShopListing, place: int) -> dict[str, object]:
    product: dict[str, object] = {
        "@type": "Product",
        "sku": listing.product_id,
        "name": listing.name,
        "url": f"/p/{listing.product_id}",
        "offers": _offer(listing, is_aggregate=place % 20 == 0),
    }
    if listing.multibuy:
        product["additionalProperty"] = [{"@type": "PropertyValue", "name": "multibuy", "value": listing.multibuy}]
    return product


def _offer(listing: ShopListing, *, is_aggregate: bool) -> dict[str, object]:
    """Return the offer; some products have several sellers, and state the lowest price."""
    price = f"{listing.price_pence / 100:.2f}"
    quantity, word = listing.unit
    prices: list[dict[str, object]] = [
        {
            "@type": "UnitPriceSpecification",
            "price": listing.unit_price,
            "priceCurrency": "GBP",
            "referenceQuantity": {"@type": "QuantitativeValue", "value": quantity, "unitCode": _UNIT_CODES[word]},
        }
    ]
    if listing.is_on_sale:
        was = f"{listing.regular_pence / 100:.2f}"
        kind = f"{SCHEMA}StrikethroughPrice"
        prices.append({"@type": "UnitPriceSpecification", "price": was, "priceCurrency": "GBP", "priceType": kind})
    asked = {"@type": "AggregateOffer", "lowPrice": price} if is_aggregate else {"@type": "Offer", "price": price}
    stock = "InStock" if listing.in_stock else "OutOfStock"
    return {**asked, "priceCurrency": "GBP", "availability": f"{SCHEMA}{stock}", "priceSpecification": prices}
