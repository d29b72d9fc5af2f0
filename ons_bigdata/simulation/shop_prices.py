"""True prices of simulated supermarkets, day by day.

Prices are sticky, end in 0, 5 or 9 pence, go on sale and come back; products enter and leave, run out of stock, shrink;
some items have a season.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.shop_products import GUESTS, ITEMS, Product, stock_shelves
from ons_bigdata.simulation.shop_shelves import read_pack, shelf_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ons_bigdata.simulation.shop_shelves import Season

REPRICING_RATE = 0.02
"""Share of products whose regular price changes on a day."""

SEASONAL_REPRICING_RATE = 0.08

SALE_RATE = 0.012
"""Share of products that go on sale on a day."""

OUT_OF_STOCK_RATE, SUNDAY_OUT_OF_STOCK_RATE = 0.005, 0.012
"""Share of products that run out on a weekday or Saturday, and on a Sunday."""

SHRINKING_PER_RETAILER = 5
"""Products per retailer whose pack becomes smaller."""

LEAST_TO_SHRINK_G = 250
"""Smallest pack that shrinks, so that the smaller pack is still in the scope of the item."""

_SALE_DAYS = (7, 14)
_SALE_CUT = (0.20, 0.33)
_OUT_OF_STOCK_DAYS = (1, 3)
_BURN_IN_DAYS = 21
"""Days simulated before day 0, so that some products are on sale or out of stock on it."""

SHELVES = {
    "retailer": pl.String,
    "item_number": pl.Int64,
    "item_name": pl.String,
    "category": pl.String,
    "place": pl.Int64,
    "product_id": pl.String,
    "product_name": pl.String,
    "pack": pl.String,
    "quantity": pl.Float64,
    "measure": pl.String,
    "in_scope": pl.Boolean,
    "listings": pl.Int64,
    "multibuy": pl.Int64,
    "has_loyalty_price": pl.Boolean,
    "has_short_life": pl.Boolean,
    "day": pl.Int64,
    "price_pence": pl.Int64,
    "regular_pence": pl.Int64,
    "in_stock": pl.Boolean,
}
"""Columns of the shelves; one row per retailer, item, product and day on which the product is listed."""

PACK_CHANGES = {
    "retailer": pl.String,
    "item_number": pl.Int64,
    "product_id": pl.String,
    "day": pl.Int64,
    "product_name_before": pl.String,
    "product_name": pl.String,
    "pack_before": pl.String,
    "pack": pl.String,
}


def true_shelves(
    retailers: Collection[str],
    *,
    days: int,
    start: date,
    seed: int,
    shelf_size: float,
    unshrunk: Collection[tuple[str, int]] = (),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Simulate what the shops list (SHELVES), and which packs become smaller (PACK_CHANGES).

    quantity is in measure (g, ml or each); day 0 is `start`; price_pence is below regular_pence during a sale; listings
    is how often the retailer lists the product. Rows are in the order of the shelves, the days of a product together.
    unshrunk: pairs of retailer and item whose packs stay. The same arguments give the same rows.
    """
    trends = dict(
        zip((item.number for item in ITEMS), np.random.default_rng([seed, 0]).uniform(-6e-4, 8e-4, 35), strict=True)
    )
    shelves, changes = [], []
    for retailer in retailers:
        products = stock_shelves(retailer, days=days, seed=seed, shelf_size=shelf_size)
        rng = np.random.default_rng([seed, 100, sum(retailer.encode())])
        shrinking = _shrinking(rng, products, unshrunk, days)
        paths = _Paths(rng, products, days=days, start=start, trends=trends, shrinking=shrinking)
        shelves.append(_rows(paths, products, shrinking, start, days))
        changes += [_change(products[index], day) for index, day in shrinking.items()]
    return pl.concat(shelves), pl.DataFrame(changes, schema=PACK_CHANGES, orient="row").sort("retailer", "day")


class _Paths:
    """Price, regular price and stock of every product on every day, as arrays (products × days)."""

    def __init__(
        self,
        rng: np.random.Generator,
        products: Sequence[Product],
        *,
        days: int,
        start: date,
        trends: dict[int, float],
        shrinking: dict[int, int],
    ) -> None:
        count = len(products)
        self.price, self.regular = np.empty((2, count, days), np.int64)
        self.in_stock = np.ones((count, days), bool)
        usual = np.array([product.usual_pence for product in products])
        trend = np.array([trends[product.item.number] for product in products])
        is_seasonal = np.array([product.item.season is not None for product in products])
        rate = np.where(is_seasonal, SEASONAL_REPRICING_RATE, REPRICING_RATE)
        shrinks_on = np.array([shrinking.get(index, -1) for index in range(count)])
        levels = _season_levels(products, start, range(-_BURN_IN_DAYS, days))
        regular = shop_prices(usual * levels[-_BURN_IN_DAYS])
        price, sale_ends = regular.copy(), np.full(count, -_BURN_IN_DAYS - 1)
        back_in_stock = np.full(count, -_BURN_IN_DAYS)
        for day in range(-_BURN_IN_DAYS, days):
            chance, noise, cut = rng.random(count), rng.normal(0.0, 0.03, count), rng.uniform(*_SALE_CUT, count)
            length = rng.integers(_SALE_DAYS[0], _SALE_DAYS[1] + 1, count)
            price = np.where(sale_ends == day, regular, price)
            # No price change on the day on which a sale ends or the pack shrinks.
            may_change = (sale_ends < day) & (shrinks_on != day)
            is_repriced = may_change & (chance < rate)
            regular = np.where(is_repriced, shop_prices(usual * levels[day] * np.exp(trend * day + noise)), regular)
            reduced = shop_prices(regular * (1 - cut))
            # Products too cheap for a sale price within the usual cut do not go on sale.
            is_round = (reduced <= regular * (1 - _SALE_CUT[0])) & (reduced >= regular * (1 - _SALE_CUT[1]))
            on_sale = may_change & ~is_repriced & (chance < rate + SALE_RATE) & is_round
            price = np.where(is_repriced, regular, np.where(on_sale, reduced, price))
            sale_ends = np.where(on_sale, day + length, sale_ends)
            if day >= 0:
                self.price[:, day], self.regular[:, day] = price, regular
                self.in_stock[:, day] = day >= back_in_stock
            back_in_stock = self._run_out(rng, back_in_stock, day, start)

    @staticmethod
    def _run_out(rng: np.random.Generator, back_in_stock: np.ndarray, day: int, start: date) -> np.ndarray:
        """First day on which each product is in stock again; some run out tomorrow."""
        is_sunday = (start + timedelta(days=day)).weekday() == 6
        runs_out = rng.random(len(back_in_stock)) < (SUNDAY_OUT_OF_STOCK_RATE if is_sunday else OUT_OF_STOCK_RATE)
        until = day + 1 + rng.integers(_OUT_OF_STOCK_DAYS[0], _OUT_OF_STOCK_DAYS[1] + 1, len(back_in_stock))
        return np.where(runs_out & (back_in_stock <= day), until, back_in_stock)


def _rows(
    paths: _Paths, products: Sequence[Product], shrinking: dict[int, int], start: date, days: int
) -> pl.DataFrame:
    """Shelves of one retailer: its products on the days on which they are listed, and guests from other shelves."""
    first = np.array([product.first_day for product in products])[:, None]
    end = np.array([product.end_day for product in products])[:, None]
    calendar = np.arange(days)[None, :]
    is_listed = (first <= calendar) & (calendar < end) & _in_season(products, start, days)
    index, day = np.nonzero(is_listed)
    shrinks_on = np.array([shrinking.get(number, days) for number in range(len(products))])
    # Smaller packs are further descriptions after those of the products.
    smaller = {number: len(products) + place for place, number in enumerate(shrinking)}
    described = [*products, *(_smaller(products[number]) for number in shrinking)]
    description = np.where(
        day >= shrinks_on[index], np.array([smaller.get(n, n) for n in range(len(products))])[index], index
    )
    rows = (
        _descriptions(described)[description]
        .with_columns(
            pl.Series("day", day, pl.Int64),
            pl.Series("price_pence", paths.price[index, day]),
            pl.Series("regular_pence", paths.regular[index, day]),
            pl.Series("in_stock", paths.in_stock[index, day]),
        )
        .select(list(SHELVES))
    )
    return pl.concat([rows, *_guests(rows, products, days)])


def _descriptions(products: Sequence[Product]) -> pl.DataFrame:
    columns = list(SHELVES)[:15]
    rows = [
        (
            *(product.retailer, product.item.number, product.item.name, shelf_name(product.retailer, product.item)),
            *(product.place, product.product_id, product.name),
            *(product.pack.text, product.pack.quantity, product.pack.measure, product.in_scope),
            *(product.listings, product.multibuy, product.has_loyalty_price, product.has_short_life),
        )
        for product in products
    ]
    return pl.DataFrame(rows, schema={name: SHELVES[name] for name in columns}, orient="row")


def _guests(rows: pl.DataFrame, products: Sequence[Product], days: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of products that are also listed at the end of another item's shelf."""
    staying: dict[int, list[str]] = {}
    for product in products:
        stays = product.first_day == 0 and product.end_day == days and product.in_scope and product.item.season is None
        if stays and product.pack.text in product.name:
            staying.setdefault(product.item.number, []).append(product.product_id)
    for item in ITEMS:
        if item.guests_from is not None:
            guests = staying.get(item.guests_from, [])[:GUESTS]
            retailer = products[0].retailer
            yield rows.filter(pl.col("product_id").is_in(guests)).with_columns(
                pl.lit(item.number, pl.Int64).alias("item_number"),
                pl.lit(item.name).alias("item_name"),
                pl.lit(shelf_name(retailer, item)).alias("category"),
                (pl.col("place") + 1000).alias("place"),
                pl.lit(value=False).alias("in_scope"),
            )


# --- seasons --------------------------------------------------------------------------------------------


def _height(season: Season, start: date, day: int) -> float:
    """Height of the season on a day: 1 at its peak, -1 half a year away."""
    day_of_year = (start + timedelta(days=day)).timetuple().tm_yday
    return float(np.cos(2 * np.pi * (day_of_year - season.peak_day_of_year) / 365.25))


def _season_levels(products: Sequence[Product], start: date, days: range) -> dict[int, np.ndarray]:
    """Day → seasonal factor of each product's price."""
    number_of = {item.number: index for index, item in enumerate(ITEMS)}
    items = np.array([number_of[product.item.number] for product in products])
    return {
        day: np.array(
            [1 - item.season.price * _height(item.season, start, day) if item.season else 1.0 for item in ITEMS]
        )[items]
        for day in days
    }


def _in_season(products: Sequence[Product], start: date, days: int) -> np.ndarray:
    """True where a product is on the shelf on a day (products × days); fewer are out of season."""
    is_open = np.ones((len(products), days), bool)
    for item in ITEMS:
        if item.season is None:
            continue
        rows = [index for index, product in enumerate(products) if product.item is item and product.in_scope]
        places = sorted({products[index].place for index in rows})
        rank = {place: position / len(places) for position, place in enumerate(places)}
        ranks = np.array([rank[products[index].place] for index in rows])
        heights = np.array([_height(item.season, start, day) for day in range(days)])
        share = (1 + item.season.products * heights) / (1 + item.season.products)
        is_open[rows] = ranks[:, None] < share[None, :]
    return is_open


# --- smaller packs --------------------------------------------------------------------------------------


def _shrinking(
    rng: np.random.Generator, products: Sequence[Product], unshrunk: Collection[tuple[str, int]], days: int
) -> dict[int, int]:
    """Index of each product whose pack becomes smaller → day of the change."""
    candidates = [
        index
        for index, product in enumerate(products)
        if product.item.shrinks
        and product.in_scope
        and product.pack.quantity >= LEAST_TO_SHRINK_G
        and (product.retailer, product.item.number) not in unshrunk
        and product.first_day == 0
        and product.end_day == days
        and product.listings == 1
        and _smaller(product).name not in {other.name for other in products if other.item is product.item}
    ]
    chosen = rng.choice(candidates, min(SHRINKING_PER_RETAILER, len(candidates)), replace=False)
    return {int(index): int(day) for index, day in zip(chosen, rng.integers(2, days, len(chosen)), strict=True)}


def _smaller(product: Product) -> Product:
    """Product with a tenth less in its pack, in multiples of 5 g."""
    grams = 5 * int(product.pack.quantity * 0.9 // 5)
    text = f"{grams}G"
    return replace(product, pack=read_pack(text), name=product.name.replace(product.pack.text, text))


def _change(product: Product, day: int) -> tuple[object, ...]:
    after = _smaller(product)
    return (
        *(product.retailer, product.item.number, product.product_id, day),
        *(product.name, after.name, product.pack.text, after.pack.text),
    )


# --- prices as shops set them ---------------------------------------------------------------------------


def shop_prices(pence: np.ndarray) -> np.ndarray:
    """Nearest prices of at least 5 pence that end in 0, 5 or 9."""
    tens = (pence // 10).astype(np.int64) * 10
    candidates = tens + np.array([-1, 0, 5, 9, 10]).reshape(-1, *[1] * pence.ndim)
    nearest = np.abs(candidates - pence).argmin(axis=0)
    return np.maximum(5, np.take_along_axis(candidates, nearest[None], axis=0)[0])
