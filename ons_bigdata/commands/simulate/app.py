"""The group `simulate` of the command line: simulated sources, opened over HTTP or written as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ons_bigdata import rendering
from ons_bigdata.command_line import JsonOption, stop_event
from ons_bigdata.platform.state_folder import umask_of_user
from ons_bigdata.progress_bars import progress_bars
from ons_bigdata.settings import get_settings

app = typer.Typer(name="simulate", help="Open simulated sources.", no_args_is_help=True)


@app.command("shops")
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
        get_settings(), day=day, retailers=retailers or (), port=port, stop=stop_event(), opened=rendering.shops
    )


@app.command("world")
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
    home_flows: Annotated[
        Path | None, typer.Option(help="The same table, for the moves of homes: those of the other ages.")
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
            home_flows=home_flows,
            flows_year=flows_year,
            outages=outages,
            outage_hours=outage_hours,
            outage_share=outage_share,
            live_days=live_days,
        )
        with umask_of_user():
            written = write_world(folder, options)
    rendering.written_world(written, as_json=as_json)


@app.command("meters")
def simulate_meters(  # noqa: PLR0913, PLR0917 (every choice is an option)
    folder: Annotated[Path, typer.Argument(help="New or empty folder for readings/, attributes of homes and truth/.")],
    meters: Annotated[int, typer.Option(min=1, help="Number of meters.")] = 120,
    first_day: Annotated[str, typer.Option(help="First day (YYYY-MM-DD).")] = "2009-07-14",
    days: Annotated[int, typer.Option(min=2, help="Number of days.")] = 536,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 2009,
    generator: Annotated[str, typer.Option(help="Model of homes: chain, or bouts to try methods on.")] = "chain",
    file_format: Annotated[str, typer.Option("--format", help="Format of the readings: cer or lcl.")] = "cer",
    persons: Annotated[int | None, typer.Option(min=1, help="Persons of the world; by the meters without it.")] = None,
    addresses: Annotated[int | None, typer.Option(min=1, help="Addresses of all classes; as many as persons.")] = None,
    faults: Annotated[bool, typer.Option(help="Put faults into the delivery.")] = True,
    unit_errors: Annotated[float, typer.Option(min=0, max=1, help="Share of meters with readings ×1000.")] = 0.0,
    presence: Annotated[bool, typer.Option(help="Write the people at home by half hour into truth/.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Write simulated readings of homes of one world, faults among them, and the truth.

    `ons-bigdata ingest meters FOLDER/readings` takes the readings in.
    """
    with progress_bars():
        from ons_bigdata.commands.simulate.meters import MeterOptions, write_meters  # noqa: PLC0415
        from ons_bigdata.platform.calendar import parse_day  # noqa: PLC0415

        options = MeterOptions(
            meters=meters,
            first_day=parse_day(first_day, what="--first-day"),
            days=days,
            seed=seed,
            generator=generator,
            file_format=file_format,
            persons=persons,
            addresses=addresses,
            has_faults=faults,
            unit_errors=unit_errors,
            keeps_presence=presence,
        )
        with umask_of_user():
            written = write_meters(folder, options)
    rendering.written_meters(written, as_json=as_json)


@app.command("phones")
def simulate_phones(
    folder: Annotated[Path, typer.Argument(help="New or empty folder for deliveries/, census/, events/ and truth/.")],
    persons: Annotated[int, typer.Option(min=400, help="Persons of the world.")] = 20_000,
    devices: Annotated[int, typer.Option(min=1, help="Phones of the operator.")] = 2_000,
    zones: Annotated[int, typer.Option(min=8, help="Zones of the tables.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal bytes.")] = 2014,
    threshold: Annotated[int, typer.Option(min=1, help="Smaller counts are suppressed; 1 for none.")] = 5,
    rounding_base: Annotated[int, typer.Option(min=1, help="Counts are rounded to it; 1 for none.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write a month of a simulated operator: specification, deliveries, events by day, and the truth.

    `ons-bigdata phones spec FOLDER/specification.yaml --register sim-opal` and `ons-bigdata ingest phones
    FOLDER/deliveries` take the deliveries in.
    """
    with progress_bars():
        from ons_bigdata.commands.simulate.phones import write_phones  # noqa: PLC0415

        with umask_of_user():
            written = write_phones(
                folder,
                persons=persons,
                devices=devices,
                zones=zones,
                seed=seed,
                threshold=threshold,
                rounding_base=rounding_base,
            )
    rendering.written_operator(written, as_json=as_json)
