"""Metadata of the tables that a dbt call has built: rows, rows of each partition, column lineage, charts."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import dagster as dg

from ons_bigdata.platform.dagster.by_period import code_hash
from ons_bigdata.platform.dagster.table_metadata.charts import chart_metadata, charts_of_node
from ons_bigdata.platform.dagster.unchanged.outcomes import Work, keep_outcome, kept_outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ons_bigdata.platform.calendar import Calendar
    from ons_bigdata.platform.postgres.warehouse import Transaction

_LINEAGE = "ons_bigdata.platform.dagster.table_metadata.column_lineage"
"""Module whose code finds the lineage of a query."""

_WINDOW_COLUMN = re.compile(r"delete_window\(\s*['\"](?P<column>\w+)['\"]\s*\)")

BY_DAY = "by_day"
"""Materialization of models of which a run builds the days whose inputs changed (`dbt_project/macros/days.sql`)."""


@dataclass(frozen=True)
class TableMetadata:
    """Metadata of a built table, and of each of its partitions in the window of the call (none for a whole table)."""

    table: Mapping[str, Any] = field(default_factory=dict)
    partitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """Periods of a calendar that a dbt call rebuilds: keys of the first and the last."""

    calendar: Calendar
    first_key: str
    last_key: str


def table_metadata(
    transaction: Transaction, manifest: Mapping[str, Any], built: Mapping[str, str | None], window: Window | None
) -> dict[str, TableMetadata]:
    """Metadata by node id of seeds and models that a call has built; rows are counted by one query for all.

    `built`: the compiled query by node id; None for a seed. Views have no row count: it would run their whole query.
    With `window`, rows of windowed models are counted by partition, and partitions without rows have 0.
    """
    nodes = {unique_id: manifest["nodes"][unique_id] for unique_id in built}
    counts = _count_rows(transaction, nodes, window)
    described = {}
    for unique_id, query in built.items():
        metadata: dict[str, Any] = {} if query is None else _lineage(transaction, manifest, nodes[unique_id], query)
        rows = counts.get((unique_id, None))
        if rows is not None:
            metadata["dagster/row_count"] = rows
        for number, chart in enumerate(charts_of_node(nodes[unique_id]), start=1):
            drawn = chart_metadata(transaction, nodes[unique_id]["relation_name"], chart)
            metadata |= {} if drawn is None else {"chart" if number == 1 else f"chart_{number}": drawn}
        by_partition = {
            key: {"dagster/row_count": number, "dagster/partition_row_count": number}
            for (name, key), number in counts.items()
            if name == unique_id and key is not None
        }
        described[unique_id] = TableMetadata(metadata, by_partition)
    return described


def mark_as_checked(transaction: Transaction, tables: Sequence[str]) -> None:
    """Record that every test of the tables, as `schema.table`, has passed over all their days."""
    transaction.execute(
        "update ops.table_days set is_checked = true"
        " where table_name = any(string_to_array($1, ' ')) and not is_checked",
        [" ".join(tables)],
    )


def window_column(node: Mapping[str, Any]) -> str | None:
    """Column of dates by which a windowed model deletes its window (`delete_window` in a pre-hook); None if whole."""
    for hook in node["config"].get("pre-hook") or ():
        match = _WINDOW_COLUMN.search(hook["sql"])
        if match:
            return match["column"]
    return None


def _count_rows(
    transaction: Transaction, nodes: Mapping[str, Mapping[str, Any]], window: Window | None
) -> dict[tuple[str, str | None], int]:
    """Rows by node id and partition; partition None is the whole table."""
    days = None if window is None else window.calendar.days(window.first_key, window.last_key)
    queries = [
        query for node in nodes.values() if node["config"]["materialized"] != "view" for query in _counts(node, days)
    ]
    counts: dict[tuple[str, str | None], int] = {}
    if window is not None and days is not None:
        windowed = [name for name, node in nodes.items() if window_column(node) is not None]
        counts = {(name, key): 0 for name in windowed for key in window.calendar.keys(*days)}
    for name, day, rows in transaction.rows(" union all ".join(queries)) if queries else ():
        key = None if day is None or window is None else window.calendar.key(day)
        counts[name, key] = counts.get((name, key), 0) + rows
    return counts


def _counts(node: Mapping[str, Any], days: tuple[date, date] | None) -> list[str]:
    """Queries of (node id, day or null, rows) for the whole table and, if it is windowed, for each day."""
    name, relation, column = node["unique_id"], node["relation_name"], window_column(node)
    if _records_days(node):
        table = f"{node['schema']}.{node['alias']}"
        rows = "coalesce(sum(rows_of_day), 0)::bigint"
        queries = [f"select '{name}', null::date, {rows} from ops.table_days where table_name = '{table}'"]  # noqa: S608
    else:
        queries = [f"select '{name}', null::date, count(*)::bigint from {relation}"]  # noqa: S608  (dbt's names)
    if days is not None and column is not None:
        queries.append(
            f"select '{name}', {column}::date, count(*)::bigint from {relation}"  # noqa: S608
            f" where {column} between date '{days[0]}' and date '{days[1]}' group by 2"
        )
    return queries


def _records_days(node: Mapping[str, Any]) -> bool:
    """True where `ops.table_days` has the rows of each day of a model: it is built by day, or records its windows."""
    hooks = node["config"].get("post-hook") or ()
    return node["config"]["materialized"] == BY_DAY or any("record_window(" in hook["sql"] for hook in hooks)


def _lineage(
    transaction: Transaction, manifest: Mapping[str, Any], node: Mapping[str, Any], query: str
) -> dict[str, Any]:
    """Column lineage as metadata; empty for a query that sqlglot cannot parse.

    Columns of the tables that the model reads, and of itself, are those that the manifest describes. The key of an
    asset is its table.
    """
    read = [manifest["nodes"].get(name) or manifest["sources"][name] for name in node["depends_on"]["nodes"]]
    tables = {
        f"{relation['schema']}.{relation.get('identifier') or relation['alias']}": list(relation["columns"])
        for relation in [*read, node]
        if relation["columns"]
    }
    sources = _sources_by_column(transaction, node["unique_id"], query, tables)
    if sources is None:
        return {}
    deps = {
        column: [dg.TableColumnDep(dg.AssetKey(table.split(".")), source) for table, source in found if table in tables]
        for column, found in sources.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)}


def _sources_by_column(
    transaction: Transaction, name: str, query: str, tables: Mapping[str, Sequence[str]]
) -> dict[str, list[list[str]]] | None:
    """Table and column of the sources of each column of a query; None for one that sqlglot cannot parse.

    They are kept for the next run: to parse a query takes longer than most tests do.
    """
    read = json.dumps([query, tables, code_hash(_LINEAGE), version("sqlglot")])
    basis = hashlib.sha256(read.encode()).hexdigest()
    kept = kept_outcome(transaction, Work.lineage, name, basis)
    if kept is None:
        found = {"sources": _parsed_sources(query, tables)}
        keep_outcome(transaction, Work.lineage, name, basis, found)
        return found["sources"]
    sources: dict[str, list[list[str]]] | None = kept.values["sources"]
    return sources


def _parsed_sources(query: str, tables: Mapping[str, Sequence[str]]) -> dict[str, list[list[str]]] | None:
    # a run of queries whose lineage is kept has no use for sqlglot
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    from ons_bigdata.platform.dagster.table_metadata.column_lineage import column_lineage  # noqa: PLC0415

    try:
        lineage = column_lineage(query, tables)
    except SqlglotError:
        return None
    return {column: [list(source) for source in sorted(found)] for column, found in lineage.items()}
