"""Runs in this process: assets and days materialised in the runs that `run_plan` makes of them, and their outcome."""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TextIO

import dagster as dg
import psutil
from dagster._core.definitions.job_base import InMemoryJob  # no public way to execute a run that was created before
from dagster._core.definitions.repository_definition.valid_definitions import SINGLETON_REPOSITORY_NAME
from dagster._core.events import DagsterEvent
from dagster._core.execution.api import create_execution_plan, execute_run_iterator
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.utils import make_new_run_id

from ons_bigdata.platform import progress
from ons_bigdata.platform.calendar import parse_day
from ons_bigdata.platform.dagster.partitions import RANGE_END, RANGE_START
from ons_bigdata.platform.dagster.runs.check_records import CheckOutcome, evaluated_checks
from ons_bigdata.platform.dagster.runs.jobs import job_of
from ons_bigdata.platform.dagster.runs.plan import PlannedRun, plan_runs
from ons_bigdata.platform.dagster.runs.selection import select, takes_one_partition
from ons_bigdata.platform.dagster.runs.step_titles import step_titles
from ons_bigdata.platform.dagster.serving.processes import DEFINITIONS
from ons_bigdata.platform.errors import InputError, StepFailedError, UnavailableError

__all__ = [
    "CheckOutcome",
    "RunOutcome",
    "end_dead_runs",
    "load_definitions",
    "materialise",
    "select",
    "with_recorded_checks",
]

PROCESS = ".dagster/ons_bigdata_process"
"""Tag of a run: its id and the process that executes it. Tags with this prefix are hidden in the UI."""

NO_RETRIES = {"dagster/max_retries": "0"}
"""Tag of a run that the daemon does not repeat after a crash: its failure is reported to the caller, who decides."""

ERROR = dg.AssetCheckSeverity.ERROR.value

MOST_LINES = 6
"""Lines of an error message that are shown."""

_QUALIFIED = re.compile(r"^(ons_bigdata|dagster)\.[\w.]+: ")
"""Module path before the message of an error that is complete without it."""

RUN = "run"
"""Name of a run in reports of progress."""

LOADING = "loading definitions"
"""Name of the work before a run in reports of progress: reading the assets, checks and the dbt project."""

_PLAN_LOGGER = "dagster._core.execution.plan.active"

_RUN_CONFIG: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunOutcome:
    """Outcome of a run, or of several that belong together."""

    run_ids: list[str]
    completed: bool
    """True if all steps were done and no blocking check failed."""
    assets: list[str]
    checks: list[CheckOutcome]
    failures: list[str] = field(default_factory=list)
    unavailable: bool = False
    """True if a step failed because a server or a lock was not available."""
    interrupted: bool = False
    """True if a signal ended the run."""

    @property
    def success(self) -> bool:
        """True if the run completed and no check failed with an error; one that warns is a fault of the data."""
        return self.completed and not any(check.severity == ERROR for check in self.failed_checks)

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        """Checks that did not pass: faults of the data, or, where blocking, the reason of a failure."""
        return [check for check in self.checks if not check.passed]

    @property
    def names_of_failed_checks(self) -> list[str]:
        """Checks that did not pass, `schema/table check`."""
        return [f"{check.asset} {check.check}" for check in self.failed_checks]

    @property
    def reason(self) -> str:
        """Why the run failed, in one line."""
        failed = [f"{check.asset} {check.check}" for check in self.failed_checks if check.severity == ERROR]
        return "; ".join(self.failures) or f"checks failed: {', '.join(failed) or 'none'}"

    def raise_failure(self) -> None:
        """Raise StepFailedError, or UnavailableError where that was the reason, if the run failed."""
        if not self.success:
            raise UnavailableError(self.reason) if self.unavailable else StepFailedError(self.reason)


def combined(outcomes: Sequence[RunOutcome]) -> RunOutcome:
    """Combined outcome of several runs; of a check that ran more than once, the last evaluation."""
    checks = {(check.asset, check.check): check for outcome in outcomes for check in outcome.checks}
    return RunOutcome(
        run_ids=[run_id for outcome in outcomes for run_id in outcome.run_ids],
        completed=all(outcome.completed for outcome in outcomes),
        assets=sorted({asset for outcome in outcomes for asset in outcome.assets}),
        checks=list(checks.values()),
        failures=[failure for outcome in outcomes for failure in outcome.failures],
        unavailable=any(outcome.unavailable for outcome in outcomes),
        interrupted=any(outcome.interrupted for outcome in outcomes),
    )


def with_recorded_checks(outcome: RunOutcome, instance: dg.DagsterInstance) -> RunOutcome:
    """Outcome with the checks that its runs have recorded, for an outcome of another process."""
    parts = [replace(outcome, checks=evaluated_checks(instance, run_id)) for run_id in outcome.run_ids]
    return replace(outcome, checks=combined(parts).checks)


@cache
def load_definitions(*, raw_only: bool = False, pilots: tuple[str, ...] = ()) -> dg.Definitions:
    """Definitions of the project, or of some pilots; those of the raw assets alone load in half the time.

    They live as long as the process, as do the modules, and are left out when it looks for garbage from now on.
    """
    progress.report(LOADING, 0, 1)
    module = importlib.import_module(DEFINITIONS)
    chosen = [pilot for pilot in module.PILOTS if not pilots or pilot.name in pilots]
    definitions = module.raw_definitions_of(chosen) if raw_only else module.definitions_of(chosen)
    gc.freeze()
    progress.report(LOADING, 1, 1)
    return definitions


def materialise(
    definitions: dg.Definitions,
    keys: Sequence[dg.AssetKey],
    *,
    instance: dg.DagsterInstance,
    days: tuple[str, str] | None,
    log: Path,
    partition: str | None = None,
    run_tags: Mapping[str, str] | None = None,
) -> RunOutcome:
    """Materialise assets over a range of days (first and last, YYYY-MM-DD): one run for each calendar, in order.

    Months and quarters are built where any of their days is in the range. A run that fails ends the sequence.
    `partition` is for assets of which a run has exactly one partition; it needs no days. `run_tags` are added to each
    run's tags. The output of the steps goes to the file `log`.

    Raises InputError where a partitioned asset is selected without days, or a day is outside its calendar.
    """
    graph = definitions.resolve_asset_graph()
    one_partition = [key for key in keys if takes_one_partition(graph, key)]
    if partition is not None:
        definition = graph.get(keys[0]).partitions_def
        if definition is None:
            raise InputError(f"{keys[0].to_user_string()} has no partitions; found partition {partition!r}")
        planned = [(PlannedRun(list(keys)), dict(definition.get_tags_for_partition_key(partition)))]
    elif one_partition:
        names = ", ".join(key.to_user_string() for key in one_partition)
        raise InputError(f"{names}: a run takes one partition, which the command of the source gives it")
    else:
        span = None if days is None else (parse_day(days[0], what="--from"), parse_day(days[1], what="--to"))
        planned = [(run, _range_tags(run)) for run in plan_runs(graph, keys, span)]
    end_dead_runs(instance)
    outcomes: list[RunOutcome] = []
    for run, tags in planned:
        outcome = _execute(definitions, run.keys, instance=instance, tags={**tags, **(run_tags or {})}, log=log)
        outcomes.append(outcome)
        if not outcome.completed:
            break
    skipped = [f"not started: {run.title}" for run, _ in planned[len(outcomes) :]]
    outcome = combined(outcomes)
    return replace(outcome, failures=[*(outcome.failures or [outcome.reason]), *skipped]) if skipped else outcome


def _range_tags(run: PlannedRun) -> dict[str, str]:
    return {} if run.key_range is None else {RANGE_START: run.key_range[0], RANGE_END: run.key_range[1]}


def _execute(
    definitions: dg.Definitions,
    keys: Sequence[dg.AssetKey],
    *,
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    log: Path,
) -> RunOutcome:
    """Create a run as the UI would, with the origin of its job, and execute it in this process."""
    job = job_of(definitions, keys)
    subset = job.get_subset(asset_selection=frozenset(keys))
    plan = create_execution_plan(InMemoryJob(subset), run_config=_RUN_CONFIG)
    run_id = make_new_run_id()
    run = instance.create_run_for_job(
        job_def=subset,
        execution_plan=plan,
        run_id=run_id,
        run_config=_RUN_CONFIG,
        tags={**job.run_tags, **tags, **NO_RETRIES, PROCESS: f"{run_id} {_this_process()}"},
        asset_selection=frozenset(keys),
        remote_job_origin=_origin(job.name),
    )
    # Output of steps (such as dbt) goes to a log: standard output is reserved for the command.
    with log.open("a", encoding="utf-8") as printed, contextlib.redirect_stdout(printed), _warnings_to(printed):
        events = list(
            _reported(execute_run_iterator(InMemoryJob(job), run, instance), run, instance, plan, definitions)
        )
    finished = instance.get_run_by_id(run_id)
    failed = [event for event in events if event.is_step_failure]
    return RunOutcome(
        run_ids=[run_id],
        completed=finished is not None and finished.is_success,
        assets=sorted(
            {
                event.asset_key.to_user_string()
                for event in events
                if event.is_step_materialization and event.asset_key is not None
            }
        ),
        checks=evaluated_checks(instance, run_id),
        failures=[_failure(event) for event in failed],
        unavailable=any(_is_unavailable(event) for event in failed),
        interrupted=any(_is_interrupted(event) for event in failed),
    )


@contextlib.contextmanager
def _warnings_to(stream: TextIO) -> Iterator[None]:
    """Write Dagster's warnings on checks without a result to a stream.

    A run of some tables leaves out the dbt tests that compare them with tables of another run: they are no news.
    """
    logger, handler = logging.getLogger(_PLAN_LOGGER), logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = True
        logger.removeHandler(handler)


def _origin(job_name: str) -> RemoteJobOrigin:
    """Where the UI finds the job: without it a run is on no timeline and cannot be run again."""
    location = RegisteredCodeLocationOrigin(location_name=DEFINITIONS)
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME).get_job_origin(job_name)


def _reported(
    events: Iterator[DagsterEvent],
    run: dg.DagsterRun,
    instance: dg.DagsterInstance,
    plan: ExecutionPlan,
    definitions: dg.Definitions,
) -> Iterator[DagsterEvent]:
    """Events of a run, while its steps are reported as progress and an interrupted run as canceled."""
    titles = step_titles(plan, definitions.resolve_asset_graph())
    waiting = list(titles)
    done = 0
    progress.report(RUN, 0, len(titles), upcoming=titles[waiting[0]] if waiting else None)
    for event in events:
        if event.is_step_start and event.step_key in waiting:
            waiting.remove(event.step_key)
            upcoming = titles[waiting[0]] if waiting else None
            progress.report(RUN, done, len(titles), current=titles[event.step_key], upcoming=upcoming)
        elif event.is_step_success or event.is_step_failure or event.is_step_skipped:
            done += 1
            progress.report(RUN, done, len(titles))
        if event.is_step_failure and _is_interrupted(event):
            instance.report_run_canceling(run, "Interrupted by a signal.")
        yield event


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process was killed as failed, so that nothing waits for them; return their ids.

    Only runs of `materialise` are examined: each carries its process and when that began. A run that was started
    again from the UI has the tag of its first run, which does not count.
    """
    ended = []
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(started):
        run_id, _, process = run.tags.get(PROCESS, "").partition(" ")
        if run_id == run.run_id and not _is_alive(process):
            instance.report_run_failed(run, f"Its process ({process}) was killed.")
            ended.append(run.run_id)
    return ended


def _this_process() -> str:
    """Machine, number and start of this process."""
    return f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f}"


def _is_alive(process: str) -> bool:
    """True if a process runs. A process of another machine is assumed to run."""
    machine, number, began = process.rsplit(" ", 2)
    if machine != platform.node():
        return True
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == began
    except psutil.NoSuchProcess:
        return False


def _failure(event: DagsterEvent) -> str:
    """One line: the step and the message of our error, without Dagster's wrapping and the error's cause."""
    if _is_interrupted(event):
        return f"{event.step_key}: interrupted"
    error = event.step_failure_data.error
    while error is not None and error.cls_name is not None and error.cls_name.startswith("DagsterExecution"):
        error = error.cause
    if error is None:
        return f"{event.step_key}: no reason given"
    lines = [line for line in error.message.strip().splitlines() if line.strip()]
    words = " ".join(line.strip() for line in lines[:MOST_LINES]) if lines else str(error.cls_name)
    return f"{event.step_key}: {_QUALIFIED.sub('', words)}"


def _is_interrupted(event: DagsterEvent) -> bool:
    error = event.step_failure_data.error
    return error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__


def _is_unavailable(event: DagsterEvent) -> bool:
    error = event.step_failure_data.error
    while error is not None and error.cls_name != UnavailableError.__name__:
        error = error.cause
    return error is not None
