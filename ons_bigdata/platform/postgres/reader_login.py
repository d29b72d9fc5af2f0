"""How the read-only role logs in: on the embedded server freely, elsewhere with a password derived from the owner's."""

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


def connect(address: DatabaseAddress, role: str, reader_url: str | None) -> dbapi.Connection:
    """Return a connection that is logged in as the role.

    Raises InputError where the server does not let the role in; `reader_url` (ONS_BIGDATA_READER_URL) then says how.
    """
    if reader_url is not None:
        return dbapi.connect(reader_url)
    password = derived_password(address, role)
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


def derived_password(address: DatabaseAddress, role: str) -> str | None:
    """Return the role's password, the same for whoever knows the owner's; None where the owner needs none."""
    if address.password is None:
        return None
    return hmac.new(address.password.encode(), role.encode(), hashlib.sha256).hexdigest()


def _set_password(address: DatabaseAddress, role: str, password: str) -> None:
    """Give the role its password, hashed before it is sent: server logs may keep statements."""
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
        f"the read-only role {role} may not log in to {address}; let it in (pg_hba.conf), or say how it logs in with "
        "ONS_BIGDATA_READER_URL"
    )
