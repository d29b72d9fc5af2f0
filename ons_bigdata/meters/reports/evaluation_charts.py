"""Drawings of the evaluation of detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.reports.figures import draw_svg

if TYPE_CHECKING:
    import polars as pl

_WHOLE = {"domain": [0, 1]}
_PERCENT = "format(datum.value, '.1%')"


def draw_absence(table: pl.DataFrame, *, title: str) -> str:
    """SVG of recall against false days of the flags of all judgements (columns of AbsenceEvaluation)."""
    import altair as alt  # noqa: PLC0415  (half a second)

    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_point(filled=True, size=80)
        .encode(
            x=alt.X("false_day_share:Q", title="other days that are flagged", axis=alt.Axis(format=".1%", tickCount=6)),
            y=alt.Y("recall:Q", title="absent days that are flagged", scale=_WHOLE, axis=alt.Axis(format="%")),
            color=alt.Color("judgement:N", title=None),
        )
    )
    return draw_svg(chart, table.select("judgement", "recall", "false_day_share").to_dicts(), title)


def draw_vacancy(table: pl.DataFrame, *, title: str) -> str:
    """SVG of the share of vacant homes found by the number of quarters vacant (columns of VacancyEvaluation).

    Bars are the intervals over homes: with ten homes a number of quarters, most differences are within them.
    """
    import altair as alt  # noqa: PLC0415

    columns = ("judgement", "quarters_vacant", "homes", "recall", "recall_lower", "recall_upper")
    rows = table.filter(table["quarters_vacant"] > 0).select(columns)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("quarters_vacant:O", title="whole quarters vacant", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("judgement:N"),
        color=alt.Color("judgement:N", title=None),
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=alt.Y("recall:Q", title="vacant homes found, 95 % interval", scale=_WHOLE, axis=alt.Axis(format="%"))
    )
    bars = base.mark_rule(strokeWidth=1.5).encode(y=alt.Y("recall_lower:Q", scale=_WHOLE), y2="recall_upper:Q")
    return draw_svg(alt.layer(bars, points), rows.to_dicts(), title)


def draw_case(table: pl.DataFrame, *, title: str) -> str:
    """SVG of the net saving by threshold and share of vacant homes (columns of FieldworkCase)."""
    import altair as alt  # noqa: PLC0415

    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "threshold:Q", title="probability of vacancy from which no call is made", axis=alt.Axis(tickCount=5)
            ),
            y=alt.Y("net_saving:Q", title="net saving of 10,000 homes, pounds"),
            color=alt.Color("prevalence:N", title="homes vacant", legend=alt.Legend(labelExpr=_PERCENT)),
        )
    )
    return draw_svg(chart, table.select("threshold", "prevalence", "net_saving").to_dicts(), title)
