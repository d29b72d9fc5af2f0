"""Options that groups of commands share, and how a command heeds Ctrl-C and requests to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Annotated

import typer

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit code 1 if any check failed, also one that only warns.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def call_on_request_to_end(stop: Callable[[], None]) -> None:
    """Call a function on Ctrl-C and on a request to end, also in a process started in the background.

    In a thread: the main thread may hold the lock that the function needs when the signal interrupts it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: threading.Thread(target=stop, daemon=True).start())


def stop_event() -> threading.Event:
    """Return an event that Ctrl-C or a request to end sets.

    Sets its own handlers: a process started in the background ignores Ctrl-C, and Dagster, once imported, lets it
    ignore a request to end as well.
    """
    stop = threading.Event()
    call_on_request_to_end(stop.set)
    return stop


def heed_requests_to_end() -> None:
    """Make a request to end (SIGTERM) interrupt a command that was started in the background.

    Such a process ignores Ctrl-C, and Dagster handles a request to end as Ctrl-C is handled: by ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt_unless_ctrl_c)


def _interrupt_unless_ctrl_c(number: int, _frame: object) -> None:
    if number != signal.SIGINT:
        raise KeyboardInterrupt
