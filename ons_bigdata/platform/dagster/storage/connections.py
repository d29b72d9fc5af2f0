"""Connections of an instance to Dagster's tables: kept open, and asked once what tables and columns there are."""

from __future__ import annotations

from functools import cache
from select import POLLIN, poll
from typing import TYPE_CHECKING

from dagster._core.storage.event_log import SqlEventLogStorage
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from dagster._core.storage.event_log import EventLogStorage
    from sqlalchemy.engine import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection

_MOST_CONNECTIONS = 10
"""Connections that a part of the storage may open besides the one that it keeps; threads of a run share them."""


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
