"""Charts of tables in the metadata of their assets: lines over time, declared in the meta of a dbt model.

config:
  meta:
    chart: {title: …, x: <date column>, y: <number column>, series: <SQL text>, where: <SQL condition>}
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ons_bigdata.platform.postgres.warehouse import Transaction

MOST_POINTS = 500
"""Points that a chart draws: each event of its table keeps the chart."""
FEW_POINTS = 24
"""Number up to which points are marked: a line of a single one would not be seen."""

_WIDTH, _HEIGHT = 560, 240
_DRAWN = re.compile(r' (?:d|transform)="[^"]*"')
"""Attributes of an SVG that hold coordinates."""
_NOT_SEEN = re.compile(r' (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"| opacity="1"')
"""Attributes that an SVG inside an image has no use for."""
_LONG_NUMBER = re.compile(r"\d+\.\d\d+")


@dataclass(frozen=True)
class LineChart:
    """A line chart of a table: `y` over `x`, a line for each value of `series`, of the rows that satisfy `where`."""

    title: str
    x: str
    y: str
    series: str
    where: str

    @classmethod
    def of_node(cls, node: Mapping[str, Any]) -> LineChart | None:
        """Chart that a dbt node declares; None without one. Raises ValueError for missing or unknown fields."""
        declared = node["config"].get("meta", {}).get("chart")
        if declared is None:
            return None
        fields = set(cls.__dataclass_fields__)
        if set(declared) != fields:
            raise ValueError(f"{node['name']}: chart has {sorted(declared)}; expected {sorted(fields)}")
        return cls(**declared)


def chart_metadata(transaction: Transaction, relation: str, chart: LineChart) -> dg.MarkdownMetadataValue | None:
    """Chart of a table's rows as an image in Markdown; None where no row has a value."""
    rows = transaction.frame(
        f"select {chart.x}::date as x, {chart.y}::float8 as y, {chart.series} as series from {relation}"  # noqa: S608
        f" where {chart.y} is not null and ({chart.where}) order by 3, 1"
    )
    if rows.is_empty():
        return None
    image = base64.b64encode(draw_lines(rows, chart).encode()).decode("ascii")
    return dg.MetadataValue.md(f"![{chart.title}](data:image/svg+xml;base64,{image})")


def draw_lines(rows: pl.DataFrame, chart: LineChart) -> str:
    """SVG of the lines of a chart, of bounded size. `rows`: x (date), y, series (text), sorted by series and x.

    Of long lines every second, third, … value is drawn and the last one.
    """
    import altair as alt  # noqa: PLC0415  (half a second, for the few tables with a chart)
    import vl_convert  # noqa: PLC0415

    shown = _thinned(rows)
    names = alt.Color("series:N", title=None).legend(orient="bottom", columns=2, labelLimit=0)
    points = alt.OverlayMarkDef(size=12) if shown.height <= FEW_POINTS else False
    drawing = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=points)
        .encode(
            x=alt.X("x:T", title=None).axis(format="%-d %b %Y", labelOverlap=True, tickCount=6),
            y=alt.Y("y:Q", title=chart.y, scale=alt.Scale(zero=False)).axis(tickCount=5),
            color=names,
            strokeDash=alt.StrokeDash("series:N", legend=None),
        )
        .properties(width=_WIDTH, height=_HEIGHT, title=chart.title)
        .configure(aria=False, background="white")
    )
    spec = drawing.to_dict()
    values = shown.select(shown["x"].dt.to_string("%Y-%m-%d").alias("x"), "y", "series").to_dicts()
    spec["datasets"] = {"rows": values}
    return _DRAWN.sub(_round_coordinates, _NOT_SEEN.sub("", vl_convert.vegalite_to_svg(spec)))


def _round_coordinates(attribute: re.Match[str]) -> str:
    """Coordinates to a tenth of a pixel."""
    return _LONG_NUMBER.sub(lambda number: f"{float(number.group()):.1f}", attribute.group())


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    """Every n-th row of each series and its last one, so that there are about `MOST_POINTS` rows at most."""
    step = -(-rows.height // MOST_POINTS)
    place, last = pl.int_range(pl.len()).over("series"), pl.len().over("series") - 1
    return rows.filter((place % step == 0) | (place == last))
