"""Names of the files that the collector rolls into landing: by them the readers and the sensor recognise them."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from ons_bigdata.tweets.schemas.vocabulary import SIMULATED

POSTS, GAPS = "tweet_stream", "tweet_stream_gaps"

_NAME = re.compile(rf"({SIMULATED})?({GAPS}|{POSTS})_([0-9]{{8}})T[0-9]{{6}}Z_[0-9]{{9}}\.jsonl")


def rolled_name(kind: str, started_at: datetime, number: int, *, is_simulated: bool) -> str:
    """Name of a rolled file of posts or gaps, from its begin in UTC and the number of its first segment or gap."""
    return f"{SIMULATED * is_simulated}{kind}_{started_at:%Y%m%dT%H%M%SZ}_{number:09d}.jsonl"


def is_rolled(name: str, kind: str) -> bool:
    """True for the name of a rolled file of posts or gaps."""
    match = _NAME.fullmatch(name)
    return match is not None and match[2] == kind


def first_day(name: str) -> date | None:
    """Day before a rolled file begins, in UTC: posts of shortly before midnight may come after it.

    None for a name of another kind.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return date.fromisoformat(match[3]) - timedelta(days=1)
    except ValueError:
        return None
