"""Check of outputs: an output without figures is named with the reason."""

from __future__ import annotations

import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks.indices.outputs import every_output_has_figures
from ons_bigdata.prices.methods.recipes import RECIPES

OUTPUTS = [
    (recipe.name, output.method, scope) for recipe in RECIPES for output in recipe.outputs for scope in recipe.scopes
]


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """A database with quotes of two origins, and figures of every output of one."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    rows = ", ".join(f"('real', '{recipe}', '{method}', '{scope}', 100.0, null)" for recipe, method, scope in OUTPUTS)
    with warehouse.transaction() as transaction:
        transaction.execute("create schema if not exists intermediate")
        transaction.execute("create schema if not exists marts")
        transaction.execute(
            "create table intermediate.int_prices__item_days_accepted as"
            " select * from (values ('real', date '2016-08-08'), ('real', date '2016-08-09'),"
            " ('simulated', date '2016-08-01')) as item_days (data_origin, collected_on)"
        )
        transaction.execute(
            f"create table marts.price_indices as select * from (values {rows})"
            " as figures (data_origin, recipe, method, scope, index, reason)"
        )
    return WarehouseResource()


def _empty(resource: WarehouseResource) -> list[str]:
    result = every_output_has_figures(warehouse=resource)
    lines = str(result.metadata["which"].value).splitlines()
    assert result.passed == (lines == ["none"])
    return lines


def test_outputs_without_rows_or_figures_are_named_with_the_reason(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    found = _empty(resource)
    assert len(found) == len(OUTPUTS) - 2  # the 1st is no day of cpi_replicate, which has two scopes
    assert found[0] == "* simulated: web_daily jevons_chained (shelf) has no figure of 1 days with quotes: no row"
    with warehouse.transaction() as transaction:
        transaction.execute("delete from intermediate.int_prices__item_days_accepted where data_origin = 'simulated'")
    assert _empty(resource) == ["none"]
    with warehouse.transaction() as transaction:
        transaction.execute(
            "update marts.price_indices set index = null, reason = 'no base period' where recipe = 'fews'"
        )
    assert _empty(resource) == [
        f"* real: fews time_product_dummy ({scope}) has no figure of 2 days with quotes: no base period"
        for scope in ("shelf", "target")
    ]
