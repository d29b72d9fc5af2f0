"""The database as tables: frames in and out in bulk, by one path (ADBC, inside the transaction).

What the tables mean is not known here. Which server serves is `database`'s to say.
"""

from __future__ import annotations

import weakref
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import adbc_driver_manager
import polars as pl
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import database, migrate
from ons_bigdata.platform.postgres import reader_login as readers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.settings import Settings

LOCK_TIMEOUT = "60s"
"""How long a transaction waits for another one's partition before it gives up."""

_LOCK_NOT_AVAILABLE = "55P03"
_NO_SUCH_ROLE = "22023"
_CONNECTION_LOST = ("08", "57P")


@dataclass(frozen=True)
class Transaction:
    """One open transaction. Made by `Warehouse.transaction`, which commits or rolls back."""

    connection: dbapi.Connection

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Run one statement with `$1`-style parameters."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, list(parameters) or None)

    def frame(self, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Run a query; its columns with their types as a frame."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, list(parameters) or None)
            return _plain(cursor.fetch_arrow_table())

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query; its rows as tuples. For a handful of rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, list(parameters) or None)
            return cursor.fetchall()

    def insert(self, table: str, frame: pl.DataFrame, *, json_columns: Sequence[str] = ()) -> int:
        """Copy a frame into `schema.table`; columns by name. `json_columns` hold JSON text for jsonb.

        Returns the number of rows. The types must be those of the table (the frames' schemas say them).
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

    def lock(self, *names: str, timeout: str | None = None) -> None:
        """Hold the lock on these names (say, source and partition) until the transaction ends.

        Waits as long as `timeout` says (Postgres' notation; None: `LOCK_TIMEOUT`), then UnavailableError.
        """
        self.execute(f"set local lock_timeout = '{timeout or LOCK_TIMEOUT}'")
        self.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", ["/".join(names)])

    def become(self, role: str) -> None:
        """Act as `role` until the transaction ends. `role` is one of our own names."""
        self.execute(f'set local role "{role}"')


@dataclass(frozen=True)
class Warehouse:
    """A migrated database."""

    address: database.DatabaseAddress
    role_prefix: str
    reader_url: str | None = field(default=None, repr=False)
    """How the read-only role logs in, where it may not in the owner's way."""
    idle: deque[dbapi.Connection] = field(default_factory=deque, init=False, repr=False, compare=False)
    """Open connections that nobody uses: opening one takes fifty milliseconds, a small transaction one."""

    def __post_init__(self) -> None:
        weakref.finalize(self, _close_all, self.idle)

    def close(self) -> None:
        """Close the idle connections."""
        _close_all(self.idle)

    @contextmanager
    def transaction(self, *, role: str | None = None) -> Iterator[Transaction]:
        """Open a transaction; commit at the end, roll back on an error.

        `role` (`ingest`, …) drops the rights of the owner for its length. Raises UnavailableError
        where the server is lost or another process holds a lock for longer than `LOCK_TIMEOUT`.
        """
        with self._reported():
            connection = self._take()
            try:
                transaction = Transaction(connection)
                if role is not None:
                    transaction.become(f"{self.role_prefix}_{role}")
                yield transaction
                connection.commit()
            except BaseException:
                connection.close()  # rolls back
                raise
            self.idle.append(connection)

    def frame(self, query: str, parameters: Sequence[object] = ()) -> pl.DataFrame:
        """Run one query in a transaction of its own."""
        with self.transaction() as transaction:
            return transaction.frame(query, parameters)

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one query in a transaction of its own; its rows as tuples."""
        with self.transaction() as transaction:
            return transaction.rows(query, parameters)

    def replace(self, table: str, frame: pl.DataFrame) -> int:
        """Make `frame` the whole content of `schema.table`, in one transaction; return its rows."""
        with self.transaction() as transaction:
            transaction.lock(table)
            transaction.execute(f"delete from {table}")  # noqa: S608  (our own table names)
            rows = transaction.insert(table, frame)
        self.analyse(table)
        return rows

    def analyse(self, *tables: str) -> None:
        """Renew the planner's statistics of tables that were just filled; without them it plans blindly."""
        with self.transaction() as transaction:
            for table in tables:
                transaction.execute(f"analyze {table}")

    def query(self, text: str) -> pl.DataFrame:
        """Run a user's query as the read-only role; its rows.

        It logs in as that role: a role that was only put on can be taken off by a query. The transaction is
        read-only, and the text is one statement.

        Raises InputError with the server's words, for a result that
        is no table of plain values, and where the role may not log in.
        """
        with self._reported(), readers.connect(self.address, self.role, self.reader_url) as connection:
            transaction = Transaction(connection)
            transaction.execute("set transaction read only")
            try:
                return transaction.frame(text)
            except adbc_driver_manager.Error as error:
                raise InputError(_words(error)) from error
            except (pl.exceptions.PolarsError, pa.ArrowException, OverflowError, TypeError, ValueError) as error:
                raise InputError(
                    f"the result cannot be shown ({error}): name columns apart, cast unusual types to text"
                ) from error

    @property
    def role(self) -> str:
        """Name of the read-only role."""
        return f"{self.role_prefix}_reader"

    def _take(self) -> dbapi.Connection:
        """Return an idle connection that still answers, or a new one."""
        while self.idle:
            connection = self.idle.pop()
            try:
                Transaction(connection).rows("select 1")
            except adbc_driver_manager.Error:
                connection.close()  # its server was restarted
            else:
                return connection
        return dbapi.connect(self.address.libpq())

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn a lost server and a lock that is held into errors that say so."""
        try:
            yield
        except adbc_driver_manager.Error as error:
            state = error.sqlstate or ""
            if state == _NO_SUCH_ROLE:
                raise InputError(f"{_words(error)}: was ONS_BIGDATA_ROLE_PREFIX another one at set-up?") from error
            if state == _LOCK_NOT_AVAILABLE:
                raise UnavailableError(
                    f"another process holds what this one needs, and did not give it back in time: {_words(error)}"
                ) from error
            if state.startswith(_CONNECTION_LOST) or error.status_code == adbc_driver_manager.AdbcStatusCode.IO:
                raise UnavailableError(f"database {self.address}: {_words(error)}") from error
            raise


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse of these settings: server started if needed, database made and migrated."""
    address = database.ensure(settings)
    migrate.migrate(address, role_prefix=settings.role_prefix)
    reader_url = settings.reader_url.get_secret_value() if settings.reader_url else None
    return Warehouse(address=address, role_prefix=settings.role_prefix, reader_url=reader_url)


def _close_all(connections: deque[dbapi.Connection]) -> None:
    while connections:
        connections.pop().close()


def _plain(table: pa.Table) -> pl.DataFrame:
    """Turn Postgres' own types into what polars knows.

    json stays text; numeric becomes Int64 where every value is whole, else Float64.
    """
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


def _words(error: adbc_driver_manager.Error) -> str:
    """Keep the server's message; drop the driver's wrapping."""
    message = str(error).split("ERROR:", 1)[-1]
    for wrapping in ("SQLSTATE", "Query was:"):
        message = message.split(wrapping, 1)[0]
    return message.strip().rstrip(".")
