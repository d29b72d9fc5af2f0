"""Records of evaluated checks: tags of the run, rows of `ops.check_evaluations`, and a table in the web interface.

An executor writes them at the end of each run, whoever started it: a command, the web interface, a schedule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from ons_bigdata.platform.dagster.checks import CHECKED_PARTITIONS, FAILED_PARTITIONS, OF_RUN
from ons_bigdata.platform.dagster.partitions import partitions_of_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan

    from ons_bigdata.platform.postgres.warehouse import Warehouse

FAILED_CHECKS = "ons_bigdata/failed_checks"
"""Tag of a run in which checks failed: their number. With `_error` and `_warn`: their names by severity."""

MOST_NAMES = 10
"""Names that a tag lists."""

MOST_ROWS = 200
"""Rows of the table of failures in the web interface; `ops.check_partitions` has all."""

_COLUMNS = {
    "asset": "checked asset, `schema/table`",
    "check_name": "check",
    "partition": "partition, such as a day; null for the table as a whole",
    "passed": "whether it passed; null where a failed check does not say for which partitions",
    "severity": "`WARN` for a fault of the data, `ERROR` for one of the computation",
    "evaluated_at": "time of the latest evaluation about the partition",
    "run_id": "run of that evaluation",
}

CHECK_PARTITIONS = dg.AssetSpec(
    ["ops", "check_partitions"],
    group_name="platform",
    owners=["team:platform"],
    kinds={"postgres", "view"},
    description="One row per check and partition, and one per check of a whole table: the latest evaluation about it."
    " After each run with checks an event lists the failures.",
    metadata={
        "dagster/column_schema": dg.TableSchema(
            [dg.TableColumn(name, description=description) for name, description in _COLUMNS.items()]
        )
    },
)
"""Asset of the view of checks by partition; its latest event lists the failures."""

FAILURES = """
    with checks as (
        select asset, check_name from ops.check_evaluations group by asset, check_name
    ),
    whole as (
        select asset, check_name, latest.*
        from checks
        cross join lateral (
            select passed, severity, evaluated_at, failed_partitions
            from ops.check_evaluations as evaluations
            where evaluations.asset = checks.asset and evaluations.check_name = checks.check_name
                and evaluations.partitions is null
            order by evaluated_at desc
            limit 1
        ) as latest
    ),
    of_partitions as (
        select distinct on (asset, check_name, key)
            asset, check_name, key, passed, severity, evaluated_at, failed_partitions
        from ops.check_evaluations
        cross join lateral unnest(partitions) as keys (key)
        where partitions is not null
        order by asset, check_name, key, evaluated_at desc
    ),
    failed as (
        select asset, check_name, severity, key as partition, evaluated_at
        from of_partitions as own
        where not passed and (failed_partitions is null or key = any(failed_partitions))
            and not exists (
                select from whole
                where whole.asset = own.asset and whole.check_name = own.check_name
                    and whole.evaluated_at > own.evaluated_at
            )
        union all
        select asset, check_name, severity, keys.key, evaluated_at
        from whole
        cross join lateral unnest(coalesce(nullif(failed_partitions, '{}'), array[null])) as keys (key)
        where not passed
            and not exists (
                select from of_partitions as own
                where own.asset = whole.asset and own.check_name = whole.check_name and own.key = keys.key
                    and own.evaluated_at > whole.evaluated_at
            )
    )
    select asset, check_name, severity, min(partition) as first_partition, max(partition) as last_partition,
        count(partition)::int as partitions, max(evaluated_at) as evaluated_at
    from failed
    group by asset, check_name, severity
    order by severity, asset, check_name
"""
"""Failed checks with the first, the last and the number of partitions for which they failed; null: the whole table.

The rows of `ops.check_partitions` that did not pass. The view has those that passed, too: to find the latest evaluation
about each partition one by one takes three seconds after a thousand daily runs, and this is read at the end of each.
"""


@dataclass(frozen=True)
class CheckOutcome:
    """An evaluated asset check."""

    asset: str
    check: str
    passed: bool
    blocking: bool
    severity: str
    metadata: dict[str, Any]
    evaluated_at: float
    """Seconds since 1970-01-01 UTC."""


def evaluated_checks(instance: dg.DagsterInstance, run_id: str) -> list[CheckOutcome]:
    """Checks that a run has evaluated, in order."""
    return [
        _outcome(entry.get_dagster_event().asset_check_evaluation_data, entry.timestamp)
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    ]


def recording_executor(open_warehouse: Callable[[], Warehouse]) -> dg.ExecutorDefinition:
    """Executor of runs in one process that records the evaluated checks of a run once its steps are done.

    `open_warehouse` opens the database with the records.
    """
    in_process = dg.in_process_executor

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        if in_process.executor_creation_fn is None:
            raise TypeError(f"the executor {in_process.name} cannot be created")
        return _RecordingExecutor(in_process.executor_creation_fn(context), open_warehouse)

    return dg.ExecutorDefinition(
        name=in_process.name, config_schema=in_process.config_schema.as_field(), executor_creation_fn=create
    )


class _RecordingExecutor(dg.Executor):
    """Executor around another one."""

    def __init__(self, inner: dg.Executor, open_warehouse: Callable[[], Warehouse]) -> None:
        self.inner = inner
        self.open_warehouse = open_warehouse

    @property
    def retries(self) -> Any:  # noqa: ANN401  (of Dagster's internals)
        """Retries of the executor inside."""
        return self.inner.retries

    @property
    def step_dependency_config(self) -> Any:  # noqa: ANN401  (of Dagster's internals)
        """Dependencies of steps of the executor inside."""
        return self.inner.step_dependency_config

    def execute(self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan) -> Iterator[Any]:
        """Yield the events of the steps, then record the checks. An error of the steps precedes one of the records."""
        try:
            yield from self.inner.execute(plan_context, execution_plan)
        except BaseException as error:
            try:
                self._record(plan_context)
            except Exception as second:  # the server may be what was lost
                error.add_note(f"the checks of the run were not recorded: {second}")
            raise
        self._record(plan_context)

    def _record(self, plan_context: PlanOrchestrationContext) -> None:
        instance, run = plan_context.instance, plan_context.dagster_run
        checks = evaluated_checks(instance, run.run_id)
        if not checks:
            return
        tag_failed_checks(instance, run.run_id, checks)
        graph = plan_context.job.get_definition().asset_layer.asset_graph
        warehouse = self.open_warehouse()
        record_checks(warehouse, run, checks, graph)
        show_failures(instance, warehouse)


def tag_failed_checks(instance: dg.DagsterInstance, run_id: str, checks: Sequence[CheckOutcome]) -> None:
    """Tag a run with the number of its failed checks and their names by severity; without any, it has no such tag."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return
    tags = {FAILED_CHECKS: str(len(failed))}
    for severity in sorted({check.severity for check in failed}):
        names = sorted(f"{check.asset} {check.check}" for check in failed if check.severity == severity)
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        tags[f"{FAILED_CHECKS}_{severity.lower()}"] = ", ".join(names[:MOST_NAMES]) + more
    instance.add_run_tags(run_id, tags)


def record_checks(warehouse: Warehouse, run: dg.DagsterRun, checks: Sequence[CheckOutcome], graph: AssetGraph) -> None:
    """Write the evaluations of a run, each with the partitions that it is about."""
    with warehouse.transaction() as transaction:
        for check in checks:
            partitions = _checked_partitions(run, check, graph)
            failed = None if check.passed else check.metadata.get(FAILED_PARTITIONS) or None
            if partitions is not None:  # a file may have other partitions than those of the run
                partitions = sorted({*partitions, *(failed or ())})
            first, last = (min(partitions), max(partitions)) if partitions else (None, None)
            transaction.execute(
                "insert into ops.check_evaluations (run_id, asset, check_name, first_partition, last_partition, passed,"
                " severity, evaluated_at, partitions, failed_partitions)"
                " values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8), $9, $10)"
                " on conflict do nothing",
                [
                    *(run.run_id, check.asset, check.check, first, last, check.passed, check.severity),
                    *(check.evaluated_at, partitions, failed),
                ],
            )


def show_failures(instance: dg.DagsterInstance, warehouse: Warehouse) -> None:
    """Report the present failures by partition as an event of the asset `ops/check_partitions`."""
    failures = warehouse.frame(FAILURES).drop("evaluated_at")
    records = [
        dg.TableRecord({name: "" if value is None else value for name, value in row.items()})
        for row in failures.head(MOST_ROWS).iter_rows(named=True)
    ]
    schema = dg.TableSchema(
        [dg.TableColumn(name, "int" if name == "partitions" else "string") for name in failures.columns]
    )
    metadata: dict[str, Any] = {
        "failed_checks": failures.height,
        "failures": dg.MetadataValue.table(records, schema=schema),
    }
    instance.report_runless_asset_event(dg.AssetMaterialization(CHECK_PARTITIONS.key, metadata=metadata))


def _checked_partitions(run: dg.DagsterRun, check: CheckOutcome, graph: AssetGraph) -> list[str] | None:
    """Partitions of the run where a check is about them alone; None for a check of the whole table."""
    key = dg.AssetCheckKey(dg.AssetKey.from_user_string(check.asset), check.check)
    spec = graph.get_check_spec(key)
    definition = graph.get(key.asset_key).partitions_def
    if definition is None or (spec.metadata or {}).get(CHECKED_PARTITIONS) != OF_RUN[CHECKED_PARTITIONS]:
        return None
    return partitions_of_run(run.tags, definition)


def _outcome(evaluation: dg.AssetCheckEvaluation, evaluated_at: float) -> CheckOutcome:
    return CheckOutcome(
        asset=evaluation.asset_key.to_user_string(),
        check=evaluation.check_name,
        passed=evaluation.passed,
        blocking=bool(evaluation.blocking),
        severity=evaluation.severity.value,
        metadata={name: value.value for name, value in evaluation.metadata.items()},
        evaluated_at=evaluated_at,
    )
