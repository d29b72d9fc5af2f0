"""Products of the simulated supermarkets: names, packs, ids, usual prices, true scope, first and last day."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ons_bigdata.simulation.drink_shelves import DRINK_ITEMS
from ons_bigdata.simulation.food_shelves import FOOD_ITEMS
from ons_bigdata.simulation.shop_shelves import (
    BRANDS,
    LATER_RETAILERS,
    RETAILERS,
    SHARED_NAME_RETAILER,
    SHARED_NAMES,
    VARIETIES,
    Pack,
    read_pack,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.simulation.shop_shelves import Kind, SimulatedItem

ITEMS = tuple(sorted((*FOOD_ITEMS, *DRINK_ITEMS), key=lambda item: item.number))
"""The 35 items, by number."""

TARGET_PLACES = (56, 74)
"""Fewest and most places for products in scope on the shelf of one item at one retailer."""

OTHER_SHARE = (0.28, 0.37)
"""Share of a shelf that is out of scope."""

SEASONAL_OTHER_SHARE = (0.30, 0.33)
"""The same for seasonal items, at the year's mean."""

GUESTS = 3
"""Products of an item that are also on the shelf of another."""

LIFE_DAYS = 300.0
"""Mean life of a product; another product takes its place afterwards."""

LONGEST_GAP_DAYS = 3

LISTED_TWICE = 0.02
"""Share of products that a retailer lists twice."""

MULTIBUY_SHARE, LOYALTY_SHARE, SHORT_LIFE_SHARE = 0.05, 0.06, 0.02
LOYALTY_RETAILERS = ("sim-alder", "sim-cedar")

_SIZE_DISCOUNT = 0.8
"""Exponent of the pack size in the price: larger packs cost more, but less than in proportion."""


T = TypeVar("T")


@dataclass(frozen=True)
class Product:
    """Product of a retailer on the shelf of an item."""

    retailer: str
    item: SimulatedItem
    place: int
    """Place on the shelf; products follow one another in it."""
    product_id: str
    name: str
    pack: Pack
    in_scope: bool
    """True if it belongs to the item."""
    listings: int
    first_day: int
    end_day: int
    """First day without the product."""
    usual_pence: float
    """Level of the regular price in pence, before trend and season."""
    multibuy: int
    """Number of products in a multibuy; 0 without one."""
    has_loyalty_price: bool
    has_short_life: bool


def stock_shelves(retailer: str, *, days: int, seed: int, shelf_size: float) -> list[Product]:
    """Products that a retailer carries within the days, item by item, in the order of the shelf.

    shelf_size multiplies the number of places. The same arguments give the same products. Raises ValueError for an
    unknown retailer.
    """
    known = RETAILERS | LATER_RETAILERS
    if retailer not in known:
        raise ValueError(f"retailer {retailer!r}; known: {', '.join(known)}")
    rng = np.random.default_rng([seed, 1 + list(known).index(retailer)])
    # A price level is the retailer's level times the brand's.
    brands = (retailer.removeprefix("sim-").upper(), *BRANDS)
    levels = {brand: known[retailer] * math.exp(rng.normal(0.0, 0.12)) for brand in brands}
    products: list[Product] = []
    for item in ITEMS:
        stocked = _Shelf(rng, retailer, item, levels, days, shelf_size)
        products += stocked.products(first_id=len(products))
    return products


class _Shelf:
    """Fills the shelf of one item at one retailer."""

    def __init__(
        self,
        rng: np.random.Generator,
        retailer: str,
        item: SimulatedItem,
        levels: dict[str, float],
        days: int,
        shelf_size: float,
    ) -> None:
        self.rng, self.retailer, self.item, self.levels, self.days = rng, retailer, item, levels, days
        self.brands = list(levels)
        self.names: set[str] = set()
        targets = float(rng.uniform(*TARGET_PLACES)) * shelf_size
        share = float(rng.uniform(*(SEASONAL_OTHER_SHARE if item.season else OTHER_SHARE)))
        self.targets = round(targets * (1 + (item.season.products if item.season else 0.0)))  # at the peak
        guests = GUESTS if item.guests_from else 0
        self.others = max(len(item.other), round(targets * share / (1 - share)) - guests)

    def products(self, first_id: int) -> list[Product]:
        """Products in the order of their places, in and out of scope mixed."""
        shared = SHARED_NAMES.get(self.item.number) if self.retailer == SHARED_NAME_RETAILER else None
        packs = shared[1] if shared else ()
        is_target = np.array([True] * (self.targets - len(packs)) + [False] * self.others)
        self.rng.shuffle(is_target)
        stocked = [
            product
            for place, target in enumerate(is_target, start=len(packs))
            for product in self._in_place(place, target=bool(target))
        ]
        if shared:
            stocked = [*self._one_name_several_packs(*shared), *stocked]
        return [_with_id(product, first_id + index) for index, product in enumerate(stocked)]

    def _in_place(self, place: int, *, target: bool) -> Iterator[Product]:
        """Yield the products that follow one another in one place of the shelf."""
        kinds = self.item.target if target else self.item.other
        first_day = 0
        while first_day < self.days:
            end_day = first_day + 1 + int(self.rng.exponential(LIFE_DAYS))
            name, kind, pack, level = self._new_name(kinds)
            yield self._product(place, name, pack, target, first_day, end_day, _usual_pence(kind, pack) * level)
            first_day = end_day + int(self.rng.integers(0, LONGEST_GAP_DAYS + 1))

    def _new_name(self, kinds: Sequence[Kind]) -> tuple[str, Kind, Pack, float]:
        """Draw a name that is not on the shelf yet, with kind, pack and price level."""
        while True:
            kind = _draw(self.rng, kinds)
            brand = self.brands[
                max(0, int(self.rng.integers(-3, len(self.brands))))
            ]  # the retailer's brand is drawn more often
            pack = read_pack(_draw(self.rng, kind.packs))
            strength = f"{_draw(self.rng, kind.strengths)}% ABV" if kind.strengths else ""
            words = (brand, _draw(self.rng, VARIETIES), _draw(self.rng, kind.words), strength, pack.text)
            name = " ".join(word for word in words if word)
            if name not in self.names:
                self.names.add(name)
                return name, kind, pack, self.levels[brand] * math.exp(self.rng.normal(0.0, 0.18))

    def _one_name_several_packs(self, name: str, packs: Sequence[str]) -> Iterator[Product]:
        """Yield every pack size of a product under the same name; only unit prices differ."""
        kind = self.item.target[0]
        level = self.levels[self.brands[0]]
        for place, text in enumerate(packs):
            pack = read_pack(text)
            usual = _usual_pence(kind, pack) * level
            yield self._product(place, name, pack, in_scope=True, first_day=0, end_day=self.days, usual=usual)

    def _product(
        self, place: int, name: str, pack: Pack, in_scope: bool, first_day: int, end_day: int, usual: float
    ) -> Product:
        chances = self.rng.random(4)
        shares_its_name = self.retailer == SHARED_NAME_RETAILER and pack.text not in name
        return Product(
            retailer=self.retailer,
            item=self.item,
            place=place,
            product_id="",
            name=name,
            pack=pack,
            in_scope=in_scope,
            listings=2 if chances[0] < LISTED_TWICE and not shares_its_name else 1,
            first_day=first_day,
            end_day=min(end_day, self.days),
            usual_pence=usual,
            multibuy=int(self.rng.integers(2, 4)) if chances[1] < MULTIBUY_SHARE else 0,
            has_loyalty_price=bool(chances[2] < LOYALTY_SHARE) and self.retailer in LOYALTY_RETAILERS,
            has_short_life=bool(chances[3] < SHORT_LIFE_SHARE),
        )


def _draw(rng: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(rng.integers(len(values)))]


def _usual_pence(kind: Kind, pack: Pack) -> float:
    usual = read_pack(kind.packs[0])
    size = pack.quantity / usual.quantity if pack.measure == usual.measure else 1.0
    return 100 * kind.price_gbp * float(size**_SIZE_DISCOUNT)


def _with_id(product: Product, number: int) -> Product:
    forms = {
        "sim-alder": f"AL{250_000 + 37 * number}",
        "sim-birch": f"BR{100_000 + 13 * number}",
        "sim-cedar": f"CED-{10_000 + number}",
        "sim-damson": f"d{500_000 + 11 * number}",
    }
    return Product(**{**vars(product), "product_id": forms[product.retailer]})
