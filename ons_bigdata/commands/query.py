"""`query`: a user's statement, run as the read-only role or as the custodian."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.role_logins import (
    CustodianLogin,
    read_custodian_login,
    renew_custodian_password,
)
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from ons_bigdata.settings import Settings

_NOTHING = re.compile(r"--[^\n]*|/\*.*?\*/|[\s;]+", flags=re.DOTALL)
"""Comments, blanks and ends of statements."""

_SEVERAL = "multiple commands"
"""Part of the server's message on several statements: only the server can distinguish them from `;` in a text."""

_RESTRICTED = "permission denied for schema restricted"
"""Part of the server's message on a table that only the custodian may read."""


def run_query(text: str, settings: Settings, *, as_custodian: bool = False) -> pl.DataFrame:
    """Return the rows of a query.

    Raises InputError where it is empty, several statements, or fails, and without a password of the custodian.
    """
    if not _NOTHING.sub("", text):
        raise InputError("the query is empty; expected one SELECT")
    login = _custodian_login(settings) if as_custodian else None
    try:
        return open_warehouse(settings).query(text, login)
    except InputError as error:
        if _SEVERAL in str(error):
            raise InputError("the query is more than one statement; expected one SELECT") from error
        if _RESTRICTED in str(error) and login is None:
            raise InputError(f"{error}\nrows about single people, homes and devices: `query --as custodian`") from error
        raise


def renew_custodian_secret(settings: Settings) -> Path:
    """Set a new password of the custodian in the database; return the file to which it was written."""
    path = settings.custodian_password_file
    renew_custodian_password(open_warehouse(settings).address, _custodian(settings), path)
    return path


def _custodian_login(settings: Settings) -> CustodianLogin:
    password = settings.custodian_password
    text = None if password is None else password.get_secret_value()
    return read_custodian_login(_custodian(settings), text, settings.custodian_password_file)


def _custodian(settings: Settings) -> str:
    return f"{settings.role_prefix}_custodian"
