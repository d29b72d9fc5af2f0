"""Errors that a user is shown, each with the exit code of the command that raises it."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator


class ReportedError(Exception):
    """An error with a message for the user; `exit_code` is that of the command."""

    exit_code = 1


class StepFailedError(ReportedError):
    """A step or a blocking check failed."""

    exit_code = 1


class InputError(ReportedError):
    """Usage, settings or input differ from what was expected."""

    exit_code = 2


class UnavailableError(ReportedError):
    """A server cannot be reached, another process holds a lock, or the disk cannot be written."""

    exit_code = 3


_DISK = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Reasons for which the operating system refuses a file, other than faults of this program."""


def find_unavailable(error: BaseException) -> UnavailableError | None:
    """Return the reported form of an error of a library whose cause is a lost server or a refused file, else None.

    Dagster, dbt and SQLAlchemy wrap the error of the driver; the chain of causes is searched.
    """
    for cause in _causes(error):
        if isinstance(cause, UnavailableError):
            return cause
        if isinstance(cause, OSError) and cause.errno in _DISK:
            return UnavailableError(f"{cause.filename or 'a file'}: {cause.strerror}")
        driver = sys.modules.get("psycopg2")
        if driver is not None and isinstance(cause, driver.OperationalError | driver.InterfaceError):
            return UnavailableError(f"the database does not answer: {str(cause).strip()}")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and the errors from which it was raised."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
