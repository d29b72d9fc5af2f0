"""A collector that is killed at any step loses nothing that it has received, and lands nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.simulation.stream.clock import PacedClock
from ons_bigdata.simulation.stream.script import End, Pause, Step, half, post, split
from ons_bigdata.simulation.stream.server import SimulatedStream, serve_stream
from ons_bigdata.tweets.sources.stream.collector import Collector
from tests.command_line import ROOT
from tests.tweets.sources.stream.streamed import TOKEN, access, landed_gaps, landed_lines, landing_of, posts
from tests.tweets.sources.written_events import KEY

FIRST, SECOND = 60, 20
"""Posts of the first collector, and of that which follows."""


def steps(first: int, count: int) -> Iterator[Step]:
    """Posts in a row, some of them in two chunks, and time to receive the last."""
    for place, line in enumerate(islice(posts(first=first), count)):
        yield split(line, 40) if place % 3 == 0 else post(line)
        yield Pause(0.01)
    yield Pause(0.3)


def start(stream: SimulatedStream, landing: Landing, spool: Path, step: int) -> subprocess.Popen[bytes]:
    database = landing.warehouse.address.libpq()
    words = [str(spool), stream.address, str(landing.folder), database, str(step)]
    return subprocess.Popen([sys.executable, "-m", "tests.tweets.sources.stream.collecting", *words], cwd=ROOT)


def spooled(spool: Path) -> list[bytes]:
    """Whole lines in the segments."""
    segments = sorted((spool / "simulated" / "segments").glob("*"))
    return [line.strip() for path in segments for line in path.read_bytes().split(b"\n")[:-1] if line.strip()]


KILLS = [
    pytest.param(step, id=f"step-{step}", marks=[] if step == 33 else [pytest.mark.nightly])
    for step in (1, 3, 5, 7, 9, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 33, 36, 40, 45, 50)
]


@pytest.mark.parametrize("step", KILLS)
def test_a_killed_collector_is_followed_by_another(landing: Landing, tmp_path: Path, step: int) -> None:
    spool = tmp_path / "spool"
    processes: list[subprocess.Popen[bytes]] = []

    def end(kill: bool) -> None:
        processes[-1].send_signal(signal.SIGKILL if kill else signal.SIGTERM)

    line = next(posts(first=FIRST + 1))
    script = [*steps(1, FIRST), half(line, 30)]
    clock = PacedClock(datetime.now(UTC))
    with serve_stream(script, clock=clock, token=TOKEN, finished=partial(end, True)) as stream:
        processes.append(start(stream, landing, spool, step))
        assert processes[-1].wait(120) == -signal.SIGKILL
    killed_at = datetime.now(UTC)
    acknowledged = [*landed_lines(landing), *spooled(spool)]

    with serve_stream(steps(1000, SECOND), clock=clock, token=TOKEN, finished=partial(end, False)) as stream:
        processes.append(start(stream, landing, spool, 0))
        assert processes[-1].wait(120) == 0
        connected_at = stream.attempts[0].at

    landed = landed_lines(landing)
    assert set(acknowledged) <= set(landed)
    assert len(landed) == len(set(landed))
    assert {line.encode() for line in islice(posts(first=1000), SECOND)} <= set(landed)
    whole = {
        line.encode() for first, count in ((1, FIRST), (1000, SECOND)) for line in islice(posts(first=first), count)
    }
    assert set(landed) <= whole  # and so no half line
    assert spooled(spool) == []

    gaps = landed_gaps(landing) if landing.files("tweet_stream_gaps") else None
    if gaps is not None:  # none where it was killed before its first connection
        (gap,) = gaps.iter_rows(named=True)
        assert gap["reason"] == "killed"
        assert abs((gap["from_utc"] - killed_at).total_seconds()) < 2
        assert abs((gap["to_utc"] - connected_at).total_seconds()) < 2


def test_the_bytes_of_a_line_that_a_kill_cut_short_are_counted(landing: Landing, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    processes: list[subprocess.Popen[bytes]] = []

    def end(kill: bool) -> None:
        processes[-1].send_signal(signal.SIGKILL if kill else signal.SIGTERM)

    clock = PacedClock(datetime.now(UTC))
    line = next(posts(first=9))
    with serve_stream(
        [*steps(1, 5), half(line, 30), Pause(0.3)], clock=clock, token=TOKEN, finished=partial(end, True)
    ) as stream:
        processes.append(start(stream, landing, spool, 0))
        processes[-1].wait(120)
    with serve_stream(steps(10, 5), clock=clock, token=TOKEN, finished=partial(end, False)) as stream:
        processes.append(start(stream, landing, spool, 0))
        processes[-1].wait(120)
    assert landed_gaps(landing)["half_line_bytes"].to_list() == [30]
    assert len(landed_lines(landing)) == 10


def test_a_collection_of_a_number_of_posts_ends_by_itself(landing: Landing, tmp_path: Path) -> None:
    def steps() -> Iterator[Step]:
        lines = list(islice(posts(), 40))
        yield from (post(line) for line in lines[:20])
        yield End("close")  # posts are counted over connections
        yield from (post(line) for line in lines[20:30])
        while True:
            yield Pause(0.05)
            yield post("")  # a keep-alive: the stream does not end

    with serve_stream(steps(), clock=PacedClock(datetime.now(UTC)), token=TOKEN) as stream:
        collector = Collector(tmp_path / "spool", access(stream.address), land=landing_of(landing), key=KEY, posts=30)
        collected = collector.run()
    assert (collected.posts, collected.connections, collected.rolled.lines) == (30, 2, 30)
    assert len(landed_lines(landing)) == 30
    with pytest.raises(ValueError, match="posts is 0; expected at least 1"):
        Collector(tmp_path / "spool", access(stream.address), land=landing_of(landing), key=KEY, posts=0)
