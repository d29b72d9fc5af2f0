"""Charts of tables in the metadata of their assets: lines over time, declared in the meta of a dbt model.

config:
  meta:
    chart: {title: …, x: <date column>, y: <number column>, series: <SQL text>, where: <SQL condition>}
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from ons_bigdata.platform.postgres.warehouse import Transaction

_WIDTH, _HEIGHT = 560, 240


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
    image = base64.b64encode(draw_lines(rows, chart)).decode("ascii")
    return dg.MetadataValue.md(f"![{chart.title}](data:image/png;base64,{image})")


def draw_lines(rows: pl.DataFrame, chart: LineChart) -> bytes:
    """PNG of the lines of a chart. `rows`: x (date), y, series (text)."""
    import altair as alt  # noqa: PLC0415  (half a second, for the few tables with a chart)
    import vl_convert  # noqa: PLC0415

    names = alt.Color("series:N", title=None).legend(orient="bottom", columns=2, labelLimit=0)
    drawing = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=alt.OverlayMarkDef(size=12))
        .encode(
            x=alt.X("x:T", title=None).axis(format="%-d %b %Y", labelOverlap=True),
            y=alt.Y("y:Q", title=chart.y, scale=alt.Scale(zero=False)),
            color=names,
            strokeDash=alt.StrokeDash("series:N", legend=None),
        )
        .properties(width=_WIDTH, height=_HEIGHT, title=chart.title)
    )
    spec = drawing.to_dict()
    values = rows.select(rows["x"].dt.to_string("%Y-%m-%d").alias("x"), "y", "series").to_dicts()
    spec["datasets"] = {"rows": values}
    return vl_convert.vegalite_to_png(spec, scale=1)
