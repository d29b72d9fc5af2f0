"""Mean prices by product and period: frames of blocks give the arrays of the whole history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.recipes.blocks.period_means import mean_price_panel, product_period_prices
from ons_bigdata.prices.methods.recipes.panels import IN, OUT, UNDECIDED, Periods, Stratum, recipe_periods

MONDAY = date(2016, 8, 1)
DAYS = [MONDAY + timedelta(days=n) for n in range(70)]
NAMES = ["eggs", "milk", "tea"]


def stratum(prices: np.ndarray, judged: np.ndarray) -> Stratum:
    return Stratum("tesco", 211710, NAMES[: prices.shape[1]], prices, judged, np.full(prices.shape[1], np.nan))


def drawn(seed: int) -> Stratum:
    generator = np.random.default_rng(seed)
    prices = np.where(generator.random((70, 3)) < 0.4, generator.integers(1, 500, (70, 3)) / 100, 0.0)
    return stratum(prices, generator.choice([IN, OUT, UNDECIDED], (70, 3)).astype(np.int8))


def part(of: Stratum, periods: Periods, first: date, stop: date) -> tuple[Stratum, Periods]:
    """The days of some whole periods."""
    rows = slice((first - MONDAY).days, (stop - MONDAY).days)
    starts = [start for start in periods.starts if first <= start < stop]
    place = periods.of_day[rows] - periods.starts.index(starts[0])
    of_day = np.where(periods.of_day[rows] < 0, -1, place)
    return of.of_days(rows), replace(periods, starts=starts, of_day=of_day, base=np.zeros(len(starts), dtype=bool))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["weekly", "monthly"]), st.booleans())
def test_frames_of_blocks_give_the_means_of_all_days(seed: int, frequency: str, seasonal: bool) -> None:
    quotes, periods = drawn(seed), recipe_periods(DAYS, frequency, "all", None)
    generator = np.random.default_rng(seed)
    away = {scope: generator.random(70) < 0.3 for scope in ("shelf", "target")} if seasonal else None
    middle = periods.starts[len(periods.starts) // 2]
    frames = []
    for first, stop in ((MONDAY, middle), (middle, DAYS[-1] + timedelta(days=1))):
        rows = slice((first - MONDAY).days, (stop - MONDAY).days)
        out = None if away is None else {scope: days[rows] for scope, days in away.items()}
        frames.append(product_period_prices(*part(quotes, periods, first, stop), out))
    for scope in ("shelf", "target"):
        prices = quotes.of_scope(scope)
        if away is not None:
            prices = np.where(away[scope][:, None], 0.0, prices)
        expected, count = periods.means(prices)
        means, read = mean_price_panel(pl.concat(frames), NAMES, periods.starts, scope)
        np.testing.assert_allclose(means, expected, rtol=1e-14)
        np.testing.assert_array_equal(read, count)


def test_sums_by_hand() -> None:
    # Week 1: eggs 1 and 3, the second out of the item; milk 2 on a day out of season. Week 2: eggs 4.
    prices, judged = np.zeros((14, 2)), np.full((14, 2), IN, dtype=np.int8)
    prices[[0, 1, 8], 0], prices[2, 1] = [1.0, 3.0, 4.0], 2.0
    judged[1, 0] = OUT
    periods = recipe_periods(DAYS[:14], "weekly", "all", None)
    out = {scope: np.arange(14) == 2 for scope in ("shelf", "target")}
    frame = product_period_prices(stratum(prices, judged), periods, out)
    assert frame.rows() == [
        ("tesco", 211710, "eggs", MONDAY, 4.0, 2, 1.0, 1),
        ("tesco", 211710, "eggs", MONDAY + timedelta(days=7), 4.0, 1, 4.0, 1),
    ]
    assert mean_price_panel(frame, NAMES, periods.starts, "shelf")[0].tolist() == [[2.0, 0.0, 0.0], [4.0, 0.0, 0.0]]
    assert mean_price_panel(frame, NAMES, periods.starts, "target")[0].tolist() == [[1.0, 0.0, 0.0], [4.0, 0.0, 0.0]]


def test_rows_of_another_panel_are_refused() -> None:
    periods = recipe_periods(DAYS, "weekly", "all", None)
    frame = product_period_prices(drawn(1), periods)
    with pytest.raises(ValueError, match="a product that is not of the panel"):
        mean_price_panel(frame, ["milk", "tea"], periods.starts, "shelf")
    with pytest.raises(ValueError, match="a period that is not of the panel"):
        mean_price_panel(frame, NAMES, periods.starts[1:], "shelf")
    with pytest.raises(ValueError, match="scope"):
        mean_price_panel(frame, NAMES, periods.starts, "all")
    two = pl.concat([frame, frame.with_columns(retailer=pl.lit("waitrose"))])
    with pytest.raises(ValueError, match="product"):
        mean_price_panel(two, NAMES, periods.starts, "shelf")
