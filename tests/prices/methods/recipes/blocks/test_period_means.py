"""Weekly and monthly figures from mean prices of periods against those from daily quotes; the sums by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Bootstrap,
    base_weeks,
    index_diagnostics,
    index_figures,
    origin_panels,
)
from ons_bigdata.prices.methods.recipes.blocks.period_means import (
    CALENDARS,
    panels_of_periods,
    product_period_prices,
    seasonal_rule,
)
from tests.prices.methods.recipes.blocks.test_month_figures import WEIGHTS, history_of, quotes_of, sizes_of
from tests.prices.methods.recipes.computed_recipes import NO_DAYS

BOOTSTRAP = Bootstrap(replicates=4)
PRODUCT = ["retailer", "item_number", "product"]


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(seed=st.integers(0, 10_000))
def test_mean_prices_give_the_figures_of_daily_quotes(seed: int) -> None:
    quotes = quotes_of(seed, 110)
    daily = origin_panels(
        quotes, data_origin="real", pack_sizes=sizes_of(quotes), rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(quotes)["real"],
    )  # fmt: skip
    history = history_of(quotes)
    sums = product_period_prices(quotes, history, seasonal_rule(RECIPES))
    judged = sums.join(quotes.select(*PRODUCT, "in_scope").unique(), on=PRODUCT, how="left")
    whole = index_figures(daily, RECIPES)
    diagnosed = index_diagnostics(daily, RECIPES, whole, BOOTSTRAP)
    for calendar in CALENDARS:
        panels = panels_of_periods(history, judged, sizes_of(quotes), calendar)
        figures = index_figures(panels, RECIPES)
        diagnostics = index_diagnostics(panels, RECIPES, figures, BOOTSTRAP)
        for computed, expected, key in (
            (figures.elementary, whole.elementary, ["retailer", "item_number"]),
            (figures.aggregates, whole.aggregates, ["level", "code"]),
            (diagnostics.diagnostics, diagnosed.diagnostics, ["level", "code"]),
            (diagnostics.movements, diagnosed.movements, ["level", "code"]),
        ):
            outputs = computed.select("recipe", "method").unique()
            order = ["recipe", "method", "scope", "period", *key]
            known = expected.join(outputs, on=["recipe", "method"], how="semi").sort(order)
            assert computed.height == known.height > 0
            assert_frame_equal(computed.sort(order), known, rel_tol=1e-9, abs_tol=1e-9)


def test_sums_by_hand() -> None:
    # Monday 1 August to Wednesday 10 August 2016; the second Tuesday is the 9th.
    days = [date(2016, 8, 1), date(2016, 8, 2), date(2016, 8, 8), date(2016, 8, 9), date(2016, 8, 12)]
    quotes = pl.DataFrame(
        {"data_origin": "real", "retailer": "tesco", "item_number": 210111, "product": "TEA", "collected_on": days,
         "price_gbp": [1.0, 2.0, 4.0, 8.0, 16.0], "in_scope": None},
        schema_overrides={"item_number": pl.Int32, "in_scope": pl.Boolean},
    )  # fmt: skip
    sums = product_period_prices(quotes, history_of(quotes), None)
    made = {(row["calendar"], row["period"]): (row["price_sum_gbp"], row["quotes"]) for row in sums.to_dicts()}
    assert made == {
        ("weeks", date(2016, 8, 1)): (3.0, 2),
        ("weeks", date(2016, 8, 8)): (28.0, 3),
        ("months", date(2016, 8, 1)): (31.0, 5),
        ("second_tuesdays", date(2016, 8, 1)): (12.0, 2),
    }


def test_an_unknown_calendar_is_an_error() -> None:
    quotes = quotes_of(1, 40)
    with pytest.raises(ValueError, match="unknown calendar 'days'; known: weeks, months, second_tuesdays"):
        panels_of_periods(history_of(quotes), pl.DataFrame(), sizes_of(quotes), "days")
