"""The assets of settled figures on a small database: a late file in a settled period, a provisional change."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices import revisions
from ons_bigdata.prices.checks.indices.revisions import settled_figures_are_explained

TABLES = """
create table seeds.revision_policy (recipe text, frequency text, revisable_days integer);
create table intermediate.int_prices__revision_events (event_id text, kind text, data_origin text, first_day date,
    description text);
create table intermediate.int_prices__item_days_accepted (data_origin text, retailer text, item_number integer,
    collected_on date);
insert into seeds.revision_policy values ('web_daily', 'daily', 28);
insert into intermediate.int_prices__revision_events values ('file a', 'late_file', 'real', '2016-08-01', 'file a');
insert into intermediate.int_prices__item_days_accepted values ('real', 'tesco', 210302, '2016-09-01');
insert into analysis.aggregate_price_indices
    select 'real', 'division', '01', 'web_daily', 'jevons_chained', 'shelf', day, 'daily', 100, 1, 1, 1, 0, 0,
        'complete', null, null, 'x'
    from (values (date '2016-08-01'), (date '2016-08-20')) as days (day)
"""


@pytest.fixture
def store(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Database with a figure that is settled and one that is provisional, after the first run."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    for statement in TABLES.split(";\n"):
        _execute(warehouse, statement)
    assert _run(warehouse)
    assert _settled(warehouse) == [("2016-08-01", 100.0, "settled", "2016-09-01")]
    return warehouse


def _execute(store: Warehouse, statement: str) -> None:
    with store.transaction() as transaction:
        transaction.execute(statement)


def _run(store: Warehouse) -> bool:
    """Compute the tables; whether no figure is held."""
    result = dg.materialize(
        [revisions.settled_figures, settled_figures_are_explained],
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    assert result.success
    assert store.rows("select count(*) from analysis.revision_events where kind = 'new_method'") == [(9,)]
    (evaluation,) = result.get_asset_check_evaluations()
    return bool(evaluation.passed)


def _settled(store: Warehouse) -> list[tuple[object, ...]]:
    return store.rows(
        "select period::text, index, revision_status, vintage::text from analysis.settled_figures order by period"
    )


def test_a_late_file_in_a_settled_period_makes_a_revision_with_its_reason(store: Warehouse) -> None:
    _execute(store, "update analysis.aggregate_price_indices set index = 101")
    _execute(
        store,
        "insert into intermediate.int_prices__revision_events values"
        " ('file b', 'late_file', 'real', '2016-07-31', 'file b of tesco'),"
        " ('file c', 'late_file', 'real', '2016-09-02', 'file c of tesco')",
    )
    _execute(store, "update intermediate.int_prices__item_days_accepted set collected_on = '2016-09-02'")
    assert _run(store)
    query = "select period::text, old_index, new_index, kinds, reason from analysis.figure_revisions"
    assert store.rows(query) == [("2016-08-01", 100.0, 101.0, "late_file", "file b of tesco")]
    assert _settled(store) == [("2016-08-01", 101.0, "revised", "2016-09-02")]
    assert _run(store)
    assert len(store.rows(query)) == 1


def test_a_provisional_change_makes_none_and_a_settled_one_without_event_is_held(store: Warehouse) -> None:
    _execute(store, "update analysis.aggregate_price_indices set index = 101 where period = '2016-08-20'")
    assert _run(store)
    _execute(store, "update analysis.aggregate_price_indices set index = 102 where period = '2016-08-01'")
    assert not _run(store)
    assert _settled(store) == [("2016-08-01", 100.0, "settled", "2016-09-01")]
    assert store.rows("select count(*) from analysis.figure_revisions") == [(0,)]


def test_figures_settle_day_by_day(store: Warehouse) -> None:
    _execute(store, "update intermediate.int_prices__item_days_accepted set collected_on = '2016-09-17'")
    assert _run(store)
    assert _settled(store) == [
        ("2016-08-01", 100.0, "settled", "2016-09-01"),
        ("2016-08-20", 100.0, "settled", "2016-09-17"),
    ]


def _modules_imported(package: str) -> set[str]:
    """Modules of the methods and of what pilots share that the modules of a package import."""
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    paths = [Path(spec.origin)]
    if spec.submodule_search_locations:
        paths = list(Path(spec.origin).parent.rglob("*.py"))
    names = {
        name
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    return {name for name in names if name.startswith(("ons_bigdata.prices.methods.", "ons_bigdata.estimation."))}


def test_an_event_of_new_code_is_of_all_code_that_the_figures_are_computed_by() -> None:
    packages = revisions.CODE_OF_FIGURES
    assert {"ons_bigdata.prices.methods.recipes", "ons_bigdata.prices.methods.scope"} <= set(packages)
    imported = {name for package in packages for name in _modules_imported(package)}
    assert imported
    assert {name for name in imported if not name.startswith(packages)} == set()
