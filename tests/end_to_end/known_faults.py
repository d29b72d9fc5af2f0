"""Known faults of the real archive of 2016, from an inspection of its files, counts and shelves by hand."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

Faults = dict[tuple[str, int], set[str]]
"""Days by retailer and item."""


def days(*texts: str) -> set[str]:
    """Expand `MM-DD` and `MM-DD..MM-DD` to ISO days of 2016."""
    found = set()
    for text in texts:
        first, _, last = text.partition("..")
        day = date.fromisoformat(f"2016-{first}")
        while day <= date.fromisoformat(f"2016-{last or first}"):
            found.add(day.isoformat())
            day += timedelta(days=1)
    return found


OUTAGES = {  # every file of the day is empty
    "sainsbury": days("09-11", "09-12"),
    "tesco": days("09-12"),
    "waitrose": days("09-10", "09-12"),
}
GAPS = {"sainsbury": days("07-24", "08-07")}  # no file at all
CUT_OFF = {
    ("tesco_products_20160803092818.csv", 1831),
    ("waitrose_products_20160816104341.csv", 1316),
    ("waitrose_products_20160907111413.csv", 1329),
}
EXPLOSIONS = {  # the category returned the whole shop, or another shelf
    ("waitrose", 210302): days("07-22..08-01", "08-12..08-19", "09-06", "09-07"),
    ("waitrose", 211901): days("07-22..07-26", "07-28", "07-31", "08-01"),
    ("waitrose", 212720): days("09-06..09-09", "09-13..09-15"),
}
CUT_SHORT = {  # the run ended early in the category
    ("waitrose", 210302): days("08-09", "08-30", "08-31", "09-02"),
    ("waitrose", 210213): days("07-31", "08-29..08-31", "09-02"),
    ("waitrose", 211305): days("07-29"),
    ("waitrose", 310207): days("07-31", "08-07", "08-30", "08-31"),
    ("waitrose", 310215): days("08-05", "08-09", "08-30", "08-31"),
    ("waitrose", 310419): days("07-23", "07-27", "08-09", "08-30", "09-02"),
    ("waitrose", 310421): days("07-23", "07-26", "07-27", "08-30", "08-31", "09-02", "09-07"),
}
VANISHED = {  # the run ended before it came to the category
    ("waitrose", 210111): days("07-29", "07-30"),
    ("waitrose", 210113): days("07-29", "07-30"),
    ("waitrose", 210302): days("09-11"),
    ("waitrose", 211305): days("07-30", "09-11"),
    ("waitrose", 211709): days("07-30", "09-11"),
    ("waitrose", 211710): days("07-30", "09-11"),
    ("waitrose", 211807): days("07-29", "07-30", "09-11"),
    ("waitrose", 211814): days("07-29", "07-30", "09-11"),
    ("waitrose", 211901): days("07-29", "07-30", "09-11"),
    ("waitrose", 212006): days("07-29", "07-30", "09-11"),
    ("waitrose", 212016): days("09-11"),
    ("waitrose", 212017): days("07-29", "07-30", "09-11"),
    ("waitrose", 212319): days("07-30", "09-11"),
    ("waitrose", 212360): days("07-30", "08-31", "09-02", "09-11"),
    ("waitrose", 212515): days("09-11"),
    ("waitrose", 310215): days("09-11"),
    ("waitrose", 310401): days("07-29", "07-30", "09-11"),
    ("waitrose", 310403): days("07-27", "07-29", "07-30", "09-11"),
    ("waitrose", 310419): days("07-29", "07-30", "09-11"),
    ("waitrose", 310421): days("07-30", "09-11"),
    ("waitrose", 310427): days("07-30", "09-11"),
}

# What the judgement of counts lets pass (more than half of the products are there), or is no count at all.
ENDED_EARLY: Faults = {  # the run ended before it came to the shelf, as on the same days in VANISHED
    ("waitrose", 210111): days("09-11"),
    ("waitrose", 210113): days("09-11"),
    ("waitrose", 212720): days("07-29", "07-30", "09-11"),
    ("waitrose", 212722): days("09-11"),
}
RENAMED: Faults = {  # the shop renamed the shelf; it was found again on 10 August, with other products
    ("sainsbury", 210213): days("08-09", "08-10"),
    ("sainsbury", 210214): days("08-08..08-10"),
}
FIRST_PAGES_ONLY: Faults = {  # the shelf breaks off after its first pages and is whole again a day or two later
    ("tesco", 212719): days("09-11"),  # 4 of 12
    ("tesco", 310207): days("09-11"),  # 100 of 144
    ("tesco", 310421): days("09-11"),  # 100 of 213
    ("waitrose", 210204): days("08-30", "08-31"),  # 45 of 69
    ("waitrose", 212017): days("08-03", "08-09", "08-10", "08-30", "08-31", "09-01", "09-06", "09-07"),  # 82 of 131
    ("waitrose", 310419): days("08-03", "09-01"),  # 160 and 140 of 255
    ("waitrose", 310421): days("07-31"),  # 184 of 285
}
SHELF_GONE: Faults = {  # one of the item's two shelves: no brandy, while there is cognac
    ("waitrose", 310405): days("08-31"),
}
OTHER_SHELF: Faults = {  # the scraper was given another shelf, with other products
    ("waitrose", 211901): days("08-02"),
    ("waitrose", 212017): days("08-02"),  # until then the shelf had two thirds of its products
}

SHORT_RUNS = {  # the pages of most shelves end after 20 of 26 products, or shelves of several items break off
    "tesco": days(
        "07-23..07-25", "07-27..07-31", "08-04", "08-13", "08-14", "08-18", "08-19", "08-21", "08-31", "09-02", "09-05",
        "09-07", "09-09", "09-11", "09-15",
    ),
    "waitrose": days("08-03", "08-09", "08-17", "08-31", "09-01"),  # on the first three, three shelves each
}  # fmt: skip


def _together(*kinds: Faults) -> Faults:
    faults: Faults = defaultdict(set)
    for kind in kinds:
        for key, struck in kind.items():
            faults[key] |= struck
    return dict(faults)


FAULTS = _together(EXPLOSIONS, CUT_SHORT, VANISHED, ENDED_EARLY, RENAMED, FIRST_PAGES_ONLY, SHELF_GONE, OTHER_SHELF)
"""Every faulty retailer-item-day, less those of OUTAGES and GAPS, which strike all items of the retailer."""
