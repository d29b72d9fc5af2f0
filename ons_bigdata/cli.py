"""The `ons-bigdata` command: arguments, calls of `commands`, exit codes.

Exit codes: 0 success (faults of the data are rows and warnings), 1 a step or a blocking check failed, 2 usage,
settings or input, 3 locked or unavailable.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from ons_bigdata import __version__, rendering
from ons_bigdata.platform.errors import InputError, ReportedError, find_unavailable
from ons_bigdata.platform.state_folder import private_umask, umask_of_user
from ons_bigdata.progress_bars import progress_bars
from ons_bigdata.settings import describe_setting_errors, get_settings

HELP = """
Turn big-data sources into official statistics: one Dagster graph, one command.

`demo` runs the whole path on simulated data, `ingest` takes in files, `up` opens the web interface, `status` shows the
state and failed checks.

Exit codes: 0 success (faults of the data are rows and warnings), 1 a step or a check of severity ERROR failed, 2 usage,
settings or input, 3 locked or unavailable.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, pretty_exceptions_enable=False)
scrape_app = typer.Typer(help="Scrape sites.", no_args_is_help=True)
app.add_typer(scrape_app, name="scrape")
reparse_app = typer.Typer(help="Extract kept pages again.", no_args_is_help=True)
app.add_typer(reparse_app, name="reparse")
harvest_app = typer.Typer(help="Collect streams.", no_args_is_help=True)
app.add_typer(harvest_app, name="harvest")
report_app = typer.Typer(help="Show a report.", no_args_is_help=True)
app.add_typer(report_app, name="report")
simulate_app = typer.Typer(help="Open simulated sources.", no_args_is_help=True)
app.add_typer(simulate_app, name="simulate")

LOOPBACK = "127.0.0.1"

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit code 1 if any check failed, also one that only warns.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


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


@scrape_app.command("prices")
def scrape_prices(
    retailers: Annotated[
        list[str] | None, typer.Option("--retailer", help="Retailer; again for more. None: all with a retailer file.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="The site's present day, YYYY-MM-DD; today in London without it.")
    ] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Scrape the present day of retailers: one run each, pages kept, rows built."""
    with progress_bars():
        from ons_bigdata.commands.scrape import scrape_prices as run  # noqa: PLC0415

        summary = run(get_settings(), retailers=retailers or (), day=day)
    rendering.scrape_summary(summary, as_json=as_json)
    if summary.failures:
        raise typer.Exit(3 if summary.unavailable else 1)
    if strict and summary.failed_checks:
        raise typer.Exit(1)


@harvest_app.command("tweets")
def harvest_tweets(
    url: Annotated[
        str | None,
        typer.Option(help="Address of the API; that of the settings without it. On this machine: simulated."),
    ] = None,
    duration: Annotated[
        str | None, typer.Option("--for", help="How long, such as 90s, 10m or 1h30m; until Ctrl-C without it.")
    ] = None,
    posts: Annotated[int | None, typer.Option(min=1, help="End after so many posts, or after --for.")] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Collect the stream of posts into landing; off without a token and a legal basis in the settings.

    After the time of --for or the number of --posts, what has landed is loaded. Ctrl-C or a request to end stops at
    once; the files then wait.
    """
    with progress_bars():
        from ons_bigdata.commands import harvest  # noqa: PLC0415

        summary = harvest.harvest_tweets(
            get_settings(),
            url=url,
            seconds=None if duration is None else harvest.parse_duration(duration),
            posts=posts,
            on_stop=_call_on_request_to_end,
            report=rendering.print_progress,
        )
    rendering.harvest_summary(summary, as_json=as_json)
    if strict and summary.failed_checks:
        raise typer.Exit(1)


@reparse_app.command("prices")
def reparse_prices(
    retailer: Annotated[str | None, typer.Option(help="Only this retailer; all if it is not given.")] = None,
    first_day: Annotated[
        str | None, typer.Option("--from", help="First day (YYYY-MM-DD); the first kept one if it is not given.")
    ] = None,
    last_day: Annotated[
        str | None, typer.Option("--to", help="Last day (YYYY-MM-DD); the last kept one if it is not given.")
    ] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Extract the kept pages of scrapes again; a result that differs supersedes the earlier one."""
    with progress_bars():
        from ons_bigdata.commands.reparse import reparse_prices as run  # noqa: PLC0415

        summary = run(get_settings(), retailer=retailer, first_day=first_day, last_day=last_day)
    rendering.reparse_summary(summary, as_json=as_json)
    if summary.failures or (strict and summary.failed_checks):
        raise typer.Exit(1)


@report_app.command("prices")
def report_prices(
    day: Annotated[str | None, typer.Option(help="Day (YYYY-MM-DD); the last one if it is not given.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="real or simulated; real if it is not given and there are both.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the page into this file, or those of all days into this folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the daily report on the quality of price quotes."""
    from ons_bigdata.commands.report import read_price_report, write_html  # noqa: PLC0415

    daily = read_price_report(get_settings(), day=day, origin=origin)
    if html is not None:
        with umask_of_user():
            html = write_html(get_settings(), daily, html)
    rendering.report(daily, html=html, as_json=as_json)


@simulate_app.command("shops")
def simulate_shops(
    day: Annotated[int, typer.Option(min=0, max=27, help="Simulated day; 0 is 2 May 2016.")] = 27,
    retailers: Annotated[
        list[str] | None, typer.Option("--retailer", help="Shop; again for more. None: the three of the demo.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_000, help="Port of the first shop, the others take the next ones.")
    ] = None,
) -> None:
    """Open simulated shops over HTTP on this machine until Ctrl-C.

    The retailer files of the demo's shops are written; that of sim-damson is yours to write.
    """
    from ons_bigdata.commands.simulate import shops as simulated_shops  # noqa: PLC0415

    simulated_shops.open_shops(
        get_settings(), day=day, retailers=retailers or (), port=port, stop=_stop_event(), opened=rendering.shops
    )


@simulate_app.command("world")
def simulate_world(  # noqa: PLR0913, PLR0917 (every choice is an option)
    folder: Annotated[Path, typer.Argument(help="New or empty folder for archives/, addresses/, truth/ and live/.")],
    users: Annotated[int, typer.Option(min=1, help="Persons who post events.")] = 2_000,
    persons: Annotated[int, typer.Option(min=1, help="Persons of the world.")] = 20_000,
    addresses: Annotated[int, typer.Option(min=1, help="Addresses of all classes.")] = 20_000,
    first_day: Annotated[str, typer.Option(help="First day (YYYY-MM-DD).")] = "2014-04-01",
    days: Annotated[int, typer.Option(min=15, help="Number of days.")] = 214,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 2014,
    generator: Annotated[str, typer.Option(help="Model of activity and places: zipf or bursty.")] = "zipf",
    student_flows: Annotated[
        Path | None, typer.Option(help="Official moves by authority, year and age group (CSV, CSV.gz), for students.")
    ] = None,
    flows_year: Annotated[int, typer.Option(help="Year of these moves, to 30 June.")] = 2015,
    outages: Annotated[int, typer.Option(min=0, help="Number of outages.")] = 12,
    outage_hours: Annotated[float, typer.Option(help="Mean length of an outage.")] = 20.0,
    outage_share: Annotated[float, typer.Option(help="Share of the authorities with outages, 0 to 1.")] = 1.0,
    live_days: Annotated[int, typer.Option(min=0, help="Last days that are in no archive but in live/.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write one simulated world: archives of events in five formats, address files of six products, and the truth.

    `ons-bigdata ingest tweets FOLDER/archives` takes the archives in.
    """
    with progress_bars():
        from ons_bigdata.commands.simulate.world import WorldOptions, write_world  # noqa: PLC0415
        from ons_bigdata.platform.calendar import parse_day  # noqa: PLC0415

        options = WorldOptions(
            users=users,
            persons=persons,
            addresses=addresses,
            first_day=parse_day(first_day, what="--first-day"),
            days=days,
            seed=seed,
            generator=generator,
            student_flows=student_flows,
            flows_year=flows_year,
            outages=outages,
            outage_hours=outage_hours,
            outage_share=outage_share,
            live_days=live_days,
        )
        with umask_of_user():
            written = write_world(folder, options)
    rendering.written_world(written, as_json=as_json)


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
            _stop_event().wait()
        finally:
            rendering.print_line(f"Stopped: {', '.join(serving.down(settings))}.")
        raise typer.Exit(1 if failed else 0)


def _call_on_request_to_end(stop: Callable[[], None]) -> None:
    """Call a function on Ctrl-C and on a request to end, also in a process started in the background.

    In a thread: the main thread may hold the lock that the function needs when the signal interrupts it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: threading.Thread(target=stop, daemon=True).start())


def _stop_event() -> threading.Event:
    """Return an event that Ctrl-C or a request to end sets.

    Sets its own handlers: a process started in the background ignores Ctrl-C, and Dagster, once imported, lets it
    ignore a request to end as well.
    """
    stop = threading.Event()
    _call_on_request_to_end(stop.set)
    return stop


def _heed_requests_to_end() -> None:
    """Make a request to end (SIGTERM) interrupt a command that was started in the background.

    Such a process ignores Ctrl-C, and Dagster handles a request to end as Ctrl-C is handled: by ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt_unless_ctrl_c)


def _interrupt_unless_ctrl_c(number: int, _frame: object) -> None:
    if number != signal.SIGINT:
        raise KeyboardInterrupt


def main() -> None:
    """Run the command line; a reported error becomes one message and its exit code."""
    _heed_requests_to_end()
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
