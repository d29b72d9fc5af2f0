"""Lines of compliance events of every format: recognised, or refused with a fixed reason without content."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.tweets.sources.compliance import events
from ons_bigdata.tweets.sources.compliance.events import ComplianceEvent, Job, job_of, read_event, read_events
from ons_bigdata.tweets.sources.event_json import KEEP_ALIVE, NOT_JSON, TOO_LONG

AT = datetime(2022, 6, 27, 23, 49, 41, 839000, UTC)
AT_TEXT = "2022-06-27T23:49:41.839+00:00"
AT_MS = str(int(AT.timestamp() * 1000))
POST, USER = "601430178305220608", "3198576760"
OF_POST = events.snowflake_time(int(POST))


def v2(kind: str, **event: object) -> dict[str, Any]:
    return {"data": {kind: event}}


GOOD: dict[str, tuple[dict[str, Any], list[ComplianceEvent]]] = {
    **{
        f"v2 {kind}": (
            v2(kind, tweet={"id": POST, "author_id": USER}, event_at=AT_TEXT),
            [ComplianceEvent(kind, POST, USER, None, AT)],
        )
        for kind in ("delete", "withheld", "drop", "undrop")
    },
    **{
        f"v2 user_{kind}": (
            v2(f"user_{kind}", user={"id": USER}, event_at=AT_TEXT),
            [ComplianceEvent(f"user_{kind}", None, USER, None, AT)],
        )
        for kind in ("delete", "undelete", "protect", "unprotect", "suspend", "unsuspend", "withheld")
    },
    "v2 scrub_geo": (
        v2("scrub_geo", user={"id": USER}, up_to_tweet_id=POST, event_at=AT_TEXT),
        [ComplianceEvent("scrub_geo", None, USER, POST, AT)],
    ),
    "v2 edit": (
        v2("tweet_edit", tweet={"id": "30"}, initial_tweet_id="9", edit_tweet_ids=["9", "10", "30"], event_at=AT_TEXT),
        [ComplianceEvent("edit", one, None, None, AT) for one in ("9", "10")],
    ),
    "v2 edit without versions": (
        v2("tweet_edit", tweet={"id": "30"}, initial_tweet_id="9", event_at=AT_TEXT),
        [ComplianceEvent("edit", "9", None, None, AT)],
    ),
    "v1.1 delete": (
        {"delete": {"status": {"id": 1, "id_str": POST, "user_id": int(USER)}, "timestamp_ms": AT_MS}},
        [ComplianceEvent("delete", POST, USER, None, AT)],
    ),
    "v1.1 delete without time": (
        {"delete": {"status": {"id_str": POST, "user_id_str": USER}}},
        [ComplianceEvent("delete", POST, USER, None, OF_POST)],
    ),
    "v1.1 delete of an early post": (
        {"delete": {"status": {"id": 1234, "user_id": 3}}},
        [ComplianceEvent("delete", "1234", "3", None, None)],
    ),
    "v1.1 scrub_geo": (
        {"scrub_geo": {"user_id": 14, "user_id_str": "14", "up_to_status_id": 23260136625}},
        [ComplianceEvent("scrub_geo", None, "14", "23260136625", None)],
    ),
    "v1.1 status_withheld": (
        {"status_withheld": {"status": {"id": int(POST), "user_id": 7}, "timestamp_ms": AT_MS}},
        [ComplianceEvent("withheld", POST, "7", None, AT)],
    ),
    "v1.1 user_suspend": (
        {"user_suspend": {"id": int(USER), "timestamp_ms": AT_MS}},
        [ComplianceEvent("user_suspend", None, USER, None, AT)],
    ),
}
JOBS: dict[str, tuple[Job, dict[str, Any], ComplianceEvent]] = {
    **{
        f"posts {reason}": (
            "posts",
            {"id": POST, "action": "delete", "created_at": AT_TEXT, "redacted_at": AT_TEXT, "reason": reason},
            ComplianceEvent("delete", POST, None, None, AT),
        )
        for reason in ("deleted", "bounced", "deactivated", "protected", "suspended", "scrub_geo")
    },
    **{
        f"users {reason}": (
            "users",
            {"id": USER, "action": "delete", "redacted_at": AT_TEXT, "reason": reason},
            ComplianceEvent(kind, None, USER, None, AT),
        )
        for reason, kind in (
            ("deleted", "user_delete"), ("deactivated", "user_delete"), ("protected", "user_protect"),
            ("suspended", "user_suspend"), ("scrub_geo", "scrub_geo"),
        )
    },
}  # fmt: skip
BAD: dict[str, tuple[object, str]] = {
    "a post": ({"id_str": POST, "user": {"id_str": USER}}, events.NO_EVENT),
    "a list": ([1], events.NO_EVENT),
    "no id": (v2("delete", tweet={"author_id": USER}, event_at=AT_TEXT), events.NO_ID),
    "a name for an id": (v2("user_delete", user={"id": "@somebody"}, event_at=AT_TEXT), events.NO_ID),
    "a number with a fraction": ({"delete": {"status": {"id": 1.5}}}, events.NO_ID),
    "true for an id": ({"delete": {"status": {"id": True}}}, events.NO_ID),
    "an id of 21 digits": (v2("delete", tweet={"id": "1" * 21}, event_at=AT_TEXT), events.NO_ID),
    "no post up to which": (v2("scrub_geo", user={"id": USER}, event_at=AT_TEXT), events.NO_UP_TO),
    "a user's event without time": (v2("user_delete", user={"id": USER}), events.NO_TIME),
    "a time without zone": (v2("user_delete", user={"id": USER}, event_at="2022-06-27T23:49:41"), events.NO_TIME),
    "no time to order a drop by": (v2("drop", tweet={"id": POST}), events.NO_TIME),
    "an edit without versions": (v2("tweet_edit", tweet={"id": "30"}, event_at=AT_TEXT), events.NO_ID),
    "an unknown job": ({"id": POST, "action": "delete", "reason": "deleted"}, events.UNKNOWN_JOB),
    "a profile": (
        v2("user_profile_modification", user={"id": USER}, event_at=AT_TEXT, new_value="x"),
        events.NO_EFFECT.format(kind="user_profile_modification"),
    ),
    "two events": ({"delete": {"status": {"id": 1}}, "drop": {"status": {"id": 1}}}, events.SEVERAL_EVENTS),
}


@pytest.mark.parametrize("name", GOOD)
def test_events_of_streams_are_read(name: str) -> None:
    line, expected = GOOD[name]
    assert read_event(json.dumps(line).encode(), job=None) == expected


@pytest.mark.parametrize(
    ("post", "time"),
    [
        (1567233994734948354, datetime(2022, 9, 6, 19, 31, 16, tzinfo=UTC)),
        (1346889436626259968, datetime(2021, 1, 6, 18, 40, 40, tzinfo=UTC)),
    ],
)
def test_the_id_of_a_post_carries_its_time(post: int, time: datetime) -> None:
    """Two posts with the time that the platform's documentation gives."""
    found = events.snowflake_time(post)
    assert found is not None
    assert found.replace(microsecond=0) == time
    assert events.snowflake_time(23260136625) is None  # of September 2010
    assert events.snowflake_time(10**20 - 1) is not None


@pytest.mark.parametrize("name", JOBS)
def test_results_of_jobs_are_read(name: str) -> None:
    job, line, expected = JOBS[name]
    assert read_event(json.dumps(line).encode(), job=job) == [expected]


@pytest.mark.parametrize("name", BAD)
def test_other_lines_have_a_reason(name: str) -> None:
    line, reason = BAD[name]
    assert read_event(json.dumps(line).encode(), job=None) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"action": "keep"}, events.OTHER_ACTION),
        ({"reason": "moved"}, events.OTHER_REASON),
        ({"redacted_at": "yesterday"}, events.NO_TIME),
        ({"id": "x"}, events.NO_ID),
    ],
)
def test_other_results_of_jobs_have_a_reason(change: dict[str, str], reason: str) -> None:
    line = {"id": USER, "action": "delete", "redacted_at": AT_TEXT, "reason": "deleted", **change}
    assert read_event(json.dumps(line).encode(), job="users") == reason


@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("tweets.jsonl", "posts"),
        ("job_users_7.jsonl", "users"),
        ("POSTS-2022.json", "posts"),
        ("posts_of_users.jsonl", None),
        ("superusers.jsonl", None),
        ("job.jsonl", None),
    ],
)
def test_the_name_of_a_file_names_the_job(name: str, job: Job | None) -> None:
    assert job_of(name) == job


def test_every_line_is_an_event_or_has_a_reason() -> None:
    delete = json.dumps(GOOD["v2 delete"][0]).encode()
    content = b"\r\n".join([delete, b"", b"{", b"\xff\xfe", b" " * (2 * 1024 * 1024), delete])
    found = list(read_events(io.BytesIO(content), job=None))
    assert [number for number, _ in found] == [1, 2, 3, 4, 5, 6]
    expected = GOOD["v2 delete"][1]
    assert [one for _, one in found] == [expected, KEEP_ALIVE, NOT_JSON, NOT_JSON, TOO_LONG, expected]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([POST, USER, AT_TEXT, "delete", "users"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "data",
                        "delete",
                        "tweet",
                        "tweet_edit",
                        "user_delete",
                        "scrub_geo",
                        "user",
                        "id",
                        "id_str",
                        "action",
                    ),
                    *(
                        "event_at",
                        "timestamp_ms",
                        "edit_tweet_ids",
                        "up_to_tweet_id",
                        "status",
                        "reason",
                        "redacted_at",
                    ),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(_JSON, st.sampled_from(["posts", "users", None]))
def test_no_line_fails(line: object, job: Job | None) -> None:
    found = read_event(json.dumps(line).encode(), job=job)
    assert isinstance(found, str) or all(isinstance(one, ComplianceEvent) for one in found)
