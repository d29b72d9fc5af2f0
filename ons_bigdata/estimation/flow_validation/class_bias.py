"""Signed bias of a table of flows by classes of pairs: distance, area, rurality, reach of masts, suppression."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import polars as pl
from scipy.stats import t

from ons_bigdata.estimation.flow_bounds import KnownTotals, class_bounds
from ons_bigdata.estimation.flow_pairs import KEY, FlowPairs, aligned_pairs
from ons_bigdata.estimation.flows import Suppressed, known_totals
from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_keys,
    refuse_repeated,
    refuse_rows,
    refuse_unknown,
)
from ons_bigdata.estimation.schemas import ClassBias

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["total", "none"]
Frame = pl.DataFrame | pl.LazyFrame

LEAST_ORIGINS = 5.0
"""Effective number of origins below which a class has no interval: so few resamples say nothing about its spread."""


def signed_bias(  # noqa: PLR0913
    estimate: Frame,
    reference: Frame,
    classes: Frame,
    *,
    scale: Scale = "total",
    suppressed: Suppressed = "midpoint",
    origin_totals: pl.DataFrame | None = None,
    destination_totals: pl.DataFrame | None = None,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pl.DataFrame:
    """Signed bias log(Σ estimate / Σ reference) in each class of pairs, with intervals.

    `estimate`, `reference`, `scale`, `suppressed` and margins as for `estimation.flows.compare_flows`, over the pairs
    with a flow in at least one table. `classes`: origin, destination and one or more further columns of text or whole
    numbers, each a classification of the pairs; all compared pairs must have a class in each.

    The interval comes from resamples of whole origins: the standard deviation of the log bias over the resamples, times
    √(m / (m - 1)) and the quantile of Student's t with f degrees of freedom. m = (Σ w)² / Σ w² is the effective number
    of origins of the class, w their reference flows; f = (Σ w²)² / Σ w⁴ - 1 (Satterthwaite, for deviations of
    origins that are proportional to their flows). A class with m below `LEAST_ORIGINS` has no interval. With scaling,
    the factor of a resample is that of its ratios Σ estimate / Σ reference by class on the whole reference: its mix of
    classes is known and does not vary. Where cells are suppressed or rounded, the interval is the range of the bias
    over all values within their bounds and margins, each end moved out by half the width of the interval of the
    resamples; the sum of their middles is moved into the range where margins exclude it.

    Returns `ClassBias` rows in the order of classifications and classes. Raises ValueError as `compare_flows`, and for
    pairs without a class.

    Source: bootstrap of clusters: Davison & Hinkley, Bootstrap Methods and their Application (1997), 3.8; correction
    for few clusters: Hesterberg, What Teachers Should Know About the Bootstrap, American Statistician 69 (2015) 371;
    degrees of freedom: Satterthwaite, Biometrics Bulletin 2 (1946) 110–114.
    """
    refuse_unknown("scale", scale, get_args(Scale))
    refuse_unknown("suppressed", suppressed, get_args(Suppressed))
    if draws < 0 or 0 < draws < 20:
        message = f"draws is {draws}; expected 0 or at least 20"
        raise ValueError(message)
    if not 0 < confidence < 1:
        message = f"confidence is {confidence}; expected a number between 0 and 1"
        raise ValueError(message)
    pairs = aligned_pairs(estimate, reference, None, all_pairs=False, drop_suppressed=suppressed == "drop")
    table = _classes_of_pairs(pairs, eager_frame(classes, "classes"))
    known = tuple(
        known_totals(pairs, frame, side)
        for frame, side in ((origin_totals, "origin"), (destination_totals, "destination"))
        if frame is not None
    )
    weights = origin_draws(pairs.origins, draws, seed)
    rows: list[pl.DataFrame] = []
    for column in table.columns:
        keys = table[column].unique().sort()
        coded = table.select(column).join(
            pl.DataFrame({column: keys}).with_row_index("code"), on=column, how="left", maintain_order="left"
        )
        code = coded["code"].cast(pl.Int64).to_numpy()
        by_class = _by_class(pairs, code, keys.cast(pl.String).to_list(), weights, known, scale == "total", confidence)
        rows.append(by_class.select(pl.lit(column).alias("classification"), pl.all()))
    return ClassBias.validate(pl.concat(rows), cast=True)


def origin_draws(origins: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Number of times that each origin is in each of `draws` resamples (draws × origins)."""
    if not origins:
        return np.zeros((0, 0))
    random = np.random.default_rng(seed)
    return random.multinomial(origins, np.full(origins, 1 / origins), size=draws).astype(np.float64)


def _classes_of_pairs(pairs: FlowPairs, classes: pl.DataFrame) -> pl.DataFrame:
    """Classes of the compared pairs, in their order."""
    name = "classes"
    refuse_missing_columns(classes, KEY, name)
    refuse_no_keys(classes, classes.columns, name)
    columns = [column for column in classes.columns if column not in KEY]
    if not columns:
        message = f"{name} has no column besides origin and destination; expected at least one classification"
        raise ValueError(message)
    keys = pl.DataFrame(
        {
            "origin": pairs.origin_keys.gather(pairs.origin),
            "destination": pairs.destination_keys.gather(pairs.destination),
        }
    )
    for key in KEY:
        if classes.schema[key].is_integer() != keys.schema[key].is_integer():
            message = f"{name}: column {key} is {classes.schema[key]}; in the flows it is {keys.schema[key]}"
            raise ValueError(message)
    refuse_repeated(classes, KEY, name)
    plain = classes.with_columns(pl.col(key).cast(keys.schema[key]) for key in KEY)
    joined = keys.join(plain, on=KEY, how="left", maintain_order="left")
    for column in columns:
        refuse_rows(
            joined.select(*KEY, column), {f"no {column}": pl.col(column).is_null()}, "pairs of the flows in classes"
        )
    return joined.select(columns)


def _by_class(
    pairs: FlowPairs,
    code: NDArray[np.int64],
    names: list[str],
    weights: NDArray[np.float64],
    known: tuple[KnownTotals, ...],
    is_scaled: bool,
    confidence: float,
) -> pl.DataFrame:
    size = len(names)
    cell = pairs.origin * size + code
    by_origin = [
        np.bincount(cell, flow, minlength=pairs.origins * size).reshape(pairs.origins, size).astype(np.float64)
        for flow in (pairs.estimate, pairs.reference)
    ]
    estimate, reference = (table.sum(0) for table in by_origin)
    factor = _factor(estimate, reference) if is_scaled else 1.0
    bias = _log_ratio(estimate * factor, reference)
    half = _half_widths(by_origin, weights, is_scaled, confidence)
    estimate = estimate * factor
    low, high = bias, bias
    if pairs.is_bounded:
        bounds = class_bounds(pairs, known, code, size, is_scaled=is_scaled)
        estimate = np.clip(estimate, *bounds)
        bias = _log_ratio(estimate, reference)
        low, high = (_log_ratio(bound, reference) for bound in bounds)
    rows = []
    for number, name in enumerate(names):
        lower, upper, reason = _ends(bias[number], low[number], high[number], half[number], pairs, len(weights))
        rows.append(
            {
                "category": name,
                "pairs": int((code == number).sum()),
                "origins": int(((by_origin[0] + by_origin[1])[:, number] > 0).sum()),
                "estimate": float(estimate[number]),
                "reference": float(reference[number]),
                "log_bias": float(bias[number]) if isfinite(bias[number]) else None,
                "lower": lower,
                "upper": upper,
                "reason": reason,
            }
        )
    kinds: dict[str, pl.DataType | type[pl.DataType]] = {"category": pl.String, "reason": pl.String}
    kinds |= dict.fromkeys(("estimate", "reference", "log_bias", "lower", "upper"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=kinds)


def _ends(
    bias: float, low: float, high: float, half: float, pairs: FlowPairs, draws: int
) -> tuple[float | None, float | None, str | None]:
    """Interval of a class, or the reason why there is none."""
    if not isfinite(bias):
        return None, None, "a table has no flow in this class"
    if pairs.is_reference_bounded:
        return None, None, "the reference has suppressed or rounded cells: no bounds"
    if not (isfinite(low) and isfinite(high)):
        return None, None, "suppressed cells may hold all flow of this class: no lower bound"
    missing = (
        "no interval: draws is 0" if draws == 0 else f"no interval: fewer than {LEAST_ORIGINS:g} effective origins"
    )
    if isfinite(half):
        return low - half, high + half, None
    if pairs.is_bounded:
        return low, high, f"bounds of suppressed cells only; {missing}"
    return None, None, missing


def _factor(estimate: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Factor by which the estimate adds up to the reference; 1 if it has no flow to scale."""
    return float(reference.sum() / estimate.sum()) if estimate.sum() > 0 else 1.0


def _log_ratio(estimate: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(estimate / reference)


def _half_widths(
    by_origin: list[NDArray[np.float64]],
    weights: NDArray[np.float64],
    is_scaled: bool,
    confidence: float,
) -> NDArray[np.float64]:
    """Half the width of the interval of each class; NaN where there is none."""
    size = by_origin[0].shape[1]
    if not len(weights):
        return np.full(size, np.nan)
    sums = [table.sum(0) for table in by_origin]
    estimate, reference = (weights @ table for table in by_origin)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = estimate / reference
        bias = np.log(ratio)
        if is_scaled:
            # The reference is known in full: its mix of classes does not vary between resamples, only the ratios do.
            filled = np.where(np.isfinite(ratio), ratio, np.nan_to_num(sums[0] / sums[1]))
            bias = bias - np.log(filled @ sums[1] / sums[1].sum())[:, None]
        bias[~np.isfinite(bias)] = np.nan
        squares = (by_origin[1] ** 2).sum(0)
        effective = sums[1] ** 2 / squares
        freedom = squares**2 / (by_origin[1] ** 4).sum(0) - 1
        usable = (effective >= LEAST_ORIGINS) & (freedom >= 1) & (np.isfinite(bias).mean(0) > 0.95)
        effective = np.where(usable, effective, np.nan)
        spread = np.array([np.nanstd(bias[:, k]) if usable[k] else np.nan for k in range(size)])
        quantile = t.ppf(0.5 + confidence / 2, np.where(usable, freedom, np.nan))
        return spread * np.sqrt(effective / (effective - 1)) * quantile
