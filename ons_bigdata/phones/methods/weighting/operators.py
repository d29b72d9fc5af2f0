"""Flows of several operators as one table, and how far they disagree."""

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
from ons_bigdata.phones.schemas.weights import CombinedFlow

Frame = pl.DataFrame | pl.LazyFrame

KEY = ["origin", "destination"]


def combine_operators(flows: Frame, weights: Frame) -> pl.DataFrame:
    """Flows of several operators pooled by pair: all devices over the sum of their rates.

    `flows`: operator, origin, destination, flow (devices, ≥ 0; null where suppressed), optionally status (as in
    `estimation.flows.compare_flows`), flow_lower, flow_upper (bounds where suppressed). `weights`: operator, area,
    weight (persons per device, > 0). An operator has supplied a pair if it has weights for the origin and the pair is
    not marked not_supplied; a pair that it does not list has no devices. A suppressed count is the middle of its
    bounds.

    If y_k devices of operator k are Poisson with mean T / w_k, the maximum likelihood estimate of T is Σ y / Σ (1 / w):
    an operator with few devices counts for little, and one without devices of a pair still counts. Disagreement is
    Pearson's Σ (y_k - T / w_k)² / (T / w_k).

    Returns origin, destination, flow, flow_lower, flow_upper, weight, flow_adjusted, operators, disagreement
    (`CombinedFlow`), sorted by pair, of all pairs that an operator lists and one at least supplied. Raises ValueError
    on faulty frames, suppressed counts without bounds and origins of an operator without a weight.
    """
    cells, rates = _cells(eager_frame(flows, "flows")), _weights(eager_frame(weights, "weights"))
    if cells.schema["origin"].is_integer() != rates.schema["area"].is_integer():
        message = f"weights: column area is {rates.schema['area']}; in flows origin is {cells.schema['origin']}"
        raise ValueError(message)
    rates = rates.with_columns(pl.col("area").cast(cells.schema["origin"]))
    covered = rates.rename({"area": "origin"})
    without = cells.join(covered, on=["operator", "origin"], how="anti").select("operator", *KEY)
    refuse_rows(without, {"an origin without a weight of the operator": pl.lit(value=True)}, "flows")
    pairs = cells.select(KEY).unique().sort(KEY)
    every = pairs.join(covered, on="origin", how="inner").join(cells, on=["operator", *KEY], how="left")
    supplied = every.filter(~pl.col("is_out").fill_null(value=False)).with_columns(
        pl.col("flow", "flow_lower", "flow_upper").fill_null(0.0)
    )
    pooled = supplied.with_columns(rate=1 / pl.col("weight")).with_columns(
        mean=pl.col("rate") * (pl.col("flow").sum() / pl.col("rate").sum()).over(KEY)
    )
    result = (
        pooled.group_by(KEY)
        .agg(
            pl.col("flow", "flow_lower", "flow_upper").sum(),
            weight=1 / pl.col("rate").sum(),
            operators=pl.len().cast(pl.Int64),
            disagreement=((pl.col("flow") - pl.col("mean")) ** 2 / pl.col("mean")).sum(),
        )
        .with_columns(
            flow_adjusted=pl.col("flow") * pl.col("weight"),
            disagreement=pl.when((pl.col("operators") > 1) & (pl.col("flow") > 0)).then("disagreement"),
        )
        .select(*KEY, *CombinedFlow.column_names())
        .sort(KEY)
    )
    CombinedFlow.validate(result.drop(KEY), cast=True)
    return result


def operator_dispersion(combined: Frame, *, least_flow: float = 5.0) -> float | None:
    """Dispersion of the operators' counts: their disagreement over its degrees of freedom.

    `combined`: as `combine_operators` returns it; pairs with fewer than `least_flow` devices or with suppressed counts
    are left out. 1 if counts are Poisson with the given weights; above, operators see different populations. None
    without such a pair of two operators.
    """
    table = eager_frame(combined, "combined")
    refuse_missing_columns(table, ("flow", "flow_lower", "flow_upper", "operators", "disagreement"), "combined")
    used = table.filter(
        pl.col("disagreement").is_not_null()
        & (pl.col("flow") >= least_flow)
        & (pl.col("flow_lower") == pl.col("flow_upper"))
    )
    freedom = int((used["operators"] - 1).sum())
    return float(used["disagreement"].sum()) / freedom if freedom else None


def _cells(flows: pl.DataFrame) -> pl.DataFrame:
    bounds = ("flow_lower", "flow_upper")
    refuse_missing_columns(flows, ("operator", *KEY, "flow"), "flows")
    refuse_no_keys(flows, ("operator", *KEY), "flows")
    refuse_no_numbers(flows, ("flow", *(name for name in bounds if name in flows.columns)), "flows")
    optional = {"status": pl.String, "flow_lower": pl.Float64, "flow_upper": pl.Float64}
    table = flows.select(
        "operator",
        *KEY,
        pl.col("flow").cast(pl.Float64),
        *(
            (pl.col(name) if name in flows.columns else pl.lit(None)).cast(kind).alias(name)
            for name, kind in optional.items()
        ),
    )
    out = pl.col("status").fill_null("observed") == "not_supplied"
    refuse_rows(
        table,
        {
            "a negative flow or bound": pl.min_horizontal("flow", *bounds) < 0,
            "flow_lower above flow_upper": pl.col("flow_lower") > pl.col("flow_upper"),
            "no flow and no bounds": pl.col("flow").is_null() & pl.any_horizontal(pl.col(bounds).is_null()) & ~out,
        },
        "flows",
    )
    refuse_repeated(table, ("operator", *KEY), "flows")
    middle = pl.coalesce("flow", (pl.col("flow_lower") + pl.col("flow_upper")) / 2)
    return table.select(
        "operator",
        *KEY,
        flow=middle,
        flow_lower=pl.coalesce("flow", "flow_lower"),
        flow_upper=pl.coalesce("flow", "flow_upper"),
        is_out=out,
    )


def _weights(weights: pl.DataFrame) -> pl.DataFrame:
    refuse_missing_columns(weights, ("operator", "area", "weight"), "weights")
    refuse_no_numbers(weights, ("weight",), "weights")
    table = weights.select("operator", "area", pl.col("weight").cast(pl.Float64))
    refuse_rows(table, {"no positive weight": ~(pl.col("weight").fill_null(0) > 0)}, "weights")
    refuse_repeated(table, ("operator", "area"), "weights")
    return table
