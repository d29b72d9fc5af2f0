"""Frames of the reports of the meters pilot."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN


class MeterQualityReport(dy.Schema):
    """One row per data origin and format: the report on the quality of its readings."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="real or simulated")
    format = dy.String(
        primary_key=True, regex=f"^({'|'.join(FORMATS)})$", description="format of the files of readings"
    )
    first_month = dy.Date(description="first day of the first month with a half hour")
    last_month = dy.Date(description="first day of the last month with a half hour")
    meters = dy.Int64(nullable=True, min=0, description="most meters of a month, rounded; null below the threshold")
    html = dy.String(description="the report as a page")
    text = dy.String(description="the report as text")


class MeterFigure(dy.Schema):
    """One row per figure of simulated meters."""

    figure = dy.String(primary_key=True, regex="^(year_round|low_week|quarter)$", description="name of the figure")
    data_origin = dy.String(regex="^simulated$", description="simulated: no figure is about a real home")
    title = dy.String(description="title of the figure, which says that its meters are simulated")
    svg = dy.String(description="drawing")
