"""Assets of the product scope on hand-made tables: what a new day computes again, and what it leaves as it is."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.scope import product_scope as assets

BRANDS = [f"brand{letter} {word}" for letter in "abcdefghij" for word in ("classic", "extra")]
PRODUCTS = {
    **{f"{brand} cola 2l": (1.5 + 0.01 * n, True) for n, brand in enumerate(BRANDS)},
    **{f"{brand} coffee 200g": (4.0, False) for brand in BRANDS},
    "newbrand cola 2l": (1.5, None),
}
"""Product names: their price, and the judgement of readers."""
NAMES = "intermediate.int_prices__product_names_counted"
RULED = "intermediate.int_prices__product_scope_ruled"
KEY = "data_origin text, item_number integer, retailer text, product_name text"


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database with the products, each described, on which no rule decides."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    run(
        warehouse,
        f"create table {NAMES} ({KEY}, quotes integer, quotes_of_past_months integer, median_price_gbp float8,"
        " pack_size float8, unit text)",
        f"create table {RULED} ({KEY}, outcome text, rule_id text, reason text)",
        "create table staging.stg_prices__scope_labels (load_id text, line integer, data_origin text,"
        " item_number integer, item_name text, retailer text, product_name text, median_price_gbp float8,"
        " in_scope boolean)",
    )
    for line, (name, (price, in_scope)) in enumerate(PRODUCTS.items(), start=2):
        key = f"'real', 212011, 'tesco', '{name}'"
        run(warehouse, f"insert into {NAMES} values ({key}, 3, 3, {price}, null, null)")
        run(warehouse, f"insert into {RULED} values ({key}, 'open', null, 'no condition decides')")
        if in_scope is not None:
            values = f"'load', {line}, 'real', 212011, 'Cola', 'tesco', '{name}', {price}, {in_scope}"
            run(warehouse, f"insert into staging.stg_prices__scope_labels values ({values})")
    return WarehouseResource()


def run(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.transaction() as transaction:
        for statement in statements:
            transaction.execute(statement)


def materialize(resource: WarehouseResource) -> dict[str, dict[str, Any]]:
    """Run the assets; the metadata of each table."""
    definitions: list[Any] = [assets.product_descriptions, assets.product_scope, assets.scope_evaluation]
    result = dg.materialize(definitions, resources={"warehouse": resource})
    return {
        event.asset_key.path[-1]: {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def rows(warehouse: Warehouse, table: str) -> list[tuple[Any, ...]]:
    return sorted(warehouse.rows(f"select content::text from analysis.{table} as content"))


def test_a_model_is_fitted_and_evaluated_again_where_a_label_changed(
    warehouse: Warehouse, resource: WarehouseResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = materialize(resource)
    assert first["scope_model"]["fitted"] == 1
    judged = "select in_scope, decided_by from analysis.product_scope where product_name = 'newbrand cola 2l'"
    assert warehouse.rows(judged) == [(True, "model")]
    assert first["scope_evaluation"]["dagster/row_count"] > 0
    tables = ("product_scope", "scope_model", "scope_evaluation")
    written = {table: rows(warehouse, table) for table in tables}

    # a day on which everything is listed once more, and a product begins
    key = "'real', 212011, 'tesco', 'otherbrand coffee 200g'"
    run(
        warehouse, f"update {NAMES} set quotes = quotes + 1", f"insert into {NAMES} values ({key}, 1, 1, 4, null, null)"
    )
    run(warehouse, f"insert into {RULED} values ({key}, 'open', null, 'no condition decides')")
    with monkeypatch.context() as patched:
        for name in ("fit", "evaluate"):
            patched.setattr(assets, name, lambda *_: pytest.fail("computed again"))
        again = materialize(resource)
    assert again["scope_model"]["fitted"] == 0
    assert again["scope_evaluation"]["real_family_accuracy"] == first["scope_evaluation"]["real_family_accuracy"]
    other = judged.replace("newbrand cola 2l", "otherbrand coffee 200g")
    assert warehouse.rows(other) == [(False, "model")]
    assert [rows(warehouse, table) for table in tables[1:]] == [written[table] for table in tables[1:]]
    updated = rows(warehouse, "product_scope")

    run(warehouse, "delete from ops.table_days", "delete from analysis.scope_model")
    assert materialize(resource)["scope_model"]["fitted"] == 1
    assert [rows(warehouse, table) for table in tables] == [updated, *(written[table] for table in tables[1:])]

    run(warehouse, "update staging.stg_prices__scope_labels set in_scope = not in_scope where line = 2")
    changed = materialize(resource)
    assert changed["scope_model"]["fitted"] == 1
    assert rows(warehouse, "scope_evaluation") != written["scope_evaluation"]


def test_a_name_is_described_again_where_its_price_or_pack_changed(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    assert materialize(resource)["product_descriptions"]["described"] == len(PRODUCTS)
    run(
        warehouse,
        f"update {NAMES} set quotes = quotes + 1",
        f"update {NAMES} set median_price_gbp = 2 where product_name = 'newbrand cola 2l'",
        f"update {NAMES} set unit = 'per kg', pack_size = 0.2 where product_name = 'branda extra coffee 200g'",
    )
    again = materialize(resource)["product_descriptions"]
    assert (again["described"], again["dagster/row_count"]) == (2, len(PRODUCTS))
    assert warehouse.rows("select distinct quotes from analysis.product_descriptions") == [(4,)]
    updated = rows(warehouse, "product_descriptions")
    run(warehouse, "delete from ops.kept_outcomes")
    assert materialize(resource)["product_descriptions"]["described"] == len(PRODUCTS)
    assert rows(warehouse, "product_descriptions") == updated
