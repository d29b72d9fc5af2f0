"""What the simulated supermarkets sell: retailers, items, pack sizes, usual prices, and words for names.

Constants only. The item numbers are those of the CPI; retailers and brands are made up.
"""

from __future__ import annotations

from dataclasses import dataclass

RETAILERS = {"sim-alder": 0.97, "sim-birch": 1.0, "sim-cedar": 1.06}
"""Simulated retailers and their price levels. The prefix is there so that none can pass for a real one."""

BRANDS = (
    *("OLD MILL", "MEADOWBANK", "GREENLEAF", "HOLLIN & SONS", "KINGSFOLD", "LARKRISE", "BRAMBLE LANE"),
    *("NORTHFIELD", "PENNYWISE", "SILVERDALE", "TREVANNE", "WHITESTONE", "EVERMORE", "FOXGLOVE"),
)
VARIETIES = (
    *("ORIGINAL", "CLASSIC", "ORGANIC", "FINEST", "SIMPLE", "BRITISH", "TRADITIONAL", "SELECTED"),
    *("FAMILY", "EVERYDAY", "FARMHOUSE", "RESERVE", "LIGHT", "EXTRA"),
)

Measure = str
"""`g`, `ml` or `each`."""


@dataclass(frozen=True)
class SimulatedItem:
    """One CPI item as the simulated shops sell it."""

    number: int
    name: str
    category: str
    """The shelf."""
    packs: tuple[int, ...]
    """Pack sizes in `measure`; the first is the usual one."""
    measure: Measure
    price_gbp: float
    """Usual price of the usual pack."""


ITEMS = (
    SimulatedItem(210111, "White sliced loaf", "White Bread", (800, 400), "g", 1.10),
    SimulatedItem(210113, "Wholemeal sliced loaf", "Brown Bread", (800, 400), "g", 1.20),
    SimulatedItem(210204, "Dry spaghetti or pasta", "Dried Pasta", (500, 1000, 3000), "g", 0.95),
    SimulatedItem(210213, "Breakfast cereal 1", "Family Cereal", (375, 500, 750), "g", 2.40),
    SimulatedItem(210214, "Breakfast cereal 2", "Healthy Cereal", (500, 430, 1000), "g", 2.10),
    SimulatedItem(210302, "Plain biscuits", "Everyday Biscuits", (400, 300, 200), "g", 0.95),
    SimulatedItem(211305, "Spreadable butter", "Butter and Spreads", (500, 250, 1000), "g", 2.60),
    SimulatedItem(211501, "Cheddar cheese", "Cheddar", (350, 500, 200), "g", 3.00),
    SimulatedItem(211709, "Whole milk", "Fresh Milk", (2272, 1136, 568), "ml", 1.15),
    SimulatedItem(211710, "Semi-skimmed milk", "Fresh Milk", (2272, 1136, 568), "ml", 1.15),
    SimulatedItem(211807, "Yoghurt or fromage frais", "Yoghurt Multipacks", (500, 450, 720), "g", 1.80),
    SimulatedItem(211814, "Small individual yoghurt", "Single Yoghurts", (125, 150, 175), "g", 0.65),
    SimulatedItem(211901, "Tea bags", "Everyday Tea", (250, 125, 500), "g", 2.60),
    SimulatedItem(212006, "Fruit juice not orange", "Chilled Juice", (1000, 1500, 750), "ml", 1.70),
    SimulatedItem(212011, "Cola drink", "Cola", (2000, 1250, 500), "ml", 1.60),
    SimulatedItem(212016, "Chilled orange juice", "Chilled Juice", (1000, 1750, 850), "ml", 2.20),
    SimulatedItem(212017, "Fizzy bottled drink", "Lemonade and Mixers", (2000, 1000, 500), "ml", 1.30),
    SimulatedItem(212319, "New potatoes", "Potatoes", (1000, 750, 500), "g", 1.25),
    SimulatedItem(212360, "Old white potatoes", "Potatoes", (2500, 2000, 1500), "g", 1.80),
    SimulatedItem(212361, "Baking potatoes", "Potatoes", (4, 2, 1), "each", 1.10),
    SimulatedItem(212515, "Tomatoes", "Tomatoes and Salad", (400, 250, 600), "g", 1.30),
    SimulatedItem(212519, "Onions", "Onions and Garlic", (1000, 750, 500), "g", 0.85),
    SimulatedItem(212717, "Apples", "Apples and Pears", (6, 4, 1), "each", 1.70),
    SimulatedItem(212719, "Bananas", "Bananas", (5, 8, 1), "each", 0.95),
    SimulatedItem(212720, "Strawberries", "Berries", (400, 227, 600), "g", 2.30),
    SimulatedItem(212722, "Grapes", "Grapes", (500, 400, 1000), "g", 2.20),
    SimulatedItem(310207, "Bitter", "Ale and Bitter", (2000, 1760, 500), "ml", 4.20),
    SimulatedItem(310215, "Lager", "Lager", (1760, 1320, 660), "ml", 4.80),
    SimulatedItem(310218, "Apple cider", "Cider", (2000, 568, 500), "ml", 3.10),
    SimulatedItem(310401, "Whisky", "Whisky", (700, 350, 1000), "ml", 17.50),
    SimulatedItem(310403, "Vodka", "Vodka", (700, 350, 1000), "ml", 14.50),
    SimulatedItem(310405, "Brandy", "Brandy", (700, 350), "ml", 15.50),
    SimulatedItem(310419, "White wine European", "White Wine", (750, 187), "ml", 6.80),
    SimulatedItem(310421, "Red wine European", "Red Wine", (750, 187), "ml", 7.10),
    SimulatedItem(310427, "White rum", "Rum", (700, 350, 1000), "ml", 15.00),
)

SHARED_NAME_RETAILER = "sim-cedar"
SHARED_NAME_ITEMS = (212011, 310207, 310215)
"""Items of which one retailer lists three pack sizes under one name."""
