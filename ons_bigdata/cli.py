"""The `ons-bigdata` command: arguments, calls of `commands`, exit codes.

Exit codes: 0 success (faults of the data are rows and warnings), 1 a step or a blocking check failed, 2 usage,
settings or input, 3 locked or unavailable.
"""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from ons_bigdata import __version__, rendering
from ons_bigdata.command_line import JsonOption, StrictOption, heed_requests_to_end, stop_event
from ons_bigdata.commands.simulate.app import app as simulate_app
from ons_bigdata.pilot_commands import harvest_app, meters_app, phones_app, reparse_app, report_app, scrape_app
from ons_bigdata.platform.errors import InputError, ReportedError, find_unavailable
from ons_bigdata.platform.state_folder import private_umask
from ons_bigdata.progress_bars import progress_bars
from ons_bigdata.settings import describe_setting_errors, get_settings

HELP = """
Turn big-data sources into official statistics: one Dagster graph, one command.

`demo` runs the whole path on simulated data, `ingest` takes in files, `up` opens the web interface, `status` shows the
state and failed checks.

Exit codes: 0 success (faults of the data are rows and warnings), 1 a step or a check of severity ERROR failed, 2 usage,
settings or input, 3 locked or unavailable.
"""


class Commands(TyperGroup):
    """Commands that end as other tools do where the reader of their output (`head`) has closed it."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  (types that typer does not export)
        """Run the command of a call; end with CLOSED_PIPE and without a message where its output is closed."""
        try:
            returned = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            rendering.discard_output()
            raise typer.Exit(rendering.CLOSED_PIPE) from None
        return returned


app = typer.Typer(cls=Commands, help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
for group in (scrape_app, reparse_app, harvest_app, report_app, simulate_app, phones_app, meters_app):
    app.add_typer(group)

LOOPBACK = "127.0.0.1"

GARBAGE_THRESHOLDS = (50_000, 20, 50)
"""New objects before a search for garbage in them, and searches before one in older objects (`gc.set_threshold`)."""


class QueryRole(StrEnum):
    """Role by which a query runs."""

    reader = "reader"
    custodian = "custodian"


class Secret(StrEnum):
    """Secret that a command makes."""

    custodian = "custodian"
    pseudonyms = "pseudonyms"


class JobIds(StrEnum):
    """Ids of a batch job of compliance."""

    posts = "posts"
    users = "users"


class OutputFormat(StrEnum):
    """How a result is printed."""

    table = "table"
    csv = "csv"
    json = "json"


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Print the version, or nothing: the help of the whole command is `HELP`."""
    if show:
        rendering.print_line(__version__)
        raise typer.Exit


@app.command()
def ingest(
    name: Annotated[str, typer.Argument(metavar="NAME", help="prices, scope-labels, official, other-prices, …")],
    paths: Annotated[list[Path], typer.Argument(help="Folders, archives (.tar, .tar.gz, .tar.xz, .zip) or files.")],
    build: Annotated[
        bool, typer.Option("--build", help="Materialise what depends on the partitions that were written.")
    ] = False,
    form: Annotated[
        str | None,
        typer.Option("--format", help="Format of the files, such as cer; others are refused. Without it, by content."),
    ] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Land files of a source and load them. The same files again change nothing; an unknown NAME lists the known."""
    from ons_bigdata.commands.ingest import ingest as run  # noqa: PLC0415

    with progress_bars():
        summary = run(name, paths, get_settings(), build=build, form=form)
    rendering.ingest_summary(summary, as_json=as_json)
    if summary.has_no_rows:
        raise typer.Exit(InputError.exit_code)
    if summary.built is not None and not summary.built.success:
        raise typer.Exit(3 if summary.built.unavailable else 1)
    if strict and summary.any_check_failed:
        raise typer.Exit(1)


@app.command()
def materialize(
    select: Annotated[
        str,
        typer.Option(help="Assets: schema/table, with + for neighbours, comma-separated; or group:prices_indices, *."),
    ],
    first_day: Annotated[
        str | None, typer.Option("--from", help="First day (YYYY-MM-DD) of assets by day or month; alone: one day.")
    ] = None,
    last_day: Annotated[str | None, typer.Option("--to", help="Last day (YYYY-MM-DD); alone: one day.")] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Materialise assets over a range of days: one run for each calendar (days, months), in order.

    A month is built if any of its days is in the range.
    """
    with progress_bars():
        from ons_bigdata.commands.materialize import materialise  # noqa: PLC0415

        outcome = materialise(select, get_settings(), first_day=first_day, last_day=last_day)
    rendering.run_outcome(outcome, as_json=as_json)
    if not outcome.success:
        raise typer.Exit(3 if outcome.unavailable else 1)
    if strict and outcome.failed_checks:
        raise typer.Exit(1)


@app.command()
def query(
    text: Annotated[str, typer.Argument(metavar="QUERY", help="One SELECT; it cannot change anything.")],
    output: Annotated[OutputFormat, typer.Option("--format", help="How to print the rows.")] = OutputFormat.table,
    role: Annotated[
        QueryRole, typer.Option("--as", help="custodian also reads rows about single people, homes and devices.")
    ] = QueryRole.reader,
) -> None:
    """Run a query as a read-only role and print its rows."""
    from ons_bigdata.commands.query import run_query  # noqa: PLC0415

    rows = run_query(text, get_settings(), as_custodian=role is QueryRole.custodian)
    rendering.rows(rows, output.value)


@app.command()
def new_secret(
    name: Annotated[
        Secret,
        typer.Argument(
            metavar="NAME",
            help="custodian: the password of `query --as custodian`, in the place of the old one; "
            "pseudonyms: the key of the pseudonyms, which is never replaced.",
        ),
    ],
) -> None:
    """Make a random secret: custodian (a password) or pseudonyms (a key)."""
    if name is Secret.pseudonyms:
        from ons_bigdata.platform.pseudonyms import make_key  # noqa: PLC0415

        path = get_settings().pseudonym_key_path
        rendering.print_line(f"{name.value}: new key {make_key(path).key_id} in {path} (mode 0600); keep a copy of it")
        return
    from ons_bigdata.commands.query import renew_custodian_secret  # noqa: PLC0415

    rendering.print_line(f"{name.value}: new password in {renew_custodian_secret(get_settings())} (mode 0600)")


@app.command()
def status(
    show_assets: Annotated[
        bool, typer.Option("--all", help="List all assets with their last materialisation.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show failed checks, loads and the days loaded."""
    from ons_bigdata.commands.status import read_status  # noqa: PLC0415

    rendering.status(read_status(get_settings()), show_assets=show_assets, as_json=as_json)


@app.command()
def compliance(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of compliance events, from streams or jobs. None: apply what waits."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count events only; change nothing.")] = False,
    job: Annotated[
        JobIds | None, typer.Option("--job", help="Ids of results of batch jobs, where the name of a file has neither.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove posts and users of compliance events from landing, lake and tables; the same again changes nothing."""
    from ons_bigdata.commands.compliance import run_compliance as run  # noqa: PLC0415

    with progress_bars():
        summary = run(get_settings(), paths or [], dry_run=dry_run, job=None if job is None else job.value)
    rendering.compliance_summary(summary, as_json=as_json)
    if summary.is_all_refused:
        raise typer.Exit(InputError.exit_code)


@app.command()
def expire(as_json: JsonOption = False) -> None:
    """Delete landed files of loaded data after the days that their source keeps them; the ledger records it."""
    from ons_bigdata.commands.expire import expire as run  # noqa: PLC0415

    rendering.expired(run(get_settings()), as_json=as_json)


@app.command()
def doctor() -> None:
    """Inspect this installation: folders, database, tables, ledger, landed files."""
    from ons_bigdata.commands.doctor import examine  # noqa: PLC0415

    findings = examine(get_settings())
    rendering.findings(findings)
    if any(finding.state == "fault" for finding in findings):
        raise typer.Exit(1)


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Address to listen on; only loopback without a proxy.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the web interface.")] = 3000,
    has_proxy: Annotated[
        bool, typer.Option("--i-have-a-proxy", help="A proxy with sign-on stands before another host.")
    ] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show only; start no runs.")] = False,
) -> None:
    """Start database, web interface and daemon in the background."""
    with progress_bars():
        from ons_bigdata.commands import serve  # noqa: PLC0415

        running = serve.up(get_settings(), host=host, port=port, has_proxy=has_proxy, read_only=read_only)
    rendering.running(running, get_settings())


@app.command()
def down() -> None:
    """Stop web interface, daemon and the embedded database."""
    from ons_bigdata.commands import serve  # noqa: PLC0415

    stopped = serve.down(get_settings())
    rendering.print_line(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def demo(
    pilots: Annotated[str | None, typer.Option(help="Pilots, comma-separated; all if it is not given.")] = None,
    archive: Annotated[
        Path | None, typer.Option(help="A real archive of one pilot instead of its simulated days.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve UI and docs until Ctrl-C.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the UI, the reports and the docs.")] = 3000,
    strict: StrictOption = False,
) -> None:
    """Run the whole path over simulated sources (or a real archive), then serve the UI and the dbt docs.

    Each pilot has its own runs: one that fails does not stop the rest, and the exit code is 1 at the end.
    """
    started = time.monotonic()
    with ExitStack() as sites:  # simulated ones stay open while the UI is served: it may scrape them too
        with progress_bars():
            from ons_bigdata.commands import demo as demonstration  # noqa: PLC0415
            from ons_bigdata.commands import serve as serving  # noqa: PLC0415
            from ons_bigdata.commands.status import read_status  # noqa: PLC0415

            settings = get_settings()
            chosen = demonstration.choose_pilots(pilots, archive=archive)
            if serve:
                serving.require_free_port(settings, host=LOOPBACK, port=port)
            outcomes = demonstration.run_demo(chosen, archive, settings, sites)
            page = serving.build_docs(settings)
        state = read_status(settings)
        rendering.demo_summary(outcomes, state, page, seconds=time.monotonic() - started)
        failed = any(outcome.error is not None for outcome in outcomes) or (
            strict and not state.failed_checks.is_empty()
        )
        if not serve:
            if settings.database_url is None:
                rendering.print_line("The database runs on; `ons-bigdata down` stops it.")
            raise typer.Exit(1 if failed else 0)
        with progress_bars():
            running = serving.up(settings, host=LOOPBACK, port=port, has_proxy=False, read_only=False)
        try:
            rendering.running(running, settings, until_interrupt=True)
            stop_event().wait()
        finally:
            rendering.print_line(f"Stopped: {', '.join(serving.down(settings))}.")
        raise typer.Exit(1 if failed else 0)


def main() -> None:
    """Run the command line; a reported error becomes one message and its exit code.

    Imports and the parsed dbt project are half a million objects that live as long as the process. To look through them
    for garbage as often as Python does takes a fifth of the time of a start, and at its end more than a second.
    """
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        _run()
    finally:
        gc.freeze()


def _run() -> None:
    heed_requests_to_end()
    try:
        with private_umask():
            app()
    except ReportedError as error:
        rendering.print_error(str(error))
        sys.exit(error.exit_code)
    except ValidationError as error:  # of the settings, which every command reads first
        rendering.print_error("\n".join(describe_setting_errors(error)))
        sys.exit(InputError.exit_code)
    except OSError as error:
        home = get_settings().home
        if error.filename is None or not Path(str(error.filename)).is_relative_to(home):
            raise
        rendering.print_error(
            f"state folder {home} cannot be used ({error.strerror}: {error.filename}); "
            "make it a folder that can be written, or set ONS_BIGDATA_HOME to another"
        )
        sys.exit(InputError.exit_code)
    except Exception as error:
        unavailable = find_unavailable(error)
        if unavailable is None:
            raise
        rendering.print_error(str(unavailable))
        sys.exit(unavailable.exit_code)


if __name__ == "__main__":
    main()
