"""Pages of sim-alder: lists of products in plain HTML, with offers, unit prices and page links."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ons_bigdata.simulation.shop_pages import Page, ShelfPage, plain, pounds, shelf_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing

SHELF_PATH = "/shelf/"
PRODUCTS_PER_PAGE = 48

_CLASSES = ("productLists", "products line", "desc", "inBasketInfoContainer", "price", "linePrice")
_OTHER_CLASSES = ("tileGrid", "tiles", "tile-text", "tile-title", "tile-cost", "tile-amount")
"""Names of the page's parts, and what they become when the markup changes."""


def home(shop: ShopDay) -> Page:
    """Return the start page: the departments as links."""
    links = "\n".join(
        f'<li><a href="{SHELF_PATH}{shelf.slug}">{escape(shelf.name)}</a></li>' for shelf in shop.shelves.values()
    )
    return _page(shop.name, f'<nav id="departments"><ul>\n{links}\n</ul></nav>')


def page(shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
    """Return a page of a shelf (`?page=N`, 48 products each) or of a product; None for any other address."""
    if path.startswith("/product/"):
        listing = shop.products.get(path.removeprefix("/product/"))
        return None if listing is None else _page(listing.name, f"<h1>{escape(listing.name)}</h1>")
    shown = shelf_page(shop, path, query, shelf_path=SHELF_PATH, products_per_page=PRODUCTS_PER_PAGE)
    return None if shown is None else _shelf(shown)


def _shelf(shown: ShelfPage) -> Page:
    shelf = shown.shelf
    names = _OTHER_CLASSES if shelf.trouble == "changed_markup" else _CLASSES
    products = "\n".join(_product(listing, names) for listing in shown.listings)
    following = f'<a class="next" href="{shown.next_path}">Next</a>' if shown.next_path else ""
    lists = f'<div class="{names[0]}"><ul class="{names[1]}">\n{products}\n</ul></div>'
    return _page(shelf.name, f"<h1>{escape(shelf.name)}</h1>\n{lists}\n<p>{following}</p>")


def _product(listing: ShopListing, names: tuple[str, ...]) -> str:
    _, _, description, heading, price, amount = names
    quantity, word = listing.unit
    per = f"{quantity}{word}" if quantity > 1 else word
    shown = f"{listing.price_pence}p" if listing.price_pence < 100 else pounds(listing.price_pence)
    offers = "".join(
        f'<div class="promo"><a class="promoFlyout" title="{escape(text)}" href="/offers">Offer</a></div>'
        for text in (listing.sale, listing.multibuy)
        if text
    )
    loyalty = (
        f'<span class="clubPrice">Club price {pounds(listing.loyalty_pence)}</span>' if listing.loyalty_pence else ""
    )
    notes = ("" if listing.in_stock else '<p class="unavailable">Currently not available</p>') + (
        '<p class="limitedLife">Short life</p>' if listing.has_short_life else ""
    )
    return (
        f'<li id="p-{listing.product_id}"><div class="{description}"><h3 class="{heading}">'
        f'<a id="h-{listing.product_id}" href="/product/{listing.product_id}">{escape(listing.name)}</a></h3>{offers}'
        f'</div><p class="{price}"><span class="{amount}">{shown}</span> '
        f'<span class="{amount}Abbr">(£{plain(listing.unit_price)}/{per})</span>{loyalty}</p>{notes}</li>'
    )


def _page(title: str, body: str) -> Page:
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return Page(f'<!DOCTYPE html>\n<html lang="en-GB">{head}<body>\n{body}\n</body></html>\n')
