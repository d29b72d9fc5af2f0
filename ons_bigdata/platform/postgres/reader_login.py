"""Login of the read-only role: free on the embedded server, elsewhere by a password derived from the owner's."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import adbc_driver_manager
import psycopg2
from adbc_driver_postgresql import dbapi
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from ons_bigdata.platform.postgres.database import DatabaseAddress


def connect_as_reader(address: DatabaseAddress, role: str, reader_url: str | None) -> dbapi.Connection:
    """Return a connection that is logged in as the role; `reader_url` (ONS_BIGDATA_READER_URL) replaces the address.

    Raises InputError where the server does not admit the role.
    """
    if reader_url is not None:
        return dbapi.connect(reader_url)
    password = derive_password(address, role)
    try:
        return dbapi.connect(address.libpq(user=role, password=password))
    except adbc_driver_manager.Error as error:
        if password is None:
            raise _refused(address, role) from error
    _set_password(address, role, password)
    try:
        return dbapi.connect(address.libpq(user=role, password=password))
    except adbc_driver_manager.Error as error:
        raise _refused(address, role) from error


def derive_password(address: DatabaseAddress, role: str) -> str | None:
    """Return the role's password: an HMAC of the role's name with the owner's password; None if there is none."""
    if address.password is None:
        return None
    return hmac.new(address.password.encode(), role.encode(), hashlib.sha256).hexdigest()


def _set_password(address: DatabaseAddress, role: str, password: str) -> None:
    """Set the role's password, hashed before it is sent, since server logs may contain statements."""
    connection = psycopg2.connect(address.libpq())
    try:
        with connection, connection.cursor() as cursor:
            hashed = encrypt_password(password, role, connection, "scram-sha-256")
            statement = sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(hashed))
            cursor.execute(statement)
    finally:
        connection.close()


def _refused(address: DatabaseAddress, role: str) -> InputError:
    return InputError(
        f"the read-only role {role} may not log in to {address}; admit it in pg_hba.conf or set "
        "ONS_BIGDATA_READER_URL to a URL with which it logs in"
    )
