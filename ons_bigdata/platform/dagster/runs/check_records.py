"""Records of evaluated checks: tags of the run, and rows of `ops.check_evaluations` with the partitions of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import dagster as dg

    from ons_bigdata.platform.dagster.runs.execution import CheckOutcome
    from ons_bigdata.platform.postgres.warehouse import Warehouse

FAILED_CHECKS = "ons_bigdata/failed_checks"
"""Tag of a run in which checks failed: their number. With `_error` and `_warn`: their names by severity."""

MOST_NAMES = 10
"""Names that a tag lists."""


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


def record_checks(
    warehouse: Warehouse, run_id: str, checks: Sequence[CheckOutcome], partitions: tuple[str, str] | None
) -> None:
    """Write the evaluations of a run. `partitions` are its first and last; None for a run without partitions."""
    first, last = partitions or (None, None)
    with warehouse.transaction() as transaction:
        for check in checks:
            transaction.execute(
                "insert into ops.check_evaluations (run_id, asset, check_name, first_partition, last_partition, passed,"
                " severity, evaluated_at) values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8))"
                " on conflict do nothing",
                [run_id, check.asset, check.check, first, last, check.passed, check.severity, check.evaluated_at],
            )
