"""True products and prices of simulated supermarkets, day by day.

Prices are sticky, end in 0, 5 or 9 pence, go on sale and come back; products leave and enter. What
a scraper sees of it, and how it fails, is `scrape_archive`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.shop_shelves import (
    BRANDS,
    ITEMS,
    RETAILERS,
    SHARED_NAME_ITEMS,
    SHARED_NAME_RETAILER,
    VARIETIES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.simulation.shop_shelves import SimulatedItem

FEWEST_PRODUCTS, MOST_PRODUCTS = 16, 60
"""Places on the shelf of one item at one retailer."""

REPRICING_RATE = 0.02
"""Share of products whose regular price is set anew on a day."""

SALE_RATE = 0.012
"""Share of products that go on sale on a day."""

LIFE_DAYS = 300.0
"""Mean life of a product; then another takes its place on the shelf."""

LISTED_TWICE = 0.02
"""Share of products that a retailer lists twice."""

_SALE_DAYS = (7, 14)
_SALE_CUT = (0.20, 0.33)


@dataclass(frozen=True)
class _Product:
    item: SimulatedItem
    name: str
    pack: int
    listings: int
    first_day: int
    end_day: int
    usual_pence: float
    """Price in pence that its regular price is drawn to, before the item's trend."""


SHELVES = {
    "retailer": pl.String,
    "item_number": pl.Int64,
    "item_name": pl.String,
    "category": pl.String,
    "product_name": pl.String,
    "pack": pl.Int64,
    "measure": pl.String,
    "listings": pl.Int64,
    "day": pl.Int64,
    "price_pence": pl.Int64,
    "regular_pence": pl.Int64,
}


def true_shelves(*, days: int, seed: int) -> pl.DataFrame:
    """Simulate what is on the shelves: one row (SHELVES) per retailer, product and day on sale.

    pack is in measure (g, ml or each); listings says how often the retailer lists the product; day 0 is
    the first; price_pence lies below regular_pence during a sale. In the order of the shelves, a
    product's days together. The same arguments give the same rows.
    """
    trends = np.random.default_rng([seed, 0]).uniform(-0.0006, 0.0008, len(ITEMS))
    rows: list[tuple[object, ...]] = []
    for index, (retailer, level) in enumerate(RETAILERS.items(), start=1):
        rng = np.random.default_rng([seed, index])
        for item, trend in zip(ITEMS, trends, strict=True):
            for product in _products(rng, retailer, item, level, days):
                rows += _days_on_sale(rng, retailer, product, trend)
    return pl.DataFrame(rows, schema=SHELVES, orient="row")


def _products(
    rng: np.random.Generator, retailer: str, item: SimulatedItem, level: float, days: int
) -> Iterator[_Product]:
    """Fill each place on the shelf of an item with one product after the other."""
    names = _names(rng, item)
    places = int(rng.integers(FEWEST_PRODUCTS, MOST_PRODUCTS + 1))
    if retailer == SHARED_NAME_RETAILER and item.number in SHARED_NAME_ITEMS:
        places -= len(item.packs)
        yield from _one_name_several_packs(rng, item, level, days, next(names))
    for _ in range(places):
        first_day = 0
        while first_day < days:
            end_day = first_day + 1 + int(rng.exponential(LIFE_DAYS))
            pack = int(rng.choice(item.packs))
            yield _Product(
                item=item,
                name=f"{next(names)} {_pack_name(pack, item.measure)}",
                pack=pack,
                listings=2 if rng.random() < LISTED_TWICE else 1,
                first_day=first_day,
                end_day=min(end_day, days),
                usual_pence=_usual_pence(rng, item, pack, level),
            )
            first_day = end_day + int(rng.integers(0, 6))


def _one_name_several_packs(
    rng: np.random.Generator, item: SimulatedItem, level: float, days: int, name: str
) -> Iterator[_Product]:
    """List every pack size of a product under the same name; only the unit price tells them apart."""
    usual = _usual_pence(rng, item, item.packs[0], level)
    for pack in item.packs:
        price = usual * (pack / item.packs[0]) ** 0.8
        yield _Product(item, name, pack, 1, 0, days, price)


def _names(rng: np.random.Generator, item: SimulatedItem) -> Iterator[str]:
    """Yield names of products of an item, none twice."""
    pairs = [f"{brand} {variety} {item.name.upper()}" for brand in BRANDS for variety in VARIETIES]
    recipe = ""
    while True:
        for index in rng.permutation(len(pairs)):
            yield pairs[index] + recipe
        recipe += " NEW"


def _pack_name(pack: int, measure: str) -> str:
    """Write a pack size as shops do: 800G, 1KG, 70CL, 2L, 6 PACK."""
    if measure == "each":
        return "LOOSE" if pack == 1 else f"{pack} PACK"
    large, small = ("KG", "G") if measure == "g" else ("L", "ML")
    if pack % 1000 == 0:
        return f"{pack // 1000}{large}"
    return f"{pack // 10}CL" if small == "ML" and pack % 50 == 0 else f"{pack}{small}"


def _usual_pence(rng: np.random.Generator, item: SimulatedItem, pack: int, level: float) -> float:
    """Draw a price: larger packs are dearer, but less so than in proportion."""
    size = (pack / item.packs[0]) ** 0.8
    return 100 * item.price_gbp * level * size * math.exp(rng.normal(0.0, 0.25))


def _days_on_sale(
    rng: np.random.Generator, retailer: str, product: _Product, trend: float
) -> Iterator[tuple[object, ...]]:
    item = product.item
    what = (retailer, item.number, item.name, item.category, product.name, product.pack, item.measure)
    for day, price, regular in _price_path(rng, product, trend):
        yield (*what, product.listings, day, price, regular)


def _price_path(rng: np.random.Generator, product: _Product, trend: float) -> Iterator[tuple[int, int, int]]:
    """Yield day, price and regular price in pence. The regular price stays put during a sale."""
    days = product.end_day - product.first_day
    chances, noises = rng.random(days), rng.normal(0.0, 0.03, days)
    regular = price = shop_price(product.usual_pence * math.exp(trend * product.first_day))
    sale_ends = -1
    for day, chance, noise in zip(range(product.first_day, product.end_day), chances, noises, strict=True):
        if day == sale_ends:
            price = regular
        elif day > sale_ends:
            if chance < REPRICING_RATE:
                price = regular = shop_price(product.usual_pence * math.exp(trend * day + noise))
            elif chance < REPRICING_RATE + SALE_RATE:
                price = shop_price(regular * (1 - rng.uniform(*_SALE_CUT)))
                sale_ends = day + int(rng.integers(_SALE_DAYS[0], _SALE_DAYS[1] + 1))
                if not _SALE_CUT[0] <= 1 - price / regular <= _SALE_CUT[1]:
                    price, sale_ends = regular, -1  # too cheap for a round sale price
        yield day, price, regular


def shop_price(pence: float) -> int:
    """Return the nearest price of at least 5 pence that ends in 0, 5 or 9."""
    ten = int(pence // 10) * 10
    return max(5, min((ten - 1, ten, ten + 5, ten + 9, ten + 10), key=lambda price: abs(price - pence)))
