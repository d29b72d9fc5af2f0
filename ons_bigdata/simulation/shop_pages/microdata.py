"""Pages of sim-damson: lists of products described by schema.org in microdata."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ons_bigdata.simulation.shop_pages import Page, html_page, plain, shelf_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing

SHELF_PATH = "/aisle/"
PRODUCTS_PER_PAGE = 50

_UNIT_CODES = {"g": "GRM", "l": "LTR", "each": "C62"}


def home(shop: ShopDay) -> Page:
    """Return the start page: the aisles as links."""
    links = "\n".join(f'<a href="{SHELF_PATH}{shelf.slug}">{escape(shelf.name)}</a>' for shelf in shop.shelves.values())
    return html_page(shop.name, "", f'<nav class="aisles">\n{links}\n</nav>')


def page(shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
    """Return a page of an aisle (`?page=N`, 50 products each) or of a product; None for any other address."""
    if path.startswith("/p/"):
        listing = shop.products.get(path.removeprefix("/p/"))
        return None if listing is None else html_page(listing.name, "", product_item(listing, "/p/"))
    shown = shelf_page(shop, path, query, shelf_path=SHELF_PATH, products_per_page=PRODUCTS_PER_PAGE)
    if shown is None:
        return None
    link = f'<link rel="next" href="{shown.next_path}">' if shown.next_path else ""
    items = "\n".join(product_item(listing, "/p/") for listing in shown.listings)
    return html_page(shown.shelf.name, link, f"<h1>{escape(shown.shelf.name)}</h1>\n{items}")


def product_item(listing: ShopListing, path: str) -> str:
    """Return a product as an item of microdata; `path` is the beginning of its page's address."""
    quantity, word = listing.unit
    was = ""
    if listing.is_on_sale:
        kind = '<link itemprop="priceType" href="https://schema.org/StrikethroughPrice">'
        price = f'<s itemprop="price" content="{listing.regular_pence / 100:.2f}">was</s>'
        was = f"{_item('priceSpecification', 'UnitPriceSpecification')}{kind}{price}</span>"
    multibuy = ""
    if listing.multibuy:
        value = f'<meta itemprop="name" content="multibuy"><b itemprop="value">{escape(listing.multibuy)}</b>'
        multibuy = f"{_item('additionalProperty', 'PropertyValue')}{value}</span>"
    reference = (
        f'{_item("referenceQuantity", "QuantitativeValue")}<meta itemprop="value" content="{quantity}">'
        f'<meta itemprop="unitCode" content="{_UNIT_CODES[word]}"></span>'
    )
    unit_price = (
        f"{_item('priceSpecification', 'UnitPriceSpecification')}"
        f'<meta itemprop="price" content="{plain(listing.unit_price)}">{reference}</span>'
    )
    offer = (
        f'{_item("offers", "Offer")}<meta itemprop="priceCurrency" content="GBP">'
        f'<span itemprop="price" content="{listing.price_pence / 100:.2f}">£{listing.price_pence / 100:.2f}</span>'
        f'<link itemprop="availability" href="https://schema.org/{"InStock" if listing.in_stock else "OutOfStock"}">'
        f"{unit_price}{was}</span>"
    )
    return (
        f'<article itemscope itemtype="https://schema.org/Product"><meta itemprop="sku" content="{listing.product_id}">'
        f'<a itemprop="url" href="{path}{listing.product_id}"><h3 itemprop="name">{escape(listing.name)}</h3></a>'
        f"{offer}{multibuy}</article>"
    )


def _item(name: str, kind: str) -> str:
    return f'<span itemprop="{name}" itemscope itemtype="https://schema.org/{kind}">'
