"""The tweets pilot in the demo: simulated archives of events in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.ingest import ingest
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError
from ons_bigdata.simulation.events.archives import simulate_event_archives
from ons_bigdata.simulation.events.zipf import ZipfGenerator
from ons_bigdata.simulation.world.building import build_world

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

DAYS = 30
"""Days of the demo, in April 2014: each day of events costs a file for each bucket."""

SEED = 2014
PERSONS, ADDRESSES, USERS = 20_000, 20_000, 2_000
MAX_EVENTS = 200
"""Largest number of events of a person, so that 2,000 users have about 80,000."""

_USERS = """
    select count(*) as users, count(robot_rule) as robots,
        count(*) filter (where valid_clusters > 0) as clustered_users, sum(events)::bigint as events,
        sum(duplicates)::bigint as duplicates, sum(robot_events)::bigint as robot_events,
        sum(outside_events)::bigint as outside_events, sum(clustered_events)::bigint as clustered_events,
        sum(noise_events)::bigint as noise_events, sum(valid_clusters)::bigint as valid_clusters
    from restricted.tweet_users
    where recipe = 'dbscan_20m' and data_origin = $1
"""


class TweetsDemo:
    """Archives of simulated users, or real archives."""

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated archives, or those below a path.

        Raises InputError for a path without any archive.
        """
        if archive is None:
            progress.report("simulating a world", 0, 1)
            world = build_world(seed=SEED, persons=PERSONS, addresses=ADDRESSES, days=DAYS)
            progress.report("simulating a world", 1, 1)
            generator = ZipfGenerator(max_events=MAX_EVENTS)
            folder = settings.home / "demo" / "events"
            archives = simulate_event_archives(folder, world, users=USERS, generator=generator).archives
        else:
            archives = archive
        self.ingested = ingest("tweets", [archives], settings)
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{archives} holds no event")
        return Delivered((self.ingested.first_day, self.ingested.last_day), "simulated" if archive is None else "real")

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows taken in and on what became of the events."""
        total = self.ingested
        lines = []
        if total is not None:
            lines = [
                f"{total.files} files ({total.new_files} new): {total.rows_in:,} rows in, {total.accepted:,} accepted, "
                f"{total.quarantined:,} quarantined, {total.refused} refused",
                *(f"  refused {refusal}" for refusal in total.refusals),
            ]
        found = warehouse.frame(_USERS, [delivered.data_origin]).row(0, named=True)
        return [
            *lines,
            f"Days {delivered.days[0]} to {delivered.days[1]}",
            f"{found['users']:,} users, {found['robots']} of them robots; {found['clustered_users']:,} with a place",
            f"{found['events']:,} events: {found['clustered_events']:,} in {found['valid_clusters']:,} places, "
            f"{found['noise_events']:,} noise, {found['robot_events']:,} of robots, "
            f"{found['outside_events']:,} outside coverage, {found['duplicates']:,} duplicates",
        ]


DEMO = TweetsDemo()
