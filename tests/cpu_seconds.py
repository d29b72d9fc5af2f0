"""CPU seconds of the tests of each folder, printed at the end of a run; its hooks are those of `conftest.py`.

A test has what its process spends from its set-up to its tear-down, with the processes below it that run or have ended,
and with those that `watch` was told. Fixtures of a session count with the test that asks for them first. Each worker of
xdist measures its tests; the controller adds them up.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

TICKS = os.sysconf("SC_CLK_TCK")
DEEPEST = 2
"""Folders below that of the tests with a line of their own."""
IN_WORKER = "workeroutput"
"""Attribute of the configuration of a worker: what it hands over at its end."""


@dataclass
class Measured:
    """CPU seconds of the tests of a run so far."""

    last: float = 0.0
    """CPU seconds of this process and its like when the last phase of a test ended."""
    watched: dict[int, float] = field(default_factory=dict)
    """Watched process → its CPU seconds when it was last seen: they stay spent when it has ended."""
    by_file: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    workers: float = 0.0
    """CPU seconds of the workers that have ended, tests included."""


_measured = Measured()


def watch(process: int) -> None:
    """Count a process, which is none of the children of this one, with what it does from now on."""
    _measured.watched[process] = _tree_seconds(process)
    _measured.last += _measured.watched[process]


def spent() -> float:
    """CPU seconds so far of this process, of those below it and of the watched ones."""
    for process, seconds in _measured.watched.items():
        _measured.watched[process] = max(seconds, _tree_seconds(process))
    return _tree_seconds(os.getpid()) + sum(_measured.watched.values())


def _own_seconds() -> float:
    """CPU seconds of this process without those below it."""
    return sum(os.times()[:2])


def _tree_seconds(process: int) -> float:
    """CPU seconds of a process, of its children that have ended and of those that run; 0 for one that has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        children = [
            int(child) for tasks in Path(f"/proc/{process}/task").iterdir() for child in _read(tasks / "children")
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(map(_tree_seconds, children))


def _read(path: Path) -> list[str]:
    """Words of a file; none where its process has just ended or the kernel does not keep it."""
    try:
        return path.read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []


# --- hooks ----------------------------------------------------------------------------------------------


def pytest_collection_finish() -> None:
    """Begin to measure: what was spent before is start and collection."""
    _measured.last = spent()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.CallInfo[None], None]:
    """Add to the report of a phase what was spent since the phase before."""
    outcome = yield
    now = spent()
    outcome.get_result().cpu_seconds = max(0.0, now - _measured.last)  # type: ignore[attr-defined]
    _measured.last = now


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up the reports, of this process or of all workers."""
    _measured.by_file[report.nodeid.partition("::")[0]] += getattr(report, "cpu_seconds", 0.0)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what a worker has spent in all."""
    if hasattr(session.config, IN_WORKER):
        session.config.workeroutput["cpu_seconds"] = spent()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Add up what the workers have spent."""
    _measured.workers += getattr(node, IN_WORKER, {}).get("cpu_seconds", 0.0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the CPU seconds of each folder."""
    if not _measured.by_file:
        return
    terminalreporter.section("CPU seconds by folder")
    # the workers, which are below this process, have handed over their seconds with those of the servers they watch
    total = _measured.workers + _own_seconds() if _measured.workers else spent()
    for line in summary(_measured.by_file, total=total):
        terminalreporter.write_line(line)


def summary(by_file: dict[str, float], *, total: float) -> Iterator[str]:
    """Lines of the summary: each folder with those below it, then the rest of the total and the total."""
    folders: dict[PurePosixPath, float] = defaultdict(float)
    for file, seconds in by_file.items():
        path = PurePosixPath(file)
        own = [folder for folder in path.parents if folder.parts][::-1]
        for folder in own[: DEEPEST + 1][1:] or own:
            folders[folder] += seconds
    for folder, seconds in sorted(folders.items()):
        yield f"{seconds:9.1f}  {'  ' * max(0, len(folder.parts) - 2)}{folder}"
    in_tests = sum(by_file.values())
    yield f"{total - in_tests:9.1f}  start, collection and what is outside of tests"
    yield f"{total:9.1f}  all"
