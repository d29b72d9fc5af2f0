"""Progress on standard error: bars in a terminal, one line for each task or step elsewhere."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from ons_bigdata.platform import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_ERROR = 2
"""File descriptor."""

STARTING = "starting"
"""Title of the bar until the first report: importing the libraries takes seconds."""

WIDE = 110
"""Columns of a terminal from which on bars are long."""

UPCOMING_WIDTH = 60
"""Characters of the title of the next step that a terminal shows."""


@contextmanager
def progress_bars() -> Iterator[None]:
    """Show the progress of the work within the block."""
    # Dagster redirects the descriptor of standard error to a file while a step runs; the bars need the terminal itself.
    with os.fdopen(os.dup(STANDARD_ERROR), "w", encoding="utf-8") as terminal:
        console = Console(file=terminal, highlight=False, soft_wrap=not terminal.isatty())
        with _listening(console):
            yield


@contextmanager
def _listening(console: Console) -> Iterator[None]:
    if not console.is_terminal:
        with progress.listening(_Lines(console)):
            yield
        return
    columns = (  # titles are cut in a narrow terminal, never counts and times
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(ratio=3, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=24 if console.width >= WIDE else 8),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[upcoming]}", table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")),
    )
    bars = Progress(*columns, console=console, redirect_stdout=False, expand=True)
    with bars, progress.listening(_Bars(bars)):
        yield


class _Bars:
    """One bar for each task that is not done; that of a run shows the present step and the next."""

    def __init__(self, bars: Progress) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.starting: TaskID | None = bars.add_task(STARTING, total=None, upcoming="")

    def __call__(self, report: progress.Progress) -> None:
        if self.starting is not None:
            self.bars.remove_task(self.starting)
            self.starting = None
        if report.task not in self.tasks:
            self.tasks[report.task] = self.bars.add_task(report.task, total=report.total, upcoming="")
        task = self.tasks[report.task]
        if report.current or report.upcoming:
            upcoming = f"next: {report.upcoming}"[:UPCOMING_WIDTH] if report.upcoming else ""
            title = escape(report.current or report.task)
            self.bars.update(task, description=title, upcoming=escape(upcoming))
        self.bars.update(task, completed=report.done, total=report.total)
        if report.total is not None and report.done >= report.total:
            self.bars.remove_task(self.tasks.pop(report.task))
        if not self.tasks:  # between two tasks the terminal is not still
            self.starting = self.bars.add_task("working", total=None, upcoming="")


class _Lines:
    """One line when a task or a step begins: enough for a log."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.begun: set[tuple[str, str | None]] = set()

    def __call__(self, report: progress.Progress) -> None:
        begun = (report.task, report.current)
        if begun in self.begun or (report.current is None and report.done > 0):
            return
        self.begun.add(begun)
        if report.current is None:
            count = "" if report.total in (None, 1) else f" ({report.total})"
            self.console.print(escape(f"… {report.task}{count}"))
        else:
            self.console.print(escape(f"… {report.current} ({report.done + 1} of {report.total})"))
