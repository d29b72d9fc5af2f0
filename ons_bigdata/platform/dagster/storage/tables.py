"""Dagster's tables in the schema `dagster`: created completely or not at all, and checked against their inventory.

Dagster creates its tables one by one, and takes the existence of the first for that of all. They are therefore created
in another schema, which is renamed once it is complete. The comment on the schema lists the tables.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Literal

import psycopg2
from dagster_postgres import DagsterPostgresStorage
from psycopg2 import sql

from ons_bigdata.platform.errors import UnavailableError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from ons_bigdata.platform.postgres.database import DatabaseAddress

SCHEMA = "dagster"

_UNFINISHED = "dagster_unfinished"
_LOCK = 0x64616773
"""Any fixed number: one process at a time creates the tables."""
_INVENTORY = "Complete set of Dagster's tables: "
_HISTORY = ("runs", "event_logs")


def ensure_dagster_tables(address: DatabaseAddress) -> None:
    """Create Dagster's tables if they are missing, or replace an incomplete set without history.

    Raises UnavailableError where an incomplete set has runs or events, or the server does not answer.
    """
    try:
        with closing(psycopg2.connect(address.libpq())) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                if _is_complete(cursor):
                    return
                cursor.execute("select pg_advisory_lock(%s)", (_LOCK,))  # released with the connection
                if not _is_complete(cursor):
                    _create(address, cursor)
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"database {address}: {str(error).strip()}") from error


def check_dagster_tables(address: DatabaseAddress) -> tuple[Literal["ok", "warning", "fault"], str]:
    """Compare the tables with their inventory; return a state and its description. Changes nothing."""
    with closing(psycopg2.connect(address.libpq())) as connection, connection.cursor() as cursor:
        inventory, tables = _inventory(cursor), _tables(cursor, SCHEMA)
    if inventory is None and tables:
        return "warning", "of an earlier version, perhaps incomplete; the next run completes them"
    if inventory is None:
        return "ok", "not created yet"
    missing = sorted(inventory - tables)
    return ("fault", f"missing: {', '.join(missing)}") if missing else ("ok", "complete")


def _is_complete(cursor: Cursor) -> bool:
    inventory = _inventory(cursor)
    return inventory is not None and inventory <= _tables(cursor, SCHEMA)


def _create(address: DatabaseAddress, cursor: Cursor) -> None:
    """Create all tables in a temporary schema, then rename it in the transaction that writes the inventory."""
    cursor.execute(f"drop schema if exists {_UNFINISHED} cascade; create schema {_UNFINISHED}")
    DagsterPostgresStorage(address.sqlalchemy(search_path=_UNFINISHED))  # creates its tables
    inventory = _tables(cursor, _UNFINISHED)
    existing = _tables(cursor, SCHEMA)
    missing = inventory - existing
    comment = sql.SQL("comment on schema {} is {}").format(
        sql.Identifier(SCHEMA), sql.Literal(_INVENTORY + ", ".join(sorted(inventory)))
    )
    if not missing:  # created before inventories were written
        cursor.execute(comment)
        cursor.execute(f"drop schema {_UNFINISHED} cascade")
        return
    if any(_has_rows(cursor, table) for table in existing.intersection(_HISTORY)):
        cursor.execute(f"drop schema {_UNFINISHED} cascade")
        raise UnavailableError(
            f"database {address}: schema {SCHEMA} lacks the tables {', '.join(sorted(missing))} and holds runs; "
            f"restore it from a backup, or drop the schema (the history of runs is lost, no statistics are)"
        )
    cursor.execute("begin")
    cursor.execute(f"drop schema if exists {SCHEMA} cascade")
    cursor.execute(f"alter schema {_UNFINISHED} rename to {SCHEMA}")
    cursor.execute(comment)
    cursor.execute("commit")


def _inventory(cursor: Cursor) -> set[str] | None:
    """Return the tables that the comment on the schema lists; None where there is no such comment."""
    cursor.execute("select obj_description(to_regnamespace(%s), 'pg_namespace')", (SCHEMA,))
    row = cursor.fetchone()
    comment = row[0] if row and row[0] else ""
    return set(comment.removeprefix(_INVENTORY).split(", ")) if comment.startswith(_INVENTORY) else None


def _tables(cursor: Cursor, schema: str) -> set[str]:
    cursor.execute("select tablename from pg_tables where schemaname = %s", (schema,))
    return {name for (name,) in cursor.fetchall()}


def _has_rows(cursor: Cursor, table: str) -> bool:
    cursor.execute(sql.SQL("select exists (select from {})").format(sql.Identifier(SCHEMA, table)))
    return bool((cursor.fetchone() or (False,))[0])
