"""Published values of prices (the shared folder `golden/prices`), and comparison of results with them."""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ons_bigdata.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Settings().shared / "golden" / "prices"
golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"no golden values at {GOLDEN} (set ONS_BIGDATA_SHARED)")

Key = tuple[str, str, str]
"""Dataset, method, parameters: what one published series is of."""

FEWS = "expected_fews_turvey.csv"
INDEXNUMR = "expected_indexnumr.csv"
OTHER = "expected_published_other.csv"
FILES = (FEWS, INDEXNUMR, OTHER)


@cache
def series_of(file: str) -> Mapping[Key, Mapping[str, str]]:
    """Read the published series of a file: period → value as printed."""
    tables: dict[Key, dict[str, str]] = defaultdict(dict)
    with (GOLDEN / file).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            tables[row["dataset"], row["method"], row["params"]][row["period"]] = row["value"].strip()
    return dict(tables)


def parameters(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(";") if "=" in part)


def assert_as_printed(computed: Mapping[str, float | None], printed: Mapping[str, str], rtol: float = 1e-12) -> None:
    """Agree to `rtol` where printed to 15 digits, else to half a unit of the last printed decimal of the series."""
    assert printed
    decimals = max(len(text.partition(".")[2]) for text in printed.values())
    full = decimals >= 13
    for period, text in printed.items():
        expected = float(text)
        tolerance = rtol * expected if full else max(0.5001 * 10.0**-decimals, rtol * expected)
        assert computed[period] == pytest.approx(expected, rel=0, abs=tolerance), period


def by_period(table: pl.DataFrame) -> dict[str, float]:
    return dict(zip(table["period"].cast(pl.String), table["index"], strict=True))


def milk(first: str = "2018-12", last: str = "2020-08") -> pl.DataFrame:
    """Read the milk prices of PriceIndices, months as first days."""
    quotes = pl.read_csv(GOLDEN / "priceindices_milk_monthly.csv", schema_overrides={"month": pl.String})
    quotes = quotes.filter(pl.col("month").is_between(pl.lit(first), pl.lit(last)))
    return quotes.select((pl.col("month") + "-01").str.to_date(), "prodID", "prices", "quantities")


MILK = {"period": "month", "product": "prodID", "price": "prices", "quantity": "quantities"}
CES = {"period": "time", "product": "prodID", "price": "prices", "quantity": "quantities"}


def ces(*, two_rows_removed: bool = False) -> pl.DataFrame:
    """Read the artificial prices of IndexNumR, without product 1 in periods 2 and 3 if so wanted."""
    quotes = pl.read_csv(GOLDEN / "indexnumr_CES_sigma_2.csv")
    removed = (pl.col("prodID") == 1) & pl.col("time").is_in([2, 3]) & pl.lit(two_rows_removed)
    return quotes.filter(~removed)


def milk_rows() -> pl.DataFrame:
    """Read the single rows of the milk data, by outlet and description, December 2018 to December 2019."""
    return _rows("priceindices_milk.csv.gz")


def coffee_rows() -> pl.DataFrame:
    """Read the single rows of the coffee data, as `milk_rows`."""
    return _rows("priceindices_coffee.csv.gz")


def _rows(file: str) -> pl.DataFrame:
    rows = pl.read_csv(GOLDEN / file, schema_overrides={"time": pl.String})
    rows = rows.with_columns(month=pl.col("time").str.slice(0, 7)).drop("time")
    return rows.filter(pl.col("month").is_between(pl.lit("2018-12"), pl.lit("2019-12")))
