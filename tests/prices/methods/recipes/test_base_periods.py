"""Base weeks by rhythm of collection, and figures of retailers that no period connects."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes import RECIPES, TreeWeights, base_weeks, origin_panels, recipe_named
from ons_bigdata.prices.methods.recipes.base_periods import connected_parts
from ons_bigdata.prices.methods.recipes.catalogue import Recipe
from tests.prices.methods.recipes.computed_recipes import NO_DAYS, Computed, computed

MONDAY = date(2016, 8, 1)
BREAD, MILK, WHISKY = 210111, 211710, 310401
WEIGHTS = TreeWeights(
    pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}),
    pl.DataFrame(
        {"item_number": [BREAD, MILK, WHISKY], "class_code": ["01.1.1", "01.1.4", "02.1.1"], "weight": [6.0, 4.0, 2.0]}
    ),
    pl.DataFrame(
        {"class_code": ["01.1.1", "01.1.4", "02.1.1"], "division_code": ["01", "01", "02"], "weight": [15.0, 9.0, 5.0]}
    ),
)  # fmt: skip
MONTHLY = [recipe_named("ons_2026"), recipe_named("cpi_like")]
DAILY = [recipe_named("web_daily")]
WEEKLY = [recipe_named("ons_web_weekly"), recipe_named("fews")]


def quotes(retailer: str, days: list[date], items: tuple[int, ...] = (BREAD,), seed: int = 0) -> pl.DataFrame:
    """Three products of each item, whose prices wander, on some days."""
    generator = np.random.default_rng(seed)
    walk = np.exp(np.cumsum(generator.normal(0.0, 0.05, (len(days), len(items), 3)), axis=0))
    rows = [
        ("real", retailer, item, f"{item} {n}", day, float(walk[t, i, n]) * (n + 1), None)
        for t, day in enumerate(days)
        for i, item in enumerate(items)
        for n in range(3)
    ]
    schema = {
        "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
        "collected_on": pl.Date, "price_gbp": pl.Float64, "in_scope": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def every(step: int, times: int, *, first: int = 0) -> list[date]:
    return [MONDAY + timedelta(days=first + step * n) for n in range(times)]


def figures(rows: pl.DataFrame, recipes: list[Recipe] | None = None, rhythms: dict[str, str] | None = None) -> Computed:
    sizes = rows.select("retailer", "item_number", "product").unique().with_columns(pack_size=pl.lit(0.5))
    panels = origin_panels(
        rows, data_origin="real", pack_sizes=sizes, rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(rows, rhythms)["real"], rhythms=rhythms,
    )  # fmt: skip
    return computed(panels, recipes or RECIPES, replicates=3)


def index(found: Computed, code: str, recipe: str) -> dict[date, float | None]:
    rows = found.aggregates.filter((pl.col("code") == code) & (pl.col("recipe") == recipe)).sort("period")
    return dict(rows.filter(pl.col("scope") == "shelf").select("period", "index").iter_rows())


@pytest.mark.parametrize(
    ("rhythm", "week"),
    [
        ("daily", None),
        ("weekly", (MONDAY, MONDAY + timedelta(days=6))),
        ("weekly_friday", (MONDAY, MONDAY + timedelta(days=6))),
        ("monthly", (MONDAY, MONDAY + timedelta(days=6))),
    ],
)
def test_the_base_week_has_all_collections_that_the_rhythm_expects(rhythm: str, week: object) -> None:
    assert base_weeks(quotes("shop", every(7, 6, first=4)), {"shop": rhythm}) == {"real": week}


def test_daily_and_weekly_retailers_have_the_first_of_their_base_weeks() -> None:
    daily, weekly = quotes("daily", every(1, 20, first=3)), quotes("weekly", every(7, 5, first=15))
    rhythms = {"weekly": "weekly"}
    assert base_weeks(daily, rhythms)["real"][0] == MONDAY + timedelta(days=7)
    assert base_weeks(pl.concat([daily, weekly]), rhythms)["real"][0] == MONDAY + timedelta(days=7)
    early = quotes("weekly", every(7, 5, first=2))
    assert base_weeks(pl.concat([daily, early]), rhythms)["real"][0] == MONDAY


def test_an_unknown_rhythm_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown rhythm 'fortnightly'.*daily, weekly, weekly_monday"):
        base_weeks(quotes("shop", every(7, 6)), {"shop": "fortnightly"})


def test_weekly_scrapes_have_weekly_figures_by_hand() -> None:
    rows = quotes("shop", every(7, 5, first=2))
    level = pl.col("collected_on").replace_strict(every(7, 5, first=2), [1.0, 1.1, 1.1, 1.21, 1.0])
    rising = rows.with_columns(price_gbp=level * pl.col("product").str.tail(1).cast(pl.Float64).add(1.0))
    found = figures(rising, WEEKLY, {"shop": "weekly"})
    expected = dict(zip(every(7, 5), [100.0, 110.0, 110.0, 121.0, 100.0], strict=True))
    for recipe in ("ons_web_weekly", "fews"):
        assert index(found, "01.1.1", recipe) == pytest.approx(expected)
    assert set(found.aggregates["base_period"]) == {"2016-08-01..2016-08-07"}


def test_scrapes_on_no_day_that_counts_have_an_output_of_nulls_with_diagnostics() -> None:
    found = figures(quotes("shop", every(7, 9, first=3)), [recipe_named("ons_pilot_2015")], {"shop": "weekly_thursday"})
    for table in (found.aggregates, found.diagnostics):
        rows = table.filter(pl.col("method") == "cpi_replicate")
        assert rows.height > 0
        assert rows["index"].null_count() == rows.height


def test_monthly_scrapes_have_monthly_figures() -> None:
    days = [date(2016, month, 15) for month in range(1, 8)]
    found = figures(quotes("shop", days), MONTHLY, {"shop": "monthly"})
    for recipe in ("ons_2026", "cpi_like"):
        assert None not in index(found, "01", recipe).values()
        assert list(index(found, "01", recipe)) == [day.replace(day=1) for day in days]


SPANS = {
    "years apart": (every(1, 30), every(1, 30, first=500)),
    "adjacent days in one week": (every(1, 31), every(1, 30, first=31)),
    "first longer than a month": (every(1, 70, first=3), every(1, 20, first=73)),
    "one within a gap of the other": (every(1, 20) + every(1, 20, first=200), every(1, 25, first=90)),
}


@pytest.mark.parametrize("spans", SPANS.values(), ids=SPANS.keys())
def test_retailers_that_never_overlap_have_the_figures_that_each_has_alone(
    spans: tuple[list[date], list[date]],
) -> None:
    first, second = quotes("first", spans[0], (BREAD, MILK)), quotes("second", spans[1], (BREAD, WHISKY), seed=1)
    together = figures(pl.concat([first, second]), DAILY)
    alone = [figures(first, DAILY), figures(second, DAILY)]
    key = ["level", "code", "recipe", "method", "scope", "period"]
    for table in ("aggregates", "diagnostics"):
        apart = pl.concat([getattr(one, table) for one in alone])
        # a period without a figure of one of them is a period of the other, or between them
        shown = apart.drop_nulls("index").drop("reason", strict=False)
        found = getattr(together, table).drop("reason", strict=False)
        assert_frame_equal(found.join(shown, on=key, how="semi"), shown, check_row_order=False)
        assert found.drop_nulls("index").height == shown.height
        assert not found.select(key).is_duplicated().any()
    movements = pl.concat([one.movements for one in alone])
    assert_frame_equal(together.movements, movements, check_row_order=False)


def test_the_reason_names_the_base_of_its_own_and_no_class_is_emptied() -> None:
    first, second = quotes("first", every(1, 30), (BREAD,)), quotes("second", every(1, 30, first=300), (BREAD, WHISKY))
    found = figures(pl.concat([first, second])).aggregates.filter(pl.col("scope") == "shelf")
    assert found.drop_nulls("index").select("recipe", "code").unique().filter(pl.col("code") == "02.1.1").height == len(
        RECIPES
    )
    rows = found.filter((pl.col("recipe") == "web_daily") & (pl.col("code") == "01.1.1"))
    early, late = (
        rows.filter(pl.col("period") < MONDAY + timedelta(days=300)),
        rows.filter(pl.col("period") >= MONDAY + timedelta(days=300)),
    )
    assert set(early["reason"]) == {"base of its own: no day in common with second"}
    assert set(late["reason"]) == {"base of its own: no day in common with first"}
    assert set(early["base_period"]) == {"2016-08-01..2016-08-07"}
    assert set(late["base_period"]) == {"2017-05-29..2017-06-04"}
    assert rows["index"].null_count() == 0


def test_a_third_retailer_connects_the_two() -> None:
    rows = [
        quotes("first", every(1, 30)), quotes("second", every(1, 30, first=40)), quotes("both", every(1, 70), (MILK,)),
    ]  # fmt: skip
    found = figures(pl.concat(rows), [recipe_named("web_daily")]).aggregates
    assert not any("base of its own" in (reason or "") for reason in found["reason"])


def test_retailers_collected_on_different_weekdays_share_the_base_week() -> None:
    rows = pl.concat([quotes("monday", every(7, 6)), quotes("tuesday", every(7, 6, first=1), seed=1)])
    found = figures(
        rows, [recipe_named("web_daily"), *WEEKLY], {"monday": "weekly_monday", "tuesday": "weekly_tuesday"}
    )
    collected = set(every(7, 6)) | set(every(7, 6, first=1))
    daily = index(found, "01.1.1", "web_daily")
    assert all(daily[day] is not None for day in collected)
    assert not any("base of its own" in (reason or "") for reason in found.aggregates["reason"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=28, max_size=28), min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=5, max_size=5),
    st.booleans(),
)
def test_parts_hold_every_retailer_once_and_share_no_period(
    present: list[list[bool]], weekly: list[bool], month: bool
) -> None:
    quoted, days = np.array(present), every(1, 28)
    period_of = np.arange(28) // 7
    sparse = np.array(weekly[: len(present)])
    parts = connected_parts(quoted, days, period_of, None, sparse=sparse, base_is_first_period=month)
    held = sum((part.retailers.astype(int) for part in parts), np.zeros(len(present), dtype=int))
    assert held.tolist() == quoted.any(axis=1).astype(int).tolist()
    periods = [set(period_of[quoted[part.retailers].any(axis=0)].tolist()) for part in parts]
    assert sum(map(len, periods)) == len(set().union(*periods))
