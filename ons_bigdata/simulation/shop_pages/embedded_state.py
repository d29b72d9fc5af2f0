"""Pages of sim-cedar: the page's state as embedded JSON, and an API for the rest of a category."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from ons_bigdata.simulation.shop_pages import JSON, Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing

SHELF_PATH = "/browse/"
API_PATH = "/api/products"
PRODUCTS_PER_PAGE = 40


def home(shop: ShopDay) -> Page:
    """Return the start page: the categories in its state."""
    categories = [
        {"id": f"cat-{shelf.slug}", "name": shelf.name, "slug": shelf.slug} for shelf in shop.shelves.values()
    ]
    return _page(shop.name, {"categories": categories})


def page(shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
    """Return a category with its first 40 products, or from the API those that follow; None for any other address."""
    if path == API_PATH:
        return _json_response(shop, query)
    shelf = shop.shelves.get(path.removeprefix(SHELF_PATH))
    if not path.startswith(SHELF_PATH) or shelf is None:
        return None
    following = PRODUCTS_PER_PAGE if len(shelf.listings) > PRODUCTS_PER_PAGE else None
    products = [_product(listing) for listing in shelf.listings[:PRODUCTS_PER_PAGE]]
    category = {"id": f"cat-{shelf.slug}", "name": shelf.name, "slug": shelf.slug}
    state = {"category": category, "total": len(shelf.listings), "nextCursor": following}
    if shelf.trouble == "changed_markup":
        return _page(shelf.name, {**state, "tiles": products})
    return _page(shelf.name, {**state, "products": products})


def _json_response(shop: ShopDay, query: Mapping[str, str]) -> Page | None:
    shelf = shop.shelves.get(query.get("category", "").removeprefix("cat-"))
    cursor, size = query.get("cursor", ""), query.get("size", str(PRODUCTS_PER_PAGE))
    if shelf is None or not cursor.isdecimal() or not size.isdecimal() or not 0 < int(size) <= PRODUCTS_PER_PAGE:
        return None
    first, following = int(cursor), int(cursor) + int(size)
    content = {
        "products": [_product(listing) for listing in shelf.listings[first:following]],
        "nextCursor": following if following < len(shelf.listings) else None,
    }
    return Page(json.dumps(content, ensure_ascii=False), JSON)


def _product(listing: ShopListing) -> dict[str, object]:
    """Return a product; this shop has no usable product id."""
    quantity, word = listing.unit
    text = " ".join(text for text in (listing.sale, listing.multibuy) if text)
    promotion = {"text": text, "was": listing.regular_pence / 100 if listing.is_on_sale else None} if text else None
    return {
        "id": None,
        "name": listing.name,
        "price": {
            "amount": listing.price_pence / 100,
            "currency": "GBP",
            "unitAmount": listing.unit_price,
            "unitMeasure": f"{quantity}{word}" if quantity > 1 else word,
        },
        "promotion": promotion,
        "memberPrice": listing.loyalty_pence / 100 if listing.loyalty_pence else None,
        "available": listing.in_stock,
    }


def _page(title: str, properties: Mapping[str, object]) -> Page:
    state = json.dumps({"props": {"pageProps": properties}, "page": "/"}, ensure_ascii=False).replace("</", "<\\/")
    script = f'<script id="__NEXT_DATA__" type="application/json">{state}</script>'
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return Page(f'<!DOCTYPE html>\n<html lang="en-GB">{head}<body><div id="__next"></div>\n{script}\n</body></html>\n')
