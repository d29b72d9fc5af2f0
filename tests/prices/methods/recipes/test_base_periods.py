"""Base weeks by rhythm of collection, and figures of retailers that no period connects."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    TreeWeights,
    base_weeks,
    index_figures,
    origin_panels,
    recipe_named,
)
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


def aggregates(rows: pl.DataFrame, recipes: list[Recipe], rhythms: dict[str, str] | None = None) -> pl.DataFrame:
    """Figures alone, of the whole shelf."""
    sizes = rows.select("retailer", "item_number", "product").unique().with_columns(pack_size=pl.lit(0.5))
    panels = origin_panels(
        rows, data_origin="real", pack_sizes=sizes, rejected=NO_DAYS, weights=WEIGHTS,
        week=base_weeks(rows, rhythms)["real"], rhythms=rhythms,
    )  # fmt: skip
    return index_figures(panels, recipes, scopes=["shelf"]).aggregates


def index(made: Computed, code: str, recipe: str) -> dict[date, float | None]:
    rows = made.aggregates.filter((pl.col("code") == code) & (pl.col("recipe") == recipe)).sort("period")
    return dict(rows.filter(pl.col("scope") == "shelf").select("period", "index").iter_rows())


@pytest.mark.parametrize(
    ("rhythm", "week"),
    [
        ("daily", (MONDAY, MONDAY + timedelta(days=6))),  # the week with most of the expected days
        ("fortnightly", (MONDAY, MONDAY + timedelta(days=6))),
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
    with pytest.raises(
        ValueError, match=r"unknown rhythm 'weekdays'.*daily, weekly, .*did you mean monday_to_friday\?"
    ):
        base_weeks(quotes("shop", every(7, 6)), {"shop": "weekdays"})


def test_weekly_scrapes_have_weekly_figures_by_hand() -> None:
    rows = quotes("shop", every(7, 5, first=2))
    level = pl.col("collected_on").replace_strict(every(7, 5, first=2), [1.0, 1.1, 1.1, 1.21, 1.0])
    rising = rows.with_columns(price_gbp=level * pl.col("product").str.tail(1).cast(pl.Float64).add(1.0))
    made = figures(rising, WEEKLY, {"shop": "weekly"})
    expected = dict(zip(every(7, 5), [100.0, 110.0, 110.0, 121.0, 100.0], strict=True))
    for recipe in ("ons_web_weekly", "fews"):
        assert index(made, "01.1.1", recipe) == pytest.approx(expected)
    assert set(made.aggregates["base_period"]) == {"2016-08-01..2016-08-07"}


def test_scrapes_on_no_day_that_counts_have_an_output_of_nulls_with_diagnostics() -> None:
    made = figures(quotes("shop", every(7, 9, first=3)), [recipe_named("ons_pilot_2015")], {"shop": "weekly_thursday"})
    for table in (made.aggregates, made.diagnostics):
        rows = table.filter(pl.col("method") == "cpi_replicate")
        assert rows.height > 0
        assert rows["index"].null_count() == rows.height


def test_monthly_scrapes_have_monthly_figures() -> None:
    days = [date(2016, month, 15) for month in range(1, 8)]
    made = figures(quotes("shop", days), MONTHLY, {"shop": "monthly"})
    for recipe in ("ons_2026", "cpi_like"):
        assert None not in index(made, "01", recipe).values()
        assert list(index(made, "01", recipe)) == [day.replace(day=1) for day in days]


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
        made = getattr(together, table).drop("reason", strict=False)
        assert_frame_equal(made.join(shown, on=key, how="semi"), shown, check_row_order=False)
        assert made.drop_nulls("index").height == shown.height
        assert not made.select(key).is_duplicated().any()
    movements = pl.concat([one.movements for one in alone])
    assert_frame_equal(together.movements, movements, check_row_order=False)


def test_the_reason_names_the_base_of_its_own_and_no_class_is_emptied() -> None:
    first, second = quotes("first", every(1, 30), (BREAD,)), quotes("second", every(1, 30, first=300), (BREAD, WHISKY))
    made = figures(pl.concat([first, second])).aggregates.filter(pl.col("scope") == "shelf")
    assert made.drop_nulls("index").select("recipe", "code").unique().filter(pl.col("code") == "02.1.1").height == len(
        RECIPES
    )
    rows = made.filter((pl.col("recipe") == "web_daily") & (pl.col("code") == "01.1.1"))
    early, late = (
        rows.filter(pl.col("period") < MONDAY + timedelta(days=300)),
        rows.filter(pl.col("period") >= MONDAY + timedelta(days=300)),
    )
    assert set(early["reason"]) == {"base of its own: no day in common with second"}
    assert set(late["reason"]) == {"base of its own: no day in common with first"}
    assert set(early["base_period"]) == {"2016-08-01..2016-08-07"}
    assert set(late["base_period"]) == {"2017-05-29..2017-06-04"}
    assert rows["index"].null_count() == 0


@pytest.mark.parametrize("third", [MILK, WHISKY])
def test_a_third_retailer_connects_the_figures_that_hold_its_items_and_no_others(third: int) -> None:
    first, second = quotes("first", every(1, 30)), quotes("second", every(1, 30, first=40), seed=1)
    between = quotes("both", every(1, 70), (third,), seed=2)
    made = aggregates(pl.concat([first, second, between]), DAILY)
    alone = aggregates(second, DAILY)
    for code in (str(BREAD), "01.1.1"):
        late = pl.col("period") >= MONDAY + timedelta(days=40)
        rows = made.filter((pl.col("code") == code) & late).sort("method", "period")
        assert rows["reason"].str.contains("base of its own: no day in common with first").all()
        assert set(rows["base_period"]) == {"2016-09-12..2016-09-18"}
        shown = alone.filter(pl.col("code") == code).sort("method", "period")
        assert rows["index"].to_list() == pytest.approx(shown["index"].to_list())
    division = made.filter((pl.col("code") == "01") & (pl.col("method") == "jevons_chained"))
    assert division.height == 70
    apart = division.filter(pl.col("reason").str.contains("base of its own").fill_null(value=False)).height
    assert apart == (0 if third == MILK else 70)
    assert division["index"].null_count() == (0 if third == MILK else 10)
    # of the division that milk connects, bread begins anew at the level of the rest
    if third == MILK:
        reasons = division.sort("period")["reason"].to_list()
        assert "chain restarted: 01.1.1" in (reasons[40] or "")


def test_an_item_that_begins_after_the_base_week_has_a_base_of_its_own() -> None:
    rows = pl.concat([quotes("shop", every(1, 40)), quotes("shop", every(1, 25, first=15), (MILK,), seed=1)])
    made = figures(rows, DAILY)
    milk = made.aggregates.filter((pl.col("code") == str(MILK)) & (pl.col("recipe") == "web_daily"))
    quoted = milk.filter(pl.col("period") >= MONDAY + timedelta(days=15))
    assert quoted["index"].null_count() == 0
    assert quoted["reason"].str.contains("base of its own: no quote in the base period 2016-08-01..2016-08-07").all()
    assert set(quoted["base_period"]) == {"2016-08-22..2016-08-28"}
    # the division begins with bread; milk joins it at its level
    division = index(made, "01", "web_daily")
    assert None not in division.values()


SEPARATE_PAIRS = {  # strata: retailer, item, first day, days
    "an item of another class connects nothing": [("a", BREAD, 0, 20), ("b", BREAD, 30, 20), ("c", WHISKY, 0, 60)],
    "the same retailer, two items, one after the other": [("a", BREAD, 0, 20), ("a", MILK, 40, 20)],
    "three parts": [("a", BREAD, 0, 14), ("b", BREAD, 30, 14), ("c", BREAD, 60, 14), ("d", WHISKY, 0, 80)],
    "a chain of overlaps": [("a", BREAD, 0, 20), ("b", BREAD, 15, 20), ("c", BREAD, 30, 20)],
    "whisky first": [("c", WHISKY, 0, 20), ("b", BREAD, 30, 20)],
    "a return in the gap of another": [("a", BREAD, 0, 14), ("b", BREAD, 20, 14), ("a", MILK, 20, 14)],
    "a week in common but no day": [("a", BREAD, 0, 3), ("b", BREAD, 3, 11)],
}


@pytest.mark.parametrize("pairs", SEPARATE_PAIRS.values(), ids=SEPARATE_PAIRS.keys())
def test_every_day_with_quotes_of_an_item_has_a_figure_of_the_item_and_its_class(
    pairs: list[tuple[str, int, int, int]],
) -> None:
    rows = pl.concat(
        [
            quotes(retailer, every(1, length, first=first), (item,), seed=n)
            for n, (retailer, item, first, length) in enumerate(pairs)
        ]
    )
    made = figures(rows, [*DAILY, recipe_named("cpi_like")])
    shown = made.aggregates.filter(pl.col("scope") == "shelf")
    classes = {str(BREAD): "01.1.1", str(MILK): "01.1.4", str(WHISKY): "02.1.1"}
    for item, day in rows.select("item_number", "collected_on").unique().iter_rows():
        for code in (str(item), classes[str(item)]):
            of_day = shown.filter(pl.col("code") == code, pl.col("method") == "jevons_chained", pl.col("period") == day)
            assert of_day["index"].null_count() == 0
    assert not shown.select("code", "recipe", "method", "period").is_duplicated().any()
    parts = made.movements.select(pl.sum_horizontal("prices", "churn", "imputation", "rejected_days", "splice"))
    assert parts.to_series().to_list() == pytest.approx(made.movements["movement"].to_list(), abs=1e-9)


LATER = {  # recipe, earlier days, later days, rhythm
    "daily, five weeks lost": ("web_daily", every(1, 30), every(1, 20, first=65), None),
    "daily, 15 days lost": ("web_daily", every(1, 20), every(1, 20, first=34), None),
    "daily, one day before": ("web_daily", every(1, 1), every(1, 20, first=40), None),
    "daily, two days after": ("web_daily", every(1, 20), every(1, 2, first=50), None),
    "weekly, three weeks lost": ("web_daily", every(7, 6, first=2), every(7, 6, first=65), "weekly"),
    "weekly, as many lost as a window holds": ("ons_web_weekly", every(7, 6, first=2), every(7, 6, first=79), "weekly"),
    "weekly, a year lost": ("fews", every(7, 4, first=2), every(7, 4, first=401), "weekly"),
    "monthly, two years lost": ("ons_2026", every(28, 6), every(28, 6, first=1000), "monthly"),
}


@pytest.mark.parametrize(("recipe", "before", "after", "rhythm"), LATER.values(), ids=LATER.keys())
def test_figures_go_on_after_a_gap_with_a_base_of_the_later_part(
    recipe: str, before: list[date], after: list[date], rhythm: str | None
) -> None:
    rhythms = {} if rhythm is None else {"shop": rhythm}
    early, late = quotes("shop", before), quotes("shop", after, seed=1)
    made = aggregates(pl.concat([early, late]), [recipe_named(recipe)], rhythms)
    chained = made.filter(pl.col("method") != "jevons_fixed_base")
    key = ["level", "code", "method", "period"]
    for rows in (early, late):
        alone = aggregates(rows, [recipe_named(recipe)], rhythms).drop_nulls("index")
        shown = chained.drop_nulls("index").join(alone, on=key, suffix="_alone")
        assert shown.height == alone.filter(pl.col("method") != "jevons_fixed_base").height
        assert shown["index"].to_list() == pytest.approx(shown["index_alone"].to_list())
        assert shown["base_period"].to_list() == shown["base_period_alone"].to_list()
        other = after if rows is early else before
        assert shown["reason"].str.contains(f"base of its own: no link to the prices of {other[0]}..{other[-1]}").all()
    # the products of the base are compared with it, however long they were away
    fixed = made.filter(pl.col("method") == "jevons_fixed_base")
    assert set(fixed.drop_nulls("index")["period"]) in ({*before, *after}, set())
    assert not fixed["reason"].fill_null("").str.contains("base of its own").any()


def renamed(rows: pl.DataFrame, days: list[date]) -> pl.DataFrame:
    """Quotes whose products are others on some days."""
    other = pl.when(pl.col("collected_on").is_in(days)).then(pl.lit(" new")).otherwise(pl.lit(""))
    return rows.with_columns(product=pl.col("product") + other)


def test_a_shop_whose_products_all_change_goes_on_with_a_base_of_its_own() -> None:
    days = every(1, 40)
    made = aggregates(renamed(quotes("shop", days), days[20:]), DAILY)
    chained = made.filter((pl.col("method") == "jevons_chained") & (pl.col("code") == "01")).sort("period")
    assert chained["index"].null_count() == 0
    assert chained["base_period"].unique(maintain_order=True).to_list() == [
        "2016-08-01..2016-08-07", "2016-08-22..2016-08-28",
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [slice(20, 21), slice(20, 23), slice(39, 40)])
def test_days_of_other_products_before_the_others_return_and_a_single_day_have_no_base(odd: slice) -> None:
    days = every(1, 40)
    made = aggregates(renamed(quotes("shop", days), days[odd]), DAILY)
    chained = made.filter((pl.col("method") == "jevons_chained") & (pl.col("code") == "01.1.1")).sort("period")
    assert chained.filter(pl.col("index").is_null())["period"].to_list() == days[odd]
    assert set(chained["base_period"]) == {"2016-08-01..2016-08-07"}


def test_retailers_that_are_away_together_go_on_together_and_another_item_connects_the_class() -> None:
    away = [quotes(shop, every(1, 20) + every(1, 20, first=n), seed=n) for shop, n in (("a", 45), ("b", 47))]
    milk = quotes("a", every(1, 67), (MILK,))
    made = figures(pl.concat([*away, milk]), DAILY)
    rows = made.aggregates.filter((pl.col("method") == "jevons_chained") & (pl.col("scope") == "shelf"))
    bread = rows.filter((pl.col("code") == str(BREAD)) & (pl.col("period") >= MONDAY + timedelta(days=45)))
    assert set(bread.drop_nulls("index")["base_period"]) == {"2016-09-19..2016-09-25"}
    assert bread["index"].null_count() == 0
    division = rows.filter(pl.col("code") == "01").sort("period")
    assert division["index"].null_count() == 0
    assert set(division["base_period"]) == {"2016-08-01..2016-08-07"}
    assert "chain restarted: 01.1.1" in (division["reason"][45] or "")
    parts = made.movements.select(pl.sum_horizontal("prices", "churn", "imputation", "rejected_days", "splice"))
    assert parts.to_series().to_list() == pytest.approx(made.movements["movement"].to_list(), abs=1e-9)
    over_the_gap = (pl.col("code") == str(BREAD)) & (pl.col("period") == MONDAY + timedelta(days=45))
    assert made.movements.filter(over_the_gap, pl.col("method") == "jevons_chained").is_empty()
    assert made.diagnostics.drop_nulls("index")["standard_error"].null_count() == 0


def weekdays(days: str, weeks: int, *, first: int = 0) -> list[date]:
    """Days of some weeks: "12345.." is Monday to Friday."""
    return [
        MONDAY + timedelta(days=7 * n + int(day) - 1) for n in range(first, first + weeks) for day in days.strip(".")
    ]


CALENDARS = {  # rhythm, days, base week (number), remark
    "no Sundays": ("daily", weekdays("123456", 5), 0, "6 of 7"),
    "no Sundays, begun on a Thursday": ("daily", weekdays("123456", 5)[3:], 1, "6 of 7"),
    "Monday to Friday": ("daily", weekdays("12345", 5), 0, "5 of 7"),
    "one lost run a week": ("daily", weekdays("134567", 1) + weekdays("123567", 3, first=1), 0, "6 of 7"),
    "a better week later": ("daily", weekdays("1345", 2) + weekdays("12345", 2, first=2), 2, "5 of 7"),
    "a whole week later": ("daily", weekdays("123456", 2) + weekdays("1234567", 1, first=2), 2, None),
    "one day": ("daily", weekdays("3", 1), 0, "1 of 7"),
    "expected Monday to Friday": ("monday_to_friday", weekdays("12345", 5), 0, None),
    "expected Monday to Friday, begun on a Tuesday": ("monday_to_friday", weekdays("12345", 5)[1:], 1, None),
    "expected Monday to Saturday": ("monday_to_saturday", weekdays("123456", 5), 0, None),
    "expected on three days": ("monday_wednesday_friday", weekdays("13", 1) + weekdays("135", 3, first=1), 1, None),
    "expected on three days, one of them always lost": ("monday_wednesday_friday", weekdays("15", 4), 0, "2 of 3"),
    "on other days than expected": ("saturday_sunday", weekdays("2", 4), 0, "0 of 2"),
    "every two weeks": ("fortnightly", every(14, 6, first=3), 0, None),
    "weekly with a lost week": ("weekly", every(7, 6, first=3)[1:], 1, None),
}


@pytest.mark.parametrize(("rhythm", "days", "week", "remark"), CALENDARS.values(), ids=CALENDARS.keys())
def test_every_calendar_has_a_base_week_and_figures(
    rhythm: str, days: list[date], week: int, remark: str | None
) -> None:
    made = aggregates(quotes("shop", days), [*DAILY, WEEKLY[0]], {"shop": rhythm})
    monday = MONDAY + timedelta(days=7 * week)
    assert set(made["base_period"]) == {f"{monday}..{monday + timedelta(days=6)}"}
    daily = made.filter((pl.col("recipe") == "web_daily") & (pl.col("code") == "01"))
    assert set(daily.drop_nulls("index")["period"]) == set(days)
    with_index = made.drop_nulls("index")
    notes = {note for reason in with_index["reason"].drop_nulls() for note in reason.split("; ")}
    base_notes = {note for note in notes if note.startswith("base week")}
    expected = set() if remark is None else {f"base week with quotes on {remark} expected days, until a week has all"}
    assert base_notes == expected


@given(
    st.lists(st.booleans(), min_size=35, max_size=35).filter(any),
    st.sampled_from(
        ["daily", "monday_to_friday", "tuesday_saturday", "weekly", "weekly_sunday", "fortnightly", "monthly"]
    ),
)
def test_any_quotes_have_a_base_week_with_a_quote(chosen: list[bool], rhythm: str) -> None:
    days = [day for day, there in zip(every(1, 35), chosen, strict=True) if there]
    frame = pl.DataFrame({"data_origin": "real", "retailer": "shop", "collected_on": days})
    week = base_weeks(frame, {"shop": rhythm})["real"]
    assert week is not None
    assert any(week[0] <= day <= week[1] for day in days)


def test_retailers_collected_on_different_weekdays_share_the_base_week() -> None:
    rows = pl.concat([quotes("monday", every(7, 6)), quotes("tuesday", every(7, 6, first=1), seed=1)])
    made = figures(rows, [recipe_named("web_daily"), *WEEKLY], {"monday": "weekly_monday", "tuesday": "weekly_tuesday"})
    collected = set(every(7, 6)) | set(every(7, 6, first=1))
    daily = index(made, "01.1.1", "web_daily")
    assert all(daily[day] is not None for day in collected)
    assert not any("base of its own" in (reason or "") for reason in made.aggregates["reason"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.booleans(), min_size=28, max_size=28), min_size=1, max_size=5),
    st.lists(st.sampled_from(["daily", "monday_to_friday", "weekly", "fortnightly"]), min_size=5, max_size=5),
    st.booleans(),
)
def test_parts_hold_every_retailer_once_and_share_no_period(
    present: list[list[bool]], rhythms: list[str], month: bool
) -> None:
    quoted, days = np.array(present), every(1, 28)
    period_of = np.arange(28) // 7
    parts = connected_parts(
        quoted, days, period_of, (days[0], days[6]), rhythms=rhythms[: len(present)], base_is_first_period=month
    )
    held = sum((part.members.astype(int) for part in parts), np.zeros(len(present), dtype=int))
    assert held.tolist() == quoted.any(axis=1).astype(int).tolist()
    periods = [set(period_of[quoted[part.members].any(axis=0)].tolist()) for part in parts]
    assert sum(map(len, periods)) == len(set().union(*periods))
