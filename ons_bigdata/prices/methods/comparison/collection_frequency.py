"""Precision of price indices under less frequent collection and with fewer retailers.

Definitions and formulas: docs/prices/comparison/comparison.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, not_positive
from ons_bigdata.prices.schemas import AcceptedQuote, CollectionFrequency, CollectionMovement
from ons_bigdata.prices.schemas.comparison import FREQUENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERIODS_DAYS = (28, 14)
"""Lengths of the periods in whole weeks, in days; the first that gives two whole periods is used."""

_WEEK = 7
_STRATUM = ["retailer", "item_number"]
_ITEM_DAY = ["data_origin", *_STRATUM, "collected_on"]
_EMPTY = {"log_relative": float("nan"), "variance": float("nan"), "quotes": 0.0}
_WEIGHTS = {"item_number": pl.Int64(), "division_code": pl.String(), "weight": pl.Float64()}


@dataclass(frozen=True)
class CollectionGrid:
    """Whole periods into which the days of one data origin are cut.

    `period_days`: length of a period; None where two of the shortest do not fit, and there are no periods. `starts`:
    first day of each period. `days`: calendar days from the first with a quote to the last.
    """

    data_origin: str
    days: int
    period_days: int | None
    starts: tuple[date, ...]

    @property
    def movements(self) -> tuple[date, ...]:
        """Start of the later period of each movement between neighbouring periods."""
        return self.starts[1:]

    def days_of(self, start: date) -> tuple[date, date]:
        """First and last day on which the movement to the period from `start` depends: both periods."""
        length = timedelta(days=self.period_days or 0)
        return start - length, start + length - timedelta(days=1)


@dataclass(frozen=True)
class _Movements:
    """Movements ln(R) under one frequency: choices × movements × strata (retailer and item), NaN where none."""

    log_relative: Floats
    """Mean log price relative of the products matched between neighbouring periods."""
    variance: Floats
    """Bootstrap variance of that mean: Σ(x - mean)² / n²."""
    quotes: Floats
    """Quotes in the later period."""


@dataclass(frozen=True)
class _Collection:
    """Strata of one data origin, and their movements under each frequency."""

    retailers: list[str]
    items: list[int]
    of_retailer: NDArray[np.int64]
    """Position of each stratum's retailer."""
    of_item: NDArray[np.int64]
    period_days: int
    movements: dict[str, _Movements]


def collection_frequencies(quotes: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Estimate what less collection costs in precision; gives `CollectionFrequency` rows.

    `quotes`: `AcceptedQuote` rows. `weights`: item_number, division_code, weight (0 or more, of the item within its
    division).

    The days from the first one on are cut into periods of 28 days (14 where there are not two of 28). A product's
    price in a period is the geometric mean over its collected days; a retailer's movement is the Jevons of the
    products priced in both neighbouring periods; an item's is the mean of its retailers', a division's the weighted
    mean of its items'. `daily` collects every day; `weekly` one weekday (7 choices); `monthly` one day of each period
    (as many choices as it has days). `retailers` is `all`, `without <one>` or `<one> alone`. Every estimate is
    compared with daily collection of all retailers. The spread is over choices and movements; the standard error is
    that of a bootstrap over products within retailers, which has a closed form for a mean of logarithms. It is null for
    an item with one product at a retailer, and for aggregates of it.

    Over a long history, keep the rows of `collection_movements`, each of which depends on the quotes of two periods,
    and combine them by `precisions_of`.

    Raises ValueError on bad quotes, on an item with several divisions and on a weight below 0.
    Source: the variance of the bootstrap mean, Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 5.
    """
    checked = _checked(quotes)
    item_days = checked.select(_ITEM_DAY).unique()
    movements = [
        collection_movements(checked.filter(pl.col("collected_on").is_between(*grid.days_of(start))), grid, start)
        for grid in collection_grids(item_days)
        for start in grid.movements
    ]
    return precisions_of(pl.concat([CollectionMovement.create_empty(), *movements]), item_days, weights)


def collection_grids(item_days: pl.DataFrame) -> list[CollectionGrid]:
    """Cut the days of each data origin into periods. `item_days`: data_origin and collected_on of days with quotes."""
    grids = []
    spans = item_days.group_by("data_origin").agg(first=pl.col("collected_on").min(), last=pl.col("collected_on").max())
    for origin, first, last in spans.sort("data_origin").iter_rows():
        days = (last - first).days + 1
        length = next((length for length in PERIODS_DAYS if days >= 2 * length), None)
        number = 0 if length is None else days // length
        starts = tuple(first + timedelta(days=k * (length or 0)) for k in range(number))
        grids.append(CollectionGrid(origin, days, length, starts))
    return grids


def collection_movements(quotes: pl.DataFrame, grid: CollectionGrid, start: date) -> pl.DataFrame:
    """Compute the movements of each retailer's item to the period from `start`; gives `CollectionMovement` rows.

    `quotes`: `AcceptedQuote` rows, of which those of the grid's origin in the period and the one before count. There is
    a row for each choice of collection days with a quote in the period.
    """
    if start not in grid.movements or grid.period_days is None:
        message = f"start: found {start}, expected the start of a period with one before: {grid.movements}"
        raise ValueError(message)
    first, last = grid.days_of(start)
    within = _checked(quotes).filter(
        pl.col("data_origin") == grid.data_origin, pl.col("collected_on").is_between(first, last)
    )
    offset = (pl.col("collected_on") - pl.lit(first)).dt.total_days()
    coded = within.sort(*_STRATUM, "product", "collected_on").select(
        *_STRATUM,
        "product",
        is_later=offset >= grid.period_days,
        day=offset % grid.period_days,
        log_price=pl.col("price_gbp").log(),
    )
    choices = {"daily": pl.lit(0), "weekly": pl.col("day") % _WEEK, "monthly": pl.col("day")}
    parts = [
        _movements_of(coded.with_columns(choice=choice.cast(pl.Int32))).with_columns(frequency=pl.lit(frequency))
        for frequency, choice in choices.items()
    ]
    rows: pl.DataFrame = CollectionMovement.validate(
        pl.concat(parts)
        .with_columns(
            data_origin=pl.lit(grid.data_origin), period=pl.lit(start), period_days=pl.lit(grid.period_days, pl.Int32)
        )
        .select(CollectionMovement.column_names()),
        cast=True,
    )
    return rows.sort(CollectionMovement.primary_key())


def precisions_of(movements: pl.DataFrame, item_days: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Combine the movements of all periods into `CollectionFrequency` rows, see `collection_frequencies`.

    `movements`: rows of `collection_movements` of every period. `item_days`: data_origin, retailer, item_number and
    collected_on of the days with quotes. `weights`: as in `collection_frequencies`.
    """
    _refuse_weights(weights)
    parts: list[Iterable[dict[str, Any]]] = []
    for grid in collection_grids(item_days):
        of_origin = pl.col("data_origin") == grid.data_origin
        strata = item_days.filter(of_origin).select(_STRATUM).unique().sort(_STRATUM)
        if grid.period_days is None:
            parts.append(_too_short(grid, strata))
            continue
        collection = _collection(movements.filter(of_origin), strata, grid)
        parts.append(_precisions(grid.data_origin, collection, weights))
    schema = CollectionFrequency.create_empty().schema
    rows = [row for part in parts for row in part]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return CollectionFrequency.validate(frame.sort(CollectionFrequency.primary_key()))


def _checked(quotes: pl.DataFrame) -> pl.DataFrame:
    keys = ["data_origin", "retailer", "item_number", "product", "collected_on"]
    rows = checked_columns(quotes, AcceptedQuote.create_empty().schema, "quotes").sort("data_origin")
    faults = {
        "a null": pl.any_horizontal(pl.all().is_null()),
        "a price that is not positive and finite": not_positive("price_gbp"),
        "a product that has an earlier row of the day": pl.struct(keys).is_duplicated(),
    }
    refuse_rows(rows, faults, "quotes")
    return rows


def _refuse_weights(weights: pl.DataFrame) -> None:
    rows = checked_columns(weights, _WEIGHTS, "item weights")
    bounded = pl.col("weight").is_finite() & (pl.col("weight") >= 0)
    faults = {
        "an item twice": pl.col("item_number").is_duplicated(),
        "a weight that is null, not finite or below 0": ~bounded.fill_null(value=False),
    }
    refuse_rows(rows, faults, "item weights")


# --- movements ------------------------------------------------------------------------------------------


def _movements_of(coded: pl.DataFrame) -> pl.DataFrame:
    """Movement, its variance and the later period's quotes of each choice and stratum."""
    product = ["choice", *_STRATUM, "product"]
    priced = coded.group_by(*product, "is_later", maintain_order=True).agg(
        log_price=pl.col("log_price").mean(), quotes=pl.len()
    )
    before = priced.filter(~pl.col("is_later")).select(*product, log_before="log_price")
    relatives = (
        priced.filter("is_later")
        .join(before, on=product, how="left", maintain_order="left")
        .with_columns(relative=pl.col("log_price") - pl.col("log_before"))
    )
    relative = pl.col("relative").drop_nulls()
    return relatives.group_by("choice", *_STRATUM, maintain_order=True).agg(
        log_relative=relative.mean(),
        variance=pl.when(relative.len() > 1).then(relative.var(ddof=0) / relative.len()),
        quotes=pl.col("quotes").sum(),
    )


def _collection(movements: pl.DataFrame, strata: pl.DataFrame, grid: CollectionGrid) -> _Collection:
    """Arrange the movements of an origin by frequency, choice, period and stratum."""
    length = grid.period_days or 0
    place = {start: number for number, start in enumerate(grid.movements)}
    rows = movements.join(strata.with_row_index("stratum"), on=_STRATUM, how="left")
    odd = rows.filter(~pl.col("period").is_in(grid.movements) | pl.col("stratum").is_null())
    if not odd.is_empty():
        message = f"movements: found {odd.row(0, named=True)}, expected items and periods of the days with quotes"
        raise ValueError(message)
    counts = {"daily": 1, "weekly": _WEEK, "monthly": length}
    by_frequency = {}
    for frequency, choices in counts.items():
        shape = (choices, len(place), strata.height)
        chosen = rows.filter(pl.col("frequency") == frequency)
        index = (
            chosen["choice"].to_numpy(),
            np.array([place[period] for period in chosen["period"]], dtype=np.int64),
            chosen["stratum"].to_numpy(),
        )
        arrays = {name: np.full(shape, empty) for name, empty in _EMPTY.items()}
        for name, empty in _EMPTY.items():
            arrays[name][index] = chosen[name].cast(pl.Float64).fill_null(empty).to_numpy()
        by_frequency[frequency] = _Movements(**arrays)
    retailers, items = (strata[name].unique().sort().to_list() for name in _STRATUM)
    return _Collection(
        retailers,
        items,
        np.array([retailers.index(name) for name in strata["retailer"]], dtype=np.int64),
        np.array([items.index(number) for number in strata["item_number"]], dtype=np.int64),
        length,
        by_frequency,
    )


# --- designs --------------------------------------------------------------------------------------------


def _precisions(origin: str, collection: _Collection, weights: pl.DataFrame) -> Iterator[dict[str, Any]]:
    division = {number: (code, weight) for number, code, weight in weights.select(*_WEIGHTS).iter_rows()}
    full = _estimates(collection, "daily", list(range(len(collection.retailers))), division)
    for name, members in _designs(collection.retailers):
        for frequency in FREQUENCIES:
            estimates = _estimates(collection, frequency, members, division)
            for (level, code), (mean, variance, quotes) in estimates.items():
                yield {
                    "data_origin": origin,
                    "level": level,
                    "code": code,
                    "retailers": name,
                    "frequency": frequency,
                    "period_days": collection.period_days,
                    **_precision(mean, variance, quotes, full[level, code][0][0]),
                }


def _designs(retailers: list[str]) -> list[tuple[str, list[int]]]:
    positions = list(range(len(retailers)))
    designs = [("all", positions)]
    if len(retailers) > 1:
        designs += [
            (f"without {name}", [k for k in positions if k != left_out]) for left_out, name in enumerate(retailers)
        ]
    if len(retailers) > 2:  # with two retailers, "a alone" is "without b"
        designs += [(f"{name} alone", [position]) for position, name in enumerate(retailers)]
    return designs


def _estimates(
    collection: _Collection, frequency: str, members: list[int], division: dict[int, tuple[str, float]]
) -> dict[tuple[str, str], tuple[Floats, Floats, Floats]]:
    """Return ln(movement), its bootstrap variance and the quotes, choices × movements, of items and divisions."""
    movements = collection.movements[frequency]
    movement, error, quotes, codes, parts = [], [], [], [], []
    for position, number in enumerate(collection.items):
        strata = np.flatnonzero((collection.of_item == position) & np.isin(collection.of_retailer, members))
        if len(strata):
            mean, variance = _averaged(
                np.exp(movements.log_relative[..., strata]), movements.variance[..., strata], np.ones(len(strata))
            )
            movement.append(mean)
            error.append(variance)
            quotes.append(movements.quotes[..., strata].sum(axis=-1))
            codes.append(number)
            parts.append(division.get(number, ("", 0.0)))
    estimates = {("item", str(number)): (np.log(movement[k]), error[k], quotes[k]) for k, number in enumerate(codes)}
    for code in sorted({name for name, weight in parts if weight > 0}):
        members_of = [k for k, (name, weight) in enumerate(parts) if name == code and weight > 0]
        mean, variance = _averaged(
            np.stack([movement[k] for k in members_of], axis=-1),
            np.stack([error[k] for k in members_of], axis=-1),
            np.array([parts[k][1] for k in members_of]),
        )
        estimates["division", code] = (np.log(mean), variance, np.sum([quotes[k] for k in members_of], axis=0))
    return estimates


def _averaged(movement: Floats, variance: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weighted mean of the movements present over the last axis, and the variance of its logarithm.

    `variance` is that of the logarithms; for the mean, to first order, Σ (w m)² v / (Σ w m)².
    """
    present = np.isfinite(movement)
    weighted = np.where(present, movement, 0.0) * weights
    total, weight = weighted.sum(axis=-1), (present * weights).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / weight
        spread = (weighted**2 * np.where(present, variance, 0.0)).sum(axis=-1) / total**2
    return mean, spread


def _precision(mean: Floats, variance: Floats, quotes: Floats, full: Floats) -> dict[str, Any]:
    """Compare the estimates of all choices with those of full collection; logarithms times 100 are per cent."""
    difference = 100.0 * (mean - full)
    present = np.isfinite(difference)
    movements = int(np.isfinite(full).sum())
    result: dict[str, Any] = {
        "movements": movements,
        "choices": mean.shape[0],
        "estimates": int(present.sum()),
        "quotes_per_period": float(quotes.mean()),
    }
    if not present.any():
        return result | {"reason": "no product is priced in two neighbouring periods"}
    spread = float(np.sqrt(np.mean(difference[present] ** 2)))
    known = present & np.isfinite(variance)
    error = 100.0 * float(np.sqrt(np.mean(variance[known]))) if known.any() else None
    expected = mean.shape[0] * movements
    faults = [
        (expected - result["estimates"], "are missing"),
        (int((present & ~known).sum()), "have no standard error"),
    ]
    return result | {
        "mean_difference": float(difference[present].mean()),
        "spread": spread,
        "largest_difference": float(np.abs(difference[present]).max()),
        "standard_error": error,
        "total_error": None if error is None else float(np.hypot(spread, error)),
        "reason": "; ".join(f"{count} of {expected} estimates {what}" for count, what in faults if count) or None,
    }


def _too_short(grid: CollectionGrid, strata: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per item and frequency without figures, for an origin with too few days."""
    reason = f"{grid.days} days; two periods of {PERIODS_DAYS[-1]} days are needed"
    return [
        {"data_origin": grid.data_origin, "level": "item", "code": str(number), "retailers": "all"}
        | {"frequency": frequency, "movements": 0, "choices": 0, "estimates": 0, "reason": reason}
        for number in strata["item_number"].unique().sort()
        for frequency in FREQUENCIES
    ]
