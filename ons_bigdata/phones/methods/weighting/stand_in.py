"""The cost of letting one segment of customers (contract) stand in for the others (pay-as-you-go)."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)

Frame = pl.DataFrame | pl.LazyFrame

KEY = ["origin", "destination"]


def stand_in_flows(flows: Frame, coverage: Frame, *, stand_in: str = "contract") -> pl.DataFrame:
    """Flows weighted by segment, and flows in which one segment stands in for all.

    `flows`: origin, destination, segment, flow (devices, ≥ 0). `coverage`: area, segment, population (persons whom the
    segment stands for), devices (with a home in the area, > 0). Each segment is weighted by population / devices of
    its origin; `stand_in` by the population of all segments over its devices.

    Returns origin, destination, flow_full, flow_stand_in (persons), sorted by pair. Raises ValueError on faulty
    frames, a segment without devices in an area with population, and an unknown segment.
    """
    cells, areas = eager_frame(flows, "flows"), eager_frame(coverage, "coverage")
    refuse_missing_columns(cells, (*KEY, "segment", "flow"), "flows")
    refuse_missing_columns(areas, ("area", "segment", "population", "devices"), "coverage")
    refuse_no_numbers(cells, ("flow",), "flows")
    refuse_no_numbers(areas, ("population", "devices"), "coverage")
    refuse_unknown("stand_in", stand_in, sorted(areas["segment"].unique().to_list()))
    refuse_repeated(cells, (*KEY, "segment"), "flows")
    refuse_repeated(areas, ("area", "segment"), "coverage")
    flow = pl.col("flow").cast(pl.Float64)
    refuse_rows(
        cells.select(*KEY, "segment", "flow"),
        {"no flow": ~flow.fill_null(float("nan")).is_finite(), "a negative flow": flow < 0},
        "flows",
    )
    rates = areas.select(
        origin="area",
        segment="segment",
        population=pl.col("population").cast(pl.Float64),
        devices=pl.col("devices").cast(pl.Float64),
        everybody=pl.col("population").cast(pl.Float64).sum().over("area"),
    )
    refuse_rows(
        rates.drop("everybody"),
        {
            "no population, or a negative one": ~(pl.col("population").fill_null(-1) >= 0),
            "no devices to weight": ~(pl.col("devices").fill_null(0) > 0),
        },
        "coverage",
    )
    joined = cells.select(*KEY, "segment", flow).join(rates, on=["origin", "segment"], how="left")
    refuse_rows(
        joined.select("origin", "segment", "devices"),
        {"no coverage of the origin and segment": pl.col("devices").is_null()},
        "flows",
    )
    is_stand_in = pl.col("segment") == stand_in
    weighted = joined.select(
        *KEY,
        flow_full=pl.col("flow") * pl.col("population") / pl.col("devices"),
        flow_stand_in=pl.when(is_stand_in)
        .then(pl.col("flow") * pl.col("everybody") / pl.col("devices"))
        .otherwise(0.0),
    )
    return weighted.group_by(KEY).agg(pl.col("flow_full", "flow_stand_in").sum()).sort(KEY)


def stand_in_cost(
    flows: Frame, coverage: Frame, classes: Frame, *, stand_in: str = "contract", draws: int = 1000, seed: int = 0
) -> pl.DataFrame:
    """Signed bias, by class of pairs, of letting one segment stand in for the others.

    `flows`, `coverage` and `stand_in` as for `stand_in_flows`; `classes` as for
    `estimation.flow_validation.class_bias.signed_bias`, whose rows it returns: log(flow_stand_in / flow_full), with
    intervals of resamples of origins. It measures the bias against weighting by segment, not against the truth.
    """
    both = stand_in_flows(flows, coverage, stand_in=stand_in)
    stand, full = (both.select(*KEY, flow=column) for column in ("flow_stand_in", "flow_full"))
    return signed_bias(stand, full, classes, scale="none", draws=draws, seed=seed)
