"""Which database serves: the embedded server's or the one that the settings name, and how to reach it.

Starts the embedded server when it is needed and creates the database. Tables and rows are `warehouse`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import embedded

if TYPE_CHECKING:
    from ons_bigdata.settings import Settings

DATABASE = "ons_bigdata"
"""Name of the database on the embedded server."""

CONNECT_TIMEOUT_SECONDS = 10

_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""Parameters of the URL that dbt must be told too."""


@dataclass(frozen=True)
class DatabaseAddress:
    """How to reach the database, in the forms that the libraries want."""

    url: URL
    is_embedded: bool

    def libpq(self, *, user: str | None = None, password: str | None = None) -> str:
        """Return a libpq URI, as ADBC and psql take it; `user` logs in as that role, with that password or none."""
        url = self.url
        if user is not None:
            url = URL.create(url.drivername, user, password, url.host, url.port, url.database, url.query)
        return _rendered(url, "postgresql", {"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)})

    def sqlalchemy(self, *, search_path: str) -> str:
        """Return a SQLAlchemy URL with the driver spelt out, tables found in `search_path`."""
        return _rendered(self.url, "postgresql+psycopg2", {"options": f"-csearch_path={search_path}"})

    def dbt_target(self) -> dict[str, object]:
        """Return host, port, user and database of a dbt target; never the password."""
        query = self.url.query
        host = self.url.host or query.get("host")
        return {
            "host": host,
            "port": self.url.port or int(str(query.get("port", 5432))),
            "user": self.url.username or "postgres",
            "dbname": self.url.database,
            **{name: str(query[name]) for name in _TLS if name in query},
        }

    @property
    def password(self) -> str | None:
        """Password of an existing server, if its URL has one. Never log it."""
        return None if self.url.password is None else str(self.url.password)

    def __str__(self) -> str:
        return self.url.render_as_string(hide_password=True)


def _rendered(url: URL, drivername: str, query: dict[str, str]) -> str:
    text = url.set(drivername=drivername).update_query_dict(query).render_as_string(hide_password=False)
    address, _, query_text = text.partition("?")
    return f"{address}?{query_text.replace('+', '%20')}"  # libpq knows a blank only as %20


def expected(settings: Settings) -> DatabaseAddress:
    """Return the address that the database has once its server runs; ask no server."""
    if settings.database_url is not None:
        return _existing(settings.database_url.get_secret_value())
    return _on_embedded(embedded.ServerAddress(str(settings.data_dir), embedded.SOCKET_PORT, embedded.SUPERUSER))


def ensure(settings: Settings) -> DatabaseAddress:
    """Return the address of a database that answers, starting the embedded server if it is needed.

    Raises InputError for a URL that is none or not Postgres', UnavailableError where no server answers.
    """
    if settings.database_url is not None:
        address = _existing(settings.database_url.get_secret_value())
        probe(address)
        return address
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        server = embedded.start(settings.data_dir)
    except ValueError as error:
        raise InputError(str(error)) from error
    except embedded.ServerUnavailableError as error:
        raise UnavailableError(str(error)) from error
    _create_database(server)
    return _on_embedded(server)


def probe(address: DatabaseAddress) -> None:
    """Ask the server for an answer. Raises UnavailableError with the server's own words."""
    try:
        psycopg2.connect(address.libpq()).close()
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"database {address} does not answer: {str(error).strip()}") from error


def _existing(text: str) -> DatabaseAddress:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise InputError("ONS_BIGDATA_DATABASE_URL is not a URL; expected postgresql://user@host/database") from error
    if url.get_backend_name() != "postgresql" or not url.database:
        raise InputError(
            "ONS_BIGDATA_DATABASE_URL must be postgresql://user@host/database, "
            f"found backend '{url.get_backend_name()}', database '{url.database}'"
        )
    return DatabaseAddress(url=url.set(drivername="postgresql"), is_embedded=False)


def _on_embedded(server: embedded.ServerAddress) -> DatabaseAddress:
    return DatabaseAddress(url=make_url(server.url(DATABASE)), is_embedded=True)


def _create_database(server: embedded.ServerAddress) -> None:
    connection = psycopg2.connect(server.url("postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                try:
                    cursor.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
                except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                    return  # another process was quicker
    finally:
        connection.close()
