"""Frame of the figures that weights of devices need: rates of the market and residents, from published sources."""

from __future__ import annotations

from typing import Final

import dataframely as dy

from ons_bigdata.phones.schemas import vocabulary as v

SHARES: Final = ("ownership", "market_share", "payg_share")
"""Figures from 0 to 1."""
FIGURES: Final = (*SHARES, "devices_per_owner", "residents", "covariate", "employed_residents", "jobs")
EVERYWHERE = "all"
"""Area, category or provider of a figure that holds for every one."""


class PopulationFigure(dy.Schema):
    """One row per figure, provider, year, area and category (`raw.phone_population_figures`).

    `ownership`: share of persons with a phone; `devices_per_owner`; `market_share` of the provider; `payg_share` of
    phones; `residents`: persons of the ages that the specification counts; `covariate`: index of the area, 0 to 1;
    `employed_residents`: persons in work by residence; `jobs`: by workplace.
    """

    load_id = dy.String(regex=v.LOAD_ID, description="load of the file: 16 hex digits")
    line = dy.Int32(min=2, description="line of the file; the header is 1")
    figure = dy.String(regex=f"^({'|'.join(FIGURES)})$", description=f"{', '.join(FIGURES)}; the partition")
    provider = dy.String(regex=v.KEY, description="operator of a market share; all for figures of no operator")
    year = dy.Int16(min=1961, max=2100, description="year that the figure is of")
    geography = dy.String(regex=v.KEY, description="kind of area")
    area = dy.String(regex=v.ZONE_CODE, description="code of the area, or all")
    category = dy.String(regex=v.SEGMENT, description="group of persons, such as age_18_34, female or payg; or all")
    value = dy.Float64(min=0.0, max=v.MOST_PERSONS, description="share, devices per owner, persons, or index")
    standard_error = dy.Float64(min=0.0, max=v.MOST_PERSONS, description="standard error of the value")
    source = dy.String(max_length=200, description="publication that it is from")
