"""Runs in this process: their records for the UI, interrupts, progress."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ons_bigdata.platform import progress
from ons_bigdata.platform.dagster import runs
from ons_bigdata.platform.dagster.serving.processes import DEFINITIONS
from ons_bigdata.platform.errors import UnavailableError


@dg.asset(key=["raw", "quotes"], group_name="prices_collection")
def quotes() -> None:
    """Build nothing."""


@dg.asset(key=["marts", "indices"], deps=[quotes], group_name="prices_indices")
def indices() -> None:
    """Build nothing."""


@dg.asset_check(asset=indices, name="positive")
def positive() -> dg.AssetCheckResult:
    """Warn."""
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


DEFINITIONS_OF_TEST = dg.Definitions([quotes, indices], asset_checks=[positive], executor=dg.in_process_executor)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Instance without storage on disk."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def _materialise(definitions: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path) -> runs.RunOutcome:
    keys = runs.select(definitions, "*")
    return runs.materialise(definitions, keys, instance=instance, days=None, log=tmp_path / "log")


def test_a_run_has_the_origin_of_its_job_and_a_hidden_tag_of_its_process(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    outcome = _materialise(DEFINITIONS_OF_TEST, instance, tmp_path)
    assert outcome.success
    (run,) = instance.get_runs()
    assert run.run_id == outcome.run_ids[0]
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == DEFINITIONS
    assert run.remote_job_origin.repository_origin.repository_name == "__repository__"
    assert run.remote_job_origin.job_name == run.job_name
    assert runs.PROCESS.startswith(".dagster/")
    assert run.tags[runs.PROCESS].startswith(f"{run.run_id} ")
    visible = {tag: value for tag, value in run.tags.items() if not tag.startswith((".dagster/", "dagster/"))}
    assert visible == {}
    assert run.asset_selection == {dg.AssetKey(["raw", "quotes"]), dg.AssetKey(["marts", "indices"])}


def test_steps_are_reported_by_area_and_table_with_what_comes_next(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    reports: list[progress.Progress] = []
    with progress.listening(reports.append):
        outcome = _materialise(DEFINITIONS_OF_TEST, instance, tmp_path)
    first, second, third = (
        "prices: collection, raw/quotes",
        "prices: indices, marts/indices",
        "prices: indices, check positive",
    )
    assert [(one.done, one.total, one.current, one.upcoming) for one in reports if one.current] == [
        (0, 3, first, second),
        (1, 3, second, third),
        (2, 3, third, None),
    ]
    assert reports[-1].done == reports[-1].total == 3
    assert [check.check for check in outcome.failed_checks] == ["positive"]


def test_an_interrupted_run_is_canceled(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    @dg.asset(key=["raw", "slow"])
    def slow() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)

    outcome = _materialise(dg.Definitions([slow], executor=dg.in_process_executor), instance, tmp_path)
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.CANCELED
    assert (outcome.success, outcome.interrupted, outcome.reason) == (False, True, "raw__slow: interrupted")


def test_a_lost_server_is_unavailable(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    @dg.asset(key=["raw", "lost"])
    def lost() -> None:
        raise UnavailableError("the server is gone")

    outcome = _materialise(dg.Definitions([lost], executor=dg.in_process_executor), instance, tmp_path)
    with pytest.raises(UnavailableError, match="raw__lost: the server is gone"):
        outcome.raise_failure()
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_only_a_run_whose_process_is_dead_is_ended(instance: dg.DagsterInstance) -> None:
    """A run that the UI started again carries the tag of the first run, whose process is long gone."""
    job = DEFINITIONS_OF_TEST.resolve_implicit_global_asset_job_def()
    dead = f"{os.uname().nodename} 999999999 1.00"
    started = dg.DagsterRunStatus.STARTED
    killed, again = (instance.create_run_for_job(job, status=started) for _ in range(2))
    for run in (killed, again):
        instance.add_run_tags(run.run_id, {runs.PROCESS: f"{killed.run_id} {dead}"})
    assert runs.end_dead_runs(instance) == [killed.run_id]
    assert {run.run_id: run.status.value for run in instance.get_runs()} == {
        killed.run_id: "FAILURE",
        again.run_id: "STARTED",
    }
