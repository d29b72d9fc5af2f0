"""A collector against the local server through scripted hours of faults, in a time that only these two advance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.simulation.stream.clock import ScriptClock
from ons_bigdata.simulation.stream.script import faulty_stream
from ons_bigdata.simulation.stream.server import SILENCE_S, Attempt, serve_stream
from ons_bigdata.tweets.sources.stream.collector import Collector, CollectorSummary
from ons_bigdata.tweets.sources.stream.rolling import post_keys
from ons_bigdata.tweets.sources.stream.timing import StreamTiming
from tests.tweets.sources.stream.streamed import START, TOKEN, access, landed_gaps, landed_lines, landing_of, posts
from tests.tweets.sources.written_events import KEY

SILENT = StreamTiming(silence_s=1.0, flush_s=3600.0)
"""Timing of the protocol, but for the time of this machine after which a silent connection is left."""


def collect(landing: Landing, folder: Path, *, seed: int, hours: float) -> tuple[list[Attempt], CollectorSummary]:
    """Run a collector through some hours; return what the server did and what the collector says."""
    clock = ScriptClock(START)
    collectors: list[Collector] = []
    steps = faulty_stream(posts(), np.random.default_rng(seed))
    until = START + timedelta(hours=hours)
    with serve_stream(
        steps, clock=clock, token=TOKEN, until=until, finished=lambda: [one.stop() for one in collectors]
    ) as stream:
        collectors.append(
            Collector(folder, access(stream.address), land=landing_of(landing), key=KEY, timing=SILENT, clock=clock)
        )
        return stream.attempts, collectors[0].run()


def once(attempts: Sequence[Attempt]) -> Iterator[bytes]:
    """Whole lines that were sent, each post once."""
    seen = set()
    for attempt in attempts:
        for line in attempt.lines:
            (keys,) = post_keys([line], "twitter", KEY)
            if keys is None or keys not in seen:
                yield line
            seen.add(keys)


def accepted(attempts: Sequence[Attempt]) -> list[Attempt]:
    return [attempt for attempt in attempts if attempt.status == 200]


def demanded_waits(attempts: Sequence[Attempt]) -> list[float]:
    """Least wait after each attempt, by the protocol, in words of the server."""
    waits, counts = [], {"network": 0, "http": 0, "rate": 0}
    for attempt in attempts:
        if attempt.data:
            counts = dict.fromkeys(counts, 0)
        if attempt.status in (420, 429) or attempt.data.endswith(b'streaming-connection"}\r\n'):
            kind = "rate"
        elif attempt.status == 503 or attempt.data.endswith(b'operational-disconnect"}]}\r\n'):
            kind = "http"
        else:
            kind = "network"
        counts[kind] += 1
        count = counts[kind]
        wait = {
            "network": min(0.25 * count, 16),
            "http": min(5 * 2 ** (count - 1), 320),
            "rate": 60 * 2 ** (count - 1),
        }[kind]
        silence = SILENCE_S if attempt.ended_by == "stall" else 0.0
        waits.append(max(wait, attempt.limit_s or 0.0) + silence)
    return waits


HOURS = [
    pytest.param(11, 1.0, id="hour-11"),
    *(pytest.param(seed, 3.0, id=f"hours-{seed}", marks=pytest.mark.nightly) for seed in range(20)),
]


@pytest.mark.parametrize(("seed", "hours"), HOURS)
def test_an_hour_of_faults(landing: Landing, tmp_path: Path, seed: int, hours: float) -> None:
    attempts, summary = collect(landing, tmp_path / "spool", seed=seed, hours=hours)
    connections = accepted(attempts)
    assert len(connections) > 20
    assert {attempt.status for attempt in attempts} == {200, 420, 429, 503, None}
    assert {attempt.ended_by for attempt in connections} == {"close", "drop", "stall", "client"}

    # each complete line that was sent before a disconnect is landed once, in order
    expected = list(once(attempts))
    assert landed_lines(landing) == expected
    sent = [line for attempt in attempts for line in attempt.lines]
    assert summary.rolled.lines == len(expected)
    assert summary.rolled.duplicates == len(sent) - len(expected) > 0

    # half lines are counted and not landed
    halves = [len(attempt.half_line) for attempt in connections[:-1]]
    gaps = landed_gaps(landing)
    assert gaps["half_line_bytes"].to_list() == halves
    assert summary.rolled.half_lines == sum(half > 0 for half in halves) > 0

    # gaps are the times without connection, to two seconds; here to a millisecond
    assert summary.rolled.gaps == gaps.height == len(connections) - 1
    for gap, (before, after) in zip(gaps.iter_rows(named=True), pairwise(connections), strict=True):
        assert before.ended_at is not None
        assert abs((gap["from_utc"] - before.ended_at).total_seconds()) < 0.001
        assert abs((gap["to_utc"] - after.at).total_seconds()) < 0.001
        assert (gap["reason"] == "stalled") == (before.ended_by == "stall")
    assert gaps["failed_attempts"].sum() == len(attempts) - len(connections) == summary.failed_attempts

    # no connection before the wait that the protocol demands, and none much later
    for wait, (before, after) in zip(demanded_waits(attempts)[:-1], pairwise(attempts), strict=True):
        assert before.ended_at is not None
        waited = (after.at - before.ended_at).total_seconds()
        assert wait - 1.001 * (before.limit_s is not None) - 0.001 < waited < wait + 0.001, before


def test_what_was_rolled_is_gone_from_the_spool(landing: Landing, tmp_path: Path) -> None:
    collect(landing, tmp_path / "spool", seed=3, hours=0.2)
    left = sorted(path.relative_to(tmp_path / "spool").as_posix() for path in (tmp_path / "spool").rglob("*"))
    assert left == [
        *("collector.lock", "simulated", "simulated/connections.jsonl", "simulated/health.json"),
        *("simulated/roll.lock", "simulated/rolled", "simulated/rolled.json", "simulated/segments"),
    ]
    modes = {path: path.stat().st_mode & 0o077 for path in (tmp_path / "spool").rglob("*")}
    assert set(modes.values()) == {0}, modes
