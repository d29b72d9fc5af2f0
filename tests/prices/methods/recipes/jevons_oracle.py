"""Chained and fixed-base Jevons in plain loops, written from the definition: the oracle for the engine's arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

if TYPE_CHECKING:
    from datetime import date

    Prices = dict[str, dict[date, float]]


class Level(NamedTuple):
    """Index of one retailer's item on a day. `segment`, `level`: None where there is no index."""

    segment: int | None
    level: float | None
    products: int


def chained_jevons(prices: Prices, link_window_days: int) -> dict[date, Level]:
    """Compare each product with the index of the day of its last price.

    ln I(t) = mean over i in M(t) of [ln I(l(i)) + ln p_i(t) - ln p_i(l(i))], M(t) the products priced on t whose last
    price, on l(i), is at most `link_window_days` days old and in the segment of the latest l(i). Without such a product
    a new segment begins at 1.
    """
    last: dict[str, date] = {}
    logs: dict[date, float] = {}
    segments: dict[date, int] = {}
    levels: dict[date, Level] = {}
    begun = 0
    for day in sorted({day for by_day in prices.values() for day in by_day}):
        today = [product for product, by_day in prices.items() if day in by_day]
        links = {
            product: last[product]
            for product in today
            if product in last and (day - last[product]).days <= link_window_days
        }
        if links:
            segments[day] = segments[max(links.values())]
            terms = [
                logs[before] + math.log(prices[product][day]) - math.log(prices[product][before])
                for product, before in links.items()
                if segments[before] == segments[day]
            ]
            logs[day] = math.fsum(terms) / len(terms)
        else:
            segments[day], logs[day], terms = begun, 0.0, []
            begun += 1
        levels[day] = Level(segments[day], math.exp(logs[day]), len(terms) or len(today))
        last |= dict.fromkeys(today, day)
    return levels


def fixed_base_jevons(prices: Prices, base_week: tuple[date, date]) -> dict[date, Level]:
    """Compare each price with the geometric mean of the product's prices of the base week."""
    first, last = base_week
    base = {
        product: math.fsum(logs) / len(logs)
        for product, by_day in prices.items()
        if (logs := [math.log(price) for day, price in by_day.items() if first <= day <= last])
    }
    terms: dict[date, list[float]] = defaultdict(list)
    for product, by_day in prices.items():
        for day, price in by_day.items():
            terms[day] += [math.log(price) - base[product]] if product in base else []
    return {
        day: Level(0, math.exp(math.fsum(logs) / len(logs)), len(logs)) if logs else Level(None, None, 0)
        for day, logs in sorted(terms.items())
    }


def prices_of(quotes: pl.DataFrame) -> dict[tuple[str, int], Prices]:
    """Prices of each retailer's item, by product and day, from quotes."""
    columns = ["retailer", "item_number", "product", "collected_on", "price_gbp"]
    strata: dict[tuple[str, int], Prices] = {}
    for retailer, item, product, day, price in quotes.select(columns).iter_rows():
        strata.setdefault((retailer, item), {}).setdefault(product, {})[day] = price
    return strata
