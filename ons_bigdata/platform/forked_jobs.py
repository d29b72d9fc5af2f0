"""Jobs in forked processes, several at a time: their progress is reported here, their results come back as JSON.

A fork begins with everything that this process has loaded, which takes a new one seconds of processor time. It has a
session of its own, so that Ctrl-C does not reach it; it ends once its connection to this process is closed, by this
process or by its end.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ons_bigdata.platform import progress
from ons_bigdata.platform.state_folder import open_private

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess

INTERRUPT_EVERY_S, INTERRUPTS = 10.0, 3
"""A process whose connection is closed interrupts itself; with nobody heeding that many times, it kills itself."""

MOST_WAIT_S = 1.0
"""A signal that comes just before a wait begins is heeded at its end."""

INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a fork that was interrupted."""

_PROGRESS, _RESULT, _ERROR = "progress", "result", "error"
"""Kinds of messages of a fork."""


class Sites(ExitStack):
    """Servers of simulated sites that are open until the stack is closed."""

    is_any_open = False

    def enter_context(self, cm: Any) -> Any:  # noqa: ANN401  (as in the class above)
        """Open a site."""
        self.is_any_open = True
        return super().enter_context(cm)


@dataclass(frozen=True)
class Job:
    """Named work; its result can be written as JSON."""

    name: str
    work: Callable[[ExitStack], dict[str, Any]]
    """Function of the stack that keeps its sites open; raises KeyboardInterrupt where it was interrupted."""


@dataclass(frozen=True)
class Ended:
    """How the process of a job ended: with a result, or with none."""

    name: str
    seconds: float
    result: dict[str, Any] | None
    killed: str | None
    """Reason why there is no result, in words; None where there is one."""


class JobError(RuntimeError):
    """An error of the program in a job; the text is its traceback."""


@dataclass
class _Fork:
    """A process with a job."""

    job: Job
    process: BaseProcess
    connection: Connection
    started: float = field(default_factory=time.monotonic)
    unfinished: set[str] = field(default_factory=set)
    """Tasks that it has reported and not ended."""

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def end(self) -> None:
        """Ask the process to end, and wait; after its patience, or an interrupt, kill it and all that it started."""
        self.connection.close()
        try:
            self.process.join((INTERRUPTS + 1) * INTERRUPT_EVERY_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill what is left of the process and of those that it started."""
        self.process.kill()  # it may not have its session yet
        with suppress(ProcessLookupError, PermissionError):  # none is left, or none of this user
            os.killpg(self.process.pid or 0, signal.SIGKILL)
        self.process.join()


def can_fork() -> bool:
    """True where a fork is safe: on Linux, before a first computation of polars, whose threads a fork lacks."""
    if sys.platform != "linux":
        return False
    names = []
    for file in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):  # the thread has ended
            names.append(file.read_text().strip())
    return not any(re.fullmatch(r"polars-\d+|async-executor-?|tokio-.*", name) for name in names)


def run_forked(jobs: Sequence[Job], *, most: int, sites: ExitStack, log: Path) -> list[Ended]:
    """Run jobs in forks, at most `most` at a time, begun in their order; return how each ended, in that order.

    One that is killed stops no other. A process with open sites serves them until `sites` is closed. What the processes
    print goes to the file `log`. An interrupt ends all processes, as does an error of the program: raises JobError.
    """
    waiting, running, ended = deque(jobs), list[_Fork](), dict[str, Ended]()
    connections: list[Connection] = []
    try:
        while waiting or running:
            while waiting and len(running) < most:
                running.append(_start(waiting.popleft(), connections, log))
                connections.append(running[-1].connection)
            ready = wait([fork.connection for fork in running], timeout=MOST_WAIT_S)
            for fork in [fork for fork in running if fork.connection in ready]:
                result = _take_message(fork, sites)
                if result is not None:
                    running.remove(fork)
                    ended[fork.job.name] = result
    finally:
        for fork in running:  # all are asked before the first is waited for
            fork.connection.close()
        with ExitStack() as ends:  # each is waited for, even if an interrupt ends the wait for another
            for fork in running:
                ends.callback(fork.end)
    return [ended[job.name] for job in jobs]


def _start(job: Job, others: Sequence[Connection], log: Path) -> _Fork:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_be_fork, args=(job, theirs, [ours, *others], log), name=job.name
    )
    process.start()
    theirs.close()
    return _Fork(job, process, ours)


def _take_message(fork: _Fork, sites: ExitStack) -> Ended | None:
    """Read a message of a fork and report its progress, or return how it ended. Raises JobError for an error."""
    try:
        kind, content = json.loads(fork.connection.recv_bytes())
    except (EOFError, ConnectionError):
        fork.kill()
        for task in sorted(fork.unfinished):
            progress.report(task, 1, 1)  # else it would be shown as if it went on
        return Ended(fork.job.name, fork.seconds(), None, _reason(fork.process.exitcode))
    if kind == _PROGRESS:
        _report(fork, progress.Progress(**content))
        return None
    if kind == _ERROR:
        raise JobError(f"{fork.job.name}:\n{content}")
    result = Ended(fork.job.name, fork.seconds(), content["result"], None)
    if content["has_sites"]:
        sites.callback(fork.end)
    else:
        fork.process.join(INTERRUPT_EVERY_S)
        fork.end()
    return result


def _reason(exit_code: int | None) -> str:
    if exit_code == INTERRUPTED:
        return "its process was interrupted"
    if exit_code is None or exit_code >= 0:
        return f"its process ended with exit code {exit_code}"
    return f"its process was killed (signal {-exit_code}, {signal.Signals(-exit_code).name})"


def _report(fork: _Fork, found: progress.Progress) -> None:
    """Report progress of a job under its name, which titles of steps of a pilot have already."""
    begin = f"{fork.job.name}: "

    def titled(text: str) -> str:
        return text if text.startswith(begin) else begin + text

    task = titled(found.task)
    current, upcoming = (None if text is None else titled(text) for text in (found.current, found.upcoming))
    progress.report(task, found.done, found.total, current=current, upcoming=upcoming)
    if found.total is not None and found.done >= found.total:
        fork.unfinished.discard(task)
    else:
        fork.unfinished.add(task)


def _be_fork(job: Job, connection: Connection, others: Sequence[Connection], log: Path) -> None:
    """Do a job in this fork, send its result, and end without what the parent has registered for its end."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    for other in others:  # held open here, they would not tell their processes that the parent has ended
        other.close()
    _print_to(log)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    sending = threading.Lock()

    def send(kind: str, content: object) -> None:
        with sending, suppress(OSError):  # the parent has ended: so does this process
            connection.send_bytes(json.dumps([kind, content]).encode())

    code = 0
    try:
        with Sites() as sites, progress.listening(lambda found: send(_PROGRESS, asdict(found))):
            result = job.work(sites)
            send(_RESULT, {"result": result, "has_sites": sites.is_any_open})
            with suppress(KeyboardInterrupt):
                while sites.is_any_open:
                    signal.pause()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:
        send(_ERROR, traceback.format_exc())
        code = 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends now
    sys.exit(code)


def _print_to(log: Path) -> None:
    """Append what this process and its libraries print to a file: the terminal shows the progress of all processes."""
    file = open(log, "a", encoding="utf-8", buffering=1, opener=open_private)  # noqa: SIM115  (open to the end)
    for number in (1, 2):
        os.dup2(file.fileno(), number)
    sys.stdout = sys.stderr = file


def _end_with_parent(connection: Connection) -> None:
    """Wait until the parent closes its end of a connection, on which it sends nothing; then interrupt this process."""
    connection.poll(None)
    for _ in range(INTERRUPTS):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(INTERRUPT_EVERY_S)
    os.killpg(0, signal.SIGKILL)
