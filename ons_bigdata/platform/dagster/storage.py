"""Dagster's tables in the schema `dagster`: created completely or not at all, and checked against their inventory.

Dagster creates its tables one by one, and takes the existence of the first for that of all. They are therefore created
in another schema, which is renamed once it is complete. The comment on the schema lists the tables.
"""

from __future__ import annotations

from contextlib import closing
from functools import cache
from select import POLLIN, poll
from typing import TYPE_CHECKING, Literal

import psycopg2
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster_postgres import DagsterPostgresStorage
from psycopg2 import sql
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

from ons_bigdata.platform.errors import UnavailableError

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.storage.event_log import EventLogStorage
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from ons_bigdata.platform.postgres.database import DatabaseAddress

SCHEMA = "dagster"

_UNFINISHED = "dagster_unfinished"
_LOCK = 0x64616773
"""Any fixed number: one process at a time creates the tables."""
_INVENTORY = "Complete set of Dagster's tables: "
_HISTORY = ("runs", "event_logs")
_MOST_CONNECTIONS = 10
"""Connections that a part of the storage may open besides the one that it keeps; threads of a run share them."""


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


def keep_connections(instance: DagsterInstance) -> None:
    """Keep a connection of each part of an instance's storage open, and replace one that its server has ended.

    By default every statement opens a connection, several for each event of a run, which costs the server more than
    the statement. Dagster's way to keep one is that of its web server, here without its limit of time.
    """
    instance.optimize_for_webserver(statement_timeout=0, pool_recycle=-1, max_overflow=_MOST_CONNECTIONS)
    for part in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        event.listen(part._engine, "checkout", _require_open)  # type: ignore[union-attr]
    _remember_structure(instance.event_log_storage)


def _remember_structure(events: EventLogStorage) -> None:
    """Keep what the server answers on the tables and columns of a storage of events, so that it is asked once.

    Dagster asks before it stores or reads an event of an asset or check, hundreds of times a run. The queries of the
    catalog take longer than those of the event, and `ensure_dagster_tables` has made the tables before.
    """
    if not isinstance(events, SqlEventLogStorage):
        return
    look_up, columns = events._has_asset_key_col_on_connection, dict[str, bool]()

    def has_column(connection: Connection, name: str) -> bool:
        if name not in columns:
            columns[name] = look_up(connection, name)
        return columns[name]

    events.has_table = cache(events.has_table)  # type: ignore[method-assign]
    events.has_asset_key_col = cache(events.has_asset_key_col)  # type: ignore[method-assign]
    events._has_asset_key_col_on_connection = has_column  # type: ignore[method-assign,assignment]


def _require_open(connection: DBAPIConnection, _record: object, _proxy: object) -> None:
    """Raise DisconnectionError, upon which the pool opens another connection, for one that its server has ended.

    A connection at rest has something to read only then: no query is needed, as each event of a run takes several.
    """
    ended = poll()
    ended.register(connection, POLLIN)  # type: ignore[arg-type]
    if ended.poll(0):
        raise DisconnectionError


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
