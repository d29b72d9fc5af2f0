"""Assets of a method over buckets: tables filled bucket by bucket, declared inputs, counts, rows that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl
import pytest

from ons_bigdata.platform.dagster import bucket_assets
from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, LakeOutput, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import RELATIONS_READ, Inputs, Table
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.lake import Lake, LakeTable, engine
from ons_bigdata.platform.lake import files as lake_files
from ons_bigdata.platform.lake.engine import LakeResult, RowsRead, write_lake_result
from ons_bigdata.platform.lake.files import WRITING
from ons_bigdata.platform.postgres.warehouse import Warehouse

VISITS = LakeTable(
    name="visits",
    columns={"load_id": pl.String(), "line": pl.Int64(), "person": pl.Int64(), "minutes": pl.Int64()},
    entity_column="person",
    order=("person",),
    buckets=4,
)


class Total(dy.Schema):
    """One row per person."""

    person = dy.Int64(description="person")
    minutes = dy.Int64(min=0, description="minutes of all visits, times the factor")


class Visit(dy.Schema):
    """One row per visit."""

    person = dy.Int64(description="person")
    minutes = dy.Int64(description="minutes")


TABLES = [Table("restricted.totals", Total, "One row per person."), Table("restricted.visits", Visit, "One per visit.")]


def scale(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """Visits with their minutes times a factor."""
    return bucket.select("person", pl.col("minutes") * parameters["factor"])


def divide(scaled: pl.DataFrame) -> dict[str, pl.DataFrame]:
    totals = scaled.group_by("person").agg(pl.col("minutes").sum()).sort("person")
    return {"restricted.totals": totals, "restricted.visits": scaled}


@bucket_tables_asset(name="totals", lake_table=VISITS, tables=TABLES, inputs={"factor": "seeds.factor"})
def totals(inputs: Inputs) -> BucketMethod:
    """Sum the visits of each person."""
    factor = inputs.read("factor")["factor"][0]
    return BucketMethod(
        scale, {"factor": factor}, divide, lambda frames: {"persons": frames["restricted.totals"].height}
    )


@pytest.fixture(autouse=True)
def lake(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The test's database with the tables and a lake."""
    lake = Lake(tmp_path / "lake", warehouse)
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    with warehouse.transaction() as transaction:
        transaction.execute("create table seeds.factor (factor bigint)")
        transaction.execute("insert into seeds.factor values (2)")
        for table in ("totals", "visits"):
            transaction.execute(f"create table restricted.{table} (person bigint not null, minutes bigint not null)")
    return lake


def land(lake: Lake, persons: list[int], minutes: int, load: str) -> None:
    rows = pl.DataFrame(
        {"load_id": load * 16, "line": range(1, len(persons) + 1), "person": persons, "minutes": minutes},
        schema=dict(VISITS.columns),
    )
    files = lake.write(VISITS, "2014-04-01", rows)
    with lake.warehouse.transaction(role="ingest") as transaction:
        lake.make_live(transaction, VISITS, files)


PERSONS = [-(2**62), -5, -5, 7, 2**62]


def test_tables_are_filled_bucket_by_bucket_and_exchanged(lake: Lake, warehouse: Warehouse) -> None:
    land(lake, PERSONS, 10, "a")
    result = dg.materialize([totals], resources={"warehouse": WarehouseResource()})
    assert warehouse.rows("select person, minutes from restricted.totals") == [
        (-(2**62), 20),
        (-5, 40),
        (7, 20),
        (2**62, 20),
    ]
    (metadata, _) = [one.metadata for one in result.asset_materializations_for_node("totals")]
    assert metadata["dagster/row_count"].value == 4
    assert metadata["persons"].value == 4
    assert metadata[RELATIONS_READ].value == ["lake.visits", "seeds.factor"]
    land(lake, [7, 8], 1, "b")
    lake.without_loads(VISITS, ["a" * 16])
    dg.materialize([totals], resources={"warehouse": WarehouseResource()})
    assert warehouse.rows("select person, minutes from restricted.totals") == [(7, 2), (8, 2)]
    assert warehouse.rows("select count(*) from restricted.visits") == [(2,)]


def test_inputs_are_the_lake_and_the_declared_relations() -> None:
    keys = {"/".join(key.path) for keys in totals.asset_deps.values() for key in keys}
    assert keys == {"lake/visits", "seeds/factor"}


def test_rows_that_break_the_frame_stop_the_bucket(lake: Lake, warehouse: Warehouse) -> None:
    land(lake, PERSONS, 10, "a")
    dg.materialize([totals], resources={"warehouse": WarehouseResource()})
    before = warehouse.rows("select * from restricted.totals order by person")
    with warehouse.transaction() as transaction:
        transaction.execute("update seeds.factor set factor = -1")
    result = dg.materialize([totals], resources={"warehouse": WarehouseResource()}, raise_on_error=False)
    assert not result.success
    assert warehouse.rows("select * from restricted.totals order by person") == before


LONG_VISITS = LakeTable(
    name="long_visits",
    columns={"person": pl.Int64(), "minutes": pl.Int64(), "length": pl.Enum(["long", "short"])},
    entity_column="person",
    order=("person", "minutes"),
    buckets=4,
    is_derived=True,
)


class LongVisit(dy.Schema):
    """One row per visit with its length."""

    person = dy.Int64(description="person")
    minutes = dy.Int64(description="minutes")
    length = dy.Enum(["long", "short"], description="long or short")


def lengths(bucket: pl.DataFrame, parameters: Mapping[str, Any]) -> dict[str, pl.DataFrame]:
    """Visits with their length, and their totals."""
    assert bucket.columns == ["person", "minutes"]
    length = pl.when(pl.col("minutes") > parameters["long"]).then(pl.lit("long")).otherwise(pl.lit("short"))
    visits = bucket.with_columns(length.cast(pl.Enum(["long", "short"])).alias("length")).sort("person", "minutes")
    totals = bucket.group_by("person").agg(pl.col("minutes").sum()).sort("person")
    return {"totals": totals, "visits": visits}


def visit_lengths_of(processes: int) -> dg.AssetsDefinition:
    @bucket_tables_asset(
        name="visit_lengths",
        lake_table=VISITS,
        tables=TABLES[:1],
        lake_outputs=[LakeOutput(LONG_VISITS, LongVisit, "One row per visit.")],
        inputs={},
        rows=RowsRead(columns=["person", "minutes"], is_sorted=False),
        processes=processes,
    )
    def visit_lengths(_inputs: Inputs) -> BucketMethod:
        """Long visits and short ones, and totals."""
        return BucketMethod(lengths, {"long": 5}, tables={"totals": "restricted.totals", "visits": "lake.long_visits"})

    return visit_lengths


visit_lengths = visit_lengths_of(1)


def test_results_go_to_a_derived_table_of_the_lake(lake: Lake, warehouse: Warehouse) -> None:
    land(lake, PERSONS, 10, "a")
    land(lake, [7], 1, "b")
    result = dg.materialize([visit_lengths], resources={"warehouse": WarehouseResource()})
    stored = lake.scan(LONG_VISITS).sort("person", "minutes").collect()
    assert stored["person"].to_list() == sorted([*PERSONS, 7])
    assert stored.filter(pl.col("length") == "short").rows() == [(7, 1, "short")]
    counts = {m.asset_key.path[-1]: m.metadata["dagster/row_count"].value for m in _materializations(result)}
    assert counts == {"totals": 4, "long_visits": 6}
    files = {file.bucket: file for file in lake.files(LONG_VISITS)}
    assert {file.partition for file in files.values()} == {"all"}
    assert files[2].load_ids == ("a" * 16, "b" * 16)  # the loads behind the rows of 7
    assert files[1].load_ids == ("a" * 16,)

    dg.materialize([visit_lengths], resources={"warehouse": WarehouseResource()})
    assert {file.bucket: file for file in lake.files(LONG_VISITS)} == files  # equal rows, equal files

    lake.without_loads(VISITS, ["a" * 16])
    dg.materialize([visit_lengths], resources={"warehouse": WarehouseResource()})
    assert lake.scan(LONG_VISITS).collect().rows() == [(7, 1, "short")]
    assert warehouse.rows("select person, minutes from restricted.totals") == [(7, 1)]
    assert lake.all_faults() == []
    orphans = lake.remove_orphans(LONG_VISITS, age_s=0)
    assert {path.relative_to(lake.folder).as_posix() for path in orphans} == {file.name for file in files.values()}


@pytest.mark.parametrize("joined_rows", [0, 10_000])
def test_workers_write_the_files_that_one_process_writes(
    lake: Lake, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, joined_rows: int
) -> None:
    monkeypatch.setattr(bucket_assets, "PARALLEL_ROWS", 0)
    monkeypatch.setattr(engine, "JOINED_ROWS", joined_rows)
    monkeypatch.setattr(lake_files, "SYNCED_BYTES", 0)
    land(lake, PERSONS, 10, "a")
    land(lake, [7], 1, "b")
    found = []
    for processes in (1, 2):
        if processes == 2:  # which have no rows of the lake to write themselves
            monkeypatch.setattr(Lake, "write_bucket", lambda *_, **__: pytest.fail("written by this process"))
        definition = visit_lengths_of(processes)
        result = dg.materialize([definition], resources={"warehouse": WarehouseResource()})
        counts = {m.asset_key.path[-1]: m.metadata["dagster/row_count"].value for m in _materializations(result)}
        found.append((lake.files(LONG_VISITS), counts, warehouse.rows("select * from restricted.totals order by 1")))
        with warehouse.transaction() as transaction:
            transaction.execute("delete from ops.lake_files where table_name = 'long_visits'")
        assert list((lake.folder / WRITING).iterdir()) == []
        lake.remove_orphans(LONG_VISITS, age_s=0)
    assert found[1] == found[0]
    assert len(found[0][0]) > 2
    assert found[0][1] == {"totals": 4, "long_visits": 6}


def test_workers_refuse_rows_that_break_the_frame_of_a_derived_table(tmp_path: Path) -> None:
    result = LakeResult.of_json(LakeResult(LONG_VISITS, LongVisit).to_json())
    assert result == LakeResult(LONG_VISITS, LongVisit)
    broken = pl.DataFrame({"person": [None, 1], "minutes": [1, 2], "length": ["long", "short"]}).cast(
        dict(LONG_VISITS.columns)
    )
    with pytest.raises(dy.exc.ValidationError):
        write_lake_result(result, broken, {0: []}, tmp_path)
    with pytest.raises(ValueError, match="expected a derived one with the columns of its frame"):
        LakeResult(LONG_VISITS, Visit)


def test_a_derived_table_stays_as_it_was_where_a_bucket_fails(lake: Lake, warehouse: Warehouse) -> None:
    land(lake, [7], 10, "a")
    dg.materialize([visit_lengths], resources={"warehouse": WarehouseResource()})
    before = lake.files(LONG_VISITS)
    land(lake, [8], -20, "b")  # the total breaks its frame
    result = dg.materialize([visit_lengths], resources={"warehouse": WarehouseResource()}, raise_on_error=False)
    assert not result.success
    assert lake.files(LONG_VISITS) == before
    assert warehouse.rows("select person, minutes from restricted.totals") == [(7, 10)]


def _materializations(result: dg.ExecuteInProcessResult) -> list[dg.AssetMaterialization]:
    return result.asset_materializations_for_node("visit_lengths")
