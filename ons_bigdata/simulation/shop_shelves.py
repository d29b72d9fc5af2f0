"""Types and constants of the simulated shelves: retailers, brands, packs, kinds of products, items."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

RETAILERS = {"sim-alder": 0.97, "sim-birch": 1.0, "sim-cedar": 1.06}
"""Simulated retailers and their price levels. The prefix keeps them apart from real ones."""

LATER_RETAILERS = {"sim-damson": 0.99}
"""Retailer in no archive, served on request only: for trying how to add a retailer."""

RETAILERS_WITH_IDS = ("sim-alder", "sim-birch", "sim-damson")
"""Retailers with product ids on their pages; archive files have none."""

BRANDS = (
    *("OLD MILL", "MEADOWBECK", "CLOVERFIELD", "HOLLIN & SONS", "KINGSFOLD", "LARKRISE", "BRAMBLE LANE"),
    *("NORTHFIELD", "PENNYWISE", "SILVERDALE", "TREVANNE", "MILESTONE", "EVERMORE", "FOXGLOVE"),
    *("HAREBELL", "COPPERDEAN", "ASHCOMBE", "ELDERHOLT", "THORNBY", "MARLE & DAY", "QUAYSIDE"),
)
VARIETIES = ("", "CLASSIC", "SIMPLE", "FINEST", "EVERYDAY", "SELECTED", "TRADITIONAL", "EXTRA SPECIAL", "FAMILY")
"""Words without a meaning for scope."""

Measure = Literal["g", "ml", "each"]


@dataclass(frozen=True)
class Kind:
    """Kind of product on a shelf, with its possible descriptions."""

    words: tuple[str, ...]
    """Descriptions from which a person can recognise the kind."""
    packs: tuple[str, ...]
    """Pack sizes as shown; the first is the usual one."""
    price_gbp: float
    """Usual price of the usual pack."""
    strengths: tuple[float, ...] = ()
    """Per cent alcohol by volume; empty where names have none."""


@dataclass(frozen=True)
class Season:
    """Yearly cycle of the number of products and of their price: cosines with one peak."""

    peak_day_of_year: int
    products: float
    """Rise of the number of products at the peak over the year's mean, as a share."""
    price: float
    """Fall of the price at the peak below the year's mean, as a share."""


@dataclass(frozen=True)
class SimulatedItem:
    """CPI item as the simulated shops sell it."""

    number: int
    name: str
    category: str
    """Name of the shelf."""
    target: tuple[Kind, ...]
    """Kinds in the scope of the item."""
    other: tuple[Kind, ...]
    """Kinds on the same shelf that are out of scope."""
    season: Season | None = None
    guests_from: int | None = None
    """Another item, some of whose products are on this shelf as well."""
    shrinks: bool = False
    """True if packs may become smaller and stay in scope."""


@dataclass(frozen=True)
class Pack:
    """Text of a pack and its content."""

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
    """Parse `800G`, `4X330ML BOTTLES`, `2.272L/4 PINTS`, `6 PACK` or `LOOSE` into g, ml or pieces.

    Raises ValueError for a text of another form.
    """
    if match := _CONTENT.search(text):
        measure, size = _UNITS[match[3]]
        return Pack(text, int(match[1] or 1) * float(match[2]) * size, measure)
    if match := re.fullmatch(r"([0-9]+) PACK", text):
        return Pack(text, float(match[1]), "each")
    if text in ("LOOSE", "EACH"):
        return Pack(text, 1.0, "each")
    raise ValueError(f"pack {text!r}; expected such as 800G, 4X330ML, 6 PACK or LOOSE")


SHARED_NAME_RETAILER = "sim-cedar"
SHARED_NAMES = {
    310207: ("KINGSFOLD RED LION BITTER 4.1% ABV", ("4X440ML CANS", "4X500ML CANS")),
    310215: ("NORTHFIELD PILSNER LAGER 5.0% ABV", ("4X330ML BOTTLES", "4X300ML BOTTLES", "4X275ML BOTTLES")),
    310218: ("BRAMBLE LANE APPLE CIDER 4.8% ABV", ("500ML BOTTLE", "568ML BOTTLE", "750ML BOTTLE")),
}
"""Items of which one retailer lists several pack sizes under one name without a size; all are in scope."""

BREAD_ITEM, BISCUIT_ITEM = 210111, 210302
RENAMED_RETAILER = "sim-birch"
RENAMED = {
    BISCUIT_ITEM: ("Everyday Biscuits", "Biscuits and Crackers"),
    BREAD_ITEM: ("Bread rolls and wraps", "Bread and cakes"),
}
"""Renamed shelves of one retailer: name before and after."""


def shelf_name(retailer: str, item: SimulatedItem) -> str:
    """Name of an item's shelf at a retailer before any renaming."""
    if retailer == RENAMED_RETAILER and item.number in RENAMED:
        return RENAMED[item.number][0]
    return item.category
