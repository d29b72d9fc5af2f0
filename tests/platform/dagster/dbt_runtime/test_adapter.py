"""Connections that the nodes of a call of dbt share."""

from __future__ import annotations

from pathlib import Path

import pytest

from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

_PROJECT = """\
name: pids
config-version: 2
version: "1.0"
profile: ons_bigdata
model-paths: [models]
"""

_PID = """\
{{ config(materialized='table', pre_hook='create temporary table scratch on commit drop as select 1 as one') }}
select pg_backend_pid() as pid, current_setting('work_mem') as work_mem from scratch
"""
"""A model whose table is made within the transaction of its hook."""


@pytest.fixture
def pids(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a dbt project of seven models: the process of the server that built each, and its `work_mem`."""
    folder = tmp_path / "pids"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    for number in range(7):
        (folder / "models" / f"built_{number}.sql").write_text(_PID)
    return settings.model_copy(update={"dbt_project_dir": folder})


def _built(settings: Settings, warehouse: Warehouse) -> tuple[bool, list[tuple[int, str]]]:
    """Build all models; return whether that succeeded, and the rows of those that were built."""
    target = settings.dbt_dir / "target"
    project = dbt_calls.parsed_project(settings)
    result = dbt_calls.call(settings, ["run"], target=target, project=project)
    query_of_names = "select tablename from pg_tables where schemaname = 'staging'"
    names = [name for (name,) in warehouse.rows(query_of_names)]
    query = " union all ".join(f"select pid, work_mem from staging.{name}" for name in names)
    return bool(result.success), warehouse.rows(query)


def test_nodes_of_a_call_share_connections_that_end_with_it(
    pids: Settings, warehouse: Warehouse, short_tmp: Path
) -> None:
    """Two threads build seven models over two connections; the main one of dbt may be a third."""
    log = short_tmp / "pg" / "server.log"
    logged = len(log.read_text())
    succeeded, rows = _built(pids, warehouse)
    assert succeeded and len(rows) == 7
    assert len({pid for pid, _ in rows}) <= 3
    open_yet = "select count(*)::int from pg_stat_activity where datname = current_database() and pid = any($1::int[])"
    assert warehouse.rows(open_yet, ["{" + ",".join(str(pid) for pid, _ in rows) + "}"]) == [(0,)]
    assert "WARNING" not in log.read_text()[logged:]


def test_a_node_leaves_nothing_for_the_next(pids: Settings, warehouse: Warehouse) -> None:
    """A setting of a transaction that fails or is not committed, or of a session, is not that of the next node."""
    models = pids.dbt_project_dir / "models"
    (models / "fails.sql").write_text(
        "{{ config(materialized='table', pre_hook=\"set local work_mem = '77MB'\") }} select 1 / 0 as impossible"
    )
    (models / "stays_open.sql").write_text(
        "{{ config(materialized='view') }} {% if execute %}{% do run_query(\"set local work_mem = '78MB'\") %}"
        "{% endif %} select 1 as one"
    )
    (models / "of_session.sql").write_text(
        "{{ config(materialized='view', post_hook=\"set work_mem = '79MB'\") }} select 1 as one"
    )
    for number in range(7):
        (models / f"built_{number}.sql").write_text("-- depends_on: {{ ref('of_session') }}\n" + _PID)
    succeeded, rows = _built(pids, warehouse)
    assert not succeeded and len(rows) == 7
    assert not {work_mem for _, work_mem in rows} & {"77MB", "78MB", "79MB"}


def test_a_connection_that_its_server_has_ended_is_replaced(pids: Settings, warehouse: Warehouse) -> None:
    models = pids.dbt_project_dir / "models"
    (models / "ends.sql").write_text(
        "{{ config(materialized='table', post_hook=after_commit('select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and state = ' ~ \"'idle'\")) }} select 1 as pid, '' as work_mem"
    )
    for number in range(7):
        (models / f"built_{number}.sql").write_text("-- depends_on: {{ ref('ends') }}\n" + _PID)
    succeeded, rows = _built(pids, warehouse)
    assert succeeded and len(rows) == 8
