"""Tables that a Python asset builds by period: what makes a period stale, and what a build leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from ons_bigdata.platform.dagster import by_period
from ons_bigdata.platform.dagster.by_period import (
    ByPeriod,
    Period,
    PeriodBuild,
    periods_to_build,
    replace_periods,
    stretches_of_periods,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse

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
