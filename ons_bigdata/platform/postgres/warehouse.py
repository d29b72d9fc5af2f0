"""Tables of the database: frames in and out in bulk, statements, transactions, locks, and queries of users."""

from __future__ import annotations

import os
import weakref
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import polars as pl
import psycopg2
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import migrate
from ons_bigdata.platform.postgres.database import (
    DatabaseAddress,
    ensure_database,
    expected_address,
    parse_url,
)
from ons_bigdata.platform.postgres.role_logins import ReaderLogin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from ons_bigdata.platform.postgres.role_logins import RoleLogin
    from ons_bigdata.platform.replaced_rows import RowsFrom
    from ons_bigdata.settings import Settings

STATISTICS_TARGET = 25
"""Detail of the planner's statistics of a table, of which 300 times as many rows are sampled; Postgres' default is 100.

The same as in the macro `analyze_table` of dbt. To sample more rows of each table that was filled took a sixth of the
server's time of a daily run.
"""
LOCK_TIMEOUT = "60s"
"""Longest wait of a transaction for a lock, in Postgres' notation."""

# SQLSTATE, or its beginning (Postgres manual, appendix A)
_LOCK_NOT_AVAILABLE = ("55P03", "40P01")  # timeout, deadlock
_NO_SUCH_ROLE = "22023"
_SERVER_LOST = ("08", "57P", "53")  # connection, shutdown, disk or memory or connections exhausted
_QUERY_CANCELED = "57014"


@dataclass(frozen=True)
class Transaction:
    """An open transaction of `Warehouse.transaction`, which commits it or rolls it back."""

    connection: dbapi.Connection

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement with parameters `$1`, `$2`, …."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, list(parameters) or None)

    def frame(self, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Run a query; return its rows as a frame with the types of its columns."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, list(parameters) or None)
            return _plain(cursor.fetch_arrow_table())

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query with few rows; return them as tuples."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, list(parameters) or None)
            return cursor.fetchall()

    def insert(self, table: str, frame: pl.DataFrame, *, json_columns: Sequence[str] = ()) -> int:
        """Copy a frame into `schema.table`, columns by name; return the number of rows.

        The types must be those of the table. `json_columns` have JSON text for columns of type jsonb.
        """
        schema, name = table.split(".")
        arrow = frame.to_arrow()
        for column in json_columns:
            position = arrow.schema.get_field_index(column)
            text = arrow.column(position).cast(pa.string()).combine_chunks()
            arrow = arrow.set_column(position, column, pa.ExtensionArray.from_storage(pa.json_(), text))
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, arrow, mode="append", db_schema_name=schema)
        return frame.height

    def insert_parts(self, table: str, parts: Iterable[pl.DataFrame]) -> int:
        """Copy frames of the same columns into `schema.table` in one statement; return the number of rows.

        A frame is asked for when the one before it is sent. Raises the error of the iterator that ends it.
        """
        following = iter(parts)
        first = next(following, None)
        if first is None:
            return 0
        rows, failures = 0, []

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal rows
            try:
                for part in chain([first], following):
                    rows += part.height
                    yield from part.to_arrow().to_batches()
            except Exception as error:  # the driver would keep its text only
                failures.append(error)

        schema, name = table.split(".")
        reader = pa.RecordBatchReader.from_batches(first.clear().to_arrow().schema, batches())
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, reader, mode="append", db_schema_name=schema)
        if failures:
            raise failures[0]
        return rows

    def clear(self, table: str) -> None:
        """Delete all rows of `schema.table`: at once where no other transaction uses the table, else row by row.

        At once, no row is read or logged, nor is one that is copied into the table later in the transaction (where
        `wal_level` is minimal); until the transaction ends, whoever reads the table waits.
        """
        self.execute(
            f"do $$ begin lock table {table} in access exclusive mode nowait; truncate {table};"  # noqa: S608
            f" exception when lock_not_available then delete from {table}; end $$"
        )

    def keep(self, table: str, keys: pl.DataFrame) -> None:
        """Delete the rows of `schema.table` that have none of the keys; columns by name, without nulls."""
        names = ", ".join(f'"{name}"' for name in keys.columns)
        self.execute(f"create temporary table kept on commit drop as select {names} from {table} limit 0")  # noqa: S608
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest("kept", keys.to_arrow(), mode="append", temporary=True)
        self.execute(f"delete from {table} where ({names}) not in (select {names} from kept)")  # noqa: S608

    def delete_from(self, table: str, rows: RowsFrom) -> list[date]:
        """Delete rows of `schema.table` from a day on, with some keys from another day on; return the days they had."""
        named = [f'"{name}"' for name in rows.keys.columns if name != "from_day"]
        names, column = ", ".join(named), f'"{rows.column}"'
        keys = f"select {names}, {column} as from_day from {table} limit 0"  # noqa: S608  (our own names)
        self.execute(f"create temporary table replaced on commit drop as {keys}")
        with self.connection.cursor() as cursor:
            cursor.adbc_ingest("replaced", rows.keys.to_arrow(), mode="append", temporary=True)
        of_all = self.rows(
            f"with gone as (delete from {table} where {column} >= $1::date"  # noqa: S608  (our own names)
            f" and ({names}) not in (select {names} from replaced) returning {column})"
            f" select distinct {column} from gone",
            [rows.first.isoformat()],
        )
        same_key = " and ".join(f"stored.{name} = replaced.{name}" for name in named)
        of_keys = self.rows(
            f"with gone as (delete from {table} as stored using replaced"  # noqa: S608  (our own names)
            f" where {same_key} and stored.{column} >= replaced.from_day returning stored.{column})"
            f" select distinct {column} from gone"
        )
        return sorted({day for (day,) in [*of_all, *of_keys]})

    def lock(self, *names: str, timeout: str | None = None) -> None:
        """Acquire the advisory lock on these names (such as source and partition) until the transaction ends.

        Raises UnavailableError after a wait of `timeout` (Postgres' notation; None: `LOCK_TIMEOUT`).
        """
        self.execute(f"set local lock_timeout = '{timeout or LOCK_TIMEOUT}'")
        self.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", ["/".join(names)])

    def set_role(self, role: str) -> None:
        """Act with the rights of a role until the transaction ends. The name is not quoted: roles of ours only."""
        self.execute(f'set local role "{role}"')


class IdleConnections:
    """Open connections to a database that no transaction uses; closed with the last warehouse that shares them.

    Opening a connection takes the driver forty milliseconds of processor time, since it reads every type of the
    database; a small transaction takes less than one.
    """

    def __init__(self) -> None:
        self._idle: deque[dbapi.Connection] = deque()
        self.migrated_for: str | None = None
        """Prefix of the roles with which this process has migrated the database; None: it has not."""
        weakref.finalize(self, _close_all, self._idle)

    def take(self) -> dbapi.Connection | None:
        """Remove and return a connection that still answers; None without one."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:  # the last was taken, perhaps by another thread
                return None
            try:
                Transaction(connection).rows("select 1")
            except adbc_driver_manager.Error:
                connection.close()  # the server was restarted
            else:
                return connection

    def answers(self) -> bool:
        """True if a connection is open and its server answers."""
        connection = self.take()
        if connection is None:
            return False
        connection.rollback()
        self.put(connection)
        return True

    def put(self, connection: dbapi.Connection) -> None:
        """Keep a connection without an open transaction for the next one."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close all connections."""
        _close_all(self._idle)


_shared: weakref.WeakValueDictionary[tuple[int, str], IdleConnections] = weakref.WeakValueDictionary()
"""By process and address: each step of a run opens the warehouse anew. A fork must not use its parent's connections."""


def share_connections(address: DatabaseAddress) -> IdleConnections:
    """Return the idle connections to an address, which all its warehouses in this process share."""
    return _shared.setdefault((os.getpid(), address.libpq()), IdleConnections())


@dataclass(frozen=True)
class Warehouse:
    """A migrated database: its transactions and the queries of users."""

    address: DatabaseAddress
    role_prefix: str
    reader_url: str | None = field(default=None, repr=False)
    """URL with which the read-only role logs in, where the owner's address does not admit it."""
    query_timeout_s: int = 300
    """Longest run of a user's query."""
    idle: IdleConnections = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "idle", share_connections(self.address))

    def close(self) -> None:
        """Close the idle connections of all warehouses of this address."""
        self.idle.close()

    @contextmanager
    def transaction(self, *, role: str | None = None) -> Iterator[Transaction]:
        """Open a transaction; commit at the end, roll back on an error.

        `role` (`ingest`, …) replaces the rights of the owner within the transaction. Raises UnavailableError where the
        connection is lost or another process holds a lock for longer than `LOCK_TIMEOUT`.
        """
        with self._translated_errors():
            connection = self.idle.take() or dbapi.connect(self.address.libpq())
            try:
                transaction = Transaction(connection)
                if role is not None:
                    transaction.set_role(f"{self.role_prefix}_{role}")
                yield transaction
                connection.commit()
            except BaseException:
                connection.close()  # rolls back
                raise
            self.idle.put(connection)

    def frame(self, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Run a query in a separate transaction; return its rows as a frame."""
        with self.transaction() as transaction:
            return transaction.frame(query, parameters)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query in a separate transaction; return its rows as tuples."""
        with self.transaction() as transaction:
            return transaction.rows(query, parameters)

    def replace(self, table: str, frame: pl.DataFrame, kept: pl.DataFrame | None = None) -> int:
        """Replace rows of `schema.table` by those of a frame in one transaction; return how many it has then.

        Rows with the keys `kept`, in columns of the table, stay; without keys none does.
        """
        with self.transaction() as transaction:
            transaction.lock(table)
            if kept is not None:
                transaction.keep(table, kept)
            else:
                transaction.execute(f"delete from {table}")  # noqa: S608  (our own table names)
            rows = transaction.insert(table, frame)
            if kept is not None:
                ((rows,),) = transaction.rows(f"select count(*)::int from {table}")  # noqa: S608
        self.analyse(table)
        return rows

    def replace_in_parts(self, table: str, parts: Iterable[pl.DataFrame]) -> int:
        """Replace all rows of `schema.table` by those of frames in one transaction; return how many it has then.

        Whoever reads the table may wait until the last frame is copied (`Transaction.clear`): `parts` must not.
        """
        with self.transaction() as transaction:
            transaction.lock(table)
            transaction.clear(table)
            rows = transaction.insert_parts(table, parts)
        self.analyse(table)
        return rows

    def analyse(self, *tables: str) -> None:
        """Renew the planner's statistics of tables that were just filled."""
        with self.transaction() as transaction:
            transaction.execute(f"set local default_statistics_target = {STATISTICS_TARGET}")
            for table in tables:
                transaction.execute(f"analyze {table}")

    def query(self, text: str, login: RoleLogin | None = None) -> pl.DataFrame:
        """Run a user's statement by a login (None: that of the read-only role); return its rows.

        The session is logged in as the role, since a query can undo `set role`; the transaction is read-only, the text
        is a single statement, and it is cancelled after `query_timeout_s`, which it cannot change for itself.

        Raises InputError with the server's message, for a result that is no table of plain values, after the timeout,
        and where the role is not admitted.
        """
        login = login or ReaderLogin(self.role, self.reader_url)
        with self._translated_errors(), login.connect(self.address) as connection:
            transaction = Transaction(connection)
            transaction.execute("set transaction read only")
            transaction.execute(f"set statement_timeout = '{self.query_timeout_s}s'")
            try:
                return transaction.frame(text)
            except adbc_driver_manager.Error as error:
                state = error.sqlstate or ""
                if state.startswith(_SERVER_LOST):
                    raise
                if state == _QUERY_CANCELED:
                    raise InputError(
                        f"query cancelled after {self.query_timeout_s} s (ONS_BIGDATA_QUERY_TIMEOUT_S)"
                    ) from error
                raise InputError(_server_message(error)) from error
            except (pl.exceptions.PolarsError, pa.ArrowException, OverflowError, TypeError, ValueError) as error:
                raise InputError(
                    f"the result cannot be shown ({error}): name columns apart, cast unusual types to text"
                ) from error

    @property
    def role(self) -> str:
        """Name of the read-only role."""
        return f"{self.role_prefix}_reader"

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Translate errors of the driver for a lost server, a held lock and a missing role into reported errors."""
        try:
            yield
        except adbc_driver_manager.Error as error:
            state = error.sqlstate or ""
            if state == _NO_SUCH_ROLE:
                raise InputError(
                    f"{_server_message(error)}; ONS_BIGDATA_ROLE_PREFIX is {self.role_prefix!r}: "
                    "was the database created with another prefix?"
                ) from error
            if state in _LOCK_NOT_AVAILABLE:
                raise UnavailableError(
                    f"another process holds a lock that this one needs, and did not release it in time: "
                    f"{_server_message(error)}"
                ) from error
            if state.startswith(_SERVER_LOST) or error.status_code == adbc_driver_manager.AdbcStatusCode.IO:
                raise UnavailableError(f"database {self.address}: {_server_message(error)}") from error
            raise


def has_database(settings: Settings) -> bool:
    """True if there is a database: an existing server, or an embedded one that has been created."""
    return settings.database_url is not None or (settings.data_dir / "PG_VERSION").exists()


def require_database(settings: Settings) -> None:
    """Raise InputError where nothing has been taken in yet, so that no database is created to find it empty."""
    if not has_database(settings):
        raise InputError(
            f"nothing in {settings.home} yet: `ons-bigdata demo` fills it with simulated data, "
            "`ons-bigdata ingest` with files"
        )


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse of the settings; start the server, create and migrate the database where needed.

    Each step of a run opens it. While a connection of this process to the migrated database answers, nothing is needed:
    to look for the server, the database and its migrations takes three new connections.
    """
    reader_url = None
    if settings.reader_url is not None:
        reader_url = parse_url(settings.reader_url.get_secret_value(), variable="ONS_BIGDATA_READER_URL").libpq()
    address = expected_address(settings)
    idle = share_connections(address)
    if idle.migrated_for != settings.role_prefix or not idle.answers():
        address = ensure_database(settings)
        try:
            migrate.migrate(address, role_prefix=settings.role_prefix)
        except psycopg2.OperationalError as error:
            raise UnavailableError(f"database {address}: {str(error).strip()}") from error
    warehouse = Warehouse(
        address=address,
        role_prefix=settings.role_prefix,
        reader_url=reader_url,
        query_timeout_s=settings.query_timeout_s,
    )
    warehouse.idle.migrated_for = settings.role_prefix
    return warehouse


def _close_all(connections: deque[dbapi.Connection]) -> None:
    while connections:
        connections.pop().close()


def _plain(table: pa.Table) -> pl.DataFrame:
    """Convert Postgres' types for polars: json to text, numeric to Int64 if every value is whole, else Float64."""
    numeric = [
        column.name
        for column in table.schema
        if isinstance(column.type, pa.OpaqueType) and column.type.type_name == "numeric"
    ]
    for position, column in enumerate(table.schema):
        if isinstance(column.type, pa.BaseExtensionType):
            storage = [chunk.storage for chunk in table.column(position).chunks]
            values = pa.chunked_array(storage, type=column.type.storage_type)
            table = table.set_column(position, column.name, values)
    frame = pl.from_arrow(table)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"expected a table, found {type(frame).__name__}")
    whole = [name for name in numeric if not frame[name].str.contains(r"[^0-9-]").any()]
    return frame.with_columns(
        pl.col(whole).cast(pl.Int64), pl.col([n for n in numeric if n not in whole]).cast(pl.Float64)
    )


def _server_message(error: adbc_driver_manager.Error) -> str:
    """Return the server's message without the driver's additions."""
    message = str(error).split("ERROR:", 1)[-1]
    for wrapping in ("SQLSTATE", "Query was:"):
        message = message.split(wrapping, 1)[0]
    return message.strip().rstrip(".")
