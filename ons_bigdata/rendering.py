"""Output of the command line: tables, messages and JSON. Nothing is computed here."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table

from ons_bigdata.platform.printable import escape_unprintable

if TYPE_CHECKING:
    from ons_bigdata.commands.build_dependents import BuildSummary
    from ons_bigdata.commands.compliance import ComplianceSummary
    from ons_bigdata.commands.demo import PilotOutcome
    from ons_bigdata.commands.doctor import Finding
    from ons_bigdata.commands.expire import ExpiredSource
    from ons_bigdata.commands.harvest import HarvestSummary
    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.commands.phones import ReadSpecification, WrittenPlan
    from ons_bigdata.commands.reparse import ReparseSummary
    from ons_bigdata.commands.report import PriceReport
    from ons_bigdata.commands.scrape import ScrapeSummary
    from ons_bigdata.commands.simulate.meters import WrittenMeters
    from ons_bigdata.commands.simulate.phones import WrittenOperator
    from ons_bigdata.commands.simulate.world import WrittenWorld
    from ons_bigdata.commands.status import Status
    from ons_bigdata.meters.reports.truth_scores import TruthScores
    from ons_bigdata.platform.dagster.runs import CheckOutcome, RunOutcome
    from ons_bigdata.platform.dagster.serving.processes import Running
    from ons_bigdata.settings import Settings
    from ons_bigdata.simulation.shops_over_http import SimulatedShops
    from ons_bigdata.tweets.sources.stream.health import CollectorStatus

CLOSED_PIPE = 141
"""Exit code where the reader of the output has closed it: that of a process that SIGPIPE ended (128 + 13)."""
LISTED_REASONS = 5
"""Most reasons of quarantined rows that an ingest lists."""
PIPED_WIDTH = 160
"""Columns of a table where the output is no terminal."""
_UNBOUNDED = 100_000
"""Width in which every table fits."""


class _Console(Console):
    """Console whose process ends without a message where the reader of its output has closed it."""

    def on_broken_pipe(self) -> None:
        """End the process with CLOSED_PIPE."""
        discard_output()
        raise SystemExit(CLOSED_PIPE)


def discard_output() -> None:
    """Send what is still to be written to standard output nowhere; what fails to be written at the end is reported."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _console(*, stderr: bool = False) -> Console:
    """Return a console that breaks no line of text: a terminal does that itself, and lines of a pipe stay whole."""
    console = _Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


_out = _console()
_err = _console(stderr=True)


def escape(text: str) -> str:
    """Return text for the console: markup and unprintable characters escaped, line ends and tabs kept."""
    return escape_markup(escape_unprintable(text, keep="\n\t"))


def print_line(text: str) -> None:
    """Print a line for the user."""
    _out.print(escape(text))


def print_progress(text: str) -> None:
    """Print a line about work that goes on, on standard error."""
    _err.print(escape(text))


def print_error(text: str) -> None:
    """Print an error on standard error."""
    _err.print(f"[bold red]error:[/] {escape(text)}")


def _count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _period(first: str, last: str | None) -> str:
    """Return a range of days in words: `Day 2016-05-16`, or `Days 2016-05-16 to 2016-05-20`."""
    return f"Day {first}" if last in (None, first) else f"Days {first} to {last}"


def print_json(value: object) -> None:
    """Print one JSON object on standard output; dates in ISO form, unprintable characters as escapes of JSON."""
    text = json.dumps(_finite(value), default=_plain, ensure_ascii=False, allow_nan=False)
    sys.stdout.write((text if text.isprintable() else "".join(map(_json_character, text))) + "\n")


def _json_character(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


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


def rows(frame: pl.DataFrame, output: str) -> None:
    """Print a query's rows as table, csv or json."""
    if output == "csv":
        sys.stdout.write(_without_lists(frame).write_csv())
    elif output == "json":
        print_json(frame.to_dicts())
    else:
        _print_table(frame)
        _out.print(_count(frame.height, "row"))


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
        table.add_column(_cell(name), justify="right" if kind.is_numeric() else "left", overflow="fold")
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _print_table(frame: pl.DataFrame, title: str | None = None, *, is_compact: bool = False) -> None:
    """Print a table, or its rows one below the other where a word or number would be cut off in this width.

    Such a row is a list of names and values; with `is_compact` a paragraph without empty values.
    """
    table = _table(frame, title)
    if Measurement.get(_out, _out.options.update(max_width=_UNBOUNDED), table).minimum <= _out.width:
        _out.print(table)
        return
    if title is not None:
        _out.print(f"[italic]{title}[/]")
    longest = max(map(len, frame.columns))
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        if is_compact:
            values = ", ".join(f"{_cell(name)}: {_cell(value)}" for name, value in row.items() if value is not None)
            _out.print(Padding(values, (0, 0, 0, 2)), soft_wrap=False)
            continue
        _out.print(f"[bold]row {number}[/]")
        for name, value in row.items():
            _out.print(f"  {_cell(name):{longest}}  {_cell(value)}")


def _cell(value: object) -> str:
    if value is None:
        return "[dim]null[/]"
    if isinstance(value, float):
        return f"{value:.0f}" if 1e6 <= abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return escape_markup(escape_unprintable(str(value)))


def ingest_summary(summary: IngestSummary, *, as_json: bool) -> None:
    """Print a summary of the delivered files."""
    if as_json:
        print_json(summary.to_dict())
        return
    _out.print(summary.count_line())
    if summary.first_day is not None:
        _out.print(f"{_period(summary.first_day, summary.last_day)}")
    if summary.superseded:
        _out.print(f"  [yellow]superseded[/] {_count(summary.superseded, 'file')}: another version is current")
    for refusal in summary.refusals:
        _out.print(f"  [yellow]refused[/] {escape(refusal)}")
    for empty in summary.empties:
        _out.print(f"  [yellow]empty[/] {escape(empty)}")
    for reason in summary.quarantine_reasons[:LISTED_REASONS]:
        _out.print(f"  [yellow]quarantined[/] {escape(reason)}")
    if len(summary.quarantine_reasons) > LISTED_REASONS:
        more = len(summary.quarantine_reasons) - LISTED_REASONS
        _out.print(f"  [yellow]quarantined[/] for {_count(more, 'more reason')}; the table ops.quarantine has each row")
    _names_of_failed_checks(summary.failed_checks)
    if summary.built is not None:
        _built(summary.built)


def _built(built: BuildSummary) -> None:
    """Print what was built after an ingest."""
    if not built.assets and not built.failures:
        _out.print("Built: nothing; no file was loaded that assets depend on")
        return
    days = "" if built.first_day is None else f" for {_period(built.first_day, built.last_day).lower()}"
    _out.print(f"Built{days}: {_count(len(built.assets), 'asset')}")
    _out.print(f"  {escape(', '.join(built.assets))}")
    for failure in built.failures:
        _out.print(f"  [red]failed[/] {escape(failure)}")
    _names_of_failed_checks(built.failed_checks)


def _names_of_failed_checks(names: Sequence[str]) -> None:
    for name in names:
        _out.print(f"  [yellow]check failed[/] {escape(name)}")


def run_outcome(outcome: RunOutcome, *, as_json: bool) -> None:
    """Print the assets of a run and the checks that did not pass."""
    if as_json:
        print_json(
            {
                "run_ids": outcome.run_ids,
                "success": outcome.success,
                "assets": outcome.assets,
                "checks": len(outcome.checks),
                "failed_checks": [_check_dict(check) for check in outcome.failed_checks],
                "failures": outcome.failures,
            }
        )
        return
    colour, word = ("green", "succeeded") if outcome.success else ("red", "failed")
    if outcome.success and outcome.failed_checks:
        colour, word = "yellow", f"finished with {_count(len(outcome.failed_checks), 'failed check')}"
    if outcome.interrupted:
        colour, word = "yellow", "canceled"
    runs = f"{'Run' if len(outcome.run_ids) == 1 else 'Runs'} {', '.join(outcome.run_ids)}"
    _out.print(f"{runs} [{colour}]{word}[/]: {_count(len(outcome.assets), 'asset')}")
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
        _failed_check(check)


def _failed_check(check: CheckOutcome) -> None:
    colour = "red" if check.blocking and check.severity == "ERROR" else "yellow"
    _out.print(f"  [{colour}]{check.asset}[/] {escape(check.check)}")
    for name, value in check.metadata.items():
        lines = (", ".join(map(str, value)) if isinstance(value, list) else str(value)).splitlines()
        shown = [*lines[:4], f"… and {len(lines) - 4} more"] if len(lines) > 5 else lines
        if len(shown) == 1:
            _out.print(f"      {name}: {escape(shown[0])}")
        else:
            _out.print(f"      {name}:")
            for line in shown:
                _out.print(f"        {escape(line)}")


def status(state: Status, *, show_assets: bool, as_json: bool) -> None:
    """Print failed checks, loads and partitions, and, if asked for, all assets."""
    if as_json:
        print_json(state.to_dict())
        return
    _out.print(f"State: {escape(state.home)}")
    for collector in state.collectors:
        _out.print(_collector_line(collector))
    if state.database is None:
        _out.print(
            "Nothing here yet: `ons-bigdata demo` fills it with simulated data, `ons-bigdata ingest` with files."
        )
        return
    _out.print(f"Database: {escape(state.database)}")
    _out.print(_checks_line(state))
    if state.failed_checks.height:
        _print_table(state.failed_checks, "Failed checks (UTC)", is_compact=True)
    if state.failed_partitions.height:
        title = "Partitions for which checks failed (UTC); ops.check_partitions has each"
        _print_table(state.failed_partitions, title, is_compact=True)
    if state.open_runs.height:
        title = "Runs that did not succeed, with what no later run has done in their place (UTC)"
        _print_table(state.open_runs, title, is_compact=True)
    _print_table_or_none(state.loads, "Loads (UTC)")
    names = {"first_day": "first", "last_day": "last", "days": "partitions"}  # of some sources they are no days
    _print_table_or_none(state.partitions.rename(names, strict=False), "Partitions loaded: days, months or other keys")
    if show_assets:
        title = "Assets, last materialised (UTC)"
        _print_table_or_none(state.assets, title)
    else:
        _out.print(f"Assets materialised: {state.assets.height}; --all lists them")


def _print_table_or_none(frame: pl.DataFrame, title: str) -> None:
    if frame.height:
        _print_table(frame, title, is_compact=True)
    else:
        _out.print(f"{title}: none")


def _collector_line(collector: CollectorStatus) -> str:
    """Return the health of a collector: `Stream of posts (real): connected since …, last post …`."""
    colour = {"connected": "green", "waiting": "yellow", "killed": "red"}.get(collector.state, "default")
    parts = [f"[{colour}]{collector.state}[/] since {_time(collector.since)}"]
    if collector.reason is not None and collector.state == "waiting":
        parts.append(f"{escape(collector.reason)}, next attempt {_time(collector.next_attempt_at)}")
    parts.append(f"last post {_time(collector.last_post_at)}, last sign of life {_time(collector.last_byte_at)}")
    parts.append(f"{_count(collector.posts, 'post')} since its start, {collector.spool_bytes:,} bytes in the spool")
    return f"Stream of posts ({collector.data_origin}): {'; '.join(parts)}"


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _checks_line(state: Status) -> str:
    return f"Checks: {state.checks - state.failed_checks.height} of {state.checks} passed"


def findings(inspected: Sequence[Finding]) -> None:
    """Print the doctor's findings."""
    colours = {"ok": "green", "warning": "yellow", "fault": "red"}
    for finding in inspected:
        _out.print(f"[{colours[finding.state]}]{finding.state:8}[/] {escape(finding.what)}: {escape(finding.detail)}")


def running(processes: Sequence[Running], settings: Settings, *, until_interrupt: bool = False) -> None:
    """Print addresses or numbers of the started processes, and the pages that the web interface serves."""
    for process in processes:
        _out.print(f"{process.name:10} {process.address or f'process {process.pid}'}")
    address = next((process.address for process in processes if process.address is not None), None)
    if address is not None:
        site = address.split(" ")[0]
        _out.print(f"{'pages':10} {site}/pages/")
        _out.print(f"{'reports':10} {site}/pages/reports/prices/")
        _out.print(f"{'dbt docs':10} {site}/pages/dbt/")
    _out.print(f"DAGSTER_HOME={escape(str(settings.dagster_home))}")
    _out.print("Ctrl-C ends it." if until_interrupt else "`ons-bigdata down` stops it.")


def harvest_summary(summary: HarvestSummary, *, as_json: bool) -> None:
    """Print what a collection of a stream received and landed."""
    if as_json:
        print_json(summary.to_dict())
        return
    collected, rolled = summary.collected, summary.collected.rolled
    _out.print(
        f"{_count(collected.posts, 'post')} ({collected.data_origin}) over"
        f" {_count(collected.connections, 'connection')}, {_count(collected.failed_attempts, 'failed attempt')}"
    )
    _out.print(
        f"Landed: {_count(rolled.lines, 'line')} and {_count(rolled.gaps, 'gap')} in {_count(rolled.files, 'file')};"
        f" left out {_count(rolled.duplicates, 'repeated post')}, {_count(rolled.half_lines, 'half line')}"
    )
    for check in summary.failed_checks:
        _out.print(f"[yellow]failed check[/] {escape(check)}")
    if not summary.is_loaded:
        _out.print("The files wait: the sensor tweets_rolled_files or the next `ons-bigdata ingest tweets` loads them.")


def scrape_summary(summary: ScrapeSummary, *, as_json: bool) -> None:
    """Print the records of the runs of a scrape."""
    if as_json:
        print_json(summary.to_dict())
        return
    for run in summary.runs:
        _out.print(
            f"{run.run_id} {run.finish_reason}: {_count(run.requests, 'request')}, {_count(run.rows, 'row')},"
            f" {_count(run.parse_failures, 'parse failure')}, {_count(run.categories_found, 'category', 'categories')}"
            f" found, {run.categories_missing} missing,"
            f" {run.categories_failed} failed"
        )
    _names_of_failed_checks(summary.failed_checks)
    for failure in summary.failures:
        _out.print(f"[red]failed[/] {escape(failure)}")


def reparse_summary(summary: ReparseSummary, *, as_json: bool) -> None:
    """Print what changed when kept pages were extracted again."""
    if as_json:
        print_json(summary.to_dict())
        return
    _out.print(f"{_count(len(summary.runs), 'run')} read again, {_count(summary.rows_changed, 'row')} changed")
    _names_of_failed_checks(summary.failed_checks)
    for failure in summary.failures:
        _out.print(f"[red]failed[/] {escape(failure)}")


def compliance_summary(summary: ComplianceSummary, *, as_json: bool) -> None:
    """Print compliance events by kind and what was removed for them."""
    if as_json:
        print_json(summary.to_dict())
        return
    known = f" ({summary.known_files} known)" if summary.known_files else ""
    _out.print(
        f"{_count(summary.files, 'file')}{known}: {summary.rows_in:,} lines, {summary.accepted:,} with events,"
        f" {summary.quarantined:,} quarantined; {_count(summary.new_tombstones, 'new tombstone')}"
    )
    for kind, events in summary.kinds.items():
        _out.print(f"  {escape(kind)}: {events:,}")
    for reason, lines in summary.reasons.items():
        _out.print(f"  quarantined, {escape(reason)}: {lines:,}")
    for refusal in summary.refusals:
        _out.print(f"[red]refused:[/] {escape(refusal)}")
    applied = summary.applied
    if summary.is_dry_run:
        _out.print("Nothing was changed (--dry-run).")
    elif applied is None:
        _out.print("No tombstone waits: nothing was changed.")
    else:
        _out.print(
            f"Removed: {applied.landed_lines:,} lines of {_count(applied.landed_files, 'landed file')},"
            f" {_count(applied.lake_rows, 'row')} of the lake on {_count(len(applied.partitions), 'day')},"
            f" {_count(applied.derived_rows, 'row')} of {_count(len(applied.derived_tables), 'table')} about users"
            + (f", {_count(applied.spooled_lines, 'line')} of the spool" if applied.spooled_lines else "")
        )
        if applied.unreadable_files:
            _out.print(f"{_count(applied.unreadable_files, 'landed file')} could not be searched: bytes deleted")
        if applied.derived_tables:
            _out.print("These tables are stale until they are materialised: " + ", ".join(applied.derived_tables))


def expired(sources: Sequence[ExpiredSource], *, as_json: bool) -> None:
    """Print of which sources landed files were deleted."""
    if as_json:
        print_json({"sources": [source.to_dict() for source in sources]})
        return
    for source in sources:
        if source.files:
            files, size = _count(source.files, "file"), f"{source.size_bytes / 1e6:,.1f} MB"
            _out.print(f"{escape(source.source)}: {files} ({size}) older than {source.days} days deleted")
    if not any(source.files for source in sources):
        _out.print("Nothing deleted: no loaded file is older than the days that its source keeps it.")


def report(daily: PriceReport, *, html: Path | None, as_json: bool) -> None:
    """Print a daily report, and the file into which its page was written."""
    written = str(html.resolve()) if html is not None else None
    if as_json:
        page = {} if written is None else {"html": written}
        print_json(
            {
                "data_origin": daily.data_origin,
                "collected_on": daily.collected_on,
                "text": daily.text,
                "failed_checks": daily.failed_checks,
                **page,
            }
        )
        return
    _out.print(escape(daily.text))
    if daily.failed_checks:
        _out.print("[yellow]Checks that failed for the day or for whole tables:[/]")
        for check in daily.failed_checks:
            _out.print(f"  {escape(check)}")
    if written is not None:
        _out.print(f"Page written to {escape(written)}")


def phone_specification(outcome: ReadSpecification, *, as_json: bool) -> None:
    """Print a specification as an annex, or what the check of a delivery against it gave."""
    if as_json:
        print_json(outcome.to_dict())
        return
    if not outcome.checked:
        _out.print(outcome.annex, markup=False, highlight=False, soft_wrap=True)
    for file in outcome.checked:
        _out.print(escape(f"{file.name}: {file.reason or f'{file.rows:,} rows accepted'}"), soft_wrap=True)
    if outcome.registered is not None:
        verb = "added to" if outcome.registered else "already in"
        _out.print(f"specification {outcome.specification.spec_id} {verb} the register")


def phone_cell_plan(written: WrittenPlan) -> None:
    """Print where a cell plan was written."""
    _out.print(
        escape(f"{written.path}: {written.cells:,} cells, {written.cells_with_zone:,} with a zone"), soft_wrap=True
    )


def truth_scores(scores: TruthScores, *, as_json: bool) -> None:
    """Print the scores of judgements on homes with a truth."""
    if as_json:
        print_json(scores.to_dict())
        return
    columns = ["judgement", "homes", "days", "absent_share", "recall", "false_day_share", "mcc", "brier"]
    numbers = pl.col(pl.Float64).round(3)
    _print_table(scores.days.select(columns).with_columns(numbers), "Absent days by the truth")
    half_hours = pl.DataFrame(scores.half_hours).with_columns(numbers)
    _print_table(half_hours, "Presence by half hour, as far as absent days give it")


def shops(opened: SimulatedShops) -> None:
    """Print the addresses of simulated shops."""
    for retailer, address in opened.addresses.items():
        _out.print(f"{retailer:10} {address}")
    _out.print("Ctrl-C ends it.")


def written_world(written: WrittenWorld, *, as_json: bool) -> None:
    """Print the folders of a simulated world and what is in them."""
    if as_json:
        print_json(written.to_dict())
        return
    _out.print(
        f"{written.persons:,} persons in {written.areas:,} output areas, {written.moves:,} changes of address;"
        f" {written.users:,} users with {written.events:,} events, robots included"
    )
    for folder in (written.archives, written.addresses, written.truth, written.live):
        if folder is not None:
            _out.print(escape(str(folder)))


def written_meters(written: WrittenMeters, *, as_json: bool) -> None:
    """Print the folders of simulated meters and what is in them."""
    if as_json:
        print_json(written.to_dict())
        return
    _out.print(
        f"{written.meters:,} meters with {written.rows:,} readings; {written.vacant:,} homes vacant at some time,"
        f" {written.second_homes:,} second homes; {written.faults:,} faults"
    )
    for folder in (written.readings, written.truth):
        _out.print(escape(str(folder)))


def written_operator(written: WrittenOperator, *, as_json: bool) -> None:
    """Print the folders of a simulated operator and what is in them."""
    if as_json:
        print_json(written.to_dict())
        return
    _out.print(
        f"{written.devices:,} phones of {written.persons:,} persons, {written.cells:,} cells, {written.zones:,} zones;"
        f" {written.device_events:,} events; specification {written.spec_id}"
    )
    for path in (written.specification, written.deliveries, written.census, written.events, written.truth):
        _out.print(escape(str(path)))


def demo_summary(outcomes: Sequence[PilotOutcome], state: Status, docs: Path, *, seconds: float) -> None:
    """Print for each pilot what was taken in, its main figures and its failed checks; then the state of all checks."""
    for outcome in outcomes:
        if len(outcomes) > 1:
            _out.print(f"[bold]{escape(outcome.pilot)}[/]")
        for line in outcome.lines:
            _out.print(escape(line))
        if outcome.error is not None:
            _out.print(f"[red]failed[/] {escape(outcome.pilot)}: {escape(outcome.error)}")
        if outcome.run is not None:
            _out.print(f"{_count(len(outcome.run.assets), 'asset')} in {outcome.seconds:.0f} s")
    _out.print(_checks_line(state))
    details = {
        (check.asset, check.check): check for outcome in outcomes if outcome.run for check in outcome.run.failed_checks
    }
    for row in state.failed_checks.iter_rows(named=True):
        asset, name = row["asset"], row["check_name"]
        if (asset, name) in details:
            _failed_check(details[asset, name])
        else:  # of a run that only took files in
            _out.print(f"  [yellow]{asset}[/] {escape(name)}")
    _out.print(f"Done in {seconds:.0f} s; dbt docs: {escape(str(docs))}")
