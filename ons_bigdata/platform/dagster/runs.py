"""Materialising assets in this process: one run for a selection and a range of days, and what came of it."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from ons_bigdata.platform.dagster.processes import DEFINITIONS
from ons_bigdata.platform.errors import InputError, StepFailedError, UnavailableError

PROCESS = "ons_bigdata/process"
"""Tag of a run: the process that runs it."""

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

MOST_LINES = 6
"""Lines of a message that are told."""

_QUALIFIED = re.compile(r"^(ons_bigdata|dagster)\.[\w.]+: ")
"""Module path before the message of an error that says all itself."""

_TERM = re.compile(r"^(?P<up>\*|\+*)(?P<key>[a-z0-9_]+/[a-z0-9_]+)(?P<down>\*|\+*)$")


@dataclass(frozen=True)
class CheckOutcome:
    """One evaluated asset check."""

    asset: str
    check: str
    passed: bool
    blocking: bool
    severity: str
    metadata: dict[str, Any]


@dataclass(frozen=True)
class RunOutcome:
    """What came of one run."""

    run_id: str
    success: bool
    assets: list[str]
    checks: list[CheckOutcome]
    failures: list[str] = field(default_factory=list)
    unavailable: bool = False
    """Whether a step failed because a server or a lock was not to be had."""

    @property
    def reason(self) -> str:
        """Why the run failed, in one line."""
        blocking = [check.check for check in self.failed_checks if check.blocking]
        return "; ".join(self.failures) or f"blocking checks failed: {', '.join(blocking)}"

    def raise_failure(self) -> None:
        """Raise StepFailedError, or UnavailableError where that was the reason, if the run failed."""
        if not self.success:
            raise UnavailableError(self.reason) if self.unavailable else StepFailedError(self.reason)

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        """Checks that did not pass: faults found in the data, or, where blocking, the reason of a failure."""
        return [check for check in self.checks if not check.passed]


@cache
def load_definitions(*, raw_only: bool = False) -> dg.Definitions:
    """Return the project's definitions; those of the raw assets alone load in half the time."""
    module = importlib.import_module(DEFINITIONS)
    loaded = module.raw_defs if raw_only else module.defs
    return loaded() if callable(loaded) else loaded


def select(definitions: dg.Definitions, selection: str) -> list[dg.AssetKey]:
    """Return the materialisable assets of a selection: `schema/table`, with `+` for neighbours, comma-separated.

    Also takes Dagster's own selection syntax (`group:prices`, `kind:dbt`, `*`). Assets that take one partition a run
    (scrapes: a retailer and a day) are in it only where they are named and nothing else is. Raises InputError that
    lists the known assets.
    """
    graph = definitions.resolve_asset_graph()
    known = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    alone = {key for key in graph.materializable_asset_keys if _runs_alone(graph.get(key).partitions_def)}
    chosen: set[dg.AssetKey] = set()
    for term in selection.split(","):
        try:
            chosen |= _selected(term.strip(), known).resolve(graph)
        except (dg.DagsterInvalidSubsetError, dg.DagsterInvalidDefinitionError, ValueError) as error:
            raise InputError(f"selection {term.strip()!r}: {error}") from error
    chosen &= graph.materializable_asset_keys
    if not chosen <= alone:
        named = [key.to_user_string() for key in alone if key.to_user_string() in selection.split(",")]
        if named:
            raise InputError(f"{', '.join(named)}: takes one partition a run; expected in a selection of its own")
        chosen -= alone
    materialisable = sorted(chosen, key=lambda key: key.to_user_string())
    if not materialisable:
        raise InputError(f"selection {selection!r} names no asset; known: {', '.join(known)}")
    return materialisable


def _runs_alone(partitions: dg.PartitionsDefinition | None) -> bool:
    return isinstance(partitions, dg.MultiPartitionsDefinition)


def _selected(term: str, known: Sequence[str]) -> dg.AssetSelection:
    if term == "*":
        return dg.AssetSelection.all()
    match = _TERM.match(term)
    if match is None:
        return dg.AssetSelection.from_string(term)
    if match["key"] not in known:
        raise InputError(f"no asset {match['key']!r}; known: {', '.join(known)}")
    selection: dg.AssetSelection = dg.AssetSelection.assets(match["key"].split("/"))
    if match["up"]:
        selection = selection.upstream(None if match["up"] == "*" else len(match["up"]))
    if match["down"]:
        downstream = dg.AssetSelection.assets(match["key"].split("/"))
        selection |= downstream.downstream(None if match["down"] == "*" else len(match["down"]))
    return selection


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
    """Materialise the assets in one run; `days` is the first and last day of the partitioned ones.

    `partition` is the one partition (`<day>|<retailer>`) of assets that take one a run. `run_tags` are added to the
    run's own. What the steps print goes to
    the file `log`.

    Raises InputError where a partitioned asset is selected and no days, or no partition, are given.
    """
    graph = definitions.resolve_asset_graph()
    partitioned = [key.to_user_string() for key in keys if graph.get(key).is_partitioned]
    alone = [key.to_user_string() for key in keys if _runs_alone(graph.get(key).partitions_def)]
    if alone and partition is None:
        raise InputError(f"{', '.join(alone)}: a run takes one retailer and day; `ons-bigdata scrape` starts it")
    if partitioned and not alone and days is None:
        raise InputError(f"{', '.join(partitioned)}: partitioned by day; say which with --from and --to")
    tags = {RANGE_START: days[0], RANGE_END: days[1]} if partitioned and days is not None else {}
    tags |= _own_process() | dict(run_tags or {})
    job = definitions.resolve_implicit_global_asset_job_def()
    end_dead_runs(instance)
    # What steps print (dbt does) goes to a log: standard output is the command's own.
    with log.open("a", encoding="utf-8") as printed, contextlib.redirect_stdout(printed):
        result = job.execute_in_process(
            instance=instance,
            asset_selection=list(keys),
            partition_key=partition,
            tags=tags,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    return RunOutcome(
        run_id=result.run_id,
        success=result.success,
        assets=sorted(
            {
                event.asset_key.to_user_string()
                for event in result.all_events
                if event.is_step_materialization and event.asset_key is not None
            }
        ),
        checks=[_check(evaluation) for evaluation in result.get_asset_check_evaluations()],
        failures=[_failure(event) for event in result.all_events if event.is_step_failure],
        unavailable=any(_is_unavailable(event) for event in result.all_events if event.is_step_failure),
    )


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process was killed as failed, so that nothing waits for them; return their ids.

    Only runs of `materialise` are looked at: each carries its process and when that began.
    """
    ended = []
    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    for run in instance.get_runs(started):
        process = run.tags.get(PROCESS)
        if process is not None and not _is_alive(process):
            instance.report_run_failed(run, f"Its process ({process}) ended without a word.")
            ended.append(run.run_id)
    return ended


def _own_process() -> dict[str, str]:
    """Return the tag that names this process: machine, number, start."""
    return {PROCESS: f"{platform.node()} {os.getpid()} {psutil.Process().create_time():.2f}"}


def _is_alive(tag: str) -> bool:
    """Tell whether the process of a tag runs. One of another machine is taken to."""
    machine, number, began = tag.rsplit(" ", 2)
    if machine != platform.node():
        return True
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == began
    except psutil.NoSuchProcess:
        return False


def _check(evaluation: dg.AssetCheckEvaluation) -> CheckOutcome:
    return CheckOutcome(
        asset=evaluation.asset_key.to_user_string(),
        check=evaluation.check_name,
        passed=evaluation.passed,
        blocking=bool(evaluation.blocking),
        severity=evaluation.severity.value,
        metadata={name: value.value for name, value in evaluation.metadata.items()},
    )


def _failure(event: dg.DagsterEvent) -> str:
    """Return one line: the step and the reason that our code gave, without Dagster's wrapping and the cause beneath."""
    error = event.step_failure_data.error
    if error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
        return f"{event.step_key}: interrupted"
    while error is not None and error.cls_name is not None and error.cls_name.startswith("DagsterExecution"):
        error = error.cause
    if error is None:
        return f"{event.step_key}: no reason given"
    lines = [line for line in error.message.strip().splitlines() if line.strip()]
    words = " ".join(line.strip() for line in lines[:MOST_LINES]) if lines else str(error.cls_name)
    return f"{event.step_key}: {_QUALIFIED.sub('', words)}"


def _is_unavailable(event: dg.DagsterEvent) -> bool:
    error = event.step_failure_data.error
    while error is not None and error.cls_name != UnavailableError.__name__:
        error = error.cause
    return error is not None
