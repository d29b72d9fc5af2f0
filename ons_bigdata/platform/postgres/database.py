"""Address of the database, embedded or existing, in the forms that the libraries take; its creation and a probe."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.postgres import embedded
from ons_bigdata.platform.state_folder import prepare_state_folder

if TYPE_CHECKING:
    from ons_bigdata.settings import Settings

DATABASE = "ons_bigdata"
"""Name of the database on the embedded server."""

CONNECT_TIMEOUT_SECONDS = 10

_TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""Parameters of the URL that a dbt target also accepts."""
_VALUES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "gssencmode": ("disable", "prefer", "require"),
    "channel_binding": ("disable", "prefer", "require"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "load_balance_hosts": ("disable", "random"),
    "sslnegotiation": ("postgres", "direct"),
}
"""Parameters of the URL with a closed list of values (libpq, 34.1.2); libpq refuses others only when it connects."""
_NUMBERS = (
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "sslcompression", "sslsni"),
)
"""Parameters of the URL that are whole numbers."""
_SHOWN = ("host", "hostaddr", "port", *_TLS)
"""Parameters of the URL that may be shown; any other may be a secret (sslpassword, oauth_client_secret)."""


_LOGIN_PARAMETER = re.compile(r"pass(?:word|wd|phrase)?\s{0,9}=", re.IGNORECASE)
"""A password as other drivers write it (`;password=…`): it would be shown as part of the address."""


@dataclass(frozen=True)
class DatabaseAddress:
    """Address and login of a database. `str()` of it shows no secret."""

    url: URL
    is_embedded: bool

    def libpq(self, *, user: str | None = None, password: str | None = None) -> str:
        """Return a libpq URI for ADBC and psql; `user` logs in as that role, with that password or none."""
        url = self.url
        if user is not None:
            url = URL.create(url.drivername, user, password, url.host, url.port, url.database, url.query)
        return _render(url, "postgresql", {"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)})

    def sqlalchemy(self, *, search_path: str) -> str:
        """Return a SQLAlchemy URL with the driver psycopg2; tables are looked up in the schema `search_path`."""
        return _render(self.url, "postgresql+psycopg2", {"options": f"-csearch_path={search_path}"})

    def dbt_target(self) -> dict[str, object]:
        """Return host, port, user, database and TLS files of a dbt target; never the password."""
        query = self.url.query
        return {
            "host": self.url.host or query.get("host"),
            "port": self.url.port or int(str(query.get("port", 5432))),
            "user": self.url.username or "postgres",
            "dbname": self.url.database,
            **{name: str(query[name]) for name in _TLS if name in query},
        }

    @property
    def password(self) -> str | None:
        """Password of an existing server, if its URL has one. Never log it."""
        return None if self.url.password is None else str(self.url.password)

    @property
    def has_secret(self) -> bool:
        """True if the URL has a password or a parameter that may be a secret, and so must not be written to a file."""
        return self.password is not None or any(name not in _SHOWN for name in self.url.query)

    def __str__(self) -> str:
        shown = {name: value for name, value in self.url.query.items() if name in _SHOWN}
        return self.url.set(query=shown).render_as_string(hide_password=True)

    __repr__ = __str__


def expected_address(settings: Settings) -> DatabaseAddress:
    """Return the address of the database once its server runs. Connects to no server."""
    if settings.database_url is not None:
        return parse_url(settings.database_url.get_secret_value(), variable="ONS_BIGDATA_DATABASE_URL")
    return _on_embedded(embedded.ServerAddress(str(settings.data_dir)))


def ensure_database(settings: Settings) -> DatabaseAddress:
    """Return the address of a database that answers; start the embedded server and create the database if needed.

    Raises InputError for a malformed URL or an unusable state folder, UnavailableError where no server answers.
    """
    prepare_state_folder(settings.home)
    if settings.database_url is not None:
        address = expected_address(settings)
        probe(address)
        return address
    server = embedded.start(settings.data_dir)
    try:
        _create_database(server)
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"{settings.data_dir}: {str(error).strip()}") from error
    return _on_embedded(server)


def probe(address: DatabaseAddress) -> None:
    """Connect once. Raises UnavailableError with the server's message where that fails."""
    try:
        psycopg2.connect(address.libpq()).close()
    except psycopg2.OperationalError as error:
        raise UnavailableError(f"database {address} does not answer: {str(error).strip()}") from error


def parse_url(text: str, *, variable: str) -> DatabaseAddress:
    """Return the address of an existing server. Login parameters of the query become user and password.

    Raises InputError that names the variable, and shows no part of the text, for anything but a Postgres URL.
    """
    expected = f"{variable}: expected postgresql://user@host:port/database"
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise InputError(f"{expected}, found no such URL") from error
    if url.get_backend_name() != "postgresql" or not url.database:
        raise InputError(f"{expected}, found another scheme or no database")
    if any(_LOGIN_PARAMETER.search(part or "") for part in (url.username, url.host, url.database)):
        raise InputError(f"{expected}?password=…, found a password in another place")
    login = {name: values[-1] for name, values in url.normalized_query.items() if name in ("user", "password")}
    url = url.difference_update_query(list(login))
    url = url.set(username=login.get("user", url.username), password=login.get("password", url.password))
    ports = [*url.normalized_query.get("port", ()), *([] if url.port is None else [str(url.port)])]
    if not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        raise InputError(f"{expected}, found port {', '.join(ports)}; ports are 1 to 65535")
    _require_known_values(url, variable)
    address = DatabaseAddress(url=url.set(drivername="postgresql"), is_embedded=False)
    try:
        psycopg2.extensions.parse_dsn(address.libpq())
    except psycopg2.ProgrammingError as error:
        raise InputError(f"{expected}, found a query parameter that libpq does not know") from error
    return address


def _require_known_values(url: URL, variable: str) -> None:
    """Raise InputError for a parameter of the URL whose value libpq would refuse, and list the known values."""
    for name, values in url.normalized_query.items():
        for value in values:
            if name in _VALUES and value not in _VALUES[name]:
                nearest = difflib.get_close_matches(value, _VALUES[name], 1)
                hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
                raise InputError(
                    f"{variable}: {name}: found {value[:40]!r}, expected one of {', '.join(_VALUES[name])}{hint}"
                )
            if name in _NUMBERS and re.fullmatch(r"-?[0-9]{1,9}", value) is None:
                raise InputError(f"{variable}: {name}: found {value[:40]!r}, expected a whole number")


def _render(url: URL, drivername: str, query: dict[str, str]) -> str:
    text = url.set(drivername=drivername).update_query_dict(query).render_as_string(hide_password=False)
    address, _, query_text = text.partition("?")
    return f"{address}?{query_text.replace('+', '%20')}"  # libpq reads a blank only as %20


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
