"""Charts of the daily report as SVG that takes its colours from the page, for light and dark screens and print.

altair describes a chart once, vl-convert compiles it to Vega once and draws it for each day.
"""

from __future__ import annotations

import copy
import textwrap
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
import vl_convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ons_bigdata.prices.reports.daily_figures import Figure

WIDTH = 340
"""Width of a drawing in pixels: that of a narrow phone, so that it is never drawn smaller than its letters need."""
_LABEL_WIDTH, _LABEL_LETTERS, _ROW_HEIGHT = 142, 24, 35
_DATA = "figures"
_INK, _GRID, _SERIES = "var(--ink)", "var(--grid)", ("var(--series-1)", "var(--series-2)", "var(--series-3)")
"""Properties that the style sheet of the page defines."""

_SINCE = ("yesterday", "the week before")

Spec = dict[str, Any]


def draw_levels(figures: Sequence[Figure]) -> str | None:
    """SVG of the index of each figure with its interval, yesterday's and that of the week before; None without any."""
    rows = [
        {
            "label": _label(figure),
            "place": place,
            "index": figure.index,
            "low": figure.low,
            "high": figure.high,
            "yesterday": figure.yesterday,
            "week_before": figure.week_before,
        }
        for place, figure in enumerate(figures)
        if figure.index is not None
    ]
    return _draw(_levels(), rows) if rows else None


def draw_changes(figures: Sequence[Figure]) -> str | None:
    """SVG of the changes of each figure since yesterday and since the week before with intervals; None without any."""
    rows = [
        {
            "label": _label(figure),
            "place": place,
            "since": since,
            "percent": change.percent,
            "low": change.low,
            "high": change.high,
        }
        for place, figure in enumerate(figures)
        for since, change in zip(_SINCE, (figure.change_yesterday, figure.change_week), strict=True)
        if change.percent is not None
    ]
    return _draw(_changes(), rows) if rows else None


def draw_course(course: pl.DataFrame) -> str | None:
    """SVG of the index of each division day by day with its interval; None with fewer than two figures.

    `course`: name, period, index, low, high; one row per division and day.
    """
    rows = course.drop_nulls("index").with_columns(pl.col("period").dt.to_string("%Y-%m-%d")).to_dicts()
    return _draw(_course(), rows) if len(rows) > 1 else None


def _label(figure: Figure) -> str:
    return "\n".join(textwrap.wrap(figure.name, _LABEL_LETTERS))


def _place() -> alt.Y:
    """Place of a figure: a row with its name, in the order of the table."""
    return alt.Y("label:N", sort=alt.EncodingSortField("place", order="ascending"), title=None).axis(
        labelExpr="split(datum.label, '\\n')", labelLimit=0, labelLineHeight=11, minExtent=_LABEL_WIDTH, ticks=False
    )


@lru_cache(maxsize=1)
def _levels() -> Spec:
    base = alt.Chart(alt.NamedData(_DATA)).encode(y=_place())
    scale = alt.Scale(zero=False, nice=True)
    index = alt.X("index:Q", title="index", scale=scale)
    interval = base.mark_rule(color=_SERIES[0], strokeWidth=2).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    week_before = base.mark_tick(color=_INK, thickness=2, size=13).encode(x="week_before:Q")
    yesterday = base.mark_point(color=_INK, size=42, filled=False, strokeWidth=1.4).encode(x="yesterday:Q")
    today = base.mark_point(color=_SERIES[0], size=46, filled=True, opacity=1).encode(x=index)
    return _compile(alt.layer(interval, week_before, yesterday, today).properties(height=alt.Step(_ROW_HEIGHT)))


@lru_cache(maxsize=1)
def _changes() -> Spec:
    since = alt.Color("since:N", legend=None, scale=alt.Scale(domain=list(_SINCE), range=list(_SERIES[:2])))
    row = alt.YOffset("since:N", scale=alt.Scale(domain=list(_SINCE)))
    base = alt.Chart(alt.NamedData(_DATA)).encode(y=_place(), yOffset=row, color=since)
    percent = alt.X("percent:Q", title="per cent", scale=alt.Scale(zero=True, nice=True))
    interval = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q")
    shape = alt.Shape("since:N", legend=None, scale=alt.Scale(domain=list(_SINCE), range=["circle", "square"]))
    change = base.mark_point(size=42, filled=True, opacity=1).encode(x=percent, shape=shape)
    return _compile(alt.layer(interval, change).properties(height=alt.Step(_ROW_HEIGHT, **{"for": "position"})))


@lru_cache(maxsize=1)
def _course() -> Spec:
    division = alt.Color("name:N", title=None, sort=None, scale=alt.Scale(range=list(_SERIES))).legend(
        orient="top", labelLimit=0, direction="vertical", symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=2
    )
    day = alt.X("period:T", title=None).axis(format="%-d %b", tickCount=4, labelOverlap=True)
    base = alt.Chart(alt.NamedData(_DATA)).encode(x=day, color=division)
    scale = alt.Scale(zero=False, nice=True)
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", scale=scale), y2="high:Q")
    line = base.mark_line(point=alt.OverlayMarkDef(size=14), strokeWidth=1.8).encode(
        y=alt.Y("index:Q", title="index", scale=scale), strokeDash=alt.StrokeDash("name:N", legend=None)
    )
    return _compile(alt.layer(band, line).properties(height=170))


def _compile(chart: alt.LayerChart | alt.FacetChart) -> Spec:
    """Vega of a chart whose data come later."""
    text = {
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    }
    styled = (
        chart.properties(width="container", autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
        .configure(background="transparent", font="sans-serif", padding=2)
        .configure_view(stroke=None)
        .configure_axis(**text, domainColor=_GRID, tickColor=_GRID, gridColor=_GRID)
        .configure_legend(**text)
    )
    spec = styled.to_dict()
    spec["width"] = WIDTH
    spec["datasets"] = {_DATA: []}
    return vl_convert.vegalite_to_vega(spec)


def _draw(compiled: Spec, rows: Sequence[Mapping[str, Any]]) -> str:
    spec = copy.deepcopy(compiled)
    next(data for data in spec["data"] if data["name"] == _DATA)["values"] = list(rows)
    return vl_convert.vega_to_svg(spec)
