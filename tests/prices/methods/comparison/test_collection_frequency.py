"""Precision under less collection: one item computed step by step, closed form against bootstrap, properties."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.comparison.collection_frequency import collection_frequencies

FIRST = date(2016, 5, 2)
WEIGHTS = pl.DataFrame({"item_number": [210302, 211901], "division_code": ["01", "01"], "weight": [3.0, 1.0]})


def _quotes(rows: list[tuple[str, int, str, int, float]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["retailer", "item_number", "product", "day", "price_gbp"], orient="row")
    return frame.select(
        pl.lit("real").alias("data_origin"),
        "retailer",
        pl.col("item_number").cast(pl.Int32),
        "product",
        (pl.lit(FIRST) + pl.duration(days="day")).cast(pl.Date).alias("collected_on"),
        pl.col("price_gbp").cast(pl.Float64),
    )


def _random(seed: int, *, days: int = 56, retailers: tuple[str, ...] = ("tesco", "waitrose")) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for retailer in retailers:
        for item in (210302, 211901):
            for product in range(4):
                price = float(rng.uniform(1, 5))
                for day in range(days):
                    if rng.random() < 0.1:
                        price *= float(rng.uniform(0.8, 1.25))
                    if rng.random() < 0.97:
                        rows.append((retailer, item, f"P{product}", day, round(price, 2)))
    return _quotes(rows)


def test_one_item_computed_step_by_step() -> None:
    """Every choice of weekday and of day, in plain loops, for one item of two retailers."""
    quotes = _random(3).filter(pl.col("item_number") == 210302)
    computed = collection_frequencies(quotes, WEIGHTS).filter(level="item", retailers="all")
    prices: dict[tuple[str, str], dict[int, float]] = {}
    for row in quotes.iter_rows(named=True):
        day = (row["collected_on"] - FIRST).days
        prices.setdefault((row["retailer"], row["product"]), {})[day] = np.log(row["price_gbp"])

    def movement(days: set[int]) -> tuple[float, float]:
        of_shop: dict[str, list[float]] = {}
        for (shop, _), by_day in prices.items():
            means = [[p for d, p in by_day.items() if d // 28 == k and d % 28 in days] for k in (0, 1)]
            if all(means):
                of_shop.setdefault(shop, []).append(float(np.mean(means[1]) - np.mean(means[0])))
        ratios = {shop: np.exp(np.mean(x)) for shop, x in of_shop.items()}
        total = sum(ratios.values())
        error = sum((ratios[shop] / total) ** 2 * np.var(x) / len(x) for shop, x in of_shop.items())
        return float(np.log(total / len(ratios))), float(error)

    full, full_error = movement(set(range(28)))
    choices = {
        "daily": [set(range(28))],
        "weekly": [{d for d in range(28) if d % 7 == k} for k in range(7)],
        "monthly": [{d} for d in range(28)],
    }
    for frequency, sets in choices.items():
        row = computed.filter(frequency=frequency).row(0, named=True)
        estimates = [movement(days) for days in sets]
        off = 100 * (np.array([m for m, _ in estimates]) - full)
        assert (row["choices"], row["estimates"], row["movements"]) == (len(sets), len(sets), 1)
        assert row["mean_difference"] == pytest.approx(off.mean(), abs=1e-10)
        assert row["spread"] == pytest.approx(np.sqrt((off**2).mean()), abs=1e-10)
        assert row["standard_error"] == pytest.approx(100 * np.sqrt(np.mean([e for _, e in estimates])), rel=1e-10)
    daily = computed.filter(frequency="daily").row(0, named=True)
    assert daily["total_error"] == pytest.approx(100 * np.sqrt(full_error), rel=1e-10)


def test_the_closed_form_is_the_bootstrap() -> None:
    """The error of one retailer's item against ten thousand resamples of its products."""
    quotes = _random(5, retailers=("tesco",)).filter(pl.col("item_number") == 210302)
    computed = collection_frequencies(quotes, WEIGHTS).filter(level="item", frequency="daily")
    period = (pl.col("collected_on") - FIRST).dt.total_days() // 28
    means = quotes.group_by("product", period.alias("t")).agg(pl.col("price_gbp").log().mean()).sort("product", "t")
    changes = means.group_by("product").agg(pl.col("price_gbp").diff().last())["price_gbp"].to_numpy()
    rng = np.random.default_rng(1)
    resampled = changes[rng.integers(0, len(changes), (10_000, len(changes)))].mean(axis=1)
    assert computed["standard_error"][0] == pytest.approx(100 * resampled.std(), rel=0.03)


def test_less_collection_is_never_more_precise_and_exact_for_constant_prices() -> None:
    computed = collection_frequencies(_random(11), WEIGHTS).filter(retailers="all")
    spread = {key: part["spread"].mean() for (key,), part in computed.group_by("frequency")}
    assert spread["daily"] == 0.0
    assert 0.0 < spread["weekly"] < spread["monthly"]
    still = _random(11).with_columns(price_gbp=pl.lit(2.0))
    quiet = collection_frequencies(still, WEIGHTS)
    assert quiet["total_error"].max() == 0.0


def test_divisions_are_weighted_and_designs_are_named() -> None:
    """One item doubles, the other stays: 3 to 1 gives 1.75; without the shop where it doubles it is 1."""
    rows = [
        (shop, item, product, day, 2.0 if day >= 28 and item == 210302 and shop != "b" else 1.0)
        for shop in ("a", "b", "c")
        for item in (210302, 211901)
        for product in ("P", "Q")
        for day in range(56)
    ]
    computed = collection_frequencies(_quotes(rows), WEIGHTS)
    assert set(computed["retailers"]) == {
        *("all", "without a", "without b", "without c", "a alone", "b alone", "c alone"),
    }
    division = computed.filter(level="division", frequency="daily")
    full = np.log((3 * (2 + 1 + 2) / 3 + 1) / 4)
    for design, expected in (("b alone", 1.0), ("without b", 1.75), ("a alone", 1.75)):
        row = division.filter(retailers=design).row(0, named=True)
        assert row["mean_difference"] == pytest.approx(100 * (np.log(expected) - full))


def test_too_few_days_give_null_with_a_reason_and_few_days_shorter_periods() -> None:
    short = collection_frequencies(_random(1, days=20), WEIGHTS)
    assert short["total_error"].null_count() == short.height > 0
    assert set(short["reason"]) == {"20 days; two periods of 14 days are needed"}
    fortnights = collection_frequencies(_random(1, days=30), WEIGHTS)
    assert set(fortnights["period_days"]) == {14}


def test_a_day_without_collection_lacks_its_estimates() -> None:
    quotes = _random(2).filter(pl.col("collected_on") != FIRST + timedelta(days=3))
    row = collection_frequencies(quotes, WEIGHTS).filter(level="item", retailers="all", frequency="monthly").row(0)
    assert row[-1] == "1 of 28 estimates are missing"


def test_one_product_alone_has_no_standard_error() -> None:
    quotes = _random(2, retailers=("tesco",)).filter(pl.col("product") == "P0")
    computed = collection_frequencies(quotes, WEIGHTS).filter(frequency="daily")
    assert computed["standard_error"].null_count() == computed.height
    assert set(computed["reason"]) == {"1 of 1 estimates have no standard error"}


def test_bad_input_is_refused_with_its_fault() -> None:
    quotes = _random(1)
    with pytest.raises(ValueError, match="quotes: 2 with a product that has an earlier row of the day"):
        collection_frequencies(pl.concat([quotes, quotes.head(1)]), WEIGHTS)
    with pytest.raises(ValueError, match="a price that is not positive and finite"):
        collection_frequencies(quotes.with_columns(price_gbp=pl.lit(0.0)), WEIGHTS)
    with pytest.raises(ValueError, match="item weights: 1 with a weight that is null, not finite or below 0"):
        collection_frequencies(quotes, pl.DataFrame({**WEIGHTS[0].to_dict(as_series=False), "weight": [-1.0]}))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0.2, 5.0))
def test_prices_in_another_currency_change_nothing(seed: int, factor: float) -> None:
    quotes = _random(seed, days=28, retailers=("tesco",))
    once = collection_frequencies(quotes, WEIGHTS)
    times = collection_frequencies(quotes.with_columns(pl.col("price_gbp") * factor), WEIGHTS)
    assert np.allclose(once["total_error"], times["total_error"], atol=1e-9)
