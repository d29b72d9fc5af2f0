"""Logins of the roles that query: the reader, admitted freely or by a derived password, and the custodian.

The custodian has a password of its own: from the environment, or from a file that `ons-bigdata new-secret custodian`
writes while it sets the password in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import adbc_driver_manager
import psycopg2
from adbc_driver_postgresql import dbapi
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.state_folder import make_private_folder, write_private_file

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.platform.postgres.database import DatabaseAddress

_PASSWORD_BYTES = 32
_REMEDY = "run `ons-bigdata new-secret custodian` or set ONS_BIGDATA_CUSTODIAN_PASSWORD"


@dataclass(frozen=True)
class ReaderLogin:
    """Login of the read-only role; `url` (ONS_BIGDATA_READER_URL) replaces the address."""

    role: str
    url: str | None = field(default=None, repr=False)

    def connect(self, address: DatabaseAddress) -> dbapi.Connection:
        """Open a connection that is logged in as the role. Raises InputError where the server does not admit it."""
        if self.url is not None:
            return dbapi.connect(self.url)
        password = derive_password(address, self.role)
        try:
            return dbapi.connect(address.libpq(user=self.role, password=password))
        except adbc_driver_manager.Error as error:
            if password is None:
                raise _refused(address, self.role) from error
        set_password(address, self.role, password)
        try:
            return dbapi.connect(address.libpq(user=self.role, password=password))
        except adbc_driver_manager.Error as error:
            raise _refused(address, self.role) from error


@dataclass(frozen=True)
class CustodianLogin:
    """Login of the role that reads schema restricted, by its password."""

    role: str
    password: str = field(repr=False)

    def connect(self, address: DatabaseAddress) -> dbapi.Connection:
        """Open a connection that is logged in as the role. Raises InputError where the server refuses the password."""
        try:
            return dbapi.connect(address.libpq(user=self.role, password=self.password))
        except adbc_driver_manager.Error:
            # without the cause: its text may hold the address with the password
            raise InputError(f"the server refuses the password of role {self.role}; {_REMEDY}") from None


RoleLogin = ReaderLogin | CustodianLogin


def read_custodian_login(role: str, password: str | None, path: Path) -> CustodianLogin:
    """Login of the custodian with a password from the environment, else from the file at `path`.

    Raises InputError where there is neither, and for a file that others than its owner may read or write.
    """
    if password is not None:
        return CustodianLogin(role, password)
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise InputError(f"no password of role {role}: {_REMEDY}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the password of role {role} at {path}: {type(error).__name__}") from None
    if mode & 0o077:
        raise InputError(f"the password of role {role} at {path} has mode {mode:04o}; expected 0600")
    return CustodianLogin(role, text)


def renew_custodian_password(address: DatabaseAddress, role: str, path: Path) -> None:
    """Set a new random password of the custodian and write it to a file of mode 0600."""
    password = secrets.token_hex(_PASSWORD_BYTES)
    set_password(address, role, password)
    make_private_folder(path.parent)
    write_private_file(path, password + "\n")


def derive_password(address: DatabaseAddress, role: str) -> str | None:
    """Return the role's password: an HMAC of the role's name with the owner's password; None if there is none."""
    if address.password is None:
        return None
    return hmac.new(address.password.encode(), role.encode(), hashlib.sha256).hexdigest()


def set_password(address: DatabaseAddress, role: str, password: str) -> None:
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
