"""The adapter of dbt for many calls in a process: connections to Postgres that the nodes of a call share.

dbt opens a connection for each node and closes it after the node. To start a process of the server and to read what it
has to know of the tables takes longer than most tests do.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from select import POLLIN, poll
from threading import Lock
from typing import TYPE_CHECKING, Any

import psycopg2
from dbt.adapters.contracts.connection import ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.clients.agate_helper import empty_table
from psycopg2.extensions import STATUS_BEGIN, TRANSACTION_STATUS_IDLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbt.adapters.contracts.connection import AdapterResponse, Connection
    from psycopg2.extensions import connection as Handle  # noqa: N812


class SharedConnections(PostgresConnectionManager):
    """Connections of dbt's adapter of which those that are released stay open for the next node."""

    _idle: list[tuple[Any, Handle]] = []  # noqa: RUF012  (of the class, as dbt opens connections by class methods)
    _lock = Lock()

    def execute(
        self, sql: str, auto_begin: bool = False, fetch: bool = False, limit: int | None = None
    ) -> tuple[AdapterResponse, Any]:
        """Run a statement; where no rows are asked for, with the same table without rows each time.

        To make one takes dbt as long as a short statement: agate prepares to guess the types of its columns.
        """
        if fetch:
            return super().execute(sql, auto_begin, fetch, limit)
        _, cursor = self.add_query(self._add_query_comment(sql), auto_begin)
        return self.get_response(cursor), _no_rows()

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Lend a connection of dbt one that is open and has the same credentials, or open one."""
        if connection.state == ConnectionState.OPEN:
            return connection
        handle = cls._take(connection.credentials)
        if handle is None:
            return super().open(connection)
        connection.handle = handle
        connection.state = ConnectionState.OPEN
        return connection

    @classmethod
    def close_idle(cls) -> None:
        """Close all that are open and in no use."""
        with cls._lock:
            while cls._idle:
                cls._idle.pop()[1].close()

    @classmethod
    def _take(cls, credentials: Any) -> Handle | None:  # noqa: ANN401  (a type that dbt makes of the profile)
        with cls._lock:
            while cls._idle:
                known, handle = cls._idle.pop()
                if known == credentials and not _has_ended(handle):
                    return handle
                handle.close()
        return None

    @classmethod
    def _close_handle(cls, connection: Connection) -> None:
        """Keep a released connection, in the state of a new one: without transaction, settings and temporary tables.

        dbt commits by a statement, of which psycopg2 knows nothing: without `reset` it would begin no other one.
        Its rollback of none would be a warning in the server's log.
        """
        handle = connection.handle
        try:
            if handle.status == STATUS_BEGIN and handle.info.transaction_status == TRANSACTION_STATUS_IDLE:
                handle.cursor().execute("begin")
            handle.reset()
        except psycopg2.Error:  # ended by the server
            super()._close_handle(connection)
            return
        with cls._lock:
            cls._idle.append((connection.credentials, handle))


@contextmanager
def shared_connections() -> Iterator[None]:
    """Share connections among the nodes of a call of dbt, and close them at its end.

    Each call makes a new adapter. For each of its flags of behaviour dbt looks for the module that made it through the
    whole stack and all modules of the process, a third of a second a call, though it is always the same.
    """
    PostgresAdapter.ConnectionManager = SharedConnections
    BehaviorFlagRendered._default_source = staticmethod(lambda: PostgresAdapter.__module__)  # type: ignore[method-assign]
    try:
        yield
    finally:
        SharedConnections.close_idle()


_no_rows = cache(empty_table)


def _has_ended(handle: Handle) -> bool:
    """True if the server has ended a connection: at rest, it has something to read only then."""
    if handle.closed:
        return True
    ended = poll()
    ended.register(handle, POLLIN)
    return bool(ended.poll(0))
