"""Agreement of sources: known lag, staleness and coverage are estimated; the verdict and its reasons."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from ons_bigdata.prices.methods.comparison.source_agreement import source_agreement

FIRST = date(2016, 8, 1)
DAYS = 20
PRODUCTS = 10


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _price(product: int, day: int) -> float:
    return round(1.0 + product + 0.1 * ((day + product) // 3), 2)  # a new price every third day


def _quotes() -> pl.DataFrame:
    rows = [("real", "tesco", 210302, f"P{k}", _day(t), _price(k, t)) for k in range(PRODUCTS) for t in range(DAYS)]
    return pl.DataFrame(
        rows,
        schema=["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"],
        orient="row",
    )


def _other(*, lag: int = 0, delay: int = 0, products: int = PRODUCTS, days: range = range(8, DAYS)) -> pl.DataFrame:
    rows = [
        ("real", "agg", "tesco", 210302, f"Q{k}", _day(t), _day(t + delay), _price(k, t - lag))
        for k in range(products)
        for t in days
    ]
    columns = [
        "data_origin",
        "source",
        "retailer",
        "item_number",
        "product",
        "collected_on",
        "delivered_on",
        "price_gbp",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row")


MATCHES = pl.DataFrame(
    [("real", "agg", "tesco", 210302, f"P{k}", f"Q{k}") for k in range(PRODUCTS)],
    schema=["data_origin", "source", "retailer", "item_number", "product", "other_product"],
    orient="row",
)


def _row(other: pl.DataFrame, matches: pl.DataFrame = MATCHES) -> dict[str, object]:
    (row,) = source_agreement(_quotes(), other, matches).to_dicts()
    return row


def test_an_identical_file_could_replace_the_scraper() -> None:
    row = _row(_other())
    assert (row["days"], row["days_delivered"], row["compared_quotes"]) == (12, 12, 120)
    assert (row["share_equal"], row["days_behind"], row["share_stale"]) == (1.0, 0, 0.0)
    assert (row["coverage"], row["other_coverage"], row["quotes_covered"]) == (1.0, 1.0, 1.0)
    assert (row["could_replace"], row["reason"]) == (True, None)


@pytest.mark.parametrize("lag", [0, 1, 2, 5])
def test_the_lag_of_prices_is_estimated(lag: int) -> None:
    row = _row(_other(lag=lag))
    assert row["days_behind"] == lag
    assert row["share_equal_at_lag"] == 1.0
    assert row["could_replace"] is (lag <= 1)
    if lag:
        assert row["share_equal"] < 1.0


def test_late_delivery_and_late_prices_add_up() -> None:
    row = _row(_other(lag=1, delay=1))
    assert row["delivery_delay_days"] == 1.0
    assert (row["could_replace"], row["reason"]) == (False, "2 days late, at most 1 allowed")


def test_stale_prices_are_distinguished_from_wrong_prices() -> None:
    """Of ten products one shows what it cost six days before, another what it never cost."""
    day, own = pl.col("collected_on"), pl.col("price_gbp")
    old = [_price(1, t - 6) for t in range(8, DAYS)]
    other = _other().sort("product", "collected_on")
    stale = other.with_columns(
        price_gbp=pl.when(pl.col("product") == "Q1")
        .then(day.replace_strict({_day(t): old[t - 8] for t in range(8, DAYS)}))
        .when(pl.col("product") == "Q2")
        .then(own + 500)
        .otherwise(own)
    )
    row = _row(stale)
    assert row["share_equal_at_lag"] == pytest.approx(0.8)
    assert row["share_stale"] == pytest.approx(0.1)
    assert row["reason"] == "80.0 % of prices equal, 98 % needed"


def test_coverage_is_given_for_both_sources() -> None:
    other = pl.concat([_other(products=5), _other(products=1).with_columns(product=pl.lit("unmatched"))])
    row = _row(other.filter(pl.col("collected_on") != _day(10)))
    assert (row["products"], row["other_products"], row["matched_products"]) == (10, 6, 5)
    assert (row["coverage"], row["other_coverage"]) == (0.5, pytest.approx(5 / 6))
    assert row["quotes_covered"] == pytest.approx(5 * 11 / 120)
    assert row["days_delivered"] == 11
    assert row["reason"].split("; ") == [  # type: ignore[attr-defined]
        "45.8 % of scraped quotes covered, 95 % needed",
        "91.7 % of days delivered, 95 % needed",
    ]


def test_without_a_match_there_are_no_figures() -> None:
    row = _row(_other(), MATCHES.clear())
    assert (row["could_replace"], row["days_behind"], row["share_equal"]) == (None, None, None)
    assert row["reason"] == "no quote of a matched product on the same day in both sources"


def test_origins_are_not_mixed_and_bad_input_is_refused() -> None:
    row = _row(_other().with_columns(data_origin=pl.lit("simulated")))
    assert (row["products"], row["could_replace"]) == (0, None)
    with pytest.raises(ValueError, match="other quotes: 2 with a product twice on a day"):
        source_agreement(_quotes(), pl.concat([_other(), _other().head(1)]), MATCHES)
    assert source_agreement(_quotes(), _other().clear(), MATCHES).is_empty()
