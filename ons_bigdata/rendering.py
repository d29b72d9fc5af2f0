"""How the command line shows things: tables, progress bars, JSON. Nothing is worked out here."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from ons_bigdata.platform.dagster import progress

if TYPE_CHECKING:
    from ons_bigdata.commands.demo import DemoSummary
    from ons_bigdata.commands.doctor import Finding
    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.commands.reparse import ReparseSummary
    from ons_bigdata.commands.report import PriceReport
    from ons_bigdata.commands.scrape import ScrapeSummary
    from ons_bigdata.commands.status import Status
    from ons_bigdata.platform.dagster.processes import Running
    from ons_bigdata.platform.dagster.runs import CheckOutcome, RunOutcome
    from ons_bigdata.settings import Settings
    from ons_bigdata.simulation.shops_over_http import SimulatedShops

PIPED_WIDTH = 160
"""Columns of a table where the output is no terminal, which would have a width of its own."""


def _console(*, stderr: bool = False) -> Console:
    """Return a console that never breaks a line of text: a terminal does that itself, a pipe wants it whole."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


_out = _console()
_err = _console(stderr=True)


def say(text: str) -> None:
    """Print a line for the user."""
    _out.print(escape(text))


def complain(text: str) -> None:
    """Print an error on standard error."""
    _err.print(f"[bold red]error:[/] {escape(text)}")


def print_json(value: object) -> None:
    """Print one JSON object on standard output; dates in ISO form."""
    sys.stdout.write(json.dumps(_finite(value), default=_plain, ensure_ascii=False, allow_nan=False) + "\n")


def _finite(value: Any) -> Any:  # noqa: ANN401  (any JSON value)
    """Write NaN and infinities, which JSON has not, as their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> str:  # noqa: ANN401  (json's hook)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


@contextmanager
def progress_bars() -> Iterator[None]:
    """Show bars on standard error for the work done within; plain lines where it is no terminal."""
    if not _err.is_terminal:
        with progress.listening(_Lines()):
            yield
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_err) as bars:
        tasks: dict[str, TaskID] = {}

        def listen(task: str, done: int, total: int | None) -> None:
            if task not in tasks:
                tasks[task] = bars.add_task(task, total=total)
            bars.update(tasks[task], completed=done, total=total)

        with progress.listening(listen):
            yield


class _Lines:
    """One line when a task begins: enough for a log."""

    def __init__(self) -> None:
        self.begun: set[str] = set()

    def __call__(self, task: str, done: int, total: int | None) -> None:
        if done == 0 or task not in self.begun:
            self.begun.add(task)
            count = "" if total in (None, 1) else f" ({total})"
            _err.print(escape(f"… {task}{count}"))


def rows(frame: pl.DataFrame, output: str) -> None:
    """Print a query's rows as table, csv or json."""
    if output == "csv":
        sys.stdout.write(_without_lists(frame).write_csv())
    elif output == "json":
        print_json(frame.to_dicts())
    else:
        _out.print(_table(frame))
        _out.print(f"{frame.height} rows")


def _without_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """Write arrays as JSON text, for CSV has no lists."""
    lists = [name for name, kind in frame.schema.items() if kind.is_nested()]
    frame = frame.with_columns(pl.col(pl.Binary).bin.encode("hex"))
    return frame.with_columns(
        pl.Series(name, [json.dumps(value, default=_plain) for value in frame[name].to_list()]) for name in lists
    )


def _table(frame: pl.DataFrame, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left")
    for name, kind in frame.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return "[dim]null[/]"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return escape(str(value))


def ingest_summary(summary: IngestSummary, *, as_json: bool) -> None:
    """Print what the delivered files hold."""
    if as_json:
        print_json(summary.to_dict())
        return
    _out.print(
        f"{summary.files} files ({summary.new_files} new): {summary.rows_in:,} rows in, {summary.accepted:,} accepted, "
        f"{summary.quarantined:,} quarantined, {summary.outages} outages (empty files), {summary.refused} refused"
    )
    if summary.first_day is not None:
        _out.print(f"Days {summary.first_day} to {summary.last_day}")
    if summary.superseded:
        _out.print(f"  [yellow]superseded[/] {summary.superseded} files: another version is current")
    for refusal in summary.refusals:
        _out.print(f"  [yellow]refused[/] {escape(refusal)}")


def run_outcome(outcome: RunOutcome, *, as_json: bool) -> None:
    """Print what a run made and which checks did not pass."""
    if as_json:
        print_json(
            {
                "run_id": outcome.run_id,
                "success": outcome.success,
                "assets": outcome.assets,
                "checks": len(outcome.checks),
                "failed_checks": [_check_dict(check) for check in outcome.failed_checks],
                "failures": outcome.failures,
            }
        )
        return
    colour, word = ("green", "succeeded") if outcome.success else ("red", "failed")
    _out.print(f"Run {outcome.run_id} [{colour}]{word}[/]: {len(outcome.assets)} assets")
    for failure in outcome.failures:
        _out.print(f"  [red]failed[/] {escape(failure)}")
    _failed_checks(outcome.failed_checks, total=len(outcome.checks))


def _check_dict(check: CheckOutcome) -> dict[str, Any]:
    return {
        "asset": check.asset,
        "check": check.check,
        "blocking": check.blocking,
        "severity": check.severity,
        "metadata": check.metadata,
    }


def _failed_checks(failed: Sequence[CheckOutcome], *, total: int) -> None:
    _out.print(f"Checks: {total - len(failed)} of {total} passed")
    for check in failed:
        colour = "red" if check.blocking and check.severity == "ERROR" else "yellow"
        _out.print(f"  [{colour}]{check.asset}[/] {escape(check.check)}")
        for name, value in check.metadata.items():
            lines = str(value).splitlines()
            shown = [*lines[:4], f"… and {len(lines) - 4} more"] if len(lines) > 5 else lines
            if len(shown) == 1:
                _out.print(f"      {name}: {escape(shown[0])}")
            else:
                _out.print(f"      {name}:")
                for line in shown:
                    _out.print(f"        {escape(line)}")


def status(found: Status, *, as_json: bool) -> None:
    """Print loads, partitions, assets and failed checks."""
    if as_json:
        print_json(found.to_dict())
        return
    _out.print(f"State: {escape(found.home)}\nDatabase: {escape(found.database)}")
    for title, frame in (
        ("Loads", found.loads),
        ("Days loaded", found.partitions),
        ("Assets, last materialised (UTC)", found.assets),
        ("Failed checks", found.failed_checks),
    ):
        _out.print(_table(frame, title) if frame.height else f"{title}: none")


def findings(found: Sequence[Finding]) -> None:
    """Print the doctor's findings."""
    colours = {"ok": "green", "warning": "yellow", "fault": "red"}
    for finding in found:
        _out.print(f"[{colours[finding.state]}]{finding.state:8}[/] {escape(finding.what)}: {escape(finding.detail)}")


def running(processes: Sequence[Running], settings: Settings, *, docs: str | None = None) -> None:
    """Print where the started processes are to be found."""
    for process in processes:
        _out.print(f"{process.name:10} {process.address or f'process {process.pid}'}")
    if docs is not None:
        _out.print(f"{'dbt docs':10} {docs}")
    _out.print(f"DAGSTER_HOME={escape(str(settings.dagster_home))}")
    _out.print("Ctrl-C ends it." if docs is not None else "`ons-bigdata down` stops it.")


def scrape_summary(summary: ScrapeSummary, *, as_json: bool) -> None:
    """Print what the runs of a scrape brought."""
    if as_json:
        print_json(summary.to_dict())
        return
    for run in summary.runs:
        _out.print(
            f"{run.run_id} {run.finish_reason}: {run.requests} requests, {run.rows:,} rows, {run.parse_failures} parse"
            f" failures, {run.categories_found} categories found, {run.categories_missing} missing,"
            f" {run.categories_failed} failed"
        )
    for failure in summary.failures:
        _out.print(f"[red]failed[/] {escape(failure)}")


def reparse_summary(summary: ReparseSummary, *, as_json: bool) -> None:
    """Print what another extraction made of kept pages."""
    if as_json:
        print_json(summary.to_dict())
        return
    _out.print(f"{len(summary.runs)} runs read again, {summary.rows_changed:,} rows changed")


def report(found: PriceReport, *, as_json: bool) -> None:
    """Print a daily report."""
    if as_json:
        print_json({"data_origin": found.data_origin, "collected_on": found.collected_on, "text": found.text})
        return
    _out.print(escape(found.text))


def shops(opened: SimulatedShops) -> None:
    """Print where simulated shops answer."""
    for retailer, address in opened.addresses.items():
        _out.print(f"{retailer:10} {address}")
    _out.print("Ctrl-C ends it.")


def demo_summary(summary: DemoSummary, docs: Path, *, seconds: float) -> None:
    """Print rows, checks and the index by division."""
    ingest_summary(summary.ingest, as_json=False)
    for scrape in summary.scrapes:
        scrape_summary(scrape, as_json=False)
    _failed_checks(summary.run.failed_checks, total=len(summary.run.checks))
    _out.print("Index by division on the last day, 100 = geometric mean of the base week:")
    for row in summary.divisions.iter_rows(named=True):
        _out.print(
            f"  {row['code']}  {row['name']:34} {row['method']:18} {row['index']:8.2f}  "
            f"{row['period']} ({row['products']:,} products, {row['status']}; base {row['base_period']})"
        )
    _out.print(f"{len(summary.run.assets)} assets in {seconds:.0f} s; dbt docs: {escape(str(docs))}")
