"""Lines of files of compliance events: streams of the API v2, control lines of v1.1, results of batch jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Literal

import msgspec

from ons_bigdata.platform.ingest.lines import read_blocks
from ons_bigdata.tweets.schemas.vocabulary import POST_KINDS, USER_KINDS
from ons_bigdata.tweets.sources.compliance.kinds import LIFTED_BY, WITHOUT_EFFECT
from ons_bigdata.tweets.sources.event_json import KEEP_ALIVE, NOT_JSON, TOO_LONG

NO_EVENT = "no compliance event"
NO_ID = "no id, or one of another form than 1 to 20 digits"
NO_UP_TO = "no id of a post up to which positions go, or one of another form than 1 to 20 digits"
NO_TIME = "no time, or one of another form than the format's"
UNKNOWN_JOB = "result of a job on posts or on users: the name of the file names neither, nor does --job"
OTHER_ACTION = "result of a job with another action than delete or scrub_geo"
OTHER_REASON = "result of a job with a reason that is not known"
SEVERAL_EVENTS = "several compliance events in one line"
NO_EFFECT = "compliance event without effect on posts: {kind}"

Job = Literal["posts", "users"]

_ID = re.compile(r"[0-9]{1,20}")
_NAME_OF_JOB = {
    "posts": re.compile(r"(?<![a-z])(tweets?|posts?|statuses)(?![a-z])", re.IGNORECASE),
    "users": re.compile(r"(?<![a-z])(users?|accounts?)(?![a-z])", re.IGNORECASE),
}
_OLDER_NAMES = {"status_withheld": "withheld"}
"""Kind by its name in v1.1 where that is another."""
_USER_JOB = {
    "deleted": "user_delete",
    "deactivated": "user_delete",
    "protected": "user_protect",
    "suspended": "user_suspend",
    "scrub_geo": "scrub_geo",
}
"""Kind by the reason of a result of a job on users."""
_POST_JOB = ("deleted", "bounced", "deactivated", "protected", "suspended", "scrub_geo", "delete")
"""Reasons of results of a job on posts: whatever it is, that post goes for good."""

_FIRST_SNOWFLAKE_MS = 1_288_834_974_657
_FIRST_SNOWFLAKE = 29_700_859_247
"""Ids of posts from that of November 2010 on carry the millisecond of the post; earlier ones are counted."""


@dataclass(frozen=True)
class ComplianceEvent:
    """One compliance event about a post or a user, with ids as the platform gives them: never to be stored."""

    kind: str
    post: str | None
    """Post that it is about; None for a user's event."""
    user: str | None
    """User that it is about, or author of the post; None where unknown."""
    up_to: str | None
    """Last post of which the position goes; None for other kinds and where it is not known."""
    effective_at: datetime | None
    """Time of the event (UTC); None where neither the event nor an id has it."""


def job_of(name: str) -> Job | None:
    """Kind of ids of a batch job by the name of the file of its results; None where it names neither or both."""
    named: list[Job] = [job for job in ("posts", "users") if _NAME_OF_JOB[job].search(name)]  # type: ignore[misc]
    return named[0] if len(named) == 1 else None


def read_events(stream: IO[bytes], *, job: Job | None) -> Iterator[tuple[int, list[ComplianceEvent] | str]]:
    """Line and its events, or line and the reason against it (a fixed text, without content). Never raises for any.

    `job` is the kind of ids of results of batch jobs.
    """
    for block in read_blocks(stream):
        for number, text in enumerate(block.lines, block.first_line):
            if number in block.too_long:
                yield number, TOO_LONG
            elif not text and block.is_cut_short and number > block.first_line:
                continue  # after the last line end
            else:
                yield number, read_event(text, job=job)


def read_event(text: bytes, *, job: Job | None) -> list[ComplianceEvent] | str:
    """Events of a line (of an edit, one for each earlier version), or the reason against it."""
    if not text.strip():
        return KEEP_ALIVE
    try:
        line = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NOT_JSON
    return _events_of(line, job) if isinstance(line, dict) else NO_EVENT


def _events_of(line: dict[str, Any], job: Job | None) -> list[ComplianceEvent] | str:
    """Events of an object, in whichever format it is."""
    if "action" in line and "id" in line:
        return _job_result(line, job)
    body = line["data"] if isinstance(line.get("data"), dict) else line
    names = [name for name in body if isinstance(body[name], dict) and name in _READERS]
    if len(names) > 1:
        return SEVERAL_EVENTS
    if names:
        return _READERS[names[0]](_OLDER_NAMES.get(names[0], names[0]), body[names[0]])
    without = next((name for name in WITHOUT_EFFECT if name in body), None)
    return NO_EVENT if without is None else NO_EFFECT.format(kind=without)


def snowflake_time(post: int) -> datetime | None:
    """Time of a post by its id (UTC, whole milliseconds); None for an id from before November 2010."""
    if post < _FIRST_SNOWFLAKE:
        return None
    try:
        return datetime.fromtimestamp(((post >> 22) + _FIRST_SNOWFLAKE_MS) / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


# --- formats --------------------------------------------------------------------------------------------


def _post_event(kind: str, event: dict[str, Any]) -> list[ComplianceEvent] | str:
    """Event about a post: `tweet` in v2, `status` in v1.1."""
    post = next((event[name] for name in ("tweet", "status") if isinstance(event.get(name), dict)), event)
    post_id, user = _id(post, "id"), _id(post, "author_id", "user_id")
    if post_id is None:
        return NO_ID
    time = _time(event)
    if time is _BAD:
        return NO_TIME
    if time is None and kind in {*LIFTED_BY, *LIFTED_BY.values()}:
        return NO_TIME
    return [ComplianceEvent(kind, post_id, user, None, _at(time) or snowflake_time(int(post_id)))]


def _edit(_kind: str, event: dict[str, Any]) -> list[ComplianceEvent] | str:
    """Edit of a post: all versions but the latest go."""
    latest = _id(event.get("tweet"), "id")
    versions = event.get("edit_tweet_ids")
    if not isinstance(versions, list) or not versions:
        versions = [event.get("initial_tweet_id")]
    ids = [_checked_id(version) for version in versions]
    if latest is None or None in ids:
        return NO_ID
    time = _time(event)
    if time is _BAD:
        return NO_TIME
    earlier = sorted({one for one in ids if one is not None and int(one) != int(latest)}, key=int)
    user = _id(event.get("tweet"), "author_id")
    return [ComplianceEvent("edit", one, user, None, _at(time) or snowflake_time(int(one))) for one in earlier] or NO_ID


def _user_event(kind: str, event: dict[str, Any]) -> list[ComplianceEvent] | str:
    """Event about a user: `user` in v2, the id itself in v1.1."""
    user = _id(event.get("user"), "id") or _id(event, "user_id", "id")
    if user is None:
        return NO_ID
    time = _time(event)
    if not isinstance(time, datetime):
        return NO_TIME
    return [ComplianceEvent(kind, None, user, None, time)]


def _scrub_geo(kind: str, event: dict[str, Any]) -> list[ComplianceEvent] | str:
    """Removal of positions of a user's posts up to one: `up_to_tweet_id` in v2, `up_to_status_id` in v1.1."""
    user = _id(event.get("user"), "id") or _id(event, "user_id")
    if user is None:
        return NO_ID
    up_to = _id(event, "up_to_tweet_id", "up_to_status_id")
    if up_to is None:
        return NO_UP_TO
    time = _time(event)
    if time is _BAD:
        return NO_TIME
    return [ComplianceEvent(kind, None, user, up_to, _at(time) or snowflake_time(int(up_to)))]


def _job_result(line: dict[str, Any], job: Job | None) -> list[ComplianceEvent] | str:
    """Result of a batch job; its line does not show whether its id is that of a post or of a user."""
    subject, reason = _id(line, "id"), line.get("reason", line["action"])
    time = _time_of_text(line["redacted_at"]) if line.get("redacted_at") is not None else None
    known = _POST_JOB if job == "posts" else tuple(_USER_JOB)
    faults = {
        UNKNOWN_JOB: job is None,
        NO_ID: subject is None,
        OTHER_ACTION: line["action"] not in ("delete", "scrub_geo"),
        OTHER_REASON: reason not in known,
        NO_TIME: time is _BAD or (time is None and job == "users"),
    }
    fault = next((fault for fault, is_so in faults.items() if is_so), None)
    if fault is not None or subject is None:
        return fault or NO_ID
    if job == "posts":
        return [ComplianceEvent("delete", subject, None, None, _at(time) or snowflake_time(int(subject)))]
    return [ComplianceEvent(_USER_JOB[reason], None, subject, None, _at(time))]


_Read = Callable[[str, dict[str, Any]], "list[ComplianceEvent] | str"]
_READERS: dict[str, _Read] = {
    **dict.fromkeys((*POST_KINDS, "status_withheld"), _post_event),
    **dict.fromkeys(USER_KINDS, _user_event),
    "tweet_edit": _edit,
    "scrub_geo": _scrub_geo,
}
_READERS.pop("edit")


# --- values ---------------------------------------------------------------------------------------------

_BAD: Literal["bad"] = "bad"
"""In the place of a time of another form."""


def _id(part: object, *names: str) -> str | None:
    """First id under one of the names, as text before as a number."""
    if not isinstance(part, dict):
        return None
    given = [part[key] for name in names for key in (f"{name}_str", name) if part.get(key) is not None]
    return _checked_id(given[0]) if given else None


def _checked_id(value: object) -> str | None:
    """Id without leading zeros; None for another form."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _ID.fullmatch(value):
        return None
    return str(int(value))


def _time(event: dict[str, Any]) -> datetime | Literal["bad"] | None:
    """Time of an event: `event_at` in v2, `timestamp_ms` in v1.1; None where there is none."""
    if event.get("event_at") is not None:
        return _time_of_text(event["event_at"])
    milliseconds = event.get("timestamp_ms")
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return _BAD


def _time_of_text(text: object) -> datetime | Literal["bad"]:
    """Time of an ISO text with its zone."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        return time.astimezone(UTC) if time is not None and time.tzinfo is not None else _BAD
    except (ValueError, OverflowError):
        return _BAD


def _at(time: datetime | Literal["bad"] | None) -> datetime | None:
    return time if isinstance(time, datetime) else None
