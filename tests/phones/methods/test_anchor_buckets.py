"""The rules through the engine: the same for any number of buckets."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from ons_bigdata.phones.methods.anchors import anchor_bucket, home_and_work
from ons_bigdata.platform.lake import Lake, LakeTable
from ons_bigdata.platform.lake.engine import run_over_buckets
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.phones.methods.device_days import SPEC, at_home, frame, night_worker, regular_worker
from tests.platform.lake.test_catalog import add

DEVICES = [number * 2**59 - 2**62 for number in range(16)]
"""Numbers over the whole range, as pseudonyms are."""
COLUMNS: dict[str, pl.DataType] = {
    "device": pl.Int64(),
    "at_utc": pl.Datetime("us", "UTC"),
    "cell": pl.String(),
    "load_id": pl.String(),
    "line": pl.Int64(),
}
KINDS = (regular_worker, night_worker, at_home)


def test_buckets_of_the_lake_give_the_rows_of_the_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    events = pl.concat([frame(KINDS[place % 3](device)) for place, device in enumerate(DEVICES)])
    rows = events.with_columns(load_id=pl.lit(f"{1:016x}"), line=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    table = LakeTable("device_events", COLUMNS, "device", ["device", "at_utc"], 8)
    lake = Lake(tmp_path / "lake", warehouse)
    add(lake, rows, events=table)
    parameters = {"specification": SPEC.model_dump(mode="json")}
    results = [one.frame for one in run_over_buckets(lake, table, anchor_bucket, parameters)]
    assert len(results) > 2
    assert_frame_equal(pl.concat(results), home_and_work(events, SPEC))
