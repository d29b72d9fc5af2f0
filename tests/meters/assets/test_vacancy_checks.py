"""Checks of vacancy, each seen red: a stock that does not balance, and a share that no housing stock has."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.meters.checks import vacancy as checks
from ons_bigdata.platform.postgres.warehouse import Warehouse
from tests.meters.assets.test_vacancy import cells, controlled


def written(warehouse: Warehouse, table: pl.DataFrame) -> None:
    with warehouse.transaction() as transaction:
        transaction.execute("delete from analysis.meter_vacancy_controlled")
        transaction.insert("analysis.meter_vacancy_controlled", table)


def test_a_stock_that_does_not_follow_from_its_flows_is_seen(warehouse: Warehouse) -> None:
    table = controlled(cells({"a": 100, "b": 120}))
    written(warehouse, table)
    assert warehouse.rows(checks._BALANCE) == []
    second = table["quarter"].unique().sort()[1]
    wrong = (pl.col("home_group") == "b") & (pl.col("quarter") == second)
    written(warehouse, table.with_columns(pl.when(wrong).then(pl.col("stock") + 5).otherwise("stock").alias("stock")))
    found = [(row[3], row[4]) for row in warehouse.rows(checks._BALANCE)]
    assert ("b", str(second)) in found
    assert {group for group, _ in found} == {"b"}


@pytest.mark.parametrize(("share", "is_plausible"), [(0.019, True), (0.004, False), (0.2, False)])
def test_a_share_that_no_housing_stock_has_is_seen(warehouse: Warehouse, share: float, is_plausible: bool) -> None:
    table = controlled(cells({"a": 100, "b": 120}))
    written(
        warehouse,
        table.with_columns(
            vacant_share=pl.lit(share), vacant_share_lower=pl.lit(share), vacant_share_upper=pl.lit(share)
        ),
    )
    rows = warehouse.rows(checks._BAND, list(checks.VACANT_SHARE))
    assert (rows == []) == is_plausible
