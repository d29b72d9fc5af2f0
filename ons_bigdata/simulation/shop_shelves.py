"""The words and numbers behind the simulated shelves: retailers, brands, what a kind and an item are.

Constants and types. What stands on the shelf of each item is `food_shelves`' and `drink_shelves`'; which
products come of it is `shop_products`'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RETAILERS = {"sim-alder": 0.97, "sim-birch": 1.0, "sim-cedar": 1.06}
"""Simulated retailers and their price levels. The prefix is there so that none can pass for a real one."""

LATER_RETAILERS = {"sim-damson": 0.99}
"""A retailer that is served only when asked for, and is in no archive: for adding a retailer by hand."""

RETAILERS_WITH_IDS = ("sim-alder", "sim-birch", "sim-damson")
"""Retailers that show the product ids of the truth on their pages; no archive file has any."""

BRANDS = (
    *("OLD MILL", "MEADOWBECK", "CLOVERFIELD", "HOLLIN & SONS", "KINGSFOLD", "LARKRISE", "BRAMBLE LANE"),
    *("NORTHFIELD", "PENNYWISE", "SILVERDALE", "TREVANNE", "MILESTONE", "EVERMORE", "FOXGLOVE"),
    *("HAREBELL", "COPPERDEAN", "ASHCOMBE", "ELDERHOLT", "THORNBY", "MARLE & DAY", "QUAYSIDE"),
)
VARIETIES = ("", "CLASSIC", "SIMPLE", "FINEST", "EVERYDAY", "SELECTED", "TRADITIONAL", "EXTRA SPECIAL", "FAMILY")
"""Words that say nothing about scope."""

Measure = Literal["g", "ml", "each"]


@dataclass(frozen=True)
class Kind:
    """One sort of product on a shelf, under several descriptions."""

    words: tuple[str, ...]
    """Descriptions, from which a person can tell what it is."""
    packs: tuple[str, ...]
    """Pack sizes as the shop writes them; the first is the usual one."""
    price_gbp: float
    """Usual price of the usual pack."""
    strengths: tuple[float, ...] = ()
    """Per cent alcohol by volume; empty where the name does not say."""


@dataclass(frozen=True)
class Season:
    """How a year moves the products on sale and their price, as cosines with one peak."""

    peak_day_of_year: int
    products: float
    """Rise of the number of products at the peak over the year's mean, as a share."""
    price: float
    """Fall of the price at the peak below the year's mean, as a share."""


@dataclass(frozen=True)
class SimulatedItem:
    """One CPI item as the simulated shops sell it."""

    number: int
    name: str
    category: str
    """The shelf."""
    target: tuple[Kind, ...]
    """What the item means."""
    other: tuple[Kind, ...]
    """What stands on the same shelf and is not meant."""
    season: Season | None = None
    guests_from: int | None = None
    """Another item some of whose products stand on this shelf too."""
    shrinks: bool = False
    """Packs may become smaller without leaving the item."""


@dataclass(frozen=True)
class Pack:
    """A pack as it is written, and what is in it."""

    text: str
    quantity: float
    measure: Measure


_CONTENT = re.compile(r"(?:([0-9]+)X)?([0-9]+(?:\.[0-9]+)?)(KG|G|ML|CL|L)\b")
_UNITS: dict[str, tuple[Measure, float]] = {
    "KG": ("g", 1000.0),
    "G": ("g", 1.0),
    "ML": ("ml", 1.0),
    "CL": ("ml", 10.0),
    "L": ("ml", 1000.0),
}


def read_pack(text: str) -> Pack:
    """Work out what `800G`, `4X330ML BOTTLES`, `2.272L/4 PINTS`, `6 PACK` or `LOOSE` holds, in g, ml or pieces.

    Raises ValueError for a text of another form.
    """
    if found := _CONTENT.search(text):
        measure, size = _UNITS[found[3]]
        return Pack(text, int(found[1] or 1) * float(found[2]) * size, measure)
    if found := re.fullmatch(r"([0-9]+) PACK", text):
        return Pack(text, float(found[1]), "each")
    if text in ("LOOSE", "EACH"):
        return Pack(text, 1.0, "each")
    raise ValueError(f"pack {text!r}; expected such as 800G, 4X330ML, 6 PACK or LOOSE")


SHARED_NAME_RETAILER = "sim-cedar"
SHARED_NAMES = {
    310207: ("KINGSFOLD RED LION BITTER 4.1% ABV", ("4X440ML CANS", "4X500ML CANS")),
    310215: ("NORTHFIELD PILSNER LAGER 5.0% ABV", ("4X330ML BOTTLES", "4X300ML BOTTLES", "4X275ML BOTTLES")),
    310218: ("BRAMBLE LANE APPLE CIDER 4.8% ABV", ("500ML BOTTLE", "568ML BOTTLE", "750ML BOTTLE")),
}
"""Items of which one retailer lists several pack sizes under one name, without the size; all are targets."""

BREAD_ITEM, BISCUIT_ITEM = 210111, 210302
RENAMED_RETAILER = "sim-birch"
RENAMED = {
    BISCUIT_ITEM: ("Everyday Biscuits", "Biscuits and Crackers"),
    BREAD_ITEM: ("Bread rolls and wraps", "Bread and cakes"),
}
"""Shelves of one retailer that get another name: before and after."""


def shelf_name(retailer: str, item: SimulatedItem) -> str:
    """Return the name of an item's shelf at a retailer, before it is renamed."""
    if retailer == RENAMED_RETAILER and item.number in RENAMED:
        return RENAMED[item.number][0]
    return item.category
