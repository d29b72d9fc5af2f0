"""Pages of sim-birch: products described by schema.org in JSON-LD; the page of each product has microdata."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from ons_bigdata.simulation.shop_pages import Page, page_number
from ons_bigdata.simulation.shop_pages.microdata import product_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing, ShopShelf

SHELF_PATH = "/c/"
PRODUCTS_PER_PAGE = 60

SCHEMA = "https://schema.org/"
_UNIT_CODES = {"g": "GRM", "l": "LTR", "each": "C62"}


def home(shop: ShopDay) -> Page:
    """Return the start page: the categories as links."""
    links = "\n".join(
        f'<li><a href="{SHELF_PATH}{shelf.slug}">{escape(shelf.name)}</a></li>' for shelf in shop.shelves.values()
    )
    return _page(shop.name, "", f'<ul class="category-menu">\n{links}\n</ul>')


def page(shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
    """Return a page of a category (`?page=N`, 60 products each) or of a product; None for any other address."""
    if path.startswith("/p/"):
        listing = shop.products.get(path.removeprefix("/p/"))
        return None if listing is None else _page(listing.name, "", product_item(listing, "/p/"))
    shelf, number = shop.shelves.get(path.removeprefix(SHELF_PATH)), page_number(query)
    if not path.startswith(SHELF_PATH) or shelf is None or number is None:
        return None
    first = (number - 1) * PRODUCTS_PER_PAGE
    shown = shelf.listings[first : first + PRODUCTS_PER_PAGE]
    if not shown:
        return None
    following = f"{SHELF_PATH}{shelf.slug}?page={number + 1}"
    link = f'<link rel="next" href="{following}">' if first + len(shown) < len(shelf.listings) else ""
    return _page(shelf.name, link, f"<h1>{escape(shelf.name)}</h1>\n{_block(shelf, shown, first, number)}")


def _block(shelf: ShopShelf, shown: tuple[ShopListing, ...], first: int, number: int) -> str:
    if shelf.trouble == "changed_markup":
        tiles = "".join(f'<div class="tile" data-cost="{one.price_pence}">{escape(one.name)}</div>' for one in shown)
        return f'<section class="tiles">{tiles}</section>'
    elements = [
        {"@type": "ListItem", "position": first + place, "item": _product(listing, place)}
        for place, listing in enumerate(shown, start=1)
    ]
    crumbs = {"@type": "BreadcrumbList", "name": shelf.name}
    graph = [crumbs, {"@type": "ItemList", "numberOfItems": len(shelf.listings), "itemListElement": elements}]
    text = json.dumps({"@context": SCHEMA, "@graph": graph}, ensure_ascii=False)
    if shelf.trouble == "malformed_json" and number == 1:
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


def _page(title: str, head: str, body: str) -> Page:
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title>{head}</head>'
    return Page(f'<!DOCTYPE html>\n<html lang="en-GB">{head}<body>\n{body}\n</body></html>\n')
