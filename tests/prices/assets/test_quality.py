"""Assets and checks of the quality assurance on hand-made tables."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.assets import quality
from ons_bigdata.prices.assets.quality import (
    price_changes,
    price_quality_report,
    quote_outliers,
    short_run_items,
    shrinking_packs,
    succeeding_products,
)
from ons_bigdata.prices.checks import quality as checks
from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.schemas.scope import ProductDescription

ROWS = "dagster/row_count"
BY_DAY = ("analysis.price_changes", "analysis.quote_outliers", "analysis.short_run_items")
KEY = "data_origin text, retailer text, item_number integer"
TABLES = {
    "intermediate.int_prices__quotes_accepted": (
        "data_origin text, retailer text, item_number integer, collected_item_number integer, product text,"
        " collected_on date, price_gbp float8"
    ),
    "intermediate.int_prices__item_days_accepted": "data_origin text, collected_on date",
    "intermediate.int_prices__product_months_accepted": (
        "data_origin text, retailer text, collected_item_number integer, product text, first_collected_on date,"
        " last_collected_on date, first_price_gbp float8, last_price_gbp float8"
    ),
    "intermediate.int_prices__products_placed": f"{KEY}, product text, collected_on date, category text, place integer",
    "intermediate.int_prices__quote_counts_judged": f"{KEY}, collected_on date, products integer, enters boolean",
    "intermediate.int_prices__products": (
        f"{KEY}, product text, product_name text, size_class integer, first_listed_on date, last_listed_on date"
    ),
    "intermediate.int_prices__item_days_usual": (
        f"{KEY}, collected_on date, products integer, usual_products float8, expected_products float8, status text,"
        " enters boolean"
    ),
    "intermediate.int_prices__collection_days_classified": (
        "data_origin text, collected_on date, retailer text, runs integer, rows_in integer, accepted integer,"
        " quarantined integer, status text"
    ),
    "intermediate.int_prices__findings_combined": (
        f"{KEY}, collected_on date, item_name text, category text, product text, kind text, severity text,"
        " evidence text, suggestion text, suggested_value text"
    ),
    "intermediate.int_prices__decisions_judged": (
        "decision_id text, version integer, retailer text, item_number integer, category text, product_name text,"
        " decision text, valid_from date, valid_to date, decided_by text, reason text, state text"
    ),
    "intermediate.int_prices__quotes_decided": ("data_origin text, collected_on date, decision_id text, decision text"),
    "intermediate.int_prices__figures_reported": (
        "data_origin text, level text, code text, name text, period date, index float8, reason text,"
        " standard_error float8, standard_error_reason text, change_error_percent float8, change_error_reason text,"
        " week_change_error_percent float8, week_change_error_reason text, base_period text"
    ),
    "seeds.items": "item_number integer, item_name text, class_code text",
    "seeds.retailers": "retailer text, name text, data_origin text",
    "seeds.price_finding_kinds": "kind text, title text",
}


@pytest.fixture
def resource(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> WarehouseResource:
    """The test's database, with hand-made tables in place of dbt's."""
    monkeypatch.setattr(WarehouseResource, "open", lambda _: warehouse)
    with warehouse.transaction() as transaction:
        for table, columns in TABLES.items():
            transaction.execute(f"create table {table} ({columns})")
        transaction.execute(
            "create view marts.price_quality_findings as select * from intermediate.int_prices__findings_combined"
        )
    return WarehouseResource()


def insert(warehouse: Warehouse, table: str, *rows: str) -> None:
    with warehouse.transaction() as transaction:
        for row in rows:
            transaction.execute(f"insert into {table} values ({row})")


def materialize(asset: dg.AssetsDefinition, resource: WarehouseResource) -> dict[str, Any]:
    """Run an asset; metadata of its first table."""
    event, *_ = dg.materialize([asset], resources={"warehouse": resource}).get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_outliers_of_accepted_quotes_are_stored(warehouse: Warehouse, resource: WarehouseResource) -> None:
    quotes = "intermediate.int_prices__quotes_accepted"
    insert(
        warehouse,
        quotes,
        "'real', 'tesco', 1, 1, 'TEA', '2016-08-01', 1.0",
        "'real', 'tesco', 1, 1, 'TEA', '2016-08-02', 4.0",
        "'real', 'tesco', 2, 1, 'ALE', '2016-08-01', 1.0",  # re-mapped to item 2, judged under item 1
        "'real', 'tesco', 2, 1, 'ALE', '2016-08-02', 5.0",
        "'real', 'tesco', 1, 1, 'OATS 500G', '2016-08-01', 2.0",
        "'real', 'tesco', 1, 1, 'OATS 450G', '2016-08-02', 2.0",
    )
    insert(
        warehouse,
        "intermediate.int_prices__products",
        "'real', 'tesco', 1, 'OATS 500G', 'OATS 500G', null, '2016-08-01', '2016-08-01'",
        "'real', 'tesco', 1, 'OATS 450G', 'OATS 450G', null, '2016-08-02', '2016-08-02'",
    )
    _describe(warehouse, ["OATS 500G", "OATS 450G"])
    insert(warehouse, "intermediate.int_prices__item_days_accepted", "'real', '2016-08-01'", "'real', '2016-08-02'")
    assert materialize(price_changes, resource)[ROWS] == 2
    written = materialize(quote_outliers, resource)
    assert (written["periods_built"], written[ROWS], written["built_fixed"]) == (1, 2, 2)
    outliers = warehouse.rows(
        "select item_number, product, rule, observed from analysis.quote_outliers order by product"
    )
    assert outliers == [(1, "ALE", "fixed", 5.0), (1, "TEA", "fixed", 4.0)]
    assert materialize(succeeding_products, resource)[ROWS] == 1
    assert materialize(shrinking_packs, resource)[ROWS] == 1
    packs = warehouse.rows("select item_number, product, rule, observed from analysis.shrinking_packs")
    assert packs == [(1, "OATS 450G", "shrinking_pack", pytest.approx(0.9))]


def _describe(warehouse: Warehouse, names: list[str]) -> None:
    """Write the descriptions of names of item 1."""
    described = describe(pl.DataFrame({"product_name": names, "median_price_gbp": 2.0})).with_columns(
        pl.col("terms").list.join(" "), data_origin=pl.lit("real"), retailer=pl.lit("tesco"), item_number=1, quotes=1,
        pack_size=None, unit=None,
    )  # fmt: skip
    columns = ProductDescription.column_names()
    warehouse.replace(
        "analysis.product_descriptions", ProductDescription.validate(described.select(columns), cast=True)
    )


FIRST = date(2016, 8, 1)
PACKS = {
    "LOAF": (0, 130),
    "FLAKES 500G": (0, 40),
    "FLAKES 450G": (41, 130),
    "OATS 1KG": (0, 78),
    "OATS 900G": (82, 130),
}
"""Name of each product, and the numbers of the first and of the last day on which it is listed."""


def _sell_packs(warehouse: Warehouse, numbers: list[int], listed: list[int]) -> None:
    """Accept the quotes of some days, and write anew the listings of all days on which they were listed."""
    quotes = [
        f"'real', 'tesco', 1, 1, '{name}', '{FIRST + timedelta(days=number)}', 2.0"
        for number in numbers
        for name, (first, last) in PACKS.items()
        if first <= number <= last
    ]
    days = {name: [number for number in listed if first <= number <= last] for name, (first, last) in PACKS.items()}
    listings = [
        f"'real', 'tesco', 1, '{name}', '{name}', null, '{FIRST + timedelta(days=min(of_name))}',"
        f" '{FIRST + timedelta(days=max(of_name))}'"
        for name, of_name in days.items()
        if of_name
    ]
    insert(warehouse, "intermediate.int_prices__quotes_accepted", *quotes)
    with warehouse.transaction() as transaction:
        transaction.execute("truncate intermediate.int_prices__products")
    insert(warehouse, "intermediate.int_prices__products", *listings)


def test_renames_read_the_months_of_the_products_in_question(
    warehouse: Warehouse, resource: WarehouseResource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "MOST_READ", 1)
    names = ["TEA BAGS 80", "COCA COLA 2L", "COCA-COLA 2L", "COFFEE BEANS 1KG"]
    days = [("2016-05-01", "2016-08-31"), ("2016-05-01", "2016-06-30"), ("2016-07-01", "2016-08-31")]
    days.append(days[0])
    _describe(warehouse, names)
    insert(
        warehouse,
        "intermediate.int_prices__products",
        *(
            f"'real', 'tesco', 1, '{name}', '{name}', null, '{a}', '{b}'"
            for name, (a, b) in zip(names, days, strict=True)
        ),
    )
    insert(
        warehouse,
        "intermediate.int_prices__product_months_accepted",
        "'real', 'tesco', 1, 'COCA COLA 2L', '2016-05-01', '2016-05-31', 1.5, 1.5",
        "'real', 'tesco', 1, 'COCA COLA 2L', '2016-06-01', '2016-06-30', 1.5, 2.0",
        "'real', 'tesco', 1, 'COCA-COLA 2L', '2016-07-01', '2016-07-31', 2.0, 2.5",
        "'real', 'tesco', 1, 'TEA BAGS 80', '2016-05-01', '2016-05-31', 2.0, 2.0",
    )
    assert materialize(succeeding_products, resource)[ROWS] == 0
    assert warehouse.rows("select old_product, product, renamed_on::text from analysis.product_renames") == [
        ("COCA COLA 2L", "COCA-COLA 2L", "2016-07-01")
    ]


def test_shrinking_packs_of_days_in_any_order_are_those_of_one_rebuild(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    _describe(warehouse, list(PACKS))
    # the last weeks come before those of the change of the oats; the quotes of the last day of the old ones are listed,
    # and accepted later; then a day as usual
    middle, late = [number for number in range(60, 100) if number != 78], 78
    listed: list[int] = []
    built = []
    for numbers in ([*range(60)], [*range(100, 130)], middle, [late], [130]):
        listed += [*numbers, late] if numbers == middle else numbers
        _sell_packs(warehouse, numbers, listed)
        materialize(succeeding_products, resource)
        built.append(materialize(shrinking_packs, resource)["periods_built"])
    # eight days of the flakes; then those of the oats, and once more; no pack began in the week before the last day
    assert built == [8, 0, 8, 8, 0]
    found = _rows(warehouse, "analysis.shrinking_packs")
    rows = warehouse.rows("select product, collected_on, compared_on from analysis.shrinking_packs order by product")
    assert rows == [
        ("FLAKES 450G", date(2016, 9, 11), date(2016, 9, 10)),
        ("OATS 900G", date(2016, 10, 22), date(2016, 10, 18)),
    ]
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    assert materialize(shrinking_packs, resource)["periods_built"] == 16
    assert _rows(warehouse, "analysis.shrinking_packs") == found


def _list_day(warehouse: Warehouse, number: int) -> None:
    """Six items of twenty products; of every eight days, one is short of four items, and prices change on one."""
    day, is_short = FIRST + timedelta(days=number), number % 8 == 5
    columns = ["data_origin", "retailer", "item_number", "product", "collected_on"]
    rows = [
        ("real", "tesco", item, f"P{place}", day, place, 1.0 + (place + number // 8) % 5)
        for item in range(1, 7)
        for place in range(1, 14 if is_short and item < 5 else 21)
    ]
    frame = pl.DataFrame(rows, schema=[*columns, "place", "price_gbp"], orient="row").cast(
        {"item_number": pl.Int32, "place": pl.Int32}
    )
    placed = frame.select(*columns, "place").with_columns(category=pl.lit("Shelf"))
    quotes = frame.select(*columns, "price_gbp").with_columns(collected_item_number="item_number")
    counts = frame.group_by("data_origin", "retailer", "item_number", "collected_on").agg(
        products=pl.len().cast(pl.Int32)
    )
    with warehouse.transaction() as transaction:
        transaction.insert("intermediate.int_prices__products_placed", placed)
        transaction.insert("intermediate.int_prices__quotes_accepted", quotes)
        transaction.insert("intermediate.int_prices__quote_counts_judged", counts.with_columns(enters=True))
        transaction.insert(
            "intermediate.int_prices__item_days_accepted", counts.select("data_origin", "collected_on").unique()
        )


def test_days_in_any_order_give_the_tables_of_one_rebuild(warehouse: Warehouse, resource: WarehouseResource) -> None:
    # the middle comes late, a day of it later still; the last day is that of a schedule
    for numbers in (range(40), range(70, 120), [n for n in range(40, 70) if n != 61], [61], [120]):
        for number in numbers:
            _list_day(warehouse, number)
        built = {
            asset.key.path[-1]: materialize(asset, resource)["periods_built"]
            for asset in (price_changes, quote_outliers, short_run_items)
        }
    # 29 November: the samples of October and November end on it or later, and every eighth day has price changes
    assert built == {"price_changes": 1, "quote_outliers": 8, "short_run_items": 46}
    found = {table: _rows(warehouse, table) for table in BY_DAY}
    assert len(found["analysis.price_changes"]) > 1000
    assert len(found["analysis.quote_outliers"]) > 100
    short_days = warehouse.rows("select count(distinct collected_on) from analysis.short_run_items")
    assert short_days == [(15,)]
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
    changed = warehouse.rows("select count(distinct collected_on) from analysis.price_changes")[0][0]
    for asset, days in ((price_changes, 121), (quote_outliers, changed), (short_run_items, 121)):
        assert materialize(asset, resource)["periods_built"] == days
    assert {table: _rows(warehouse, table) for table in BY_DAY} == found


def _rows(warehouse: Warehouse, table: str) -> list[tuple[Any, ...]]:
    return sorted(warehouse.rows(f"select content::text from {table} as content"))


def test_without_quotes_there_are_neither_outliers_nor_reports(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    assert materialize(price_changes, resource)[ROWS] == 0
    assert materialize(quote_outliers, resource)[ROWS] == 0
    assert materialize(succeeding_products, resource)[ROWS] == 0
    assert materialize(shrinking_packs, resource)[ROWS] == 0
    assert materialize(price_quality_report, resource)[ROWS] == 0


def test_the_report_of_each_day_is_written_and_the_last_is_shown(
    warehouse: Warehouse, resource: WarehouseResource
) -> None:
    insert(warehouse, "seeds.retailers", "'tesco', 'Tesco', 'real'")
    insert(warehouse, "seeds.items", "1, 'Tea', '01.2.1'")
    insert(
        warehouse,
        "intermediate.int_prices__collection_days_classified",
        "'real', '2016-08-01', 'tesco', 1, 5, 5, 0, 'collected'",
        "'real', '2016-08-02', 'tesco', 1, 0, 0, 0, 'outage'",
    )
    insert(
        warehouse,
        "intermediate.int_prices__item_days_usual",
        "'real', 'tesco', 1, '2016-08-01', 5, 5, 5, 'accepted', true",
        "'real', 'tesco', 1, '2016-08-02', 0, null, 5, 'outage', false",
    )
    insert(
        warehouse,
        "intermediate.int_prices__findings_combined",
        "'real', 'tesco', 1, '2016-08-02', 'Tea', null, null, 'outage', 'error', 'no row', 'Run it again.', null",
    )
    insert(
        warehouse,
        "intermediate.int_prices__decisions_judged",
        "'D-1', 1, 'tesco', 1, null, null, 'drop', '2016-08-01', null, 'analyst-1', 'a mistake', 'waiting'",
    )
    written = materialize(price_quality_report, resource)
    assert written[ROWS] == 2
    assert "Run it again." in written["real 2016-08-02"]
    rows = warehouse.rows(
        "select collected_on::text, quotes, errors, decisions_waiting from analysis.price_quality_report order by 1"
    )
    assert rows == [("2016-08-01", 5, 0, 1), ("2016-08-02", 0, 1, 1)]
    text = warehouse.rows("select text from analysis.price_quality_report where errors = 1")[0][0]
    again = materialize(price_quality_report, resource)
    assert (again[ROWS], again["written"], again["periods_built"]) == (2, 0, 0)  # nothing changed
    assert "0/5 x" in text  # what is expected stands in where nothing was collected to compare

    result = checks.LAST_DAY_WITHOUT_FINDINGS(resource)
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert "* 2016-08-02 tesco: 1 × outage (error)" in str(result.metadata["which"].value)
    assert result.metadata["error"].value == 1
    waiting = checks.NO_DECISION_WAITS(resource)
    assert isinstance(waiting, dg.AssetCheckResult)
    assert not waiting.passed
    assert "* D-1 (version 1): drop at tesco, by analyst-1: a mistake" in str(waiting.metadata["which"].value)


def test_reports_of_days_in_any_order_are_those_of_a_rebuild(warehouse: Warehouse, resource: WarehouseResource) -> None:
    insert(warehouse, "seeds.retailers", "'tesco', 'Tesco', 'real'")
    runs, figures = "intermediate.int_prices__collection_days_classified", "intermediate.int_prices__figures_reported"
    reports = "select collected_on::text, html, evidence_hash from analysis.price_quality_report order by 1"
    for day, built in [(1, 1), (3, 1), (2, 2)]:  # the third of August links to the day before
        insert(warehouse, runs, f"'real', '2016-08-0{day}', 'tesco', 1, 5, 5, 0, 'collected'")
        written = materialize(price_quality_report, resource)
        assert (written["periods_built"], written["written"]) == (built, built)
    index = "'real', 'division', '01', 'Food', '2016-08-02', 101, null, 0.5, null, null, 'none', null, 'none', 'b'"
    insert(warehouse, figures, index)  # which the third shows in its course
    assert materialize(price_quality_report, resource)["written"] == 2
    insert(warehouse, "seeds.items", "1, 'Tea', '01.2.1'")  # of which no day has anything
    unchanged = materialize(price_quality_report, resource)
    assert (unchanged["periods_built"], unchanged["written"], unchanged[ROWS]) == (3, 0, 3)
    by_day = warehouse.rows(reports)
    with warehouse.transaction() as transaction:
        transaction.execute("delete from ops.table_days")
        transaction.execute("delete from analysis.price_quality_report")
    assert materialize(price_quality_report, resource)["written"] == 3
    assert warehouse.rows(reports) == by_day


def test_a_last_day_without_findings_passes(warehouse: Warehouse, resource: WarehouseResource) -> None:
    insert(
        warehouse,
        "intermediate.int_prices__collection_days_classified",
        "'real', '2016-08-02', 'tesco', 1, 5, 5, 0, 'collected'",
    )
    insert(
        warehouse,
        "intermediate.int_prices__findings_combined",
        "'real', 'tesco', 1, '2016-08-01', 'Tea', null, null, 'gap', 'error', 'so', 'Look.', null",  # the day before
        "'real', 'tesco', 1, '2016-08-02', 'Tea', null, null, 'price_change', 'note', 'so', 'Look.', null",
    )
    for check in (checks.LAST_DAY_WITHOUT_FINDINGS, checks.NO_DECISION_WAITS):
        result = check(resource)
        assert isinstance(result, dg.AssetCheckResult)
        assert result.passed
