"""The phones pilot in the demo: the deliveries of a simulated operator under its specification, and its census."""

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

PERSONS, DEVICES, ZONES = 20_000, 2_000, 40
CUSTOMERS = 8_000
"""Phones in the delivered tables, of which `DEVICES` have events: with fewer nearly all pairs would be suppressed."""

_TOTALS = """
    select provider, to_char(month, 'YYYY-MM') as month, segment, pairs, suppressed_pairs, least, most
    from marts.phone_deliveries
    where data_origin = $1
    order by provider, month, segment
"""

_AGREEMENT = """
    select provider, to_char(month, 'YYYY-MM') as month, geography, estimate, value, lower, upper
    from marts.phone_flow_comparisons
    where data_origin = $1 and metric = 'cpc'
    order by provider, month, geography, day_type, estimate
"""


class PhonesDemo:
    """A month of a simulated operator, or real files."""

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated delivery, or the files below a path.

        Raises InputError for a path without any file that is taken in.
        """
        if archive is None:
            progress.report("simulating an operator", 0, 1)
            operator = simulate_operator(persons=PERSONS, devices=DEVICES, zones=ZONES, customers=CUSTOMERS)
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
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{paths[0]} holds no delivery of a month")
        return Delivered((self.ingested.first_day, self.ingested.last_day), origin)

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows taken in and the totals of the tables."""
        total = self.ingested
        lines = []
        if total is not None:
            lines = [
                f"{total.files} files ({total.new_files} new): {total.rows_in:,} rows in, {total.accepted:,} accepted, "
                f"{total.quarantined:,} quarantined, {total.refused} refused",
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
            value = "no value" if row["value"] is None else f"{row['value']:.3f}{ends}"
            lines.append(
                f"  {row['provider']} {row['month']}, {row['geography']}, {row['estimate']}: "
                f"common part of commuters {value}"
            )
        return lines


DEMO = PhonesDemo()
