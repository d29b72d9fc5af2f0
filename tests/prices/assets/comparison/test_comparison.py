"""The assets of the comparison on a small database: what SQL reads, methods compute and tables hold, together."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import NoIOManager, WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets.comparison import official as comparison
from ons_bigdata.prices.checks.comparison import official_indices_are_rebuilt

BISCUITS, TEA, WINE = 210302, 211901, 310421
FIRST = date(2016, 8, 1)

TABLES = """
create table seeds.items (item_number integer, item_name text, class_code text);
create table seeds.item_weights (item_number integer, class_code text, weights_year integer, weight integer);
create table seeds.class_weights (class_code text, division_code text, weights_year integer, weight integer);
create table seeds.official_series (series_id text, level text, code text, name text, data_origin text);
create table intermediate.int_prices__quotes_accepted (data_origin text, retailer text, item_number integer,
    product text, collected_on date, price_gbp double precision);
create table intermediate.int_prices__products (data_origin text, retailer text, item_number integer, product text,
    product_id text, product_name text, size_class integer);
create table staging.stg_prices__other_quotes (data_origin text, source text, retailer text, item_number integer,
    product text, product_id text, product_name text, pack_size double precision, collected_on date, delivered_on date,
    price_gbp double precision);
insert into seeds.items values (210302, 'Biscuits', '01.1.1'), (211901, 'Tea', '01.1.1'), (310421, 'Wine', '02.1.2');
insert into seeds.item_weights values
    (210302, '01.1.1', 2016, 2), (211901, '01.1.1', 2016, 7), (310421, '02.1.2', 2016, 1);
insert into seeds.class_weights values ('01.1.1', '01', 2016, 3), ('02.1.2', '02', 2016, 5);
insert into seeds.official_series values ('d7bu', 'division', '01', 'Food', 'real');
insert into ops.files (file_id, source, delivery, name, sha256, size_bytes, data_origin, partitions)
    values (repeat('a', 16), 'official_item_indices', 'official', 'a.csv', repeat('a', 64), 1, 'real', '{2016-08-01}');
insert into ops.loads (load_id, file_id, reader, reader_version, state, outcome, rows_in, accepted, quarantined,
    data_origin, code_version, finished_at)
    values (repeat('a', 16), repeat('a', 16), 'official_item_indices', '1', 'committed', 'loaded', 6, 6, 0, 'real', '1',
    now());
insert into raw.official_item_indices
    select repeat('a', 16), row_number() over () + 1, month, item, 'X', index, 1.0, null, '{}' from (values
        (date '2016-08-01', 210302, 104.0), (date '2016-09-01', 210302, 106.0),
        (date '2016-08-01', 211901, 100.0), (date '2016-09-01', 211901, 103.0)
    ) as printed (month, item, index);
insert into raw.official_series values (repeat('a', 16), 8, 'd7bu', 'Food', '2016-08-01', 102),
    (repeat('a', 16), 9, 'd7bu', 'Food', '2016-09-01', 104), (repeat('a', 16), 10, 'l522', 'Other', '2016-09-01', 104);
insert into raw.official_price_quotes
    select repeat('a', 16), row_number() over () + 1, '2016-08-01', 210302, 'X', 3, 'S', price,
        null, 1, 0, 0, null, null, 1, 1.0, base_validity, '{}'
    from (values (1.04, 3), (1.04, 4), (9.0, 2)) as quotes (price, base_validity);
"""


@pytest.fixture
def store(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """Give a database with two months of scraped quotes, an official month or two and one other source."""
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
        transaction.execute(
            "insert into intermediate.int_prices__products select distinct data_origin, retailer, item_number, product,"
            " null, product, 0 from intermediate.int_prices__quotes_accepted"
        )
        transaction.execute(
            "insert into staging.stg_prices__other_quotes select data_origin, 'agg', retailer, item_number,"
            " 'q' || product, null, upper(product), null, collected_on, collected_on, price_gbp"
            " from intermediate.int_prices__quotes_accepted where retailer = 'tesco' and collected_on >= '2016-09-20'"
        )
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
    levels = store.frame("select * from analysis.compared_price_levels")
    assert levels.height == 6


def _assert_frequencies(store: Warehouse) -> None:
    """Weights within the division are parts of the class's, not cut to whole numbers."""
    rows = store.frame("select * from analysis.collection_frequencies")
    assert set(rows.filter(pl.col("level") == "division")["code"]) == {"01", "02"}
    weights = dict(store.frame(comparison._ITEMS).select("item_number", "weight").rows())
    assert weights == {BISCUITS: pytest.approx(2 / 3), TEA: pytest.approx(7 / 3), WINE: 5.0}


def _assert_sources(store: Warehouse) -> None:
    (row,) = store.frame("select * from analysis.source_agreement").to_dicts()
    assert (row["source"], row["retailer"], row["could_replace"]) == ("agg", "tesco", True)
    assert row["coverage"] == 1.0
    matches = store.rows("select distinct matched_by from analysis.source_matches")
    assert matches == [("name",)]


def test_without_any_official_file_or_other_source_all_is_empty_and_nothing_fails(store: Warehouse) -> None:
    with store.transaction() as transaction:
        for table in (
            *("raw.official_item_indices", "raw.official_series", "raw.official_price_quotes"),
            *("staging.stg_prices__other_quotes", "intermediate.int_prices__quotes_accepted"),
            "analysis.aggregate_price_indices",
        ):
            transaction.execute(f"delete from {table}")
    assets = [*comparison.ASSETS[-4:]]
    result = dg.materialize(
        assets,  # type: ignore[arg-type]
        instance=dg.DagsterInstance.ephemeral(),
        resources={"warehouse": WarehouseResource(), "io_manager": NoIOManager()},
    )
    assert result.success
    for table in ("rebuilt_item_indices", "price_comparisons", "collection_frequencies", "source_agreement"):
        assert store.rows(f"select count(*) from analysis.{table}") == [(0,)]
