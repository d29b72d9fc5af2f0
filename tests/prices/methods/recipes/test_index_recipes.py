"""Named recipes: their parameters, the table of formulas, seasons, clusters, periods and filters."""

from __future__ import annotations

import csv
from dataclasses import FrozenInstanceError, fields, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.prices.methods.bilateral.clip import ClipParameters, clusters
from ons_bigdata.prices.methods.recipes import base_weeks
from ons_bigdata.prices.methods.recipes.catalogue import (
    ITEM_FORMULAS,
    RECIPES,
    RecipeOutput,
    parameters_hash,
    recipe_named,
    recipes_with_link_window,
)
from ons_bigdata.prices.methods.recipes.panels import (
    SeasonalRule,
    in_season,
    recipe_periods,
    strata,
    without_large_relatives,
)
from ons_bigdata.settings import Settings

FINGERPRINTS = {
    "web_daily": "e9d5ec55a02289da",
    "ons_pilot_2015": "ca1549ba1d1e4307",
    "ons_web_weekly": "3e92875059905ab7",
    "ons_2026": "b04df62f22fd4e95",
    "fews": "e3432db48c061c2a",
    "clip": "9bbe492420c485e1",
    "cpi_like": "b4805a9d0dc72558",
    "rpi_like": "b3bf42e6708975e5",
}


def test_the_fingerprints_of_the_recipes_are_pinned() -> None:
    # If this fails, a published recipe has been changed: give the new one a name of its own.
    assert {recipe.name: parameters_hash(recipe) for recipe in RECIPES} == FINGERPRINTS


def test_recipes_and_their_outputs_have_names_of_their_own() -> None:
    names = [(recipe.name, output.method) for recipe in RECIPES for output in recipe.outputs]
    assert len(set(names)) == len(names)
    assert recipe_named("fews").outputs[0].window == 13
    with pytest.raises(
        ValueError, match=r"unknown recipe 'cpi_lik'; known: clip, cpi_like, fews, .*did you mean cpi_like\?"
    ):
        recipe_named("cpi_lik")


def test_nothing_claims_to_be_an_official_index_or_inflation() -> None:
    for recipe in RECIPES:
        words = recipe.description.lower()
        assert "inflation" not in words
        assert "cpi" not in words.split()
        if "price index" in words or "prices index" in words:
            assert "like the" in words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequency": "yearly"}, "unknown frequency 'yearly'; known: daily, weekly, monthly"),
        ({"formula": "jevon"}, "unknown formula 'jevon'; known: chained_jevons, "),
        (
            {"splice": "fixed_base_moving"},
            "unknown splice 'fixed_base_moving'; known: none, movement, ",
        ),
        ({"formula": "fixed_base"}, "fixed_base needs item_formulas"),
        ({"days": "tuesday"}, "unknown days 'tuesday'; known: all, second_tuesday"),
        ({"formula": "carried_jevons"}, "carried_jevons needs carry_days"),
        ({"window": 5}, "window is 5 and splice 'none'; expected both or neither"),
        ({"splice": "movement"}, "window is None and splice 'movement'; expected both or neither"),
        ({"window": 1, "splice": "movement"}, "window is 1, expected 2 or more periods"),
        ({"link_window_days": 0}, "link_window_days is 0, expected 1 to 366"),
    ],
)
def test_an_unknown_option_is_refused_with_the_known_ones(change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(RecipeOutput("m", "daily", "unit_price"), **change)


def test_every_parameter_changes_the_fingerprint() -> None:
    recipe = recipe_named("ons_2026")
    output = recipe.outputs[0]
    others = {
        "method": "other", "frequency": "weekly", "formula": "time_product_dummy", "days": "second_tuesday",
        "link_window_days": 3, "carry_days": 3, "window": 13, "splice": "window", "item_formulas": ((0, "carli"),),
        "relative_limit": 4.0, "clip": ClipParameters(), "note": "other",
    }  # fmt: skip
    assert set(others) == {field.name for field in fields(RecipeOutput)}
    changed = [replace(recipe, outputs=(replace(output, **{name: value}),)) for name, value in others.items()]
    changed += [replace(recipe, name="other"), replace(recipe, description="other"), replace(recipe, weights_year=2015)]
    changed += [replace(recipe, seasonal=None), replace(recipe, seasonal=SeasonalRule(least_share=0.5)), recipe]
    assert len({parameters_hash(one) for one in changed}) == len(changed)


def test_another_link_window_is_another_recipe() -> None:
    assert recipes_with_link_window(14) == RECIPES
    changed, *others = recipes_with_link_window(7)
    assert (changed.name, changed.outputs[0].link_window_days) == ("web_daily_link_7_days", 7)
    assert tuple(others) == RECIPES[1:]
    assert parameters_hash(changed) != parameters_hash(RECIPES[0])
    with pytest.raises(ValueError, match="link_window_days is 0, expected 1 to 366"):
        recipes_with_link_window(0)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        RECIPES[0].weights_year = 2015  # type: ignore[misc]
    with pytest.raises(ValueError, match="unknown scope 'all'"):
        replace(RECIPES[0], scopes=("all",))


def test_every_item_has_its_formulas_and_a_reason() -> None:
    with (Settings().dbt_project_dir / "seeds" / "prices" / "indices" / "items.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        items = {int(row["item_number"]) for row in csv.DictReader(file)}
    assert {row.item_number for row in ITEM_FORMULAS} == items
    assert len(ITEM_FORMULAS) == len(items)
    for row in ITEM_FORMULAS:
        assert row.cpi_like in {"jevons", "dutot"}
        assert row.rpi_like in {"carli", "dutot"}
        assert row.reason
    assert dict(recipe_named("rpi_like").outputs[0].item_formulas)[212719] == "dutot"


def test_the_table_of_formulas_in_the_docs_is_the_code() -> None:
    page = (Settings().dbt_project_dir.parent / "docs" / "prices" / "indices" / "recipes.md").read_text(
        encoding="utf-8"
    )
    rows = [line.split("|")[1:5] for line in page.splitlines() if line.startswith(("| 21", "| 31"))]
    computed = {(int(row[0].strip()), row[2].strip(), row[3].strip()) for row in rows}
    assert computed == {(row.item_number, row.cpi_like, row.rpi_like) for row in ITEM_FORMULAS}


def test_a_day_is_in_season_by_the_counts_up_to_it() -> None:
    rule = SeasonalRule(items=(1,), least_share=0.5, peak_quantile=1.0, peak_days=10)
    counts = np.array([0, 4, 10, 10, 5, 4, 0, 1, 2, 2, 2, 2, 2, 2, 2])
    # Counts above half of the highest of the ten days up to each; the days of 10 and of 5 are forgotten after ten.
    assert in_season(counts, rule).tolist() == [False, True, True, True, True, *[False] * 9, True]
    assert not in_season(np.array([], dtype=int), rule).size
    # Days without any product are no part of the peak: the median of 9, 4, 3, 1 is 3.5, and 1 is less than half of it.
    middling = replace(rule, peak_quantile=0.5)
    assert in_season(np.array([9, 0, 0, 0, 4, 3, 1]), middling).tolist() == [True, *[False] * 3, True, True, False]
    with pytest.raises(ValueError, match="least_share is 0, expected above 0"):
        SeasonalRule(least_share=0)


@given(
    counts=st.lists(st.integers(0, 12), max_size=40),
    quantile=st.sampled_from([0.1, 0.5, 0.75, 0.9, 1.0]),
    days=st.integers(1, 12),
)
def test_the_peak_is_the_quantile_of_the_days_up_to_each(counts: list[int], quantile: float, days: int) -> None:
    rule = SeasonalRule(items=(1,), least_share=0.5, peak_quantile=quantile, peak_days=days)
    windows = [np.array(counts[max(0, day - days + 1) : day + 1]) for day in range(len(counts))]
    expected = [
        count > 0 and bool(count >= 0.5 * np.quantile(window[window > 0], quantile))
        for count, window in zip(counts, windows, strict=True)
    ]
    assert in_season(np.array(counts, dtype=int), rule).tolist() == expected


def test_clusters_follow_price_and_words_and_take_later_products_in() -> None:
    names = (
        [f"BASICS TEA {n}" for n in range(10)] + [f"FINEST LEAF TEA {n}" for n in range(10)] + ["FINEST LEAF", "BASICS"]
    )
    prices = np.array([1.0 + n / 100 for n in range(10)] + [9.0 + n / 100 for n in range(10)] + [9.5, 1.1])
    base = np.array([True] * 20 + [False] * 2)
    computed = clusters(names, np.log(prices), np.full(22, np.nan), base, ClipParameters())
    assert not set(computed[:10]) & set(computed[10:20])
    assert computed[20] in set(computed[10:20])
    assert computed[21] in set(computed[:10])
    assert (clusters(names, np.log(prices), np.full(22, np.nan), np.zeros(22, bool), ClipParameters()) == -1).all()
    alike = clusters(["A"] * 3, np.zeros(3), np.full(3, np.nan), np.ones(3, bool), ClipParameters())
    assert alike.tolist() == [0, 0, 0]


def test_periods_and_bases() -> None:
    days = [date(2016, 7, 21) + timedelta(days=n) for n in range(57)]
    week = (date(2016, 7, 25), date(2016, 7, 31))
    weekly = recipe_periods(days, "weekly", "all", week)
    assert (weekly.starts[0], len(weekly.starts)) == (date(2016, 7, 18), 9)
    assert np.flatnonzero(weekly.base).tolist() == [1]
    monthly = recipe_periods(days, "monthly", "all", week)
    assert monthly.starts == [date(2016, 7, 1), date(2016, 8, 1), date(2016, 9, 1)]
    assert monthly.base_text == "2016-07-21..2016-07-31"
    tuesdays = recipe_periods(days, "monthly", "second_tuesday", week)
    assert [day for day, period in zip(days, tuesdays.of_day, strict=True) if period >= 0] == [
        *(date(2016, 8, n) for n in (8, 9, 10)),
        *(date(2016, 9, n) for n in (12, 13, 14)),
    ]
    assert np.flatnonzero(recipe_periods(days, "daily", "all", week).base).tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert not recipe_periods(days, "weekly", "all", None).base.any()


def test_the_mean_price_of_a_period_is_over_its_quotes() -> None:
    days = [date(2016, 8, 1) + timedelta(days=n) for n in range(9)]
    periods = recipe_periods(days, "weekly", "all", None)
    prices = np.zeros((9, 1))
    prices[[0, 3, 8], 0] = [1.0, 2.0, 5.0]
    means, quotes = periods.means(prices)
    assert means[:, 0].tolist() == [1.5, 5.0]
    assert quotes[:, 0].tolist() == [2, 1]


def test_large_relatives_are_left_out() -> None:
    prices = np.array([[1.0, 1.0, 1.0], [3.0, 3.1, 0.0], [1.0, 3.1, 9.0]])
    kept = without_large_relatives(prices, 3.0)
    assert kept.tolist() == [[1.0, 1.0, 1.0], [3.0, 0.0, 0.0], [1.0, 3.1, 9.0]]


def test_bad_quotes_are_refused_by_name() -> None:
    rows = pl.DataFrame(
        {
            "data_origin": ["real"] * 2, "retailer": ["tesco"] * 2, "item_number": pl.Series([1, 1], dtype=pl.Int32),
            "product": ["MILK", "MILK"], "collected_on": [date(2016, 8, 1)] * 2, "price_gbp": [1.0, 2.0],
            "in_scope": pl.Series([None, None], dtype=pl.Boolean),
        }
    )  # fmt: skip
    sizes = pl.DataFrame(
        schema={"retailer": pl.String, "item_number": pl.Int32, "product": pl.String, "pack_size": pl.Float64}
    )
    with pytest.raises(ValueError, match=r"several quotes of a day.*MILK"):
        strata(rows, sizes)
    with pytest.raises(ValueError, match=r"not positive and finite.*MILK"):
        strata(rows.with_columns(price_gbp=pl.lit(0.0)), sizes)
    with pytest.raises(ValueError, match="found 2 data origins"):
        strata(rows.with_columns(data_origin=pl.Series(["real", "simulated"])), sizes)
    assert strata(rows.head(0), sizes) == ([], [])


def test_bad_pack_sizes_are_refused_by_name_and_an_unknown_one_is_nan() -> None:
    keys = {"retailer": ["tesco"], "item_number": pl.Series([1], dtype=pl.Int32), "product": ["MILK"]}
    quotes = pl.DataFrame(
        {"data_origin": ["real"], **keys, "collected_on": [date(2016, 8, 1)], "price_gbp": [1.0]}
    ).with_columns(in_scope=pl.lit(None, pl.Boolean))
    sizes = pl.DataFrame({**keys, "pack_size": [2.0]})
    assert strata(quotes, sizes)[1][0].pack_sizes.tolist() == [2.0]
    assert np.isnan(strata(quotes, sizes.with_columns(pack_size=pl.lit(None, pl.Float64)))[1][0].pack_sizes).all()
    assert np.isnan(strata(quotes, sizes.clear())[1][0].pack_sizes).all()
    with pytest.raises(ValueError, match=r"pack_sizes: 1 with a pack size that is not positive and finite.*MILK"):
        strata(quotes, sizes.with_columns(pack_size=pl.lit(0.0)))
    with pytest.raises(ValueError, match=r"pack_sizes: 2 with a product that has several.*MILK"):
        strata(quotes, pl.concat([sizes, sizes]))


def test_each_data_origin_has_its_own_base_week() -> None:
    monday = date(2016, 7, 25)
    days = {
        "real": [monday + timedelta(days=n) for n in range(-1, 8)],
        "simulated": [monday + timedelta(days=7 + n) for n in range(6)],
    }
    quotes = pl.DataFrame(
        [(origin, day) for origin, own in days.items() for day in own],
        schema={"data_origin": pl.String, "collected_on": pl.Date},
        orient="row",
    )
    assert base_weeks(quotes) == {
        "real": (monday, monday + timedelta(days=6)),
        "simulated": (monday + timedelta(days=7), monday + timedelta(days=13)),
    }
    assert base_weeks(quotes.clear()) == {}
