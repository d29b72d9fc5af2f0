"""Precision of price indices under less frequent collection and with fewer retailers.

Definitions and formulas: docs/prices/comparison/comparison.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, not_positive
from ons_bigdata.prices.schemas import AcceptedQuote, CollectionFrequency
from ons_bigdata.prices.schemas.comparison import FREQUENCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERIODS_DAYS = (28, 14)
"""Lengths of the periods in whole weeks, in days; the first that gives two whole periods is used."""

_WEEK = 7
_WEIGHTS = {"item_number": pl.Int64(), "division_code": pl.String(), "weight": pl.Float64()}


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

    Raises ValueError on bad quotes, on an item with several divisions and on a weight below 0.
    Source: the variance of the bootstrap mean, Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 5.
    """
    checked = _checked(quotes)
    _refuse_weights(weights)
    parts: list[Iterable[dict[str, Any]]] = []
    for (origin,), of_origin in checked.group_by("data_origin", maintain_order=True):
        days = _period_days(of_origin["collected_on"])
        if days is None:
            parts.append(_too_short(str(origin), of_origin))
            continue
        parts.append(_precisions(str(origin), _collection(of_origin, days), weights))
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


def _period_days(days: pl.Series) -> int | None:
    """Return the length of the periods in days; None where two of the shortest do not fit."""
    first, last = _first_and_last(days)
    span = (last - first).days + 1
    return next((length for length in PERIODS_DAYS if span >= 2 * length), None)


def _first_and_last(days: pl.Series) -> tuple[date, date]:
    return cast("date", days.min()), cast("date", days.max())


# --- movements ------------------------------------------------------------------------------------------


def _collection(quotes: pl.DataFrame, period_days: int) -> _Collection:
    """Compute the movements of every stratum under every choice of collection days."""
    first, last = _first_and_last(quotes["collected_on"])
    periods = ((last - first).days + 1) // period_days
    strata = quotes.select("retailer", "item_number").unique().sort("retailer", "item_number").with_row_index("stratum")
    within = quotes.filter(pl.col("collected_on") < first + timedelta(days=periods * period_days))
    offset = (pl.col("collected_on") - pl.lit(first)).dt.total_days()
    products = within.select("retailer", "item_number", "product").unique().with_row_index("series")
    coded = (
        within.join(products, on=["retailer", "item_number", "product"])
        .join(strata, on=["retailer", "item_number"])
        .select(
            "stratum",
            "series",
            period=offset // period_days,
            day=offset % period_days,
            log_price=pl.col("price_gbp").log(),
        )
    )
    choices = {
        "daily": (pl.lit(0, pl.Int64), 1),
        "weekly": (pl.col("day") % _WEEK, _WEEK),
        "monthly": (pl.col("day"), period_days),
    }
    shape = (periods - 1, strata.height)
    movements = {
        name: _movements(coded.with_columns(choice=choice.cast(pl.Int64)), (count, *shape))
        for name, (choice, count) in choices.items()
    }
    retailers, items = (strata[name].unique().sort().to_list() for name in ("retailer", "item_number"))
    return _Collection(
        retailers,
        items,
        np.array([retailers.index(name) for name in strata["retailer"]], dtype=np.int64),
        np.array([items.index(number) for number in strata["item_number"]], dtype=np.int64),
        period_days,
        movements,
    )


def _movements(coded: pl.DataFrame, shape: tuple[int, int, int]) -> _Movements:
    priced = coded.group_by("choice", "series", "stratum", "period").agg(
        log_price=pl.col("log_price").mean(), quotes=pl.len()
    )
    before = priced.select("choice", "series", period=pl.col("period") + 1, log_before="log_price")
    relatives = priced.join(before, on=["choice", "series", "period"]).with_columns(
        relative=pl.col("log_price") - pl.col("log_before")
    )
    movements = relatives.group_by("choice", "period", "stratum").agg(
        mean=pl.col("relative").mean(),
        variance=pl.when(pl.len() > 1).then(pl.col("relative").var(ddof=0) / pl.len()),
    )
    counts = priced.filter(pl.col("period") > 0).group_by("choice", "period", "stratum").agg(pl.col("quotes").sum())
    arrays = {"mean": np.full(shape, np.nan), "variance": np.full(shape, np.nan), "quotes": np.zeros(shape)}
    for frame, names in ((movements, ("mean", "variance")), (counts, ("quotes",))):
        index = (frame["choice"].to_numpy(), frame["period"].to_numpy() - 1, frame["stratum"].to_numpy())
        for name in names:
            arrays[name][index] = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return _Movements(arrays["mean"], arrays["variance"], arrays["quotes"])


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


def _too_short(origin: str, quotes: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per item and frequency without figures, for an origin with too few days."""
    first, last = _first_and_last(quotes["collected_on"])
    reason = f"{(last - first).days + 1} days; two periods of {PERIODS_DAYS[-1]} days are needed"
    return [
        {"data_origin": origin, "level": "item", "code": str(number), "retailers": "all", "frequency": frequency}
        | {"movements": 0, "choices": 0, "estimates": 0, "reason": reason}
        for number in quotes["item_number"].unique().sort()
        for frequency in FREQUENCIES
    ]
