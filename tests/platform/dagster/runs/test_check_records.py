"""Failed checks of a run: its tags, the table of evaluations by partition, and the status that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata import rendering
from ons_bigdata.commands.status import read_status
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.runs.check_records import FAILED_CHECKS, MOST_NAMES
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.settings import Settings

DAILY = dg.DailyPartitionsDefinition(start_date="2016-07-01", timezone="Europe/London", end_offset=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Instance without storage on disk."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def definitions(passed: dict[str, bool], severity: dict[str, dg.AssetCheckSeverity] | None = None) -> dg.Definitions:
    """Return a daily asset with a check of each name, which passes or fails."""

    @dg.asset(
        key=["raw", "quotes"],
        group_name="prices_collection",
        partitions_def=DAILY,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec(name, asset=["raw", "quotes"]) for name in passed],
    )
    def quotes() -> dg.MaterializeResult:
        results = [
            dg.AssetCheckResult(
                check_name=name,
                passed=ok,
                severity=(severity or {}).get(name, dg.AssetCheckSeverity.WARN),
            )
            for name, ok in passed.items()
        ]
        return dg.MaterializeResult(check_results=results)

    return dg.Definitions([quotes], executor=dg.in_process_executor)


@pytest.fixture
def run(instance: dg.DagsterInstance, warehouse: Warehouse, tmp_path: Path):
    """Function that runs an asset with checks over days and returns the outcome."""

    def run(checked: dg.Definitions, first: str, last: str) -> runs.RunOutcome:
        return runs.materialise(
            checked,
            runs.select(checked, "raw/quotes"),
            instance=instance,
            days=(first, last),
            log=tmp_path / "log",
            warehouse=warehouse,
        )

    return run


def failed(settings: Settings) -> list[tuple]:
    """Return check, first and last partition of the failures that the status shows."""
    rows = read_status(settings).failed_partitions.rows(named=True)
    return [(row["check_name"], row["first_partition"], row["last_partition"]) for row in rows]


def test_a_run_with_failed_checks_is_tagged_by_severity(instance: dg.DagsterInstance, run) -> None:
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


def test_a_tag_of_many_failed_checks_is_short(instance: dg.DagsterInstance, run) -> None:
    outcome = run(definitions({f"check_{number:02}": False for number in range(20)}), "2016-07-21", "2016-07-21")
    tags = instance.get_run_by_id(outcome.run_ids[0]).tags
    assert tags[FAILED_CHECKS] == "20"
    names = tags[f"{FAILED_CHECKS}_warn"]
    assert names.count("raw/quotes") == MOST_NAMES and names.endswith("check_09 and 10 more")


def test_a_failure_stays_until_the_check_is_evaluated_for_its_partitions_again(
    run,
    settings: Settings,
    warehouse: Warehouse,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad, good = definitions({"positive": False, "whole": True}), definitions({"positive": True, "whole": True})
    run(bad, "2016-07-21", "2016-07-22")
    run(bad, "2016-07-25", "2016-07-25")
    assert failed(settings) == [("positive", "2016-07-21", "2016-07-22"), ("positive", "2016-07-25", "2016-07-25")]
    run(good, "2016-07-22", "2016-07-25")  # not the 21st
    assert failed(settings) == [("positive", "2016-07-21", "2016-07-22")]
    rendering.status(read_status(settings), show_assets=False, as_json=False)
    printed = capsys.readouterr().out
    assert "Failed checks by partitions" in printed and "2016-07-21" in printed
    run(good, "2016-07-01", "2016-07-31")
    assert failed(settings) == []
    evaluated = warehouse.rows(
        "select check_name, passed, severity, count(*)::int from ops.check_evaluations group by 1, 2, 3 order by 1, 2"
    )
    assert evaluated == [("positive", False, "WARN", 2), ("positive", True, "WARN", 2), ("whole", True, "WARN", 4)]
