"""The stream of posts by the command line: from the server to the lake and the gaps; health, signals, the token."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from ons_bigdata.platform.postgres.warehouse import open_warehouse
from ons_bigdata.platform.pseudonyms import make_key
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.stream.clock import PacedClock
from ons_bigdata.simulation.stream.script import End, Pause, Step, delete_notice, half, post, split
from ons_bigdata.simulation.stream.server import SimulatedStream, serve_stream
from tests.command_line import ROOT, CommandLine
from tests.tweets.sources.stream.streamed import LEGAL_BASIS, TOKEN, posts

DAY = datetime(2026, 6, 1, 23, 59, 30, tzinfo=UTC)
"""Half a minute before midnight: the posts are of two days."""


def steps() -> Iterator[Step]:
    """Sixty posts of a minute over two connections, one of them twice; a notice; half a line; then silence."""
    lines = list(islice(posts(start=DAY), 61))
    yield from (post(line) for line in lines[:30])
    yield delete_notice(10**15 + 1, 2)
    yield half(lines[60], 50)
    yield End("drop")
    yield split(lines[29], 30)
    yield from (post(line) for line in lines[30:60])
    for _ in range(600):
        yield post("")  # a keep-alive
        yield Pause(0.1)


@pytest.fixture(scope="module")
def command(short_tmp: Path) -> Iterator[CommandLine]:
    """Command with what the collection requires."""
    home = short_tmp / "st"
    make_key(Settings(home=home).pseudonym_key_path)
    variables = {"TWEET_STREAM_TOKEN": TOKEN, "TWEET_STREAM_LEGAL_BASIS": LEGAL_BASIS, "TWEET_STREAM_ROLL_S": "1"}
    command = CommandLine(home, tuple((f"ONS_BIGDATA_{name}", value) for name, value in variables.items()))
    try:
        yield command
    finally:
        command.run("down", code=None)


@pytest.fixture(scope="module")
def harvested(command: CommandLine) -> Iterator[tuple[dict[str, object], SimulatedStream]]:
    """Collect for some seconds, and load."""
    with serve_stream(steps(), clock=PacedClock(datetime.now(UTC)), token=TOKEN) as stream:
        yield command.json("harvest", "tweets", "--url", stream.address, "--for", "3s", "--json"), stream


def test_posts_are_in_the_lake_and_counted(
    command: CommandLine, harvested: tuple[dict[str, object], SimulatedStream]
) -> None:
    summary, stream = harvested
    assert (summary["connections"], summary["posts"], summary["rolled_duplicates"]) == (2, 61, 1)
    assert (summary["rolled_lines"], summary["rolled_half_lines"], summary["rolled_gaps"]) == (61, 1, 1)
    assert summary["is_loaded"] is True
    warehouse = open_warehouse(command.settings())
    days = warehouse.rows(
        "select partition, sum(rows)::int from ops.lake_files where table_name = 'geo_events' group by 1 order by 1"
    )
    assert days == [("2026-06-01", 29), ("2026-06-02", 31)]
    reasons = warehouse.rows("select reason, sum(rows)::int from ops.quarantine_reasons group by 1")
    assert reasons == [("control line: delete", 1)]
    (gap,) = command.query(
        "select reason, from_utc, to_utc, half_line_bytes, failed_attempts from raw.tweet_stream_gaps"
    )
    assert (gap["reason"], gap["half_line_bytes"], gap["failed_attempts"]) == ("dropped", 50, 0)
    truth = [attempt.at for attempt in stream.attempts[:2]]
    assert abs(datetime.fromisoformat(gap["to_utc"]) - truth[1]) < timedelta(seconds=2)


def test_a_collector_runs_alone_shows_its_health_and_ends_on_request(
    command: CommandLine, harvested: tuple[dict[str, object], SimulatedStream]
) -> None:
    _, stream = harvested
    process = subprocess.Popen(
        command.command("harvest", "tweets", "--url", stream.address, "--json"),
        env=command.environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while True:
            (health,) = command.json("status", "--json")["collectors"]
            if health["is_running"] and health["state"] == "connected":
                break
            assert time.monotonic() < deadline and process.poll() is None, health
        assert health["legal_basis"] == LEGAL_BASIS
        text = command.run("status").stdout
        assert "Stream of posts (simulated): connected since" in text
        refused = command.run("harvest", "tweets", "--url", stream.address, "--for", "1s", code=3)
        assert "another collector" in refused.stderr
    finally:
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "connected after" in errors  # the gap since the first collection
    assert json.loads(printed)["is_loaded"] is False
    assert command.json("status", "--json")["collectors"][0]["state"] == "ended"


def test_the_token_is_nowhere(command: CommandLine, harvested: tuple[dict[str, object], SimulatedStream]) -> None:
    assert harvested
    parts = ("spool", "landing", "lake", "dagster", "logs", "run")
    files = [path for part in parts for path in (command.home / part).rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
