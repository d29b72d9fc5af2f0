"""The assets of the comparison on a small database, from their inputs to their tables."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets import ASSETS
from ons_bigdata.prices.assets.comparison import official as comparison
from ons_bigdata.prices.checks.comparison import official_indices_are_rebuilt

BISCUITS, TEA, WINE = 210302, 211901, 310421
FIRST = date(2016, 8, 1)

INTERMEDIATE = (
    "official_series_matched",
    "official_quotes_selected",
    "quotes_accepted",
    "scraped_products_priced",
    "other_products_priced",
    "scraped_quotes_overlapping",
)

TABLES = """
create table intermediate.int_prices__items_weighted (weights_year integer, item_number integer, class_code text,
    division_code text, weight double precision);
create table intermediate.int_prices__official_series_matched (data_origin text, level text, code text, series_id text,
    month date, index double precision);
create table intermediate.int_prices__official_quotes_selected (data_origin text, load_id text, line integer,
    item_number integer, month date, validity integer, price_gbp double precision, stratum_weight double precision,
    stratum_type integer, stratum_cell integer, shop_weight double precision, base_price_gbp double precision,
    base_validity integer);
create table intermediate.int_prices__quotes_accepted (data_origin text, retailer text, item_number integer,
    product text, collected_on date, price_gbp double precision);
create view intermediate.int_prices__item_days_accepted as
    select data_origin, retailer, item_number, collected_on, count(*)::integer as quotes
    from intermediate.int_prices__quotes_accepted group by 1, 2, 3, 4;
create table intermediate.int_prices__scraped_products_priced (data_origin text, retailer text, item_number integer,
    product text, product_id text, product_name text, pack_size double precision, price_gbp double precision);
create table intermediate.int_prices__other_products_priced (data_origin text, source text, retailer text,
    item_number integer, product text, product_id text, product_name text, pack_size double precision,
    price_gbp double precision);
create table intermediate.int_prices__scraped_quotes_overlapping (data_origin text, retailer text,
    item_number integer, product text, collected_on date, price_gbp double precision);
create table staging.stg_prices__official_item_indices (data_origin text, item_number integer, item_name text,
    month date, index double precision, weight double precision, imputation text);
create table staging.stg_prices__other_quotes (data_origin text, source text, retailer text, item_number integer,
    product text, product_id text, product_name text, pack_size double precision, collected_on date, delivered_on date,
    price_gbp double precision);
insert into intermediate.int_prices__items_weighted values
    (2016, 210302, '01.1.1', '01', 0.667), (2016, 211901, '01.1.1', '01', 2.333), (2016, 310421, '02.1.2', '02', 5);
insert into intermediate.int_prices__official_series_matched values
    ('real', 'division', '01', 'd7bu', '2016-08-01', 102), ('real', 'division', '01', 'd7bu', '2016-09-01', 104);
insert into staging.stg_prices__official_item_indices
    select 'real', item, 'X', month, index, 1.0, null from (values
        (date '2016-08-01', 210302, 104.0), (date '2016-09-01', 210302, 106.0),
        (date '2016-08-01', 211901, 100.0), (date '2016-09-01', 211901, 103.0)
    ) as printed (month, item, index);
insert into intermediate.int_prices__official_quotes_selected
    select 'real', repeat('a', 16), row_number() over () + 1, 210302, '2016-08-01', 3, price, 1, 0, 0, 1, 1.0, validity
    from (values (1.04, 3), (1.04, 4), (9.0, 2)) as quotes (price, validity);
"""


@pytest.fixture
def store(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Database with two months of scraped quotes, an official month or two and one other source."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        for statement in TABLES.split(";\n"):
            if statement.strip():
                transaction.execute(statement)
        days = [FIRST + timedelta(days=day) for day in range(61)]
        quotes = pl.DataFrame(
            [
                ("real", shop, item, f"{shop} {item} {k}", day, 1.0 + k + 0.01 * (day.month - 8))
                for shop in ("tesco", "waitrose")
                for item in (BISCUITS, TEA, WINE)
                for k in range(2)
                for day in days
            ],
            schema=["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"],
            orient="row",
        ).with_columns(pl.col("item_number").cast(pl.Int32))
        transaction.insert("intermediate.int_prices__quotes_accepted", quotes)
        accepted = "from intermediate.int_prices__quotes_accepted"
        last_days = f"{accepted} where retailer = 'tesco' and collected_on >= '2016-09-20'"
        product = "data_origin, retailer, item_number, product"
        for statement in (
            f"insert into staging.stg_prices__other_quotes select data_origin, 'agg', retailer, item_number,"
            f" 'q' || product, null, upper(product), null, collected_on, collected_on, price_gbp {last_days}",
            f"insert into intermediate.int_prices__scraped_quotes_overlapping select * {accepted}"
            " where retailer = 'tesco'",
            f"insert into intermediate.int_prices__scraped_products_priced select {product}, null, product, 1,"
            f" max(price_gbp) {last_days} group by {product}",
            "insert into intermediate.int_prices__other_products_priced select data_origin, 'agg', retailer,"
            f" item_number, 'q' || product, null, upper(product), null, max(price_gbp) {last_days} group by {product}",
        ):
            transaction.execute(statement)
        for day in days:
            for level, code in (("item", str(BISCUITS)), ("division", "01")):
                transaction.execute(
                    "insert into analysis.aggregate_price_indices values ('real', $1, $2, 'web_daily',"
                    " 'jevons_chained', 'shelf', $3::date, 'daily', $4, 1, 1, 1, 0, 0, 'complete', null, null, 'x')",
                    [level, code, day.isoformat(), 100.0 if day.month == 8 else 101.0],
                )
    return warehouse


def test_every_table_is_filled_and_matches_its_frame(store: Warehouse) -> None:
    assets = [
        comparison.rebuilt_item_indices,
        comparison.price_comparisons,
        comparison.collection_movements,
        comparison.collection_frequency,
        comparison.other_sources,
    ]
    result = dg.materialize(
        [*assets, official_indices_are_rebuilt],
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert [evaluation.passed for evaluation in evaluations] == [True]
    _assert_rebuilt(store)
    _assert_compared(store)
    _assert_frequencies(store)
    _assert_sources(store)


def _assert_rebuilt(store: Warehouse) -> None:
    official = store.rows(
        "select formula, index, quotes, published_index, agrees from analysis.rebuilt_item_indices"
        " where prices_from = 'official_quotes' and formula in ('office', 'jevons')"
    )
    assert sorted(official) == [
        ("jevons", pytest.approx(104.0), 2, 104.0, True),
        ("office", pytest.approx(104.0), 2, 104.0, True),
    ]
    scraped = store.rows(
        "select month::text, index, published_index, reason from analysis.rebuilt_item_indices"
        f" where prices_from = 'scraped_quotes' and formula = 'office' and item_number = {BISCUITS} order by month"
    )
    assert scraped[0] == ("2016-08-01", 100.0, 104.0, None)
    assert scraped[1][1] == pytest.approx(100 * (1.01 * 2.01 / 2) ** 0.5)
    wine = store.rows(f"select distinct reason from analysis.rebuilt_item_indices where item_number = {WINE}")
    assert wine == [("no printed index of the month",)]


def _assert_compared(store: Warehouse) -> None:
    """Items of equal printed weight: the division of the office's items goes from 102 to 104.5, the series to 104."""
    pairs = store.frame("select * from analysis.price_comparisons order by level, right_series")
    assert set(pairs["kind"]) == {"official"}
    found = pairs.select("level", "code", "right_series", "periods", "mean_difference").rows()
    assert found == [
        ("division", "01", "official item indices", 2, pytest.approx(101 - 100 * 104.5 / 102)),
        ("division", "01", "series d7bu", 2, pytest.approx(101 - 100 * 104 / 102)),
        ("item", str(BISCUITS), "official item indices", 2, pytest.approx(101 - 100 * 106 / 104)),
    ]
    levels = store.frame("select * from analysis.compared_price_indices")
    assert levels.height == 6


def _assert_frequencies(store: Warehouse) -> None:
    rows = store.frame("select * from analysis.collection_frequencies")
    assert set(rows.filter(pl.col("level") == "division")["code"]) == {"01", "02"}


def test_frequencies_read_the_quotes_of_changed_periods_alone_and_are_those_of_a_rebuild(store: Warehouse) -> None:
    """Days of four periods of 28 days come in turns, the second week last of all; then everything is built anew."""
    quotes = "intermediate.int_prices__quotes_accepted"
    offset = f"(collected_on - date '{FIRST}')"
    with store.transaction() as transaction:
        transaction.execute(
            f"insert into {quotes} select data_origin, retailer, item_number, product, collected_on + 61,"
            f" price_gbp * (1 + ({offset} % 5) / 100.0) from {quotes} where {offset} < 51"
        )
        transaction.execute(f"create table intermediate.other_days as select * from {quotes}")
        transaction.execute(f"delete from {quotes}")
    built = []
    for days in ("between 0 and 6 or {0} between 14 and 83", "between 84 and 111", "between 7 and 13"):
        with store.transaction() as transaction:
            condition = f"{offset} {days.format(offset)}"
            transaction.execute(f"insert into {quotes} select * from intermediate.other_days where {condition}")
        built.append(_compute_frequencies(store))
    assert built == [2, 1, 1]
    assert _compute_frequencies(store) == 0
    found = _frequency_hashes(store)
    with store.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    assert _compute_frequencies(store) == 3
    assert _frequency_hashes(store) == found


def _compute_frequencies(store: Warehouse) -> int:
    """Compute the frequencies; number of periods that were built for it."""
    result = dg.materialize(
        [comparison.collection_movements, comparison.collection_frequency],
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    metadata = [event.materialization.metadata for event in result.get_asset_materialization_events()]
    (built,) = [entries["periods_built"].value for entries in metadata if "periods_built" in entries]
    return int(str(built))


def _frequency_hashes(store: Warehouse) -> list[tuple[int, str]]:
    """Number of rows and hash of the tables of frequencies, of which none is empty."""
    tables = ["analysis.collection_movements", "analysis.collection_frequencies"]
    rows = [
        store.rows(f"select count(*), sum(hashtextextended(t::text, 0))::text from {table} as t")[0] for table in tables
    ]
    assert all(count > 0 for count, _ in rows)
    return rows


def _assert_sources(store: Warehouse) -> None:
    (row,) = store.frame("select * from analysis.source_agreement").to_dicts()
    assert (row["source"], row["retailer"], row["could_replace"]) == ("agg", "tesco", True)
    assert row["coverage"] == 1.0
    matches = store.rows("select distinct matched_by from analysis.source_matches")
    assert matches == [("name",)]


def test_without_official_files_and_other_sources_all_tables_are_empty(store: Warehouse) -> None:
    with store.transaction() as transaction:
        for table in (
            "staging.stg_prices__official_item_indices",
            "staging.stg_prices__other_quotes",
            *(f"intermediate.int_prices__{name}" for name in INTERMEDIATE),
            "analysis.aggregate_price_indices",
        ):
            transaction.execute(f"delete from {table}")
    assets = [*comparison.ASSETS]
    result = dg.materialize(
        assets,  # type: ignore[arg-type]
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    assert result.success
    for table in ("rebuilt_item_indices", "price_comparisons", "collection_frequencies", "source_agreement"):
        assert store.rows(f"select count(*) from analysis.{table}") == [(0,)]


@pytest.mark.parametrize(
    ("table", "sibling"),
    [
        ("price_comparisons", "compared_price_indices"),
        ("compared_price_indices", "price_comparisons"),
        ("source_matches", "source_agreement"),
        ("source_agreement", "source_matches"),
    ],
)
def test_a_table_of_several_is_materialized_alone(store: Warehouse, table: str, sibling: str) -> None:
    result = dg.materialize(
        [comparison.price_comparisons, comparison.other_sources],
        selection=[dg.AssetKey(["analysis", table])],
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    assert [event.asset_key.path[-1] for event in result.get_asset_materialization_events()] == [table]
    assert store.rows(f"select count(*) > 0 from analysis.{table}") == [(True,)]
    assert store.rows(f"select count(*) from analysis.{sibling}") == [(0,)]


def test_every_output_of_a_python_asset_outside_raw_can_be_selected_alone() -> None:
    several = [
        asset
        for asset in ASSETS
        if isinstance(asset, dg.AssetsDefinition)
        and len(asset.keys) > 1
        and {key.path[0] for key in asset.keys} != {"raw"}
    ]
    assert len(several) >= 4
    assert [asset.node_def.name for asset in several if not asset.can_subset] == []
