"""The meters pilot in the demo: half-hourly readings and attributes of homes of the simulated world."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.ingest import ingest
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.meters.deliveries.archives import write_meter_archive
from ons_bigdata.simulation.meters.generators import Simulation
from ons_bigdata.simulation.meters.world_homes import draw_world_homes
from ons_bigdata.simulation.world.building import build_world

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

METERS = 120
FIRST_DAY, DAYS = date(2009, 7, 14), 536
"""Days of the Irish trial."""
SEED = 2009
PERSONS = 20_000
GENERATOR = "chain"

_OCCUPANCY = """
    with last as (
        select distinct on (meter_key) meter_key, vacant, is_second_home
        from restricted.meter_quarters
        where coverage >= 0.8
        order by meter_key, quarter desc
    )

    select count(*) as meters, count(*) filter (where vacant) as vacant,
        count(*) filter (where is_second_home) as second_homes,
        (select count(*) from restricted.meter_absent_days where absent) as absent_days
    from last
"""


class MetersDemo:
    """Deliveries of simulated meters with their faults, or files of real ones."""

    expected_s = 45.0

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated files, or those below a path. Raises InputError for a path without any reading."""
        files = [archive] if archive is not None else simulate_delivery(settings.home / "demo" / "meters")
        self.ingested = ingest("meters", files, settings)
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{archive} holds no reading")
        return Delivered((self.ingested.first_day, self.ingested.last_day), "simulated" if archive is None else "real")

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows that were taken in, and on the homes that were judged."""
        total = self.ingested
        if total is None:
            return []
        judged = warehouse.frame(_OCCUPANCY).row(0, named=True)
        return [
            total.count_line(),
            *(f"  refused {refusal}" for refusal in total.refusals),
            f"Months {delivered.days[0][:7]} to {delivered.days[1][:7]}",
            f"{judged['meters']:,} homes in their last quarter: {judged['vacant']} vacant, "
            f"{judged['second_homes']} second homes; {judged['absent_days']:,} absent days",
        ]


def simulate_delivery(folder: Path) -> list[Path]:
    """Write readings and attributes of homes of a simulated world into a folder; return what is to be ingested.

    The truth is in the same folder, and is not among them. Equal runs write equal bytes.
    """
    progress.report("simulating a world", 0, 1)
    world = build_world(seed=SEED, persons=PERSONS, addresses=PERSONS, first_day=FIRST_DAY, days=DAYS)
    progress.report("simulating a world", 1, 1)
    drawn = draw_world_homes(world, METERS, seed=SEED)
    simulation = Simulation(SEED, FIRST_DAY, DAYS, GENERATOR, trips=drawn.trips)
    regions = world.authorities.select("region", area="authority")  # few of 120 meters are in the same authority
    homes = drawn.homes.join(regions, on="area", how="left", maintain_order="left").with_columns(area="region")
    written = write_meter_archive(folder, homes.drop("region"), simulation, keeps_presence=False)
    return [*sorted(folder.glob("simulated_*.csv")), *written.readings]


DEMO = MetersDemo()
