"""Models built by day: day by day, in any order of files, they hold what one rebuild of all days gives."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from ons_bigdata.platform.postgres.warehouse import Warehouse

SEEDS = ["items", "retailers", "expected_price_quote_counts", "price_decisions"]
MODELS = ["+int_prices__quotes_accepted", "+int_prices__products_placed", "+int_prices__shelf_days_counted"]

DAYS = ["2016-01-04", "2016-01-05", "2016-01-06", "2016-02-15", "2016-02-16", "2016-09-01", "2016-09-02"]


def _quotes(number: int) -> list[tuple[str, float, str | None]]:
    """Name, price and id of what the shop lists on the day with a number."""
    rows: list[tuple[str, float, str | None]] = [("BREAD", 1.0, None), ("MILK", 2.0, None)]
    rows += [("RICE", 25.0 if number == 4 else 1.5, None)]  # an error, seen from the days around it
    rows += [("TEA", 3.0, None), ("TEA", 3.5 if number == 2 else 3.0, None)]  # two products, known from the third day
    rows += [("SALT", 0.5, None), ("SALT", 0.9 if number == 5 else 0.5, None)]  # too late to tell
    rows += [("JAM", 2.5, "77" if number >= 3 else None)]  # the id is that of the earlier days, too
    return rows


@pytest.fixture
def run_dbt(warehouse: Warehouse, dbt_against: Callable[[dict[str, Any]], Any]) -> Callable[..., None]:
    """`run_dbt(command, *arguments)` on the test's warehouse."""
    run = dbt_against({**warehouse.address.dbt_target(), "password": warehouse.address.password or ""})

    def run_(*arguments: str) -> None:
        done = run(*arguments)
        failed = [f"{r.node.name}: {r.message}" for r in done.result or [] if r.status != "success"]
        assert done.success, done.exception or "\n".join(failed)

    return run_


def test_days_in_any_order_give_the_tables_of_one_rebuild(warehouse: Warehouse, run_dbt: Callable[..., None]) -> None:
    run_dbt("seed", "--select", *SEEDS)
    numbers = list(range(len(DAYS)))
    random.Random(16).shuffle(numbers)
    for number in numbers:
        _load(warehouse, number)
        _execute(warehouse, "update ops.table_days set is_checked = true")
        run_dbt("run", "--select", *MODELS, "--vars", f"{{window_start: {DAYS[number]}, window_end: {DAYS[number]}}}")
    found = _tables(warehouse)
    built = _days_built(warehouse, "intermediate.int_prices__shelf_days_counted")
    assert built == [DAYS[numbers[-1]]]

    _execute(warehouse, "update ops.table_days set is_checked = true")
    run_dbt("run", "--select", *MODELS, "--exclude", "stg_prices__quotes")
    assert warehouse.rows("select * from ops.table_days where not is_checked") == []  # nothing is stale

    _execute(warehouse, "delete from ops.table_days")
    run_dbt("run", "--select", *MODELS)
    assert _tables(warehouse) == found
    assert warehouse.rows(
        "select product, count(*) from intermediate.int_prices__quotes_accepted where product !~ 'BREAD|MILK'"
        " group by 1 order by 1"
    ) == [("77", 7), ("RICE", 6), ("SALT", 6), ("TEA (size class unknown)", 6)]


def test_a_decision_builds_the_days_that_it_touches(warehouse: Warehouse, run_dbt: Callable[..., None]) -> None:
    for number in range(len(DAYS)):
        _load(warehouse, number)
    run_dbt("seed", "--select", *SEEDS)
    run_dbt("run", "--select", *MODELS)
    _execute(warehouse, "update ops.table_days set is_checked = true")
    _execute(
        warehouse,
        "insert into seeds.price_decisions (decision_id, version, retailer, item_number, product_name, valid_from,"
        " valid_to, decision, factor, decided_by, reason, second_signature, decided_on) values ('d', 1, 'tesco', 212717,"
        " 'RICE', '2016-02-16', '2016-02-16', 'correct', 0.06, 'a', 'decimal point', 'b', '2016-02-17')",
    )
    run_dbt("run", "--select", *MODELS)
    assert _days_built(warehouse, "intermediate.int_prices__quotes_accepted") == ["2016-02-16"]
    rice = warehouse.rows(
        "select collected_on::text, price_gbp from intermediate.int_prices__quotes_accepted"
        " where product = 'RICE' and collected_on between '2016-02-15' and '2016-02-16' order by 1"
    )
    assert rice == [("2016-02-15", 1.5), ("2016-02-16", 1.5)]


def _days_built(warehouse: Warehouse, table: str) -> list[str]:
    """Days of a table that were built since all were marked as checked."""
    rows = warehouse.rows(
        "select day::text from ops.table_days where not is_checked and table_name = $1 order by 1", [table]
    )
    return [day for (day,) in rows]


def _tables(warehouse: Warehouse) -> dict[str, Any]:
    """Number of rows and hash of the rows of each table of the models, whatever their order."""
    names = [
        name
        for (name,) in warehouse.rows(
            "select schemaname || '.' || tablename from pg_tables where schemaname in ('staging', 'intermediate')"
        )
    ]
    assert len(names) > 12
    return {
        name: warehouse.rows(f"select count(*), sum(hashtextextended(t::text, 0))::text from {name} as t")  # noqa: S608
        for name in names
    }


def _load(warehouse: Warehouse, number: int) -> None:
    """Write the file of a day with its load and rows as the raw asset would."""
    key, day, rows = f"{number:016x}", DAYS[number], _quotes(number)
    with warehouse.transaction() as transaction:
        transaction.execute(
            "insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions)"
            " values ($1, 'prices', 'tesco', $1, $2, 1, 'real', array[$3])",
            [key, key * 4, day],
        )
        transaction.execute(
            "insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, rows_in, accepted,"
            " data_origin, code_version, finished_at)"
            " values ($1, $1, 'test', '1', 'committed', 'loaded', $2, $2, 'real', 'test', now())",
            [key, len(rows)],
        )
        transaction.execute("insert into ops.load_partitions values ($1, $2, $3)", [key, day, len(rows)])
        for line, (name, price, product_id) in enumerate(rows, start=2):
            transaction.execute(
                "insert into raw.price_quotes (load_id, line, run_id, retailer, item_number, item_name, category,"
                " product_name, product_id, price_gbp, attributes, collected_at, collected_on)"
                " values ($1, $2, $3, 'tesco', 212717, 'Apples', 'Fruit', $4, $5, $6, '{}', '2016-01-01 08:00Z',"
                " $7::text::date)",
                [key, line, f"tesco-{day.replace('-', '')}080000", name, product_id, price, day],
            )


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)
