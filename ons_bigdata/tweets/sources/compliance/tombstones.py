"""Tombstones: compliance events with pseudonyms in the place of ids, as recorded and as sets to look rows up in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.platform.pseudonyms import pseudonyms
from ons_bigdata.tweets.schemas.vocabulary import SCRUB_GEO
from ons_bigdata.tweets.sources.compliance.events import ComplianceEvent, snowflake_time
from ons_bigdata.tweets.sources.compliance.kinds import LIFTED_BY, LIFTING, REMOVING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.platform.ingest.landing import Landing
    from ons_bigdata.platform.pseudonyms import PseudonymKey

TOMBSTONES = "restricted.tweet_tombstones"

_LIFTS = ", ".join(f"('{kind}', '{lift}')" for kind, lift in LIFTED_BY.items())

STANDING = f"""
    kind <> all ($1::text[]) and (applied_at is null or not exists (
        select from {TOMBSTONES} as lift join (values {_LIFTS}) as lifts (closing, lifting) on lifts.lifting = lift.kind
        where lifts.closing = tombstones.kind and lift.key = tombstones.key
            and lift.effective_at > tombstones.effective_at
    ))
"""
"""Condition on tombstones of which rows have to go, of $1 the kinds that lift: pending, or lifted by no later event."""


SCRUBBED: dict[str, pl.DataType] = {
    "user_key": pl.Int64(),
    "up_to": pl.String(),
    "effective_at": pl.Datetime("us", "UTC"),
}
"""Columns of users whose positions go: up to a post (the highest id), and the latest time of such an event."""


@dataclass(frozen=True)
class Tombstones:
    """Standing tombstones of a time, as sorted pseudonyms."""

    users: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Users of whom every post goes."""
    posts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Posts that go."""
    scrubbed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCRUBBED))
    """Users of whom positions go, a row each (SCRUBBED)."""

    @property
    def is_empty(self) -> bool:
        """True without any."""
        return not (self.users.size or self.posts.size or self.scrubbed.height)

    def remove(self, posts: pl.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Masks of posts that go, and of those among them that go by their number or time alone.

        `posts` has user_key and post_key (Int64), number (the id as text, null where there is none) and second
        (seconds since 1970, null where unknown).
        """
        by_key = contains(self.users, posts["user_key"]) | contains(self.posts, posts["post_key"])
        scrubbed = self._scrubbed(posts) & ~by_key
        return by_key | scrubbed, scrubbed

    def _scrubbed(self, posts: pl.DataFrame) -> NDArray[np.bool_]:
        """Mask of posts whose positions go: ids are compared as numbers, without an id times are compared."""
        mask = np.zeros(posts.height, dtype=np.bool_)
        if not self.scrubbed.height:
            return mask
        users = posts["user_key"].is_in(self.scrubbed["user_key"].implode())
        bounds = {key: (up_to, effective) for key, up_to, effective in self.scrubbed.iter_rows()}
        of_users = posts.with_row_index("row").filter(users)
        for row, key, number, second in of_users.select("row", "user_key", "number", "second").iter_rows():
            mask[row] = _is_scrubbed(number, second, *bounds[key])
        return mask


def contains(keys: NDArray[np.int64], values: pl.Series) -> NDArray[np.bool_]:
    """Mask of values that are among sorted keys; null is not."""
    if not keys.size:
        return np.zeros(values.len(), dtype=np.bool_)
    filled = values.fill_null(0).to_numpy()
    places = np.minimum(np.searchsorted(keys, filled), keys.size - 1)
    found: NDArray[np.bool_] = (keys[places] == filled) & values.is_not_null().to_numpy()
    return found


def _is_scrubbed(number: str | None, second: int | None, up_to: str | None, effective_at: datetime) -> bool:
    """True if a post of a user is not later than the last one of which the position goes; in doubt it goes."""
    if number is not None and up_to is not None:
        return int(number) <= int(up_to)
    if number is not None and second is None:
        time = snowflake_time(int(number))
        return time is None or time <= effective_at
    return second is None or datetime.fromtimestamp(second, UTC) <= effective_at


# --- from the table -------------------------------------------------------------------------------------


def read_tombstones(landing: Landing, *, pending_only: bool = False) -> Tombstones:
    """Return the tombstones by which rows have to go, or those among them that are not applied yet."""
    frame = landing.warehouse.frame(
        f"select kind, subject, key, up_to_id::text as up_to, effective_at from {TOMBSTONES} as tombstones"  # noqa: S608
        f" where {STANDING} and (applied_at is null or not $2)",
        [list(LIFTING), pending_only],
    ).with_columns(pl.col("effective_at").cast(pl.Datetime("us", "UTC")))
    return tombstones_of(frame)


def tombstones_of(frame: pl.DataFrame) -> Tombstones:
    """Sets of tombstones from rows with kind, subject, key, up_to (text) and effective_at."""
    removing = frame.filter(pl.col("kind").is_in(list(REMOVING)))
    scrubs = removing.filter(pl.col("kind") == SCRUB_GEO)
    others = removing.filter(pl.col("kind") != SCRUB_GEO)
    return Tombstones(_keys(others, "user"), _keys(others, "event"), _strictest(scrubs))


def _keys(frame: pl.DataFrame, subject: str) -> NDArray[np.int64]:
    keys: NDArray[np.int64] = np.unique(frame.filter(pl.col("subject") == subject)["key"].to_numpy())
    return keys.astype(np.int64)


def _strictest(scrubs: pl.DataFrame) -> pl.DataFrame:
    """Users with the highest post id and the latest time of their events, each a row."""
    digits = pl.col("up_to").str.len_chars()
    highest = (
        scrubs.filter(pl.col("up_to").is_not_null())
        .sort(digits, "up_to")  # as numbers: ids have no leading zeros
        .group_by("key", maintain_order=True)
        .agg(pl.col("up_to").last())
    )
    latest = scrubs.group_by("key").agg(pl.col("effective_at").max())
    joined = latest.join(highest, on="key", how="left").sort("key")
    return joined.select(pl.col("key").alias("user_key"), "up_to", "effective_at").cast(SCRUBBED)  # type: ignore[arg-type]


# --- from events ----------------------------------------------------------------------------------------

TOMBSTONE_COLUMNS = {
    "kind": pl.String(),
    "subject": pl.String(),
    "key": pl.Int64(),
    "up_to": pl.String(),
    "effective_at": pl.Datetime("us", "UTC"),
}


def tombstone_rows(
    events: Sequence[ComplianceEvent], *, id_space: str, key: PseudonymKey, arrived_at: datetime
) -> pl.DataFrame:
    """Tombstones of events (TOMBSTONE_COLUMNS), with pseudonyms of the platform `id_space`.

    A post whose author is known has a second one, for archives that know posts by user and second alone. Events whose
    time is known by nothing are dated by their arrival.
    """
    rows: list[tuple[str, str, str, str | None, datetime]] = []
    for event in events:
        time = event.effective_at or arrived_at
        if event.post is None:
            rows.append((event.kind, "user", event.user or "", event.up_to, time))
            continue
        rows.append((event.kind, "event", event.post, None, time))
        posted = snowflake_time(int(event.post))
        if event.user is not None and posted is not None:
            rows.append((event.kind, "event", f"{event.user}_{int(posted.timestamp())}", None, time))
    frame = pl.DataFrame(rows, schema={**TOMBSTONE_COLUMNS, "key": pl.String()}, orient="row")
    users = pseudonyms(frame["key"], source=id_space, key=key)
    posts = pseudonyms(frame["key"], source=f"{id_space} event", key=key)
    return frame.with_columns(pl.when(pl.col("subject") == "user").then(users).otherwise(posts).alias("key"))
