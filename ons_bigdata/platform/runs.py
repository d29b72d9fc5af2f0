"""Materialising assets in this process: one run for a selection and a range of days, and what came of it."""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from ons_bigdata.platform.errors import InputError

DEFINITIONS = "ons_bigdata.definitions"
"""Module that Dagster loads; found by name, as workspace.yaml does it."""

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

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

    @property
    def reason(self) -> str:
        """Why the run failed, in one line."""
        blocking = [check.check for check in self.failed_checks if check.blocking]
        return "; ".join(self.failures) or f"blocking checks failed: {', '.join(blocking)}"

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        """Checks that did not pass: faults found in the data, or, where blocking, the reason of a failure."""
        return [check for check in self.checks if not check.passed]


@cache
def load_definitions() -> dg.Definitions:
    """Return the project's definitions."""
    loaded = importlib.import_module(DEFINITIONS).defs
    return loaded() if callable(loaded) else loaded


def select(definitions: dg.Definitions, selection: str) -> list[dg.AssetKey]:
    """Return the materialisable assets of a selection: `schema/table`, with `+` for neighbours, comma-separated.

    Also takes Dagster's own selection syntax (`group:prices`, `kind:dbt`, `*`). Raises InputError that lists
    the known assets.
    """
    graph = definitions.resolve_asset_graph()
    known = sorted(key.to_user_string() for key in graph.materializable_asset_keys)
    chosen: set[dg.AssetKey] = set()
    for term in selection.split(","):
        try:
            chosen |= _selected(term.strip(), known).resolve(graph)
        except (dg.DagsterInvalidSubsetError, dg.DagsterInvalidDefinitionError, ValueError) as error:
            raise InputError(f"selection {term.strip()!r}: {error}") from error
    materialisable = sorted(chosen & graph.materializable_asset_keys, key=lambda key: key.to_user_string())
    if not materialisable:
        raise InputError(f"selection {selection!r} names no asset; known: {', '.join(known)}")
    return materialisable


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
) -> RunOutcome:
    """Materialise the assets in one run; `days` is the first and last day of the partitioned ones.

    What the steps print goes to the file `log`.

    Raises InputError where a partitioned asset is selected and no days are given.
    """
    graph = definitions.resolve_asset_graph()
    partitioned = [key.to_user_string() for key in keys if graph.get(key).is_partitioned]
    if partitioned and days is None:
        raise InputError(f"{', '.join(partitioned)}: partitioned by day; say which with --from and --to")
    tags = {RANGE_START: days[0], RANGE_END: days[1]} if partitioned and days is not None else {}
    job = definitions.resolve_implicit_global_asset_job_def()
    # What steps print (dbt does) goes to a log: standard output is the command's own.
    with log.open("a", encoding="utf-8") as printed, contextlib.redirect_stdout(printed):
        result = job.execute_in_process(
            instance=instance,
            asset_selection=list(keys),
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
    )


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
    while error is not None and error.cls_name is not None and error.cls_name.startswith("DagsterExecution"):
        error = error.cause
    if error is None:
        return f"{event.step_key}: no reason given"
    lines = [line for line in error.message.strip().splitlines() if line.strip()]
    return f"{event.step_key}: {_QUALIFIED.sub('', lines[0]) if lines else error.cls_name}"
