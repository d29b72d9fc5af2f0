"""Checks of published indices: they fail on faults above the elementary level, and only on those."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks.indices.movements import (
    figures_move_with_their_children,
    movements_are_those_of_figures,
)
from ons_bigdata.prices.methods.recipes import RECIPES, TreeWeights
from tests.prices.methods.recipes.computed_recipes import Computed, computed, panels_of

FIRST = date(2016, 7, 25)
ITEMS = {210111: "01.1.1", 210113: "01.1.1", 210204: "01.1.4"}
TABLES = {
    "aggregates": "aggregate_price_indices",
    "movements": "price_index_movements",
    "elementary": "elementary_price_indices",
}


def _quotes() -> pl.DataFrame:
    """60 days of five products at each of two retailers for three items; some retailers' items start or stop."""
    generator = np.random.default_rng(11)
    rows = []
    for item in ITEMS:
        for retailer in ("tesco", "waitrose"):
            first = 25 if (item, retailer) == (210113, "waitrose") else 0
            last = 40 if (item, retailer) == (210204, "tesco") else 60
            prices = np.exp(np.cumsum(generator.normal(0.003, 0.04, (60, 5)), axis=0)) * np.arange(1, 6)
            there = generator.random(prices.shape) < 0.95
            there[10:13] &= (item, retailer) != (210111, "tesco")
            rows += [
                ("real", retailer, item, f"PRODUCT {n}", FIRST + timedelta(days=int(t)), float(prices[t, n]), None)
                for t, n in np.argwhere(there)
                if first <= t < last
            ]
    schema = {
        "data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
        "collected_on": pl.Date, "price_gbp": pl.Float64, "in_scope": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _frames(quotes: pl.DataFrame | None = None) -> Computed:
    weights = TreeWeights(
        pl.DataFrame(
            [row for item in ITEMS for row in (("tesco", item, 3.0), ("waitrose", item, 1.0))],
            schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64},
            orient="row",
        ),
        pl.DataFrame({"item_number": list(ITEMS), "class_code": list(ITEMS.values()), "weight": [2.0, 1.0, 5.0]}),
        pl.DataFrame({"class_code": ["01.1.1", "01.1.4"], "division_code": ["01", "01"], "weight": [4.0, 3.0]}),
    )
    week = (FIRST, FIRST + timedelta(days=6))
    return computed(panels_of(_quotes() if quotes is None else quotes, weights, week), replicates=2)


@pytest.fixture(scope="module")
def frames() -> Computed:
    return _frames()


@pytest.fixture
def resource(warehouse: Warehouse, frames: Computed, monkeypatch: pytest.MonkeyPatch) -> Iterator[WarehouseResource]:
    """Database with the figures and the tree above them."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("create schema if not exists seeds")
        transaction.execute(
            "create table seeds.item_weights as select 2016 as weights_year, * from (values"
            + ", ".join(f"({item}, '{code}')" for item, code in ITEMS.items())
            + ") as items (item_number, class_code)"
        )
        transaction.execute(
            "create table seeds.class_weights as select 2016 as weights_year, * from (values ('01.1.1', '01'),"
            " ('01.1.4', '01')) as classes (class_code, division_code)"
        )
    _write(warehouse, frames)
    yield WarehouseResource()


def _write(warehouse: Warehouse, frames: Computed) -> None:
    for field, table in TABLES.items():
        warehouse.replace(f"analysis.{table}", getattr(frames, field))


def _run(
    resource: WarehouseResource, check: dg.AssetChecksDefinition = figures_move_with_their_children
) -> dg.AssetCheckResult:
    result = check(warehouse=resource)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _counts(resource: WarehouseResource) -> tuple[int, int]:
    unlike = _run(resource, movements_are_those_of_figures).metadata["unlike_recorded"].value
    outside = _run(resource).metadata["outside_children"].value
    return int(unlike), int(outside)  # type: ignore[arg-type]


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)


def test_right_figures_pass_and_most_are_compared_with_their_children(resource: WarehouseResource) -> None:
    result = _run(resource)
    assert result.passed, result.metadata
    movements, compared = (int(result.metadata[name].value) for name in ("movements", "compared_with_children"))  # type: ignore[arg-type]
    assert compared > 0.8 * movements > 0


@pytest.mark.parametrize("level", ["item", "class", "division"])
def test_a_published_index_that_is_inverted_cannot_pass(
    warehouse: Warehouse, resource: WarehouseResource, level: str
) -> None:
    _execute(warehouse, f"update analysis.aggregate_price_indices set index = 10000 / index where level = '{level}'")
    result = _run(resource)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert all(count > 0 for count in _counts(resource))


def test_every_output_is_caught(warehouse: Warehouse, resource: WarehouseResource) -> None:
    for recipe in RECIPES:
        for output in recipe.outputs:
            turn = (
                "update analysis.aggregate_price_indices set index = 10000 / index where level = 'item'"
                f" and recipe = '{recipe.name}' and method = '{output.method}'"
            )
            _execute(warehouse, turn)
            assert all(count > 0 for count in _counts(resource)), (recipe.name, output.method)
            _execute(warehouse, turn)


def test_an_index_that_is_inverted_with_its_movement_is_outside_its_children(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    _execute(warehouse, "update analysis.aggregate_price_indices set index = 10000 / index")
    _execute(
        warehouse,
        "update analysis.price_index_movements set movement = -movement, prices = -prices, churn = -churn,"
        " imputation = -imputation, rejected_days = -rejected_days, splice = -splice",
    )
    unlike, outside = _counts(resource)
    assert (unlike, outside > 0) == (0, True)


def test_an_index_without_its_movement_and_a_movement_without_its_index_block(
    warehouse: Warehouse, resource: WarehouseResource, frames: Computed
) -> None:
    last = frames.movements["period"].max()
    _execute(warehouse, f"delete from analysis.price_index_movements where level = 'division' and period = '{last}'")
    lost = frames.movements.filter((pl.col("level") == "division") & (pl.col("period") == last)).height
    assert _counts(resource) == (lost, 0)
    _execute(warehouse, f"delete from analysis.aggregate_price_indices where level = 'division' and period = '{last}'")
    assert _counts(resource) == (0, 0)
    _execute(warehouse, f"delete from analysis.aggregate_price_indices where level = 'class' and period = '{last}'")
    assert _counts(resource)[0] > 0


def test_periods_that_changed_since_a_check_passed_are_read_again_with_the_figures_that_follow(
    warehouse: Warehouse, resource: WarehouseResource, frames: Computed
) -> None:
    checks = (figures_move_with_their_children, movements_are_those_of_figures)

    def read() -> list[int]:
        return [int(_run(resource, check).metadata["periods_read"].value) for check in checks]  # type: ignore[arg-type]

    periods = frames.aggregates["period"].n_unique()
    assert read() == [periods, periods]
    assert read() == [0, 0]
    day = FIRST + timedelta(days=30)
    series = "level = 'division' and recipe = 'web_daily' and method = 'jevons_chained'"
    _execute(warehouse, f"update analysis.aggregate_price_indices set index = 9 where {series} and period = '{day}'")
    # the movement to the day and the one from it, in each scope
    unlike = _run(resource, movements_are_those_of_figures)
    assert unlike.metadata["unlike_recorded"].value in (2, 4)
    assert read() == [1, 1]
    assert not any(_run(resource, check).passed for check in checks)


def test_figures_that_nothing_could_be_compared_with_warn(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _execute(warehouse, "delete from analysis.elementary_price_indices")
    _execute(warehouse, "delete from seeds.item_weights")
    _execute(warehouse, "delete from seeds.class_weights")
    result = _run(resource)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    for table in TABLES.values():
        _execute(warehouse, f"delete from analysis.{table}")
    assert _run(resource).passed


def test_the_first_figure_of_another_base_has_no_movement_and_passes(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    late = _quotes().filter(pl.col("retailer") == "waitrose").with_columns(pl.col("collected_on").dt.offset_by("100d"))
    apart = pl.concat([_quotes().filter(pl.col("retailer") == "tesco"), late])
    frames = _frames(apart)
    _write(warehouse, frames)
    assert frames.aggregates["base_period"].n_unique() > 2
    assert _counts(resource) == (0, 0)
