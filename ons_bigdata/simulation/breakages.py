"""Breakages of the simulated collection by day, and their effect on the shelves that a scraper sees.

`scrape_archive` writes them to files, `shops_over_http` serves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.simulation.shop_shelves import BISCUIT_ITEM, BREAD_ITEM, RENAMED, RENAMED_RETAILER

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT_DAYS = 28
"""Length of the script; a shorter simulation has four events only."""

STALE_AFTER_DAYS = 7
"""Days without any change after which a stale copy has to be detected; it may be detected before."""


@dataclass(frozen=True)
class Event:
    """A breakage of the simulated collection."""

    kind: str
    """A member of KINDS."""
    retailer: str
    first_day: int
    """Counted from the start, which is day 0."""
    last_day: int
    item_number: int | None = None
    """Item affected; None for the whole run."""
    category: str | None = None
    """Shelf affected, by its name before the event."""
    note: str = ""

    @property
    def expected_finding(self) -> str:
        """Expected finding of quality assurance."""
        return KINDS[self.kind]

    @property
    def detected_from_day(self) -> int | None:
        """First day on which it has to be detected; None where no finding is expected."""
        if self.kind in HARMLESS:
            return None
        return self.first_day + (STALE_AFTER_DAYS - 1 if self.kind == "stale_copy" else 0)

    @property
    def category_after(self) -> str | None:
        """Name of the shelf from the first day of the event on; None where it keeps its name."""
        if self.kind != "category_renamed" or self.item_number is None:
            return None
        return RENAMED[self.item_number][1]

    def affects(self, retailer: str, day: int) -> bool:
        """True if the event affects a retailer on a day."""
        return self.retailer == retailer and self.first_day <= day <= self.last_day


KINDS = {
    "outage": "nothing of the retailer on the day: every page has status 503, or the file has no bytes",
    "category_renamed": "no product under the old name; a category of a similar name holds the same products",
    "changed_markup": "no product parsed on a page that has content",
    "empty_page": "no product: the page is empty, with status 200",
    "bot_wall": "no product: the page asks whether the visitor is human, with status 200",
    "whole_shop": "many times the usual number of products: the category lists the whole shop",
    "duplicated_listings": "each product is listed three times on its shelf",
    "wrong_unit": "unit prices ten times too high: the pack sizes that they imply are a tenth of the day before",
    "price_error": "prices a hundred times too high: pence where pounds are due",
    "stale_copy": "no price changes, no product comes or goes on the shelf for days, while others move",
    "file_cut_off": "the last row of the file is cut in the middle and goes to quarantine",
    "page_failed_once": "nothing: the second page has status 500 once and is there when asked again",
    "malformed_json": "nothing where the reader forgives a trailing comma; else a page that cannot be parsed",
}
"""Kind of event → expected finding of quality assurance."""

HARMLESS = ("page_failed_once", "malformed_json")
"""Kinds after which nothing is missing or wrong, if the scraper does its work."""

WITHOUT_PRODUCTS = ("category_renamed", "changed_markup", "empty_page", "bot_wall")
"""Kinds on whose days a scraper finds no product on the shelf."""

_BISCUITS, _BREAD = RENAMED[BISCUIT_ITEM], RENAMED[BREAD_ITEM]


def planned_events(days: int) -> tuple[Event, ...]:
    """Events of a simulation of the given number of days, in order.

    The script takes the last 28 days: its first 14 are quiet, and the last two have the events for scraping over HTTP.
    A simulation of fewer days has an outage, a renamed category, a price error and a file that is cut off, all after
    the first seventh.
    """
    if days < SCRIPT_DAYS:
        return _short_script(days)
    offset = days - SCRIPT_DAYS
    return tuple(
        Event(kind, retailer, offset + first, offset + last, item, category, note)
        for kind, retailer, first, last, item, category, note in _SCRIPT
    )


_RENAMED_NOTE = "nothing found on these days under {0!r}; then collected from {1!r}"

_SCRIPT = (
    ("outage", "sim-alder", 14, 14, None, None, "the file has no bytes"),
    ("stale_copy", "sim-cedar", 15, 23, 310401, "Whisky", "shelf and prices of the day before the first"),
    ("category_renamed", RENAMED_RETAILER, 16, 17, BISCUIT_ITEM, _BISCUITS[0], _RENAMED_NOTE.format(*_BISCUITS)),
    ("price_error", "sim-cedar", 17, 17, 211901, "Everyday Tea", "prices times 100"),
    ("duplicated_listings", "sim-alder", 18, 18, 212515, "Tomatoes and Salad", "each product three times"),
    ("wrong_unit", "sim-alder", 19, 19, 211501, "Cheddar", "price per kg where per 100 g is said"),
    ("whole_shop", "sim-birch", 20, 20, 310427, "Rum", "every product of the shop"),
    ("file_cut_off", "sim-cedar", 21, 21, None, None, "the last row is cut in the middle"),
    ("changed_markup", "sim-birch", 22, 22, 212016, "Chilled Juice", "names of the page's parts differ"),
    ("empty_page", "sim-alder", 23, 23, 310215, "Lager", "a page without products"),
    ("bot_wall", "sim-cedar", 24, 24, 210204, "Dried Pasta", "a page that asks whether one is human"),
    ("category_renamed", RENAMED_RETAILER, 26, 27, BREAD_ITEM, _BREAD[0], _RENAMED_NOTE.format(*_BREAD)),
    ("changed_markup", "sim-alder", 26, 26, 210213, "Family Cereal", "names of the page's parts differ"),
    ("page_failed_once", "sim-alder", 26, 26, 310421, "Red Wine", "the second page fails at the first request"),
    ("malformed_json", "sim-birch", 26, 26, 212717, "Apples and Pears", "a trailing comma on the first page"),
    ("price_error", "sim-cedar", 27, 27, 212719, "Bananas", "prices times 100"),
    ("duplicated_listings", "sim-alder", 27, 27, 212360, "White Potatoes", "each product three times"),
)


def _short_script(days: int) -> tuple[Event, ...]:
    outage, renamed, error, cut = days // 3, days * 3 // 7, days * 4 // 7, days * 5 // 7
    note = _RENAMED_NOTE.format(*_BISCUITS)
    return (
        Event("outage", "sim-alder", outage, outage, note="the file has no bytes"),
        Event("category_renamed", RENAMED_RETAILER, renamed, renamed + 1, BISCUIT_ITEM, _BISCUITS[0], note),
        Event("price_error", "sim-cedar", error, error, 211901, "Everyday Tea", "prices times 100"),
        Event("file_cut_off", "sim-cedar", cut, cut, note="the last row is cut in the middle"),
    )


def displayed(shelves: pl.DataFrame, events: Sequence[Event]) -> pl.DataFrame:
    """Listings as the shops display them: the true shelves with the faults of the shops themselves.

    Adds unit_price_factor (1.0 where the unit price is right). A renamed shelf has its new name from the
    first day on.
    """
    shown = shelves.with_columns(pl.lit(1.0).alias("unit_price_factor"))
    for event in events:
        if event.item_number is None:
            continue  # affects the whole run, not a shelf
        struck = (pl.col("retailer") == event.retailer) & (pl.col("item_number") == event.item_number)
        within = struck & pl.col("day").is_between(event.first_day, event.last_day)
        if event.kind == "category_renamed":
            later = struck & (pl.col("day") >= event.first_day)
            new = pl.when(later).then(pl.lit(event.category_after)).otherwise("category")
            shown = shown.with_columns(new.alias("category"))
        elif event.kind == "price_error":
            factor = pl.when(within).then(100).otherwise(1)
            shown = shown.with_columns(pl.col("price_pence", "regular_pence") * factor)
        elif event.kind == "wrong_unit":
            shown = shown.with_columns(
                pl.when(within).then(10.0).otherwise("unit_price_factor").alias("unit_price_factor")
            )
        elif event.kind == "duplicated_listings":
            shown = shown.with_columns(pl.when(within).then(3).otherwise("listings").alias("listings"))
        elif event.kind == "stale_copy":
            shown = _stale(shown, event, struck, within)
        elif event.kind == "whole_shop":
            shown = _whole_shop(shown, event, struck, within)
    return shown


def _stale(shown: pl.DataFrame, event: Event, struck: pl.Expr, within: pl.Expr) -> pl.DataFrame:
    """Replace the shelf of each day by that of the day before."""
    before = shown.filter(struck & (pl.col("day") == event.first_day - 1))
    copies = [
        before.with_columns(pl.lit(day, pl.Int64).alias("day")) for day in range(event.first_day, event.last_day + 1)
    ]
    return pl.concat([shown.filter(~within), *copies])


def _whole_shop(shown: pl.DataFrame, event: Event, struck: pl.Expr, within: pl.Expr) -> pl.DataFrame:
    """List every product of the shop on one shelf, in addition to its usual shelf."""
    shelf = shown.filter(struck).select("item_number", "item_name", "category").row(0)
    on = pl.col("day").is_between(event.first_day, event.last_day)
    whole = (
        shown.filter((pl.col("retailer") == event.retailer) & on)
        .unique(["product_id", "pack", "day"], keep="first", maintain_order=True)
        .with_columns(
            pl.lit(shelf[0], pl.Int64).alias("item_number"),
            pl.lit(shelf[1]).alias("item_name"),
            pl.lit(shelf[2]).alias("category"),
            pl.lit(1, pl.Int64).alias("listings"),
        )
    )
    return pl.concat([shown.filter(~within), whole])


def scraped_listings(shown: pl.DataFrame, events: Sequence[Event]) -> pl.DataFrame:
    """Listings that a scraper collects of those shown: products in stock, without the shelves that yield nothing."""
    lost = pl.lit(value=False)
    for event in events:
        if event.kind in WITHOUT_PRODUCTS:
            struck = (pl.col("retailer") == event.retailer) & (pl.col("item_number") == event.item_number)
            lost |= struck & pl.col("day").is_between(event.first_day, event.last_day)
    return shown.filter(pl.col("in_stock") & ~lost)
