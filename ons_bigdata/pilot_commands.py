"""Groups of commands that belong to a pilot: `scrape`, `reparse`, `harvest`, `report`, `phones`, `meters`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ons_bigdata import rendering
from ons_bigdata.command_line import JsonOption, StrictOption, call_on_request_to_end
from ons_bigdata.platform.state_folder import umask_of_user
from ons_bigdata.progress_bars import progress_bars
from ons_bigdata.settings import get_settings

scrape_app = typer.Typer(name="scrape", help="Scrape sites.", no_args_is_help=True)
reparse_app = typer.Typer(name="reparse", help="Extract kept pages again.", no_args_is_help=True)
harvest_app = typer.Typer(name="harvest", help="Collect streams.", no_args_is_help=True)
report_app = typer.Typer(name="report", help="Show a report.", no_args_is_help=True)
phones_app = typer.Typer(name="phones", help="Specifications and deliveries of the phones pilot.", no_args_is_help=True)
meters_app = typer.Typer(name="meters", help="Evaluation of the meters pilot.", no_args_is_help=True)


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
            on_stop=call_on_request_to_end,
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


@phones_app.command("spec")
def phones_spec(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Specification, YAML.")],
    delivery: Annotated[
        list[Path] | None, typer.Option("--check", help="File or folder of a delivery to check; again for more.")
    ] = None,
    provider: Annotated[
        str | None, typer.Option("--register", metavar="PROVIDER", help="Add it to the register, for a provider.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print a specification as the annex of a tender, or check a delivery against it. Nothing is ingested.

    Exit code 1 if the delivery would be sent back.
    """
    from ons_bigdata.commands import phones  # noqa: PLC0415

    outcome = phones.read_spec(file, get_settings(), delivery=delivery or (), provider=provider)
    rendering.phone_specification(outcome, as_json=as_json)
    if outcome.is_refused:
        raise typer.Exit(1)


@phones_app.command("cell-plan")
def phones_cell_plan(
    network: Annotated[
        Path,
        typer.Argument(
            metavar="NETWORK", help="Folder of the simulator of the ESSnet, or a network of multimno (Parquet)."
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder in which the plan is written.")],
    tile_m: Annotated[float, typer.Option("--tile-m", help="Side of a tile in m, of a network of multimno.")] = 250.0,
    zones: Annotated[
        Path | None, typer.Option(help="CSV: zone, longitude, latitude of its centre, for a network of multimno.")
    ] = None,
    origin: Annotated[
        Literal["real", "simulated"] | None, typer.Option(help="A network of multimno does not say it itself.")
    ] = None,
    least_dbm: Annotated[
        float | None, typer.Option("--least-dbm", help="Strength from which antennas of the simulator connect.")
    ] = None,
    middle_dbm: Annotated[
        float | None, typer.Option("--middle-dbm", help="Strength at which their dominance is one half.")
    ] = None,
    steepness: Annotated[float | None, typer.Option(help="Steepness of their dominance.")] = None,
) -> None:
    """Write a simulated network as the cell plan that `ingest phone-events` takes in. Nothing is ingested."""
    from ons_bigdata.commands import phones  # noqa: PLC0415

    settings = phones.AntennaSettings(least_dbm, middle_dbm, steepness)
    rendering.phone_cell_plan(
        phones.write_cell_plan(
            network,
            folder,
            tile_m=tile_m,
            zones=zones,
            data_origin=origin,
            antennas=settings,
        )
    )


@meters_app.command("truth")
def meters_truth(
    readings: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders of readings.")],
    truth: Annotated[
        Path, typer.Option(help="CSV: meter, started_at (with offset), present (1, 0, or nothing if not known).")
    ],
    timezone: Annotated[str, typer.Option(help="Zone of the homes, such as Europe/London.")],
    form: Annotated[str | None, typer.Option("--format", help="Format of the readings; recognised without it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score the judgements of absent days, and of presence, by a truth that you have. Nothing is kept."""
    with progress_bars():
        from ons_bigdata.meters.reports.truth_scores import score_by_truth  # noqa: PLC0415

        scores = score_by_truth(readings, truth, timezone=timezone, form=form)
    rendering.truth_scores(scores, as_json=as_json)
