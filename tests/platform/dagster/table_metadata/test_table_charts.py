"""Charts in the metadata of tables: declared by a dbt node, drawn from the rows of the table."""

from __future__ import annotations

import base64
import math
from datetime import date, timedelta
from xml.etree import ElementTree

import polars as pl
import pytest

from ons_bigdata.platform.dagster.table_metadata.charts import (
    LineChart,
    _thinned,
    chart_metadata,
    charts_of_node,
    draw_lines,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse

DECLARED = {"title": "Index", "x": "period", "y": "index", "series": "name || '!'", "where": "level = 'division'"}


def node(**chart: str) -> dict:
    return {"name": "indices", "config": {"meta": {"chart": chart}}}


def test_a_table_is_drawn_as_an_image(warehouse: Warehouse) -> None:
    (chart,) = charts_of_node(node(**DECLARED))
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
    assert head == "![Index](data:image/svg+xml;"
    assert b"Food!" in base64.b64decode(image)


@pytest.mark.parametrize(("days", "series"), [(1, 1), (1, 4), (28, 4), (1_100, 4), (4_000, 2)])
def test_a_drawing_is_small_however_long_the_series(days: int, series: int) -> None:
    rows = pl.DataFrame(
        [
            (date(2014, 6, 1) + timedelta(days=day), 100 + number + 3 * math.sin(day / 9 + number), f"0.123 {number}")
            for number in range(series)
            for day in range(days)
        ],
        schema={"x": pl.Date, "y": pl.Float64, "series": pl.String},
        orient="row",
    )
    drawing = draw_lines(rows, LineChart("0.125 of <&>", "x", "index", "s", "true"))
    ElementTree.fromstring(drawing)  # noqa: S314  (drawn here)
    assert len(base64.b64encode(drawing.encode())) <= 20_000
    assert "0.125 of &lt;&amp;&gt;" in drawing and "0.123 0" in drawing  # texts are not rounded
    assert drawing.count("<path") >= series


def test_thinned_lines_keep_their_first_and_last_value() -> None:
    rows = pl.DataFrame({"x": [*range(700), *range(3)], "series": ["a"] * 700 + ["b"] * 3})
    thinned = _thinned(rows)
    assert thinned.group_by("series", maintain_order=True).agg(pl.col("x")).rows() == [
        ("a", [*range(0, 700, 2), 699]),
        ("b", [0, 2]),
    ]


def test_a_field_that_is_missing_or_unknown_is_an_error() -> None:
    assert charts_of_node({"name": "indices", "config": {}}) == []
    with pytest.raises(ValueError, match="indices: chart has"):
        charts_of_node(node(**DECLARED, colour="red"))
    with pytest.raises(ValueError, match="expected"):
        charts_of_node(node(title="Index"))
