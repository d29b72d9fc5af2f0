"""List of pilots with their assets, checks, sources and tables: read by definitions, doctor, demo and ingest.

A pilot is a folder of `ons_bigdata`; all pilots have the same rooms. Its parts are imported on first use, so that
an ingest loads no dbt, and a list of tables no assets.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dagster as dg
    import dataframely as dy

    from ons_bigdata.platform.calendar import Calendar


@dataclass(frozen=True)
class Pilot:
    """A pilot, by the name that its folder, its dbt folders and its owners' team share."""

    name: str

    @property
    def areas(self) -> Mapping[str, str]:
        """Subject of each area (`areas.AREAS`)."""
        return self._part("areas", "AREAS")

    @property
    def groups(self) -> list[str]:
        """Dagster groups of the pilot, one per area."""
        return [f"{self.name}_{area}" for area in self.areas]

    @property
    def calendars(self) -> Sequence[Calendar]:
        """Calendars of the pilot's assets, at most one per cadence (`calendar.CALENDARS`)."""
        return self._part("calendar", "CALENDARS")

    @property
    def assets(self) -> Sequence[dg.AssetsDefinition | dg.AssetSpec]:
        """Assets that Python writes (`assets.ASSETS`); those of dbt come from the dbt project."""
        return self._part("assets", "ASSETS")

    @property
    def checks(self) -> Sequence[dg.AssetChecksDefinition]:
        """Asset checks in Python (`checks.CHECKS`)."""
        return self._part("checks", "CHECKS")

    @property
    def schedules(self) -> Sequence[dg.ScheduleDefinition]:
        """Schedules (`automation.SCHEDULES`)."""
        return self._part("automation", "SCHEDULES")

    @property
    def sensors(self) -> Sequence[dg.SensorDefinition]:
        """Sensors (`automation.SENSORS`)."""
        return self._part("automation", "SENSORS")

    @property
    def sources(self) -> Any:  # noqa: ANN401  (the type is that of platform.ingest)
        """Sources whose files can be ingested (`sources.SOURCES`)."""
        return self._part("sources", "SOURCES")

    @property
    def tables(self) -> Mapping[str, type[dy.Schema]]:
        """Table that Python writes and its frame (`schemas.tables.TABLES`)."""
        return self._part("schemas.tables", "TABLES")

    @property
    def migrations(self) -> str:
        """Package whose folder `migrations` holds the pilot's tables."""
        return f"ons_bigdata.{self.name}"

    @property
    def demo(self) -> Any:  # noqa: ANN401  (the type is that of commands.demo, which imports this module)
        """The pilot's part of the demo (`commands.demo.<name>.DEMO`)."""
        return import_module(f"ons_bigdata.commands.demo.{self.name}").DEMO

    def _part(self, module: str, name: str) -> Any:  # noqa: ANN401  (the properties say the types)
        return getattr(import_module(f"ons_bigdata.{self.name}.{module}"), name)


PILOTS = (
    Pilot("prices"),
    Pilot("tweets"),
    Pilot("meters"),
)


def tables() -> dict[str, type[dy.Schema]]:
    """Tables of all pilots that Python writes, each with its frame."""
    return {table: frame for pilot in PILOTS for table, frame in pilot.tables.items()}
