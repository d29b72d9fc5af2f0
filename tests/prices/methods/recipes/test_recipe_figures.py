"""Recipes over simulated quotes: figures, errors, diagnostics and movements, compared with brute force and by hand."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Bootstrap,
    IndexFigures,
    TreeWeights,
    index_diagnostics,
    index_figures,
    recipe_named,
)
from ons_bigdata.prices.methods.recipes.bootstrap import product_weights
from ons_bigdata.prices.methods.recipes.panels import Week
from tests.prices.methods.recipes.computed_recipes import NO_DAYS, Computed, computed, panels_of
from tests.prices.methods.recipes.jevons_oracle import chained_jevons, fixed_base_jevons, prices_of

WEB_DAILY = [recipe_named("web_daily")]
BREAD, STRAWBERRIES, WHISKY = 210111, 212720, 310401
FIRST = date(2016, 7, 21)
WEEK: Week = (date(2016, 7, 25), date(2016, 7, 31))
DAYS = 57
ITEMS = pl.DataFrame(
    {"item_number": [BREAD, 210113, STRAWBERRIES, WHISKY], "class_code": ["01.1.1", "01.1.1", "01.1.6", "02.1.1"],
     "weight": [6.0, 0.0, 6.0, 38.0]}
)  # fmt: skip
CLASSES = pl.DataFrame(
    {"class_code": ["01.1.1", "01.1.6", "02.1.1"], "division_code": ["01", "01", "02"], "weight": [15.0, 9.0, 5.0]}
)
NO_RETAILERS = pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64})
WEIGHTS = TreeWeights(NO_RETAILERS, ITEMS, CLASSES)


@cache
def quotes() -> pl.DataFrame:
    """Two retailers, three items, eight products each that wander, come and go; one stratum is away for days."""
    rows = []
    for stratum, (retailer, item) in enumerate(
        [("tesco", BREAD), ("waitrose", BREAD), ("tesco", STRAWBERRIES), ("waitrose", STRAWBERRIES), ("tesco", WHISKY)]
    ):
        generator = np.random.default_rng(stratum)
        prices = np.exp(np.cumsum(generator.normal(0.0, 0.03, (DAYS, 8)), axis=0)) * np.arange(1, 9)
        there = generator.random(prices.shape) < 0.85
        there[:20, 7] = False
        there[40:, 6] = False
        if stratum == 1:
            there[30:33] = False
        rows += [
            (retailer, item, f"PRODUCT {n}", FIRST + timedelta(days=int(t)), float(prices[t, n]))
            for t, n in np.argwhere(there)
        ]
    schema = {"retailer": pl.String, "item_number": pl.Int32, "product": pl.String, "collected_on": pl.Date,
              "price_gbp": pl.Float64}  # fmt: skip
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(data_origin=pl.lit("real"), in_scope=pl.lit(None, pl.Boolean))


def frames(given: pl.DataFrame, recipes=RECIPES, *, rejected=NO_DAYS, replicates=20, scopes=None) -> Computed:
    return computed(panels_of(given, WEIGHTS, WEEK, rejected), recipes, replicates=replicates, scopes=scopes)


def daily(given: pl.DataFrame) -> pl.DataFrame:
    """Compute the aggregates of the daily recipe, every product counted once."""
    return index_figures(panels_of(given, WEIGHTS, WEEK), WEB_DAILY).aggregates


def resampled(given: pl.DataFrame, replicate: int, replicates: int) -> pl.DataFrame:
    """Copy each product as often as the resample drew it: brute force."""
    parts = []
    for (retailer, item), rows in sorted(given.partition_by("retailer", "item_number", as_dict=True).items()):
        products = rows["product"].unique().sort().to_list()
        drawn = product_weights(products, replicates, Bootstrap().seed, "real", retailer, item).astype(np.int64)
        times = dict(zip(products, drawn[replicate].tolist(), strict=True))
        parts += [
            rows.filter(pl.col("product") == product).with_columns(product=pl.lit(f"{product} copy {copy}"))
            for product, count in times.items()
            for copy in range(count)
        ]
    return pl.concat(parts)


KEYS = ["level", "code", "method", "period"]


def test_elementary_indices_of_the_daily_recipe_are_those_of_the_oracle() -> None:
    made = frames(quotes(), WEB_DAILY, replicates=2).elementary.drop_nulls("segment_index")
    expected = {
        (retailer, item, method, day): level
        for (retailer, item), prices in prices_of(quotes()).items()
        for method, levels in (
            ("jevons_chained", chained_jevons(prices, 14)),
            ("jevons_fixed_base", fixed_base_jevons(prices, WEEK)),
        )
        for day, level in levels.items()
        if level.level is not None
    }
    assert made.height == len(expected) > 400
    for row in made.iter_rows(named=True):
        level = expected[row["retailer"], row["item_number"], row["method"], row["period"]]
        assert row["segment_index"] == pytest.approx(level.level, rel=1e-12)
        assert (row["segment"], row["products_used"]) == (level.segment, level.products)


def test_figures_do_not_need_the_resamples_and_the_diagnostics_read_them() -> None:
    panels = panels_of(quotes(), WEIGHTS, WEEK)
    figures = index_figures(panels, RECIPES)
    diagnostics = index_diagnostics(panels, RECIPES, figures, Bootstrap(replicates=2)).diagnostics
    keys = ["level", "code", "recipe", "method", "scope", "period"]
    both = figures.aggregates.join(diagnostics, on=keys, how="full", suffix="_read", validate="1:1")
    assert both.height == figures.aggregates.height
    assert both["index"].equals(both["index_read"])
    shifted = IndexFigures(figures.elementary, figures.aggregates.with_columns(pl.col("index") * 2))
    read = index_diagnostics(panels, RECIPES, shifted, Bootstrap(replicates=2)).diagnostics
    assert read["index"].drop_nulls().to_list() == pytest.approx((2 * diagnostics["index"]).drop_nulls().to_list())


def test_figures_of_other_quotes_are_refused() -> None:
    panels = panels_of(quotes(), WEIGHTS, WEEK)
    fewer = quotes().filter(pl.col("collected_on") < FIRST + timedelta(days=50))
    for others, message in [
        (index_figures(panels_of(fewer, WEIGHTS, WEEK), WEB_DAILY), "compute the figures of these quotes first"),
        (index_figures(panels, [recipe_named("fews")]), "no rows of real web_daily jevons_chained shelf"),
    ]:
        with pytest.raises(ValueError, match=message):
            index_diagnostics(panels, WEB_DAILY, others, Bootstrap(replicates=2))


def test_errors_are_those_of_brute_force_resampling() -> None:
    replicates = 6
    made = frames(quotes(), WEB_DAILY, scopes=["shelf"], replicates=replicates).diagnostics
    alone = [daily(resampled(quotes(), n, replicates)).select(*KEYS, "index") for n in range(replicates)]
    errors = pl.concat(alone).group_by(KEYS).agg(error=pl.col("index").std(), values=pl.col("index").count())
    both = made.join(errors, on=KEYS, how="left", validate="1:1").filter(pl.col("standard_error").is_not_null())
    assert both.height > 0.9 * made.height
    assert (both["replicates"] == both["values"]).all()
    np.testing.assert_allclose(both["standard_error"].to_numpy(), both["error"].to_numpy(), rtol=1e-8, atol=1e-9)
    assert both.filter(pl.col("level") == "division")["standard_error"].max() > 0.1


def changes_since(figures: pl.DataFrame, days: int) -> pl.DataFrame:
    """Change in percent of each daily figure since the figure some days before, looked up by its day."""
    earlier = figures.select(*KEYS[:-1], pl.col("period").dt.offset_by(f"{days}d"), before="index")
    both = figures.join(earlier, on=KEYS, how="left", validate="1:1")
    return both.select(*KEYS, change=100 * (pl.col("index") / pl.col("before") - 1))


def test_errors_of_changes_are_those_of_brute_force_resampling() -> None:
    replicates = 6
    made = frames(quotes(), WEB_DAILY, scopes=["shelf"], replicates=replicates).diagnostics
    alone = [daily(resampled(quotes(), n, replicates)).select(*KEYS, "index") for n in range(replicates)]
    for name, days in (("change", 1), ("week_change", 7)):
        changes = pl.concat([changes_since(figures, days) for figures in alone])
        errors = changes.group_by(KEYS).agg(error=pl.col("change").std(), values=pl.col("change").count())
        both = made.join(errors, on=KEYS, validate="1:1").filter(pl.col(f"{name}_error_percent").is_not_null())
        assert both.height > 0.75 * made.height
        assert (both["values"] == replicates).all()
        np.testing.assert_allclose(both[f"{name}_error_percent"].to_numpy(), both["error"].to_numpy(), atol=1e-9)
    assert both["week_change_error_percent"].median() > both["change_error_percent"].median() > 0


def test_a_change_without_an_error_has_a_reason() -> None:
    made = frames(quotes(), [*WEB_DAILY, recipe_named("ons_web_weekly")], scopes=["shelf"], replicates=5).diagnostics
    for name in ("change", "week_change"):
        assert (made[f"{name}_error_percent"].is_null() == made[f"{name}_error_reason"].is_not_null()).all()
    first = made.filter(pl.col("period") == FIRST, pl.col("index").is_not_null())
    assert first["change_error_reason"].unique().to_list() == ["no index in the period to compare with"]
    weekly = made.filter(pl.col("frequency") == "weekly", pl.col("index").is_not_null())
    assert weekly["change_error_percent"].is_not_null().any()
    assert weekly["week_change_error_reason"].unique().to_list() == [
        "not a daily figure: its change over seven days is not estimated"
    ]
    away = made.filter(pl.col("method") == "jevons_fixed_base", pl.col("code") == str(STRAWBERRIES))
    assert away["change_error_percent"].null_count() == 1


def test_a_change_since_a_day_without_an_index_has_no_error() -> None:
    given = quotes().filter(pl.col("collected_on") != FIRST + timedelta(days=40))
    made = frames(given, WEB_DAILY, scopes=["shelf"], replicates=5).diagnostics
    after = made.filter(pl.col("level") == "division", pl.col("method") == "jevons_chained").sort("code", "period")
    reasons = dict(after.filter(pl.col("code") == "02").select("period", "change_error_reason").iter_rows())
    assert reasons[FIRST + timedelta(days=40)] == "no index"
    assert reasons[FIRST + timedelta(days=41)] == "no index in the period to compare with"
    assert reasons[FIRST + timedelta(days=42)] is None


def test_every_recipe_is_100_in_its_base_and_has_an_error_or_a_reason() -> None:
    made = frames(quotes())
    assert {(row[0], row[1]) for row in made.aggregates.select("recipe", "method").unique().iter_rows()} == {
        (recipe.name, output.method) for recipe in RECIPES for output in recipe.outputs
    }
    for row in made.aggregates.filter(pl.col("level") == "division").iter_rows(named=True):
        assert row["index"] is not None, row
        if row["frequency"] == "monthly" and str(row["period"]) == (
            "2016-08-01" if row["method"] == "cpi_replicate" else "2016-07-01"
        ):
            assert row["index"] == pytest.approx(100.0, rel=1e-12)
        if row["frequency"] == "weekly" and row["period"] == WEEK[0]:
            assert row["index"] == pytest.approx(100.0, rel=1e-12)
    nulls = made.diagnostics.select(
        pl.col("standard_error").is_null() == pl.col("standard_error_reason").is_null(),
        revision=pl.col("window_revision_percent").is_null() == pl.col("window_revision_reason").is_null(),
        drift=pl.col("drift_percent").is_null() == pl.col("drift_reason").is_null(),
    )
    assert not nulls.select(pl.any_horizontal(pl.all()).any()).item()


def test_parts_of_every_movement_add_up_to_the_published_movement() -> None:
    rejected = pl.DataFrame(
        {"retailer": ["waitrose"] * 3, "item_number": pl.Series([BREAD] * 3, dtype=pl.Int32),
         "collected_on": [FIRST + timedelta(days=n) for n in (30, 31, 32)]}
    )  # fmt: skip
    for recipes in (RECIPES[1:], WEB_DAILY):
        made = frames(quotes(), recipes, rejected=rejected, replicates=2, scopes=["shelf"])
        figures = made.diagnostics.drop_nulls("index").sort("period")
        keys = ["level", "code", "recipe", "method", "scope"]
        moved = figures.with_columns(expected=(pl.col("index").log() - pl.col("index").log().shift(1)).over(keys))
        moved = moved.drop_nulls("expected").select(*keys, "period", "expected")
        both = moved.join(made.movements, on=[*keys, "period"], how="full", validate="1:1")
        np.testing.assert_allclose(both["movement"].to_numpy(), both["expected"].to_numpy(), atol=1e-12)
        parts = both.select(pl.sum_horizontal("prices", "churn", "imputation", "rejected_days", "splice")).to_series()
        np.testing.assert_allclose(parts.to_numpy(), both["expected"].to_numpy(), atol=1e-12)
    bread = made.movements.filter((pl.col("code") == str(BREAD)) & (pl.col("method") == "jevons_chained"))
    with_rejected = bread.filter(pl.col("rejected_days") != 0)["period"].to_list()
    assert with_rejected == [FIRST + timedelta(days=n) for n in (30, 31, 32, 33)]  # away, and its return


def test_scopes_differ_only_where_quotes_are_out() -> None:
    recipe = [recipe_named("cpi_like")]
    given = quotes().filter(pl.col("item_number") != STRAWBERRIES)  # whose season depends on the products
    same = frames(given, recipe, replicates=2).aggregates.partition_by("scope", as_dict=True)
    assert same[("shelf",)].drop("scope").equals(same[("target",)].drop("scope"))
    judged = given.with_columns(in_scope=pl.when(pl.col("product") == "PRODUCT 3").then(pl.lit(False)))
    made = frames(judged, recipe, replicates=2)
    target = made.aggregates.filter(pl.col("scope") == "target").drop("scope")
    without = frames(given.filter(pl.col("product") != "PRODUCT 3"), recipe, replicates=2).aggregates
    assert target.equals(without.filter(pl.col("scope") == "shelf").drop("scope"))
    shares = made.diagnostics.group_by("scope").agg(pl.col("referred_share").max())
    assert dict(shares.iter_rows())["target"] == 1.0
    with pytest.raises(ValueError, match="unknown scope 'all'; known: shelf, target"):
        frames(quotes(), recipe, scopes=["all"])


def test_the_drift_of_a_chain_by_hand() -> None:
    # Bread b doubles on day 12 and is gone: the chain stays at √2. The time-product dummy over all 20 days puts most of
    # that down to b: with γ the fixed effect of a, 20 γ = -ln 2/2 + 7 γ, and the level after day 12 is -γ = ln 2/26.
    days = [FIRST + timedelta(days=n) for n in range(20)]
    rows = [("a", day, 1.0) for day in days] + [("b", day, 2.0 if n == 12 else 1.0) for n, day in enumerate(days[:13])]
    given = pl.DataFrame(rows, schema=["product", "collected_on", "price_gbp"], orient="row").with_columns(
        data_origin=pl.lit("real"), retailer=pl.lit("tesco"), item_number=pl.lit(BREAD, pl.Int32),
        in_scope=pl.lit(None, pl.Boolean),
    )  # fmt: skip
    made = frames(given, WEB_DAILY, replicates=2).diagnostics
    last = made.filter((pl.col("period") == days[-1]) & (pl.col("method") == "jevons_chained"))
    assert last["drift_percent"].to_list() == pytest.approx([100 * (2**0.5 / 2 ** (1 / 26) - 1)] * 3)


def test_the_season_of_an_item_is_that_of_the_shelf_in_both_scopes() -> None:
    # Seven of eight products of July are gone in September; the one left is out of scope until then.
    july, september = pl.col("collected_on") < date(2016, 8, 20), pl.col("product") == "PRODUCT 0"
    given = quotes().filter((pl.col("item_number") != STRAWBERRIES) | july | september)
    judged = given.with_columns(in_scope=pl.when((pl.col("product") != "PRODUCT 0") & july).then(pl.lit(False)))
    made = frames(judged, [recipe_named("cpi_like")], replicates=2).elementary
    late = made.filter((pl.col("item_number") == STRAWBERRIES) & (pl.col("period") >= date(2016, 9, 1)))
    assert late["reason"].unique().to_list() == ["out of season"]
    assert set(late["scope"]) == {"shelf", "target"}


def test_a_stratum_of_a_single_product_has_a_reason_instead_of_an_error() -> None:
    single = quotes().filter((pl.col("item_number") == WHISKY) & (pl.col("product") == "PRODUCT 0"))
    for recipes in (RECIPES[1:], WEB_DAILY):
        made = frames(single, recipes, replicates=5).diagnostics.drop_nulls("index")
        assert made["standard_error"].null_count() == made.height
        assert made["standard_error_reason"].unique().to_list() == [
            "fewer than two products in every retailer's sample: nothing to resample"
        ]


def test_one_period_is_the_base_and_has_no_error_to_speak_of() -> None:
    july = quotes().filter(pl.col("collected_on") < date(2016, 8, 1))
    made = frames(july, [recipe_named("ons_2026"), recipe_named("clip")], scopes=["shelf"]).diagnostics
    assert made["index"].to_list() == pytest.approx([100.0] * made.height)
    assert made["standard_error"].to_list() == pytest.approx([0.0] * made.height, abs=1e-12)


def test_an_item_out_of_season_moves_with_its_class_and_has_a_reason() -> None:
    last = FIRST + timedelta(days=49)
    few = (pl.col("item_number") == STRAWBERRIES) & (pl.col("collected_on") >= last) & (pl.col("product") > "PRODUCT 1")
    given = quotes().filter(~few)
    chained = frames(given, [recipe_named("ons_pilot_2015")], replicates=2, scopes=["shelf"])
    item = chained.aggregates.filter((pl.col("code") == str(STRAWBERRIES)) & (pl.col("method") == "chained_daily"))
    late = item.filter(pl.col("period") >= last)
    assert late["index"].null_count() == late.height
    assert all("out of season at " in reason for reason in late["reason"])
    assert "out of season at tesco, waitrose" in late["reason"][0]
    division = chained.aggregates.filter((pl.col("code") == "01") & (pl.col("method") == "chained_daily"))
    bread = chained.aggregates.filter((pl.col("code") == str(BREAD)) & (pl.col("method") == "chained_daily"))
    movement = [frame.sort("period")["index"][-1] / frame.sort("period")["index"][-2] for frame in (division, bread)]
    assert movement[0] == pytest.approx(movement[1], rel=1e-12)


def test_the_drift_of_a_spliced_series_is_reported() -> None:
    # Prices bounce and come back: the five-week movement splice does not, the window of all weeks does.
    rows = []
    for week in range(8):
        factors = [1.0, 1.0, 1.0] if week in (0, 7) else [0.5 if week % 3 == n else 1.0 for n in range(3)]
        for product, factor in enumerate(factors):
            if week in (0, 7) or (week + product) % 3:
                rows.append(("tesco", WHISKY, f"P{product}", WEEK[0] + timedelta(weeks=week), 10.0 * factor))
    days = [("tesco", WHISKY, "P0", WEEK[0] + timedelta(days=n), 10.0) for n in range(1, 7)]
    schema = quotes().select("retailer", "item_number", "product", "collected_on", "price_gbp").schema
    given = pl.DataFrame(rows + days, schema=schema, orient="row").with_columns(
        data_origin=pl.lit("real"), in_scope=pl.lit(None, pl.Boolean)
    )
    made = frames(given, [recipe_named("ons_web_weekly")], replicates=2, scopes=["shelf"]).diagnostics
    last = made.filter(pl.col("level") == "item").sort("period").row(-1, named=True)
    assert abs(last["drift_percent"]) > 0.1
    assert last["window_revision_percent"] is not None


def test_weights_that_are_missing_or_wrong_are_refused() -> None:
    for weights, message in [
        (TreeWeights(NO_RETAILERS, ITEMS.head(3), CLASSES), "item weights: no row of weights for 310401"),
        (TreeWeights(NO_RETAILERS, pl.concat([ITEMS, ITEMS.head(1)]), CLASSES), "several rows of weights for 210111"),
        (TreeWeights(NO_RETAILERS, ITEMS, CLASSES.with_columns(weight=pl.lit(-1.0))), "not finite or is below 0"),
        (
            TreeWeights(pl.DataFrame({"retailer": ["tesco"], "item_number": [BREAD], "weight": [1.0]}), ITEMS, CLASSES),
            "item 210111: no weight for waitrose",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            panels_of(quotes(), weights, WEEK)


def test_no_quotes_give_empty_frames() -> None:
    made = frames(quotes().head(0))
    assert made.aggregates.is_empty() and made.movements.is_empty() and made.diagnostics.is_empty()


def test_an_output_whose_collection_days_have_not_come_has_no_row() -> None:
    """The second Tuesday of May 2016 is the 10th: a series of the 16th to the 29th holds none of its days."""
    late = quotes().with_columns(pl.col("collected_on") - pl.col("collected_on").min() + date(2016, 5, 16))
    late = late.filter(pl.col("collected_on") < date(2016, 5, 30))
    methods = set(frames(late).aggregates["method"])
    assert "cpi_replicate" not in methods
    assert "chained_daily" in methods
