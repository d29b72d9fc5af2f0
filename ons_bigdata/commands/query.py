"""`query`: a user's statement, run as the read-only role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.postgres.warehouse import open_warehouse

if TYPE_CHECKING:
    import polars as pl

    from ons_bigdata.settings import Settings

_NOTHING = re.compile(r"--[^\n]*|/\*.*?\*/|[\s;]+", flags=re.DOTALL)
"""Comments, blanks and ends of statements."""

_SEVERAL = "multiple commands"
"""Part of the server's message on several statements: only the server can distinguish them from `;` in a text."""


def run_query(text: str, settings: Settings) -> pl.DataFrame:
    """Return the rows of a query. Raises InputError where it is empty, several statements, or fails."""
    if not _NOTHING.sub("", text):
        raise InputError("the query is empty; expected one SELECT")
    try:
        return open_warehouse(settings).query(text)
    except InputError as error:
        if _SEVERAL in str(error):
            raise InputError("the query is more than one statement; expected one SELECT") from error
        raise
