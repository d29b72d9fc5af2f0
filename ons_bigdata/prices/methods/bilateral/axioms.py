"""Tests of axioms on given quotes, for any index: its response to known changes of prices, units and periods.

For checks before publication: an inverted index cannot pass. The axioms that each formula keeps are in `registry`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_unknown
from ons_bigdata.prices.methods.panels.input_checks import finite_number, listed_values, refuse_no_function
from ons_bigdata.prices.methods.panels.period_calendar import refuse_unsorted

if TYPE_CHECKING:
    from collections.abc import Iterable

IndexFunction = Callable[[pl.DataFrame], pl.DataFrame]
"""Quotes (period, product, price and, if there are any, quantity) → period, index, one row per period."""

Changed = tuple[pl.DataFrame, pl.Expr]
"""Changed quotes, and the index expected of them, from the columns period, index and position (0, 1, …)."""

_ORDINARY_FACTOR = 2.5
_OUT = {"axiom": pl.String, "period": pl.String, "expected": pl.Float64, "found": pl.Float64, "gap": pl.Float64}


def _position(quotes: pl.DataFrame) -> pl.Expr:
    return pl.col("period").rank("dense").cast(pl.Int64) - 1


def _constant_prices(quotes: pl.DataFrame) -> Changed:
    """Every product keeps its first price: the index is 1 wherever there is one."""
    first = pl.col("price").sort_by("period").first().over("product")
    return quotes.with_columns(price=first), pl.when(pl.col("index").is_not_null()).then(1.0)


def _raised_prices(quotes: pl.DataFrame) -> Changed:
    """All prices after the first period times k: the index times k. An inverted index gives 1/k."""
    later = _position(quotes) > 0
    factor = pl.when(later).then(_ORDINARY_FACTOR).otherwise(1.0)
    expected = pl.when(pl.col("position") > 0).then(_ORDINARY_FACTOR).otherwise(1.0)
    return quotes.with_columns(price=pl.col("price") * factor), pl.col("index") * expected


def _common_change(quotes: pl.DataFrame) -> Changed:
    """Every product at its first price times a factor of the period: the index is that factor."""
    first = pl.col("price").sort_by("period").first().over("product")
    factor = 1 + (_position(quotes) * 3 % 7) / 10
    expected = pl.when(pl.col("index").is_not_null()).then(1 + (pl.col("position") * 3 % 7) / 10)
    return quotes.with_columns(price=first * factor), expected


def _changed_units(quotes: pl.DataFrame) -> Changed:
    """Another unit for each product, price and quantity restated: the same index."""
    unit = 2.0 ** (pl.col("product").rank("dense").cast(pl.Int64) * 5 % 11 - 5)
    restated = quotes.with_columns(price=pl.col("price") * unit)
    if "quantity" in quotes.columns:
        restated = restated.with_columns(quantity=pl.col("quantity") / unit)
    return restated, pl.col("index")


def _reversed_periods(quotes: pl.DataFrame) -> Changed:
    """Periods in the opposite order: P(t→0) = P(T→0)/P(T→t), read from the other end."""
    periods = quotes["period"].unique().sort()
    turned = pl.DataFrame({"period": periods, "_turned": periods.reverse()})
    back = quotes.join(turned, on="period", how="left", maintain_order="left")
    mirrored = pl.col("index").reverse() / pl.col("index").last()
    return back.drop("period").rename({"_turned": "period"}), mirrored


def _reversed_rows(quotes: pl.DataFrame) -> Changed:
    """Rows in another order: the same index."""
    return quotes.reverse(), pl.col("index")


_CHANGES: dict[str, Callable[[pl.DataFrame], Changed]] = {
    "identity": _constant_prices,
    "direction": _raised_prices,
    "common_change": _common_change,
    "commensurability": _changed_units,
    "time_reversal": _reversed_periods,
    "order_of_rows": _reversed_rows,
}
AXIOMS = tuple(_CHANGES)
KEPT_BY_ALL = ("identity", "direction", "order_of_rows")
"""Axioms that every published index must keep (unit values and the Stuvel, which fail one, are not published alone)."""


def axioms_violated(
    index_function: IndexFunction,
    quotes: pl.DataFrame | pl.LazyFrame,
    *,
    axioms: Iterable[str] = KEPT_BY_ALL,
    tolerance: float = 1e-9,
) -> pl.DataFrame:
    """Test axioms of an index on the products, gaps and quantities of given quotes; list the failures.

    `quotes`: period, product, price (> 0) and, if the index takes it, quantity. `index_function` returns period and
    index (1 in its base, the first period; null where there is none) for such quotes. `axioms`: some of `AXIOMS`:

    identity: prices that never change give 1. direction: all prices after the first period times k give k times the
    index. common_change: prices that all change by one factor give that factor. commensurability: other units of the
    products change nothing. time_reversal: the periods backwards give the reciprocal (of a spliced or an asymmetric
    index it fails). order_of_rows: another order of rows changes nothing.

    Returns one row per failure: axiom, period (as text), expected, found (null where there is no index), gap
    (|found/expected − 1|; null where either is). An index that has no value in any period, before the
    change and after, fails each axiom, in one row without a period: it was not tested. No rows: no axiom is violated.
    Raises ValueError on an unknown axiom, which lists the known ones, and on periods that do not sort in time. Source:
    ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 16.
    """
    quotes = eager_frame(quotes, "quotes")
    refuse_missing_columns(quotes, ("period", "product", "price"), "quotes")
    refuse_unsorted(quotes["period"])
    refuse_no_function("index_function", index_function)
    tolerance = finite_number("tolerance", tolerance)
    chosen = listed_values("axioms", axioms, "axioms")
    for axiom in chosen:
        refuse_unknown("axiom", axiom, AXIOMS)
    before = index_function(quotes).select("period", "index").sort("period")
    before = before.with_columns(position=pl.int_range(pl.len()))
    failures = [_failures(axiom, index_function, quotes, before, tolerance) for axiom in chosen]
    return pl.concat([pl.DataFrame(schema=_OUT), *failures])


def _failures(
    axiom: str, index_function: IndexFunction, quotes: pl.DataFrame, before: pl.DataFrame, tolerance: float
) -> pl.DataFrame:
    changed, expectation = _CHANGES[axiom](quotes)
    expected = before.select("period", expected=expectation)
    found = index_function(changed).select("period", found="index")
    both = expected.join(found, on="period", how="full", coalesce=True).sort("period")
    gap = (pl.col("found") / pl.col("expected") - 1).abs()
    broken = (pl.col("found").is_null() != pl.col("expected").is_null()) | ~(gap <= tolerance).fill_null(value=True)
    if not quotes.is_empty() and both["expected"].null_count() == both["found"].null_count() == both.height:
        nothing = pl.DataFrame({"axiom": [axiom]}, schema={"axiom": pl.String})
        return pl.concat([pl.DataFrame(schema=_OUT), nothing], how="diagonal")
    rows = both.filter(broken).with_columns(axiom=pl.lit(axiom), gap=gap, period=pl.col("period").cast(pl.String))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in _OUT.items())
