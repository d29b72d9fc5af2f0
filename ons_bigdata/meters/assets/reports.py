"""Reports: quality of each delivery with pictures, and the figures of the pilot of simulated meters."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl

from ons_bigdata.meters.assets.aggregates import STATES, read_rules
from ons_bigdata.meters.assets.quality import ASSESSED_READINGS, DAYS, METERS, SUSPICIONS
from ons_bigdata.meters.assets.sampled_days import sampled_days
from ons_bigdata.meters.reports import figures
from ons_bigdata.meters.reports.quality_report import deliveries, draw_shares, render_report
from ons_bigdata.meters.schemas.reports import MeterFigure, MeterQualityReport
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, table_asset
from ons_bigdata.platform.disclosure import control_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

REPORTS = "analysis.meter_quality_reports"
FIGURES = "analysis.meter_figures"

MOST_WEEKS = 60
"""Low weeks of which the half hours are read, of different meters."""


@table_asset(
    table=REPORTS,
    inputs={"states": STATES, "suspicions": SUSPICIONS, "meters": METERS, "rules": "seeds.meter_publication_rules"},
    frame=MeterQualityReport,
    description="One row per data origin and format: report on its quality, with pictures. Internal: for people.",
)
def meter_quality_reports(inputs: Inputs, _run: AssetRun) -> Output:
    """Render the report of each delivery from figures that are controlled for disclosure."""
    rules = read_rules(inputs)
    suspected = (
        inputs.read("suspicions", ["meter_key", "suspicion"])
        .join(inputs.read("meters", ["meter_key", "data_origin", "format"]), on="meter_key")
        .group_by("data_origin", "format", "suspicion")
        .agg(pl.col("meter_key").n_unique().cast(pl.Int64).alias("meters"))
    )
    controlled = control_counts(
        suspected, "meters", threshold=int(rules["threshold"]), base=int(rules["rounding_base"])
    )
    found = deliveries(inputs.read("states"), controlled)
    rows = [render_report(delivery) for delivery in found]
    charts: dict[str, Any] = {}
    for delivery in found:
        drawing = draw_shares(delivery)
        if drawing is not None:
            charts[f"{delivery.data_origin} {delivery.format}"] = drawing_metadata(drawing, "states by month")
    return Output(pl.DataFrame(rows, schema=MeterQualityReport.create_empty().schema), charts)


@table_asset(
    table=FIGURES,
    inputs={"days": DAYS, "meters": METERS},
    lake_tables={"readings": ASSESSED_READINGS},
    frame=MeterFigure,
    description="One row per figure of the pilot, of simulated meters alone. Internal: for people.",
)
def meter_figures(inputs: Inputs, _run: AssetRun) -> Output:
    """Draw the figures that the simulated meters allow; real ones are never drawn."""
    meters = inputs.read("meters", ["meter_key", "data_origin", "timezone"])
    simulated = meters.filter(pl.col("data_origin") == "simulated")
    days = inputs.read("days", ["meter_key", "day", "kwh", "readings"])
    days = days.join(simulated, on="meter_key", how="semi").rename({"meter_key": "meter"}).sort("meter", "day")
    zones = dict(simulated.select("meter_key", "timezone").iter_rows())
    drawn = list(_drawings(inputs, days, zones))
    rows = [{"figure": name, "data_origin": "simulated", "title": title, "svg": svg} for name, title, svg in drawn]
    return Output(
        pl.DataFrame(rows, schema=MeterFigure.create_empty().schema),
        {name: drawing_metadata(svg, title) for name, title, svg in drawn},
    )


def _drawings(inputs: Inputs, days: pl.DataFrame, zones: dict[int, str]) -> Iterator[tuple[str, str, str]]:
    """Name, title and drawing of each figure that the meter-days allow."""
    year_round = figures.choose_year_round(days)
    if year_round is not None:
        title = "Daily consumption of a simulated meter"
        of_meter = days.filter(pl.col("meter") == year_round)
        yield "year_round", title, figures.draw_year_round(of_meter, title=title)
    weeks = figures.low_weeks(days).unique("meter", keep="first", maintain_order=True).head(MOST_WEEKS)
    half_hours = sampled_days(inputs, {meter: zones[meter] for meter in weeks["meter"]})
    chosen = None if half_hours.is_empty() else figures.choose_low_week(half_hours, weeks)
    if chosen is not None:
        title = "A low week of a simulated meter, with one spike in the morning"
        of_meter = half_hours.filter(pl.col("meter") == chosen[0])
        yield "low_week", title, figures.draw_low_week(of_meter, chosen[1], title=title)
    quarter = figures.quarter_consumption(days)
    if not quarter.is_empty():
        title = f"{quarter.height} simulated meters by consumption in a quarter; the line is 180 kWh"
        yield "quarter", title, figures.draw_quarter(quarter, title=title)


def drawing_metadata(svg: str, title: str) -> dg.MarkdownMetadataValue:
    """Drawing for the metadata of an asset."""
    text = base64.b64encode(svg.encode()).decode("ascii")
    return dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{text})")


ASSETS = [meter_quality_reports, meter_figures]
