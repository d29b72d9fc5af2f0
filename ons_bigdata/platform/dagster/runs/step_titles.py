"""Titles of a run's steps for people: pilot, areas and table, not the name of the op."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.plan.step import ExecutionStep


def step_titles(plan: ExecutionPlan, graph: AssetGraph) -> dict[str, str]:
    """Title of each step by its key, in an order in which they can run.

    `<pilot>: <area>, <schema>/<table>` for a single table, `<pilot>: <area>, <area> (14 tables)` for several, and
    `<pilot>: <area>, check <name>` for a step that only checks.
    """
    return {step.key: _title(step, graph) for step in plan.get_steps_to_execute_in_topo_order()}


def _title(step: ExecutionStep, graph: AssetGraph) -> str:
    outputs = [output.properties for output in step.step_outputs if output.properties is not None]
    tables = [output.asset_key for output in outputs if output.asset_key is not None]
    checks = [output.asset_check_key for output in outputs if output.asset_check_key is not None]
    checked = [check.asset_key for check in checks]
    groups = dict.fromkeys(graph.get(key).group_name for key in tables or checked)
    if not groups:
        return step.key
    areas = [group.partition("_") for group in groups]
    place = f"{areas[0][0]}: {', '.join(dict.fromkeys(area for _, _, area in areas if area)) or areas[0][0]}"
    if len(tables) == 1:
        return f"{place}, {tables[0].to_user_string()}"
    if tables:
        return f"{place} ({len(tables)} tables)"
    return f"{place}, {'check' if len(checks) == 1 else 'checks'} {', '.join(check.name for check in checks)}"
