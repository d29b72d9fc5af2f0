"""Directions of elementary indices by month, on hand-made tables."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices.directions import (
    elementary_index_directions,
    index_direction_months,
    price_change_bounds_by_month,
)
from ons_bigdata.prices.methods.recipes import RECIPES, TreeWeights, base_weeks, index_figures
from tests.prices.methods.recipes.computed_recipes import panels_of

BREAD = 210111
FIRST = date(2016, 8, 1)
ASSETS = (price_change_bounds_by_month, index_direction_months, elementary_index_directions)
TABLES = ("analysis.price_change_bounds", "analysis.index_direction_months", "analysis.elementary_index_directions")
KEY = "data_origin text, retailer text, item_number integer"


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database, with hand-made tables in place of dbt's."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        for table, columns in {
            "quotes_accepted": (
                f"{KEY}, collected_item_number integer, product text, collected_on date, price_gbp float8"
            ),
            "item_days_accepted": "data_origin text, collected_on date",
            "products_entered": f"{KEY}, product text, first_on date",
        }.items():
            transaction.execute(f"create table intermediate.int_prices__{table} ({columns})")
    return WarehouseResource()


def _quotes(number: int) -> pl.DataFrame:
    """Twelve products of a day: prices fall for a month and rise for one, with gaps; one comes, one goes."""
    rows = [
        ("real", "tesco", BREAD, f"P{place}", FIRST + timedelta(days=number), 1.0 + place + abs(number // 5 % 12 - 6))
        for place in range(12)
        if (number + place) % (9 + place) and not (place == 3 and number < 50) and not (place == 4 and number > 70)
    ]
    columns = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]
    return pl.DataFrame(rows, schema=columns, orient="row").cast({"item_number": pl.Int32})


def _collect(warehouse: Warehouse, numbers: list[int]) -> None:
    """Insert the quotes of some days, and write anew what is derived from all."""
    with warehouse.transaction() as transaction:
        for number in numbers:
            day = _quotes(number)
            transaction.insert(
                "intermediate.int_prices__quotes_accepted", day.with_columns(collected_item_number="item_number")
            )
        by_product = "data_origin, retailer, item_number, product"
        for table, query, groups in (
            ("item_days_accepted", "data_origin, collected_on", "data_origin, collected_on"),
            ("products_entered", f"{by_product}, min(collected_on)", by_product),
        ):
            transaction.execute(f"truncate intermediate.int_prices__{table}")
            transaction.execute(
                f"insert into intermediate.int_prices__{table} select {query}"
                f" from intermediate.int_prices__quotes_accepted group by {groups}"
            )
    quotes = warehouse.frame("select * from intermediate.int_prices__quotes_accepted").sort("product", "collected_on")
    weights = TreeWeights(
        pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64}),
        pl.DataFrame({"item_number": [BREAD], "class_code": ["01.1.1"], "weight": [1.0]}),
        pl.DataFrame({"class_code": ["01.1.1"], "division_code": ["01"], "weight": [1.0]}),
    )
    panels = panels_of(quotes.with_columns(in_scope=pl.lit(value=True)), weights, base_weeks(quotes)["real"])
    warehouse.replace("analysis.elementary_price_indices", index_figures(panels, RECIPES).elementary)


def _materialize(resource: WarehouseResource) -> dict[str, Any]:
    """Run the three assets; periods built by table."""
    events = dg.materialize(list(ASSETS), resources={"warehouse": resource}).get_asset_materialization_events()
    metadata = {event.asset_key.path[-1]: event.materialization.metadata for event in events}
    return {name: of["periods_built"].value for name, of in metadata.items() if "periods_built" in of}


def _tables(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(warehouse.rows(f"select content::text from {table} as content")) for table in TABLES}


def test_days_in_any_order_give_the_tables_of_one_rebuild(warehouse: Warehouse, resource: WarehouseResource) -> None:
    # from August: the middle comes late, a day of it later still; the last day is the 31st of December
    for numbers in ([*range(40)], [*range(100, 152)], [n for n in range(40, 100) if n != 61], [61], [152]):
        _collect(warehouse, numbers)
        built = _materialize(resource)
    assert built["price_change_bounds"] == 1
    found = _tables(warehouse)
    assert warehouse.rows("select bool_and(status = 'along') from analysis.elementary_index_directions") == [(True,)]
    assert warehouse.rows("select sum(identified_movements) > 50 from analysis.index_direction_months") == [(True,)]
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    assert _materialize(resource) == {"price_change_bounds": 5, "index_direction_months": 5}
    assert _tables(warehouse) == found
    assert _materialize(resource) == {"price_change_bounds": 0, "index_direction_months": 0}


def test_a_month_does_not_depend_on_later_months(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _collect(warehouse, [*range(45)])  # until 14 September: what follows is out of view of August
    _materialize(resource)
    august = "select * from analysis.price_change_bounds where month = '2016-08-01' order by comparison, period"
    before = warehouse.rows(august)
    _collect(warehouse, [*range(45, 100)])
    _materialize(resource)
    assert len(before) > 90
    assert warehouse.rows(august) == before
