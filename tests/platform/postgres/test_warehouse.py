"""Tests of the warehouse on a real database: frames, transactions, roles, locks, queries of users, migrations."""

import itertools
import os
import secrets
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import psycopg2
import pytest

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import warehouse as module
from ons_bigdata.platform.postgres.role_logins import (
    CustodianLogin,
    read_custodian_login,
    renew_custodian_password,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

PUBLISHED, RESTRICTED, MART = "published.figure", "restricted.person", "marts.figure"


@pytest.fixture
def layers(warehouse: Warehouse) -> Warehouse:
    """Create a table in three layers after the grants, as dbt does."""
    with warehouse.transaction() as transaction:
        for table in (PUBLISHED, RESTRICTED, MART):
            transaction.execute(f"create table {table} as select 1 as x")
    return warehouse


def test_a_frame_is_read_back_unchanged(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table raw.trip (i integer, f float8, s text, d date, t timestamptz, j jsonb, b boolean)"
        )
    frame = pl.DataFrame(
        {
            "i": pl.Series([1, None], dtype=pl.Int32),
            "f": [0.1 + 0.2, None],
            "s": ["£ – “” 😀", None],
            "d": [date(2016, 7, 21), None],
            "t": pl.Series(
                [datetime(2016, 7, 21, 16, 31, 9, 944463, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC")
            ),
            "j": ['{"a": "b\\"c"}', None],
            "b": [True, None],
        }
    )
    with warehouse.transaction() as transaction:
        assert transaction.insert("raw.trip", frame, json_columns=["j"]) == 2
    assert warehouse.frame("select * from raw.trip order by i").equals(frame)


BACKEND = "select pg_backend_pid()"


def test_warehouses_of_an_address_share_their_connections_up_to_the_last_of_them(warehouse: Warehouse) -> None:
    name = str(warehouse.address.url.database)
    observer = Warehouse(replace(warehouse.address, url=warehouse.address.url.set(database="postgres")), "test_ons")
    first = Warehouse(warehouse.address, warehouse.role_prefix)
    (backend,) = first.rows(BACKEND)
    del first
    assert Warehouse(warehouse.address, warehouse.role_prefix).rows(BACKEND) == [backend]
    assert observer.rows(BACKEND) != [backend]
    address = replace(warehouse.address, url=warehouse.address.url.update_query_dict({"application_name": "other"}))
    alone = Warehouse(address, warehouse.role_prefix)
    assert alone.rows(BACKEND) != [backend]
    sessions = "select count(*)::int from pg_stat_activity where datname = $1"
    open_before = observer.rows(sessions, [name])[0][0]
    del alone
    deadline = time.monotonic() + 10
    while observer.rows(sessions, [name])[0][0] != open_before - 1:  # the server takes a moment to end a session
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_open_database_is_not_looked_for_again_until_its_connection_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps of a run open the warehouse; a lost connection or another prefix of roles leads to all checks."""
    looked_for = []
    ensure = module.ensure_database
    monkeypatch.setattr(module, "ensure_database", lambda known: looked_for.append(known) or ensure(known))
    first = module.open_warehouse(settings)
    (backend,) = first.rows(BACKEND)
    assert module.open_warehouse(settings).rows(BACKEND) == [backend]
    assert len(looked_for) == 1
    with suppress(InputError):
        module.open_warehouse(settings.model_copy(update={"role_prefix": "elsewhere"}))
    assert len(looked_for) == 2
    module.open_warehouse(settings)
    assert len(looked_for) == 3
    observer = psycopg2.connect(first.address.libpq())
    observer.autocommit = True
    with closing(observer), observer.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s, 10000)", backend)  # waits until it has ended
        assert cursor.fetchone() == (True,)
    assert module.open_warehouse(settings).rows(BACKEND) != [backend]
    assert len(looked_for) == 4


def test_a_warehouse_of_a_forked_process_has_other_connections_than_its_parent(warehouse: Warehouse) -> None:
    (backend,) = warehouse.rows(BACKEND)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # ends without the test's clean-up
        with suppress(BaseException):
            os.write(write, str(Warehouse(warehouse.address, warehouse.role_prefix).rows(BACKEND)[0][0]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        assert int(answer.read()) != backend[0]
    assert os.waitpid(child, 0)[1] == 0
    assert warehouse.rows(BACKEND) == [backend]


def test_numeric_is_read_as_integer_or_float(warehouse: Warehouse) -> None:
    frame = warehouse.frame("select sum(x) as whole, avg(x) as broken from (values (1::bigint), (2)) as t (x)")
    assert frame.row(0) == (3, 1.5)
    assert frame.schema == {"whole": pl.Int64, "broken": pl.Float64}


def test_an_error_rolls_back_the_transaction(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.kept (x integer)")
    with pytest.raises(RuntimeError, match="on purpose"), warehouse.transaction() as transaction:
        transaction.insert("raw.kept", pl.DataFrame({"x": [1]}, schema={"x": pl.Int32}))
        raise RuntimeError("on purpose")
    assert warehouse.rows("select count(*)::int from raw.kept") == [(0,)]


def test_replace_replaces_all_rows(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.kept (x integer)")
    for values in ([1, 2, 3], [4]):
        warehouse.replace("raw.kept", pl.DataFrame({"x": values}, schema={"x": pl.Int32}))
    assert warehouse.rows("select x from raw.kept") == [(4,)]


def parts_of(*values: int) -> Iterator[pl.DataFrame]:
    """A frame for each value; an error at a negative one."""
    for value in values:
        if value < 0:
            raise InputError(f"no value below zero: {value}")
        yield pl.DataFrame({"x": [value]}, schema={"x": pl.Int32})


def test_parts_replace_all_rows_in_one_transaction(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.kept (x integer)")
    assert warehouse.replace_in_parts("raw.kept", parts_of(1, 2, 3)) == 3
    assert warehouse.replace_in_parts("raw.kept", parts_of(4, 5)) == 2
    with pytest.raises(InputError, match="below zero: -1"):
        warehouse.replace_in_parts("raw.kept", parts_of(6, -1))
    assert warehouse.rows("select x from raw.kept order by x") == [(4,), (5,)]
    assert warehouse.replace_in_parts("raw.kept", parts_of()) == 0
    assert warehouse.rows("select x from raw.kept") == []


FILE = "select pg_relation_filenode('raw.kept')::int"


def test_a_table_in_use_is_replaced_without_waiting_for_its_reader(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.kept (x integer)")
    before = warehouse.rows(FILE)
    with warehouse.transaction() as reader:
        assert reader.rows("select x from raw.kept") == []
        assert warehouse.replace_in_parts("raw.kept", parts_of(1)) == 1
        assert reader.rows("select x from raw.kept") == [(1,)]
        assert warehouse.replace_in_parts("raw.kept", parts_of(2)) == 1
    assert warehouse.rows("select x from raw.kept") == [(2,)]
    assert warehouse.rows(FILE) == before  # rows were deleted; without a reader the table begins anew
    warehouse.replace_in_parts("raw.kept", parts_of(3))
    assert warehouse.rows(FILE) != before


READABLE = {
    "ingest": {"ops", "raw"},
    "analyst": {"seeds", "marts", "analysis", "published"},
    "publisher": {"published"},
    "reader": {"ops", "raw", "seeds", "staging", "intermediate", "marts", "analysis", "published"},
    "custodian": {"restricted", "seeds", "marts", "analysis", "published"},
}
WRITABLE = {"ingest": {"ops", "raw", "restricted"}, "custodian": {"restricted"}}
SCHEMAS = ("dagster", "ops", "raw", "restricted", "seeds", "staging", "intermediate", "marts", "analysis", "published")


@pytest.mark.parametrize("role", READABLE)
def test_each_role_reads_and_writes_its_schemas_and_no_others(warehouse: Warehouse, role: str) -> None:
    with warehouse.transaction() as transaction:
        for schema in SCHEMAS:
            transaction.execute(f"create table {schema}.canary as select 1 as x")
    readable, writable = set(), set()
    for schema in SCHEMAS:
        with suppress(Exception), warehouse.transaction(role=role) as transaction:
            assert transaction.rows(f"select x from {schema}.canary") == [(1,)]
            readable.add(schema)
        with suppress(Exception), warehouse.transaction(role=role) as transaction:
            transaction.execute(f"insert into {schema}.canary values (2)")
            writable.add(schema)
        with pytest.raises(Exception, match="permission denied"), warehouse.transaction(role=role) as transaction:
            transaction.execute(f"create table {schema}.another (x integer)")
    assert (readable, writable) == (READABLE[role], WRITABLE.get(role, set()))


def test_the_custodian_logs_in_by_password_alone(layers: Warehouse, tmp_path: Path) -> None:
    role, path = f"{layers.role_prefix}_custodian", tmp_path / "secrets" / "custodian"
    rows = "select x, session_user::text as me from restricted.person"
    with pytest.raises(InputError, match="no password of role"):
        read_custodian_login(role, None, path)
    renew_custodian_password(layers.address, role, path)
    login = read_custodian_login(role, None, path)
    assert layers.query(rows, login).row(0) == (1, role)
    assert login.password not in repr(login)
    wrong = secrets.token_hex(8)
    with pytest.raises(InputError, match="the server refuses the password") as refused:
        layers.query(rows, CustodianLogin(role, wrong))
    assert wrong not in "".join(traceback.format_exception(refused.value))
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(layers.address.libpq(user=role))
    with pytest.raises(InputError):
        layers.query(rows)  # the reader
    with pytest.raises(InputError, match="read-only transaction"):
        layers.query("delete from restricted.person returning x", login)
    renew_custodian_password(layers.address, role, path)
    with pytest.raises(InputError, match="the server refuses the password"):
        layers.query(rows, login)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(InputError, match="mode 0644; expected 0600"):
        read_custodian_login(role, None, path)


ESCAPES = [
    "delete from raw.price_quotes",
    "create table marts.mine (x integer)",
    "select 1; drop table raw.price_quotes",
    "select * from restricted.person",
    "select pg_read_file('/etc/hostname')",
    "copy (select 1) to program 'true'",
    "reset role; select 1",
    "no sql",
    # `set role` could be undone by the query
    "select set_config('role', 'none', true), pg_read_file('/etc/hostname')",
    "select set_config('role', 'none', true), (select string_agg(word, ',') from"
    " ts_stat('select to_tsvector(''simple'', x::text) from restricted.person'))",
    "select 1 as x, 2 as x",
    "select interval '1 day'",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_a_query_can_only_read(layers: Warehouse, text: str) -> None:
    with pytest.raises(InputError):
        layers.query(text)


def test_a_query_is_logged_in_as_the_reader(layers: Warehouse) -> None:
    assert layers.query("select session_user::text as me").item() == f"{layers.role_prefix}_reader"


def test_a_query_is_cancelled_after_a_timeout_that_it_cannot_change(warehouse: Warehouse) -> None:
    limited = replace(warehouse, query_timeout_s=1)
    with pytest.raises(InputError, match=r"cancelled after 1 s \(ONS_BIGDATA_QUERY_TIMEOUT_S\)"):
        limited.query("select set_config('statement_timeout', '0', false), pg_sleep(60)::text")
    assert limited.query("select current_setting('statement_timeout') as timeout").item() == "1s"


def test_the_reader_cannot_take_advisory_locks_and_ingest_can(warehouse: Warehouse) -> None:
    for function in (f"{tried}advisory_{kind}" for tried in ("", "try_") for kind in ("lock", "xact_lock_shared")):
        with pytest.raises(InputError, match="permission denied for function"):
            warehouse.query(f"select pg_{function}(hashtextextended('prices/2016-07-21', 0))::text as lock")
    with warehouse.transaction(role="ingest") as transaction:
        transaction.lock("prices", "2016-07-21")


def test_other_logins_of_the_reader_are_limited_too(warehouse: Warehouse) -> None:
    with psycopg2.connect(warehouse.address.libpq(user=warehouse.role)) as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('statement_timeout')")
        assert cursor.fetchone() == ("5min",)
    connection.close()


def test_every_float_column_of_raw_tables_refuses_what_is_no_finite_number(warehouse: Warehouse) -> None:
    columns = warehouse.rows(
        "select attrelid::regclass::text, attname, attnum from pg_attribute join pg_class on pg_class.oid = attrelid"
        " where relnamespace = 'raw'::regnamespace and relkind = 'r' and atttypid = 'float8'::regtype"
    )
    assert len(columns) >= 11
    for (table, column, number), bad in itertools.product(columns, ("NaN", "Infinity", "-Infinity")):
        checks = warehouse.rows(
            "select pg_get_expr(conbin, conrelid) from pg_constraint"
            f" where conrelid = '{table}'::regclass and contype = 'c' and conkey = array[{number}]::smallint[]"
        )
        refused = [
            warehouse.rows(f"select not ({check}) from (select '{bad}'::float8 as {column}) as row")[0][0]
            for (check,) in checks
        ]
        assert any(refused), f"{table}.{column} takes {bad}"


def test_a_held_lock_is_reported_after_the_timeout(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT", "300ms")
    with warehouse.transaction() as first:
        first.lock("prices", "2016-07-21")
        with warehouse.transaction() as other:
            other.lock("prices", "2016-07-22")
        with pytest.raises(UnavailableError, match="another process holds a lock"), warehouse.transaction() as second:
            second.lock("prices", "2016-07-21")


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-1", "0"])
def test_the_raw_table_refuses_impossible_prices(warehouse: Warehouse, bad: str) -> None:
    with pytest.raises(Exception, match="price_gbp_check"), warehouse.transaction() as transaction:
        transaction.execute("set local session_replication_role = replica")  # without foreign keys
        transaction.execute(
            "insert into raw.price_quotes (load_id, line, run_id, retailer, item_number, item_name, category,"
            " product_name, price_gbp, attributes, collected_at, collected_on)"
            f" values ('0', 2, 'r', 'tesco', 210111, '', '', 'p', '{bad}', '{{}}', now(), now()::date)"
        )


def test_rows_with_a_kept_key_stay_and_all_others_are_replaced(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.pages (day date, shop text, page text)")
        transaction.execute("insert into raw.pages values ('2016-08-01', 'a', 'old'), ('2016-08-02', 'a', 'old')")
    new = pl.DataFrame({"day": ["2016-08-03"], "shop": ["a"], "page": ["new"]}).with_columns(
        pl.col("day").str.to_date()
    )
    assert warehouse.replace("raw.pages", new, kept=pl.DataFrame({"day": [date(2016, 8, 1)], "shop": ["a"]})) == 2
    assert warehouse.rows("select day::text, page from raw.pages order by 1") == [
        ("2016-08-01", "old"),
        ("2016-08-03", "new"),
    ]
    assert warehouse.replace("raw.pages", new.clear(), kept=new.clear().select("day", "shop")) == 0


def test_statistics_of_a_filled_table_have_as_many_classes_as_the_target(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table raw.numbered (number integer)")
    warehouse.replace("raw.numbered", pl.DataFrame({"number": pl.Series(range(1000), dtype=pl.Int32)}))
    query = "select cardinality(histogram_bounds::text::int[]) from pg_stats where tablename = 'numbered'"
    assert warehouse.rows(query) == [(module.STATISTICS_TARGET + 1,)]
