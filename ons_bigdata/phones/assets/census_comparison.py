"""Delivered flows against the census of the same zones: agreement, bias and pairs, for each delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.methods.census_comparison import (
    BETWEEN_ZONES,
    ComparisonRecipe,
    bias_by_class,
    compare_with_census,
    estimates,
    pairs_compared,
    study_flows,
)
from ons_bigdata.phones.schemas.comparison import PhoneFlowBias, PhoneFlowComparison, PhoneFlowPair
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dataframely as dy

COMPARISONS, BIAS, PAIRS = "analysis.phone_flow_comparisons", "analysis.phone_flow_bias", "analysis.phone_flow_pairs"
FRAMES: dict[str, type[dy.Schema]] = {COMPARISONS: PhoneFlowComparison, BIAS: PhoneFlowBias, PAIRS: PhoneFlowPair}

_DELIVERY = ["data_origin", "provider", "month", "geography", "day_type"]
_FLOW = ["origin", "destination", "flow", "status", "lower", "upper"]
_PLANE_KM = {"lon": 111.32, "lat": 110.57}
"""Lengths of a degree: of longitude at the equator, of latitude; for maps only."""


@tables_asset(
    name="phone_flow_comparisons",
    tables=[
        Table(COMPARISONS, PhoneFlowComparison, "One row per delivery, estimate and metric of agreement."),
        Table(BIAS, PhoneFlowBias, "One row per delivery, estimate and class of pairs: signed bias."),
        Table(PAIRS, PhoneFlowPair, "One row per delivery and pair of zones: delivered and census flow."),
    ],
    inputs={
        "flows": "intermediate.int_phones__flows_united",
        "census": "intermediate.int_phones__census_flows_united",
        "places": "intermediate.int_phones__places_united",
        "coverage": "staging.stg_phones__coverage",
    },
)
def phone_flow_comparisons(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Each delivery against the latest census of its geography and origin, real or simulated, with an earlier one."""
    flows = inputs.read("flows", [*_DELIVERY, *_FLOW])
    census = inputs.read("census", ["data_origin", "geography", "census_year", "origin", "destination", "persons"])
    places = inputs.read(
        "places", ["data_origin", "geography", "code", "longitude", "latitude", "easting_km", "northing_km"]
    )
    coverage = inputs.read(
        "coverage", ["data_origin", "provider", "month", "zone", "technology", "cells", "mean_cell_radius_m"]
    )
    made: dict[str, list[pl.DataFrame]] = {name: [frame.create_empty()] for name, frame in FRAMES.items()}
    without = []
    for key, delivery in sorted(
        flows.partition_by(_DELIVERY, as_dict=True, include_key=False).items(), key=lambda item: str(item[0])
    ):
        labels = dict(zip(_DELIVERY, key, strict=True))
        here = (pl.col("data_origin") == labels["data_origin"]) & (pl.col("geography") == labels["geography"])
        of_delivery = (pl.col(c) == labels[c] for c in ("data_origin", "provider", "month"))
        tables = compare_delivery(
            delivery,
            census.filter(here).drop("data_origin", "geography"),
            places.filter(here).drop("data_origin", "geography"),
            mast_reach(coverage.filter(*of_delivery)),
            BETWEEN_ZONES,
        )
        if not tables:
            without.append(", ".join(str(label) for label in key))
        for name, table in tables.items():
            stamped = table.with_columns(**{column: pl.lit(value) for column, value in labels.items()})
            made[name].append(stamped.select(FRAMES[name].column_names()))
    whole = {name: pl.concat(parts, how="vertical_relaxed") for name, parts in made.items()}
    metadata = {"deliveries": len(made[COMPARISONS]) - 1, "deliveries_without_census": without}
    return {name: Output(frame, metadata) for name, frame in whole.items()}


def mast_reach(coverage: pl.DataFrame) -> pl.DataFrame:
    """Mean radius of the cells of each zone that has some, over all technologies: area, mean_radius_km."""
    known = coverage.filter(pl.col("mean_cell_radius_m").is_not_null() & (pl.col("cells") > 0))
    weighted = (pl.col("mean_cell_radius_m") * pl.col("cells")).sum() / pl.col("cells").sum() / 1_000
    return known.group_by(area="zone").agg(mean_radius_km=weighted).sort("area")


def compare_delivery(
    flows: pl.DataFrame,
    census: pl.DataFrame,
    places: pl.DataFrame,
    masts: pl.DataFrame,
    recipe: ComparisonRecipe,
) -> dict[str, pl.DataFrame]:
    """Tables of one delivery, without its labels; none where it shares fewer than two zones with a census.

    `census`: census_year, origin, destination, persons of all censuses of the geography; the latest is the reference,
    the one before it the previous census.
    """
    if census.is_empty():
        return {}
    years = census["census_year"].unique().sort(descending=True).to_list()
    by_year = [
        census.filter(pl.col("census_year") == year).select(
            "origin", "destination", flow=pl.col("persons").cast(pl.Float64)
        )
        for year in years[:2]
    ]
    study = study_flows(flows, by_year[0], by_year[1] if len(by_year) > 1 else None, places)
    if len(study.zones) < 2:
        return {}
    made = estimates(study, recipe)
    stamp = {
        "census_year": pl.lit(years[0], dtype=pl.Int16),
        "recipe": pl.lit(recipe.name),
        "parameters_hash": pl.lit(recipe.parameters_hash),
    }
    compared = compare_with_census(study, made, recipe)
    bias = bias_by_class(study, made, recipe, masts)
    return {
        COMPARISONS: compared.with_columns(**stamp, zones=pl.lit(len(study.zones), dtype=pl.Int32)),
        BIAS: bias.rename({"estimate_flow": "estimated_flow", "reference": "census_flow"}).with_columns(**stamp),
        PAIRS: with_positions(pairs_compared(study), places).with_columns(**stamp),
    }


def with_positions(pairs: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Pairs with the centres of both zones on a plane, in km."""
    shrink = pl.col("latitude").mean().radians().cos()
    plane = places.select(
        "code",
        x_km=pl.coalesce("easting_km", pl.col("longitude") * _PLANE_KM["lon"] * shrink),
        y_km=pl.coalesce("northing_km", pl.col("latitude") * _PLANE_KM["lat"]),
    )
    for side in ("origin", "destination"):
        centre = plane.rename({"code": side, "x_km": f"{side}_x_km", "y_km": f"{side}_y_km"})
        pairs = pairs.join(centre, on=side, how="left", maintain_order="left")
    return pairs


ASSETS = [phone_flow_comparisons]
