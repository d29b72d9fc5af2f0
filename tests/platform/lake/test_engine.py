"""The engine: equal results for any number of buckets and processes, failures, and tables written by bucket."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.platform.errors import StepFailedError
from ons_bigdata.platform.lake import Lake, engine
from ons_bigdata.platform.lake.engine import RowsRead, replace_table, run_over_buckets, run_tables_over_buckets
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.platform.lake.spread import means, means_and_counts, rows, table
from tests.platform.lake.test_catalog import add


def filled(warehouse: Warehouse, folder: Path, buckets: int) -> Lake:
    lake = Lake(folder / str(buckets), warehouse)
    warehouse_rows = "delete from ops.lake_files; delete from ops.lake_tables"
    with warehouse.transaction() as transaction:
        for statement in warehouse_rows.split(";"):
            transaction.execute(statement)
    for load in (1, 2, 3):
        add(lake, rows(load), events=table(buckets))
    return lake


def result(lake: Lake, buckets: int, processes: int) -> pl.DataFrame:
    results = run_over_buckets(lake, table(buckets), means, {"offset": 1.5}, processes=processes)
    return pl.concat([one.frame for one in results])


@pytest.mark.parametrize("joined_rows", [0, 10_000_000])
def test_results_are_the_same_for_any_number_of_buckets_and_processes(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joined_rows: int
) -> None:
    monkeypatch.setattr(engine, "JOINED_ROWS", joined_rows)
    everything = pl.concat([rows(load) for load in (1, 2, 3)])
    expected = means(everything.sort("user", "second"), {"offset": 1.5}).sort("user")
    for buckets, processes in ((1, 1), (8, 1), (64, 1), (8, 3)):
        lake = filled(warehouse, tmp_path / f"{processes}", buckets)
        assert_frame_equal(result(lake, buckets, processes), expected, check_exact=True)


def test_small_neighbours_are_given_to_a_method_together_and_divided_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(lake, rows(1))
    monkeypatch.setattr(engine, "JOINED_ROWS", 0)
    one_by_one = list(run_over_buckets(lake, table(), means, {"offset": 0}))
    monkeypatch.setattr(engine, "JOINED_ROWS", 10_000_000)
    calls = []
    call = engine.call
    monkeypatch.setattr(engine, "call", lambda *given: calls.append(len(given[2])) or call(*given))
    together = list(run_over_buckets(lake, table(), means, {"offset": 0}))
    assert calls == [len(lake.files(table()))]
    assert [one.bucket for one in together] == [one.bucket for one in one_by_one]
    assert len(together) > 2
    for joined, single in zip(together, one_by_one, strict=True):
        assert_frame_equal(joined.frame, single.frame)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_method_that_fails_says_why(lake: Lake, processes: int) -> None:
    add(lake, rows(1))
    run = run_over_buckets(lake, table(), means, {"offset": 0, "fail_above": 0.0}, processes=processes)
    with pytest.raises((StepFailedError, ValueError), match="a value is too high"):
        list(run)


def test_only_functions_of_modules_are_run(lake: Lake) -> None:
    with pytest.raises(ValueError, match="expected a function at the top of a module"):
        list(run_over_buckets(lake, table(), lambda bucket, parameters: bucket, {}))  # type: ignore[arg-type]


def test_a_table_is_replaced_bucket_by_bucket(lake: Lake) -> None:
    with lake.warehouse.transaction() as transaction:
        transaction.execute('create table analysis.means ("user" bigint, value double precision, len bigint)')
    for load in (1, 2):
        add(lake, rows(load, users=20 * load))
        written = replace_table(
            lake.warehouse,
            "analysis.means",
            run_over_buckets(lake, table(), means, {"offset": 0}),
            entity_column='"user"',
            buckets=8,
        )
        stored = lake.warehouse.frame("select * from analysis.means order by 1")
        assert written == stored.height
        expected = pl.concat([one.frame for one in run_over_buckets(lake, table(), means, {"offset": 0})])
        assert_frame_equal(stored, expected)
    lake.without_loads(table(), [f"{1:016x}", f"{2:016x}"])
    results = run_over_buckets(lake, table(), means, {"offset": 0})
    assert replace_table(lake.warehouse, "analysis.means", results, entity_column='"user"', buckets=8) == 0
    assert lake.warehouse.rows("select count(*) from analysis.means") == [(0,)]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_method_returns_several_frames_of_the_columns_it_needs(lake: Lake, processes: int) -> None:
    add(lake, rows(1))
    add(lake, rows(2))
    needed = RowsRead(columns=["user", "value"], is_sorted=False)
    results = list(run_tables_over_buckets(lake, table(), means_and_counts, {}, rows=needed, processes=processes))
    counts = pl.concat([result.frames["counts"] for result in results])
    assert counts["len"].sum() == 600
    assert counts["user"].is_sorted()
    assert {result.load_ids for result in results} == {(f"{1:016x}", f"{2:016x}")}
    with pytest.raises(ValueError, match="lake table events has no column minutes"):
        list(run_tables_over_buckets(lake, table(), means_and_counts, {}, rows=RowsRead(columns=["minutes"])))
