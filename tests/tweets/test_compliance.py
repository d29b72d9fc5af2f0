"""Deletions: no trace in landing, lake, tables and spool; in any order, twice, killed at any step, of late arrivals."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import hypothesis
import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest import redaction
from ons_bigdata.platform.ingest.bulk_loading import BulkLoader
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.redaction import redact_unsearched
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.pseudonyms import PseudonymKey
from ons_bigdata.tweets.compliance import application, recording
from ons_bigdata.tweets.sources.archives import GEO_EVENTS
from ons_bigdata.tweets.sources.compliance.tombstones import TOMBSTONES
from ons_bigdata.tweets.sources.event_json import NOT_JSON
from ons_bigdata.tweets.sources.stream.rolling import RollRecord, post_keys
from ons_bigdata.tweets.sources.stream.spool import Spool
from tests.tweets.compliance_cases import (
    AT,
    SOURCE,
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

GONE, STAYS = 777000777, 555000555
POSTS = [Post(user, minute) for user in (GONE, STAYS) for minute in range(4)]
OF_GONE = [post for post in POSTS if post.user == GONE]
TOMB = [TOMBSTONES]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def installation(warehouse: Warehouse, home: Path) -> Installation:
    """Empty landing and lake."""
    return Installation(Landing(home / "landing", warehouse), Lake(home / "lake", warehouse), home)


def traces(posts: list[Post], *, users: bool) -> list[str]:
    """Texts by which posts are known: ids, words, pseudonyms; with those of their users."""
    found = [value for post in posts for value in (post.id, post.text)] + [str(key) for key in event_keys(posts)]
    if users:
        people = sorted({post.user for post in posts})
        found += [*map(str, people), *map(str, keys_of(people))]
    return found


def found_traces(installation: Installation, texts: list[str]) -> list[tuple[str, str]]:
    return [
        *traces_in_files(installation.home, texts),
        *traces_in_tables(installation.landing.warehouse, texts, apart=TOMB),
    ]


USER_KINDS = {
    "user_delete": [v2_user("user_delete", GONE)],
    "user_protect": [v2_user("user_protect", GONE)],
    "user_suspend": [v2_user("user_suspend", GONE)],
    "user_withheld": [v2_user("user_withheld", GONE, withheld_in_countries=["XY"])],
    "scrub_geo": [v2_user("scrub_geo", GONE, up_to_tweet_id=OF_GONE[-1].id)],
    "v1.1 scrub_geo": [json.dumps({"scrub_geo": {"user_id": GONE, "up_to_status_id": int(OF_GONE[-1].id)}})],
    "v1.1 user_delete": [json.dumps({"user_delete": {"id": GONE, "timestamp_ms": "1432228153548"}})],
    "job: suspended": [
        json.dumps({"id": str(GONE), "action": "delete", "reason": "suspended", "redacted_at": AT})
    ],
}  # fmt: skip
POST_KINDS = {
    "delete": [v2_post("delete", post) for post in OF_GONE[:2]],
    "drop": [v2_post("drop", post) for post in OF_GONE[:2]],
    "withheld": [v2_post("withheld", post, withheld_in_countries=["GB"]) for post in OF_GONE[:2]],
    "v1.1 delete": [
        json.dumps({"delete": {"status": {"id": int(post.id), "user_id": GONE}, "timestamp_ms": "1432228155593"}})
        for post in OF_GONE[:2]
    ],
    "edit": [
        json.dumps(
            {
                "data": {
                    "tweet_edit": {
                        "tweet": {"id": OF_GONE[2].id}, "initial_tweet_id": OF_GONE[0].id, "event_at": AT,
                        "edit_tweet_ids": [post.id for post in OF_GONE[:3]],
                    }
                }
            }
        )
    ],
    "job: deleted": [
        json.dumps({"id": post.id, "action": "delete", "reason": "deleted", "redacted_at": AT}) for post in OF_GONE[:2]
    ],
}  # fmt: skip


@pytest.mark.parametrize("kind", USER_KINDS)
def test_nothing_is_left_of_a_user(kind: str, installation: Installation) -> None:
    broken = [OF_GONE[0].line()[:-300], json.dumps({"delete": {"status": {"id_str": OF_GONE[1].id, "user_id": GONE}}})]
    retweet = OF_GONE[0]._v1()
    repeated = Post(STAYS, 50)._v1(retweeted_status=json.loads(retweet))
    forms = [post.line(form) for form in ("v1", "v2", "gnip") for post in POSTS]
    installation.ingest("a.jsonl", [*forms, *broken, repeated])
    installation.ingest("b.csv", [post.line("csv") for post in POSTS])
    texts = traces(OF_GONE, users=True)
    assert found_traces(installation, texts)
    applied = installation.comply(*USER_KINDS[kind], job="users")
    assert applied is not None
    assert applied.lake_rows == 16 + 1  # a post that repeats another goes with it
    assert applied.landed_lines == 4 * 4 + 3
    assert found_traces(installation, texts) == []
    assert {row[4] for row in installation.rows()} == set(keys_of([STAYS]))
    assert len(installation.rows()) == 16
    reasons = ["control line: delete: 1", "deleted by compliance: 13", f"{NOT_JSON}: 1"]
    assert installation.ledger() == [
        ("a.jsonl", 27, 12, 15, reasons, 12),
        ("b.csv", 8, 4, 4, ["deleted by compliance: 4"], 4),
    ]


@pytest.mark.parametrize("kind", POST_KINDS)
def test_nothing_is_left_of_a_post(kind: str, installation: Installation) -> None:
    installation.ingest("a.jsonl", [post.line(form) for form in ("v1", "v2", "gnip") for post in POSTS])
    texts = traces(OF_GONE[:2], users=False)
    assert found_traces(installation, texts)
    applied = installation.comply(*POST_KINDS[kind], job="posts")
    assert applied is not None
    assert (applied.lake_rows, applied.landed_lines) == (6, 6)
    assert found_traces(installation, texts) == []
    assert installation.events() == event_keys([post for post in POSTS if post not in OF_GONE[:2]])


# --- again, in any order, late --------------------------------------------------------------------------


def test_the_same_events_again_change_nothing(installation: Installation) -> None:
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    event = v2_user("user_protect", GONE)
    assert installation.comply(event) is not None
    before = state(installation)
    assert installation.record(event).is_known
    again = installation.record(event, event, name="other.jsonl")
    assert (again.accepted, again.new_tombstones, again.is_known) == (2, 0, False)
    assert installation.apply() is None
    assert state(installation) == before


def test_the_bytes_as_delivered_and_as_redacted_change_nothing(installation: Installation) -> None:
    lines = [post.line() for post in POSTS]
    installation.ingest("a.jsonl", lines)
    installation.comply(v2_user("user_delete", GONE))
    before = state(installation)
    (landed,) = installation.landing.files("geo_events")
    installation.ingest("a.jsonl", lines)
    installation.land("a.jsonl", installation.landing.read(landed))
    assert installation.loader.load_waiting().files == 0
    assert state(installation) == before
    assert found_traces(installation, traces(OF_GONE, users=True)) == []


@pytest.mark.parametrize("name", ["late.jsonl", "late.jsonl.gz", "late.csv"])
def test_late_arrivals_are_kept_out(name: str, installation: Installation) -> None:
    installation.comply(v2_user("user_delete", GONE), v2_post("delete", POSTS[-1]))
    form = "csv" if name.endswith("csv") else "v1"
    installation.land(name, text([post.line(form) for post in POSTS]))
    installation.loader.load_waiting()
    assert len(installation.rows()) == 3
    assert installation.ledger() == [(name, 8, 3, 5, ["deleted by compliance: 5"], 3)]
    assert found_traces(installation, traces(OF_GONE, users=True) + traces(POSTS[-1:], users=False)) == []
    assert installation.landing.warehouse.rows("select content from ops.quarantine where content is not null") == []


def test_a_lift_lets_later_arrivals_in_only(installation: Installation) -> None:
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    protect, unprotect = v2_user("user_protect", GONE), v2_user("user_unprotect", GONE, "2014-06-02T12:00:00.000Z")
    installation.comply(protect, unprotect)
    assert len(installation.rows()) == 4  # what was there has gone, also where the lift is known
    installation.ingest("b.jsonl", [post.line() for post in POSTS])
    assert len(installation.rows()) == 4 + 8
    installation.comply(protect, name="again.jsonl")
    assert len(installation.rows()) == 12
    installation.comply(v2_user("user_protect", GONE, "2014-06-03T12:00:00.000Z"), name="anew.jsonl")
    assert len(installation.rows()) == 8
    installation.comply(v2_user("user_undelete", GONE, "2014-06-04T12:00:00.000Z"), name="other.jsonl")
    installation.ingest("c.jsonl", [post.line() for post in POSTS])
    assert len(installation.rows()) == 8 + 4  # the lift of another kind lifts nothing


def test_events_before_and_after_an_archive_leave_the_same(installation: Installation) -> None:
    lift, close = v2_post("undrop", POSTS[0]), v2_post("drop", POSTS[0])
    later = close.replace("2014-06-01", "2014-06-05")
    installation.comply(lift)
    installation.ingest("a.jsonl", [POSTS[0].line()])
    assert len(installation.rows()) == 1
    installation.comply(close, name="b.jsonl")  # at the time of its lift: the stricter holds
    assert installation.rows() == []
    installation.ingest("b.jsonl", [POSTS[0].line()])
    assert installation.rows() == []
    installation.comply(lift.replace("2014-06-01", "2014-06-04"), later, name="c.jsonl")
    installation.ingest("c.jsonl", [POSTS[0].line()])
    assert installation.rows() == []


# --- positions up to a post -----------------------------------------------------------------------------


def test_ids_of_posts_are_compared_as_numbers(installation: Installation) -> None:
    posts = [Post(GONE, minute, number) for minute, number in enumerate((9, 10, 99, 100, 2**63 + 1, 10**19 + 5))]
    installation.ingest("a.jsonl", [post.line() for post in posts])
    installation.comply(v2_user("scrub_geo", GONE, up_to_tweet_id="10"))
    assert installation.events() == event_keys(posts[2:])
    installation.comply(v2_user("scrub_geo", GONE, up_to_tweet_id="99"), name="b.jsonl")
    assert installation.events() == event_keys(posts[3:])
    installation.comply(v2_user("scrub_geo", GONE, up_to_tweet_id="9"), name="c.jsonl")
    assert installation.events() == event_keys(posts[3:])
    installation.comply(v2_user("scrub_geo", GONE, up_to_tweet_id=str(2**63 + 2)), name="d.jsonl")
    assert installation.events() == event_keys(posts[5:])
    installation.ingest("late.jsonl", [post.line("v2") for post in posts])
    assert installation.events() == event_keys(posts[5:])
    assert found_traces(installation, [post.text for post in posts[:5]]) == []


def test_positions_of_expired_bytes_go_up_to_the_time_of_the_event(installation: Installation) -> None:
    """The pseudonyms of the lake cannot be compared: of posts of the user until then all go."""
    later = Post(GONE, 120_000)  # three months later, after the event
    other = Post(STAYS, 0)
    installation.ingest("a.jsonl", [post.line() for post in (*OF_GONE, later, other)])
    with installation.landing.warehouse.transaction() as transaction:
        transaction.execute("update ops.files set landed_at = landed_at - interval '40 days'")
    assert len(installation.landing.expire(SOURCE.reader, before=datetime.now(UTC) - timedelta(days=30))) == 1
    installation.comply(v2_user("scrub_geo", GONE, up_to_tweet_id=OF_GONE[0].id))
    assert installation.events() == event_keys([later, other])


def test_expired_bytes_that_are_delivered_again_are_redacted(installation: Installation) -> None:
    lines = [post.line() for post in POSTS]
    installation.ingest("a.jsonl", lines)
    installation.landing.expire(SOURCE.reader, before=datetime.now(UTC) + timedelta(days=1))
    installation.comply(v2_user("user_delete", GONE))
    installation.land("a.jsonl", text(lines))
    assert SOURCE.read_rules is not None
    read = partial(SOURCE.read_rules, installation.landing, KEY)
    assert redact_unsearched(installation.landing, "geo_events", read) == 1
    assert redact_unsearched(installation.landing, "geo_events", read) == 0
    assert found_traces(installation, traces(OF_GONE, users=True)) == []
    assert len(installation.rows()) == 4
    installation.landing.expire(SOURCE.reader, before=datetime.now(UTC) + timedelta(days=1))
    installation.land("a.jsonl", text(lines))
    assert redact_unsearched(installation.landing, "geo_events", read) == 1
    assert found_traces(installation, traces(OF_GONE, users=True)) == []


# --- kills ----------------------------------------------------------------------------------------------

STEPS = {
    "before the search of landing": (redaction, "_find"),
    "before the redacted bytes are kept": (Landing, "keep"),
    "after the redacted bytes are kept": (redaction, "_killed_after_keep"),
    "before the earlier bytes go": (application, "finish_redactions"),
    "before the rows of the lake": (Lake, "remove_rows"),
    "before the live files change": (Lake, "make_live"),
    "before the ledger": (application, "record_removed_rows"),
    "before the tables about users": (application, "remove_users"),
    "before the earlier files of the lake go": (Lake, "remove_orphans"),
    "before the end": (application, "finish_application"),
}


@pytest.mark.parametrize("step", STEPS)
def test_an_application_that_is_killed_is_completed(
    step: str, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrub = v2_user("scrub_geo", STAYS, up_to_tweet_id=POSTS[4].id)
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    installation.ingest("b.jsonl", [post.line("v2") for post in POSTS])
    installation.record(v2_user("user_delete", GONE), scrub)
    with monkeypatch.context() as patch:
        owner, name = STEPS[step]
        if name == "_killed_after_keep":
            keep = Landing.keep
            patch.setattr(Landing, "keep", lambda *arguments: (keep(*arguments), kill()))
        else:
            patch.setattr(owner, name, kill)
        with pytest.raises(KilledError):
            installation.apply()
    installation.apply()
    gone = [*OF_GONE, POSTS[4]]
    assert found_traces(installation, traces(OF_GONE, users=True) + traces(gone, users=False)) == []
    assert installation.events() == event_keys(POSTS[5:])
    assert [row[1:4] for row in installation.ledger()] == [(8, 3, 5)] * 2
    assert [row[5] for row in installation.ledger()] == [3] * 2
    assert installation.lake.faults(GEO_EVENTS) == []
    assert installation.apply() is None
    files = [path for path in installation.landing.folder.rglob("*") if path.is_file()]
    assert len(files) == 2
    (numbers,) = installation.landing.warehouse.rows(
        "select tombstones::int, landed_files::int, landed_lines::int, lake_rows::int from ops.compliance_applications"
    )
    assert numbers == (2, 2, 10, 10)


def test_a_load_during_the_recording_reads_the_file_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules that come while a file is read hold for it: the load does not commit before it has searched by them."""
    installation.comply(v2_user("user_delete", 1))
    installation.land("a.jsonl", text([post.line() for post in POSTS]))
    write = BulkLoader._write

    def record_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(BulkLoader, "_write", write)
        installation.record(v2_user("user_delete", GONE), name="meanwhile.jsonl")
        return write(*arguments)

    monkeypatch.setattr(BulkLoader, "_write", record_meanwhile)
    installation.loader.load_waiting()
    assert {row[4] for row in installation.rows()} == set(keys_of([STAYS]))
    assert found_traces(installation, traces(OF_GONE, users=True)) == []


# --- spool, other files ---------------------------------------------------------------------------------


def spooled(installation: Installation, name: str, content: bytes) -> Path:
    """Write a segment of a collector that does not run."""
    folder = installation.home / "spool" / "tweets" / "real" / "segments"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("ending", ["raw", "open"])
def test_segments_of_a_spool_are_redacted(ending: str, installation: Installation) -> None:
    half_line = POSTS[0].line("v2").encode()[:200]
    content = text([post.line("v2") for post in POSTS]) + b"\r\n" + half_line
    segment = spooled(installation, f"000000001_20140401T000000000000Z.{ending}", content)
    left = spooled(installation, f".{segment.name}.1.tmp", content)  # of an application that was killed
    applied = installation.comply(v2_user("user_delete", GONE))
    assert applied is not None
    assert applied.spooled_lines == 4 + 1
    assert traces_in_files(installation.home, traces(OF_GONE, users=True)) == []
    assert not left.exists()
    assert list(segment.parent.iterdir()) == [segment]
    lines = segment.read_bytes().split(b"\n")
    assert [b"deleted_by_compliance" in line for line in lines] == [*[True] * 4, *[False] * 4, False, True]
    assert [json.loads(line)["data"]["id"] for line in lines[4:8]] == [post.id for post in POSTS[4:]]
    # the half line stays without its end, so that it is counted and never landed
    (read,) = Spool(segment.parent)._segments()
    assert read.half_line_bytes() > 0
    assert len(list(read.lines())) == 9


def test_latest_posts_and_unfinished_rolls_are_forgotten(installation: Installation) -> None:
    folder = spooled(installation, "000000009_20140401T000000000000Z.raw", b"").parent.parent
    posts = [post.line("v2").encode() for post in POSTS]
    latest = tuple(keys for keys in post_keys(posts, "twitter", KEY) if keys is not None)
    record = RollRecord(8, 3, latest)
    (folder / "rolled.json").write_bytes(msgspec.json.encode(record))
    (folder / ".rolled.json.1.tmp").write_bytes(msgspec.json.encode(record))
    (folder / "rolled").mkdir()
    (folder / "rolled" / "tweet_stream_20140401T000000Z_000000009.jsonl").write_bytes(b"\n".join(posts))
    gone = [*OF_GONE, POSTS[4]]
    installation.comply(v2_user("user_delete", GONE), v2_post("delete", POSTS[4]))
    assert traces_in_files(installation.home, traces(OF_GONE, users=True) + traces(gone, users=False)) == []
    left = msgspec.json.decode((folder / "rolled.json").read_bytes(), type=RollRecord)
    assert left == RollRecord(8, 3, latest[5:])
    assert list((folder / "rolled").iterdir()) == []


def test_superseded_refused_and_damaged_files_are_searched(installation: Installation) -> None:
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    installation.ingest("a.jsonl", [post.line() for post in POSTS[::-1]])
    strange = f"<post user={GONE} id={OF_GONE[0].id}>{OF_GONE[0].text}</post>\n".encode()
    damaged = gzip.compress(text([post.line() for post in POSTS]))[:-20]
    for name, content in (("strange.xml", strange), ("cut.jsonl.gz", damaged)):
        installation.landing.land(
            content, source="geo_events", delivery="unknown", name=name, data_origin=None, partitions=()
        )
    applied = installation.comply(v2_user("user_delete", GONE))
    assert applied is not None
    assert (applied.landed_files, applied.unreadable_files) == (3, 1)
    assert found_traces(installation, traces(OF_GONE, users=True)) == []


def test_events_of_simulated_users_are_those_of_simulated_archives(installation: Installation) -> None:
    for name in ("a.jsonl", "simulated_a.jsonl"):
        installation.landing.land(
            text([post.line() for post in POSTS]), source="geo_events", delivery="twitter", name=name,
            data_origin="simulated" if name.startswith("simulated") else "real", partitions=None,
        )  # fmt: skip
    installation.loader.load_waiting()
    installation.comply(v2_user("user_delete", GONE), name="simulated_events.jsonl")
    assert sorted(row[2] for row in installation.rows()) == sorted(["real"] * 8 + ["simulated"] * 4)


def test_another_key_is_refused(installation: Installation) -> None:
    installation.ingest("a.jsonl", [post.line() for post in POSTS])
    with pytest.raises(InputError, match="there are pseudonyms of the key"):
        recording.record_file(
            installation.landing, installation.lake, io.BytesIO(b"{}"), "e.jsonl",
            key=PseudonymKey(bytes(32)), job=None, max_bytes=100,
        )  # fmt: skip


# --- the property ---------------------------------------------------------------------------------------


@given(data=st.data())
@hypothesis.settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_lake_is_that_of_archives_that_never_had_the_rows(data: st.DataObject, warehouse: Warehouse) -> None:
    compare_with_clean_archives(data, warehouse)


@pytest.mark.nightly
@given(data=st.data())
@hypothesis.settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_lakes_are_those_of_archives_that_never_had_the_rows(data: st.DataObject, warehouse: Warehouse) -> None:
    compare_with_clean_archives(data, warehouse)


def compare_with_clean_archives(data: st.DataObject, warehouse: Warehouse) -> None:
    """Ingest and compliance in any order leave the rows of an ingest of archives without the rows that go."""
    users = [11, 22, 33]
    posts = [Post(user, minute) for user in users for minute in range(3)]
    files = [
        (f"f{number}.jsonl", data.draw(st.lists(st.sampled_from(posts), min_size=1, max_size=9, unique=True)))
        for number in range(2)
    ]
    gone_users = data.draw(st.sets(st.sampled_from(users), max_size=2))
    gone_posts = data.draw(st.sets(st.sampled_from(posts), max_size=3))
    scrubbed = data.draw(st.none() | st.sampled_from(posts))
    events = [*(v2_user("user_suspend", user) for user in gone_users), *(v2_post("delete", one) for one in gone_posts)]
    events += [v2_user("scrub_geo", scrubbed.user, up_to_tweet_id=scrubbed.id)] if scrubbed else []

    def goes(post: Post) -> bool:
        is_scrubbed = scrubbed is not None and post.user == scrubbed.user and int(post.id) <= int(scrubbed.id)
        return post.user in gone_users or post in gone_posts or is_scrubbed

    steps = data.draw(st.permutations([*files, *((event, None) for event in events)]))
    forms = data.draw(st.lists(st.sampled_from(["v1", "v2", "gnip"]), min_size=2, max_size=2))
    results = []
    for is_clean in (False, True):
        with TemporaryDirectory() as folder:
            home = Path(folder)
            one = Installation(Landing(home / "landing", warehouse), Lake(home / "lake", warehouse), home)
            empty(warehouse)
            for place, (name, of_file) in enumerate(files if is_clean else steps):
                if of_file is None:
                    one.comply(name, name=f"e{place}.jsonl")
                    continue
                form = forms[int(name[1])]
                one.ingest(name, [post.line(form) for post in of_file if not (is_clean and goes(post))] or [" "])
            results.append(one.rows())
            assert all(rows_in == accepted + bad for _, rows_in, accepted, bad, _, _ in one.ledger())
            if not is_clean:
                gone = [post for _, of_file in files for post in of_file if goes(post)]
                assert found_traces(one, traces(gone, users=False)) == []
    assert results[0] == results[1]


def empty(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute(
            f"truncate ops.files, ops.loads, ops.lake_files, ops.lake_tables, ops.redaction_rules, ops.redactions,"
            f" ops.compliance_applications, {TOMBSTONES} cascade"
        )


# --- state ----------------------------------------------------------------------------------------------


class KilledError(Exception):
    """End of a process."""


def kill(*_: object, **__: object) -> NoReturn:
    raise KilledError


def state(installation: Installation) -> tuple[Any, ...]:
    """Everything that an application may change."""
    files = {
        path.relative_to(installation.home).as_posix(): path.read_bytes()
        for path in sorted(installation.home.rglob("*"))
        if path.is_file()
    }
    tables = [
        installation.landing.warehouse.rows(f"select row::text from {table} as row order by 1")
        for table in ("ops.loads", "ops.redactions", "ops.lake_files", "ops.quarantine", "ops.compliance_applications")
        if table != "ops.loads"
    ]
    return files, tables, installation.ledger(), installation.rows()
