"""Tables that a Python asset builds by period: what makes a period stale, and what a build leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from ons_bigdata.platform.dagster import by_period
from ons_bigdata.platform.dagster.by_period import (
    ByPeriod,
    DaysToCheck,
    Period,
    PeriodBuild,
    days_to_check,
    periods_to_build,
    record_passed,
    replace_periods,
    replace_rows_from,
    stretches_of_periods,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.platform.replaced_rows import RowsFrom

TABLE = "analysis.weekly_prices"
HOW = ByPeriod("week", {"prices": "day"}, packages=("ons_bigdata.estimation",), whole=("shops",))
RELATIONS = {"prices": "staging.prices", "shops": "staging.shops"}
WEEKS = [
    Period(date(2016, 8, 1), date(2016, 8, 1), date(2016, 8, 7)),
    Period(date(2016, 8, 8), date(2016, 8, 6), date(2016, 8, 14)),
]
"""Two weeks; the second looks back two days into the first."""


@pytest.fixture
def store(warehouse: Warehouse) -> Warehouse:
    """Database with a price on each day of the two weeks and both weeks built."""
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table staging.prices as select day::date, 1.0 as pounds"
            " from generate_series(date '2016-08-01', date '2016-08-14', interval '1 day') as day"
        )
        transaction.execute("create table staging.shops as select 'a' as shop")
        transaction.execute(f"create table {TABLE} (week date primary key, pounds float8)")
    assert _build(warehouse) == [1, 8]
    return warehouse


def _stale(store: Warehouse, weeks: list[Period] = WEEKS) -> PeriodBuild:
    return periods_to_build(store, TABLE, HOW, RELATIONS, weeks)


def _build(store: Warehouse, weeks: list[Period] = WEEKS) -> list[int]:
    """Build the stale weeks; days of the month on which they begin."""
    build = _stale(store, weeks)
    query = "select sum(pounds)::float8 from staging.prices where day between $1::date and $2::date"
    sums = [store.rows(query, [week.first_day.isoformat(), week.last_day.isoformat()])[0][0] for week in build.stale]
    weeks_built = pl.Series("week", [week.start for week in build.stale], pl.Date)
    replace_periods(store, TABLE, "week", pl.DataFrame([weeks_built, pl.Series("pounds", sums, pl.Float64)]), build)
    return [week.start.day for week in build.stale]


def _execute(store: Warehouse, statement: str) -> None:
    with store.transaction() as transaction:
        transaction.execute(statement)


def test_the_hash_of_rows_changes_where_two_of_them_exchange_a_value(warehouse: Warehouse) -> None:
    """A hash that adds up those of the columns is often the same."""
    sums = [
        f"select sum({by_period.ROW_HASH}) from (values (1, {first}), (2, {second})) as content"
        for first, second in (("n", "n + 1"), ("n + 1", "n"))
    ]
    query = f"select count(*) from generate_series(1, 100) as n where ({sums[0]}) = ({sums[1]})"
    assert warehouse.rows(query) == [(0,)]


@pytest.mark.parametrize(
    ("change", "weeks"),
    [
        ("update staging.prices set pounds = 2 where day = '2016-08-02'", [1]),
        ("update staging.prices set pounds = 2 where day = '2016-08-06'", [1, 8]),
        ("delete from staging.prices where day = '2016-08-14'", [8]),
        ("insert into staging.prices values ('2016-08-15', 1)", []),
        ("insert into staging.shops values ('b')", [1, 8]),
    ],
)
def test_the_weeks_in_whose_view_something_changed_are_built_again(
    store: Warehouse, change: str, weeks: list[int]
) -> None:
    _execute(store, change)
    assert _build(store) == weeks
    assert _build(store) == []


def test_an_input_built_by_day_is_compared_by_its_recorded_days(store: Warehouse) -> None:
    _execute(
        store,
        "insert into ops.table_days (table_name, day, rows_of_day, content_hash)"
        " select 'staging.prices', day, 1, extract(day from day) from staging.prices",
    )
    assert _build(store) == [1, 8]
    _execute(
        store, "update ops.table_days set content_hash = 99 where table_name = 'staging.prices' and day = '2016-08-10'"
    )
    assert _build(store) == [8]


def test_rows_of_its_own_start_make_a_period_stale(store: Warehouse) -> None:
    how = replace(HOW, days={}, at_start={"prices": "day"})
    before = by_period.hash_inputs(store, how, RELATIONS, WEEKS)
    for day, changed in ((2, []), (8, [8]), (14, []), (1, [1])):
        _execute(store, f"update staging.prices set pounds = pounds + 1 where day = '2016-08-{day:02}'")
        after = by_period.hash_inputs(store, how, RELATIONS, WEEKS)
        assert [start.day for start in after if after[start] != before[start]] == changed
        before = after


def test_columns_that_are_not_read_make_no_period_stale(store: Warehouse) -> None:
    """The table of prices has a recorded hash of whole rows, too, which does not count."""
    how = replace(HOW, columns={"prices": ("day", "pounds")})
    _execute(store, "alter table staging.prices add note text default 'read again'")
    _execute(store, "insert into ops.table_days values ('staging.prices', '2016-08-02', 1, 5, 'other')")
    assert not _with(store, how).stale
    _execute(store, "update staging.prices set pounds = 2 where day = '2016-08-02'")
    assert [week.start.day for week in _with(store, how).stale] == [1]


def _with(store: Warehouse, how: ByPeriod) -> PeriodBuild:
    return periods_to_build(store, TABLE, how, RELATIONS, WEEKS)


def test_days_ahead_are_told_from_those_of_a_period(store: Warehouse) -> None:
    weeks = [replace(WEEKS[0], ahead_day=date(2016, 8, 14)), WEEKS[1]]
    assert _build(store, weeks) == [1]  # it had no days ahead before
    for day, stale, ahead in ((3, [1], []), (7, [1, 8], []), (10, [1, 8], [1]), (15, [], [])):
        _execute(store, f"update staging.prices set pounds = pounds + 1 where day = '2016-08-{day:02}'")
        build = _stale(store, weeks)
        assert [week.start.day for week in build.stale] == stale
        assert [start.day for start in build.ahead] == ahead
        assert [week.start.day for week in build.changed] == [start for start in stale if start not in ahead]
        _build(store, weeks)


def test_a_period_before_which_days_ahead_changed_is_not_stale_in_a_chain(store: Warehouse) -> None:
    how = replace(HOW, chained=True)
    weeks = [replace(WEEKS[0], ahead_day=date(2016, 8, 14)), replace(WEEKS[1], last_day=date(2016, 8, 12))]
    before = by_period.hash_inputs(store, how, RELATIONS, weeks)
    for day, changed in ((13, [1]), (3, [1, 8])):
        _execute(store, f"update staging.prices set pounds = pounds + 1 where day = '2016-08-{day:02}'")
        after = by_period.hash_inputs(store, how, RELATIONS, weeks)
        assert [start.day for start in after if after[start] != before[start]] == changed
        before = after


def test_rows_of_a_period_with_other_days_ahead_may_stay(store: Warehouse) -> None:
    weeks = [replace(WEEKS[0], ahead_day=date(2016, 8, 14)), WEEKS[1]]
    _build(store, weeks)
    rows = store.rows(f"select * from {TABLE} where week = '2016-08-01'")
    _execute(store, "update staging.prices set pounds = 5 where day = '2016-08-12'")
    build = _stale(store, weeks)
    second = pl.DataFrame({"week": [date(2016, 8, 8)], "pounds": [1.0]})
    replace_periods(store, TABLE, "week", second, replace(build, stale=build.changed))
    assert store.rows(f"select * from {TABLE} where week = '2016-08-01'") == rows
    assert not _stale(store, weeks).stale


def test_changed_code_makes_every_period_stale(store: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert by_period.code_hash("ons_bigdata.estimation") != by_period.code_hash("ons_bigdata.prices.methods")
    monkeypatch.setattr(by_period, "code_hash", lambda package: f"other {package}")
    assert [week.start.day for week in _stale(store).stale] == [1, 8]


def test_periods_that_the_table_has_no_more_go_with_their_record(store: Warehouse) -> None:
    assert _build(store, WEEKS[1:]) == []
    assert store.rows(f"select week from {TABLE}") == [(date(2016, 8, 8),)]
    assert store.rows("select day, rows_of_day from ops.table_days where table_name = $1", [TABLE]) == [
        (date(2016, 8, 8), 1)
    ]


def test_rows_of_a_period_that_is_not_stale_are_refused(store: Warehouse) -> None:
    rows = pl.DataFrame({"week": [date(2016, 8, 1)], "pounds": [1.0]})
    with pytest.raises(ValueError, match="weekly_prices: found rows of 2016-08-01, expected only"):
        replace_periods(store, TABLE, "week", rows, _stale(store))


def test_other_parameters_make_every_period_stale(store: Warehouse) -> None:
    build = periods_to_build(store, TABLE, HOW, RELATIONS, WEEKS, "a window of 7 days")
    assert [week.start.day for week in build.stale] == [1, 8]
    assert not _stale(store).stale


def test_another_basis_makes_its_own_period_stale(store: Warehouse) -> None:
    weeks = [WEEKS[0], replace(WEEKS[1], basis="base week of 1 August")]
    assert _build(store, weeks) == [8]
    assert _build(store, weeks) == []
    assert _build(store, [weeks[0], replace(weeks[1], basis="base week of 8 August")]) == [8]


@pytest.mark.parametrize(
    ("change", "weeks"),
    [
        ("update staging.prices set pounds = 2 where day = '2016-08-02'", [1, 8]),
        ("update staging.prices set pounds = 2 where day = '2016-08-10'", [8]),
    ],
)
def test_in_a_chain_all_periods_after_a_stale_one_are_stale(
    store: Warehouse, monkeypatch: pytest.MonkeyPatch, change: str, weeks: list[int]
) -> None:
    monkeypatch.setattr(f"{__name__}.HOW", replace(HOW, chained=True))
    assert _build(store) == [8]  # the hash of the first week is as before, that of the second has it now
    _execute(store, change)
    assert _build(store) == weeks
    assert _build(store) == []


def test_periods_whose_views_meet_are_computed_together_up_to_a_length() -> None:
    days = [
        Period(date(2016, 8, n), date(2016, 8, max(1, n - 2)), date(2016, 8, n)) for n in (1, 2, 3, 4, 5, 6, 20, 22)
    ]
    stretches = stretches_of_periods(days, 5)
    assert [[period.start.day for period in stretch] for stretch in stretches] == [[1, 2, 3, 4, 5], [6], [20, 22]]
    assert stretches_of_periods([], 5) == []
    # a period that sees further than that stands alone
    assert [len(stretch) for stretch in stretches_of_periods(WEEKS, 3)] == [1, 1]


def _records(store: Warehouse, table: str) -> list[tuple]:
    return store.rows(
        "select day::text, rows_of_day::int, content_hash::text from ops.table_days where table_name = $1 order by 1",
        [table],
    )


def _rehashed(store: Warehouse, table: str) -> list[tuple]:
    """Records of the days that a table has, by all of its rows."""
    return store.rows(
        f"select period::text, count(*)::int, sum({by_period.ROW_HASH})::text from {table} as content"
        " group by 1 order by 1"
    )


def test_rows_from_a_day_on_are_replaced_and_those_of_some_keys_from_a_day_of_their_own(warehouse: Warehouse) -> None:
    _execute(
        warehouse,
        "create table raw.pages as select shop, day::date as period from unnest(array['a', 'b', 'c', 'd']) as shop,"
        " generate_series(date '2016-08-01', date '2016-08-03', interval '1 day') as day",
    )
    keys = pl.DataFrame({"shop": ["b", "c"], "from_day": [date(2016, 8, 2), date.min]})
    new = pl.DataFrame({"shop": ["c"], "period": [date(2016, 7, 31)]})
    assert replace_rows_from(warehouse, "raw.pages", new, RowsFrom("period", date(2016, 8, 3), keys)) == 6
    assert warehouse.rows("select shop, extract(day from period)::int from raw.pages order by shop, period") == [
        ("a", 1), ("a", 2), ("b", 1), ("c", 31), ("d", 1), ("d", 2),
    ]  # fmt: skip
    assert _records(warehouse, "raw.pages") == _rehashed(warehouse, "raw.pages")
    late = pl.DataFrame({"shop": ["c"], "period": [date(2016, 7, 30)]})
    replace_rows_from(warehouse, "raw.pages", late, RowsFrom("period", date(2016, 8, 2), keys.clear()))
    assert warehouse.rows("select shop from raw.pages order by shop") == [("a",), ("b",), ("c",), ("c",), ("d",)]
    assert _records(warehouse, "raw.pages") == _rehashed(warehouse, "raw.pages")
    # a day whose only rows were those of a key goes, and one whose rows a statement has deleted
    _execute(warehouse, "delete from raw.pages where period = '2016-08-01'")
    gone = pl.DataFrame({"shop": ["c"], "from_day": [date.min]})
    replace_rows_from(warehouse, "raw.pages", new.clear(), RowsFrom("period", date(2016, 8, 1), gone))
    assert _records(warehouse, "raw.pages") == []


def test_a_check_reads_the_days_whose_rows_or_code_changed_since_it_passed(
    store: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike() -> DaysToCheck:
        return days_to_check(store, "checks.sums", {"staging.prices": "day"}, ["ons_bigdata.estimation"])

    first = unlike()
    assert (len(first.days), first.is_every_day) == (14, True)
    record_passed(store, "checks.sums", first)
    assert unlike().days == []
    _execute(store, "update staging.prices set pounds = 2 where day in ('2016-08-03', '2016-08-09')")
    assert (unlike().days, unlike().is_every_day) == (["2016-08-03", "2016-08-09"], False)
    assert unlike().days == ["2016-08-03", "2016-08-09"]  # not passed
    record_passed(store, "checks.sums", unlike())
    assert unlike().days == []
    monkeypatch.setattr(by_period, "code_hash", lambda _: "other")
    assert unlike().is_every_day
