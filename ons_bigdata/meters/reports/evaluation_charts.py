"""Drawings of the evaluation of detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.reports.figures import draw_svg

if TYPE_CHECKING:
    import polars as pl


def draw_absence(table: pl.DataFrame, *, title: str) -> str:
    """SVG of recall against false days of the flags of all judgements (columns of AbsenceEvaluation)."""
    import altair as alt  # noqa: PLC0415  (half a second)

    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_point(filled=True, size=80)
        .encode(
            x=alt.X("false_day_share:Q", title="share of other days that are flagged"),
            y=alt.Y("recall:Q", title="share of absent days that are flagged", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("judgement:N", title=None),
        )
    )
    return draw_svg(chart, table.select("judgement", "recall", "false_day_share").to_dicts(), title)


def draw_vacancy(table: pl.DataFrame, *, title: str) -> str:
    """SVG of the share of vacant homes found by the number of quarters vacant (columns of VacancyEvaluation)."""
    import altair as alt  # noqa: PLC0415

    rows = table.filter(table["quarters_vacant"] > 0).select("judgement", "quarters_vacant", "recall")
    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=True)
        .encode(
            x=alt.X("quarters_vacant:O", title="whole quarters vacant"),
            y=alt.Y("recall:Q", title="share of vacant homes found", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("judgement:N", title=None),
        )
    )
    return draw_svg(chart, rows.to_dicts(), title)


def draw_case(table: pl.DataFrame, *, title: str) -> str:
    """SVG of the net saving by threshold and share of vacant homes (columns of FieldworkCase)."""
    import altair as alt  # noqa: PLC0415

    chart = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(point=True)
        .encode(
            x=alt.X("threshold:Q", title="probability of vacancy from which no call is made"),
            y=alt.Y("net_saving:Q", title="net saving of 10,000 homes"),
            color=alt.Color("prevalence:N", title="share vacant"),
        )
    )
    return draw_svg(chart, table.select("threshold", "prevalence", "net_saving").to_dicts(), title)
