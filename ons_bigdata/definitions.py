"""The one place Dagster loads: puts the areas together."""

from __future__ import annotations

import warnings

import dagster as dg

from ons_bigdata.platform import assets as platform_assets
from ons_bigdata.platform import dbt
from ons_bigdata.platform.resources import NoIOManager, WarehouseResource
from ons_bigdata.settings import get_settings

# `BackfillPolicy` on an asset is what makes a range one run; its beta label is known and accepted.
warnings.filterwarnings("ignore", message=".*backfill_policy.*", category=dg.BetaWarning)
warnings.filterwarnings("ignore", message=".*include_sources.*", category=dg.BetaWarning)  # of `group:prices`

from ons_bigdata.prices import assets as prices_assets  # noqa: E402  (after the filter)
from ons_bigdata.prices import checks as prices_checks  # noqa: E402
from ons_bigdata.prices.checks.scraping import scrape_schedule  # noqa: E402


@dg.definitions
def defs() -> dg.Definitions:
    """Return assets, checks, schedules and resources of the whole project."""
    settings = get_settings()
    return dg.Definitions(
        assets=[
            *platform_assets.LEDGER,
            *prices_assets.ASSETS,
            dbt.seed_assets(settings),
            dbt.windowed_assets(settings),
            dbt.whole_assets(settings),
        ],
        asset_checks=prices_checks.CHECKS,
        schedules=[prices_checks.DAILY_SCHEDULE, scrape_schedule],
        resources={
            "warehouse": WarehouseResource(),
            "io_manager": NoIOManager(),
        },
        executor=dg.in_process_executor,
    )
