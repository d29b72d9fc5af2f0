"""Streams of tests: posts, a collector that lands for real, and what it has landed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.settings import PROJECT_ROOT
from ons_bigdata.simulation.events.formats import v2_line
from ons_bigdata.simulation.events.world import TrueEvent
from ons_bigdata.tweets.sources import SOURCES, stream_gaps
from ons_bigdata.tweets.sources.stream.collector import StreamAccess
from tests.tweets.sources.written_events import KEY

TOKEN = "s3cr3t-t0ken-0f-a-test"  # noqa: S105  (of a server that lives for a second)
LEGAL_BASIS = "Simulated posts of a test; no person."
START = datetime(2026, 11, 2, 12, tzinfo=UTC)


def posts(*, first: int = 1, start: datetime = START) -> Iterator[str]:
    """Lines of posts with ids in a row."""
    number = first
    while True:
        at = start + timedelta(seconds=number)
        yield v2_line(TrueEvent(10**15 + number, number % 7 + 1, at, 51.5, -0.12, "web", "home", "London"))
        number += 1


def access(url: str) -> StreamAccess:
    return StreamAccess(url, TOKEN, LEGAL_BASIS)


def landing_of(landing: Landing) -> Callable[[Sequence[Path]], None]:
    """Return the function that lands rolled files as the command does."""

    def land(paths: Sequence[Path]) -> None:
        files = list(
            land_files(
                paths,
                landing,
                SOURCES,
                dbt_project_dir=PROJECT_ROOT / "dbt_project",
                max_file_bytes=10**8,
                pseudonym_key=KEY,
            )
        )
        assert all(landed.file.data_origin == "simulated" for landed in files)

    return land


def landed_lines(landing: Landing) -> list[bytes]:
    """Lines of the rolled files, in the order of their names."""
    return [line for file in landing.files("geo_events") for line in landing.read(file).splitlines()]


def landed_gaps(landing: Landing) -> pl.DataFrame:
    """Gaps of the rolled files, in order."""
    readings = [
        stream_gaps.read(file, landing.read(file), file.load_id(stream_gaps.SOURCES[0].reader))
        for file in landing.files("tweet_stream_gaps")
    ]
    assert all(reading.quarantined.is_empty() for reading in readings)
    return pl.concat([reading.accepted for reading in readings]).sort("from_utc")
