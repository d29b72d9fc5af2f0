"""Which elementary formula an item takes in the recipes `cpi_like` and `rpi_like`, and why.

Working defaults of this project, not the offices' own lists, which are not published item by item.
"""

from __future__ import annotations

from typing import NamedTuple

FORMULAS = ("jevons", "dutot", "carli")

ONE_PRODUCT = "one product in one measure at a retailer: a mean price has a meaning"
MANY_PRODUCTS = "brands, packs and qualities of different price levels: relatives are averaged, not prices"


class ItemFormula(NamedTuple):
    """The formulas of one item. `cpi_like`: jevons or dutot; `rpi_like`: carli or dutot."""

    item_number: int
    cpi_like: str
    rpi_like: str
    reason: str


_HOMOGENEOUS = (
    211710,  # semi-skimmed milk, two pints
    212319,  # new potatoes
    212360,  # white potatoes, old crop
    212361,  # baking potatoes
    212519,  # onions
    212719,  # bananas
)
_VARIED = (
    210111, 210113, 210204, 210213, 210214, 210302, 211305, 211501, 211709, 211807, 211814, 211901, 212006, 212011,
    212016, 212017, 212515, 212717, 212720, 212722, 310207, 310215, 310218, 310401, 310403, 310405, 310419, 310421,
    310427,
)  # fmt: skip

ITEM_FORMULAS = tuple(
    sorted(
        [ItemFormula(item, "dutot", "dutot", ONE_PRODUCT) for item in _HOMOGENEOUS]
        + [ItemFormula(item, "jevons", "carli", MANY_PRODUCTS) for item in _VARIED]
    )
)


def formulas_of(recipe: str) -> tuple[tuple[int, str], ...]:
    """Give item number and formula of a recipe, `cpi_like` or `rpi_like`. Raises ValueError on another name."""
    if recipe not in {"cpi_like", "rpi_like"}:
        message = f"item formulas: unknown recipe {recipe!r}; known: cpi_like, rpi_like"
        raise ValueError(message)
    return tuple((row.item_number, getattr(row, recipe)) for row in ITEM_FORMULAS)
