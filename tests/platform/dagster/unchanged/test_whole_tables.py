"""Tables that are replaced whole, and left alone while what they are built from is the same."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl
import pytest

from ons_bigdata.platform.dagster import by_period
from ons_bigdata.platform.dagster.by_period import ByPeriod, Period, basis_of, hash_inputs
from ons_bigdata.platform.dagster.inputs import (
    AssetRun,
    Inputs,
    Output,
    Unchanged,
    UndeclaredRelationError,
    table_asset,
)
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse

TABLE = "analysis.shops"


class Shop(dy.Schema):
    """A shop and its number of prices."""

    shop = dy.String(nullable=False, description="shop")
    prices = dy.UInt32(nullable=False, description="prices")


@pytest.fixture(autouse=True)
def tables(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's database, with prices of shops and a table to fill."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    execute(warehouse, "create table staging.prices as values ('a', 1.5), ('a', 2.5), ('b', 3.5)")
    execute(warehouse, f"create table {TABLE} (shop text not null, prices bigint not null)")


def execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)


@table_asset(table=TABLE, inputs={"prices": "staging.prices"}, frame=Shop, description="One row per shop.")
def shops(inputs: Inputs, run: AssetRun) -> Output | Unchanged:
    counts = inputs.read("prices").group_by(shop="column1").agg(prices=pl.len()).sort("shop")
    basis = basis_of(counts, packages=("ons_bigdata.estimation",))
    if run.is_built_from(TABLE, basis):
        return Unchanged({"written": False})
    return Output(counts, {"written": True}, basis=basis)


def materialize() -> dict[str, Any]:
    (event,) = dg.materialize([shops], resources={"warehouse": WarehouseResource()}).get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_a_table_is_written_again_where_its_basis_is_another(warehouse: Warehouse) -> None:
    assert (materialize()["written"], materialize()["written"]) == (True, False)
    execute(warehouse, "update staging.prices set column2 = 9")  # which is not counted
    again = materialize()
    assert (again["written"], again["dagster/row_count"]) == (False, 2)
    execute(warehouse, "insert into staging.prices values ('c', 1)")
    assert (materialize()["written"], materialize()["written"]) == (True, False)
    assert warehouse.rows(f"select shop, prices from {TABLE} order by shop") == [("a", 2), ("b", 1), ("c", 1)]


def test_a_table_that_lost_rows_or_its_record_is_written_again(warehouse: Warehouse) -> None:
    materialize()
    execute(warehouse, f"delete from {TABLE} where shop = 'a'")
    assert materialize()["written"]
    execute(warehouse, "delete from ops.kept_outcomes")
    assert materialize()["written"]


def test_code_and_versions_belong_to_the_basis(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.DataFrame({"shop": ["a"]})
    one = basis_of(rows, packages=("ons_bigdata.estimation",), libraries=("polars",))
    assert basis_of(rows, packages=("ons_bigdata.estimation",), libraries=("polars",)) == one
    assert basis_of(rows, packages=("ons_bigdata.platform.lake",), libraries=("polars",)) != one
    assert basis_of(rows.rename({"shop": "name"}), packages=("ons_bigdata.estimation",), libraries=("polars",)) != one
    monkeypatch.setattr(by_period, "version", lambda _: "0")
    assert basis_of(rows, packages=("ons_bigdata.estimation",), libraries=("polars",)) != one


def test_only_the_tables_of_the_asset_are_asked_for() -> None:
    @table_asset(table=TABLE, inputs={"prices": "staging.prices"}, frame=Shop, description="One row per shop.")
    def curious(_: Inputs, run: AssetRun) -> Unchanged:
        run.is_built_from("staging.prices", "")
        return Unchanged()

    with pytest.raises(UndeclaredRelationError, match=r"'staging.prices' is no table of this asset"):
        dg.materialize([curious], resources={"warehouse": WarehouseResource()})


def test_the_record_of_a_whole_table_is_no_day_of_an_input(warehouse: Warehouse) -> None:
    materialize()
    execute(warehouse, f"alter table {TABLE} add column day date not null default '2016-08-01'")
    how = ByPeriod("day", {"shops": "day"}, packages=("ons_bigdata.estimation",))
    august = date(2016, 8, 1)
    day = Period(august, august, august)
    before = hash_inputs(warehouse, how, {"shops": TABLE}, [day])
    execute(warehouse, f"update {TABLE} set prices = 7")
    assert hash_inputs(warehouse, how, {"shops": TABLE}, [day]) != before
