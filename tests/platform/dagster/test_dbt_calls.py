"""dbt within this process: a project that does not parse, one that changes, and an interrupt."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from ons_bigdata.platform import progress
from ons_bigdata.platform.dagster import dbt_calls
from ons_bigdata.platform.errors import StepFailedError
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

_PROJECT = """\
name: small
config-version: 2
version: "1.0"
profile: ons_bigdata
model-paths: [models]
"""


@pytest.fixture
def small(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a dbt project of two models; the first sleeps for a minute, the second depends on it."""
    folder = tmp_path / "small"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(_PROJECT)
    (folder / "models" / "slow.sql").write_text("{{ config(materialized='table') }} select pg_sleep(60)::text as slept")
    (folder / "models" / "after.sql").write_text("select * from {{ ref('slow') }}")
    return settings.model_copy(update={"dbt_project_dir": folder})


def test_a_project_that_does_not_parse_is_reported_with_the_message_of_dbt(small: Settings) -> None:
    (small.dbt_project_dir / "models" / "after.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(StepFailedError, match=r"after.*depends on a node named 'nowhere'"):
        dbt_calls.ensure_manifest(small)
    assert not (small.dbt_dir / "target" / "manifest.sources").exists()


def test_the_project_is_read_once_and_anew_when_a_file_changes(small: Settings) -> None:
    path = dbt_calls.ensure_manifest(small)
    parsed = dbt_calls.parsed_project(small)
    assert dbt_calls.parsed_project(small) is parsed
    assert "model.small.third" not in path.read_text()
    (small.dbt_project_dir / "models" / "third.sql").write_text("select 3 as three")
    assert "model.small.third" in dbt_calls.parsed_project(small).nodes
    assert "model.small.third" in dbt_calls.ensure_manifest(small).read_text()


def test_the_manifest_outlives_its_process_but_not_its_sources(small: Settings) -> None:
    written = dbt_calls.ensure_manifest(small).stat().st_mtime_ns
    assert dbt_calls.ensure_manifest(small).stat().st_mtime_ns == written
    shutil.copy(small.dbt_project_dir / "models" / "after.sql", small.dbt_project_dir / "models" / "fourth.sql")
    assert dbt_calls.ensure_manifest(small).stat().st_mtime_ns > written


def test_a_new_state_begins_with_the_parse_of_set_up(small: Settings, tmp_path: Path) -> None:
    """Only files that changed since are parsed; a project in another folder is parsed whole: a parse has its paths."""
    states = (small.model_copy(update={"home": tmp_path / str(n), "database_url": None}) for n in range(4))

    def created(settings: Settings) -> dict[str, float]:
        nodes = json.loads(dbt_calls.ensure_manifest(settings).read_text())["nodes"]
        return {name.removeprefix("model.small."): node["created_at"] for name, node in nodes.items()}

    models = small.dbt_project_dir / "models"
    (models / "third.sql").write_text("select 3 as three")
    dbt_calls.parse_ahead(next(states))
    ahead = created(next(states))
    (models / "third.sql").unlink()
    (models / "after.sql").write_text("select 'changed' as word, * from {{ ref('slow') }}")
    (models / "fourth.sql").write_text("select 4 as four")
    changed = created(next(states))
    assert set(ahead) == {"slow", "after", "third"}
    assert set(changed) == {"slow", "after", "fourth"}
    assert {name for name, time in changed.items() if time == ahead.get(name)} == {"slow"}
    shutil.copytree(small.dbt_project_dir, tmp_path / "moved")
    moved = created(next(states).model_copy(update={"dbt_project_dir": tmp_path / "moved"}))
    assert moved["slow"] > ahead["slow"]


def test_an_interrupt_ends_the_query_and_what_would_follow(small: Settings, warehouse: Warehouse) -> None:
    """A signal in the middle of a model: dbt cancels it at once, and begins no other."""
    before = signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGTERM))
    dbt_calls.ensure_manifest(small)
    began = time.monotonic()
    timer.start()
    result = dbt_calls.call(small, ["run"], target=small.dbt_dir / "target", project=dbt_calls.parsed_project(small))
    assert isinstance(result.exception, KeyboardInterrupt)
    assert time.monotonic() - began < 30
    assert signal.getsignal(signal.SIGTERM) == before
    sleeping = warehouse.frame(
        "select count(*)::int as queries from pg_stat_activity"
        " where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()"
    )
    assert sleeping.item() == 0


def test_progress_of_dbt_is_reported_from_its_threads(small: Settings) -> None:
    (small.dbt_project_dir / "models" / "slow.sql").write_text("select 1 as one")
    reports: list[progress.Progress] = []
    events: list[DbtCoreCliEventMessage] = []
    with progress.listening(reports.append):
        collect = dbt_calls.collect_events("building", events, total=2)
        target = small.dbt_dir / "target"
        project = dbt_calls.parsed_project(small)
        result = dbt_calls.call(small, ["run"], target=target, project=project, on_event=collect)
    assert result.success
    assert [event.raw_event["data"]["node_info"]["node_name"] for event in events] == ["slow", "after"]
    assert [(one.done, one.total) for one in reports if one.current is None] == [(0, 2), (1, 2), (2, 2)]
    assert [one.current for one in reports if one.current] == [
        "sql view model staging.slow",
        "sql view model staging.after",
    ]


@pytest.mark.parametrize("damage", ["", '{"metadata": {', "[]"])
def test_a_damaged_manifest_is_parsed_anew(small: Settings, damage: str) -> None:
    path = dbt_calls.ensure_manifest(small)
    path.write_text(damage)
    path.with_name("partial_parse.msgpack").write_bytes(b"\x00damaged")
    assert "model.small.after" in dbt_calls.ensure_manifest(small).read_text()
