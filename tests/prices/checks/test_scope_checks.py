"""Checks of the product scope: each fails on its fault and passes without it."""

from __future__ import annotations

import dagster as dg
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks import scope

EVERY_PRODUCT_IS_DECIDED_OR_REFERRED = scope.CHECKS[0]


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database, with ten products of which one is referred, as the resource that checks take."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    _execute(
        warehouse,
        "insert into analysis.product_descriptions (data_origin, item_number, retailer, product_name, quotes,"
        " median_price_gbp, plain_name, is_cut, is_multiple, is_loose, terms)"
        " select 'real', 210111, 'tesco', 'LOAF ' || number, 3, 1.5, 'loaf', false, false, false, 'loaf'"
        " from generate_series(0, 9) as number",
    )
    _execute(
        warehouse,
        "insert into analysis.product_scope (data_origin, item_number, retailer, product_name, quotes, in_scope,"
        " referred, decided_by, reason) select data_origin, item_number, retailer, product_name, quotes, true, false,"
        " 'rule', 'x' from analysis.product_descriptions",
    )
    _refer(warehouse, "LOAF 0")
    return WarehouseResource()


def test_products_that_are_lost_or_undecided_block(warehouse: Warehouse, resource: WarehouseResource) -> None:
    assert _run(EVERY_PRODUCT_IS_DECIDED_OR_REFERRED, resource).passed
    _execute(warehouse, "delete from analysis.product_scope where product_name = 'LOAF 3'")
    _execute(warehouse, "delete from analysis.product_descriptions where product_name = 'LOAF 4'")
    result = _run(EVERY_PRODUCT_IS_DECIDED_OR_REFERRED, resource)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert result.metadata["which"].value == "* real tesco 210111: LOAF 3\n* real tesco 210111: LOAF 4"


def test_many_referred_products_warn_and_are_listed(warehouse: Warehouse, resource: WarehouseResource) -> None:
    assert _run(scope.few_products_are_referred, resource).passed
    _refer(warehouse, "LOAF 2")
    result = _run(scope.few_products_are_referred, resource)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.metadata["real_share"].value == 0.3
    assert "* tesco 210111 LOAF 2: no probability, 3 quotes" in str(result.metadata["which"].value)


@pytest.mark.parametrize(
    ("metric", "value", "passed"),
    [
        ("accuracy_decided", 0.95, True),
        ("accuracy_decided", 0.94, False),
        ("referred_share", 0.2, True),
        ("referred_share", 0.21, False),
        ("accuracy_decided", None, False),
    ],
)
def test_bad_decisions_on_held_out_products_warn(
    warehouse: Warehouse, resource: WarehouseResource, metric: str, value: float | None, passed: bool
) -> None:
    assert _run(scope.unseen_products_are_judged_well, resource).passed  # neither labels nor figures
    _evaluate(warehouse, metric, value)
    assert _run(scope.unseen_products_are_judged_well, resource).passed == passed


def test_labels_without_an_evaluation_warn(warehouse: Warehouse, resource: WarehouseResource) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("set session_replication_role = replica")  # no row of the file in the ledger
        transaction.execute(
            "insert into raw.scope_labels (load_id, line, data_origin, item_number, item_name, retailer, product_name,"
            " in_scope, readings) values ('0', 2, 'real', 210111, 'Loaf', 'tesco', 'LOAF 1', true, 1)"
        )
    result = _run(scope.unseen_products_are_judged_well, resource)
    assert (result.passed, result.metadata["labelled_and_not_evaluated"].value) == (False, "real")
    _evaluate(warehouse, "accuracy_decided", 0.99)
    assert _run(scope.unseen_products_are_judged_well, resource).passed


def _refer(warehouse: Warehouse, last: str) -> None:
    """Refer the products up to a name."""
    _execute(
        warehouse,
        f"update analysis.product_scope set referred = true, decided_by = 'none' where product_name <= '{last}'",
    )


def _evaluate(warehouse: Warehouse, metric: str, value: float | None) -> None:
    figure, reason = ("null", "'none decided'") if value is None else (value, "null")
    _execute(
        warehouse,
        "insert into analysis.scope_evaluation (data_origin, held_out, breakdown, decider, weighting, metric, referral,"
        f" value, products, reason) values ('real', 'family', 'all', 'rules_and_model', 'products', '{metric}', 0.2,"
        f" {figure}, 10, {reason})",
    )


def _run(check: dg.AssetChecksDefinition, resource: WarehouseResource) -> dg.AssetCheckResult:
    result = check(warehouse=resource)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)
