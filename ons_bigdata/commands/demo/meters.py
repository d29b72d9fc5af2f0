"""The meters pilot in the demo: simulated files of half-hourly readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.ingest import ingest
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.meters.deliveries.plain_files import write_plain_cer_file

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

METERS = 120


class MetersDemo:
    """Files of simulated meters, or real ones."""

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated files, or those below a path. Raises InputError for a path without any reading."""
        files = archive
        if files is None:
            files = settings.home / "demo" / "meters" / "simulated_File1.txt"
            write_plain_cer_file(files, meters=METERS)
        self.ingested = ingest("meters", [files], settings)
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{files} holds no reading")
        return Delivered((self.ingested.first_day, self.ingested.last_day), "simulated" if archive is None else "real")

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows that were taken in."""
        total = self.ingested
        if total is None:
            return []
        return [
            f"{total.files} files ({total.new_files} new): {total.rows_in:,} rows in, {total.accepted:,} accepted, "
            f"{total.quarantined:,} quarantined, {total.refused} refused",
            *(f"  refused {refusal}" for refusal in total.refusals),
            f"Months {delivered.days[0]} to {delivered.days[1]}",
        ]


DEMO = MetersDemo()
