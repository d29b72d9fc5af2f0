"""Estimated against official migration: coverage and bias of areas, agreement of rates and of the sign of net moves.

Flows between areas are compared by `estimation.flows.compare_flows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtri

from ons_bigdata.estimation.input_checks import (
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.estimation.schemas import FlowMetric
from ons_bigdata.tweets.schemas.migration_comparison import AreaBias, AreaCoverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNDEFINED_SHARE = 0.05
"""Share of resamples without a value above which a metric has no interval."""


def wilson_interval(successes: pl.Expr, trials: pl.Expr, confidence: float) -> tuple[pl.Expr, pl.Expr]:
    """Ends of the score interval of a share, also where the share is 0 or 1.

    Source: Wilson, Journal of the American Statistical Association 22 (1927) 209–212.
    """
    z = float(ndtri((1 + confidence) / 2))
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * (1 - share) / trials + z * z / (4 * trials * trials)).sqrt()
    lower = pl.when(successes == 0).then(0.0).otherwise((centre - half).clip(0.0, 1.0))  # exactly, not to rounding
    upper = pl.when(successes == trials).then(1.0).otherwise((centre + half).clip(0.0, 1.0))
    return lower, upper


def coverage(users: pl.DataFrame, residents: pl.DataFrame, *, confidence: float = 0.95) -> pl.DataFrame:
    """Users per resident of each area, with the score interval of that share, and its bias.

    `users`: area, users; an area without a row has none. `residents`: area, residents (persons, > 0), all areas. The
    bias is log(penetration / penetration of all areas together): 0 where users are as frequent as everywhere. Returns
    `AreaCoverage` rows in the order of `residents`. More users than residents (visitors taken for residents) have no
    interval, with the reason.

    Raises ValueError on missing columns, repeated areas, users of an area without residents, and numbers below 0.
    """
    _refuse_confidence(confidence)
    for frame, name, column in ((users, "users", "users"), (residents, "residents", "residents")):
        refuse_missing_columns(frame, ("area", column), name)
        refuse_no_numbers(frame, (column,), name)
        refuse_repeated(frame, ("area",), name)
    refuse_rows(
        users.select("area", "users"), {"no number of 0 or more": ~(pl.col("users").fill_null(-1) >= 0)}, "users"
    )
    refuse_rows(
        residents.select("area", "residents"), {"no residents": ~(pl.col("residents").fill_null(0) > 0)}, "residents"
    )
    strangers = users.join(residents, on="area", how="anti")
    refuse_rows(strangers.select("area", "users"), {"an area without residents": pl.lit(value=True)}, "users")
    both = (
        residents.select("area", pl.col("residents").cast(pl.Float64))
        .join(users.select("area", pl.col("users").cast(pl.Int64)), on="area", how="left", maintain_order="left")
        .with_columns(pl.col("users").fill_null(0))
    )
    overall = pl.col("users").sum() / pl.col("residents").sum()
    is_share = pl.col("users") <= pl.col("residents")
    lower, upper = wilson_interval(pl.col("users"), pl.col("residents"), confidence)
    has_users = pl.col("users") > 0
    reason = (
        pl.when(~is_share)
        .then(pl.lit("more users than residents"))
        .when(~has_users)
        .then(pl.lit("no users: the logarithm is not defined"))
    )
    result = both.with_columns(penetration=pl.col("users") / pl.col("residents")).select(
        "area",
        "users",
        "residents",
        "penetration",
        pl.when(is_share).then(lower).alias("lower"),
        pl.when(is_share).then(upper).alias("upper"),
        pl.when(has_users).then((pl.col("penetration") / overall).log()).alias("log_bias"),
        reason.alias("reason"),
    )
    return AreaCoverage.validate(result, cast=True)


def area_bias(estimate: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Difference of estimated from official moves of each area: in, out and net.

    `estimate`: area, inflow, outflow (persons, ≥ 0). `reference`: area, inflow, outflow, residents (> 0). Areas of both
    frames are compared; the official figure is the expectation of an unbiased estimate. Returns `AreaBias` rows, three
    per area, in the order of `reference`. A ratio is null, with the reason, where a figure is 0 or for net moves.

    Raises ValueError on missing columns, repeated areas, and missing or negative numbers.
    """
    both = _joined(estimate, reference)
    parts = []
    for direction in ("in", "out", "net"):
        ours, theirs = (_moves(direction, suffix) for suffix in ("", "_reference"))
        is_ratio = (ours > 0) & (theirs > 0) if direction != "net" else pl.lit(value=False)
        reason = "net moves have no ratio" if direction == "net" else "no moves in a table: no ratio"
        parts.append(
            both.select(
                "area",
                pl.lit(direction).alias("direction"),
                ours.alias("estimate"),
                theirs.alias("reference"),
                ((ours - theirs) / pl.col("residents_reference") * 1000).alias("difference_per_1000"),
                pl.when(is_ratio).then((ours / theirs).log()).alias("log_ratio"),
                pl.when(~is_ratio).then(pl.lit(reason)).alias("reason"),
            )
        )
    rows = pl.concat(parts).join(both.select("area").with_row_index("_place"), on="area", how="left")
    return AreaBias.validate(rows.sort("_place", maintain_order=True).drop("_place"), cast=True)


def compare_area_migration(
    estimate: pl.DataFrame,
    reference: pl.DataFrame,
    *,
    minimum_residents: float = 100.0,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Agreement of estimated with official migration over areas, with intervals.

    `estimate`, `reference`: area, inflow, outflow (persons, ≥ 0), residents (estimated and official; in the reference
    > 0). Compared are areas of both frames with at least `minimum_residents` estimated residents; rates are moves per
    resident of the same frame.

    Returns `FlowMetric` rows (metric, value, lower, upper, reason). For the rates `in`, `out` and `net`: `…_slope` of
    the least-squares line with constant of the estimated on the official rate, and `…_correlation` (Pearson).
    `net_sign_agreement`: share of areas with the same sign of net moves, without those whose official net is 0;
    `net_sign_by_chance`: the share if the signs were independent. Counts: `areas`, `areas_left_out`. Intervals: of
    slopes and correlations percentiles of `draws` resamples of areas (seeded; none if 0), of the sign Wilson's.

    Raises ValueError on missing columns, repeated areas, missing or negative numbers, and fewer than 20 draws but 0.
    """
    _refuse_confidence(confidence)
    if draws < 0 or 0 < draws < 20:
        message = f"draws is {draws}; expected 0 or at least 20"
        raise ValueError(message)
    refuse_missing_columns(estimate, ("residents",), "estimate")
    refuse_no_numbers(estimate, ("residents",), "estimate")
    both = _joined(estimate, reference)
    used = both.filter((pl.col("residents") >= minimum_residents) & (pl.col("residents") > 0))
    rows: list[tuple[str, float | None, float | None, float | None, str | None]] = []
    counts = np.random.default_rng(seed).multinomial(used.height, np.full(used.height, 1 / max(used.height, 1)), draws)
    for direction in ("in", "out", "net"):
        ours = used.select(_moves(direction) / pl.col("residents")).to_series().to_numpy()
        theirs = used.select(_moves(direction, "_reference") / pl.col("residents_reference")).to_series().to_numpy()
        rows += _line_metrics(direction, ours, theirs, counts, confidence)
    rows += _sign_metrics(used, confidence)
    rows += [
        ("areas", float(used.height), None, None, "a count: no interval"),
        ("areas_left_out", float(both.height - used.height), None, None, "a count: no interval"),
    ]
    schema = {"metric": pl.String, "value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "reason": pl.String}
    return FlowMetric.validate(pl.DataFrame(rows, schema=schema, orient="row"), cast=True)


class Line(NamedTuple):
    """Slope and correlation of one variable on another; NaN where a variable does not vary."""

    slope: NDArray[np.float64]
    correlation: NDArray[np.float64]


def fitted_line(y: NDArray[np.float64], x: NDArray[np.float64], weights: NDArray[np.float64]) -> Line:
    """Weighted least-squares slope of y on x, with a constant, and the correlation, for each row of weights."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = weights / weights.sum(axis=1, keepdims=True)
        mean_x, mean_y = share @ x, share @ y
        var_x = share @ (x * x) - mean_x**2
        var_y = share @ (y * y) - mean_y**2
        covariance = share @ (x * y) - mean_x * mean_y
        floor = 1e-12
        is_flat_x = var_x <= floor * (share @ (x * x))
        is_flat = is_flat_x | (var_y <= floor * (share @ (y * y)))
        slope = np.where(is_flat_x, np.nan, covariance / var_x)
        correlation = np.where(is_flat, np.nan, covariance / np.sqrt(var_x * var_y))
    return Line(slope, np.clip(correlation, -1.0, 1.0))


def _line_metrics(
    direction: str,
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    counts: NDArray[np.int64],
    confidence: float,
) -> list[tuple[str, float | None, float | None, float | None, str | None]]:
    if len(ours) < 3:
        reason = "fewer than three areas"
        return [(f"{direction}_{name}", None, None, None, reason) for name in Line._fields]
    x, y = theirs - theirs.mean(), ours - ours.mean()
    point = fitted_line(y, x, np.ones((1, len(x))))
    resampled = fitted_line(y, x, counts.astype(np.float64)) if len(counts) else None
    rows: list[tuple[str, float | None, float | None, float | None, str | None]] = []
    for name in Line._fields:
        value = float(getattr(point, name)[0])
        if not np.isfinite(value):
            rows.append((f"{direction}_{name}", None, None, None, "the rates do not vary"))
            continue
        if resampled is None:
            rows.append((f"{direction}_{name}", value, None, None, "no interval: draws is 0"))
            continue
        sample = getattr(resampled, name)
        defined = sample[np.isfinite(sample)]
        if len(defined) < (1 - UNDEFINED_SHARE) * len(sample):
            reason = f"no interval: not defined in {len(sample) - len(defined)} of {len(sample)} resamples"
            rows.append((f"{direction}_{name}", value, None, None, reason))
            continue
        lower, upper = np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
        rows.append((f"{direction}_{name}", value, float(lower), float(upper), None))
    return rows


def _sign_metrics(
    used: pl.DataFrame, confidence: float
) -> list[tuple[str, float | None, float | None, float | None, str | None]]:
    signs = used.select(ours=_moves("net").sign(), theirs=_moves("net", "_reference").sign()).filter(
        pl.col("theirs") != 0
    )
    if signs.is_empty():
        reason = "no area with official net moves"
        return [(name, None, None, None, reason) for name in ("net_sign_agreement", "net_sign_by_chance")]
    ours, theirs = signs["ours"].to_numpy(), signs["theirs"].to_numpy()
    same = float(np.mean(ours == theirs))
    chance = float(sum(np.mean(ours == sign) * np.mean(theirs == sign) for sign in (-1, 1)))
    ends = wilson_interval(pl.lit(same * signs.height), pl.lit(float(signs.height)), confidence)
    lower, upper = pl.select(ends[0].alias("lower"), ends[1].alias("upper")).row(0)
    return [
        ("net_sign_agreement", same, float(lower), float(upper), None),
        ("net_sign_by_chance", chance, None, None, "a level for reading the agreement: no interval"),
    ]


def _moves(direction: str, suffix: str = "") -> pl.Expr:
    inflow, outflow = pl.col(f"inflow{suffix}"), pl.col(f"outflow{suffix}")
    return {"in": inflow, "out": outflow, "net": inflow - outflow}[direction]


def _joined(estimate: pl.DataFrame, reference: pl.DataFrame) -> pl.DataFrame:
    """Rows of areas of both frames in the order of the reference, its columns with the suffix `_reference`."""
    _refuse_faults(estimate, ("inflow", "outflow"), "estimate")
    _refuse_faults(reference, ("inflow", "outflow", "residents"), "reference")
    refuse_rows(
        reference.select("area", "residents"), {"no residents": ~(pl.col("residents").fill_null(0) > 0)}, "reference"
    )
    theirs = reference.select(
        "area", *(pl.col(c).cast(pl.Float64).alias(f"{c}_reference") for c in ("inflow", "outflow", "residents"))
    )
    columns = [c for c in ("inflow", "outflow", "residents") if c in estimate.columns]
    return theirs.join(
        estimate.select("area", pl.col(columns).cast(pl.Float64)), on="area", how="inner", maintain_order="left"
    )


def _refuse_faults(frame: pl.DataFrame, columns: Sequence[str], name: str) -> None:
    refuse_missing_columns(frame, ("area", *columns), name)
    refuse_no_numbers(frame, columns, name)
    refuse_repeated(frame, ("area",), name)
    faults = {
        f"no {column} of 0 or more": ~(pl.col(column).cast(pl.Float64).fill_null(-1).fill_nan(-1) >= 0)
        for column in columns
    }
    refuse_rows(frame.select("area", *columns), faults, name)


def _refuse_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a number between 0 and 1"
        raise ValueError(message)
