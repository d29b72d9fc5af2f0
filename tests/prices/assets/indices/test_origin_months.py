"""Daily and weekly figures and their errors month by month in the database: days as they come, late ones, a rebuild."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.indices import diagnostics, figures, period_prices
from ons_bigdata.prices.methods.recipes import Bootstrap

FIRST = date(2016, 7, 21)
STRATA = [("tesco", 210111), ("waitrose", 210111), ("tesco", 310401)]
QUOTES = "intermediate.int_prices__quotes_accepted"
KEY = "data_origin text, retailer text, item_number integer, product text"
STATEMENTS = (
    f"create table {QUOTES} ({KEY}, collected_on date, price_gbp float8)",
    f"create table intermediate.int_prices__products_scoped ({KEY}, in_scope boolean)",
    f"create table intermediate.int_prices__product_pack_sizes ({KEY}, pack_size float8, is_of_item_measure boolean)",
    "create view intermediate.int_prices__quotes_scoped as select quotes.*, scoped.in_scope"
    f" from {QUOTES} as quotes left join intermediate.int_prices__products_scoped as scoped"
    " using (data_origin, retailer, item_number, product)",
    "create view intermediate.int_prices__item_days_accepted as"
    " select data_origin, retailer, item_number, collected_on, count(*)::integer as quotes"
    f" from {QUOTES} group by data_origin, retailer, item_number, collected_on",
    "create view intermediate.int_prices__product_months_judged as select distinct"
    " date_trunc('month', collected_on)::date as month, data_origin, retailer, item_number, product, in_scope,"
    " pack_size from intermediate.int_prices__quotes_scoped left join intermediate.int_prices__product_pack_sizes"
    " using (data_origin, retailer, item_number, product)",
    "create table intermediate.int_prices__item_days_rejected (data_origin text, retailer text, item_number integer,"
    " collected_on date)",
    "create table intermediate.int_prices__retailer_weights_assigned (data_origin text, retailer text,"
    " item_number integer, weight float8, weights_year integer)",
    "create table seeds.item_weights (item_number integer, class_code text, weight float8, weights_year integer)",
    "create table seeds.class_weights (class_code text, division_code text, weight float8, weights_year integer)",
    "create table seeds.retailers (retailer text, rhythm text)",
    "insert into seeds.item_weights values (210111, '01.1.1', 6, 2016), (310401, '02.1.1', 38, 2016)",
    "insert into seeds.class_weights values ('01.1.1', '01', 15, 2016), ('02.1.1', '02', 5, 2016)",
)
ASSETS = [period_prices.product_period_prices_by_month, figures.price_index_figures, diagnostics.price_index_errors]
COUNTS = ("months_built", "months_of_unit_prices_built", "months_of_weeks_built")
AGAIN = "all months are computed again"
TABLES = {
    period_prices.TABLE: "period",
    figures.ELEMENTARY.name: "retailer, item_number",
    figures.AGGREGATES.name: "level, code",
    diagnostics.DIAGNOSTICS.name: "level, code",
    diagnostics.MOVEMENTS.name: "level, code",
    figures.STATES.name: "array_name",
    diagnostics.ERROR_STATES.name: "array_name",
    figures.UNIT_PRICE_STATES.name: "array_name",
    diagnostics.UNIT_PRICE_ERROR_STATES.name: "array_name",
    figures.WEEKLY_STATES.name: "array_name",
    diagnostics.WEEKLY_ERROR_STATES.name: "array_name",
}


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database, with hand-made tables in place of dbt's."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    monkeypatch.setattr(diagnostics, "Bootstrap", partial(Bootstrap, replicates=5))
    with warehouse.transaction() as transaction:
        for statement in STATEMENTS:
            transaction.execute(statement)
    return WarehouseResource()


def quotes_of(days: range, *, without: set[int] = frozenset()) -> pl.DataFrame:
    """Five products of each retailer and item, whose prices wander; `without`: days left out."""
    rows = []
    for number, (retailer, item) in enumerate(STRATA):
        generator = np.random.default_rng(number)
        prices = np.exp(np.cumsum(generator.normal(0, 0.03, (260, 5)), axis=0)) * np.arange(1, 6)
        there = generator.random(prices.shape) < 0.9
        rows += [
            ("real", retailer, item, f"P{n}", FIRST + timedelta(days=int(t)), float(prices[t, n]))
            for t, n in np.argwhere(there)
            if t in days and t not in without
        ]
    schema = {"data_origin": pl.String, "retailer": pl.String, "item_number": pl.Int32, "product": pl.String,
              "collected_on": pl.Date, "price_gbp": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def build(resource: WarehouseResource, *tables: str, counted: str = "months_built") -> dict[str, Any]:
    """Run the assets, or some of their tables; how many months each built, of days or of weeks."""
    made = dg.materialize(
        ASSETS,
        resources={"warehouse": resource},
        selection=[dg.AssetKey(table.split(".")) for table in tables] or None,
    )
    assert made.success
    return {
        event.asset_key.path[-1]: event.materialization.metadata[counted].value
        for event in made.get_asset_materialization_events()
        if counted in event.materialization.metadata
    }


def contents(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table: warehouse.rows(f"select md5(content::text) from {table} as content order by content::text")
        for table in TABLES
    }


def add(warehouse: Warehouse, quotes: pl.DataFrame) -> None:
    with warehouse.transaction() as transaction:
        transaction.insert(QUOTES, quotes)


def test_each_asset_reads_the_relations_that_are_its_deps(warehouse: Warehouse, resource: WarehouseResource) -> None:
    add(warehouse, quotes_of(range(60)))
    made = dg.materialize(ASSETS, resources={"warehouse": resource})
    read = {
        event.asset_key: event.materialization.metadata["relations_read"].value
        for event in made.get_asset_materialization_events()
    }
    specs = [spec for asset in ASSETS for spec in asset.specs]
    assert read == {spec.key: sorted(".".join(dep.asset_key.path) for dep in spec.deps) for spec in specs}


def test_days_as_they_come_give_the_tables_of_one_rebuild(warehouse: Warehouse, resource: WarehouseResource) -> None:
    add(warehouse, quotes_of(range(60), without={20}))
    assert set(build(resource).values()) == {3}
    assert set(build(resource).values()) == {0}
    add(warehouse, quotes_of(range(60, 80)))  # 19 September to 8 October
    assert set(build(resource).values()) == {2}
    add(warehouse, quotes_of(range(80, 82)))
    assert set(build(resource).values()) == {1}
    add(warehouse, quotes_of(range(20, 21)))  # late, of 10 August
    assert set(build(resource).values()) == {3}
    with warehouse.transaction() as transaction:  # out of scope, so that the scopes differ from now on
        transaction.execute(
            "insert into intermediate.int_prices__products_scoped values ('real', 'tesco', 210111, 'P1', false)"
        )
    assert set(build(resource).values()) == {4}
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    assert set(build(resource).values()) == {4}
    assert contents(warehouse) == step_by_step
    scopes = warehouse.rows(f"select distinct scope from {figures.AGGREGATES.name} where recipe = 'ons_pilot_2015'")
    assert sorted(scopes) == [("shelf",), ("target",)]


def test_a_pack_size_builds_the_months_of_prices_per_unit_alone(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    """The pack size of a product of August changes in September: figures of days and weeks do not depend on it."""
    sizes = "intermediate.int_prices__product_pack_sizes"
    add(warehouse, quotes_of(range(11, 60)))  # August to 18 September
    with warehouse.transaction() as transaction:
        for retailer, item in STRATA:
            for n in range(5):
                transaction.execute(f"insert into {sizes} values ('real', '{retailer}', {item}, 'P{n}', 0.5, true)")
    build(resource)
    with warehouse.transaction() as transaction:
        transaction.execute(f"update {sizes} set pack_size = 0.4 where product = 'P1' and retailer = 'tesco'")
    made = dg.materialize(ASSETS, resources={"warehouse": resource})
    counts = [
        tuple(metadata[name].value for name in COUNTS)
        for metadata in (event.materialization.metadata for event in made.get_asset_materialization_events())
        if COUNTS[0] in metadata
    ]
    assert counts == [(0, 2, 0)] * 4  # elementary indices, aggregates, diagnostics, movements
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    build(resource)
    assert contents(warehouse) == step_by_step


def test_weeks_as_they_come_give_the_tables_of_one_rebuild(warehouse: Warehouse, resource: WarehouseResource) -> None:
    """Weeks of July to October are one block, with the first window of 13 weeks; each later month is one."""

    def months_built() -> tuple[int, int]:
        """Months of figures, and of their movements."""
        counts = build(resource, counted="months_of_weeks_built")
        return counts[figures.ELEMENTARY.name.split(".")[1]], counts[diagnostics.MOVEMENTS.name.split(".")[1]]

    add(warehouse, quotes_of(range(200), without={195}))  # to Sunday, 5 February
    assert months_built() == (4, 4)
    assert months_built() == (0, 0)
    add(warehouse, quotes_of(range(200, 202)))
    # February; windows of November to January look 12 weeks ahead, but no figure of them changes; movements eight weeks
    assert months_built() == (1, 3)
    add(warehouse, quotes_of(range(202, 230)))  # to 7 March
    assert months_built() == (2, 4)  # the rest of February, and March
    add(warehouse, quotes_of(range(230, 232)))
    assert months_built() == (1, 3)
    add(warehouse, quotes_of(range(195, 196)))  # late, of 1 February, in a week of January
    assert months_built() == (3, 4)
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    assert months_built() == (6, 6)
    assert contents(warehouse) == step_by_step
    assert months_built() == (0, 0)


def test_weeks_are_resampled_where_a_later_price_changed_them(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    """An item that begins in December fills its first window until March, which revises its weeks of December."""
    late = (pl.col("retailer") == "waitrose") & (pl.col("collected_on") < date(2016, 12, 5))

    def resampled(days: range) -> int:
        add(warehouse, quotes_of(days).filter(~late))
        (count,) = set(build(resource, counted="months_of_weeks_resampled").values())
        return int(count)

    assert resampled(range(200)) == 4  # to 5 February
    assert resampled(range(200, 203)) == 3  # Wednesday: from December on
    assert resampled(range(203, 232)) == 4  # to 9 March: the rest of February, and so on
    assert resampled(range(232, 233)) == 1  # March alone
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    build(resource)
    assert contents(warehouse) == step_by_step


def test_a_week_that_begins_in_the_month_before_the_first_day_counts(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    add(warehouse, quotes_of(range(11, 40)))  # from Monday, 1 August
    build(resource)
    weeks = f"select min(period) from {figures.AGGREGATES.name} where recipe = 'fews'"
    assert warehouse.rows(weeks) == [(date(2016, 8, 1),)]
    with warehouse.transaction() as transaction:
        transaction.execute(f"update {QUOTES} set collected_on = collected_on + 31")  # from Thursday, 1 September
    build(resource)
    rows = warehouse.rows(f"{weeks} and index is not null")
    assert rows == [(date(2016, 8, 29),)]


def test_figures_of_days_that_are_gone_go(warehouse: Warehouse, resource: WarehouseResource) -> None:
    add(warehouse, quotes_of(range(75)))
    build(resource)
    with warehouse.transaction() as transaction:
        transaction.execute(f"delete from {QUOTES} where collected_on >= '2016-09-20'")
    build(resource)
    for table in TABLES:
        if table.endswith("states") or table == period_prices.TABLE:
            continue
        for recipe in ("web_daily", "fews"):
            (last,) = warehouse.rows(f"select max(period) from {table} where recipe = '{recipe}'")[0]
            assert last == date(2016, 9, 19)  # a Monday
    with warehouse.transaction() as transaction:
        transaction.execute(f"delete from {QUOTES}")
    build(resource)
    assert all(not rows for rows in contents(warehouse).values())


def test_a_stretch_that_lasts_gives_the_month_before_another_base(
    warehouse: Warehouse, resource: WarehouseResource, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whisky pauses for longer than a chain links and returns on 31 August: a stretch of one day, which has no base.

    On 1 September it has two days: the figures of whisky, those of July among them, are of two parts with a base each.
    """
    whisky, others = pl.col("item_number") == 310401, pl.col("item_number") != 310401
    add(warehouse, quotes_of(range(42)).filter(others))
    add(warehouse, quotes_of(range(11)).filter(whisky))
    add(warehouse, quotes_of(range(41, 42)).filter(whisky))
    assert set(build(resource).values()) == {2}
    assert AGAIN not in capfd.readouterr().err
    add(warehouse, quotes_of(range(42, 43)))
    assert build(resource)["elementary_price_indices"] == 3
    assert (
        f"{AGAIN}: web_daily jevons_chained shelf: another tree or another base in July 2016" in capfd.readouterr().err
    )
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    build(resource)
    assert contents(warehouse) == step_by_step


def test_a_state_of_another_tree_is_not_gone_on_from(warehouse: Warehouse, resource: WarehouseResource) -> None:
    add(warehouse, quotes_of(range(60)))
    build(resource)
    add(warehouse, quotes_of(range(60, 61)))
    with warehouse.transaction() as transaction:
        transaction.execute(f"update {figures.STATES.name} set structure = 'another' where month = '2016-07-01'")
    assert build(resource)["elementary_price_indices"] == 3


def test_a_run_of_some_tables_leaves_the_months_stale(warehouse: Warehouse, resource: WarehouseResource) -> None:
    add(warehouse, quotes_of(range(60)))
    build(resource)
    add(warehouse, quotes_of(range(60, 80)))
    build(resource, figures.STATES.name)
    build(resource, figures.ELEMENTARY.name, figures.STATES.name)
    whole = (figures.ELEMENTARY, figures.AGGREGATES, figures.STATES, figures.UNIT_PRICE_STATES, figures.WEEKLY_STATES)
    months = build(resource, period_prices.TABLE, *(table.name for table in whole))
    assert set(months.values()) == {2}
    build(resource, diagnostics.ERROR_STATES.name)
    months = build(resource)
    assert {months["elementary_price_indices"], months["aggregate_price_indices"]} == {0}
    assert {months["price_index_diagnostics"], months["price_index_movements"]} == {2}
    step_by_step = contents(warehouse)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    build(resource)
    assert contents(warehouse) == step_by_step
