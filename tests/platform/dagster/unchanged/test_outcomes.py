"""Outcomes that stand: kept by their basis, taken over from the tables before, and used in the place of work."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from ons_bigdata.platform.dagster.table_metadata import dbt_tables
from ons_bigdata.platform.dagster.unchanged.outcomes import Work, keep_outcome, kept_outcome
from ons_bigdata.platform.postgres.warehouse import Warehouse

BEFORE = """
create table ops.seed_builds (pilot text, project_hash text, content_hash text, built_at timestamptz);
create table ops.code_checks (asset text, check_name text, code_hash text, metadata jsonb, passed_at timestamptz);
insert into ops.seed_builds values ('prices', 'p', 'c', '2016-08-01 10:00Z');
insert into ops.code_checks values ('analysis.a', 'adds_up', 'h', '{"tested": 3}', '2016-08-02 10:00Z');
insert into ops.table_days (table_name, day, rows_of_day, content_hash, inputs_hash) values
    ('analysis.b', '0001-01-01', 7, 0, 'b'), ('analysis.c', '2016-08-01', 1, 0, 'c');
drop table ops.kept_outcomes;
"""
"""The three tables that had such outcomes, each with a row."""

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.view": {
            "unique_id": "model.view",
            "schema": "staging",
            "alias": "view",
            "columns": {"price_gbp": {}},
            "config": {"materialized": "view"},
            "depends_on": {"nodes": ["source.prices"]},
        }
    },
    "sources": {"source.prices": {"schema": "raw", "identifier": "prices", "columns": {"pence": {}, "shop": {}}}},
}


def test_an_outcome_stands_while_its_basis_is_the_same(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        assert kept_outcome(transaction, Work.table, "a", "one") is None
        keep_outcome(transaction, Work.table, "a", "one", {"rows": 2})
        keep_outcome(transaction, Work.seeds, "a", "of seeds", {})
        found = kept_outcome(transaction, Work.table, "a", "one")
        assert found is not None and found.values == {"rows": 2}
        assert kept_outcome(transaction, Work.table, "a", "two") is None
        keep_outcome(transaction, Work.table, "a", "two", {"rows": 3})
        assert kept_outcome(transaction, Work.table, "a", "one") is None


def test_the_migration_takes_over_the_rows_of_the_tables_before(warehouse: Warehouse) -> None:
    migration = files("ons_bigdata.platform.postgres") / "migrations" / "0049_kept_outcomes.sql"
    with warehouse.transaction() as transaction:
        for statements in (BEFORE, migration.read_text()):
            for statement in statements.split(";\n"):
                if statement.strip():
                    transaction.execute(statement)
    assert warehouse.rows("select work, name, basis, outcome::text from ops.kept_outcomes order by work") == [
        ("check", "analysis.a adds_up", "h", '{"tested": 3}'),
        ("seeds", "prices", "p c", "{}"),
        ("table", "analysis.b", "b", '{"rows": 7}'),
    ]
    assert warehouse.rows("select table_name from ops.table_days") == [("analysis.c",)]


def test_the_lineage_of_a_query_is_found_once(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = "select pence / 100.0 as price_gbp from raw.prices", "select length(shop) as price_gbp from raw.prices"
    parsed: list[str] = []
    parse = dbt_tables._parsed_sources
    monkeypatch.setattr(
        dbt_tables, "_parsed_sources", lambda query, tables: parsed.append(query) or parse(query, tables)
    )

    def sources(query: str) -> list[str]:
        with warehouse.transaction() as transaction:
            described = dbt_tables.table_metadata(transaction, MANIFEST, {"model.view": query}, None)
        lineage = described["model.view"].table["dagster/column_lineage"]
        return [dep.column_name for dep in lineage.deps_by_column["price_gbp"]]

    assert [sources(query) for query in (queries[0], *queries, queries[0])] == [
        ["pence"], ["pence"], ["shop"], ["pence"],
    ]  # fmt: skip
    assert parsed == [*queries, queries[0]]
