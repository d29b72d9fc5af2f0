"""The module that Dagster loads: assets, checks, schedules and resources of the platform and all pilots."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import dagster as dg

from ons_bigdata.pilots import PILOTS, Pilot
from ons_bigdata.platform.dagster.automation import add_conditions
from ons_bigdata.platform.dagster.raw_assets import LEDGER
from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.dagster.runs.check_records import CHECK_PARTITIONS, recording_executor
from ons_bigdata.platform.dagster.runs.jobs import pilot_jobs
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# `BackfillPolicy` on an asset is what makes a range one run; its beta label is known and accepted.
warnings.filterwarnings("ignore", message=".*backfill_policy.*", category=dg.BetaWarning)
warnings.filterwarnings("ignore", message=".*CodeReference.*", category=dg.BetaWarning)

RAW = ("ops", "landing", "raw", "lake")
"""Schemas of what is collected, before any SQL."""

RESOURCES = {"warehouse": WarehouseResource(), "io_manager": NoIOManager()}
EXECUTOR = recording_executor(lambda: open_warehouse(get_settings()))


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions of the whole project."""
    return definitions_of(PILOTS)


def definitions_of(pilots: Sequence[Pilot]) -> dg.Definitions:
    """Definitions of some pilots: to load those of all takes seconds."""
    from ons_bigdata.platform.dagster import dbt  # noqa: PLC0415  (takes two seconds, which an ingest has no use for)

    settings = get_settings()
    assets = [
        *(*LEDGER, CHECK_PARTITIONS),
        *(asset for pilot in pilots for asset in pilot.assets),
        *(asset for pilot in pilots for asset in dbt.pilot_assets(settings, pilot.name, pilot.calendars, pilot.assets)),
    ]
    return dg.Definitions(
        assets=add_conditions(assets),
        asset_checks=[check for pilot in pilots for check in pilot.checks],
        schedules=[schedule for pilot in pilots for schedule in pilot.schedules],
        sensors=[sensor for pilot in pilots for sensor in pilot.sensors],
        jobs=pilot_jobs(assets, [pilot.name for pilot in pilots]),
        resources=RESOURCES,
        executor=EXECUTOR,
    )


def raw_definitions_of(pilots: Sequence[Pilot]) -> dg.Definitions:
    """Definitions of the raw assets with their checks: what an ingest runs. The dbt project is not read for them."""
    assets = [*LEDGER, *(asset for pilot in pilots for asset in pilot.assets if _is_raw(_keys(asset)))]
    return dg.Definitions(
        assets=assets,
        asset_checks=[
            check for pilot in pilots for check in pilot.checks if _is_raw(key.asset_key for key in check.check_keys)
        ],
        jobs=pilot_jobs(assets, [pilot.name for pilot in pilots]),
        resources=RESOURCES,
        executor=EXECUTOR,
    )


def _keys(asset: dg.AssetSpec | dg.AssetsDefinition) -> Iterable[dg.AssetKey]:
    return [asset.key] if isinstance(asset, dg.AssetSpec) else asset.keys


def _is_raw(keys: Iterable[dg.AssetKey]) -> bool:
    return all(key.path[0] in RAW for key in keys)
