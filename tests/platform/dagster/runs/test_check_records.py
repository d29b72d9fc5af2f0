"""Failed checks of a run: its tags, the table of evaluations by partition, and the status that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from ons_bigdata import rendering
from ons_bigdata.commands.status import read_status
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.checks import FAILED_PARTITIONS, OF_RUN
from ons_bigdata.platform.dagster.runs.check_records import (
    CHECK_PARTITIONS,
    FAILED_CHECKS,
    MOST_NAMES,
    recording_executor,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

DAILY = dg.DailyPartitionsDefinition(start_date="2016-07-01", timezone="Europe/London", end_offset=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Instance without storage on disk."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


Run = Callable[[dg.Definitions, str, str], runs.RunOutcome]
Make = Callable[..., dg.Definitions]


@pytest.fixture
def definitions(warehouse: Warehouse) -> Make:
    """A function that returns a daily asset with checks, recorded in the test's database."""
    return partial(_definitions, executor=recording_executor(lambda: warehouse))


def _definitions(
    passed: dict[str, bool],
    severity: dict[str, dg.AssetCheckSeverity] | None = None,
    *,
    failed_days: Sequence[str] = (),
    of_run: bool = True,
    executor: dg.ExecutorDefinition,
) -> dg.Definitions:
    """Return a daily asset with a check of each name, which passes or fails.

    The checks are about the partitions of the run, or the whole table; a failure is that of the failed days.
    """

    @dg.asset(
        key=["raw", "quotes"],
        group_name="prices_collection",
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(name, asset=["raw", "quotes"], metadata=OF_RUN if of_run else None) for name in passed
        ],
    )
    def quotes() -> dg.MaterializeResult:
        results = [
            dg.AssetCheckResult(
                check_name=name,
                passed=ok,
                severity=(severity or {}).get(name, dg.AssetCheckSeverity.WARN),
                metadata={FAILED_PARTITIONS: list(failed_days)} if failed_days and not ok else {},
            )
            for name, ok in passed.items()
        ]
        return dg.MaterializeResult(check_results=results)

    return dg.Definitions([quotes], executor=executor)


@pytest.fixture
def run(instance: dg.DagsterInstance, tmp_path: Path) -> Run:
    """Function that runs an asset with checks over days and returns the outcome."""

    def run(checked: dg.Definitions, first: str, last: str) -> runs.RunOutcome:
        return runs.materialise(
            checked,
            runs.select(checked, "raw/quotes"),
            instance=instance,
            days=(first, last),
            log=tmp_path / "log",
        )

    return run


def failed(settings: Settings) -> list[tuple]:
    """Return check, first, last and number of partitions of the failures that the status shows."""
    rows = read_status(settings).failed_partitions.rows(named=True)
    return [(row["check_name"], row["first_partition"], row["last_partition"], row["partitions"]) for row in rows]


def test_a_run_with_failed_checks_is_tagged_by_severity(
    instance: dg.DagsterInstance, definitions: Make, run: Run
) -> None:
    severity = {"positive": dg.AssetCheckSeverity.ERROR}
    outcome = run(definitions({"positive": False, "fresh": False, "whole": True}, severity), "2016-07-21", "2016-07-22")
    tags = instance.get_run_by_id(outcome.run_ids[0]).tags
    assert {name: tags[name] for name in tags if name.startswith(FAILED_CHECKS)} == {
        FAILED_CHECKS: "2",
        f"{FAILED_CHECKS}_error": "raw/quotes positive",
        f"{FAILED_CHECKS}_warn": "raw/quotes fresh",
    }
    outcome = run(definitions({"positive": True}), "2016-07-21", "2016-07-22")
    assert not [name for name in instance.get_run_by_id(outcome.run_ids[0]).tags if name.startswith(FAILED_CHECKS)]


def test_a_tag_of_many_failed_checks_is_short(instance: dg.DagsterInstance, definitions: Make, run: Run) -> None:
    outcome = run(definitions({f"check_{number:02}": False for number in range(20)}), "2016-07-21", "2016-07-21")
    tags = instance.get_run_by_id(outcome.run_ids[0]).tags
    assert tags[FAILED_CHECKS] == "20"
    names = tags[f"{FAILED_CHECKS}_warn"]
    assert names.count("raw/quotes") == MOST_NAMES and names.endswith("check_09 and 10 more")


def test_a_check_of_the_run_fails_for_each_of_its_days_until_it_is_evaluated_for_them_again(
    definitions: Make, run: Run, settings: Settings, warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = definitions({"positive": False, "whole": True}), definitions({"positive": True, "whole": True})
    run(bad, "2016-07-21", "2016-07-22")
    run(bad, "2016-07-25", "2016-07-25")
    assert failed(settings) == [("positive", "2016-07-21", "2016-07-25", 3)]
    run(good, "2016-07-22", "2016-07-25")  # not the 21st
    assert failed(settings) == [("positive", "2016-07-21", "2016-07-21", 1)]
    rendering.status(read_status(settings), show_assets=False, as_json=False)
    printed = capsys.readouterr().out
    assert "Partitions for which checks failed" in printed and "2016-07-21" in printed
    run(good, "2016-07-21", "2016-07-21")
    assert failed(settings) == []
    evaluated = warehouse.rows(
        "select check_name, passed, severity, count(*)::int from ops.check_evaluations group by 1, 2, 3 order by 1, 2"
    )
    assert evaluated == [("positive", False, "WARN", 2), ("positive", True, "WARN", 2), ("whole", True, "WARN", 4)]


def test_a_check_that_names_the_failed_days_fails_for_these_alone(
    definitions: Make, run: Run, warehouse: Warehouse
) -> None:
    def days() -> dict[str | None, bool | None]:
        return dict(warehouse.rows("select partition, passed from ops.check_partitions order by partition nulls last"))

    run(definitions({"positive": False}, failed_days=["2016-07-22"]), "2016-07-21", "2016-07-23")
    assert days() == {"2016-07-21": True, "2016-07-22": False, "2016-07-23": True}
    run(definitions({"positive": True}), "2016-07-22", "2016-07-22")
    assert set(days().values()) == {True}


def test_a_check_of_the_run_fails_for_other_days_of_its_files_too(
    definitions: Make, run: Run, settings: Settings
) -> None:
    run(definitions({"positive": False}, failed_days=["2016-08-01"]), "2016-07-21", "2016-07-23")
    assert failed(settings) == [("positive", "2016-08-01", "2016-08-01", 1)]
    run(definitions({"positive": True}), "2016-08-01", "2016-08-01")
    assert failed(settings) == []


def test_a_check_of_the_whole_table_replaces_all_earlier_evaluations(
    definitions: Make, run: Run, warehouse: Warehouse
) -> None:
    def days() -> dict[str | None, bool | None]:
        return dict(warehouse.rows("select partition, passed from ops.check_partitions order by partition nulls last"))

    whole = partial(definitions, of_run=False)
    run(whole({"positive": False}, failed_days=["2016-06-01", "2016-07-22"]), "2016-07-22", "2016-07-22")
    assert days() == {"2016-06-01": False, "2016-07-22": False, None: True}
    run(whole({"positive": False}, failed_days=["2016-06-01"]), "2016-07-24", "2016-07-24")
    assert days() == {"2016-06-01": False, "2016-07-22": True, None: True}
    run(whole({"positive": False}), "2016-07-24", "2016-07-24")  # where is not known
    assert days() == {"2016-06-01": None, "2016-07-22": None, None: False}
    run(whole({"positive": True}), "2016-07-24", "2016-07-24")
    assert set(days().values()) == {True}


def test_the_web_interface_lists_the_failures(instance: dg.DagsterInstance, definitions: Make, run: Run) -> None:
    run(definitions({"positive": False, "whole": True}), "2016-07-21", "2016-07-22")
    event = instance.get_latest_materialization_event(CHECK_PARTITIONS.key)
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert metadata["failed_checks"].value == 1
    (row,) = metadata["failures"].value.records
    assert (row.data["check_name"], row.data["first_partition"], row.data["partitions"]) == (
        "positive",
        "2016-07-21",
        2,
    )


def test_a_run_that_no_command_started_is_recorded(
    instance: dg.DagsterInstance, definitions: Make, warehouse: Warehouse
) -> None:
    """As the web interface, a schedule or a sensor would run it."""
    job = definitions({"positive": False}).resolve_implicit_global_asset_job_def()
    tags = {"dagster/partition": "2016-07-21"}
    run = instance.create_run_for_job(job, tags=tags)
    execute_run(InMemoryJob(job), run, instance)
    assert warehouse.rows("select run_id, asset, partition, passed from ops.check_partitions") == [
        (run.run_id, "raw/quotes", "2016-07-21", False)
    ]
    assert instance.get_run_by_id(run.run_id).tags[FAILED_CHECKS] == "1"


def test_checks_before_a_failed_step_are_recorded(
    instance: dg.DagsterInstance, warehouse: Warehouse, tmp_path: Path
) -> None:
    @dg.asset(key=["raw", "first"], check_specs=[dg.AssetCheckSpec("positive", asset=["raw", "first"])])
    def first() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="positive", passed=False)])

    @dg.asset(key=["raw", "second"], deps=[first])
    def second() -> None:
        raise ValueError("no second")

    broken = dg.Definitions([first, second], executor=recording_executor(lambda: warehouse))
    keys = runs.select(broken, "*")
    outcome = runs.materialise(broken, keys, instance=instance, days=None, log=tmp_path / "log")
    assert (outcome.completed, outcome.failures) == (False, ["raw__second: ValueError: no second"])
    assert warehouse.rows("select check_name, partition, passed, severity from ops.check_partitions") == [
        ("positive", None, False, "ERROR")
    ]


def test_a_failed_check_of_severity_error_is_no_success_even_where_it_does_not_block(
    definitions: Make, run: Run
) -> None:
    severity = {"positive": dg.AssetCheckSeverity.ERROR}
    outcome = run(definitions({"positive": False}, severity), "2016-07-21", "2016-07-21")
    assert (outcome.completed, outcome.success, outcome.reason) == (True, False, "checks failed: raw/quotes positive")
    outcome = run(definitions({"positive": False}), "2016-07-21", "2016-07-21")
    assert (outcome.completed, outcome.success, len(outcome.failed_checks)) == (True, True, 1)
