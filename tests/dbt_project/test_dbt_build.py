"""The dbt project on a small archive: a full build with its unit tests, then a rebuild of one window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dbt.contracts.graph.manifest import Manifest

from ons_bigdata.platform.dagster.table_metadata.column_lineage import column_lineage
from ons_bigdata.platform.postgres.warehouse import Warehouse

APPLES = 212717
ITEMS = {"MANGO": 299999}  # not in seed `items`; all other products are apples

EXPECTED_WARNINGS = {"relationships_int_prices__quote_counts_item_number__item_number__ref_items_"}

SHELF = [(f"APPLE {n}", 1.0 + n / 100) for n in range(300)]

FILES = [  # file, retailer, day, run, rows of (product, price)
    ("t1", "tesco", "2016-08-01", "050000", [("GALA", 1.00), ("FUJI", 2.00), ("COX", 1.50), ("JAZZ", 2.50)]),
    ("t2", "tesco", "2016-08-02", "050000", [("GALA", 1.00), ("FUJI", 2.00)]),
    ("t3", "tesco", "2016-08-02", "120000", [("GALA", 1.10), ("COX", 1.50), ("JAZZ", 2.50)]),
    ("t4", "tesco", "2016-08-03", "050000", [(f"ANYTHING {n}", 1.00) for n in range(20)]),
    ("t5", "tesco", "2016-08-04", "050000", [("GALA", 1.00), ("FUJI", 25.00), ("COX", 1.50), ("JAZZ", 2.50)]),
    ("t6", "tesco", "2016-08-05", "050000", [("GALA", 1.00), ("GALA", 1.20), ("FUJI", 2.00), ("COX", 1.50)]),
    ("s1", "sainsbury", "2016-08-01", "050000", SHELF),
    ("s2", "sainsbury", "2016-08-02", "050000", SHELF),  # frozen for two days
    ("s3", "sainsbury", "2016-08-03", "050000", SHELF),
    ("s4", "sainsbury", "2016-08-04", "050000", SHELF[::-1]),  # the same prices in another order, twice
    ("s5", "sainsbury", "2016-08-05", "050000", SHELF[::-1]),
    ("w1", "waitrose", "2016-08-01", "050000", [("GALA", 1.30)]),
    ("w2", "waitrose", "2016-08-03", "050000", []),
    ("w3", "waitrose", "2016-08-05", "050000", [("GALA", 1.40), ("MANGO", 1.00)]),
]


@pytest.fixture
def build(warehouse: Warehouse, dbt_against: Callable[[dict[str, Any]], Any]) -> Callable[..., dict[str, str]]:
    """`build(*arguments)`: dbt build on the test's warehouse, in which the small archive is loaded.

    The compiled query of each model is returned.
    """
    for file_id, retailer, day, run, rows in FILES:
        _load(warehouse, file_id, retailer, day, run, rows)
    run_dbt = dbt_against({**warehouse.address.dbt_target(), "password": warehouse.address.password or ""})

    def build_(*arguments: str) -> dict[str, str]:
        built = run_dbt("build", *arguments)
        results = [r for r in (built.result or []) if r.status not in {"success", "pass"}]
        failed = [
            f"{r.node.name}: {r.message}"
            for r in results
            if not (r.status == "warn" and r.node.name in EXPECTED_WARNINGS)
        ]
        assert built.success and not failed, built.exception or "\n".join(failed)
        return {
            result.node.unique_id: result.node.compiled_code
            for result in built.result
            if result.node.resource_type == "model"
        }

    return build_


def test_a_small_archive_is_built_and_a_window_of_it_rebuilt(
    warehouse: Warehouse, build: Callable[..., dict[str, str]], manifest: Manifest
) -> None:
    _assert_lineage_of_every_column(build(), manifest)
    _assert_days_judged(warehouse)
    _assert_quotes_accepted(warehouse)
    _assert_described_columns_are_the_tables_columns(warehouse, manifest)

    before = _staged(warehouse)
    _execute(warehouse, "delete from raw.price_quotes where collected_on = '2016-08-02'")
    _execute(warehouse, "delete from raw.price_quotes where collected_on = '2016-08-04'")
    day = date(2016, 8, 2)
    build("--select", "stg_prices__quotes", "--vars", f"{{window_start: {day}, window_end: {day}}}")
    assert any(row[0] == day for row in before)
    assert _staged(warehouse) == [row for row in before if row[0] != day]  # 4 August is outside the window


def _assert_lineage_of_every_column(queries: dict[str, str], manifest: Manifest) -> None:
    nodes = [*manifest.nodes.values(), *manifest.sources.values()]
    tables = {f"{node.schema}.{node.name}": list(node.columns) for node in nodes if node.resource_type != "test"}
    tables = {name: columns for name, columns in tables.items() if columns}
    models = {name for name, node in manifest.nodes.items() if node.resource_type == "model"}
    assert set(queries) == models
    for name, query in queries.items():
        lineage = column_lineage(query, tables)
        assert set(lineage) == set(manifest.nodes[name].columns), name
        sources = {source for found in lineage.values() for source in found}
        assert sources and all(column in tables[table] for table, column in sources), name


def _assert_days_judged(warehouse: Warehouse) -> None:
    days = warehouse.rows(
        "select retailer, extract(day from collected_on)::int, runs, status from marts.price_collection_days"
        " order by retailer, collected_on"
    )
    assert days == [
        ("sainsbury", 1, 1, "collected"),
        ("sainsbury", 2, 1, "frozen"),
        ("sainsbury", 3, 1, "frozen"),
        ("sainsbury", 4, 1, "collected"),
        ("sainsbury", 5, 1, "collected"),
        ("tesco", 1, 1, "collected"),
        ("tesco", 2, 2, "collected"),
        ("tesco", 3, 1, "collected"),
        ("tesco", 4, 1, "collected"),
        ("tesco", 5, 1, "collected"),
        ("waitrose", 1, 1, "collected"),
        ("waitrose", 2, 0, "gap"),
        ("waitrose", 3, 1, "outage"),
        ("waitrose", 4, 0, "gap"),
        ("waitrose", 5, 1, "collected"),
    ]
    counts = warehouse.rows(
        "select retailer, extract(day from collected_on)::int, products, expected_products, status"
        " from marts.price_quote_counts order by retailer, collected_on"
    )
    assert counts == [
        ("sainsbury", 1, 300, 300.0, "accepted"),
        ("sainsbury", 2, 300, 300.0, "frozen"),
        ("sainsbury", 3, 300, 300.0, "frozen"),
        ("sainsbury", 4, 300, 300.0, "accepted"),
        ("sainsbury", 5, 300, 300.0, "accepted"),
        ("tesco", 1, 4, 4.0, "accepted"),
        ("tesco", 2, 4, 4.0, "accepted"),
        ("tesco", 3, 20, 4.0, "too_many"),
        ("tesco", 4, 4, 4.0, "accepted"),
        ("tesco", 5, 3, 4.0, "accepted"),
        ("waitrose", 1, 1, None, "unjudged"),
        ("waitrose", 2, 0, None, "gap"),
        ("waitrose", 3, 0, None, "outage"),
        ("waitrose", 4, 0, None, "gap"),
        ("waitrose", 5, 1, None, "unjudged"),
        ("waitrose", 5, 1, None, "unjudged"),  # the mango
    ]


def _assert_quotes_accepted(warehouse: Warehouse) -> None:
    accepted = warehouse.rows(
        "select extract(day from collected_on)::int, product, price_gbp from intermediate.int_prices__quotes_accepted"
        " where retailer = 'tesco' order by collected_on, product"
    )
    assert accepted == [
        (1, "COX", 1.5),
        (1, "FUJI", 2.0),
        (1, "GALA (size class unknown)", 1.0),
        (1, "JAZZ", 2.5),
        (2, "COX", 1.5),
        (2, "FUJI", 2.0),  # from the first run, which the second completes
        (2, "GALA (size class unknown)", 1.1),  # from the second
        (2, "JAZZ", 2.5),
        (4, "COX", 1.5),
        (4, "GALA (size class unknown)", 1.0),
        (4, "JAZZ", 2.5),
        (5, "COX", 1.5),
        (5, "FUJI", 2.0),
    ]
    assert warehouse.rows(
        "select extract(day from collected_on)::int, count(*) from intermediate.int_prices__quotes_accepted"
        " where retailer = 'sainsbury' group by 1 order by 1"
    ) == [(1, 300), (4, 300), (5, 300)]
    frozen = warehouse.rows(
        "select extract(day from collected_on)::int, severity, evidence from marts.price_quality_findings"
        " where kind = 'frozen' order by 1"
    )
    evidence = "the 300 listings of 2016-08-01 in the same order at the same prices on the next 2 days of collection"
    assert frozen == [(2, "error", evidence), (3, "error", evidence)]
    excluded = warehouse.rows(
        "select extract(day from collected_on)::int, product, reason from intermediate.int_prices__quotes_excluded"
        " order by collected_on, product"
    )
    assert excluded == [
        (4, "FUJI", "price_error"),
        (5, "GALA (size class unknown)", "ambiguous_listing"),
        (5, "MANGO", "unknown_item"),
    ]
    assert warehouse.rows("select from intermediate.int_prices__quotes_accepted where product = 'MANGO'") == []


def _assert_described_columns_are_the_tables_columns(warehouse: Warehouse, manifest: Manifest) -> None:
    tables = [node for node in manifest.nodes.values() if node.resource_type in {"model", "seed"}]
    described = {(table.schema, table.name): set(table.columns) for table in [*tables, *manifest.sources.values()]}
    found: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in warehouse.rows(
        "select table_schema::text, table_name::text, column_name::text from information_schema.columns"
    ):
        found.setdefault((schema, table), set()).add(column)
    assert described == {table: found.get(table) for table in described}


def _staged(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "select collected_on, retailer, product_name, price_gbp, run_id, load_id, line, listings, prices_in_run"
        " from staging.stg_prices__quotes order by collected_on, retailer, product_name"
    )


def _load(warehouse: Warehouse, name: str, retailer: str, day: str, run: str, rows: list[tuple[str, float]]) -> None:
    """Write one file with its load and rows as the raw asset would."""
    key = name.encode().hex().rjust(16, "0")
    run_id = f"{retailer}-{day.replace('-', '')}{run}"
    with warehouse.transaction() as transaction:
        transaction.execute(
            "insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions)"
            " values ($1, 'prices', $2, $3, $4, 1, 'real', array[$5])",
            [key, retailer, name, key * 4, day],
        )
        transaction.execute(
            "insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, rows_in, accepted,"
            " data_origin, code_version, finished_at)"
            " values ($1, $1, 'test', '1', 'committed', $2, $3, $3, 'real', 'test', now())",
            [key, "loaded" if rows else "outage", len(rows)],
        )
        transaction.execute("insert into ops.load_partitions values ($1, $2, $3)", [key, day, len(rows)])
        for line, (product, price) in enumerate(rows, start=2):
            transaction.execute(
                "insert into raw.price_quotes (load_id, line, run_id, retailer, item_number, item_name, category,"
                " product_name, price_gbp, attributes, collected_at, collected_on)"
                " values ($1, $2, $3, $4, $5, 'Apples', 'Fruit', $6, $7, '{}', now(), $8::text::date)",
                [key, line, run_id, retailer, ITEMS.get(product, APPLES), product, price, day],
            )


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)
