"""Charts of points, curves and flows: small however many rows, the same every time, none without a value."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from ons_bigdata.platform.dagster.table_metadata.charts import chart_metadata, charts_of_node
from ons_bigdata.platform.dagster.table_metadata.pair_charts import (
    FEW_NAMES,
    MOST_FLOWS,
    CurveChart,
    FlowMap,
    Heatmap,
    PointChart,
    PointMap,
)
from ons_bigdata.platform.postgres.warehouse import Warehouse

POINTS = PointChart("Agreement <&>", "census", "phones", "s", "true", "persons by the census", "devices <scaled>")
CURVE = CurveChart("Bias", "band", "bias", "lower", "upper", "s", "true", "distance, km", "log bias")
FLOWS = FlowMap("Flows", "x", "y", "x2", "y2", "flow", "colour", "s", "true")

CIRCLES = PointMap("Net", "e", "n", "net", "name", "s", "true")
GRID = Heatmap("Surface", "gap", "window", "share", "s", "true", "gap, months", "months in each window", ".1%")


def size(drawing: str | None) -> int:
    assert drawing is not None
    ElementTree.fromstring(drawing)  # noqa: S314  (drawn here)
    return len(base64.b64encode(drawing.encode()))


def test_points_are_few_and_positive() -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"x": rng.integers(0, 99, 9_000) * 1.0, "y": rng.integers(0, 99, 9_000) * 1.0, "series": "a"})
    drawing = POINTS.draw(rows)
    assert size(drawing) <= 110_000 and "Agreement &lt;&amp;&gt;" in str(drawing)
    assert POINTS.draw(rows.sample(fraction=1.0, shuffle=True, seed=1)) == drawing
    assert POINTS.draw(rows.with_columns(y=pl.lit(0.0))) is None
    assert ">persons by the census<" in str(drawing) and ">devices &lt;scaled&gt;<" in str(drawing)


def test_a_curve_draws_a_bar_for_each_interval() -> None:
    rows = pl.DataFrame(
        {"x": ["a: 0-2 km", "b: 2-5 km"], "y": [0.5, 0.1], "lower": [0.4, None], "upper": [0.6, None], "series": "p"}
    )
    with_bar = size(CURVE.draw(rows))
    assert with_bar <= 15_000
    assert ">distance, km<" in str(CURVE.draw(rows)) and ">log bias<" in str(CURVE.draw(rows))
    assert with_bar > size(CURVE.draw(rows.with_columns(lower=pl.lit(None, pl.Float64))))
    assert CURVE.draw(rows.with_columns(y=pl.lit(None, pl.Float64))) is None


def test_a_map_has_the_largest_flows_of_each_series() -> None:
    rng = np.random.default_rng(0)
    columns = ("from_x", "from_y", "to_x", "to_y", "colour")
    rows = pl.DataFrame({name: rng.normal(0, 9, 2_000) for name in columns}).with_columns(
        flow=pl.int_range(1, pl.len() + 1, eager=False).cast(pl.Float64),
        series=pl.Series(["Leeds", "districts"] * 1_000),
    )
    drawing = FLOWS.draw(rows)
    assert size(drawing) <= 80_000 and "Leeds" in str(drawing) and "districts" in str(drawing)
    kept = rows.filter(pl.col("flow") > rows.height - 2 * MOST_FLOWS)
    assert FLOWS.draw(kept) == drawing
    assert FLOWS.draw(rows.with_columns(flow=pl.lit(0.0))) is None


def test_a_flow_as_large_as_expected_is_seen_on_the_map() -> None:
    rows = pl.DataFrame({"from_x": [0.0, 0.0], "from_y": [0.0, 0.0], "to_x": [1.0, 2.0], "to_y": [1.0, 1.0]})
    drawing = str(FLOWS.draw(rows.with_columns(flow=pl.lit(5.0), colour=pl.Series([0.0, 0.7]), series=pl.lit("p"))))
    for colour in ("rgb(154, 154, 154)", "rgb(194, 100, 26)"):
        assert drawing.count(f'stroke="{colour}"') == 1


def test_a_map_of_points_names_the_largest_and_shows_places_without_a_value() -> None:
    rng = np.random.default_rng(0)
    rows = pl.DataFrame(
        {"east": rng.normal(400, 99, 400), "north": rng.normal(400, 99, 400), "value": rng.normal(0, 9, 400)}
    ).with_columns(name=pl.format("place-{}", pl.int_range(400)), series=pl.lit("Q3"))
    drawing = CIRCLES.draw(rows)
    assert size(drawing) <= 80_000
    assert CIRCLES.draw(rows.sample(fraction=1.0, shuffle=True, seed=1)) == drawing
    largest = rows.sort(pl.col("value").abs(), descending=True)["name"]
    named = [name for name in rows["name"] if f">{name}<" in str(drawing)]
    assert sorted(named) == sorted(largest.head(FEW_NAMES))
    hidden = CIRCLES.draw(rows.head(9).with_columns(value=pl.when(pl.col("name") == "place-1").then(-5.0)))
    assert size(hidden) and str(hidden).count("darkgrey") == 8 and ">place-1<" in str(hidden)
    assert CIRCLES.draw(rows.with_columns(value=pl.lit(None, pl.Float64))) is None


def test_colours_of_a_map_of_points_show_the_sign() -> None:
    rows = pl.DataFrame({"east": [0.0, 9.0], "north": [0.0, 9.0], "name": ["a", "b"], "series": ["s", "s"]})
    of_sign = [CIRCLES.draw(rows.with_columns(value=pl.Series(values))) for values in ((5.0, -5.0), (-5.0, 5.0))]
    assert of_sign[0] != of_sign[1]


def test_names_on_a_map_do_not_cover_each_other() -> None:
    places = {
        "Leeds": (0.0, 5.0),
        "Bradford": (1.0, 4.0),
        "York": (40.0, 3.0),
        "Hull": (90.0, 2.0),
        "Rye": (50.0, None),
    }
    rows = pl.DataFrame(
        [(name, east, 0.0, value, "s") for name, (east, value) in places.items()],
        schema={"name": str, "east": float, "north": float, "value": float, "series": str},
        orient="row",
    )
    drawing = str(CIRCLES.draw(rows))
    assert [name for name in places if f">{name}<" in drawing] == ["Leeds", "York", "Hull"]


def test_a_grid_has_a_label_in_each_cell_with_a_value() -> None:
    cells = [(float(gap), float(window)) for gap in range(1, 4) for window in range(1, 4)]
    rows = pl.DataFrame(cells, schema=["x", "y"], orient="row").with_columns(
        value=pl.when(pl.col("x") + pl.col("y") < 5).then(pl.col("x") / 100), series=pl.lit("recipe")
    )
    drawing = GRID.draw(rows)
    assert size(drawing) <= 20_000
    labels = [str(drawing).count(f">{text}<") for text in ("1.0%", "2.0%", "3.0%")]
    assert [min(count, 9) >= known for count, known in zip(labels, (3, 2, 1), strict=True)] == [True] * 3
    assert GRID.draw(rows.with_columns(value=pl.lit(None, pl.Float64))) is None


def test_a_table_may_have_several_charts(warehouse: Warehouse) -> None:
    declared = [
        {"kind": "points", "title": "P", "x": "a", "y": "a * 2", "series": "'s'", "where": "a > 1"}
        | {"x_title": "a", "y_title": "twice a"},
        {"title": "L", "x": "on_day", "y": "a", "series": "'s'", "where": "true"},
    ]
    node = {"name": "pairs", "config": {"meta": {"chart": declared}}}
    charts = charts_of_node(node)
    with warehouse.transaction() as transaction:
        transaction.execute("create table marts.pairs as select date '2021-11-01' + a as on_day, a from generate_series(1, 9) a")  # fmt: skip  # noqa: E501
        drawn = [chart_metadata(transaction, "marts.pairs", chart) for chart in charts]
    assert [str(image.value)[:4] for image in drawn if image is not None] == ["![P]", "![L]"]
    with pytest.raises(ValueError, match="pairs: chart of kind 'pie'; expected one of lines, points"):
        charts_of_node({"name": "pairs", "config": {"meta": {"chart": {"kind": "pie"}}}})
