"""Start weights: persons that a device of the operator stands for, from ownership, devices per owner, market share."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.phones.schemas.weights import ExpansionWeight, WeightedFlow

Frame = pl.DataFrame | pl.LazyFrame

RATES = ("ownership", "devices_per_owner", "market_share")


def expansion_weights(rates: Frame) -> pl.DataFrame:
    """Weights 1 / (ownership · devices per owner · market share) of areas, with their relative errors.

    `rates`: area, optionally segment (contract, payg, …), ownership (share of persons with a phone, above 0 to 1),
    devices_per_owner (above 0), market_share (the operator's share of devices, above 0 to 1), and the standard error
    of each: ownership_error, devices_per_owner_error, market_share_error (≥ 0). One row per area and segment. Devices
    per owner count devices that the specification lets through: it is above 1 where second phones are in.

    Returns the rows with `weight` and `weight_error`, √Σ (error / rate)²: errors of the three rates are taken as
    independent, and as small enough for the first-order formula. Raises ValueError on faulty frames.
    """
    table = eager_frame(rates, "rates")
    keys = ["area", *(["segment"] if "segment" in table.columns else [])]
    numbers = [*RATES, *(f"{rate}_error" for rate in RATES)]
    refuse_missing_columns(table, (*keys, *numbers), "rates")
    refuse_no_keys(table, keys, "rates")
    refuse_no_numbers(table, numbers, "rates")
    table = table.with_columns(pl.col(numbers).cast(pl.Float64))
    faults = {f"no {key}": pl.col(key).is_null() for key in keys}
    for number in numbers:
        faults[f"no {number}, or one that is not finite"] = ~pl.col(number).fill_null(float("nan")).is_finite()
    for rate in RATES:
        faults[f"{rate} of 0 or less"] = pl.col(rate) <= 0
        faults[f"a negative {rate}_error"] = pl.col(f"{rate}_error") < 0
    for rate in ("ownership", "market_share"):
        faults[f"{rate} above 1"] = pl.col(rate) > 1
    refuse_rows(table.select(*keys, *numbers), faults, "rates")
    refuse_repeated(table, keys, "rates")
    product = pl.lit(1.0)
    relative = pl.lit(0.0)
    for rate in RATES:
        product = product * pl.col(rate)
        relative = relative + (pl.col(f"{rate}_error") / pl.col(rate)) ** 2
    result = table.with_columns(weight=1 / product, weight_error=relative.sqrt())
    ExpansionWeight.validate(result.select("weight", "weight_error"), cast=True)
    return result


def weight_flows(flows: Frame, weights: Frame) -> pl.DataFrame:
    """Flows times the weight of their origin (and segment).

    `flows`: origin, destination, flow (devices; null where suppressed), segment if the weights have it; one row per
    cell. `weights`: area, optionally segment, weight, weight_error, as `expansion_weights` returns them. Returns the
    rows of `flows` in their order with weight, weight_error and flow_adjusted (persons; null where flow is). Raises
    ValueError on faulty frames and on an origin without a weight.
    """
    cells, table = eager_frame(flows, "flows"), eager_frame(weights, "weights")
    keys = ["area", *(["segment"] if "segment" in table.columns else [])]
    refuse_missing_columns(table, (*keys, "weight", "weight_error"), "weights")
    sides = ["origin", *keys[1:]]
    refuse_missing_columns(cells, ("origin", "destination", *keys[1:], "flow"), "flows")
    refuse_no_numbers(cells, ("flow",), "flows")
    refuse_no_numbers(table, ("weight", "weight_error"), "weights")
    if cells.schema["origin"].is_integer() != table.schema["area"].is_integer():
        message = f"weights: column area is {table.schema['area']}; in flows origin is {cells.schema['origin']}"
        raise ValueError(message)
    refuse_repeated(table, keys, "weights")
    refuse_repeated(cells, ("origin", "destination", *keys[1:]), "flows")
    flow = pl.col("flow").cast(pl.Float64)
    refuse_rows(
        cells.select("origin", "destination", "flow"),
        {"a flow that is not finite": ~flow.is_finite(), "a negative flow": flow < 0},
        "flows",
    )
    added = table.select(pl.col("area").cast(cells.schema["origin"]), *keys[1:], "weight", "weight_error")
    joined = cells.join(added, left_on=sides, right_on=keys, how="left", maintain_order="left")
    refuse_rows(joined.select(*sides, "weight"), {"no weight of the origin": pl.col("weight").is_null()}, "flows")
    result = joined.with_columns(flow, flow_adjusted=flow * pl.col("weight"))
    WeightedFlow.validate(result.select("flow", "weight", "weight_error", "flow_adjusted"), cast=True)
    return result
