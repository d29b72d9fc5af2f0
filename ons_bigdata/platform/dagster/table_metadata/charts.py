"""Charts of tables in the metadata of their assets, declared in the meta of a dbt model: one, or a list of them.

config:
  meta:
    chart: {title: …, x: <date column>, y: <number column>, series: <SQL text>, where: <SQL condition>}

With `kind` (points, curve, flow_map, point_map, heatmap) it is a chart of `pair_charts`, with the fields of its class.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.table_metadata.pair_charts import KINDS, PairChart
from ons_bigdata.platform.dagster.table_metadata.svg_size import slim_svg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.platform.postgres.warehouse import Transaction

MOST_POINTS = 500
"""Points that a chart draws: each event of its table keeps the chart."""
FEW_POINTS = 24
"""Number up to which points are marked: a line of a single one would not be seen."""

_WIDTH, _HEIGHT = 560, 240


@dataclass(frozen=True)
class LineChart:
    """A line chart of a table: `y` over `x`, a line for each value of `series`, of the rows that satisfy `where`."""

    title: str
    x: str
    y: str
    series: str
    where: str


Chart = LineChart | PairChart


def charts_of_node(node: Mapping[str, Any]) -> list[Chart]:
    """Charts that a dbt node declares. Raises ValueError for an unknown kind, missing or unknown fields."""
    declared = node["config"].get("meta", {}).get("chart")
    return [_chart(node["name"], dict(one)) for one in ([declared] if isinstance(declared, dict) else declared or [])]


def _chart(name: str, declared: dict[str, Any]) -> Chart:
    kinds: dict[str, type[Chart]] = {"lines": LineChart, **KINDS}
    kind = declared.pop("kind", "lines")
    if kind not in kinds:
        raise ValueError(f"{name}: chart of kind {kind!r}; expected one of {', '.join(kinds)}")
    fields = set(kinds[kind].__dataclass_fields__) - {"kind", "numbers", "texts"}
    if set(declared) != fields:
        raise ValueError(f"{name}: chart has {sorted(declared)}; expected {sorted(fields)}")
    return kinds[kind](**declared)


def chart_metadata(transaction: Transaction, relation: str, chart: Chart) -> dg.MarkdownMetadataValue | None:
    """Chart of a table's rows as an image in Markdown; None where no row has a value."""
    drawing = _draw_lines_of(transaction, relation, chart) if isinstance(chart, LineChart) else None
    if not isinstance(chart, LineChart):
        columns = [
            *(f"({getattr(chart, name)})::float8 as {name}" for name in chart.numbers),
            *(f"({getattr(chart, name)})::text as {name}" for name in chart.texts),
        ]
        query = f"select {', '.join(columns)} from {relation} where {chart.where}"  # noqa: S608  (dbt's names)
        drawing = chart.draw(transaction.frame(query))
    if drawing is None:
        return None
    image = base64.b64encode(drawing.encode()).decode("ascii")
    return dg.MetadataValue.md(f"![{chart.title}](data:image/svg+xml;base64,{image})")


def _draw_lines_of(transaction: Transaction, relation: str, chart: LineChart) -> str | None:
    rows = transaction.frame(
        f"select {chart.x}::date as x, {chart.y}::float8 as y, {chart.series} as series from {relation}"  # noqa: S608
        f" where {chart.y} is not null and ({chart.where}) order by 3, 1"
    )
    return None if rows.is_empty() else draw_lines(rows, chart)


def draw_lines(rows: pl.DataFrame, chart: LineChart, *, from_zero: bool = False) -> str:
    """SVG of the lines of a chart, of bounded size. `rows`: x (date), y, series (text), sorted by series and x.

    Of long lines every second, third, … value is drawn and the last one. `from_zero`: the axis of values begins at
    zero, as it must for shares, whose height is compared; indices are drawn about their own level.
    """
    import vl_convert  # noqa: PLC0415  (for the few tables with a chart)

    shown = _thinned(rows)
    # a specification of Vega-Lite as it is: altair, which checks one, takes longer to load than this takes to draw
    series = {"field": "series", "type": "nominal"}
    dates = {"format": "%-d %b %Y", "labelOverlap": True, "tickCount": 6}
    values = {"field": "y", "type": "quantitative", "title": chart.y, "scale": {"zero": from_zero}}
    spec = {
        "title": chart.title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"name": "rows"},
        "mark": {"type": "line", "point": {"size": 12} if shown.height <= FEW_POINTS else False},
        "encoding": {
            "x": {"field": "x", "type": "temporal", "title": None, "axis": dates},
            "y": {**values, "axis": {"tickCount": 5}},
            "color": {**series, "title": None, "legend": {"orient": "bottom", "columns": 2, "labelLimit": 0}},
            "strokeDash": {**series, "legend": None},
        },
        "config": {"aria": False, "background": "white"},
        "datasets": {
            "rows": shown.select(shown["x"].dt.to_string("%Y-%m-%d").alias("x"), "y", "series").to_dicts(),
        },
    }
    return slim_svg(vl_convert.vegalite_to_svg(spec))


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    """Every n-th row of each series and its last one, so that there are about `MOST_POINTS` rows at most."""
    step = -(-rows.height // MOST_POINTS)
    place, last = pl.int_range(pl.len()).over("series"), pl.len().over("series") - 1
    return rows.filter((place % step == 0) | (place == last))
