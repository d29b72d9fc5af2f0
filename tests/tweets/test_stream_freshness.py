"""Freshness of the tables that the stream feeds, while it is switched on and only then."""

from __future__ import annotations

import dagster as dg
import pytest
from pydantic import SecretStr

from ons_bigdata.platform.dagster.automation import add_conditions
from ons_bigdata.platform.dagster.raw_assets import source_assets
from ons_bigdata.platform.ingest.sources import with_tables
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.assets import places
from ons_bigdata.tweets.assets.collection import FRESH, with_freshness
from ons_bigdata.tweets.sources import SOURCES


@pytest.mark.parametrize(
    ("token", "legal_basis", "is_expected"),
    [(None, None, False), ("t", None, False), (None, "An agreement", False), ("t", "An agreement", True)],
    ids=["off", "token", "legal-basis", "on"],
)
def test_events_and_places_have_the_freshness_of_the_stream(
    token: str | None, legal_basis: str | None, is_expected: bool
) -> None:
    settings = Settings(
        tweet_stream_token=None if token is None else SecretStr(token), tweet_stream_legal_basis=legal_basis
    )
    assets = add_conditions(with_freshness([*source_assets(with_tables(SOURCES)), *places.ASSETS], settings))
    specs = [spec for asset in assets for spec in ([asset] if isinstance(asset, dg.AssetSpec) else asset.specs)]
    fresh = {"/".join(spec.key.path) for spec in specs if spec.freshness_policy == FRESH}
    assert ("lake/geo_events" in fresh, "restricted/tweet_clusters" in fresh) == (is_expected, is_expected)
    assert "raw/tweet_stream_gaps" not in fresh
