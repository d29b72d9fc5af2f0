"""Assets that declare their inputs: they read and write nothing else, and their deps are the inputs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import dataframely as dy
import polars as pl
import pytest

from ons_bigdata.platform.dagster.inputs import (
    RELATIONS_READ,
    AssetRun,
    Inputs,
    Output,
    OutputInParts,
    Table,
    UndeclaredRelationError,
    _ahead,
    table_asset,
    tables_asset,
)
from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.lake import Lake
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.platform.ingest import reading_files


class Total(dy.Schema):
    """Prices summed by shop."""

    shop = dy.String(nullable=False, description="shop")
    pounds = dy.Float64(nullable=False, description="sum of its prices in GBP")


class Count(dy.Schema):
    """Number of prices."""

    rows = dy.Int64(nullable=False, description="rows")


PRICES = {"prices": "staging.prices"}
Compute = Callable[[Inputs, AssetRun], pl.DataFrame | Output]
ComputeAll = Callable[[Inputs, AssetRun], Mapping[str, pl.DataFrame | Output]]


@pytest.fixture(autouse=True)
def tables(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's database, with a source, a table of another asset and two tables to fill."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("create table staging.prices (shop text, product text, pounds float8)")
        transaction.execute("insert into staging.prices values ('a', 'tea', 2), ('a', 'oats', 3), ('b', 'tea', 2.5)")
        transaction.execute("create table staging.secrets (shop text)")
        transaction.execute("create table analysis.totals (shop text not null, pounds float8 not null)")
        transaction.execute("create table analysis.counts (rows bigint not null)")


def totals(inputs: Inputs, _: AssetRun) -> Output:
    prices = inputs.read("prices", ["shop", "pounds"])
    assert prices.columns == ["shop", "pounds"]
    return Output(prices.group_by("shop").agg(pl.col("pounds").sum()), {"prices": prices.height})


def single(function: Compute, inputs: Mapping[str, str] = PRICES) -> dg.AssetsDefinition:
    return table_asset(table="analysis.totals", inputs=inputs, frame=Total, description="One row per shop.")(function)


def double(function: ComputeAll) -> dg.AssetsDefinition:
    tables = [
        Table("analysis.totals", Total, "One row per shop."),
        Table("analysis.counts", Count, "One row."),
    ]
    return tables_asset(name="sums", tables=tables, inputs=PRICES, can_subset=True)(function)


def sums(inputs: Inputs, run: AssetRun) -> dict[str, pl.DataFrame | Output]:
    counts = pl.DataFrame({"rows": [inputs.read("prices").height]})
    return {"analysis.totals": totals(inputs, run), "analysis.counts": counts}


def materialize(asset: dg.AssetsDefinition, selection: str | None = None) -> dict[str, dict[str, Any]]:
    """Run an asset; the metadata of each table that it wrote, by table."""
    chosen = None if selection is None else dg.AssetSelection.assets(dg.AssetKey(selection.split(".")))
    result = dg.materialize([asset], resources={"warehouse": WarehouseResource()}, selection=chosen)
    return {
        ".".join(event.asset_key.path): {name: value.value for name, value in event.materialization.metadata.items()}
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def test_an_asset_reads_its_inputs_and_replaces_its_table(warehouse: Warehouse) -> None:
    asset = single(totals)
    for _ in range(2):
        written = materialize(asset)
        assert warehouse.rows("select shop, pounds from analysis.totals order by shop") == [("a", 5.0), ("b", 2.5)]
    assert written == {"analysis.totals": {"dagster/row_count": 2, "prices": 3, RELATIONS_READ: ["staging.prices"]}}


def test_deps_are_the_declared_inputs() -> None:
    asset = single(totals, {"prices": "staging.prices", "other": "seeds.shops", "twice": "seeds.shops"})
    (spec,) = asset.specs
    assert {".".join(dep.asset_key.path) for dep in spec.deps} == {"staging.prices", "seeds.shops"}


def test_reading_an_undeclared_relation_fails_and_names_asset_relation_and_inputs() -> None:
    def curious(inputs: Inputs, _: AssetRun) -> pl.DataFrame:
        return inputs.read("staging.secrets")

    expected = r"totals reads 'staging.secrets', .* its inputs: prices \(staging.prices\)"
    with pytest.raises(UndeclaredRelationError, match=expected):
        materialize(single(curious))


def test_a_run_reads_no_other_table_as_its_own() -> None:
    def curious(_: Inputs, run: AssetRun) -> pl.DataFrame:
        return run.read_own("staging.secrets", ["shop"])

    with pytest.raises(UndeclaredRelationError, match=r"'staging.secrets' is no table of this asset"):
        materialize(single(curious))


class ShopDay(dy.Schema):
    """Prices counted by day."""

    day = dy.Date(nullable=False, description="day")
    rows = dy.Int64(nullable=False, description="rows")


def test_a_run_reads_days_of_its_own_tables_alone(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("create table analysis.days (day date not null, rows bigint not null)")
        transaction.execute("insert into analysis.days select date '2016-08-01' + n, n from generate_series(0, 5) as n")
    days = (date(2016, 8, 2), date(2016, 8, 4))

    def between(_: Inputs, run: AssetRun) -> pl.DataFrame:
        assert run.read_own_days("analysis.days", "day", days, ["rows"]).columns == ["rows"]
        return run.read_own_days("analysis.days", "day", days)

    def curious(_: Inputs, run: AssetRun) -> pl.DataFrame:
        return run.read_own_days("staging.prices", "day", days)

    table = table_asset(table="analysis.days", inputs=PRICES, frame=ShopDay, description="One row per day.")
    materialize(table(between))
    assert warehouse.rows("select rows from analysis.days order by rows") == [(1,), (2,), (3,)]
    with pytest.raises(UndeclaredRelationError, match=r"'staging.prices' is no table of this asset"):
        materialize(table(curious))


def test_the_name_of_an_input_is_no_way_to_sql() -> None:
    def injected(inputs: Inputs, _: AssetRun) -> pl.DataFrame:
        return inputs.read("prices", ['shop" from staging.secrets --'])

    with pytest.raises(ValueError, match="column"):
        materialize(single(injected))


def test_neither_inputs_nor_run_expose_the_database() -> None:
    seen: list[object] = []

    def searching(inputs: Inputs, run: AssetRun) -> pl.DataFrame:
        seen.extend(getattr(thing, name) for thing in (inputs, run) for name in dir(thing) if not name.startswith("_"))
        return totals(inputs, run).frame

    materialize(single(searching))
    assert seen
    assert not any(isinstance(thing, Warehouse | WarehouseResource | dg.AssetExecutionContext) for thing in seen)


def test_an_unknown_column_and_a_relation_that_is_not_built_are_errors_of_input() -> None:
    with pytest.raises(InputError, match=r"asset totals reads columns \"price\" of staging.prices"):
        materialize(single(lambda inputs, _: inputs.read("prices", ["price"])))
    with pytest.raises(InputError, match=r"asset totals reads staging.other, .* materialize staging/other first"):
        materialize(single(lambda inputs, _: inputs.read("other"), {"other": "staging.other"}))


def test_rows_are_validated_by_the_frame(warehouse: Warehouse) -> None:
    materialize(single(totals))
    with pytest.raises(dy.exc.SchemaError):
        materialize(single(lambda inputs, _: inputs.read("prices", ["shop"])))
    assert warehouse.rows("select count(*) from analysis.totals") == [(2,)]


def test_an_asset_of_several_tables_writes_those_that_are_asked_for(warehouse: Warehouse) -> None:
    assert set(materialize(double(sums), "analysis.counts")) == {"analysis.counts"}
    assert warehouse.rows("select count(*) from analysis.totals") == [(0,)]
    assert set(materialize(double(sums))) == {"analysis.counts", "analysis.totals"}
    assert warehouse.rows("select rows from analysis.counts") == [(3,)]


def test_rows_with_some_values_are_read(warehouse: Warehouse) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("alter table staging.prices add column day date")
        transaction.execute("update staging.prices set day = date '2016-08-01' + (product = 'oats')::integer")
    read: list[set[tuple[Any, ...]]] = []

    def chosen(inputs: Inputs, run: AssetRun) -> Output:
        for values, days in (
            ({"product": ["tea", "o'ats"]}, None),
            ({"shop": ["a"], "product": ["tea", "oats"]}, None),
            ({"product": ["tea", "oats"]}, ("day", date(2016, 8, 2), date(2016, 8, 3))),
            ({"product": []}, None),
            ({}, None),
        ):
            read.append(set(inputs.read_rows("prices", values, days, ["shop", "pounds"]).rows()))
        with pytest.raises(ValueError, match="expected the name of a column"):
            inputs.read_rows("prices", {"shop or true": ["a"]})
        with pytest.raises(UndeclaredRelationError):
            inputs.read_rows("secrets", {"shop": ["a"]})
        return totals(inputs, run)

    materialize(single(chosen))
    a, oats, b = ("a", 2.0), ("a", 3.0), ("b", 2.5)
    assert read == [{a, b}, {a, oats}, {oats}, set(), {a, oats, b}]


def totals_in_parts(inputs: Inputs, _: AssetRun) -> OutputInParts:
    """Totals, a part for each shop."""
    shops = totals(inputs, _).frame.sort("shop").partition_by("shop")
    computed: list[str] = []

    def parts() -> Iterator[pl.DataFrame]:
        for shop in shops:
            computed.append(shop["shop"][0])
            yield shop

    return OutputInParts(parts(), lambda: {"computed": ", ".join(computed)})


def test_an_asset_may_give_its_rows_in_parts(warehouse: Warehouse) -> None:
    result = dg.materialize([single(totals_in_parts)], resources={"warehouse": WarehouseResource()})
    assert sorted(warehouse.rows("select * from analysis.totals")) == [("a", 5.0), ("b", 2.5)]
    (materialization,) = result.asset_materializations_for_node("totals")
    assert materialization.metadata["computed"].value == "a, b"
    assert materialization.metadata["dagster/row_count"].value == 2
    assert materialization.metadata[RELATIONS_READ].value == ["staging.prices"]


def test_a_part_that_fails_leaves_the_table_as_it_was(warehouse: Warehouse) -> None:
    def half(inputs: Inputs, run: AssetRun) -> OutputInParts:
        def parts() -> Iterator[pl.DataFrame]:
            yield from totals_in_parts(inputs, run).parts
            raise InputError("the third shop is closed")

        return OutputInParts(parts(), dict)

    dg.materialize([single(totals)], resources={"warehouse": WarehouseResource()})
    with pytest.raises(InputError, match="third shop"):
        dg.materialize([single(half)], resources={"warehouse": WarehouseResource()})
    assert warehouse.rows("select count(*)::int from analysis.totals") == [(2,)]


def test_a_part_is_computed_while_the_one_before_is_written() -> None:
    is_computed = threading.Event()

    def parts() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"x": [1]})
        is_computed.set()
        yield pl.DataFrame({"x": [2]})

    written = []
    for part in _ahead(parts()):
        assert is_computed.wait(60)  # without a thread the second would come after the loop's body
        written.append(part["x"][0])
    assert written == [1, 2]


def test_writing_the_table_of_another_asset_fails() -> None:
    def meddling(inputs: Inputs, run: AssetRun) -> dict[str, pl.DataFrame | Output]:
        return {**sums(inputs, run), "staging.secrets": pl.DataFrame({"shop": ["a"]})}

    with pytest.raises(UndeclaredRelationError, match=r"sums writes 'staging.secrets', .* its tables: analysis.totals"):
        materialize(double(meddling))


def test_a_table_that_is_asked_for_must_be_returned() -> None:
    with pytest.raises(ValueError, match=r"sums returned no rows for analysis.counts"):
        materialize(double(lambda inputs, run: {"analysis.totals": totals(inputs, run)}))


def test_declarations_are_judged_before_any_run() -> None:
    with pytest.raises(ValueError, match=r"relation 'prices': expected schema.relation"):
        single(totals, {"prices": "prices"})
    with pytest.raises(ValueError, match=r"analysis.totals is both an input and a table"):
        single(totals, {"prices": "analysis.totals"})


def test_tables_of_the_lake_are_inputs_read_bucket_by_bucket(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake", warehouse)
    monkeypatch.setattr(WarehouseResource, "lake", lambda _: lake)
    table = reading_files.TABLE
    rows = pl.DataFrame({"entity": [-(2**62), 5, 5], "value": [1.0, 2.0, 3.0], "line": [1, 2, 3]}).with_columns(
        load_id=pl.lit("0" * 16), day=pl.lit("2016-07-21").str.to_date()
    )
    files = lake.write(table, "2016-07-21", rows.select(list(table.columns)))
    with warehouse.transaction(role="ingest") as transaction:
        lake.make_live(transaction, table, files)

    def counted(inputs: Inputs, _: AssetRun) -> pl.DataFrame:
        sizes = [bucket.collect().height for bucket in inputs.scan_buckets("readings")]
        assert sizes == [0, 1, 2, 0]
        with pytest.raises(UndeclaredRelationError, match=r"its inputs: readings \(lake.readings\)"):
            inputs.scan_buckets("others")
        return pl.DataFrame({"rows": [sum(sizes)]})

    asset = table_asset(
        table="analysis.counts",
        inputs={},
        lake_tables={"readings": table},
        frame=Count,
        description="One row.",
    )(counted)
    assert {key.to_user_string() for keys in asset.asset_deps.values() for key in keys} == {"lake/readings"}
    result = dg.materialize([asset], resources={"warehouse": WarehouseResource()})
    (event,) = result.asset_materializations_for_node("counts")
    assert event.metadata[RELATIONS_READ].value == ["lake.readings"]
    assert warehouse.rows("select rows from analysis.counts") == [(3,)]
