"""Outlying price changes: fences on the last price, Tukey and Hidiroglou–Berthelot within an item."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.quality.price_outliers import (
    PriceOutlierParameters,
    judge_price_changes,
    price_changes,
    price_outliers,
)

FIRST = date(2016, 8, 1)


def quotes(*series: tuple[str, str, list[float | None]], item: int = 212717) -> pl.DataFrame:
    """Make quotes of (retailer, product, price per day from 1 August; None: not listed)."""
    rows = [
        ("real", retailer, item, product, FIRST + timedelta(days=n), price)
        for retailer, product, prices in series
        for n, price in enumerate(prices)
        if price is not None
    ]
    columns = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return frame.with_columns(pl.col("item_number").cast(pl.Int32), pl.col("price_gbp").cast(pl.Float64))


def computed(frame: pl.DataFrame, **parameters: float) -> list[tuple[str, int, str, float]]:
    """(product, day, rule, observed value) of each outlier."""
    judged = price_outliers(frame, PriceOutlierParameters(**parameters))  # type: ignore[arg-type]
    return [
        (row["product"], (row["collected_on"] - FIRST).days, row["rule"], round(row["observed"], 6))
        for row in judged.iter_rows(named=True)
    ]


def test_a_price_beyond_the_fences_is_an_outlier_on_its_day() -> None:
    tea = ("tesco", "TEA", [1.0, 1.0, 3.5, 3.5, 1.0])
    ale = ("tesco", "ALE", [2.0, 6.0, 2.0, 2.0])  # exactly three times: passes
    assert computed(quotes(tea, ale)) == [("TEA", 2, "fixed", 3.5), ("TEA", 4, "fixed", round(1 / 3.5, 6))]


def test_the_evidence_names_both_prices() -> None:
    (row,) = price_outliers(quotes(("tesco", "TEA", [1.0, None, 4.0])), PriceOutlierParameters()).to_dicts()
    assert row["compared_on"] == FIRST
    assert (row["compared_price_gbp"], row["price_gbp"], row["lower"], row["upper"]) == (1.0, 4.0, 1 / 3, 3.0)
    assert row["evidence"] == "£4.00 where the last price was £1.00 (2016-08-01): × 4.0"


def test_a_price_that_is_too_old_is_not_compared_with() -> None:
    gap = [None] * 14
    assert computed(quotes(("tesco", "TEA", [1.0, *gap, 4.0]))) == []
    assert len(computed(quotes(("tesco", "TEA", [1.0, *gap, 4.0])), link_window_days=15)) == 1


def test_an_unusual_change_within_an_item_is_an_outlier() -> None:
    usual = [("tesco", f"P{n:02}", [1.0, 1.1 if n % 2 else 0.9]) for n in range(24)]
    odd = ("waitrose", "ODD", [1.0, 2.0])
    rules = computed(quotes(*usual, odd))
    assert [(product, rule) for product, _, rule, _ in rules] == [("ODD", "hb"), ("ODD", "tukey")]


def test_an_item_with_few_changes_is_judged_by_the_fences_alone() -> None:
    usual = [("tesco", f"P{n:02}", [1.0, 1.1 if n % 2 else 0.9]) for n in range(18)]
    odd = ("waitrose", "ODD", [1.0, 2.0])
    assert computed(quotes(*usual, odd)) == []
    assert computed(quotes(*usual, odd), least_changes=10) != []


def test_items_and_origins_are_judged_apart() -> None:
    usual = [("tesco", f"P{n:02}", [1.0, 1.1 if n % 2 else 0.9]) for n in range(24)]
    elsewhere = quotes(("tesco", "ODD", [1.0, 2.0]), item=310401)
    simulated = quotes(("sim-alder", "ODD", [1.0, 2.0])).with_columns(pl.lit("simulated").alias("data_origin"))
    assert computed(pl.concat([quotes(*usual), elsewhere, simulated])) == []


def test_an_empty_frame_passes_and_two_prices_of_a_day_are_refused() -> None:
    assert price_outliers(quotes(("tesco", "TEA", [1.0])).clear(), PriceOutlierParameters()).is_empty()
    twice = pl.concat([quotes(("tesco", "TEA", [1.0])), quotes(("tesco", "TEA", [2.0]))])
    with pytest.raises(ValueError, match=r"two prices of 'TEA' \(tesco, item 212717\) on 2016-08-01"):
        price_outliers(twice, PriceOutlierParameters())


def _changes(*days: tuple[str, date, float]) -> pl.DataFrame:
    """Price changes of item 212717 at one shop: product, day, new price where the last one was 1."""
    rows = [("real", "tesco", 212717, name, day, price, day - timedelta(days=1), 1.0) for name, day, price in days]
    columns = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]
    frame = pl.DataFrame(rows, schema=[*columns, "compared_on", "compared_price_gbp"], orient="row")
    return frame.with_columns(pl.col("item_number").cast(pl.Int32))


@pytest.mark.parametrize(
    ("day", "is_judged"),
    [
        (date(2016, 12, 31), True),
        (date(2017, 1, 1), False),  # the sample of January begins on 3 July
        (date(2016, 5, 31), True),
        (date(2016, 4, 30), False),  # the sample of April ends on 25 June
    ],
)
def test_a_change_is_judged_by_those_of_half_a_year_before_and_eight_weeks_after_its_month(
    day: date, is_judged: bool
) -> None:
    usual = [(f"P{n:02}", date(2016, 7, 2), 1.1 if n % 2 else 0.9) for n in range(24)]
    found = judge_price_changes(_changes(*usual, ("ODD", day, 2.0)), PriceOutlierParameters())
    assert (found["product"].to_list() == ["ODD", "ODD"]) == is_judged
    assert found.is_empty() != is_judged


def test_the_changes_of_a_day_are_those_of_its_link_window() -> None:
    generator = np.random.default_rng(1)
    walks = [
        ("tesco", f"P{n}", [float(p) if generator.random() > 0.2 else None for p in generator.integers(1, 4, 60)])
        for n in range(20)
    ]
    frame = quotes(*walks)
    whole = price_changes(frame, 14)
    assert whole.height > 200
    for day in frame["collected_on"].unique().sort():
        seen = price_changes(frame.filter(pl.col("collected_on").is_between(day - timedelta(days=14), day)), 14)
        of_day = pl.col("collected_on") == day
        assert seen.filter(of_day).equals(whole.filter(of_day)), day
