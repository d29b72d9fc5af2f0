"""Waits by the protocol, permanent refusals, errors of the collector's code, silence in real time, the token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.simulation.stream.clock import PacedClock, ScriptClock
from ons_bigdata.simulation.stream.script import End, Pause, Refuse, Step, post, too_many_connections
from ons_bigdata.simulation.stream.server import SimulatedStream, serve_stream
from ons_bigdata.tweets.sources.stream.client import checked_url
from ons_bigdata.tweets.sources.stream.collector import Collector, StreamAccess
from ons_bigdata.tweets.sources.stream.health import read_collectors
from ons_bigdata.tweets.sources.stream.journal import (
    Connected,
    Disconnected,
    Failed,
    Journal,
    Started,
    disconnected_since,
    gaps,
)
from ons_bigdata.tweets.sources.stream.timing import Backoff, Reason, StreamTiming
from tests.tweets.sources.stream.streamed import LEGAL_BASIS, START, TOKEN, access, posts
from tests.tweets.sources.written_events import KEY

QUICK = StreamTiming(silence_s=0.5, flush_s=0.05)


@pytest.mark.parametrize(
    ("reason", "waits"),
    [
        ("dropped", [0.25, 0.5, 0.75, 1.0]),
        ("http_error", [5, 10, 20, 40, 80, 160, 320, 320]),
        ("rate_limited", [60, 120, 240, 480, 960, 960]),
    ],
)
def test_waits_are_those_of_the_protocol(reason: Reason, waits: list[float]) -> None:
    backoff = Backoff(StreamTiming())
    assert [backoff.wait_s(reason) for _ in waits] == waits
    backoff.reset()
    assert backoff.wait_s(reason) == waits[0]


def test_network_waits_end_at_sixteen_seconds_and_no_fault_lengthens_the_waits_of_another() -> None:
    backoff = Backoff(StreamTiming())
    assert [backoff.wait_s("stalled") for _ in range(70)][62:66] == [15.75, 16, 16, 16]
    assert (backoff.wait_s("rate_limited"), backoff.wait_s("http_error"), backoff.wait_s("closed")) == (60, 5, 16)


def run(
    steps: Iterable[Step],
    folder: Path,
    *,
    land: Callable[..., None] = lambda _: None,
    clock: ScriptClock | None = None,
    token: str = TOKEN,
    prepare: Callable[[SimulatedStream], None] = lambda _: None,
) -> SimulatedStream:
    """Run a collector to the end of a script."""
    collectors: list[Collector] = []
    served = ScriptClock(START) if clock is None else clock
    with serve_stream(
        steps, clock=served, token=TOKEN, finished=lambda: [collector.stop() for collector in collectors]
    ) as stream:
        prepare(stream)
        granted = StreamAccess(stream.address, token, LEGAL_BASIS)
        collectors.append(Collector(folder, granted, land=land, key=KEY, timing=QUICK, clock=served))
        collectors[0].run()
    return stream


def test_a_refusal_for_good_ends_the_collection_without_the_token(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"refuses with HTTP 401: Unauthorized Unauthorized") as refused:
        run([], tmp_path, token="another-token")  # noqa: S106
    assert "another-token" not in str(refused.value)


def test_rules_of_others_are_not_collected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has 1 rules besides 'place_country:GB has:geo'"):
        run([], tmp_path, prepare=lambda stream: stream.change_rules({"add": [{"value": "cats"}]}))


def test_a_rule_that_was_lost_is_added_again(tmp_path: Path) -> None:
    served: list[SimulatedStream] = []

    def lose_rules() -> Iterable[Step]:
        yield from (post(line) for line in islice(posts(), 2))
        served[0].rules.clear()
        yield End("drop")
        yield post(next(posts(first=9)))

    stream = run(lose_rules(), tmp_path, prepare=served.append)
    assert [attempt.status for attempt in stream.attempts] == [200, 409, 200]
    assert [rule["value"] for rule in stream.rules] == ["place_country:GB has:geo"]


def test_an_error_of_landing_ends_the_collection_and_is_raised(tmp_path: Path) -> None:
    def fail(_paths: object) -> None:
        raise ZeroDivisionError("a fault of our code")

    with pytest.raises(ZeroDivisionError, match="a fault of our code"):
        run([post(line) for line in islice(posts(), 3)], tmp_path, land=fail)
    kept = next((tmp_path / "simulated" / "segments").iterdir()).read_bytes()
    assert kept.count(b"\r\n") == 3


def test_the_database_may_be_away_for_a_time(tmp_path: Path) -> None:
    landed: list[bytes] = []

    def land(paths: Iterable[Path]) -> None:
        if not landed:
            landed.append(b"")
            raise UnavailableError("the database does not answer")
        landed.extend(path.read_bytes() for path in paths)

    steps = [post(line) for line in islice(posts(), 3)]
    with pytest.raises(UnavailableError):
        run(steps, tmp_path, land=land)
    run([post(line) for line in islice(posts(first=3), 3)], tmp_path, land=land)  # the third again
    lines = b"".join(content for content in landed if b'"data"' in content).splitlines()
    assert lines == [line.encode() for line in islice(posts(), 5)]


def test_the_token_is_in_no_log_record_and_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = next(posts())
    run([Refuse(503), Refuse(None), post(line), too_many_connections(), End("close"), post(line)], tmp_path)
    assert caplog.records
    assert TOKEN not in caplog.text
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert TOKEN not in repr(access("http://127.0.0.1:1"))


def test_neither_a_proxy_nor_a_netrc_of_the_environment_gets_the_token_or_replaces_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    stream = run([post(next(posts()))], tmp_path / "spool")
    assert [attempt.status for attempt in stream.attempts] == [200]


def test_silence_is_a_stall_in_real_time(tmp_path: Path) -> None:
    collectors: list[Collector] = []
    line = next(posts())
    with serve_stream(
        [post(line), Pause(0.3), End("stall"), post(line)],
        clock=PacedClock(datetime.now(UTC)),
        token=TOKEN,
        finished=lambda: [collector.stop() for collector in collectors],
    ) as stream:
        collectors.append(Collector(tmp_path, access(stream.address), land=lambda _: None, key=KEY, timing=QUICK))
        collectors[0].run()
    (gap,) = gaps(Journal(tmp_path / "simulated" / "connections.jsonl").events(), stream="twitter")
    assert gap.reason == "stalled"
    first = stream.attempts[0]
    assert first.last_byte_at is not None
    assert abs((gap.from_utc - first.last_byte_at).total_seconds()) < 0.25
    assert (gap.to_utc - gap.from_utc).total_seconds() >= QUICK.silence_s + QUICK.network_step_s
    (health,) = read_collectors(tmp_path)
    assert (health.state, health.is_running, health.posts, health.connections) == ("ended", False, 2, 2)
    assert health.legal_basis == LEGAL_BASIS


def test_only_one_collector_has_a_folder(tmp_path: Path) -> None:
    def start_another() -> Iterable[Step]:
        yield post(next(posts()))
        with pytest.raises(UnavailableError, match="another collector"):
            Collector(tmp_path, access("http://127.0.0.1:1"), land=lambda _: None, key=KEY).run()
        (health,) = read_collectors(tmp_path)
        refused.append(health.is_running)

    refused: list[bool] = []
    run(start_another(), tmp_path)
    assert refused == [True]


@pytest.mark.parametrize(
    "url", ["http://example.org", "ftp://127.0.0.1", "https://", "https://user@example.org", "127.0.0.1:80", ""]
)
def test_the_token_is_sent_to_safe_addresses_alone(url: str) -> None:
    with pytest.raises(InputError, match="expected https"):
        checked_url(url)


def test_gaps_follow_from_the_journal() -> None:
    at = [START.replace(minute=minute) for minute in range(12)]
    events = [
        Started(at[0]),
        Failed(at[1], "http_error", "HTTP 503"),
        Failed(at[2], "http_error", "HTTP 503"),
        Failed(at[3], "unreachable", "ConnectionError"),
        Connected(at[4]),
        Disconnected(at[5], "stopped"),
        Started(at[7]),
        Connected(at[8]),
        Disconnected(at[9], "dropped", None, 17),
    ]
    first, second = gaps(events, stream="twitter")
    assert msgspec.structs.astuple(first) == (
        *("twitter", at[0], at[4], "http_error", "HTTP 503", 3),
        *("HTTP 503 (2), ConnectionError", 0),
    )
    assert msgspec.structs.astuple(second) == ("twitter", at[5], at[8], "stopped", None, 0, None, 0)
    since = [disconnected_since(events[:count]) for count in (0, 1, 2, 4, 5, 6, 7, 8)]
    assert since == [None, None, at[1], at[1], None, at[5], at[5], None]
    assert gaps([*events, Connected(at[10])], stream="twitter")[2].half_line_bytes == 17
