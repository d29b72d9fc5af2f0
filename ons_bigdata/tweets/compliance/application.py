"""Application of tombstones: landing, spool, lake and tables about users lose what they are about.

Each step may be killed and repeated: tombstones wait until all are done, and a step that was done finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.platform import progress
from ons_bigdata.platform.errors import InputError, UnavailableError
from ons_bigdata.platform.ingest.landing import LandedFileError
from ons_bigdata.platform.ingest.ledger import QUARANTINED_LINES
from ons_bigdata.platform.ingest.redaction import (
    Rules,
    finish_redactions,
    record_removed_rows,
    redact_or_delete,
    unsearched_files,
)
from ons_bigdata.tweets.compliance.spools import redact_spools
from ons_bigdata.tweets.sources.archives import GEO_EVENTS, NAME
from ons_bigdata.tweets.sources.compliance.tombstones import TOMBSTONES, Tombstones, read_tombstones

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ons_bigdata.platform.ingest.landing import Landing
    from ons_bigdata.platform.lake import Lake
    from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse


@dataclass(frozen=True)
class Application:
    """Numbers of what an application of tombstones has removed (a row of `ops.compliance_applications`)."""

    application_id: int
    tombstones: int
    landed_files: int
    landed_lines: int
    unreadable_files: int
    spooled_lines: int
    lake_rows: int
    partitions: tuple[str, ...]
    """Days of `lake/geo_events` that lost rows."""
    derived_rows: int
    derived_tables: tuple[str, ...]
    """Tables that lost the rows of users."""


@contextmanager
def one_at_a_time(warehouse: Warehouse) -> Iterator[None]:
    """Lock for a block that records and applies tombstones. Raises UnavailableError where another process has it."""
    with warehouse.transaction() as transaction:
        transaction.lock("tweet_compliance")
        yield


def is_due(warehouse: Warehouse) -> bool:
    """True if tombstones wait, or an application was killed."""
    return bool(
        warehouse.rows(
            f"select exists (select from {TOMBSTONES} where applied_at is null)"  # noqa: S608  (our own names)
            " or exists (select from ops.compliance_applications where finished_at is null)"
        )[0][0]
    )


def apply_tombstones(landing: Landing, lake: Lake, rules: Rules, *, spool: Path) -> Application:
    """Remove what waiting tombstones are about from landing, spool, lake and tables; return the open application.

    `finish_application` ends it. Raises, after all else is done, InputError where landed bytes are missing or changed,
    and UnavailableError where a collector does not close its segment.
    """
    warehouse = landing.warehouse
    with warehouse.transaction() as transaction:
        transaction.execute("insert into ops.compliance_applications default values on conflict do nothing")
    not_closed: UnavailableError | None = None
    try:  # before landing: a roll moves lines from the one to the other
        _count(warehouse, spooled_lines=redact_spools(spool, rules, read_tombstones(landing)))
    except UnavailableError as error:
        not_closed = error
    failures = _redact_landing(landing, rules)
    _remove_rows(lake, read_tombstones(landing, pending_only=True))
    finish_redactions(landing)
    landing.remove_abandoned()
    with warehouse.transaction() as transaction:
        lake.lock(transaction, GEO_EVENTS)  # under it no file waits to be made live
        lake.remove_orphans(GEO_EVENTS, age_s=0)
    if failures:
        raise InputError("; ".join(failures[:5]))
    if not_closed is not None:
        raise not_closed
    return _read_application(warehouse)


def finish_application(warehouse: Warehouse) -> None:
    """End the open application: its tombstones wait no longer."""
    with warehouse.transaction() as transaction:
        transaction.execute(f"update {TOMBSTONES} set applied_at = now() where applied_at is null")  # noqa: S608
        transaction.execute("update ops.compliance_applications set finished_at = now() where finished_at is null")


def _redact_landing(landing: Landing, rules: Rules) -> list[str]:
    """Redact all landed archives; return why some could not be searched."""
    failures = []
    for file in progress.track("landing/geo_events: searching files", unsearched_files(landing, NAME, rules.version)):
        try:
            redacted = redact_or_delete(landing, file, rules)
        except LandedFileError as error:
            failures.append(str(error))
            continue
        _count(
            landing.warehouse,
            landed_files=int(redacted is not None and redacted.lines > 0),
            landed_lines=0 if redacted is None else redacted.lines,
            unreadable_files=int(redacted is None),
        )
    return failures


def _remove_rows(lake: Lake, pending: Tombstones) -> None:
    """Remove rows from the lake, and all rows of their users from the tables that are computed from it."""
    with lake.writing() as opened, lake.warehouse.transaction() as transaction:
        lake.lock(transaction, GEO_EVENTS)
        removed = lake.remove_rows(
            transaction,
            GEO_EVENTS,
            opened,
            _rows_that_go(transaction, pending),
            task="lake/geo_events: removing rows",
            listed_lines=QUARANTINED_LINES,
        )
        record_removed_rows(transaction, removed.counts, removed.lines)
        transaction.execute(
            "delete from ops.redacted_lines using ops.loads, ops.files where loads.load_id = redacted_lines.load_id"
            " and files.file_id = loads.file_id and files.source = $1",
            [NAME],
        )
        users = pl.concat([removed.entities, pl.Series(pending.users, dtype=pl.Int64)]).unique()
        derived = remove_users(transaction, users, pl.Series(pending.posts, dtype=pl.Int64))
        transaction.execute(
            "update ops.compliance_applications set lake_rows = lake_rows + $1, derived_rows = derived_rows + $2,"
            " partitions = array(select distinct unnest(partitions || $3::text[]) order by 1),"
            " derived_tables = array(select distinct unnest(derived_tables || $4::text[]) order by 1)"
            " where finished_at is null",
            [
                int(removed.counts["rows"].sum()),
                sum(derived.values()),
                sorted(set(removed.counts["partition"])) or "{}",
                sorted(table for table, rows in derived.items() if rows) or "{}",
            ],
        )


def _rows_that_go(transaction: Transaction, pending: Tombstones) -> pl.Expr:
    """Condition on rows of the lake: users and posts by their pseudonyms, scrubbed positions by line.

    Positions whose landed bytes have expired go up to the time of the event: their ids can no longer be compared.
    """
    user = pl.col("user_key")
    expired = transaction.frame(
        "select load_id from ops.loads join ops.files using (file_id) where source = $1 and expired_at is not null",
        [NAME],
    )["load_id"]
    lines = transaction.frame(
        "select load_id || '/' || line as place from ops.redacted_lines"
        " join ops.loads using (load_id) join ops.files using (file_id) where source = $1",
        [NAME],
    )["place"]
    scrubbed = pending.scrubbed
    until = user.replace_strict(scrubbed["user_key"], scrubbed["effective_at"], default=None, return_dtype=_TIME)
    by_time = pl.col("load_id").is_in(expired.implode()) & (pl.col("ts_utc") <= until)
    by_line = pl.concat_str("load_id", pl.lit("/"), "line").is_in(lines.implode())
    goes = user.is_in(_series(pending.users).implode()) | pl.col("event_id").is_in(_series(pending.posts).implode())
    if scrubbed.height and expired.len():
        goes |= user.is_in(scrubbed["user_key"].implode()) & by_time
    return goes | by_line if lines.len() else goes


_TIME = pl.Datetime("us", "UTC")


def _series(keys: NDArray[np.int64]) -> pl.Series:
    return pl.Series(keys, dtype=pl.Int64)


def remove_users(transaction: Transaction, users: pl.Series, posts: pl.Series) -> dict[str, int]:
    """Delete all rows of users, and of the users of posts, from the tables of `restricted`; return rows by table.

    Tables are those with a column `user_key`, whoever writes them. Their next materialisation computes the users anew
    from what is left of them.
    """
    tables: dict[str, set[str]] = {}
    for table, column in transaction.rows(
        """
        select format('%I.%I', nspname, relname), attname::text
        from pg_attribute join pg_class on attrelid = pg_class.oid join pg_namespace on relnamespace = pg_namespace.oid
        where nspname = 'restricted' and relkind in ('r', 'p') and not relispartition
            and attname in ('user_key', 'event_id') and not attisdropped
        order by 1
        """
    ):
        tables.setdefault(table, set()).add(column)
    keys = set(users.to_list())
    if posts.len():
        for table in (table for table, columns in tables.items() if columns == {"user_key", "event_id"}):
            found = transaction.frame(
                f"select distinct user_key from {table} where event_id = any ($1::bigint[])",  # noqa: S608
                [posts.to_list()],
            )
            keys.update(found["user_key"].to_list())
    removed: dict[str, int] = {}
    for table in (table for table, columns in tables.items() if "user_key" in columns and keys):
        removed[table] = int(
            transaction.rows(
                f"with gone as (delete from {table} where user_key = any ($1::bigint[]) returning 1)"  # noqa: S608
                " select count(*)::bigint from gone",
                [sorted(keys)],
            )[0][0]
        )
    return removed


def _count(warehouse: Warehouse, **numbers: int) -> None:
    """Add to the numbers of the open application."""
    if not any(numbers.values()):
        return
    changes = ", ".join(f"{name} = {name} + {number}" for name, number in numbers.items())
    statement = f"update ops.compliance_applications set {changes} where finished_at is null"  # noqa: S608
    with warehouse.transaction() as transaction:
        transaction.execute(statement)


def _read_application(warehouse: Warehouse) -> Application:
    """Return the open application; the tombstones that wait are those that it has applied."""
    with warehouse.transaction() as transaction:
        waiting = transaction.rows(f"select count(*) from {TOMBSTONES} where applied_at is null")[0][0]  # noqa: S608
        transaction.execute(
            "update ops.compliance_applications set tombstones = $1 where finished_at is null", [int(waiting)]
        )
        row: Mapping[str, Any] = transaction.frame(
            "select application_id, tombstones, landed_files, landed_lines, unreadable_files, spooled_lines, lake_rows,"
            " partitions, derived_rows, derived_tables from ops.compliance_applications where finished_at is null"
        ).row(0, named=True)
    lists = {name: tuple(row[name]) for name in ("partitions", "derived_tables")}
    return Application(**{**row, **lists})
