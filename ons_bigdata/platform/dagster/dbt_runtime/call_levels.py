"""Calls of dbt by level of the graph: the least number of calls between which Python assets are computed.

Dagster divides a definition that Python assets lie between by itself, into more parts than there are levels.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Table = TypeVar("Table")


def call_levels(parents: Mapping[Table, Collection[Table]], of_calls: Collection[Table]) -> dict[Table, int]:
    """Return the number, from 1, of the call that builds each table of `of_calls`.

    `parents`: the tables that each table is made of; those that are no keys come from elsewhere. A table is built by
    the first call before which all that it is made of can be there: a call builds tables that are made of each other,
    and one between which and its parents lies a table of no call comes later. Raises graphlib.CycleError for tables
    that are made of themselves.
    """
    calls_before: dict[Table, int] = {}  # of a table of a call, this call among them
    chosen = set(of_calls)
    for table in TopologicalSorter(parents).static_order():
        made_of = parents.get(table, ())
        if table in chosen:
            calls_before[table] = max([1, *(calls_before[parent] + (parent not in chosen) for parent in made_of)])
        else:
            calls_before[table] = max([0, *(calls_before[parent] for parent in made_of)])
    return {table: calls_before[table] for table in chosen}
