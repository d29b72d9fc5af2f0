"""A simulated shop on a day as a visitor sees it: shelves, listings, and the faults of each shelf's pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.simulation.promotions import PER, loyalty_pence, multibuy_text, sale_text, unit_price
from ons_bigdata.simulation.shop_shelves import RETAILERS_WITH_IDS

if TYPE_CHECKING:
    from datetime import date

    from ons_bigdata.simulation.shop_world import ShopWorld

UNKNOWN_SHELVES = {
    "Household Cleaning": ("WASHING UP LIQUID 500ML", "KITCHEN CLEANER 750ML", "BLEACH 2L", "FLOOR CLEANER 1L"),
    "Pet Food": ("DOG FOOD IN JELLY 6X400G", "CAT BISCUITS 800G", "BIRD SEED 2KG"),
}
"""Shelves that belong to no item; every shop has them, at constant prices."""

PAGE_TROUBLES = ("changed_markup", "empty_page", "bot_wall", "page_failed_once", "malformed_json")
"""Kinds of events that affect the pages of a shelf, not its products."""


@dataclass(frozen=True)
class ShopListing:
    """One listing of a product in a shop."""

    product_id: str | None
    name: str
    price_pence: int
    regular_pence: int
    unit_price: float
    """GBP per unit, to four decimals."""
    measure: str
    """`g`, `ml` or `each`; `promotions.PER` has the unit."""
    sale: str | None = None
    multibuy: str | None = None
    loyalty_pence: int | None = None
    in_stock: bool = True
    has_short_life: bool = False

    @property
    def unit(self) -> tuple[int, str]:
        """Number and word of the unit of the unit price: 100 g, 1 l, 1 each."""
        number, word, _ = PER[self.measure]
        return number, word

    @property
    def is_on_sale(self) -> bool:
        """True if the price is below the regular price."""
        return self.price_pence < self.regular_pence

    @property
    def slug(self) -> str:
        """Name as part of an address."""
        return slug_of(self.name)


@dataclass(frozen=True)
class ShopShelf:
    """One category of a shop on a day."""

    name: str
    item_number: int | None
    """Item that the shelf is collected for; None without one."""
    listings: tuple[ShopListing, ...]
    trouble: str | None = None
    """One of PAGE_TROUBLES; None for sound pages."""

    @property
    def slug(self) -> str:
        """Name as part of an address."""
        return slug_of(self.name)


@dataclass(frozen=True)
class ShopDay:
    """A shop on one day."""

    retailer: str
    date: date
    is_down: bool
    shelves: dict[str, ShopShelf]
    """Slug → shelf, in the order of the navigation."""
    products: dict[str, ShopListing] = field(default_factory=dict)
    """Product id → listing."""

    @property
    def name(self) -> str:
        """Display name of the shop."""
        return f"Simulated {self.retailer.removeprefix('sim-').capitalize()}"


def slug_of(name: str) -> str:
    """Name as part of an address: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def shop_day(world: ShopWorld, retailer: str, day: int) -> ShopDay:
    """Shop of a world on a day. Products out of stock are listed and marked.

    Raises ValueError for a day or retailer outside of the world.
    """
    if retailer not in world.retailers:
        raise ValueError(f"retailer {retailer!r} is not in this world; known: {', '.join(world.retailers)}")
    on_day = [event for event in world.events if event.affects(retailer, day)]
    troubles = {event.item_number: event.kind for event in on_day if event.kind in PAGE_TROUBLES}
    rows = _listings(world.shown.filter((pl.col("retailer") == retailer) & (pl.col("day") == day)))
    grouped: dict[tuple[int, str], list[ShopListing]] = {}
    for (item_number, category), listing in rows:
        grouped.setdefault((item_number, category), []).append(listing)
    shelves = [
        ShopShelf(category, item_number, tuple(listings), troubles.get(item_number))
        for (item_number, category), listings in grouped.items()
    ]
    shelves += _unknown_shelves(retailer)
    products = {
        listing.product_id: listing for shelf in shelves for listing in shelf.listings if listing.product_id is not None
    }
    is_down = any(event.kind == "outage" for event in on_day)
    return ShopDay(retailer, world.date_of(day), is_down, {shelf.slug: shelf for shelf in shelves}, products)


def _listings(shown: pl.DataFrame) -> list[tuple[tuple[int, str], ShopListing]]:
    """(Item, category) and listing of each product, repeated for products listed several times."""
    columns = shown.sort("item_number", maintain_order=True).select(
        "item_number",
        "category",
        "listings",
        pl.when(pl.col("retailer").is_in(RETAILERS_WITH_IDS)).then("product_id").alias("product_id"),
        "product_name",
        "price_pence",
        "regular_pence",
        unit_price().alias("unit_price"),
        "measure",
        sale_text().alias("sale"),
        multibuy_text().alias("multibuy"),
        loyalty_pence().alias("loyalty_pence"),
        "in_stock",
        "has_short_life",
    )
    return [((row[0], row[1]), ShopListing(*row[3:])) for row in columns.iter_rows() for _ in range(row[2])]


def _unknown_shelves(retailer: str) -> list[ShopShelf]:
    has_ids = retailer in RETAILERS_WITH_IDS
    return [
        ShopShelf(
            shelf,
            None,
            tuple(
                ShopListing(f"x{number}{place}" if has_ids else None, name, price, price, price / 100, "each")
                for place, name in enumerate(names)
                for price in (100 + 25 * place,)
            ),
        )
        for number, (shelf, names) in enumerate(UNKNOWN_SHELVES.items())
    ]
