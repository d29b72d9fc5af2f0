"""Dagster's tables: created completely or not at all, also where the process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys

import dagster as dg
import pytest
from sqlalchemy import event

from ons_bigdata.commands import doctor
from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.dagster.storage.tables import check_dagster_tables, ensure_dagster_tables
from ons_bigdata.platform.errors import UnavailableError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings
from tests.command_line import ROOT

STRUCTURE = """
    select table_name || '.' || column_name || ' ' || data_type || coalesce(column_default, '') as name
    from information_schema.columns where table_schema = 'dagster'
    union all select indexdef from pg_indexes where schemaname = 'dagster'
    union all select 'revision ' || version_num from dagster.alembic_version
    union all select 'migrated ' || name from dagster.secondary_indexes
    union all select obj_description('dagster'::regnamespace, 'pg_namespace')
    union all select 'schema ' || nspname from pg_namespace where nspname like 'dagster%'
    order by name
"""

_END_MS = 10_000
"""Time that a session gets to end; the server answers once it has."""

CREATE_AND_DIE = """
import os, signal, sys
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from ons_bigdata.platform.dagster.storage.tables import ensure_dagster_tables
from ons_bigdata.platform.postgres.database import DatabaseAddress
statements = 0
@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global statements
    statements += 1
    if statements == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
ensure_dagster_tables(DatabaseAddress(url=make_url(sys.argv[1]), is_embedded=True))
print(statements)
"""


def create_and_die(warehouse: Warehouse, statement: int) -> subprocess.CompletedProcess[str]:
    """Create the tables in a process that kills itself before one of the 106 statements, counted from 1."""
    words = [sys.executable, "-c", CREATE_AND_DIE, warehouse.address.libpq(), str(statement)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)


def structure(warehouse: Warehouse) -> list[str]:
    return [name for (name,) in warehouse.rows(STRUCTURE)]


@pytest.fixture
def undisturbed(empty_database: Warehouse) -> list[str]:
    ensure_dagster_tables(empty_database.address)
    return structure(empty_database)


@pytest.mark.parametrize(
    "statement", [60, *(pytest.param(number, marks=pytest.mark.nightly) for number in (2, 15, 30, 45, 75, 90, 100))]
)
def test_a_kill_during_creation_leaves_nothing_that_the_next_start_does_not_complete(
    warehouse: Warehouse, undisturbed: list[str], statement: int
) -> None:
    killed = create_and_die(warehouse, statement)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert warehouse.rows("select count(*)::int from pg_tables where schemaname = 'dagster'") == [(0,)]
    ensure_dagster_tables(warehouse.address)
    assert structure(warehouse) == undisturbed


def test_tables_that_an_earlier_version_left_half_made_are_made_anew(
    warehouse: Warehouse, settings: Settings, undisturbed: list[str]
) -> None:
    with warehouse.transaction() as transaction:
        for table in ("runs", "event_logs", "alembic_version"):
            transaction.execute(f"create table dagster.{table} (id integer)")
    assert check_dagster_tables(warehouse.address)[0] == "warning"
    with open_instance(settings, warehouse.address) as instance:
        assert instance.get_runs() == []
    assert check_dagster_tables(warehouse.address) == ("ok", "complete")
    assert structure(warehouse) == undisturbed


def test_a_complete_set_of_an_earlier_version_is_kept_with_its_rows(
    warehouse: Warehouse, undisturbed: list[str]
) -> None:
    ensure_dagster_tables(warehouse.address)
    with warehouse.transaction() as transaction:
        transaction.execute("comment on schema dagster is null")
        transaction.execute("insert into dagster.kvs (key, value) values ('kept', '1')")
    ensure_dagster_tables(warehouse.address)
    assert structure(warehouse) == undisturbed
    assert warehouse.rows("select value from dagster.kvs where key = 'kept'") == [("1",)]


def test_a_missing_table_beside_history_is_reported_and_nothing_is_dropped(
    warehouse: Warehouse, settings: Settings
) -> None:
    ensure_dagster_tables(warehouse.address)
    with warehouse.transaction() as transaction:
        transaction.execute("insert into dagster.event_logs (run_id, event, timestamp) values ('r', '{}', now())")
        transaction.execute("drop table dagster.asset_keys")
    assert check_dagster_tables(warehouse.address) == ("fault", "missing: asset_keys")
    with pytest.raises(UnavailableError, match="lacks the tables asset_keys and holds runs"):
        ensure_dagster_tables(warehouse.address)
    assert warehouse.rows("select count(*)::int from dagster.event_logs") == [(1,)]
    (finding,) = [found for found in doctor.examine(settings) if found.what == "Dagster's tables"]
    assert (finding.state, finding.detail) == ("fault", "missing: asset_keys")


def test_an_instance_keeps_its_connections_and_replaces_those_that_are_lost(
    settings: Settings, warehouse: Warehouse
) -> None:
    sessions = (
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and query not like 'autovacuum%' and backend_type = 'client backend' order by pid"
    )
    with open_instance(settings, warehouse.address) as instance:
        for _ in range(3):
            assert instance.get_runs() == []
            assert instance.event_log_storage.all_asset_keys() == []
        kept = warehouse.rows(sessions)
        assert len(kept) == 2  # of runs and of events
        assert instance.get_runs() == [] and instance.event_log_storage.all_asset_keys() == []
        assert warehouse.rows(sessions) == kept
        ended = warehouse.rows(f"select pg_terminate_backend(pid, {_END_MS}) from ({sessions}) as lost")  # waits
        assert ended == [(True,), (True,)]
        assert instance.get_runs() == [] and instance.event_log_storage.all_asset_keys() == []
        assert len(warehouse.rows(sessions)) == 2 and not set(warehouse.rows(sessions)) & set(kept)


def test_an_instance_asks_once_which_columns_and_tables_there_are(settings: Settings, warehouse: Warehouse) -> None:
    asked: list[str] = []
    first: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "pg_catalog" in statement:
            asked.append(statement)

    check = dg.AssetCheckKey(dg.AssetKey("made_up"), "adds_up")
    with open_instance(settings, warehouse.address) as instance:
        event.listen(instance.event_log_storage._engine, "before_cursor_execute", note)  # type: ignore[attr-defined]
        for n in range(3):
            instance.report_runless_asset_event(dg.AssetMaterialization("made_up", metadata={"n": n}))
            evaluation = dg.AssetCheckEvaluation(
                asset_key=check.asset_key, check_name=check.name, passed=n > 0, metadata={}
            )
            instance.report_runless_asset_event(evaluation)
            record = instance.get_asset_records([check.asset_key])[0]
            last = record.asset_entry.last_materialization
            assert last is not None
            assert last.asset_materialization is not None and last.asset_materialization.metadata["n"].value == n
            first = asked.copy() if n == 0 else first
        assert first and asked == first
        records = instance.event_log_storage.get_asset_check_execution_history(check, limit=5)
        assert [record.status.value for record in records] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
