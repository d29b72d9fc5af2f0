"""Structures of months: tree and bases, on which their figures depend besides quotes."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.recipes import RECIPES
from ons_bigdata.prices.methods.recipes.blocks.history import OriginHistory
from ons_bigdata.prices.methods.recipes.blocks.month_figures import (
    ScopedOutput,
    StructureChangedError,
    elementary_month,
    figures_of_months,
    month_bases,
    scoped_outputs,
)
from ons_bigdata.prices.methods.recipes.blocks.months import months_of_periods, structure_hash
from ons_bigdata.prices.methods.recipes.blocks.past import Past
from ons_bigdata.prices.methods.recipes.blocks.states import FiguresState
from ons_bigdata.prices.methods.recipes.figures import OriginPanels, panels_of_days
from tests.prices.methods.recipes.blocks.test_month_figures import BREAD, FIRST, WHISKY, history_of, sizes_of

PAIRS = [("tesco", BREAD), ("waitrose", BREAD), ("tesco", WHISKY)]


def quotes_on(days: dict[tuple[str, int], list[int]]) -> pl.DataFrame:
    """Two products of each retailer and item on some days, whose prices rise by 1 % a day."""
    rows = [
        (retailer, item, f"PRODUCT {n}", FIRST + timedelta(days=day), (n + 1) * 1.01**day)
        for (retailer, item), priced in days.items()
        for day in priced
        for n in range(2)
    ]
    schema = {"retailer": pl.String, "item_number": pl.Int32, "product": pl.String, "collected_on": pl.Date,
              "price_gbp": pl.Float64}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(data_origin=pl.lit("real"), in_scope=pl.lit(None, dtype=pl.Boolean))


def panels_between(history: OriginHistory, quotes: pl.DataFrame, first: int, stop: int) -> OriginPanels:
    days = pl.col("collected_on").is_between(history.days[first], history.days[stop - 1])
    return panels_of_days(history, quotes.filter(days), sizes_of(quotes), (first, stop - 1))


def output_of(history: OriginHistory) -> ScopedOutput:
    """The chained Jevons."""
    return next(
        what for what in scoped_outputs(history, RECIPES, "daily") if what.name[:2] == ("web_daily", "jevons_chained")
    )


def structures(days: dict[tuple[str, int], list[int]], *, breaks: int | None = None) -> dict[date, str]:
    """Structure of each month; the first stratum's chain breaks on a day."""
    history = history_of(quotes_on(days))
    segments = np.where(history.present, 0, -1)
    if breaks is not None:
        segments[0, breaks:] = np.where(segments[0, breaks:] == 0, 1, -1)
    bases = month_bases(history, output_of(history), segments)
    return {
        month.month: structure_hash(history, [level.of_periods(slice(month.start, month.stop)) for level in bases])
        for month in months_of_periods(history.days)
    }


def daily(stop: int) -> dict[tuple[str, int], list[int]]:
    return {pair: list(range(stop)) for pair in PAIRS}


JULY, AUGUST = date(2016, 7, 1), date(2016, 8, 1)


def test_a_later_day_changes_the_structure_of_no_month_before() -> None:
    before, after = structures(daily(42)), structures(daily(60))
    assert set(after) - set(before) == {date(2016, 9, 1)}
    assert {month: after[month] for month in before} == before


def test_another_base_changes_the_structure_of_its_month() -> None:
    before = structures(daily(42))
    after = structures(daily(42) | {PAIRS[0]: [*range(6), *range(30, 42)]}, breaks=30)
    assert after[AUGUST] != before[AUGUST]


def test_another_retailer_changes_the_structure_of_all_months() -> None:
    before, after = structures(daily(42)), structures(daily(42) | {("ocado", WHISKY): [41]})
    assert not set(before.values()) & set(after.values())


def test_months_of_another_structure_are_not_gone_on_from() -> None:
    quotes = quotes_on(daily(42))
    history = history_of(quotes)
    months = months_of_periods(history.days)
    what, (july, august) = output_of(history), months
    none = [Past.none(1)] * len(history.strata)
    in_july = elementary_month(panels_between(history, quotes, 0, july.stop), None, what, july, none)
    view = panels_between(history, quotes, 0, august.stop)
    in_august = elementary_month(view, None, what, august, in_july.pasts)
    no_days = np.zeros((len(history.strata), 0), dtype=np.int64)
    (first, _), _ = figures_of_months(history, what, months, [in_july, in_august], None, (no_days, {}))
    state = FiguresState.from_arrays(first.state.arrays(), len(history.tree))
    segments = in_july.figures.segments.T
    (second,), _ = figures_of_months(history, what, months, [in_august], state, (segments, {JULY: first.structure}))
    assert second.month == august
    with pytest.raises(StructureChangedError, match=r"web_daily jevons_chained shelf: .* another base in July 2016"):
        figures_of_months(history, what, months, [in_august], state, (segments, {JULY: "another"}))
