"""An earlier census brought to current employment: totals of a study area that are of no census."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.pair_classes import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

EMPLOYED, JOBS = "employed_residents", "jobs"
_FIGURES = dict(zip(KEY, (EMPLOYED, JOBS), strict=True))


def employment_margins(
    previous: pl.DataFrame, zones: pl.Series, employment: pl.DataFrame
) -> Mapping[str, pl.DataFrame]:
    """Commuters within a study area by origin and by destination, from employment: side to side, total.

    `previous`: origin, destination, flow of an earlier census, with destinations outside of the study area; `zones` of
    the study area; `employment`: figure (employed_residents, jobs), area, value. Employed residents of a zone, times
    the share of its commuters who stayed in the study area at the earlier census; jobs likewise, then scaled to the sum
    of the former. Raises ValueError for a zone without a figure.
    """
    inside = previous.filter(pl.all_horizontal(pl.col(side).is_in(zones.implode()) for side in KEY))
    margins: dict[str, pl.DataFrame] = {}
    for side, figure in _FIGURES.items():
        of_zone = employment.filter(pl.col("figure") == figure).select(pl.col("area").alias(side), "value")
        counts = (
            pl.DataFrame({side: zones})
            .join(of_zone, on=side, how="left")
            .join(previous.group_by(side).agg(whole=pl.col("flow").sum()), on=side, how="left")
            .join(inside.group_by(side).agg(within=pl.col("flow").sum()), on=side, how="left")
        )
        without = counts.filter(pl.col("value").is_null())[side]
        if len(without):
            raise ValueError(f"{len(without)} zones without {figure}, such as {without[0]}")
        share = pl.col("within").fill_null(0.0) / pl.col("whole")
        total = pl.when(pl.col("whole") > 0).then(pl.col("value") * share).otherwise(0.0)
        margins[side] = counts.select(side, total=total)
    employed, jobs = (float(margins[side]["total"].to_numpy().sum()) for side in KEY)
    scale = employed / jobs if jobs > 0 else 0.0
    margins[KEY[1]] = margins[KEY[1]].with_columns(pl.col("total") * scale)
    return margins


def raked_to_employment(previous: pl.DataFrame, margins: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Flows of an earlier census between the zones of a study area, raked to `employment_margins`, by pair.

    `previous`: origin, destination, flow within the study area, those within zones among them: margins count them, too.
    """
    raked = rake(previous, *(margins[side] for side in KEY))
    return raked.filter(pl.col("origin") != pl.col("destination")).select(*KEY, flow="flow_adjusted")
