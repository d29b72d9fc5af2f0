"""Report on the quality of the readings of a delivery, as a page with pictures and as text, of controlled figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ons_bigdata.meters.schemas.vocabulary import STATES
from ons_bigdata.platform.dagster.table_metadata.charts import LineChart, draw_lines

if TYPE_CHECKING:
    from datetime import date

MEANINGS = {
    "ok": "a reading without any doubt",
    "missing_row": "no row between the first and the last reading of the meter",
    "null_token": "a row with a token such as Null, or with nothing, in place of a reading",
    "error_code": "a row with a number that is a code of the meter in place of a reading",
    "off_grid": "a row that does not start at a full half hour",
    "duplicate_identical": "a second row of the half hour with the same reading",
    "duplicate_conflict": "rows of the half hour with different readings",
    "zero_run": "zeros for a day or more",
    "stuck": "eight or more equal readings above zero; at a coarse resolution, a constant load",
    "negative": "a reading below zero",
    "outlier": "more than 15 kWh in half an hour",
    "post_gap_accumulation": "a reading after a gap that holds the consumption of the gap",
    "estimated_flat": "a day or more of equal readings about the meter's mean",
    "estimated": "a reading that the file flags as estimated or substituted",
}
"""Meaning of each state, in the words of the report."""


@dataclass(frozen=True)
class Delivery:
    """Subject of a report: origin and format of the files, their months, meters and figures."""

    data_origin: str
    format: str
    states: pl.DataFrame
    """Frame ControlledStates of the delivery."""
    suspicions: pl.DataFrame
    """suspicion, meters (rounded, null below the threshold), status."""

    @property
    def months(self) -> tuple[date, date]:
        """First and last month."""
        months = self.states["month"]
        return months.min(), months.max()  # type: ignore[return-value]


def deliveries(states: pl.DataFrame, suspicions: pl.DataFrame) -> list[Delivery]:
    """Deliveries of controlled figures, in the order of origin and format.

    `states` is the frame ControlledStates; `suspicions` has data_origin, format, suspicion, meters and status.
    """
    return [
        Delivery(
            str(origin),
            str(name),
            of_delivery.sort("month", "state"),
            suspicions.filter((pl.col("data_origin") == origin) & (pl.col("format") == name)).sort("suspicion"),
        )
        for (origin, name), of_delivery in sorted(states.partition_by("data_origin", "format", as_dict=True).items())
    ]


def render_report(delivery: Delivery) -> dict[str, Any]:
    """Row of the frame MeterQualityReport: the report as a page (html) and as text."""
    first, last = delivery.months
    meters = delivery.states["meters"].max()
    chart = draw_shares(delivery)
    content = {
        "origin": delivery.data_origin,
        "format": delivery.format,
        "first": first,
        "last": last,
        "meters": meters,
        "states": _state_rows(delivery.states),
        "suspicions": delivery.suspicions.to_dicts(),
        # the drawing holds names of states alone
        "chart": None if chart is None else Markup(chart),  # noqa: S704
    }
    return {
        "data_origin": delivery.data_origin,
        "format": delivery.format,
        "first_month": first,
        "last_month": last,
        "meters": meters,
        "html": _templates().get_template("quality_report.html.j2").render(content),
        "text": _templates().get_template("quality_report.txt.j2").render(content),
    }


def draw_shares(delivery: Delivery) -> str | None:
    """SVG of the share of each state but ok by month, of those that may be shown; None where none may."""
    rows = (
        delivery.states.filter((pl.col("state") != "ok") & pl.col("share").is_not_null())
        .select(pl.col("month").alias("x"), (pl.col("share") * 100).alias("y"), pl.col("state").alias("series"))
        .sort("series", "x")
    )
    if rows.is_empty():
        return None
    title = f"Half hours that are not ok, {delivery.format}, {delivery.data_origin} meters"
    return draw_lines(rows, LineChart(title, "month", "per cent of half hours", "state", "true"), from_zero=True)


def _state_rows(states: pl.DataFrame) -> list[dict[str, Any]]:
    """Mean share over the months, and most meters of a month, of each state in the order of STATES."""
    found = states.group_by("state").agg(
        pl.col("share").mean().alias("share"),
        pl.col("share").max().alias("worst"),
        pl.col("affected_meters").max().alias("meters"),
        pl.len().alias("months"),
        pl.col("share").null_count().alias("hidden"),
    )
    by_state = {row["state"]: row for row in found.to_dicts()}
    return [{**by_state[state], "meaning": MEANINGS[state]} for state in STATES if state in by_state]


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ons_bigdata.meters", "reports"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["count"] = lambda number: "fewer than may be shown" if number is None else f"{number:,}"
    environment.filters["of_meters"] = lambda number: (
        "fewer meters than may be shown" if number is None else f"{number:,} meters"
    )
    environment.filters["month"] = lambda day: f"{day:%B %Y}"
    return environment


def _percent(share: float | None) -> str:
    """Share with one place; one that would round to nothing is not shown as nothing."""
    if share is None:
        return "–"
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
