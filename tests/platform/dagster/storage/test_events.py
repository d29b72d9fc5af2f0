"""Events written together leave the same rows as those that Dagster writes one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import AssetMaterializationPlannedData, DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.objects import StepSuccessData
from sqlalchemy import event as sqlalchemy_event

from ons_bigdata.platform.dagster.instance import open_instance
from ons_bigdata.platform.dagster.storage.events import (
    EventsTogether,
    events_together,
    write_planned_events_together,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

ROWS = {
    "event_logs": "select dagster_event_type, step_key, asset_key, partition, timestamp::text, event"
    " from dagster.event_logs where run_id = $1 order by id",
    "asset_keys": "select asset_key, last_run_id, last_materialization, last_materialization_timestamp::text"
    " from dagster.asset_keys where last_run_id = $1 order by asset_key",
    "asset_event_tags": "select tags.asset_key, key, value, event_timestamp::text from dagster.asset_event_tags as tags"
    " join dagster.event_logs as logs on logs.id = tags.event_id where run_id = $1 order by 1, 2, 3",
    "asset_check_executions": "select asset_key, check_name, execution_status, evaluation_event,"
    " evaluation_event_timestamp::text, partition from dagster.asset_check_executions where run_id = $1 order by 1, 2",
}
"""Rows of Dagster's tables that belong to a run."""

ASSETS, CHECKS = ("bread", "milk"), ("adds_up", "is_known")


def entry(run_id: str, kind: dg.DagsterEventType, data: object, second: int) -> EventLogEntry:
    happened = DagsterEvent(kind.value, job_name="made_up", step_key="bake", event_specific_data=data)  # type: ignore[arg-type]
    return EventLogEntry(
        error_info=None, level=20, user_message="", run_id=run_id, timestamp=1.5e9 + second, job_name="made_up",
        step_key="bake", dagster_event=happened,
    )  # fmt: skip


def planned(run_id: str) -> list[EventLogEntry]:
    kinds = dg.DagsterEventType
    events = []
    for n, name in enumerate(ASSETS):
        key = dg.AssetKey([run_id, name])
        events.append(entry(run_id, kinds.ASSET_MATERIALIZATION_PLANNED, AssetMaterializationPlannedData(key), n))
        for check in CHECKS:
            data = AssetCheckEvaluationPlanned(asset_key=key, check_name=check)
            events.append(entry(run_id, kinds.ASSET_CHECK_EVALUATION_PLANNED, data, n))
    return events


def outcomes(run_id: str) -> list[EventLogEntry]:
    kinds = dg.DagsterEventType
    events = []
    for n, name in enumerate(ASSETS, start=10):
        key = dg.AssetKey([run_id, name])
        made = dg.AssetMaterialization(key, metadata={"rows": n}, tags={"dagster/data_version": f"{n}"})
        events.append(entry(run_id, kinds.ASSET_MATERIALIZATION, StepMaterializationData(made, []), n))
        for check in CHECKS:
            found = dg.AssetCheckEvaluation(key, check, passed=(name, check) != ("milk", "adds_up"), metadata={"n": n})
            events.append(entry(run_id, kinds.ASSET_CHECK_EVALUATION, found, n))
    return events


def contents(warehouse: Warehouse, run_id: str) -> dict[str, list[str]]:
    """Rows by table, without the ids of the run and of its events."""
    return {
        table: [re.sub(r'"storage_id": \d+', '"storage_id"', repr(row).replace(run_id, "run")) for row in found]
        for table, query in ROWS.items()
        if (found := warehouse.rows(query, [run_id])) is not None
    }


def test_events_written_together_leave_the_rows_of_those_written_one_by_one(
    settings: Settings, warehouse: Warehouse
) -> None:
    with open_instance(settings, warehouse.address) as instance:
        storage = instance.event_log_storage
        for event in [*planned("alone"), *outcomes("alone")]:
            storage.store_event(event)
        storage.store_event_batch(planned("group"))
        with events_together(instance):
            for event in outcomes("group"):
                storage.store_event(event)
        alone, group = contents(warehouse, "alone"), contents(warehouse, "group")
        assert {table: len(rows) for table, rows in alone.items()} == {
            "event_logs": 12, "asset_keys": 2, "asset_event_tags": 2, "asset_check_executions": 4,
        }  # fmt: skip
        assert group == alone


def test_events_wait_for_each_other_and_no_event_waits_for_the_end_of_its_step(
    settings: Settings, warehouse: Warehouse
) -> None:
    def stored() -> int:
        return int(warehouse.rows("select count(*)::int from dagster.event_logs where run_id = 'r'")[0][0])

    with open_instance(settings, warehouse.address) as instance:
        storage = instance.event_log_storage
        first, *checks = outcomes("r")[:3]
        with events_together(instance):
            storage.store_event(first)
            assert stored() == 0
            (record,) = instance.get_asset_records([dg.AssetKey(["r", "bread"])])  # a check asks for it
            assert record.asset_entry.last_materialization is not None and stored() == 1
            for event in checks:
                storage.store_event(event)
            assert stored() == 1
            storage.store_event(entry("r", dg.DagsterEventType.STEP_SUCCESS, StepSuccessData(1.0), 20))
            assert stored() == 4
        with pytest.raises(ZeroDivisionError), events_together(instance):
            storage.store_event(outcomes("r")[3])
            raise ZeroDivisionError
        assert stored() == 5
        storage.store_event(outcomes("r")[4])
        assert stored() == 6  # outside of a block, at once


def test_events_are_inserted_by_one_statement(settings: Settings, warehouse: Warehouse) -> None:
    inserts: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO event_logs"):
            inserts.append(statement)

    with open_instance(settings, warehouse.address) as instance:
        sqlalchemy_event.listen(instance.event_log_storage._engine, "before_cursor_execute", note)  # type: ignore[attr-defined]
        instance.event_log_storage.store_event_batch(planned("r"))
        assert len(inserts) == 1


def test_a_storage_of_another_kind_is_refused_and_left_alone() -> None:
    instance = dg.DagsterInstance.ephemeral()
    events: Sequence[EventLogEntry] = outcomes("r")
    with events_together(instance):
        instance.event_log_storage.store_event(events[0])
        assert len(instance.all_logs("r")) == 1
    with pytest.raises(TypeError, match="expected PostgresEventLogStorage"):
        EventsTogether(instance.event_log_storage)
    with pytest.raises(TypeError, match="expected PostgresEventLogStorage"):
        write_planned_events_together(instance)
