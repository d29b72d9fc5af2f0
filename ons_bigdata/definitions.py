"""The one place Dagster loads: puts the areas together."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dagster as dg

from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

# `BackfillPolicy` on an asset is what makes a range one run; its beta label is known and accepted.
warnings.filterwarnings("ignore", message=".*backfill_policy.*", category=dg.BetaWarning)
warnings.filterwarnings("ignore", message=".*include_sources.*", category=dg.BetaWarning)  # of `group:prices`

from ons_bigdata.platform.dagster.raw_assets import LEDGER  # noqa: E402  (after the filter)
from ons_bigdata.prices import assets as prices_assets  # noqa: E402  (after the filter)
from ons_bigdata.prices import checks as prices_checks  # noqa: E402
from ons_bigdata.prices.checks.collection.scrapes import scrape_schedule  # noqa: E402

RAW = ("ops", "landing", "raw")
"""Schemas of what is collected, before any SQL."""


@dg.definitions
def defs() -> dg.Definitions:
    """Return assets, checks, schedules and resources of the whole project."""
    from ons_bigdata.platform.dagster import dbt  # noqa: PLC0415  (takes two seconds, which an ingest has no use for)

    settings = get_settings()
    return _together(
        [
            *LEDGER,
            *prices_assets.ASSETS,
            dbt.seed_assets(settings),
            dbt.windowed_assets(settings),
            dbt.whole_assets(settings),
        ],
        prices_checks.CHECKS,
        schedules=[prices_checks.DAILY_SCHEDULE, scrape_schedule],
    )


def raw_defs() -> dg.Definitions:
    """Return the raw assets with their checks: what an ingest runs. The SQL project is not read for them."""
    assets = [asset for asset in (*LEDGER, *prices_assets.ASSETS) if _is_raw(_keys(asset))]
    checks = [check for check in prices_checks.CHECKS if _is_raw({key.asset_key for key in check.check_keys})]
    return _together(assets, checks)


def _together(assets: Iterable[Any], checks: Iterable[Any], schedules: Iterable[Any] = ()) -> dg.Definitions:
    return dg.Definitions(
        assets=list(assets),
        asset_checks=list(checks),
        schedules=list(schedules),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
        executor=dg.in_process_executor,
    )


def _keys(asset: dg.AssetSpec | dg.AssetsDefinition) -> Iterable[dg.AssetKey]:
    return [asset.key] if isinstance(asset, dg.AssetSpec) else asset.keys


def _is_raw(keys: Iterable[dg.AssetKey]) -> bool:
    return all(key.path[0] in RAW for key in keys)
