"""Asset checks on the indices by recipe: each fails on the fault that it checks for, and on no other fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks.indices import elementary as checks
from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    TreeWeights,
    figures_off_known_change,
    index_figures,
    recipe_axioms_violated,
)
from ons_bigdata.prices.methods.recipes import axioms as recipe_axioms
from ons_bigdata.prices.methods.recipes import figures as recipe_figures
from ons_bigdata.prices.methods.recipes.elementary import elementary_index
from tests.prices.methods.recipes.computed_recipes import directions_of, panels_of

BREAD = 210111
FIRST = date(2016, 7, 25)


def quotes() -> pl.DataFrame:
    """60 days of twelve products that become dearer at random rates, three of them with gaps."""
    generator = np.random.default_rng(5)
    prices = np.exp(np.cumsum(generator.gamma(0.5, 0.02, (60, 12)), axis=0)) * np.arange(1, 13)
    there = generator.random(prices.shape) < np.where(np.arange(12) < 3, 0.8, 1.1)
    rows = [
        ("real", "tesco", BREAD, f"PRODUCT {n}", FIRST + timedelta(days=int(t)), float(prices[t, n]), None)
        for t, n in np.argwhere(there)
    ]
    schema = {
        "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
        "collected_on": pl.Date, "price_gbp": pl.Float64, "in_scope": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarehouseResource]:
    """Database with the quotes and the figures of the recipes."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table intermediate.int_prices__quotes_scoped (data_origin text, retailer text, item_number integer,"
            " product text, collected_on date, price_gbp float8, in_scope boolean)"
        )
        transaction.execute(
            "create table intermediate.int_prices__product_pack_sizes (data_origin text, retailer text,"
            " item_number integer, product text, pack_size float8, is_of_item_measure boolean)"
        )
        transaction.insert("intermediate.int_prices__quotes_scoped", quotes())
        transaction.execute(
            "create table intermediate.int_prices__item_days_accepted as"
            " select data_origin, retailer, item_number, collected_on, count(*)::integer as quotes"
            " from intermediate.int_prices__quotes_scoped group by 1, 2, 3, 4"
        )
        transaction.execute(
            "insert into intermediate.int_prices__product_pack_sizes"
            " select distinct data_origin, retailer, item_number, product, 0.5, true"
            " from intermediate.int_prices__quotes_scoped"
        )
    warehouse.replace("analysis.elementary_price_indices", _figures())
    yield WarehouseResource()


def _figures() -> pl.DataFrame:
    weights = TreeWeights(
        pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}),
        pl.DataFrame({"item_number": [BREAD], "class_code": ["01.1.1"], "weight": [1.0]}),
        pl.DataFrame({"class_code": ["01.1.1"], "division_code": ["01"], "weight": [1.0]}),
    )
    return index_figures(panels_of(quotes(), weights, (FIRST, FIRST + timedelta(days=6))), RECIPES).elementary


def _run(check: dg.AssetChecksDefinition, resource: WarehouseResource) -> dg.AssetCheckResult:
    result = check(warehouse=resource)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)


def _write_directions(warehouse: Warehouse) -> pl.DataFrame:
    elementary = warehouse.frame("select * from analysis.elementary_price_indices")
    stored = warehouse.frame("select * from intermediate.int_prices__quotes_scoped")
    directions = directions_of(elementary, stored)
    warehouse.replace("analysis.elementary_index_directions", directions)
    return directions


def test_an_inverted_series_warns_and_is_the_only_one_marked(warehouse: Warehouse, resource: WarehouseResource) -> None:
    assert set(_write_directions(warehouse)["status"]) == {"along"}
    right = _run(checks.recipe_indices_follow_prices, resource)
    assert right.passed, right.metadata
    outputs = [(recipe.name, output.method) for recipe in RECIPES for output in recipe.outputs]
    text = str(right.metadata["outputs"].value)
    assert all(f"| {recipe} | {method} | 1 |" in text for recipe, method in outputs)
    for recipe, method in outputs:
        turn = (
            "update analysis.elementary_price_indices set segment_index = 1 / segment_index"
            f" where recipe = '{recipe}' and method = '{method}'"
        )
        _execute(warehouse, turn)
        marked = _write_directions(warehouse).filter(pl.col("status") != "along")
        assert marked.select("recipe", "method", "status").rows() == [(recipe, method, "against")]
        inverted = _run(checks.recipe_indices_follow_prices, resource)
        assert (inverted.passed, inverted.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert f"real tesco {BREAD}, {recipe} {method}: moves against" in str(inverted.metadata["against"].value)
        _execute(warehouse, turn)


def test_an_output_that_moves_with_nothing_to_compare_warns(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _execute(warehouse, "delete from intermediate.int_prices__quotes_scoped")
    assert set(_write_directions(warehouse)["status"]) == {"untested"}
    result = _run(checks.recipe_indices_follow_prices, resource)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "ons_web_weekly" in str(result.metadata["untested"].value)
    _execute(warehouse, "update analysis.elementary_price_indices set segment_index = 100")
    assert _write_directions(warehouse).is_empty()
    assert _run(checks.recipe_indices_follow_prices, resource).passed


def test_blocking_checks_take_no_collected_quotes_or_hold_for_any() -> None:
    blocking = {check.check_key.name for check in checks.CHECKS if next(iter(check.check_specs)).blocking}
    assert blocking == {"indices_follow_prices", "recipes_keep_axioms"}


def _inverted(*arguments):
    index = elementary_index(*arguments)
    index.indices[:] = 1 / index.indices
    return index


@pytest.mark.parametrize("module", [recipe_axioms, recipe_figures], ids=["axioms", "figures"])
def test_an_inverted_index_blocks_on_constructed_quotes(module, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = checks.axioms_on_constructed_quotes()
    assert kept.passed, kept.metadata
    assert kept.metadata["tested"].value == len(checks.ITEMS_TESTED) * sum(len(recipe.outputs) for recipe in RECIPES)

    monkeypatch.setattr(module, "elementary_index", _inverted)
    broken = checks.axioms_on_constructed_quotes()
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert ("direction" if module is recipe_axioms else "known change") in str(broken.metadata["examples"].value)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_gives_the_known_change_and_misses_it_inverted(recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    assert figures_off_known_change(recipe, item_number=BREAD).is_empty()
    monkeypatch.setattr(recipe_figures, "elementary_index", _inverted)
    missed = figures_off_known_change(recipe, item_number=BREAD)
    assert set(missed["method"]) == {output.method for output in recipe.outputs}
    assert set(missed["level"]) == {"item", "class", "division"}


def test_axioms_that_are_broken_on_collected_quotes_warn(
    resource: WarehouseResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _run(checks.recipes_keep_axioms_on_quotes, resource)
    assert kept.passed, kept.metadata
    assert kept.metadata["tested"].value == sum(len(recipe.outputs) for recipe in RECIPES)
    monkeypatch.setattr(recipe_axioms, "elementary_index", _inverted)
    broken = _run(checks.recipes_keep_axioms_on_quotes, resource)
    assert (broken.passed, broken.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "direction" in str(broken.metadata["examples"].value)


def test_axioms_are_tested_on_the_last_days_of_each_origin(warehouse: Warehouse, resource: WarehouseResource) -> None:
    # another shop has more quotes, but half a year before
    _execute(
        warehouse,
        "insert into intermediate.int_prices__quotes_scoped"
        " select data_origin, 'waitrose', item_number, product, collected_on - 182, price_gbp, in_scope"
        " from intermediate.int_prices__quotes_scoped",
    )
    _execute(
        warehouse,
        "insert into intermediate.int_prices__item_days_accepted"
        " select data_origin, 'waitrose', item_number, collected_on - 182, 2 * quotes"
        " from intermediate.int_prices__item_days_accepted",
    )
    result = _run(checks.recipes_keep_axioms_on_quotes, resource)
    assert result.passed, result.metadata
    assert result.metadata["tested"].value == sum(len(recipe.outputs) for recipe in RECIPES)


@pytest.mark.parametrize(
    "output", [output for recipe in RECIPES for output in recipe.outputs], ids=lambda output: output.method
)
@pytest.mark.parametrize("fault", ["inverted", "drifting"])
def test_every_output_is_caught(output, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = quotes().filter(pl.col("collected_on") < FIRST + timedelta(days=14))
    starts = {"daily": "1d", "weekly": "1w", "monthly": "5d"}[output.frequency]
    given = rows.group_by(pl.col("collected_on").dt.truncate(starts).alias("period"), "product").agg(
        price=pl.col("price_gbp").mean(), pack_size=pl.lit(0.5).first()
    )
    assert recipe_axioms_violated(given, output, item_number=BREAD).is_empty()

    def wrong(*arguments):
        index = elementary_index(*arguments)
        if fault == "inverted":
            index.indices[:] = 1 / index.indices
        else:
            index.indices[:] = index.indices * 1.01 ** np.arange(len(index.indices))
        return index

    monkeypatch.setattr(recipe_axioms, "elementary_index", wrong)
    violated = recipe_axioms_violated(given, output, item_number=BREAD)
    assert ("direction" if fault == "inverted" else "identity") in violated["axiom"].to_list()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_one_period_and_no_product_that_stays_break_nothing(recipe) -> None:
    one = pl.DataFrame({"period": [FIRST], "product": ["A"], "price": [1.0], "pack_size": [0.5]})
    churned = pl.concat([one, one.with_columns(period=FIRST + timedelta(days=7), product=pl.lit("B"))])
    for output in recipe.outputs:
        assert recipe_axioms_violated(one, output, item_number=BREAD).is_empty()
        assert recipe_axioms_violated(churned, output, item_number=BREAD).is_empty()
