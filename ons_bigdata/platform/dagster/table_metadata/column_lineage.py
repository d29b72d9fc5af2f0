"""Column lineage of a query: for each column of its result, the columns of tables that it is computed from.

Syntax tree and name resolution are sqlglot's. A query is resolved once and its scopes are walked once for all columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import MappingSchema, exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DIALECT = "postgres"

Column = tuple[str, str]
"""`schema.table` and column."""

_Columns = dict[str, frozenset[Column]]


def column_lineage(query: str, tables: Mapping[str, Sequence[str]]) -> dict[str, frozenset[Column]]:
    """Columns of `tables` (columns by `schema.table`) from which each column of the query's result is computed.

    Values count, conditions do not: a column in a join, filter or grouping alone is no source. A column without a
    source (a constant, `count(*)`) has the empty set. Raises sqlglot's SqlglotError for a query that it cannot parse.
    """
    nested: dict[str, dict[str, dict[str, str]]] = {}
    for table, columns in tables.items():
        schema, _, name = table.rpartition(".")
        nested.setdefault(schema, {})[name] = dict.fromkeys(columns, "text")  # types play no part
    resolved = qualify(
        parse_one(query, dialect=DIALECT),
        schema=MappingSchema(dict[str, object](nested), dialect=DIALECT),
        dialect=DIALECT,
        quote_identifiers=False,
        validate_qualify_columns=False,
    )
    scope = build_scope(resolved)
    return {} if scope is None else _result_columns(scope, {})


def _result_columns(scope: Scope, known: dict[int, _Columns]) -> _Columns:
    """Sources of the columns that a scope returns, in their order. `known` holds the scopes walked before."""
    if id(scope) in known:
        return known[id(scope)]
    known[id(scope)] = {}  # a recursive query reads itself: its first part has the sources
    if scope.set_operation_scopes:
        branches = [_result_columns(branch, known) for branch in scope.set_operation_scopes]
        columns = {
            name: frozenset().union(*(list(branch.values())[place] for branch in branches if place < len(branch)))
            for place, name in enumerate(branches[0])
        }
    elif isinstance(scope.expression, exp.Select):
        columns = {item.alias_or_name: _sources(item, scope, known) for item in scope.expression.selects}
    elif isinstance(scope.expression, exp.Lateral) and scope.subquery_scopes:
        columns = _result_columns(scope.subquery_scopes[0], known)
    else:  # a function that returns rows: its columns have other names than its arguments
        columns = {}
    known[id(scope)] = columns
    return columns


def _sources(expression: exp.Expr, scope: Scope, known: dict[int, _Columns]) -> frozenset[Column]:
    """Sources of an expression in a scope; of a subquery in it, those of the result."""
    subqueries = {id(subquery.expression): subquery for subquery in scope.subquery_scopes}
    sources: set[Column] = set()
    for node in expression.walk(prune=lambda node: id(node) in subqueries):
        if id(node) in subqueries:
            sources.update(*_result_columns(subqueries[id(node)], known).values())
        elif isinstance(node, exp.Column):
            sources |= _column_sources(node, scope, known)
    return frozenset(sources)


def _column_sources(column: exp.Column, scope: Scope, known: dict[int, _Columns]) -> frozenset[Column]:
    while column.table not in scope.sources and scope.parent is not None:
        scope = scope.parent  # a lateral subquery reads relations of the query around it
    relation = scope.sources.get(column.table)
    if isinstance(relation, exp.Table):
        return frozenset({(f"{relation.db}.{relation.name}", column.name)}) if relation.db else frozenset()
    if not isinstance(relation, Scope):
        return frozenset()
    columns = _result_columns(relation, known)
    if columns or isinstance(relation.expression, exp.Query):
        return columns.get(column.name, frozenset())
    arguments = [argument for argument in relation.expression.find_all(exp.Column) if argument.table != column.table]
    return frozenset().union(*(_column_sources(argument, scope, known) for argument in arguments))
