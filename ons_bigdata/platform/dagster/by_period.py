"""Tables that a Python asset builds period by period: which periods are stale, and what they were built from.

The same idea as models built by day in dbt (`macros/days.sql`): `ops.table_days` has a hash of what each period was
built from; a period is built again where that hash is another one now.
`unchanged.whole_tables` has those that are replaced whole.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import accumulate

import polars as pl

from ons_bigdata.platform.postgres.warehouse import Transaction, Warehouse
from ons_bigdata.platform.replaced_rows import RowsFrom


def row_hash(row: str) -> str:
    """SQL of the hash of a row, to be summed over rows; the same as the macro `row_hash` of dbt (`macros/days.sql`)."""
    return f"hashtextextended(hash_record_extended({row}, 0)::text, 0)"


ROW_HASH = row_hash("content")


@dataclass(frozen=True)
class Period:
    """A period of a table: its start, and the first and last day of the inputs that its rows depend on.

    `basis`: what else the rows of this period depend on, as text. `ahead_day`: last of the days after `last_day` on
    which some of its results depend, which an asset may compute alone; None where there are none.
    """

    start: date
    first_day: date
    last_day: date
    basis: str = ""
    ahead_day: date | None = None


@dataclass(frozen=True)
class ByPeriod:
    """How the rows of a table depend on its inputs.

    `column`: of the table, with the start of the period of each row. `days`: input → its column of days, of which a
    period depends on the days in its view. `whole`: inputs of which each period depends on every row. `packages`:
    Python packages and modules whose code makes the rows. `chained`: a period depends on the one before it, too, so
    that with a stale period all later ones are stale. `at_start`: input → its column of days, of which a period depends
    on the rows of its own start, such as those of a table with the same periods. `columns`: of an input of `days`, of
    which some columns alone are read, these; its rows are hashed by them, also where `ops.table_days` has a hash of
    whole rows.
    """

    column: str
    days: Mapping[str, str]
    packages: tuple[str, ...]
    whole: tuple[str, ...] = ()
    chained: bool = False
    at_start: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PeriodBuild:
    """Periods of a table, by start: the hash of what each is built from now, and those that are to be built.

    `ahead`: starts of stale periods of which nothing but days ahead changed, see `Period.ahead_day`. An asset whose
    rows do not depend on these leaves the periods out of `stale`: their rows stay and the new hash is recorded.
    """

    hashes: Mapping[date, str]
    stale: tuple[Period, ...]
    ahead: frozenset[date] = frozenset()

    @property
    def changed(self) -> tuple[Period, ...]:
        """Stale periods of which more changed than days ahead."""
        return tuple(period for period in self.stale if period.start not in self.ahead)


def periods_to_build(
    store: Warehouse,
    table: str,
    by_period: ByPeriod,
    relations: Mapping[str, str],
    periods: Sequence[Period],
    parameters: str = "",
) -> PeriodBuild:
    """Find the periods whose inputs, code or parameters are others than when they were built; see `hash_inputs`."""
    hashes = hash_inputs(store, by_period, relations, periods, parameters)
    built = recorded_hashes(store, table)
    stale = tuple(period for period in periods if built.get(period.start) != hashes[period.start])
    own = {start: of_period.split(" ")[0] for start, of_period in built.items()}
    ahead = [period.start for period in stale if own.get(period.start) == hashes[period.start].split(" ")[0]]
    return PeriodBuild(hashes, stale, frozenset(ahead))


def hash_inputs(
    store: Warehouse,
    by_period: ByPeriod,
    relations: Mapping[str, str],
    periods: Sequence[Period],
    parameters: str = "",
) -> dict[date, str]:
    """Hash what each period is built from now: the days in its view, the whole inputs, the code and the parameters.

    `relations`: name of each input → `schema.relation`. The days of an input that is built by day itself have a hash in
    `ops.table_days`; of any other the rows are hashed. `parameters`: settings that the rows depend on, as text. The
    days ahead of a period that has such have a hash of their own, after a blank; no later period depends on them.
    """
    with store.transaction() as transaction:
        whole = [_content_hash(transaction, relations[name]) for name in by_period.whole]
        by_day = [
            _hashes_by_day(transaction, relations[name], column, by_period.columns.get(name, ()))
            for name, column in by_period.days.items()
        ]
        at_start = [_hashes_by_day(transaction, relations[name], column) for name, column in by_period.at_start.items()]
    constant = [*map(code_hash, by_period.packages), *whole, *([parameters] if parameters else [])]
    sums = [_RunningSum(hashes) for hashes in by_day]
    hashes: dict[date, str] = {}
    before = ""
    for period in periods:
        parts = [*constant, *(f"{total.between(period.first_day, period.last_day)}" for total in sums)]
        parts += [f"{days.get(period.start, 0)}" for days in at_start]
        parts += [text for text in (period.basis, before) if text]
        own = hashlib.md5(" ".join(parts).encode()).hexdigest()  # noqa: S324  (tells changes, no secret)
        before = own if by_period.chained else ""
        hashes[period.start] = own
        if period.ahead_day is not None:
            ahead = period.last_day + timedelta(days=1), period.ahead_day
            text = " ".join(f"{total.between(*ahead)}" for total in sums)
            hashes[period.start] = f"{own} {hashlib.md5(text.encode()).hexdigest()}"  # noqa: S324  (likewise)
    return hashes


def stretches_of_periods(periods: Sequence[Period], most_days: int) -> list[tuple[Period, ...]]:
    """Group periods, in their order, into stretches that are computed together: views that meet, `most_days` at most.

    A stretch is read from the first day in its views to the last, `most_days` after it unless one period sees further.
    It bounds the memory of a rebuild; rows that depend on their view alone are the same in any grouping.
    """
    stretches: list[list[Period]] = []
    for period in periods:
        last = stretches[-1] if stretches else []
        if (
            last
            and period.first_day <= max(other.last_day for other in last)
            and (period.last_day - min(other.first_day for other in last)).days < most_days
        ):
            last.append(period)
        else:
            stretches.append([period])
    return [tuple(stretch) for stretch in stretches]


def recorded_hashes(store: Warehouse, table: str) -> dict[date, str]:
    """Hash of what each period of a table was built from."""
    query = "select day, inputs_hash from ops.table_days where table_name = $1 and inputs_hash is not null"
    return dict(store.rows(query, [table]))


def replace_periods(store: Warehouse, table: str, column: str, frame: pl.DataFrame, build: PeriodBuild) -> int:
    """Replace the rows of the stale periods in one transaction and record what they were built from; count all rows.

    Of the periods of `build.ahead` that are not among them, whose rows stay, the hash is recorded.

    Rows of other periods than those of the build go: the table has no such periods any more. Raises ValueError for rows
    of a period that is not stale.
    """
    stale = [period.start for period in build.stale]
    odd = frame.filter(~pl.col(column).is_in(stale))
    if not odd.is_empty():
        message = f"{table}: found rows of {odd[column][0]}, expected only periods that are built"
        raise ValueError(message)
    keeps = sorted(set(build.hashes) - set(stale))
    with store.transaction() as transaction:
        transaction.lock(table)
        for relation, day, condition in (
            (table, column, "true"),
            ("ops.table_days", "day", f"table_name = '{table}'"),
        ):
            transaction.execute(
                f"delete from {relation} where {condition}"  # noqa: S608  (our own names)
                # a list of dates would be read from the text anew for each row, and searched
                f" and {day} not in (select kept::date from unnest(string_to_array($1, ' ')) as kept)",
                [" ".join(map(str, keeps))],
            )
        transaction.insert(table, frame)
        _record_periods(transaction, table, column, {start: build.hashes[start] for start in stale})
        if ahead := {start: build.hashes[start] for start in sorted(build.ahead - set(stale))}:
            transaction.execute(
                f"update ops.table_days set inputs_hash = built.inputs_hash from {_BUILT}"  # noqa: S608
                " where table_days.table_name = $3 and table_days.day = built.day::date",
                [*_days_and_hashes(ahead), table],
            )
        ((rows,),) = transaction.rows(
            "select sum(rows_of_day)::bigint from ops.table_days where table_name = $1", [table]
        )
    store.analyse(table)
    return int(rows or 0)


_BUILT = "unnest(string_to_array($1, ','), string_to_array($2, ',')) as built (day, inputs_hash)"
"""Days and hashes, given as `_days_and_hashes`, as rows; the days are text."""


def _days_and_hashes(hashes: Mapping[date, str]) -> list[str]:
    return [",".join(map(str, hashes)), ",".join(hashes.values())]


def _record_periods(transaction: Transaction, table: str, column: str, hashes: Mapping[date, str]) -> None:
    """Record the rows of periods in one statement, with the hash of what each was built from."""
    if not hashes:
        return
    bounds = [str(min(hashes)), str(max(hashes))]
    transaction.execute(
        f"with built as materialized (select day::date as day, inputs_hash from {_BUILT}),"  # noqa: S608
        f" contents as (select {column} as day, count(*) as rows_of_day, sum({ROW_HASH}) as content_hash"
        f" from {table} as content where {column} between $4::date and $5::date"  # may have an index
        f" and {column} in (select day from built) group by {column})"
        " insert into ops.table_days (table_name, day, rows_of_day, content_hash, inputs_hash)"
        " select $3, built.day, coalesce(contents.rows_of_day, 0), coalesce(contents.content_hash, 0),"
        " built.inputs_hash from built left join contents on built.day = contents.day",
        [*_days_and_hashes(hashes), table, *bounds],
    )


def replace_rows_from(store: Warehouse, table: str, frame: pl.DataFrame, replaced: RowsFrom) -> int:
    """Replace rows from a day on in one transaction and record the days of which rows changed; count all rows.

    The record of a day (`ops.table_days`) has its number of rows and their hash: who reads the table by day need not
    hash it. The first such replacement records all days.
    """
    column = replaced.column
    with store.transaction() as transaction:
        transaction.lock(table)
        days = transaction.delete_from(table, replaced)
        transaction.insert(table, frame)
        days = sorted({*days, *frame[column].unique()})
        ((is_recorded,),) = transaction.rows(
            "select exists (select from ops.table_days where table_name = $1)", [table]
        )
        changed = f"({column} = any ($2::text[]::date[]) or not $3)"
        parameters = [table, list(map(str, days)) or "{}", is_recorded]
        transaction.execute(
            "insert into ops.table_days as recorded (table_name, day, rows_of_day, content_hash)"  # noqa: S608
            f" select $1, {column}, count(*), sum({ROW_HASH}) from {table} as content"
            f" where {changed} group by {column}"
            " on conflict (table_name, day) do update"
            " set rows_of_day = excluded.rows_of_day, content_hash = excluded.content_hash",
            parameters,
        )
        transaction.execute(
            "delete from ops.table_days as recorded"  # noqa: S608  (our own names)
            " where table_name = $1 and (day = any ($2::text[]::date[]) or day >= $3::text::date)"
            f" and not exists (select from {table} as kept where kept.{column} = recorded.day)",
            [*parameters[:2], replaced.first.isoformat()],
        )
        ((rows,),) = transaction.rows(
            "select coalesce(sum(rows_of_day), 0)::bigint from ops.table_days where table_name = $1", [table]
        )
    store.analyse(table)
    return int(rows)


@dataclass(frozen=True)
class DaysToCheck:
    """Days that a check has not passed, by day: hash of what it would pass over. `is_every_day`: it passed none yet."""

    hashes: Mapping[date, str]
    is_every_day: bool

    @property
    def days(self) -> list[str]:
        """ISO dates of the days, in order."""
        return [day.isoformat() for day in sorted(self.hashes)]


def days_to_check(store: Warehouse, check: str, inputs: Mapping[str, str], packages: Sequence[str]) -> DaysToCheck:
    """Find the days over whose present rows a check has not passed yet with its present code.

    `check`: name in `ops.table_days`, `checks.<name>`. `inputs`: `schema.table` → its column of days. `packages`:
    modules whose code is the check.
    """
    with store.transaction() as transaction:
        known = {day for table, column in inputs.items() for day in _hashes_by_day(transaction, table, column)}
    periods = [Period(day, day, day) for day in sorted(known)]
    by_day = ByPeriod("", inputs, tuple(packages))
    hashes = hash_inputs(store, by_day, {table: table for table in inputs}, periods)
    passed = recorded_hashes(store, check)
    unlike = {day: text for day, text in hashes.items() if passed.get(day) != text}
    return DaysToCheck(unlike, len(unlike) == len(hashes))


def record_passed(store: Warehouse, check: str, passed: DaysToCheck) -> None:
    """Record that a check has passed over days."""
    with store.transaction() as transaction:
        transaction.execute(
            "insert into ops.table_days (table_name, day, rows_of_day, content_hash, inputs_hash, is_checked)"
            " select $1, passed.day::date, 0, 0, passed.hash, true"
            " from unnest($2::text[], $3::text[]) as passed (day, hash)"
            " on conflict (table_name, day) do update set inputs_hash = excluded.inputs_hash",
            [check, list(map(str, passed.hashes)) or "{}", list(passed.hashes.values()) or "{}"],
        )


def basis_of(*frames: pl.DataFrame, packages: tuple[str, ...], libraries: tuple[str, ...] = ()) -> str:
    """Hash rows in their order, and the code that makes other rows of them.

    `packages`: Python packages and modules; `libraries`: distributions, of which the version counts.
    """
    digest = hashlib.sha256(" ".join([*map(code_hash, packages), *map(version, libraries)]).encode())
    for frame in frames:
        digest.update(f"{frame.schema}".encode())
        digest.update(frame.write_json().encode())
    return digest.hexdigest()[:32]


@cache
def code_hash(package: str) -> str:
    """Hash of the Python files of a package and of those below it, whatever their order on the disk; or of a module."""
    digest = hashlib.sha256()
    parent, _, name = package.rpartition(".")
    module = files(parent) / f"{name}.py"
    found = [(name, module.read_bytes())] if module.is_file() else _python_files(files(package), "")
    for name, content in sorted(found):
        digest.update(f"{name} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def _python_files(folder: Traversable, below: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        name = f"{below}/{entry.name}"
        if entry.is_dir():
            found += _python_files(entry, name)
        elif name.endswith(".py"):
            found.append((name, entry.read_bytes()))
    return found


def _content_hash(transaction: Transaction, relation: str) -> str:
    query = f"select sum({ROW_HASH})::text from {relation} as content"  # noqa: S608
    ((value,),) = transaction.rows(query)
    return str(value)


def _hashes_by_day(
    transaction: Transaction, relation: str, column: str, columns: Sequence[str] = ()
) -> dict[date, int]:
    """Sum of the hashes of the rows of each day, of `columns` where there are any, else of whole rows."""
    rows: list[tuple[date, str]] = []
    if not columns:
        rows = transaction.rows(
            "select day, content_hash::text from ops.table_days where table_name = $1 and rows_of_day > 0",
            [relation],
        )
    row = f"row(content.{', content.'.join(columns)})" if columns else "content"
    rows = rows or transaction.rows(
        f"select {column}, sum({row_hash(row)})::text"  # noqa: S608
        f" from {relation} as content where {column} is not null group by {column}"
    )
    return {day: int(value) for day, value in rows}


class _RunningSum:
    """Sums of the hashes of days, first to last."""

    def __init__(self, hashes: Mapping[date, int]) -> None:
        self.days = sorted(hashes)
        self.sums = [0, *accumulate(hashes[day] for day in self.days)]

    def between(self, first: date, last: date) -> int:
        return self.sums[bisect_right(self.days, last)] - self.sums[bisect_left(self.days, first)]
