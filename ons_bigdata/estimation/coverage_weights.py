"""Flows of users adjusted for the coverage of areas: inverse penetration and selection rate."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.estimation.schemas import AdjustedFlow

if TYPE_CHECKING:
    from numpy.typing import NDArray

WeightBy = Literal["origin", "destination", "both"]

RATES = np.arange(1, 301) / 100
"""Rates among which a benchmark chooses: 0.01, 0.02, … 3."""


def inverse_penetration(
    flows: pl.DataFrame | pl.LazyFrame,
    coverage: pl.DataFrame | pl.LazyFrame,
    *,
    weight_by: WeightBy = "origin",
) -> pl.DataFrame:
    """Flows divided by the penetration of their areas.

    `flows`: origin, destination (text or whole numbers), flow (finite, ≥ 0), one row per cell; further columns pass
    through. `coverage`: area, population (> 0), users (> 0) of each area by which is weighted; the penetration is
    users / population. `weight_by`: "origin", "destination", or "both", the geometric mean of the two penetrations.
    Returns the rows of `flows` in their order with `flow_adjusted` (Float64) added.

    Raises ValueError on missing columns, repeated cells or areas, negative or missing numbers, areas without users or
    population, and areas of the flows without coverage.

    Source: inverse probability weighting by area, as in Horvitz & Thompson, Journal of the American Statistical
    Association 47 (1952) 663–685.
    """
    cells = _cells(eager_frame(flows, "flows"))
    refuse_unknown("weight_by", weight_by, get_args(WeightBy))
    areas = _coverage(eager_frame(coverage, "coverage"), cells)
    return _weighted(cells, areas, (areas["population"] / areas["users"]).to_numpy(), weight_by)


def selection_rate(
    flows: pl.DataFrame | pl.LazyFrame,
    coverage: pl.DataFrame | pl.LazyFrame,
    covariate: pl.DataFrame | pl.LazyFrame,
    *,
    weight_by: WeightBy = "origin",
    rate: float | None = None,
    benchmark: pl.DataFrame | pl.LazyFrame | None = None,
) -> pl.DataFrame:
    """Flows divided by a probability of selection between the penetration of their areas and an overall rate.

    The weight of an area is 1 / (I p + (1 - I) r): p its penetration, I its covariate in [0, 1] (such as activity or
    internet access), r the rate. `flows` and `coverage` as for `inverse_penetration`. `covariate`: area, covariate; one
    outside [0, 1] is rescaled by its minimum and maximum; an area without a value has I = 1, which is p alone.

    `rate`: r; None for Σ users / Σ population of `coverage`. `benchmark` (origin, destination, flow; rows of any
    pairs): r is the value of `RATES` for which Σ over origins of |adjusted - benchmark| is smallest, over the origins
    of the flows that the benchmark has; the smaller of equals. Not together with `rate`.

    Returns the rows of `flows` in their order with `flow_adjusted` added. Raises ValueError as `inverse_penetration`,
    and for a rate that is not positive, a covariate that is not finite or constant outside [0, 1], a benchmark without
    an origin of the flows, and a rate given with a benchmark.

    Source: Chi, Abel, Johnston, Giraudy, Bailey, Measuring global migration flows using online data, PNAS 122 (2025).
    """
    cells = _cells(eager_frame(flows, "flows"))
    refuse_unknown("weight_by", weight_by, get_args(WeightBy))
    areas = _coverage(eager_frame(coverage, "coverage"), cells)
    index = _covariate(eager_frame(covariate, "covariate"), areas)
    penetration = (areas["users"] / areas["population"]).to_numpy()
    if rate is not None and benchmark is not None:
        message = "rate and benchmark are given; expected at most one of them"
        raise ValueError(message)
    if rate is not None and not (isfinite(rate) and rate > 0):
        message = f"rate is {rate}; expected a positive number"
        raise ValueError(message)
    if benchmark is not None:
        totals = _cells(eager_frame(benchmark, "benchmark"), "benchmark")
        rate = _calibrated_rate(cells, areas, penetration, index, totals, weight_by)
    elif rate is None:
        rate = float(areas["users"].sum()) / float(areas["population"].sum())
    return _weighted(cells, areas, _weights(penetration, index, rate), weight_by)


def _weights(penetration: NDArray[np.float64], index: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    return 1 / (index * penetration + (1 - index) * rate)


def _codes(cells: pl.DataFrame, areas: pl.DataFrame, side: str) -> NDArray[np.int64]:
    """Row in `areas` of the origin or destination of each cell."""
    keyed = areas.select("area").with_row_index("code")
    plain = cells.select(pl.col(side).cast(areas.schema["area"]))
    joined = plain.join(keyed, left_on=side, right_on="area", how="left", maintain_order="left")
    return joined["code"].cast(pl.Int64).to_numpy()


def _side_codes(cells: pl.DataFrame, areas: pl.DataFrame, weight_by: WeightBy) -> list[NDArray[np.int64]]:
    sides = ("origin", "destination") if weight_by == "both" else (weight_by,)
    return [_codes(cells, areas, side) for side in sides]


def _factors(weights: NDArray[np.float64], codes: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Weight of each cell: that of its area, or the geometric mean of those of both."""
    factor = np.ones(len(codes[0]))
    for code in codes:
        factor = factor * weights[code] ** (1 / len(codes))
    return factor


def _weighted(
    cells: pl.DataFrame, areas: pl.DataFrame, weights: NDArray[np.float64], weight_by: WeightBy
) -> pl.DataFrame:
    factor = _factors(weights, _side_codes(cells, areas, weight_by))
    result = cells.with_columns(flow_adjusted=pl.col("flow").cast(pl.Float64) * pl.Series(factor, dtype=pl.Float64))
    AdjustedFlow.validate(result.select("flow", "flow_adjusted"), cast=True)
    return result


def _cells(flows: pl.DataFrame, name: str = "flows") -> pl.DataFrame:
    refuse_missing_columns(flows, ("origin", "destination", "flow"), name)
    refuse_no_keys(flows, ("origin", "destination"), name)
    refuse_no_numbers(flows, ("flow",), name)
    if "flow_adjusted" in flows.columns:
        message = f"{name} has a column flow_adjusted already; drop or rename it"
        raise ValueError(message)
    flow = pl.col("flow").cast(pl.Float64)
    refuse_rows(
        flows.select("origin", "destination", "flow"),
        {
            "no origin": pl.col("origin").is_null(),
            "no destination": pl.col("destination").is_null(),
            "no flow": flow.is_null(),
            "a flow that is not finite": ~flow.is_finite(),
            "a negative flow": flow < 0,
        },
        name,
    )
    refuse_repeated(flows, ("origin", "destination"), name)
    return flows


def _coverage(coverage: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """Coverage with plain types, for all areas of the flows."""
    name = "coverage"
    refuse_missing_columns(coverage, ("area", "population", "users"), name)
    refuse_no_keys(coverage, ("area",), name)
    refuse_no_numbers(coverage, ("population", "users"), name)
    is_whole = cells.schema["origin"].is_integer()
    if coverage.schema["area"].is_integer() != is_whole:
        message = f"{name}: column area is {coverage.schema['area']}; in flows origin is {cells.schema['origin']}"
        raise ValueError(message)
    plain = pl.Int64 if is_whole else pl.String
    areas = coverage.select(pl.col("area").cast(plain), pl.col("population", "users").cast(pl.Float64))
    refuse_rows(
        areas,
        {
            "no area": pl.col("area").is_null(),
            "no positive population": ~(pl.col("population").fill_null(0) > 0) | ~pl.col("population").is_finite(),
            "no users": ~(pl.col("users").fill_null(0) > 0) | ~pl.col("users").is_finite(),
        },
        name,
    )
    refuse_repeated(areas, ("area",), name)
    for side in ("origin", "destination"):
        absent = cells.select(pl.col(side).cast(plain)).filter(~pl.col(side).is_in(areas["area"].implode()))
        refuse_rows(absent.unique(maintain_order=True), {"an area without coverage": pl.lit(value=True)}, "flows")
    return areas


def _covariate(covariate: pl.DataFrame, areas: pl.DataFrame) -> NDArray[np.float64]:
    """Covariate of each area in [0, 1]; 1 where it is missing."""
    name = "covariate"
    refuse_missing_columns(covariate, ("area", "covariate"), name)
    refuse_no_keys(covariate, ("area",), name)
    refuse_no_numbers(covariate, ("covariate",), name)
    values = covariate.select(pl.col("area").cast(areas.schema["area"]), pl.col("covariate").cast(pl.Float64))
    refuse_rows(values, {"a covariate that is not finite": ~pl.col("covariate").is_finite()}, name)
    refuse_repeated(values, ("area",), name)
    joined = areas.select("area").join(values, on="area", how="left", maintain_order="left")["covariate"]
    given = joined.drop_nulls()
    if given.is_empty():
        message = f"{name} has no value for an area of the coverage"
        raise ValueError(message)
    low, high = float(given.min()), float(given.max())  # type: ignore[arg-type]
    if low < 0 or high > 1:
        if low == high:
            message = f"{name} is {low} in all areas; expected values in [0, 1], or different ones to rescale"
            raise ValueError(message)
        joined = (joined - low) / (high - low)
    return joined.fill_null(1.0).to_numpy()


def _calibrated_rate(
    cells: pl.DataFrame,
    areas: pl.DataFrame,
    penetration: NDArray[np.float64],
    index: NDArray[np.float64],
    benchmark: pl.DataFrame,
    weight_by: WeightBy,
) -> float:
    """Rate for which the totals of origins are nearest to those of the benchmark."""
    totals = benchmark.group_by(pl.col("origin").cast(areas.schema["area"])).agg(
        target=pl.col("flow").cast(pl.Float64).sum()
    )
    wanted = areas.select("area").join(totals, left_on="area", right_on="origin", how="left", maintain_order="left")
    target = wanted["target"].fill_null(float("nan")).to_numpy()
    origin = _codes(cells, areas, "origin")
    compared = np.zeros(areas.height, dtype=bool)
    compared[origin] = True
    compared &= np.isfinite(target)
    if not compared.any():
        message = "benchmark has no origin of the flows"
        raise ValueError(message)
    flow = cells["flow"].cast(pl.Float64).to_numpy()
    codes = _side_codes(cells, areas, weight_by)
    deviations = []
    for rate in RATES:
        adjusted = flow * _factors(_weights(penetration, index, float(rate)), codes)
        sums = np.bincount(origin, adjusted, minlength=areas.height)
        deviations.append(np.abs(sums - target)[compared].sum())
    return float(RATES[int(np.argmin(deviations))])
