"""The simulated world of shops: true shelves, planned events, and the shelves as shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ons_bigdata.simulation.breakages import Event, displayed, planned_events
from ons_bigdata.simulation.shop_prices import true_shelves
from ons_bigdata.simulation.shop_shelves import RETAILERS

if TYPE_CHECKING:
    from collections.abc import Collection

    import polars as pl

FEWEST_DAYS, MOST_DAYS = 7, 1_096
DAYS, START, SEED = 28, date(2016, 5, 2), 2014


@dataclass(frozen=True)
class ShopWorld:
    """Shops with their true shelves and the events that disturb them."""

    retailers: tuple[str, ...]
    days: int
    start: date
    seed: int
    shelves: pl.DataFrame
    """True listings, with the columns of `shop_prices.SHELVES`."""
    pack_changes: pl.DataFrame
    """Packs that become smaller, with the columns of `shop_prices.PACK_CHANGES`."""
    events: tuple[Event, ...]

    @cached_property
    def shown(self) -> pl.DataFrame:
        """Listings as the shops show them, faults included; with the column unit_price_factor."""
        return displayed(self.shelves, self.events)

    def date_of(self, day: int) -> date:
        """Date of a day. Raises ValueError for a day outside of the simulation."""
        if not 0 <= day < self.days:
            raise ValueError(f"day is {day}; expected 0 to {self.days - 1}")
        return self.start + timedelta(days=day)


def build_world(
    *,
    days: int = DAYS,
    start: date = START,
    seed: int = SEED,
    retailers: Collection[str] = tuple(RETAILERS),
    shelf_size: float = 1.0,
) -> ShopWorld:
    """Simulate the shops over some days.

    shelf_size multiplies the number of products on each shelf (1.0: more than 6,500 products in scope in the three
    shops). The products of a retailer do not depend on the other retailers. The same arguments give the same world.

    Raises ValueError if days is not between 7 and 366, if shelf_size is not above 0 and at most 5, or for an unknown
    retailer.
    """
    if not FEWEST_DAYS <= days <= MOST_DAYS:
        raise ValueError(f"days is {days}; expected {FEWEST_DAYS} to {MOST_DAYS}")
    if not 0 < shelf_size <= 5:
        raise ValueError(f"shelf_size is {shelf_size}; expected above 0 and at most 5")
    events = tuple(event for event in planned_events(days) if event.retailer in retailers)
    shelves, pack_changes = true_shelves(
        retailers,
        days=days,
        start=start,
        seed=seed,
        shelf_size=shelf_size,
        unshrunk={(event.retailer, event.item_number) for event in events if event.item_number},
    )
    return ShopWorld(tuple(retailers), days, start, seed, shelves, pack_changes, events)
