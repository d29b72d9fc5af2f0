"""`ons-bigdata compliance` as a process that is killed (SIGKILL) and started again: no trace of what was deleted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.sources.archives import GEO_EVENTS
from ons_bigdata.tweets.sources.compliance.tombstones import TOMBSTONES
from ons_bigdata.tweets.sources.stream.rolling import RollRecord, post_keys
from tests.command_line import ROOT
from tests.conftest import ROLE_PREFIX
from tests.forked_commands import fork_server
from tests.tweets import complying
from tests.tweets.compliance_cases import (
    Installation,
    Post,
    event_keys,
    keys_of,
    text,
    traces_in_files,
    traces_in_tables,
    v2_post,
    v2_user,
)
from tests.tweets.sources.written_events import KEY
from tests.tweets.test_compliance_command import (  # noqa: F401  (fixtures)
    DERIVED,
    GONE,
    PART,
    POSTS,
    STAYS,
    installed,
    materialise_places,
    template,
    users_of_tables,
)

SPOOLED = [Post(user, minute) for user in (GONE, PART, STAYS) for minute in range(10, 14)]
"""Posts of the stream that have not been landed."""
DELETED = [*(post for post in [*POSTS, *SPOOLED] if post.user == GONE), POSTS[4], SPOOLED[4]]
"""Posts that go: all of a user, one of an archive and one of the stream."""

LAST_STEP = 175
IN_EVERY_RUN = (24, 115)
"""Steps of every run of the tests: before a redacted segment of the spool is in its place, and before the lake's new
files are live. The nightly ones take all."""


@pytest.fixture
def prepared(installed: Installation, settings: Settings) -> Path:  # noqa: F811  (the fixture)
    """Write archives of all formats, tables about users, a spool with all that it may hold; and events that delete."""
    broken = [POSTS[0].line()[:-300], json.dumps({"delete": {"status": {"id_str": POSTS[1].id, "user_id": GONE}}})]
    installed.ingest("b.jsonl", [*(post.line("v2") for post in POSTS), *broken])
    installed.ingest("c.csv", [post.line("csv") for post in POSTS])
    installed.land("waiting.jsonl.gz", text([post.line("gnip") for post in POSTS]))
    materialise_places()

    folder = settings.spool_dir / "tweets" / "real"
    (folder / "segments").mkdir(parents=True)
    (folder / "rolled").mkdir()
    lines = [post.line("v2") for post in SPOOLED]
    for name, part in {"000000004": lines[::2], "000000003": lines[1::2]}.items():
        ending = "open" if name.endswith("4") else "raw"
        half_line = SPOOLED[0].line("v2").encode()[:-60]
        (folder / "segments" / f"{name}_20140401T000000000000Z.{ending}").write_bytes(text(part) + half_line)
    (folder / "rolled" / "tweet_stream_20140401T000000Z_000000003.jsonl").write_bytes(text(lines))
    latest = [keys for keys in post_keys([line.encode() for line in lines], "twitter", KEY) if keys is not None]
    (folder / "rolled.json").write_bytes(msgspec.json.encode(RollRecord(2, 0, tuple(latest))))

    path = settings.home.parent / "events.jsonl"
    path.write_bytes(text([v2_user("user_delete", GONE), v2_post("delete", POSTS[4]), v2_post("delete", SPOOLED[4])]))
    return path


def run(settings: Settings, events: Path, *, kill_at: int) -> subprocess.CompletedProcess[str]:
    """Run the command in a process, a fork of one that has imported everything."""
    assert settings.database_url is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ONS_BIGDATA_", "DAGSTER_"))},
        "ONS_BIGDATA_HOME": str(settings.home),
        "ONS_BIGDATA_DATABASE_URL": settings.database_url.get_secret_value(),
        "ONS_BIGDATA_ROLE_PREFIX": ROLE_PREFIX,
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    return fork_server(ROOT).run(
        [str(kill_at), str(events)], environment=environment, directory=ROOT, module=complying.__name__
    )


def found_traces(installation: Installation, traces: Sequence[str]) -> list[tuple[str, str]]:
    """Traces in any file of the state folder and any table but that of the tombstones."""
    return [
        *traces_in_files(installation.home, traces),
        *traces_in_tables(installation.landing.warehouse, traces, apart=[TOMBSTONES]),
    ]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=[] if step in IN_EVERY_RUN else [pytest.mark.nightly])
        for step in range(1, LAST_STEP + 1)
    ],
)
def test_a_killed_command_is_completed_by_the_next(
    step: int,
    prepared: Path,
    installed: Installation,  # noqa: F811  (the fixture)
    settings: Settings,
) -> None:
    warehouse = installed.landing.warehouse
    texts = [value for post in DELETED for value in (post.id, post.text)] + [str(key) for key in event_keys(DELETED)]
    texts += [str(GONE), *map(str, keys_of([GONE]))]
    assert {trace for _, trace in found_traces(installed, texts)} == set(texts)

    killed = run(settings, prepared, kill_at=step)
    if killed.returncode == 0 and step not in IN_EVERY_RUN:
        pytest.skip(f"the last step is {killed.stderr.splitlines()[-1]}")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    completed = run(settings, prepared, kill_at=0)
    assert completed.returncode == 0, completed.stderr
    printed = killed.stdout + killed.stderr + completed.stdout + completed.stderr
    assert [trace for trace in texts if trace in printed] == []

    assert found_traces(installed, texts) == []
    assert installed.lake.faults(GEO_EVENTS) == []
    assert {row[4] for row in installed.rows()} == set(keys_of([PART, STAYS]))
    assert users_of_tables(warehouse) == {table: set(keys_of([STAYS])) for table in DERIVED}
    waiting = f"select from {TOMBSTONES} where applied_at is null"
    assert warehouse.rows(waiting) == []
    assert warehouse.rows("select from ops.compliance_applications where finished_at is null") == []
    again = run(settings, prepared, kill_at=0)
    assert again.returncode == 0


@pytest.mark.nightly
def test_every_step_of_the_command_is_among_those_at_which_it_is_killed(prepared: Path, settings: Settings) -> None:
    steps = len(run(settings, prepared, kill_at=0).stderr.splitlines())
    assert max(IN_EVERY_RUN) < steps <= LAST_STEP
