"""Events of Dagster that come together, written together: planned ones of a run, and the outcomes of a call of dbt.

Dagster writes each event by statements and transactions of its own, which costs more than a test of dbt does. Here the
rows of many events are inserted by one statement, and what Dagster keeps of them in other tables is written by its own
functions in the same transaction.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster import DagsterEventType
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster_postgres import PostgresEventLogStorage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dagster import DagsterInstance
    from dagster._core.events.log import EventLogEntry
    from sqlalchemy.engine import Connection

WAITING = {
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.HANDLED_OUTPUT,
    DagsterEventType.STEP_OUTPUT,
}
"""Events that wait for others. Any other one, such as the end of a step, is written at once, after those that wait."""

_READ_IN_STEP = {DagsterEventType.ASSET_MATERIALIZATION}
"""Events that a step itself reads: a check says of which materialization it is."""


class EventsTogether:
    """Writer of the events of a storage that come together.

    Raises TypeError for a storage other than that of Postgres.
    """

    def __init__(self, storage: object) -> None:
        if not isinstance(storage, PostgresEventLogStorage):
            raise TypeError(f"events are stored in {type(storage).__name__}, expected PostgresEventLogStorage")
        self._storage = storage
        self._connect, self._store_event = storage._connect, storage.store_event
        self._waiting: list[EventLogEntry] = []

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Delay events to the end of the block, or until one is read, and write them together.

        What was yielded in the block may be lost by a kill of the process before its end, as if it were killed before
        the block: a block spans only what needs no time.
        """
        storage: Any = self._storage
        storage.store_event, storage._connect = self._add, self._connect_after_writing
        try:
            yield
        finally:
            storage.store_event, storage._connect = self._store_event, self._connect
            self._write_waiting()

    def write(self, events: Sequence[EventLogEntry]) -> None:
        """Write events in one transaction, in their order."""
        storage: Any = self._storage
        with self._connect() as connection, connection.execution_options(isolation_level="READ COMMITTED").begin():
            rows = [storage._event_to_row(event) for event in events]
            inserted = connection.execute(
                SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True),
                rows,
            )
            ids = [int(row[0]) for row in inserted]
            before = storage._connect
            storage._connect = lambda: _lent(connection)
            try:
                self._write_what_follows(connection, list(zip(events, ids, strict=True)))
            finally:
                storage._connect = before

    def _write_what_follows(self, connection: Connection, stored: Sequence[tuple[EventLogEntry, int]]) -> None:
        """Write what Dagster keeps of events besides their rows: tags and last event of an asset, records of checks."""
        storage = self._storage
        of_assets = [(event, number) for event, number in stored if _is_of_asset(event)]
        if of_assets:
            tagged, numbers = [event for event, _ in of_assets], [number for _, number in of_assets]
            storage._store_asset_event_tags(connection, tagged, numbers)
        for event, number in of_assets:
            storage._store_asset_event(connection, event, number)
        for event, number in stored:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                storage.store_asset_check_event(event, number)

    def _add(self, event: EventLogEntry) -> None:
        if event.dagster_event_type in WAITING:
            self._waiting.append(event)
            return
        self._write_waiting()
        self._store_event(event)

    def _connect_after_writing(self) -> Any:  # noqa: ANN401  (as in Dagster)
        if any(event.dagster_event_type in _READ_IN_STEP for event in self._waiting):
            self._write_waiting()
        return self._connect()

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.write(waiting)


def write_planned_events_together(instance: DagsterInstance) -> None:
    """Write the events that a run plans, hundreds of assets and checks, together when the run is created."""
    storage: Any = instance.event_log_storage
    one_by_one, together = storage.store_event_batch, EventsTogether(storage).write

    def store(events: Sequence[EventLogEntry]) -> None:
        kinds = {event.dagster_event_type for event in events}
        (together if len(kinds) > 1 or kinds & ASSET_CHECK_EVENTS else one_by_one)(events)

    storage.store_event_batch = store


@contextmanager
def events_together(instance: DagsterInstance) -> Iterator[None]:
    """Write the events of outcomes that are known by now together; see `EventsTogether.collect`.

    An instance with another storage than Postgres, such as one in memory, writes them one by one.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, PostgresEventLogStorage):
        yield
        return
    with EventsTogether(storage).collect():
        yield


@contextmanager
def _lent(connection: Connection) -> Iterator[Connection]:
    yield connection


def _is_of_asset(event: EventLogEntry) -> bool:
    return (
        event.dagster_event is not None
        and event.dagster_event_type in ASSET_EVENTS
        and event.dagster_event.asset_key is not None
    )
