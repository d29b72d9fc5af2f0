"""Delivered flows against the census of the same zones: agreement, bias and pairs, for each delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.phones.assets.by_month import by_month, stale_months
from ons_bigdata.phones.methods.census_comparison import (
    BETWEEN_ZONES,
    ComparisonRecipe,
    bias_by_class,
    compare_held_out,
    compare_with_census,
    estimates,
    levels_of_validation,
    pairs_compared,
    residuals_of_zones,
)
from ons_bigdata.phones.methods.census_universe import commuting_universe
from ons_bigdata.phones.methods.comparison.employment import EMPLOYED, JOBS, employment_margins
from ons_bigdata.phones.methods.comparison.study_area import StudyFlows, margins_between, study_flows
from ons_bigdata.phones.schemas.comparison import (
    PhoneCensusPart,
    PhoneFlowBias,
    PhoneFlowComparison,
    PhoneFlowLevel,
    PhoneFlowPair,
    PhoneZoneResidual,
)
from ons_bigdata.phones.schemas.figures import EVERYWHERE
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, tables_asset

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dataframely as dy

COMPARISONS, BIAS, PAIRS = "analysis.phone_flow_comparisons", "analysis.phone_flow_bias", "analysis.phone_flow_pairs"
LEVELS, RESIDUALS, PARTS = (
    *("analysis.phone_flow_levels", "analysis.phone_zone_residuals", "analysis.phone_census_parts"),
)
FRAMES: dict[str, type[dy.Schema]] = {
    COMPARISONS: PhoneFlowComparison,
    BIAS: PhoneFlowBias,
    PAIRS: PhoneFlowPair,
    LEVELS: PhoneFlowLevel,
    RESIDUALS: PhoneZoneResidual,
    PARTS: PhoneCensusPart,
}

BY_MONTH = by_month(["flows", "coverage", "totals", "weights"], whole=["census", "places", "figures"])
_DELIVERY = ["data_origin", "provider", "month", "geography", "day_type"]
_FLOW = ["origin", "destination", "flow", "status", "lower", "upper"]
NO_CLASS = "not known"
_PLANE_KM = {"lon": 111.32, "lat": 110.57}
"""Lengths of a degree: of longitude at the equator, of latitude; for maps only."""


@tables_asset(
    name="phone_flow_comparisons",
    tables=[
        Table(COMPARISONS, PhoneFlowComparison, "One row per delivery, estimate and metric of agreement.", BY_MONTH),
        Table(BIAS, PhoneFlowBias, "One row per delivery, estimate and class of pairs: signed bias.", BY_MONTH),
        Table(PAIRS, PhoneFlowPair, "One row per delivery and pair of zones: delivered and census flow.", BY_MONTH),
        Table(LEVELS, PhoneFlowLevel, "One row per delivery, estimate, level of validation and metric.", BY_MONTH),
        Table(RESIDUALS, PhoneZoneResidual, "One row per delivery, estimate, side and zone: residual.", BY_MONTH),
        Table(
            PARTS, PhoneCensusPart, "One row per delivery and part of the census table it is compared with.", BY_MONTH
        ),
    ],
    inputs={
        "flows": "intermediate.int_phones__flows_united",
        "census": "intermediate.int_phones__census_flows_united",
        "places": "intermediate.int_phones__places_united",
        "coverage": "staging.stg_phones__coverage",
        "totals": "intermediate.int_phones__flow_totals_united",
        "weights": "analysis.phone_weights",
        "figures": "staging.stg_phones__population_figures",
    },
)
def phone_flow_comparisons(inputs: Inputs, run: AssetRun) -> Mapping[str, Output]:
    """Each delivery against the latest census of its geography and origin, real or simulated, with an earlier one."""
    stale = stale_months(inputs, run, FRAMES, "flows")
    flows = stale.read(inputs, "flows", [*_DELIVERY, *_FLOW])
    census = inputs.read("census", ["data_origin", "geography", "census_year", "origin", "destination", "persons"])
    places = inputs.read(
        "places",
        [
            *("data_origin", "geography", "code", "longitude", "latitude", "easting_km", "northing_km"),
            *("rurality", "district_name"),
        ],
    )
    coverage = stale.read(
        inputs, "coverage", ["data_origin", "provider", "month", "zone", "technology", "cells", "mean_cell_radius_m"]
    )
    totals = stale.read(inputs, "totals", [*_DELIVERY, "side", "zone", "total"])
    weights = stale.read(
        inputs, "weights", [*_DELIVERY[:-1], "area", "segment", "weight", "residents", "devices", "status"]
    )
    figures = latest_employment(
        inputs.read("figures", ["data_origin", "geography", "figure", "year", "area", "category", "value"])
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
            totals=totals.filter(*(pl.col(c) == labels[c] for c in _DELIVERY)).select("side", "zone", "total"),
            weights=weights.filter(*(pl.col(c) == labels[c] for c in _DELIVERY[:-1]), pl.col("segment") == EVERYWHERE),
            employment=figures.filter(here).select("figure", "area", "value"),
        )
        if not tables:
            without.append(", ".join(str(label) for label in key))
        for name, table in tables.items():
            stamped = table.with_columns(**{column: pl.lit(value) for column, value in labels.items()})
            made[name].append(stamped.select(FRAMES[name].column_names()))
    whole = {name: pl.concat(parts, how="vertical_relaxed") for name, parts in made.items()}
    metadata = {"deliveries": len(made[COMPARISONS]) - 1, "deliveries_without_census": without}
    return stale.outputs(whole, dict.fromkeys(whole, metadata))


def latest_employment(figures: pl.DataFrame) -> pl.DataFrame:
    """Employed residents and jobs of each area in the latest year: data_origin, geography, figure, area, value."""
    key = ["data_origin", "geography", "figure", "area"]
    of_areas = figures.filter(
        pl.col("figure").is_in([EMPLOYED, JOBS]), pl.col("category") == EVERYWHERE, pl.col("area") != EVERYWHERE
    )
    return of_areas.sort(*key, "year").unique(key, keep="last", maintain_order=True).select(*key, "value")


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
    *,
    totals: pl.DataFrame | None = None,
    weights: pl.DataFrame | None = None,
    employment: pl.DataFrame | None = None,
) -> dict[str, pl.DataFrame]:
    """Tables of one delivery, without its labels; none where it shares fewer than two zones with a census.

    `census`: census_year, origin, destination, persons of all censuses of the geography, destinations without area
    among them; the latest is the reference, the one before it the previous census. `totals`: side, zone, total, as
    delivered. `weights`: area, weight, residents, devices, status. `employment`: figure, area, value.
    """
    if census.is_empty():
        return {}
    by_year = census_years(census)
    try:
        study = study_of(flows, by_year, places, totals=totals, weights=weights)
    except ValueError:
        return {}
    year = max(by_year)
    universe = commuting_universe(by_year[year], pl.DataFrame({"zone": study.zones}))
    study = study._replace(census=universe.commuters.sort("origin", "destination"))
    if employment is not None and employment.height and len(by_year) > 1:
        earlier = commuting_universe(by_year[min(by_year)], pl.DataFrame({"zone": places["code"]})).commuters
        study = study._replace(employment=_employment(earlier, study.zones, employment))
    made = estimates(study, recipe)
    stamp = {
        "census_year": pl.lit(year, dtype=pl.Int16),
        "recipe": pl.lit(recipe.name),
        "parameters_hash": pl.lit(recipe.parameters_hash),
    }
    compared = compare_with_census(study, made, recipe)
    bias = bias_by_class(study, made, recipe, masts, classes_of_areas(places, study.zones))
    judged = pl.concat([compared, compare_held_out(study, recipe)], how="vertical_relaxed")
    residuals = residuals_of_zones(study, made)
    return {
        COMPARISONS: judged.with_columns(**stamp, zones=pl.lit(len(study.zones), dtype=pl.Int32)),
        BIAS: bias.rename({"estimate_flow": "estimated_flow", "reference": "census_flow"}).with_columns(**stamp),
        PAIRS: with_positions(pairs_compared(study), places).with_columns(**stamp),
        LEVELS: levels_of_validation(study, made, compared, recipe).with_columns(**stamp),
        RESIDUALS: residuals.join(
            on_a_plane(places).rename({"code": "zone"}), on="zone", how="left", maintain_order="left"
        ).with_columns(**stamp),
        PARTS: universe.parts.with_columns(**stamp),
    }


def _employment(earlier: pl.DataFrame, zones: pl.Series, employment: pl.DataFrame) -> Mapping[str, pl.DataFrame] | str:
    try:
        return employment_margins(earlier, zones, employment)
    except ValueError as error:
        return str(error)


def classes_of_areas(places: pl.DataFrame, zones: pl.Series) -> pl.DataFrame | None:
    """Classes of zones of residence: area, rurality and district, each where two classes at least are known."""
    known = places.filter(pl.col("code").is_in(zones.implode())).select(area="code")
    for column, source in (("rurality", "rurality"), ("district", "district_name")):
        if source in places.columns and places[source].n_unique() > 1:
            named = places.select(area="code", **{column: pl.col(source).fill_null(NO_CLASS)})
            known = known.join(named, on="area", how="left", maintain_order="left")
    chosen = [c for c in known.columns if c == "area" or known[c].n_unique() > 1]
    return known.select(chosen) if len(chosen) > 1 else None


def census_years(census: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """Tables of the latest two years of a geography: year to origin, destination, flow."""
    years = census["census_year"].unique().sort(descending=True).to_list()[:2]
    return {
        int(year): census.filter(pl.col("census_year") == year).select(
            "origin", "destination", flow=pl.col("persons").cast(pl.Float64)
        )
        for year in years
    }


def study_of(
    flows: pl.DataFrame,
    census: Mapping[int, pl.DataFrame],
    places: pl.DataFrame,
    *,
    most_zones: int | None = None,
    totals: pl.DataFrame | None = None,
    weights: pl.DataFrame | None = None,
) -> StudyFlows:
    """Study area of a delivery and the latest census, with coverage, weights and margins as far as they are known.

    Raises ValueError for fewer than two zones, and for more than `most_zones`.
    """
    years = sorted(census, reverse=True)
    zones = flows["origin"].unique()
    if most_zones is not None and len(zones) > most_zones:
        raise ValueError(f"{len(zones)} zones; expected at most {most_zones}")
    study = study_flows(flows, census[years[0]], census[years[1]] if len(years) > 1 else None, places)
    if len(study.zones) < 2:
        raise ValueError(f"{len(study.zones)} zones in delivery, census and places; expected two at least")
    margins = {} if totals is None else margins_between(flows, totals, study.zones)
    known = None if weights is None else weights.filter(pl.col("area").is_in(study.zones.implode()))
    if known is None or known.is_empty():
        return study._replace(margins=margins)
    coverage = known.filter((pl.col("devices") > 0) & (pl.col("residents") > 0))
    rated = known.filter(pl.col("status").is_in(["raked", "start"]))
    return study._replace(
        margins=margins,
        coverage=coverage.select("area", population="residents", users="devices") if coverage.height else None,
        weights=rated.select("area", "weight").drop_nulls() if rated.height else None,
    )


def on_a_plane(places: pl.DataFrame) -> pl.DataFrame:
    """Centres of zones on a plane, for maps: code, x_km, y_km."""
    shrink = pl.col("latitude").mean().radians().cos()
    return places.select(
        "code",
        x_km=pl.coalesce("easting_km", pl.col("longitude") * _PLANE_KM["lon"] * shrink),
        y_km=pl.coalesce("northing_km", pl.col("latitude") * _PLANE_KM["lat"]),
    )


def with_positions(pairs: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Pairs with the centres of both zones on a plane, in km."""
    plane = on_a_plane(places)
    for side in ("origin", "destination"):
        centre = plane.rename({"code": side, "x_km": f"{side}_x_km", "y_km": f"{side}_y_km"})
        pairs = pairs.join(centre, on=side, how="left", maintain_order="left")
    return pairs


ASSETS = [phone_flow_comparisons]
