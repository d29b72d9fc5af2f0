"""Pages of the simulated shops, one module per page family: pure functions from a shop's day to text."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay, ShopListing, ShopShelf

HTML, JSON, TEXT = "text/html; charset=utf-8", "application/json", "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Page:
    """A page as it is sent."""

    body: str
    content_type: str = HTML


class PageFamily(Protocol):
    """Interface of each module of this package."""

    SHELF_PATH: str
    """Beginning of the address of a shelf."""

    def home(self, shop: ShopDay) -> Page:
        """Return the start page, with the navigation of all categories."""

    def page(self, shop: ShopDay, path: str, query: Mapping[str, str]) -> Page | None:
        """Return any other page; None where the shop has none at this address."""


@dataclass(frozen=True)
class ShelfPage:
    """One page of a shelf: its listings, the position of the first of them (from 0), the page's number (from 1).

    `next_path`: address of the page that follows; None on the last.
    """

    shelf: ShopShelf
    listings: tuple[ShopListing, ...]
    first: int
    number: int
    next_path: str | None


def shelf_page(
    shop: ShopDay, path: str, query: Mapping[str, str], *, shelf_path: str, products_per_page: int
) -> ShelfPage | None:
    """Return the page at an address `<shelf_path><slug>?page=N`; None where the shop has none there."""
    text = query.get("page", "1")
    shelf = shop.shelves.get(path.removeprefix(shelf_path)) if path.startswith(shelf_path) else None
    if shelf is None or not text.isdecimal() or int(text) == 0:
        return None
    first = (int(text) - 1) * products_per_page
    listings = shelf.listings[first : first + products_per_page]
    has_more = first + len(listings) < len(shelf.listings)
    next_path = f"{shelf_path}{shelf.slug}?page={int(text) + 1}" if has_more else None
    return ShelfPage(shelf, listings, first, int(text), next_path) if listings else None


def html_page(title: str, head: str, body: str) -> Page:
    """Return a page of HTML; `head`: elements of its head besides the title."""
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title>{head}</head>'
    return Page(f'<!DOCTYPE html>\n<html lang="en-GB">{head}<body>\n{body}\n</body></html>\n')


def pounds(pence: int) -> str:
    """Write £1.05."""
    return f"£{pence // 100}.{pence % 100:02}"


def plain(number: float) -> str:
    """Write a number of up to four decimals without trailing zeros, but with pence: 1.50, 0.1375."""
    whole, _, decimals = f"{number:.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
