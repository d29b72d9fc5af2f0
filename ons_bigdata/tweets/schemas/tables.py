"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.sources import loadable
from ons_bigdata.tweets.schemas import addresses, compliance, gaps, migration, migration_comparison, places, residence
from ons_bigdata.tweets.sources import SOURCES

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    **{source.table.name: source.table.frame for source in loadable(SOURCES)},
    "restricted.tweet_tombstones": compliance.TweetTombstone,
    "restricted.tweet_users": places.TweetUser,
    "restricted.tweet_clusters": places.TweetCluster,
    "restricted.tweet_events": places.TweetEvent,
    "restricted.tweet_cluster_hours": places.TweetClusterHour,
    "restricted.tweet_cluster_months": places.TweetClusterMonth,
    "restricted.tweet_cluster_addresses": addresses.TweetClusterAddress,
    "analysis.tweet_archive_gaps": gaps.ArchiveGap,
    "restricted.tweet_homes": residence.TweetHome,
    "restricted.tweet_residence": residence.TweetResidence,
    "restricted.tweet_moves": residence.TweetMove,
    "restricted.tweet_time_at_risk": residence.TweetTimeAtRisk,
    "restricted.tweet_migration_flows": migration.TweetMigrationFlow,
    "restricted.tweet_area_migration": migration.TweetAreaMigration,
    "restricted.tweet_migration_surface": migration.TweetMigrationSurface,
    "analysis.internal_migration_flows": migration.ControlledFlow,
    "analysis.internal_migration_areas": migration.ControlledAreaMigration,
    "analysis.internal_migration_surface": migration.ControlledSurface,
    "analysis.migration_coverage": migration_comparison.MigrationCoverage,
    "analysis.migration_comparisons": migration_comparison.MigrationComparison,
    "analysis.migration_area_bias": migration_comparison.MigrationAreaBias,
}
"""Frame by `schema.table`."""
