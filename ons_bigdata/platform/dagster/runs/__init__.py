"""Runs: selection of assets, the plan of runs over calendars, and their execution in this process."""

from ons_bigdata.platform.dagster.runs.execution import (
    PROCESS,
    CheckOutcome,
    RunOutcome,
    end_dead_runs,
    load_definitions,
    materialise,
    with_recorded_checks,
)
from ons_bigdata.platform.dagster.runs.selection import select

__all__ = [
    "PROCESS",
    "CheckOutcome",
    "RunOutcome",
    "end_dead_runs",
    "load_definitions",
    "materialise",
    "select",
    "with_recorded_checks",
]
