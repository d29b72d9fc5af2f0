"""Quotes as dense arrays, one panel per retailer and item; periods, base and seasons of a recipe."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, not_positive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]
    Scopes = NDArray[np.int8]

Week = tuple[date, date]
"""First and last day of a base week, both included."""

OUT, UNDECIDED, IN = 0, -1, 1
"""Scope of a quote: not of the item, undecided or referred, of the item."""

_QUOTES = {
    "data_origin": pl.String(), "retailer": pl.String(), "item_number": pl.Int32(), "product": pl.String(),
    "collected_on": pl.Date(), "price_gbp": pl.Float64(), "in_scope": pl.Boolean(),
}  # fmt: skip
_PACK_SIZES = {
    "retailer": pl.String(), "item_number": pl.Int32(), "product": pl.String(), "pack_size": pl.Float64(),
}  # fmt: skip
_TEXTS = ("data_origin", "retailer", "product")
_STRATUM = ["retailer", "item_number"]


@dataclass(frozen=True, eq=False)
class Stratum:
    """Daily quotes of one retailer and item: calendar days x products.

    `prices`: GBP, 0 where there is none. `judged`: scope of the quote, `IN`, `OUT` or `UNDECIDED`.
    `pack_sizes`: of the products, in kilograms, litres or pieces; nan where unknown. `quotes`: of mean prices by
    period, the number of quotes behind each, periods x products; None for the quotes of days.
    """

    retailer: str
    item_number: int
    products: list[str]
    prices: Floats
    judged: Scopes
    pack_sizes: Floats
    quotes: Integers | None = None

    def of_days(self, rows: slice) -> Stratum:
        """Quotes of some calendar days; products without a quote stay."""
        return replace(self, prices=self.prices[rows], judged=self.judged[rows])

    def of_scope(self, scope: str) -> Floats:
        """Prices of a scope: "shelf", all; "target", all but those judged out of the item (undecided ones are in)."""
        return self.prices if scope == "shelf" else np.where(self.judged == OUT, 0.0, self.prices)


@dataclass(frozen=True, eq=False)
class Periods:
    """Periods of a recipe.

    `starts`: first day of each period. `of_day`: period of each calendar day, -1 for a day that does not count. `base`:
    mask of the base periods. `base_text`: first..last day of the base; None where there is none.
    """

    frequency: str
    starts: list[date]
    of_day: Integers
    base: Booleans
    base_text: str | None

    def rows_of_days_before(self, days: int) -> Integers:
        """Row of the period that holds the day `days` days before the start of each period; -1 where there is none."""
        rows = {start: row for row, start in enumerate(self.starts)}
        earlier = [_start(start - timedelta(days=days), self.frequency) for start in self.starts]
        return np.array([rows.get(start, -1) for start in earlier], dtype=np.int64)

    def of_rows(self, rows: slice) -> Periods:
        """Some of the periods alone; days of others do not count."""
        chosen = range(*rows.indices(len(self.starts)))
        inside = (self.of_day >= chosen.start) & (self.of_day < chosen.stop)
        of_day = np.where(inside, self.of_day - chosen.start, -1)
        return replace(self, starts=self.starts[rows], of_day=of_day, base=self.base[rows])

    def sums(self, prices: Floats) -> tuple[Floats, Integers]:
        """Sum of the prices of each product over a period's days, and its number of quotes."""
        if np.array_equal(self.of_day, np.arange(len(self.starts))):
            return prices, (prices > 0).astype(np.int64)
        inside = (self.of_day == np.arange(len(self.starts))[:, None]).astype(np.float64)
        return inside @ prices, (inside @ (prices > 0)).astype(np.int64)

    def means(self, prices: Floats) -> tuple[Floats, Integers]:
        """Mean price of each product over a period's days (0 where there is none), and its number of quotes."""
        total, quotes = self.sums(prices)
        if total is prices:
            return prices, quotes
        return np.divide(total, quotes, where=quotes > 0, out=np.zeros_like(total)), quotes


@dataclass(frozen=True)
class SeasonalRule:
    """Rule of seasonal items, and the items.

    A day is in season where the products on it are at least `least_share` of the peak, the quantile `peak_quantile` of
    the daily counts of the `peak_days` days up to and with the day, at the retailer, over days with any. Out of season
    the few products left enter no index: the retailer's item moves with the others of its class, as any absent child
    does in `aggregation`, and comes back at its own level. Raises ValueError on shares outside 0 to 1.
    """

    items: tuple[int, ...] = (212720, 212722)
    least_share: float = 1 / 3
    peak_quantile: float = 0.9
    peak_days: int = 365

    def __post_init__(self) -> None:
        for name in ("least_share", "peak_quantile"):
            if not 0 < getattr(self, name) <= 1:
                message = f"seasonal rule: {name} is {getattr(self, name)}, expected above 0 and at most 1"
                raise ValueError(message)


def strata(
    quotes: pl.DataFrame, pack_sizes: pl.DataFrame, calendar: tuple[date, date] | None = None
) -> tuple[list[date], list[Stratum]]:
    """Calendar days of the quotes of one data origin, first to last, and a panel per retailer and item with quotes.

    `quotes`: data_origin, retailer, item_number, product, collected_on, price_gbp, in_scope (null = undecided), at most
    one row per product and day; texts may be categories, which take a fraction of the memory. `pack_sizes`: retailer,
    item_number, product, pack_size (null = unknown), at most one row each. `calendar`: first and last day; None for
    those of the quotes.

    Raises ValueError on several origins, on a product with several quotes of a day or several pack sizes, a null in a
    key, a price or a pack size that is not positive and finite; names the quote or the product.
    """
    quotes = eager_frame(quotes, "quotes")
    categories = {name: pl.Categorical() for name in _TEXTS if quotes.schema.get(name) == pl.Categorical()}
    rows = checked_columns(quotes, {**_QUOTES, **categories}, "quotes")
    if (origins := rows["data_origin"].n_unique()) > 1:
        message = f"quotes: found {origins} data origins, expected one"
        raise ValueError(message)
    faults = {
        "a null in the key": pl.any_horizontal(pl.col([*_STRATUM, "product", "collected_on"]).is_null()),
        "a price that is not positive and finite": not_positive("price_gbp"),
    }
    refuse_rows(rows, faults, "quotes")
    if rows.is_empty():
        return [], []
    first, last = calendar or rows.select(first=pl.col("collected_on").min(), last=pl.col("collected_on").max()).row(0)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    outside = {f"a day outside of {first}..{last}": ~pl.col("collected_on").is_between(first, last)}
    refuse_rows(rows, outside, "quotes")
    coded = rows.with_columns(
        day=(pl.col("collected_on") - first).dt.total_days(),
        judged=pl.when(pl.col("in_scope").is_null())
        .then(UNDECIDED)
        .otherwise(pl.col("in_scope").cast(pl.Int8))
        .cast(pl.Int8),
    )
    placed, products = products_in_order(coded, _checked_sizes(pack_sizes))
    chosen = placed.select(*_STRATUM, "product", "collected_on", "place", "day", "price_gbp", "judged")
    groups = sorted(chosen.partition_by(_STRATUM, as_dict=True).items())
    return days, [_stratum(key, group, products[key], len(days)) for key, group in groups]


Products = tuple[list[str], "Floats"]
"""Products of a retailer and item in order, and their pack sizes; nan where unknown."""


def products_in_order(
    rows: pl.DataFrame, sizes: pl.DataFrame
) -> tuple[pl.DataFrame, dict[tuple[object, ...], Products]]:
    """Rows with `place`, that of their product among the products of its retailer and item; and these by both.

    `rows`: retailer, item_number, product; texts may be categories. `sizes`: the same as texts, pack_size.
    """
    key = [*_STRATUM, "product"]
    names = rows.select(key).unique().with_columns(name=pl.col("product").cast(pl.String)).sort("name")
    names = names.with_columns(place=pl.int_range(pl.len(), dtype=pl.Int64).over(_STRATUM))
    known = sizes.select(pl.col("retailer").cast(pl.String), "item_number", "product", "pack_size")
    sized = names.with_columns(pl.col("retailer").cast(pl.String), product="name").join(
        known, on=key, how="left", maintain_order="left"
    )
    products: dict[tuple[object, ...], Products] = {
        of_stratum: (group["product"].to_list(), group["pack_size"].to_numpy().astype(np.float64))
        for of_stratum, group in sized.partition_by(_STRATUM, as_dict=True, maintain_order=True).items()
    }
    return rows.join(names.drop("name"), on=key, how="left", maintain_order="left"), products


def _checked_sizes(pack_sizes: pl.DataFrame) -> pl.DataFrame:
    rows = checked_columns(pack_sizes, _PACK_SIZES, "pack_sizes")
    faults = {
        "a null in the key": pl.any_horizontal(pl.col([*_STRATUM, "product"]).is_null()),
        "a product that has several": pl.struct(*_STRATUM, "product").is_duplicated(),
        "a pack size that is not positive and finite": pl.col("pack_size").is_not_null() & not_positive("pack_size"),
    }
    refuse_rows(rows, faults, "pack_sizes")
    return rows


def _stratum(key: tuple[object, ...], rows: pl.DataFrame, products: Products, days: int) -> Stratum:
    names, pack_sizes = products
    at = rows["day"].to_numpy(), rows["place"].to_numpy()
    prices = np.zeros((days, len(names)))
    prices[at] = rows["price_gbp"].to_numpy()
    if np.count_nonzero(prices) < rows.height:
        repeated = pl.struct("product", "collected_on").is_duplicated()
        left = ["place", "day", "judged"]
        refuse_rows(rows.drop(left), {"a product that has several quotes of a day": repeated}, "quotes")
    judged = np.full(prices.shape, UNDECIDED, dtype=np.int8)
    judged[at] = rows["judged"].to_numpy()
    return Stratum(str(key[0]), int(str(key[1])), names, prices, judged, pack_sizes)


def recipe_periods(days: Sequence[date], frequency: str, days_that_count: str, week: Week | None) -> Periods:
    """Periods of a recipe over calendar days, with their base.

    Weeks begin on Monday. `days_that_count`: "all", or "second_tuesday", the second Tuesday of the month and the day
    either side. The base: of daily periods the days of the base week, of weekly ones that week, of monthly ones the
    first that has a day that counts. Without a base week daily and weekly periods have no base.
    """
    counts = [day for day in days if days_that_count == "all" or _near_second_tuesday(day)]
    starts = sorted({_start(day, frequency) for day in counts})
    place = {start: n for n, start in enumerate(starts)}
    chosen = set(counts)
    of_day = np.array([place[_start(day, frequency)] if day in chosen else -1 for day in days], dtype=np.int64)
    if frequency == "monthly":
        base = np.arange(len(starts)) == 0
        inside = [day for day in counts if starts and _start(day, frequency) == starts[0]]
        text = f"{inside[0]}..{inside[-1]}" if inside else None
    else:
        base = np.array([week is not None and week[0] <= start <= week[1] for start in starts], dtype=np.bool_)
        text = None if week is None else f"{week[0]}..{week[1]}"
    return Periods(frequency, starts, of_day, base, text)


def _start(day: date, frequency: str) -> date:
    if frequency == "daily":
        return day
    return day - timedelta(days=day.weekday()) if frequency == "weekly" else day.replace(day=1)


def _near_second_tuesday(day: date) -> bool:
    first = day.replace(day=1)
    tuesday = first + timedelta(days=(1 - first.weekday()) % 7 + 7)
    return abs((day - tuesday).days) <= 1


def without_large_relatives(prices: Floats, limit: float) -> Floats:
    """Leave out prices more than `limit` times above or below the product's price of the period before.

    `prices`: periods x products, 0 where there is none; a product that was away the period before stays. Both sides of
    a jump that is taken back go. Source: ONS (2023), Rail fares and second-hand cars in consumer price statistics
    (relatives beyond three times).
    """
    before = np.vstack([np.zeros((1, prices.shape[1])), prices[:-1]])
    compared = (prices > 0) & (before > 0)
    far = compared & ((prices > limit * before) | (prices * limit < before))
    return np.where(far, 0.0, prices)


def in_season(counts: Integers, rule: SeasonalRule) -> Booleans:
    """Mask of the days in season. `counts`: products on sale at one retailer, one per calendar day; 0 = none.

    Only the days up to each day are looked at, so that a day once published in season stays so. A day without products
    is out of season.
    """
    counts = np.asarray(counts)
    there = np.flatnonzero(counts > 0)
    peaks = np.array([*_peaks(counts[there].tolist(), there.tolist(), rule)])
    mask = np.zeros(len(counts), dtype=np.bool_)
    mask[there] = counts[there] >= rule.least_share * peaks
    return mask


def _peaks(counts: Sequence[int], days: Sequence[int], rule: SeasonalRule) -> Iterator[float]:
    """Peak of each day with products, see `SeasonalRule`: the quantile between two neighbours in order, linearly."""
    ordered: list[int] = []
    first = 0
    for count, day in zip(counts, days, strict=True):
        insort(ordered, count)
        while days[first] <= day - rule.peak_days:
            del ordered[bisect_left(ordered, counts[first])]
            first += 1
        place = (len(ordered) - 1) * rule.peak_quantile
        below, share = int(place), place - int(place)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        # from the nearer end, so that the peak of equal counts is exactly that count
        yield low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)
