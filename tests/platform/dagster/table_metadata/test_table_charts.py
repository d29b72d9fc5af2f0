"""Charts in the metadata of tables: declared by a dbt node, drawn from the rows of the table."""

from __future__ import annotations

import base64

import pytest

from ons_bigdata.platform.dagster.table_metadata.charts import LineChart, chart_metadata
from ons_bigdata.platform.postgres.warehouse import Warehouse

DECLARED = {"title": "Index", "x": "period", "y": "index", "series": "name || '!'", "where": "level = 'division'"}


def node(**chart: str) -> dict:
    return {"name": "indices", "config": {"meta": {"chart": chart}}}


def test_a_table_is_drawn_as_an_image(warehouse: Warehouse) -> None:
    chart = LineChart.of_node(node(**DECLARED))
    assert chart is not None
    with warehouse.transaction() as transaction:
        transaction.execute(
            "create table marts.indices as select date '2016-07-21' + n as period, 100.0 + n as index, 'Food' as name,"
            " 'division' as level from generate_series(0, 9) as n"
        )
        drawn = chart_metadata(transaction, "marts.indices", chart)
        transaction.execute("update marts.indices set level = 'item'")
        assert chart_metadata(transaction, "marts.indices", chart) is None
    assert drawn is not None
    head, image = str(drawn.value).removesuffix(")").split("base64,")
    assert head == "![Index](data:image/png;"
    assert base64.b64decode(image).startswith(b"\x89PNG")


def test_a_field_that_is_missing_or_unknown_is_an_error() -> None:
    assert LineChart.of_node({"name": "indices", "config": {}}) is None
    with pytest.raises(ValueError, match="indices: chart has"):
        LineChart.of_node(node(**DECLARED, colour="red"))
    with pytest.raises(ValueError, match="expected"):
        LineChart.of_node(node(title="Index"))
