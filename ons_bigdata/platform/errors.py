"""The errors a user sees, each with the exit code of the command that meets it. No logic."""

from __future__ import annotations


class ReportedError(Exception):
    """An error with a message for the user; `exit_code` is what the command line returns."""

    exit_code = 1


class StepFailedError(ReportedError):
    """A step or a blocking check failed."""

    exit_code = 1


class InputError(ReportedError):
    """Usage, settings or input are not what was expected."""

    exit_code = 2


class UnavailableError(ReportedError):
    """A server cannot be reached, or another process holds the lock."""

    exit_code = 3
