"""Models built by day: day by day, in any order of files, they hold what one rebuild of all days gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean
from typing import Any

import pytest

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.dagster.by_period import ROW_HASH
from ons_bigdata.platform.postgres.warehouse import STATISTICS_TARGET, Warehouse
from ons_bigdata.settings import Settings

SEEDS = ["items", "retailers", "expected_price_quote_counts", "price_decisions"]
MODELS = [
    "+int_prices__item_days_profiled",
    "+int_prices__price_changes_counted",
    "+int_prices__quotes_accepted",
    "+int_prices__products_placed",
    "+int_prices__shelf_days_counted",
    "+int_prices__product_pack_sizes",
    "+int_prices__item_days_compared",
    "+int_prices__product_months_accepted",
    "+int_prices__item_days_accepted",
    "+int_prices__price_relatives_averaged",
    "+int_prices__odd_units_counted",
    "+int_prices__product_months_judged",
]

DAYS = ["2016-01-04", "2016-01-05", "2016-01-06", "2016-02-16", "2016-09-01"]
ORDER = [0, 3, 4, 2, 1]
"""Numbers of the days in the order in which their files come: two of them late."""
DECISION = """
    insert into seeds.price_decisions (
        decision_id, version, retailer, item_number, product_name, valid_from, valid_to, decision, factor, decided_by,
        reason, second_signature, decided_on
    ) values (
        'd', 1, 'tesco', 212717, 'RICE', '2016-02-16', '2016-02-16', 'correct', 0.06, 'a', 'decimal point', 'b',
        '2016-02-17'
    )
"""


def _quotes(number: int) -> list[tuple[str, float, str | None]]:
    """Name, price and id of what the shop lists on the day with a number."""
    rows: list[tuple[str, float, str | None]] = [("BREAD", 1.0, None), ("MILK", 2.0, None)]
    rows += [("RICE", 25.0 if number == 3 else 1.5, None)]  # an error, seen from the days around it
    rows += [("TEA", 3.0, None), ("TEA", 3.5 if number == 2 else 3.0, None)]  # two products, known from the third day
    rows += [("SALT", 0.5, None), ("SALT", 0.9 if number == 4 else 0.5, None)]  # too late to tell
    rows += [("JAM", 2.5, "77" if number >= 2 else None)]  # the id is that of the earlier days, too
    return rows


def _price_per_kg(number: int, name: str) -> float | None:
    """Price per kilogram on the shelf, which varies a little from day to day; of some products it is not given."""
    wrong_unit = 10 if (number, name) == (3, "BREAD") else 1
    return wrong_unit * (1.0 + number / 1000) if name in {"MILK", "BREAD"} else None


@pytest.fixture
def run_dbt(settings: Settings, warehouse: Warehouse) -> Callable[..., None]:
    """`run_dbt(command, *arguments)` on the test's warehouse."""
    project = dbt_calls.parsed_project(settings)

    def run(*arguments: str) -> None:
        words = ["--quiet", *arguments]
        done = dbt_calls.call(settings, words, target=settings.dbt_dir / "target", project=project)
        failed = [f"{r.node.name}: {r.message}" for r in getattr(done.result, "results", []) if r.status != "success"]
        assert done.success, done.exception or "\n".join(failed)

    return run


def test_days_in_any_order_and_decisions_give_the_tables_of_one_rebuild(
    warehouse: Warehouse, run_dbt: Callable[..., None]
) -> None:
    run_dbt("seed", "--select", *SEEDS)
    for number in ORDER:
        _load(warehouse, number)
        _mark_as_checked(warehouse)
        run_dbt("run", "--select", *MODELS, "--vars", f"{{window_start: {DAYS[number]}, window_end: {DAYS[number]}}}")
    assert _days_built(warehouse, "intermediate.int_prices__shelf_days_counted") == [DAYS[ORDER[-1]]]

    _mark_as_checked(warehouse)
    _execute(warehouse, DECISION)
    run_dbt("run", "--select", *MODELS, "--exclude", "stg_prices__quotes")
    assert _days_built(warehouse, "intermediate.int_prices__quotes_accepted") == ["2016-02-16"]
    assert _days_built(warehouse, "intermediate.int_prices__quote_counts") == []
    found = _tables(warehouse)

    _execute(warehouse, "delete from ops.table_days")
    run_dbt("run", "--select", *MODELS)
    assert _tables(warehouse) == found
    assert warehouse.rows(
        "select product, count(*), max(price_gbp) from intermediate.int_prices__quotes_accepted"
        " where product !~ 'BREAD|MILK' group by 1 order by 1"
    ) == [("77", 5, 2.5), ("RICE", 5, 1.5), ("SALT", 4, 0.5), ("TEA (size class unknown)", 4, 3.0)]
    assert warehouse.rows("select collected_on::text, example from intermediate.int_prices__odd_units_counted") == [
        (DAYS[3], "BREAD")
    ]
    ((milk,),) = warehouse.rows(
        "select pack_size from intermediate.int_prices__product_pack_sizes where product = 'MILK'"
    )
    # the last two days are 43 and 241 days after the first, which is too late to count
    assert milk == round(geometric_mean([2.0 / (1 + number / 1000) for number in range(3)]), 3)


def test_a_table_that_is_built_whole_records_the_rows_of_each_month(
    warehouse: Warehouse, run_dbt: Callable[..., None]
) -> None:
    run_dbt("seed", "--select", *SEEDS)
    table = "intermediate.int_prices__product_months_judged"
    for number in (0, 3):
        _load(warehouse, number)
        window = f"{{window_start: {DAYS[number]}, window_end: {DAYS[number]}}}"
        run_dbt("run", "--select", "+int_prices__product_months_judged", "--vars", window)
    counted = warehouse.rows(
        f"select month::text, count(*), sum({ROW_HASH})::text from {table} as content group by month order by month"
    )
    assert [month for month, *_ in counted] == ["2016-01-01", "2016-02-01"]
    assert counted == warehouse.rows(
        "select day::text, rows_of_day, content_hash::text from ops.table_days where table_name = $1 order by day",
        [table],
    )


def test_dbt_and_python_hash_rows_and_sample_tables_alike(project_dir: Path) -> None:
    days = (project_dir / "macros/days.sql").read_text()
    assert f"\n    {ROW_HASH.replace('content', '{{ row }}')}\n" in days
    planning = (project_dir / "macros/planning.sql").read_text()
    assert f"set local default_statistics_target = {STATISTICS_TARGET}; analyze" in planning


def _mark_as_checked(warehouse: Warehouse) -> None:
    _execute(warehouse, "update ops.table_days set is_checked = true")


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
        name: warehouse.rows(f"select count(*), sum(hashtextextended(t::text, 0))::text from {name} as t")
        for name in names
    }


def _load(warehouse: Warehouse, number: int) -> None:
    """Write the file of a day with its load and rows as the raw asset would."""
    key, day, rows = f"{number:016x}", DAYS[number], _quotes(number)
    run_id = f"tesco-{day.replace('-', '')}080000"
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
                " product_name, product_id, price_gbp, unit_price, unit, attributes, collected_at, collected_on)"
                " values ($1, $2, $3, 'tesco', 212717, 'Apples', 'Fruit', $4, $5, $6, $7, '1 kg', '{}',"
                " '2016-01-01 08:00Z', $8::text::date)",
                [key, line, run_id, name, product_id, price, _price_per_kg(number, name), day],
            )


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)
