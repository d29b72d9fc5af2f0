"""Failures of assets about single people, homes or devices: reported without the text of the error.

Texts of libraries hold values: a row that a database refuses, a number that does not parse. What is raised to Dagster
is in the event log, in the logs of the run and on the screen.
"""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ons_bigdata.platform.errors import InputError, StepFailedError, UnavailableError, find_unavailable
from ons_bigdata.platform.lake.engine import WorkerFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE = Path(__file__).parents[2]
PERSONAL_SCHEMAS = ("restricted", "lake")


def is_personal(relations: Iterable[str]) -> bool:
    """True if one of the relations (`schema.relation`) may hold rows about single people, homes or devices."""
    return any(relation.split(".")[0] in PERSONAL_SCHEMAS for relation in relations)


@contextmanager
def conceal_content(asset: str, *, personal: bool = True) -> Iterator[None]:
    """Raise StepFailedError with kind and place of an error, without its text, in the place of any other exception.

    Errors that the user is shown (ReportedError) are our own texts and pass, but for the last words of a worker. A
    server that is lost or a disk that is full is an UnavailableError. Does nothing unless `personal`.
    """
    try:
        yield
    except Exception as error:
        if not personal or (
            isinstance(error, InputError | UnavailableError | StepFailedError)
            and not isinstance(error, WorkerFailedError)
        ):
            raise
        failure: Exception
        if find_unavailable(error) is not None:
            failure = UnavailableError(f"{asset}: the database does not answer, or the disk cannot be written")
        else:
            failure = StepFailedError(
                f"{asset}: {_kind(error)} in {_place(error)}; its text may hold personal data and is not kept"
            )
    else:
        return
    raise failure from None


def _kind(error: Exception) -> str:
    return error.kind if isinstance(error, WorkerFailedError) else type(error).__name__


def _place(error: Exception) -> str:
    """File, line and function of ours where an error was raised or passed last."""
    if isinstance(error, WorkerFailedError):
        return error.function
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if PACKAGE in Path(frame.filename).parents]
    if not frames:
        return "a library"
    last = frames[-1]
    return f"{Path(last.filename).relative_to(PACKAGE.parent)}:{last.lineno} ({last.name})"
