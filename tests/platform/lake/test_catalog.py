"""The catalog: files live with their load, exchange of loads, compaction, orphans and faults."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake import Lake, LakeTable
from ons_bigdata.platform.lake.files import WRITING
from tests.platform.lake.spread import COLUMNS, rows, table

DAY, NEXT = "2016-07-21", "2016-07-22"


def add(lake: Lake, part: pl.DataFrame, partition: str = DAY, events: LakeTable | None = None) -> None:
    """Write rows and make them live, as a load does."""
    events = events or table()
    files = lake.write(events, partition, part)
    with lake.warehouse.transaction(role="ingest") as transaction:
        lake.make_live(transaction, events, files)


def content(lake: Lake, events: LakeTable | None = None) -> pl.DataFrame:
    return lake.scan(events or table()).collect().sort(pl.all())


def names(lake: Lake) -> list[str]:
    return [file.name for file in lake.files(table())]


def test_rows_are_there_once_their_files_are_live(lake: Lake) -> None:
    files = lake.write(table(), DAY, rows(1))
    assert content(lake).height == 0
    with lake.warehouse.transaction(role="ingest") as transaction:
        lake.make_live(transaction, table(), files)
    assert_frame_equal(content(lake), rows(1).sort(pl.all()))
    assert sum(file.rows for file in lake.files(table())) == 300
    assert {file.load_ids for file in files} == {(f"{1:016x}",)}


def test_a_transaction_that_fails_leaves_nothing_live(lake: Lake) -> None:
    files = lake.write(table(), DAY, rows(1))
    with pytest.raises(RuntimeError), lake.warehouse.transaction(role="ingest") as transaction:
        lake.make_live(transaction, table(), files)
        raise RuntimeError
    assert content(lake).height == 0
    assert lake.remove_orphans() == []  # a reader may have listed them
    assert len(lake.remove_orphans(age_s=0)) == len(files)


def test_a_scan_reads_the_partitions_and_buckets_that_it_names(lake: Lake) -> None:
    add(lake, rows(1))
    add(lake, rows(2), NEXT)
    assert_frame_equal(lake.scan(table(), partitions=[NEXT]).collect().sort(pl.all()), rows(2).sort(pl.all()))
    in_buckets = [lake.scan(table(), buckets=[bucket]).collect() for bucket in range(8)]
    assert_frame_equal(pl.concat(in_buckets).sort(pl.all()), content(lake))
    users = [set(part["user"]) for part in in_buckets]
    assert not any(left & right for left, right in itertools.combinations(users, 2))


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_live_files_do_not_depend_on_the_order_of_loads(lake: Lake, order: tuple[int, ...]) -> None:
    for load in order:
        add(lake, rows(load, count=100))
        lake.compact(table())
    expected = Lake(lake.folder.with_name("other"), lake.warehouse)
    written = expected.write(table(), DAY, pl.concat([rows(load, count=100) for load in (3, 1, 2)]))
    assert names(lake) == sorted(file.name for file in written)
    assert lake.compact(table()) == 0


def test_a_load_is_taken_out_of_files_that_it_shares(lake: Lake) -> None:
    for load in (1, 2):
        add(lake, rows(load))
    lake.compact(table())
    before = lake.files(table())
    assert lake.without_loads(table(), [f"{1:016x}"]) == {DAY}
    assert_frame_equal(content(lake), rows(2).sort(pl.all()))
    assert {load for file in lake.files(table()) for load in file.load_ids} == {f"{2:016x}"}
    # the merged files and those of the first load; those of the second are live again
    assert len(lake.remove_orphans(age_s=0)) == 2 * len(before)
    assert lake.faults(table()) == []


def test_only_live_files_stay(lake: Lake) -> None:
    add(lake, rows(1))
    stray = lake.folder / "events" / DAY / "0" / f"{'0' * 64}.parquet"
    stray.write_bytes(b"")
    with lake.writing() as running:
        (running.folder / "0.parquet").write_bytes(b"")
        killed = lake.folder / WRITING / "0123"
        killed.mkdir()
        (killed / "0.run").write_bytes(b"")
        assert lake.remove_orphans(table(), [NEXT], age_s=0) == [killed]
        assert lake.remove_orphans(age_s=0) == [stray]
        assert (running.folder / "0.parquet").exists()
    assert lake.remove_orphans(age_s=0) == []
    assert_frame_equal(content(lake), rows(1).sort(pl.all()))


def test_missing_and_damaged_files_are_faults(lake: Lake) -> None:
    add(lake, rows(1))
    first, second, third, *_ = lake.files(table())
    (lake.folder / first.name).unlink()
    (lake.folder / second.name).write_bytes(b"no parquet")
    (lake.folder / third.name).write_bytes((lake.folder / lake.files(table())[3].name).read_bytes())
    missing, unreadable, *others = lake.faults(table())
    assert missing == f"{first.name}: missing"
    assert unreadable.startswith(f"{second.name}: lake file")
    assert [fault.startswith(f"{third.name}: ") for fault in others] == [True] * len(others)


def test_the_number_of_buckets_is_fixed(lake: Lake) -> None:
    add(lake, rows(1))
    with pytest.raises(InputError, match="has 8 buckets in the ledger and 16 in the code"):
        add(lake, rows(2), events=table(16))


def test_rows_of_other_columns_or_without_entity_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="lake table events: rows have"):
        lake.write(table(), DAY, rows(1).drop("value"))
    with pytest.raises(ValueError, match="row 0: user is null; expected an entity"):
        lake.write(table(), DAY, rows(1).with_columns(user=pl.lit(None, pl.Int64)))
    with pytest.raises(InputError, match=r"partition '\.\./x' is not a key"):
        lake.write(table(), "../x", rows(1))
    assert content(lake).schema == pl.Schema(COLUMNS)
