"""Files of gaps: recognised by name, read line by line, faults quarantined; and the check on their sum."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import msgspec
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import load_waiting
from ons_bigdata.platform.ingest.sources import Recognised
from ons_bigdata.tweets.checks import collection
from ons_bigdata.tweets.sources import archives, rolled_files
from ons_bigdata.tweets.sources.stream.journal import Gap
from ons_bigdata.tweets.sources.stream_gaps import SOURCES, read, recognise

(SOURCE,) = SOURCES
NAME = "tweet_stream_gaps_20261102T120000Z_000000003.jsonl"
GAP = Gap(
    "twitter",
    datetime(2026, 11, 2, 23, 50, tzinfo=UTC),
    datetime(2026, 11, 3, 1, 10, tzinfo=UTC),
    "dropped",
    None,
    2,
    "HTTP 503 (2)",
    17,
)


def changed(**fields: object) -> bytes:
    return msgspec.json.encode({**msgspec.structs.asdict(GAP), **fields})


def test_names_of_rolled_files() -> None:
    assert recognise(NAME, b"") == Recognised("twitter", "real", None)
    assert recognise(f"simulated_{NAME}", b"") == Recognised("twitter", "simulated", None)
    assert recognise("gaps.jsonl", b"{}") is None
    start = datetime(2026, 11, 2, 0, 0, 5, tzinfo=UTC)
    posts = rolled_files.rolled_name(rolled_files.POSTS, start, 7, is_simulated=True)
    assert posts == "simulated_tweet_stream_20261102T000005Z_000000007.jsonl"
    assert recognise(posts, b"") is None
    assert archives.recognise(posts, b"no JSON\n") == Recognised("twitter", "simulated", None)
    assert [rolled_files.first_day(name) for name in (posts, NAME, "a.jsonl")] == [date(2026, 11, 1)] * 2 + [None]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "no gap: "),
        (b"{", "no gap: "),
        (changed(more=1), "unknown field `more`"),
        (changed(failed_attempts="2"), "Expected `int`"),
        (changed(from_utc="2026-11-02T23:50:00"), "a time without zone"),
        (changed(to_utc="2026-11-02T23:49:59Z"), "to_utc before from_utc"),
        (changed(reason="tired"), "reason 'tired'; expected one of closed, dropped"),
        (changed(stream="X Corp"), "stream 'X Corp'"),
        (changed(half_line_bytes=-1), "a count below 0"),
    ],
)
def test_a_faulty_line_is_quarantined(line: bytes, reason: str) -> None:
    reading = read(None, b"\n".join([changed(), line, changed()]) + b"\n", "0123456789abcdef")  # type: ignore[arg-type]
    assert (reading.rows_in, reading.accepted["line"].to_list()) == (3, [1, 3])
    ((number, found, _),) = reading.quarantined.rows()
    assert number == 2
    assert reason in found


def test_a_day_with_long_gaps_warns(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join([changed(), changed(from_utc="2026-11-04T00:00:00Z", to_utc="2026-11-04T01:11:00Z")]) + b"\n"
    landing.land(content, source=SOURCE.name, delivery="twitter", name=NAME, data_origin="real", partitions=None)
    load_waiting(landing, SOURCE, read)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: landing.warehouse)
    (check,) = [check for check in collection.CHECKS if check.check_key.name == "stream_was_connected"]
    result = check(warehouse=WarehouseResource())
    assert isinstance(result, dg.AssetCheckResult)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.metadata["failed_partitions"].value == ["2026-11-02"]
    assert result.metadata["which"].value == "* 2026-11-02, twitter (real): 4800 s in 1 gaps: dropped"
