"""Process of `ons-bigdata compliance` that may kill itself (SIGKILL) at a step of its work.

Arguments: number of the step at which the process kills itself (0: never; then the steps are printed on standard error,
a line each), and those of the command. A step is a call of the operating system by which a file of the state folder
is opened for writing, renamed or deleted, the time before and after a commit, and before and after the records of
Dagster.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from adbc_driver_manager import dbapi

from ons_bigdata import cli
from ons_bigdata.commands import compliance
from ons_bigdata.settings import get_settings


class Steps:
    """Counts steps; at the last one the process ends without notice."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.taken: list[str] = []

    def take(self, name: str) -> None:
        """Count a step."""
        self.taken.append(name)
        if len(self.taken) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Count a step before and after each call of a function."""
        function: Callable[..., Any] = getattr(owner, name)

        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.take(f"before {name}")
            result = function(*arguments, **named)
            self.take(f"after {name}")
            return result

        setattr(owner, name, counted)

    def on_files(self, folder: str) -> None:
        """Count a step at each change of a file below a folder."""

        def count(event: str, arguments: tuple[Any, ...]) -> None:
            is_written = event in ("os.rename", "os.remove", "os.mkdir", "os.truncate") or (
                event == "open" and arguments[2] & os.O_ACCMODE
            )
            if is_written and str(arguments[0]).startswith(folder):
                self.take(f"{event} {Path(arguments[0]).relative_to(folder)}")

        sys.addaudithook(count)


def main() -> None:
    """Run the command."""
    _, last, *arguments = sys.argv
    steps = Steps(int(last))
    steps.on_files(str(get_settings().home))
    steps.around(dbapi.Connection, "commit")
    steps.around(compliance, "_report_to_dagster")
    try:
        cli.app(["compliance", *arguments], standalone_mode=False)
    finally:
        sys.stderr.writelines(f"{number} {name}\n" for number, name in enumerate(steps.taken, 1))
