"""Intervals of weighted flows: a count model for single flows, resamples of origin zones for totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import gammainc, roots_hermitenorm
from scipy.stats import t

from ons_bigdata.estimation.flow_validation.class_bias import LEAST_ORIGINS, origin_draws
from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.phones.schemas.weights import FlowInterval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Frame = pl.DataFrame | pl.LazyFrame

PRIOR = 0.5
"""Shape added to a count: the reference prior of a Poisson mean."""


def flow_intervals(flows: Frame, *, dispersion: float, confidence: float = 0.95) -> pl.DataFrame:
    """Intervals of single weighted flows, from the count of devices and the error of the weight.

    `flows`: origin, destination, flow (devices, ≥ 0; null where suppressed), weight (persons per device, > 0),
    weight_error (its relative standard error); optionally flow_lower and flow_upper, bounds of suppressed counts;
    further columns pass through. `dispersion`: variance of a count over its mean (1 is Poisson; `operator_dispersion`
    and `fit_deterrence` estimate it).

    The mean count has the posterior Gamma((y + ½) / φ, scale φ), φ the dispersion; the weight is log-normal with the
    given error around it. The interval has the central `confidence` of their product. A suppressed flow has the lower
    end of its lower bound and the upper end of its upper one.

    Returns the rows in their order with flow_adjusted, lower, upper, reason. Raises ValueError on faulty frames and a
    dispersion below 1. An interval of a single flow says nothing about a bias that all flows share.

    Source: Jeffreys, Theory of Probability (1961), 3.6; quasi-Poisson: McCullagh & Nelder, Generalized Linear Models
    (1989), 6.2.
    """
    table = eager_frame(flows, "flows")
    names = ("flow", "weight", "weight_error")
    refuse_missing_columns(table, ("origin", "destination", *names), "flows")
    refuse_repeated(table, ("origin", "destination", *(["segment"] if "segment" in table.columns else [])), "flows")
    bounds = [name for name in ("flow_lower", "flow_upper") if name in table.columns]
    refuse_no_numbers(table, (*names, *bounds), "flows")
    if not (np.isfinite(dispersion) and dispersion >= 1):
        message = f"dispersion is {dispersion}; expected a number of at least 1"
        raise ValueError(message)
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a number between 0 and 1"
        raise ValueError(message)
    numbers = table.select(
        "origin",
        "destination",
        *(pl.col(name).cast(pl.Float64) for name in names),
        low=pl.coalesce(*(pl.col(name).cast(pl.Float64) for name in ("flow_lower", "flow") if name in table.columns)),
        high=pl.coalesce(*(pl.col(name).cast(pl.Float64) for name in ("flow_upper", "flow") if name in table.columns)),
    )
    refuse_rows(
        numbers,
        {
            "a negative flow or bound": pl.min_horizontal("flow", "low", "high") < 0,
            "flow_lower above flow_upper": pl.col("low") > pl.col("high"),
            "no positive weight": ~(pl.col("weight").fill_null(0) > 0),
            "no weight_error, or a negative one": ~(pl.col("weight_error").fill_null(-1) >= 0),
        },
        "flows",
    )
    tail = (1 - confidence) / 2
    low, high, weight, error = (
        numbers[name].fill_null(np.nan).to_numpy() for name in ("low", "high", "weight", "weight_error")
    )
    has = np.isfinite(low) & np.isfinite(high)
    lower, upper = (
        weight * _quantiles(np.where(has, count, 0.0), error, dispersion, level)
        for count, level in ((low, tail), (high, 1 - tail))
    )
    is_bounded = has & (high > low)
    reason = np.where(
        ~has, "suppressed without bounds", np.where(is_bounded, "includes the bounds of a suppressed count", "")
    )
    result = table.with_columns(
        flow_adjusted=pl.Series(numbers["flow"] * numbers["weight"]),
        lower=pl.Series(np.where(has, lower, np.nan)).fill_nan(None),
        upper=pl.Series(np.where(has, upper, np.nan)).fill_nan(None),
        reason=pl.Series(reason).replace("", None),
    )
    FlowInterval.validate(result.select("flow_adjusted", "lower", "upper", "reason"), cast=True)
    return result


def _quantiles(
    counts: NDArray[np.float64], error: NDArray[np.float64], dispersion: float, level: float
) -> NDArray[np.float64]:
    """Quantile of Gamma((y + ½) / φ, φ) × log-normal(0, error) of each count, by halving; equal inputs once."""
    cases, place = np.unique(np.stack([counts, error], axis=1), axis=0, return_inverse=True)
    shape, spread = (cases[:, 0] + PRIOR) / dispersion, cases[:, 1]
    nodes, weights = roots_hermitenorm(31)
    weights = weights / weights.sum()
    multiple = np.exp(-spread[:, None] * nodes)  # cases × nodes
    low = np.full(len(cases), -60.0)
    high = np.log(cases[:, 0] + 40 * dispersion + 10 * np.sqrt(dispersion * (cases[:, 0] + 1))) + 8 * spread
    for _ in range(60):
        middle = (low + high) / 2
        below = gammainc(shape[:, None], np.exp(middle)[:, None] * multiple / dispersion) @ weights
        is_low = below < level
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.exp((low + high) / 2)[place.ravel()]


def total_intervals(
    flows: Frame,
    by: Sequence[str] = (),
    *,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Intervals of totals of weighted flows, by resamples of origin zones.

    `flows`: origin, destination, flow_adjusted (persons), weight_error (relative error of the weight of the origin),
    and the columns `by` whose categories are added up (none: one total). In each resample whole origins are drawn with
    replacement and the weight of each origin is moved by a log-normal error that all its flows share. The interval is
    that of the logarithm of the total over the resamples, widened for few origins as in `signed_bias`. It serves
    totals: for single flows see `flow_intervals`. It holds the variation between zones as if they were a sample of
    zones, which is wider than the error of counting where zones differ in size.

    Returns the columns `by`, flow_adjusted, lower, upper, reason, sorted. Raises ValueError on faulty frames,
    suppressed flows (fill or bound them before), and different errors of an origin.
    """
    table = eager_frame(flows, "flows")
    refuse_missing_columns(table, ("origin", "destination", "flow_adjusted", "weight_error", *by), "flows")
    refuse_no_numbers(table, ("flow_adjusted", "weight_error"), "flows")
    if draws < 20:
        message = f"draws is {draws}; expected at least 20"
        raise ValueError(message)
    cells = table.select("origin", *by, pl.col("flow_adjusted", "weight_error").cast(pl.Float64))
    refuse_rows(
        cells,
        {
            "no flow_adjusted": ~pl.col("flow_adjusted").fill_null(float("nan")).is_finite(),
            "a negative flow_adjusted": pl.col("flow_adjusted") < 0,
            "no weight_error, or a negative one": ~(pl.col("weight_error").fill_null(-1) >= 0),
        },
        "flows",
    )
    errors = cells.group_by("origin").agg(error=pl.col("weight_error").first(), n=pl.col("weight_error").n_unique())
    refuse_rows(errors.filter(pl.col("n") > 1), {"different errors of one origin": pl.lit(value=True)}, "flows")
    errors = errors.sort("origin").with_row_index("code")
    groups = cells.select(by).unique().sort(by) if by else pl.DataFrame({"all": ["all"]})
    keyed = cells if by else cells.with_columns(all=pl.lit("all"))
    names = list(by) or ["all"]
    coded = keyed.join(errors.select("origin", "code"), on="origin", how="left", maintain_order="left").join(
        groups.with_row_index("group"), on=names, how="left", maintain_order="left", nulls_equal=True
    )
    n, size = errors.height, groups.height
    cell = coded["code"].cast(pl.Int64).to_numpy() * size + coded["group"].cast(pl.Int64).to_numpy()
    sums = np.bincount(cell, coded["flow_adjusted"].to_numpy(), minlength=n * size).reshape(n, size).astype(np.float64)
    random = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    error = errors["error"].to_numpy()
    moved = np.exp(error * random.standard_normal((draws, n)) - error**2 / 2)
    drawn = (origin_draws(n, draws, seed) * moved) @ sums
    rows = [_total_row(sums[:, k], drawn[:, k], confidence) for k in range(size)]
    schema = {"flow_adjusted": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "reason": pl.String}
    result = (
        groups.select(by).hstack(pl.DataFrame(rows, schema=schema, orient="row"))
        if by
        else pl.DataFrame(rows, schema=schema, orient="row")
    )
    FlowInterval.validate(result.select(list(schema)), cast=True)
    return result


def _total_row(
    by_origin: NDArray[np.float64], drawn: NDArray[np.float64], confidence: float
) -> tuple[float, float | None, float | None, str | None]:
    total = float(by_origin.sum())
    if total <= 0:
        return 0.0, None, None, "no interval: no flow"
    effective = total**2 / float((by_origin**2).sum())
    if effective < LEAST_ORIGINS or (drawn <= 0).any():
        return total, None, None, f"no interval: fewer than {LEAST_ORIGINS:g} effective origins"
    spread = float(np.log(drawn).std()) * float(np.sqrt(effective / (effective - 1)))
    half = float(t.ppf(0.5 + confidence / 2, effective - 1)) * spread
    return total, total * float(np.exp(-half)), total * float(np.exp(half)), None
