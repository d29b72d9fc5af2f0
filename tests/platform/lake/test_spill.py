"""External sort of the rows of a load: one sorted fragment for each partition and bucket, whatever the memory."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake import LakeTable, tables
from ons_bigdata.platform.lake.spill import Spill
from ons_bigdata.platform.lake.tables import bucket_of
from tests.platform.lake.spread import rows, table

LOAD = f"{1:016x}"
DAYS = ["2016-07-21", "2016-07-22", "2016-07-23"]


def spilled(folder: Path, events: LakeTable, frame: pl.DataFrame, batch: int, buffer_bytes: int) -> list[tuple]:
    """Places of the rows (with a column `day`), added batch by batch, with their parts."""
    spill = Spill(folder, events, buffer_bytes=buffer_bytes)
    for start in range(0, frame.height, batch):
        part = frame.slice(start, batch)
        spill.add(LOAD, part.drop("day", "load_id"), part["day"])
    return [(place, list(parts)) for place, parts in spill.places()]


@given(
    seed=st.integers(0, 50),
    count=st.integers(0, 200),
    batch=st.integers(1, 80),
    buffer_bytes=st.sampled_from([1, 1000, 5000, 10**9]),
    group_rows=st.sampled_from([1, 7, 50, 10**6]),
)
def test_places_have_their_rows_in_order_whatever_the_buffer(
    tmp_path_factory, seed, count, batch, buffer_bytes, group_rows
):
    frame = rows(1, count=count).with_columns(
        day=pl.Series([DAYS[(seed + line * line) % 3] for line in range(count)], dtype=pl.String)
    )
    events = table(4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "ROW_GROUP_ROWS", group_rows)
        found = spilled(tmp_path_factory.mktemp("spill"), events, frame, batch, buffer_bytes)
        divided = [(place, [part.height for part in parts]) for place, parts in found]
        at_once = spilled(tmp_path_factory.mktemp("spill"), events, frame, max(count, 1), 10**9)
        assert divided == [(place, [part.height for part in parts]) for place, parts in at_once]
    assert [place for place, _ in found] == sorted({place for place, _ in found})
    keyed = frame.with_columns(bucket=bucket_of(pl.col("user"), 4))
    assert len(found) == keyed.select("day", "bucket").n_unique()
    for (day, bucket), parts in found:
        expected = keyed.filter(day=day, bucket=bucket).drop("day", "bucket").sort(events.sort_columns)
        assert_frame_equal(pl.concat(parts), expected)


@pytest.mark.parametrize("buffer_bytes", [1, 200, 10**9])
def test_texts_that_are_the_same_in_a_run_come_back_in_every_row(tmp_path: Path, buffer_bytes: int) -> None:
    frame = rows(1, count=12).with_columns(
        origin=pl.Series(["a"] * 4 + ["b"] * 4 + ["a", None, "a", "b"]), note=pl.lit(None, pl.String), kind=pl.lit("k")
    )
    columns = {name: frame.schema[name] for name in frame.columns}
    events = LakeTable("events", columns, "user", ["user", "second"], 2)
    days = pl.Series([date(2016, 7, 21), date(2016, 7, 22)] * 6)
    spill = Spill(tmp_path, events, buffer_bytes=buffer_bytes)
    for start in range(0, 12, 4):
        spill.add(LOAD, frame.drop("load_id")[start : start + 4], days[start : start + 4])
    found = {place: pl.concat(parts) for place, parts in ((place, list(parts)) for place, parts in spill.places())}
    assert {day for day, _ in found} == {"2016-07-21", "2016-07-22"}
    assert_frame_equal(pl.concat(found.values()).sort("line"), frame.sort("line"))


@pytest.mark.parametrize("buffer_bytes", [1, 3000, 10**9])
def test_loads_share_places_and_one_that_is_removed_has_no_rows(tmp_path: Path, buffer_bytes: int) -> None:
    loads = {f"{number:016x}": rows(number, count=40) for number in (7, 3, 5)}  # not in the order of their ids
    days = pl.Series([DAYS[line % 2] for line in range(40)])
    spill = Spill(tmp_path, table(2), buffer_bytes=buffer_bytes)
    for load_id, frame in loads.items():
        for start in range(0, 40, 8):
            spill.add(load_id, frame.drop("load_id")[start : start + 8], days[start : start + 8])
    spill.remove(f"{3:016x}")
    found = {place: pl.concat(parts) for place, parts in ((place, list(parts)) for place, parts in spill.places())}
    kept = pl.concat(
        frame.with_columns(load_id=pl.lit(load_id), day=days) for load_id, frame in loads.items() if "3" not in load_id
    ).with_columns(bucket=bucket_of(pl.col("user"), 2))
    assert len(found) == kept.select("day", "bucket").n_unique()
    for (day, bucket), of_place in found.items():
        expected = kept.filter(day=day, bucket=bucket).drop("day", "bucket").sort(table(2).sort_columns)
        assert_frame_equal(of_place, expected.select(of_place.columns))


def test_a_row_without_entity_is_named(tmp_path: Path) -> None:
    frame = rows(1, count=3).with_columns(user=pl.Series([1, None, 2], dtype=pl.Int64)).drop("load_id")
    with pytest.raises(InputError, match="line 2: user is null"):
        Spill(tmp_path, table()).add(LOAD, frame, pl.Series([DAYS[0]] * 3))


def test_ranges_of_a_bucket_cover_it_and_depend_on_the_number_of_rows() -> None:
    for buckets in (1, 4, 64):
        events = table(buckets)
        for count in (0, 1, tables.ROW_GROUP_ROWS, tables.ROW_GROUP_ROWS + 1, 7 * tables.ROW_GROUP_ROWS):
            found = [pair for bucket in range(buckets) for pair in events.ranges(bucket, count)]
            assert (found[0][0], found[-1][1]) == (-(2**63), 2**63 - 1)
            assert all(right[0] == left[1] + 1 for left, right in pairwise(found))
            assert len(found) == buckets * max(1, -(-count // tables.ROW_GROUP_ROWS))
