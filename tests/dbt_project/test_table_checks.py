"""Asset checks on tables: each fails on its fault and passes without it."""

from __future__ import annotations

import dagster as dg
import pytest
from dbt.contracts.graph.manifest import Manifest

from ons_bigdata.platform.dagster.checks import expected_period_present
from ons_bigdata.platform.dagster.raw_assets import LEDGER
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.checks.collection import quotes as collection
from ons_bigdata.prices.checks.indices import elementary
from ons_bigdata.prices.sources.price_files import PRICE_FILES
from ons_bigdata.prices.sources.scrape_files import COLUMNS

READER = PRICE_FILES.reader
APPLES = 212717


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database as the resource that checks take."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    return WarehouseResource()


def test_every_column_of_the_ledger_is_described(manifest: Manifest) -> None:
    tables = {source.name: set(source.columns) for source in manifest.sources.values() if source.schema == "ops"}
    described = {spec.key.path[-1]: {column.name for column in _columns(spec)} for spec in LEDGER}
    assert described == tables
    assert all(column.description for spec in LEDGER for column in _columns(spec))


def test_null_columns_of_the_ledger_are_those_of_its_tables(warehouse: Warehouse) -> None:
    found = {
        (str(table), str(column)): nullable == "YES"
        for table, column, nullable in warehouse.rows(
            "select table_name::text, column_name::text, is_nullable::text from information_schema.columns"
            " where table_schema = 'ops'"
        )
    }
    for spec in LEDGER:
        for column in _columns(spec):
            assert column.constraints.nullable == found[spec.key.path[-1], column.name], (spec.key, column.name)


def test_every_column_of_a_scrape_file_is_described() -> None:
    assert tuple(PRICE_FILES.landing.columns) == COLUMNS


def test_the_latest_period_is_compared_by_origin(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _execute(warehouse, "create table marts.figures (data_origin text, period date)")
    _execute(warehouse, "create table marts.sources (data_origin text, period date)")
    query = "select data_origin, max(period) from marts.sources group by data_origin"
    by_origin = expected_period_present("marts.figures", column="period", expected=query, by="data_origin")
    together = expected_period_present(
        "marts.figures", column="period", expected="select max(period) from marts.sources"
    )
    assert _run(by_origin, resource).passed
    assert _run(together, resource).passed

    for table in ("figures", "sources"):
        _execute(warehouse, f"insert into marts.{table} values ('simulated', '2026-01-28'), ('real', '2016-09-14')")
    assert _run(by_origin, resource).passed

    _execute(warehouse, "insert into marts.sources values ('real', '2016-09-15')")
    result = _run(by_origin, resource)
    assert not result.passed
    assert result.metadata["latest"].value == "real 2016-09-14, simulated 2026-01-28"
    assert result.metadata["expected"].value == "real 2016-09-15, simulated 2026-01-28"
    hidden = _run(together, resource)
    assert hidden.passed
    assert hidden.metadata["latest"].value == "2026-01-28"


def test_days_missing_in_staging_are_listed_with_a_command(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _execute(warehouse, "create table staging.stg_prices__quotes (collected_on date, listings integer)")
    for name, day, rows in (("a1", "2016-08-01", 3), ("b1", "2016-08-02", 2), ("c1", "2016-08-04", 2)):
        _load(warehouse, name, day, rows=rows)
    for day, rows in (("2016-08-01", [2, 1]), ("2016-08-03", [1]), ("2016-08-04", [1])):
        _stage(warehouse, day, rows)
    _file(warehouse, "c2", "2016-08-04")  # delivered anew, not yet loaded
    _execute(warehouse, f"update ops.files set superseded_by = '{_key('c2')}' where file_id = '{_key('c1')}'")
    result = _run(collection.STAGING_HOLDS_EVERY_RAW_DAY, resource)
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.WARN
    lines = str(result.metadata["which"].value).splitlines()
    assert len(lines) == result.metadata["found"].value == 2
    assert lines[0] == (
        "* 2016-08-02: 2 rows in raw, 0 in staging; `ons-bigdata materialize"
        " --select 'staging/stg_prices__quotes*' --from 2016-08-02 --to 2016-08-02`"
    )
    assert lines[1].startswith("* 2016-08-03: 0 rows in raw, 1 in staging; ")

    _execute(warehouse, "delete from ops.table_days where day = '2016-08-03'")
    _stage(warehouse, "2016-08-02", [1, 1])
    assert _run(collection.STAGING_HOLDS_EVERY_RAW_DAY, resource).passed


def test_indices_that_could_not_be_compared_warn(warehouse: Warehouse, resource: WarehouseResource) -> None:
    _execute(
        warehouse,
        "create table intermediate.int_prices__price_relatives_averaged (data_origin text, retailer text,"
        " item_number integer, collected_on date, products integer, mean_log_relative float8)",
    )
    assert _run(elementary.indices_follow_prices, resource).passed  # nothing at all

    _index(warehouse, "2016-08-01", 1.0)
    assert _run(elementary.indices_follow_prices, resource).passed  # one day does not move

    _index(warehouse, "2016-08-02", 2.0)
    untested = _run(elementary.indices_follow_prices, resource)
    assert (untested.passed, untested.severity) == (False, dg.AssetCheckSeverity.WARN)

    _execute(
        warehouse,
        "insert into intermediate.int_prices__price_relatives_averaged values"
        f" ('real', 'tesco', {APPLES}, '2016-08-02', 1, ln(2))",
    )
    compared = _run(elementary.indices_follow_prices, resource)
    assert compared.passed
    assert compared.metadata["movements_compared"].value == 1

    _execute(warehouse, "update analysis.elementary_price_indices set segment_index = 0.5 where period = '2016-08-02'")
    inverted = _run(elementary.indices_follow_prices, resource)
    assert (inverted.passed, inverted.severity) == (False, dg.AssetCheckSeverity.ERROR)


def _columns(spec: dg.AssetSpec) -> list[dg.TableColumn]:
    return list(spec.metadata["dagster/column_schema"].columns)


def _run(check: dg.AssetChecksDefinition, resource: WarehouseResource) -> dg.AssetCheckResult:
    result = check(warehouse=resource)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def _key(name: str) -> str:
    return name.encode().hex().rjust(16, "0")


def _file(warehouse: Warehouse, name: str, day: str) -> None:
    _execute(
        warehouse,
        "insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions)"
        f" values ('{_key(name)}', 'prices', 'tesco', '{name}', '{_key(name) * 4}', 1, 'real', array['{day}'])",
    )


def _build(warehouse: Warehouse, name: str, day: str, *, rows: int) -> None:
    key = _key(name)
    _execute(
        warehouse,
        "insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, rows_in, accepted,"
        f" data_origin, code_version, finished_at) values ('{key}', '{key}', '{READER.name}', '{READER.version}',"
        f" 'committed', 'loaded', {rows}, {rows}, 'real', 'test', now())",
    )
    _execute(warehouse, f"insert into ops.load_partitions values ('{key}', '{day}', {rows})")
    for line in range(2, 2 + rows):
        _load_row(warehouse, name, day, line=line)


def _load(warehouse: Warehouse, name: str, day: str, *, rows: int) -> None:
    _file(warehouse, name, day)
    _build(warehouse, name, day, rows=rows)


def _stage(warehouse: Warehouse, day: str, listings: list[int]) -> None:
    """Stage rows that were listed so often, and record them."""
    for number in listings:
        _execute(warehouse, f"insert into staging.stg_prices__quotes values ('{day}', {number})")
    _execute(
        warehouse,
        "insert into ops.table_days (table_name, day, rows_of_day, content_hash)"
        f" values ('staging.stg_prices__quotes', '{day}', {len(listings)}, 0)",
    )


def _load_row(warehouse: Warehouse, name: str, day: str, *, line: int) -> None:
    _execute(
        warehouse,
        "insert into raw.price_quotes (load_id, line, run_id, retailer, item_number, item_name, category,"
        " product_name, price_gbp, attributes, collected_at, collected_on) values"
        f" ('{_key(name)}', {line}, 'tesco-1', 'tesco', {APPLES}, 'Apples', 'Fruit', 'GALA', 1,"
        f" '{{}}', now(), '{day}')",
    )


def _index(warehouse: Warehouse, day: str, level: float) -> None:
    _execute(
        warehouse,
        "insert into analysis.elementary_price_indices (data_origin, retailer, item_number, recipe, method, scope,"
        " period, segment, segment_index, products, products_used, quotes, quotes_undecided, filtered)"
        f" values ('real', 'tesco', {APPLES}, 'web_daily', 'jevons_chained', 'shelf', '{day}', 0, {level},"
        " 1, 1, 1, 0, 0)",
    )


def _execute(warehouse: Warehouse, statement: str) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(statement)
