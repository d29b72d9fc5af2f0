"""Compliance while a collector runs: it closes its segment on request, and nothing of it is left anywhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ons_bigdata.platform.errors import UnavailableError
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.simulation.stream.clock import PacedClock
from ons_bigdata.simulation.stream.script import Pause, Step, post
from ons_bigdata.simulation.stream.server import serve_stream
from ons_bigdata.tweets.compliance import spools
from ons_bigdata.tweets.sources.stream.collector import Collector
from ons_bigdata.tweets.sources.stream.locks import CLOSE_REQUEST, only_collector
from ons_bigdata.tweets.sources.stream.timing import StreamTiming
from tests.tweets.compliance_cases import Installation, Post, traces_in_files, v2_user
from tests.tweets.sources.stream.streamed import TOKEN, access, landed_lines, landing_of
from tests.tweets.sources.written_events import KEY

GONE, STAYS = 777000777, 555000555
POSTS = [Post(user, minute) for user in (GONE, STAYS) for minute in range(4)]
HOURLY = StreamTiming(flush_s=0.05, roll_s=3600.0)
"""Timing of a collector that rolls nothing by itself while a test runs."""


@pytest.fixture
def installation(warehouse: Warehouse, tmp_path: Path) -> Installation:
    home = tmp_path / "home"
    return Installation(Landing(home / "landing", warehouse), Lake(home / "lake", warehouse), home)


def test_a_running_collector_closes_its_segment(installation: Installation) -> None:
    ended = threading.Event()

    def steps() -> Iterator[Step]:
        for line in (one.line("v2") for one in POSTS):
            yield post(line)
        while not ended.is_set():
            yield Pause(0.05)
            yield post("")  # a keep-alive

    spool = installation.home / "spool" / "tweets"
    with serve_stream(steps(), clock=PacedClock(datetime.now(UTC)), token=TOKEN) as stream:
        collector = Collector(
            spool, access(stream.address), land=landing_of(installation.landing), key=KEY, timing=HOURLY
        )
        thread = threading.Thread(target=collector.run)
        thread.start()
        try:
            wait_for(spool, POSTS[-1].text)
            installation.record(v2_user("user_delete", GONE), name="simulated_events.jsonl")
            assert installation.apply() is not None
        finally:
            ended.set()
            collector.stop()
            thread.join(30)
    assert not (spool / "simulated" / CLOSE_REQUEST).exists()
    assert (
        traces_in_files(
            installation.home, [str(GONE), *(one.id for one in POSTS[:4]), *(one.text for one in POSTS[:4])]
        )
        == []
    )
    landed = b"\n".join(landed_lines(installation.landing))
    assert [one.text.encode() in landed for one in POSTS] == [False] * 4 + [True] * 4


def test_a_collector_that_does_not_answer_is_an_error_and_the_rest_is_done(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "CLOSE_WAIT_S", 0.3)
    segments = installation.home / "spool" / "tweets" / "real" / "segments"
    segments.mkdir(parents=True)
    text = POSTS[0].line("v2").encode() + b"\n"
    for name in ("000000001_20140401T000000000000Z.raw", "000000002_20140401T000000000000Z.open"):
        (segments / name).write_bytes(text)
    installation.ingest("a.jsonl", [one.line() for one in POSTS])
    installation.record(v2_user("user_delete", GONE))
    with (
        only_collector(segments.parent.parent),
        pytest.raises(UnavailableError, match=r"has not closed its segment in 0\.3 s"),
    ):
        installation.apply()
    assert [path.suffix for path in sorted(segments.iterdir()) if POSTS[0].text.encode() in path.read_bytes()] == [
        ".open"
    ]
    assert len(installation.rows()) == 4
    installation.apply()
    assert traces_in_files(installation.home, [str(GONE), POSTS[0].text]) == []


def wait_for(spool: Path, text: str) -> None:
    """Wait until the spool has a text, which a collector receives within a second."""
    for _ in range(600):
        if any(text.encode() in path.read_bytes() for path in spool.rglob("*.open")):
            return
        time.sleep(0.05)
    raise AssertionError(f"{text} has not come in 30 s")
