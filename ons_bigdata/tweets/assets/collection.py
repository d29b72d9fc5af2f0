"""Tombstones of posts and users, and freshness of what the stream of posts feeds while it is switched on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

from ons_bigdata.platform.dagster.assets import PERSONAL
from ons_bigdata.settings import Settings

TOMBSTONES = dg.AssetSpec(
    key=["restricted", "tweet_tombstones"],
    kinds={"postgres", "table"},
    tags={PERSONAL: ""},
    description="One row per compliance event of a post or user: what has to go. Recorded by `ons-bigdata compliance`, "
    "which removes it from landing, spool, lake and tables.",
)
"""Table that no run writes: each application of it is an observation with numbers by kind."""

ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [TOMBSTONES]

STREAM_FED = dg.AssetKey(["lake", "geo_events"])
"""Asset into which the rolled files of the stream are loaded."""

FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3))
"""Warn after three hours without new events, fail after a day and the time of its night run.

What is computed from the events has the same policy, and is made once a day.
"""


def with_freshness(
    assets: Iterable[dg.AssetsDefinition | dg.AssetSpec], settings: Settings
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Set the policy on what the stream feeds, if the settings switch the stream on."""
    assets = list(assets)
    if settings.tweet_stream_token is None or not settings.tweet_stream_legal_basis:
        return assets

    def extend(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(freshness_policy=FRESH) if spec.key == STREAM_FED else spec

    return [asset if isinstance(asset, dg.AssetSpec) else asset.map_asset_specs(extend) for asset in assets]
