"""Pages of the simulated shops, one module per page family: pure functions from a shop's day to text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.simulation.shop_days import ShopDay

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


def page_number(query: Mapping[str, str]) -> int | None:
    """Return the number of a page, from 1; None for what is none."""
    text = query.get("page", "1")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def pounds(pence: int) -> str:
    """Write £1.05."""
    return f"£{pence // 100}.{pence % 100:02}"


def plain(number: float) -> str:
    """Write a number of up to four decimals without trailing zeros, but with pence: 1.50, 0.1375."""
    whole, _, decimals = f"{number:.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
