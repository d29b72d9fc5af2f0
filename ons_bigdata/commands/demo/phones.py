"""The phones pilot in the demo: deliveries and events of a simulated operator, and its census."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.ingest import ingest
from ons_bigdata.phones.sources.specification_files import register_specification
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.phones.agreement import PROVIDER
from ons_bigdata.simulation.phones.census_files import write_census
from ons_bigdata.simulation.phones.figure_files import write_figures
from ons_bigdata.simulation.phones.operator_files import simulate_operator, write_operator

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

PERSONS, DEVICES, ZONES = 20_000, 8_000, 40
"""With fewer devices nearly all pairs of zones would be suppressed."""
EVENTS_PER_DAY = 6.5
"""Few, so that the demo is quick: the simulated operator has 26."""

_TOTALS = """
    select provider, to_char(month, 'YYYY-MM') as month, segment, pairs, suppressed_pairs, least, most
    from marts.phone_deliveries
    where data_origin = $1
    order by provider, month, segment
"""

_AGREEMENT = """
    select provider, to_char(month, 'YYYY-MM') as month, geography, estimate, value, lower, upper
    from marts.phone_flow_comparisons
    where data_origin = $1 and metric = 'cpc' and value is not null
        and estimate in ('phone_flows', 'weighted', 'previous_census', 'perfect_sample')
    order by provider, month, geography, day_type, estimate
"""

_ESTIMATES = {
    "phone_flows": "flows as delivered",
    "weighted": "weighted flows",
    "previous_census": "the previous census",
    "perfect_sample": "a perfect sample of that size",
}
_MEASURES = {"home_right": "the right zone of home", "work_right": "the right zone of work"}

_ACCURACY = """
    select to_char(month, 'YYYY-MM') as month, measure, value, lower, upper
    from marts.phone_anchor_accuracy
    where data_origin = $1 and area_class = 'all' and measure in ('home_right', 'work_right')
    order by month, measure
"""

_PRESENT = """
    select to_char(month, 'YYYY-MM') as month, count(*) filter (where period = 'daytime') as areas,
        sum(persons) filter (where period = 'daytime') as daytime,
        sum(persons) filter (where period = 'night_time') as night_time
    from published.population_present
    where data_origin = $1 and day_type = 'weekday' and status = 'published'
    group by month
    order by month
"""

_VISITORS = """
    select to_char(month, 'YYYY-MM') as month, direction, visitors, nights, nights_lower, nights_upper
    from published.visitor_nights
    where data_origin = $1 and country = 'all' and area in ('all', 'abroad') and status = 'published'
    order by month, direction
"""


class PhonesDemo:
    """A month of a simulated operator, or real files."""

    expected_s = 50.0

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None
        self.events: IngestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated delivery, or the files below a path.

        Raises InputError for a path without any file that is taken in.
        """
        if archive is None:
            progress.report("simulating an operator", 0, 1)
            operator = simulate_operator(persons=PERSONS, devices=DEVICES, zones=ZONES, events_per_day=EVENTS_PER_DAY)
            files = write_operator(settings.home / "demo" / "phones", operator)
            census = settings.home / "demo" / "phones" / "census"
            write_census(census, operator)
            write_figures(census, operator)
            progress.report("simulating an operator", 1, 1)
            register_specification(settings.dbt_project_dir, PROVIDER, operator.specification)
            paths, origin = [files.deliveries, census], "simulated"
        else:
            paths, origin = [archive], "real"
        self.ingested = ingest("phones", paths, settings)
        if archive is None:
            self.events = ingest("phone-events", [files.events, files.true_devices], settings)
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{paths[0]} holds no delivery of a month")
        return Delivered((self.ingested.first_day, self.ingested.last_day), origin)

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows taken in and the totals of the tables."""
        lines: list[str] = []
        for total in (self.ingested, self.events):
            if total is None:
                continue
            lines += [
                total.count_line(),
                *(f"  refused {refusal}" for refusal in total.refusals),
            ]
        for row in warehouse.frame(_TOTALS, [delivered.data_origin]).iter_rows(named=True):
            most = "no bound" if row["most"] is None else f"{row['most']:,.0f}"
            lines.append(
                f"  {row['provider']} {row['month']}, {row['segment']}: {row['pairs']:,} pairs, "
                f"{row['suppressed_pairs']:,} suppressed; {row['least']:,.0f} to {most} devices"
            )
        for row in warehouse.frame(_AGREEMENT, [delivered.data_origin]).iter_rows(named=True):
            ends = "" if row["lower"] is None else f" ({row['lower']:.3f} to {row['upper']:.3f})"
            lines.append(
                f"  {row['provider']} {row['month']}, {row['geography']}, {_ESTIMATES[row['estimate']]} against the "
                f"census: common part of commuters {row['value']:.3f}{ends}"
            )
        return lines + _device_lines(warehouse, delivered)


def _device_lines(warehouse: Warehouse, delivered: Delivered) -> list[str]:
    """Lines on anchors against truth, persons present and visitors; none without events of devices."""
    lines = [
        f"  {row['month']}, devices with {_MEASURES[row['measure']]}: {row['value']:.1%} "
        f"({row['lower']:.1%} to {row['upper']:.1%})"
        for row in warehouse.frame(_ACCURACY, [delivered.data_origin]).iter_rows(named=True)
        if row["value"] is not None
    ]
    lines += [
        f"  {row['month']}, persons present on a weekday in {row['areas']} areas: {row['daytime']:,.0f} by day, "
        f"{row['night_time']:,.0f} by night"
        for row in warehouse.frame(_PRESENT, [delivered.data_origin]).iter_rows(named=True)
        if row["daytime"] is not None and row["night_time"] is not None
    ]
    for row in warehouse.frame(_VISITORS, [delivered.data_origin]).iter_rows(named=True):
        if row["nights"] is not None:
            lines.append(
                f"  {row['month']}, {row['direction']} visitors: {row['visitors']:,.0f}, {row['nights']:,.0f} nights "
                f"({row['nights_lower']:,.0f} to {row['nights_upper']:,.0f})"
            )
    return lines


DEMO = PhonesDemo()
