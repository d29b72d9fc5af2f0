"""The tweets pilot in the demo: simulated archives of events in every format, and a last day from a local stream."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ons_bigdata.commands.demo import Delivered
from ons_bigdata.commands.harvest import harvest_tweets
from ons_bigdata.commands.ingest import ingest
from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, StepFailedError
from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.simulation.events.archives import simulate_event_archives
from ons_bigdata.simulation.events.zipf import ZipfGenerator
from ons_bigdata.simulation.stream.clock import PacedClock
from ons_bigdata.simulation.stream.script import End, Pause, Step, post
from ons_bigdata.simulation.stream.server import serve_stream
from ons_bigdata.simulation.world.address_files import write_address_files
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.simulation.world.outages import OutagePlan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from ons_bigdata.commands.harvest import HarvestSummary
    from ons_bigdata.commands.ingest import IngestSummary
    from ons_bigdata.platform.postgres.warehouse import Warehouse
    from ons_bigdata.settings import Settings

FIRST_DAY, DAYS = date(2014, 5, 1), 194
"""1 May to 10 November 2014: students move at the end of September, and to tell a move from the return to a term-time
residence takes the end of the term before and the beginning of the next."""

SEED = 2016
AUTHORITIES = ("E08000035", "E08000003", "E06000018")
"""Leeds, Manchester and Nottingham, of three regions: over the whole country no cell would have ten moves."""
PERSONS, ADDRESSES, USERS = 20_000, 20_000, 2_000
MOBILITY = 10.0
"""Moves of households, as a multiple of those of the country: two thousand users make few moves in half a year."""
OUTAGES = OutagePlan(outages=3)
GENERATOR = ZipfGenerator(max_events=240, visitor_share=0.4, span_days=250.0, least_limit=1.0)
"""Users with 80,000 events in all who are seen for most of the time; those of the pilot were seen for weeks."""

LIVE_DAYS = 1
"""Last days of the world, whose posts come from the stream."""

STREAM_S, MOST_STREAM_S = 3.0, 60.0
"""Seconds into which the live days are compressed, and after which the collection gives up."""

LEGAL_BASIS = "Posts of the simulated world, about nobody: a demonstration on this machine."

_LIVE_ROWS = """
    select coalesce(sum(rows), 0)::bigint from ops.lake_files where table_name = 'geo_events' and partition >= $1
"""

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
    """Archives of simulated users and their last day from a stream, or real archives."""

    expected_s = 50.0

    def __init__(self) -> None:
        self.ingested: IngestSummary | None = None
        self.harvested: HarvestSummary | None = None

    def deliver(self, settings: Settings, *, archive: Path | None, sites: ExitStack) -> Delivered:
        """Ingest the simulated archives, or those below a path.

        Raises InputError for a path without any archive.
        """
        if archive is None:
            progress.report("simulating a world", 0, 1)
            world = build_world(
                seed=SEED, persons=PERSONS, addresses=ADDRESSES, authorities=AUTHORITIES,
                first_day=FIRST_DAY, days=DAYS, outages=OUTAGES, mobility=MOBILITY,
            )  # fmt: skip
            progress.report("simulating a world", 1, 1)
            folder = settings.home / "demo" / "events"
            simulated = simulate_event_archives(
                folder, world, users=USERS, generator=GENERATOR, live_days=LIVE_DAYS, one_after_another=True,
            )  # fmt: skip
            archives = simulated.archives
            files = write_address_files(settings.home / "demo" / "addresses", world)
            ingest("addresses", [files.plus, files.postcodes], settings)
            ingest("populations", [files.areas], settings)
        else:
            archives = archive
        self.ingested = ingest("tweets", [archives], settings)
        if self.ingested.first_day is None or self.ingested.last_day is None:
            raise InputError(f"{archives} holds no event")
        last_day = self.ingested.last_day
        if archive is None and simulated.live is not None:
            last_day = (FIRST_DAY + timedelta(days=DAYS - 1)).isoformat()
            self.harvested = harvest_live_days(simulated.live, settings)
        return Delivered((self.ingested.first_day, last_day), "simulated" if archive is None else "real")

    def summarise(self, warehouse: Warehouse, delivered: Delivered) -> list[str]:
        """Return lines on the rows taken in and on what became of the events."""
        total = self.ingested
        lines = []
        if total is not None:
            lines = [
                total.count_line(),
                *(f"  refused {refusal}" for refusal in total.refusals),
            ]
        if self.harvested is not None:
            collected = self.harvested.collected
            lines.append(
                f"{collected.posts:,} posts of the last day from the stream: {collected.connections} connections"
            )
        found = warehouse.frame(_USERS, [delivered.data_origin]).row(0, named=True)
        return [
            *lines,
            f"Days {delivered.days[0]} to {delivered.days[1]}",
            f"{found['users']:,} users, {found['robots']} of them robots; {found['clustered_users']:,} with a place",
            f"{found['events']:,} events: {found['clustered_events']:,} in {found['valid_clusters']:,} places, "
            f"{found['noise_events']:,} noise, {found['robot_events']:,} of robots, "
            f"{found['outside_events']:,} outside coverage, {found['duplicates']:,} duplicates",
        ]


def harvest_live_days(posts: Path, settings: Settings) -> HarvestSummary | None:
    """Collect the posts of a file from a local stream, the time compressed; None where their days are in the lake.

    Raises StepFailedError where the posts have not come in time.
    """
    begin = datetime.combine(FIRST_DAY + timedelta(days=DAYS - LIVE_DAYS), time(), UTC)
    (row,) = open_warehouse(settings).rows(_LIVE_ROWS, [begin.date().isoformat()])
    if row[0] > 0:
        return None
    lines = posts.read_text(encoding="utf-8").splitlines()
    clock = PacedClock(begin, speed=LIVE_DAYS * 86_400 / STREAM_S)
    token = secrets.token_hex()
    access = {"tweet_stream_token": SecretStr(token), "tweet_stream_legal_basis": LEGAL_BASIS}
    with serve_stream(_live_steps(lines, clock), clock=clock, token=token) as stream:
        harvested = harvest_tweets(
            settings.model_copy(update=access), url=stream.address, seconds=MOST_STREAM_S, posts=len(lines)
        )
    if harvested.collected.posts < len(lines):
        raise StepFailedError(
            f"{harvested.collected.posts:,} of {len(lines):,} posts came from the stream in {MOST_STREAM_S:g} s"
        )
    return harvested


def _live_steps(lines: list[str], clock: PacedClock) -> Iterator[Step]:
    """Send each post at its time; the server closes the connection once, in the middle of the posts."""
    for number, line in enumerate(lines):
        if number == len(lines) // 2:
            yield End("close")
        wait = datetime.fromisoformat(json.loads(line)["data"]["created_at"]) - clock.time
        yield Pause(max(0.0, wait.total_seconds()))
        yield post(line)


DEMO = TweetsDemo()
