"""The demo of messages: its archives, the last day from a stream, published figures, a second run that adds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import CommandLine

pytestmark = pytest.mark.nightly

LAST_DAY = "2014-11-10"

ROWS = "select partition, sum(rows)::int as rows from ops.lake_files where table_name = 'geo_events' group by 1"

PUBLISHED = "select distinct level, measure from published.internal_migration where status = 'published'"


@pytest.fixture(scope="module")
def command(short_tmp: Path) -> Iterator[CommandLine]:
    command = CommandLine(short_tmp / "td")
    try:
        yield command
    finally:
        command.run("down", code=None)


def test_the_last_day_comes_from_the_stream_once(command: CommandLine) -> None:
    printed = command.run("demo", "--no-serve", "--pilots", "tweets", is_new=True).stdout
    assert "posts of the last day from the stream: 2 connections" in printed
    rows = {row["partition"]: row["rows"] for row in command.query(ROWS)}
    truth = (command.home / "demo" / "events" / "truth" / "true_events.csv").read_text(encoding="utf-8")
    of_last_day = sum(LAST_DAY in line for line in truth.splitlines())
    assert rows[LAST_DAY] == of_last_day > 100
    (health,) = command.json("status", "--json")["collectors"]
    assert (health["state"], health["data_origin"]) == ("ended", "simulated")
    shown = command.query(PUBLISHED)
    assert {(row["level"], row["measure"]) for row in shown} == {
        (level, measure) for level in ("authority", "region") for measure in ("inflow", "outflow", "net", "flow")
    }
    assert (
        command.query("select moves from published.internal_migration where measure = 'net' and moves is not null")
        == []
    )
    assert len(command.query("select moved from marts.internal_migration_surface where status = 'published'")) >= 2
    assert len(command.query("select users from marts.migration_coverage where status = 'published'")) == 3 * 7
    gaps = command.query("select to_utc from marts.message_collection_gaps where reason = 'no_events'")
    assert len(gaps) == 3  # the outages of its world
    again = command.run("demo", "--no-serve", "--pilots", "tweets").stdout
    assert "from the stream" not in again
    assert {row["partition"]: row["rows"] for row in command.query(ROWS)} == rows
