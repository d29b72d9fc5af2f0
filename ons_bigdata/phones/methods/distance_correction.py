"""Correction of the bias by distance: a model learnt where a reference is known, applied where it is not.

Its intervals are calibrated on pairs of zones that the model did not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import (
    eager_frame,
    refuse_missing_columns,
    refuse_no_numbers,
    refuse_repeated,
    refuse_rows,
)
from ons_bigdata.phones.schemas.models import CorrectedFlow

if TYPE_CHECKING:
    from numpy.typing import NDArray

Frame = pl.DataFrame | pl.LazyFrame

KEY = ["origin", "destination"]
INPUTS = ("flow", "weight", "modelled", "distance_km")
CLASSES = 12
"""Classes of expected flow, with as many calibration pairs each, in which residuals are looked at apart."""
LEAST_PAIRS = 40 * CLASSES
"""Pairs without which no interval is calibrated: 40 a class hold an outermost residual on each side."""


class DistanceCorrection(NamedTuple):
    """A fitted model and the ranges of its residuals."""

    coefficients: NDArray[np.float64]
    knots: NDArray[np.float64]
    """Logarithms of the distances (km) at which the slope on distance changes."""
    shrinkage: float
    centre: NDArray[np.float64]
    """Log1p of expected flows in the middle of each class."""
    lower: NDArray[np.float64]
    """Lower end, by class, of the range of log1p(reference) - log1p(expected) on pairs left out of the fit."""
    upper: NDArray[np.float64]
    """Upper end of that range."""
    calibration_pairs: int


def fit_distance_correction(
    pairs: Frame,
    *,
    knots: int = 5,
    shrinkage: float = 0.1,
    folds: int = 4,
    confidence: float = 0.95,
    seed: int = 0,
) -> DistanceCorrection:
    """Fit the expected reference flow to an operator's flow, its modelled flow and the distance.

    `pairs`: origin, destination, flow (users, ≥ 0), weight (persons per user, > 0; such as the geometric mean of the
    inverse penetrations of both ends), modelled (> 0, the flow of users that a gravity model of the operator's own
    flows expects), distance_km (> 0), reference (≥ 0); all pairs between the zones of training, zero flows as well.

    The model is log E(reference) = b · (1, s, s · log d, log weight, log modelled, [flow = 0], log d and its bends at
    `knots` quantiles of the log distance of pairs with a reference flow), s = log((flow + k modelled) / (1 + k)) the
    flow shrunk to the model with k = `shrinkage`; fitted by the likelihood of a Poisson regression.

    Intervals: zones are dealt into `folds` groups (seeded); for each, the model is fitted to the pairs between the
    other zones and applied to those within the group. In each of 12 classes of expected flow, the interval is the
    shortest range of the residuals (of log1p) that holds ⌈(n + 1) confidence⌉ of the n residuals. Many small flows are
    zero: ranges with the same share on both sides would hold too many of them.

    Raises ValueError on faulty frames and fewer than 480 pairs for calibration.

    Source: Poisson pseudo-likelihood: Santos Silva & Tenreyro, The log of gravity, Review of Economics and Statistics
    88 (2006) 641–658; cross-conformal intervals: Vovk, Annals of Mathematics and Artificial Intelligence 74 (2015).
    """
    if knots < 1 or folds < 2 or not 0 < confidence < 1 or not shrinkage > 0:
        message = (
            f"knots is {knots}, folds {folds}, confidence {confidence}, shrinkage {shrinkage}; expected at least 1 and "
            "2, a number between 0 and 1, and a positive number"
        )
        raise ValueError(message)
    table = _checked(pairs, (*INPUTS, "reference"))
    reference = table["reference"].to_numpy()
    if not (reference > 0).any():
        message = "pairs has no reference flow to fit"
        raise ValueError(message)
    bends = np.quantile(np.log(table["distance_km"].to_numpy()[reference > 0]), np.linspace(0, 1, knots + 2)[1:-1])
    features = _features(table, bends, shrinkage)
    expected, left_out = _left_out(table, features, reference, folds, seed)
    if len(left_out) < LEAST_PAIRS:
        message = f"{len(left_out)} pairs within the {folds} groups of zones; expected at least {LEAST_PAIRS}"
        raise ValueError(message)
    residual = np.log1p(reference[left_out]) - np.log1p(expected)
    centre, lower, upper = _ranges_by_class(np.log1p(expected), residual, confidence)
    return DistanceCorrection(_poisson_fit(features, reference), bends, shrinkage, centre, lower, upper, len(left_out))


def correct_distance(pairs: Frame, correction: DistanceCorrection) -> pl.DataFrame:
    """Flows that the model expects, with intervals.

    `pairs`: origin, destination, flow, weight, modelled, distance_km as for `fit_distance_correction`; further columns
    pass through. Returns the rows in their order with flow_adjusted, lower, upper (`CorrectedFlow`): persons of the
    reference's universe. The ranges are interpolated between the classes of expected flow. A correction holds for the
    operator, month and kind of zones of its training only. Raises ValueError on faulty frames.
    """
    table = _checked(pairs, INPUTS)
    expected = np.exp(_features(table, correction.knots, correction.shrinkage) @ correction.coefficients)
    level = np.log1p(expected)
    low = np.expm1(np.maximum(level + np.interp(level, correction.centre, correction.lower), 0.0))
    high = np.expm1(np.maximum(level + np.interp(level, correction.centre, correction.upper), 0.0))
    result = eager_frame(pairs, "pairs").with_columns(
        flow_adjusted=pl.Series(expected), lower=pl.Series(low), upper=pl.Series(high)
    )
    CorrectedFlow.validate(result.select("flow_adjusted", "lower", "upper"), cast=True)
    return result


def _checked(pairs: Frame, numbers: tuple[str, ...]) -> pl.DataFrame:
    name = "pairs"
    table = eager_frame(pairs, name)
    refuse_missing_columns(table, (*KEY, *numbers), name)
    refuse_no_numbers(table, numbers, name)
    refuse_repeated(table, KEY, name)
    table = table.select(*KEY, *(pl.col(number).cast(pl.Float64) for number in numbers))
    faults = {f"no {key}": pl.col(key).is_null() for key in KEY}
    for number in numbers:
        faults[f"no {number}, or one that is not finite"] = ~pl.col(number).fill_null(float("nan")).is_finite()
        is_bad = pl.col(number) < 0 if number in ("flow", "reference") else pl.col(number) <= 0
        faults[f"{number} that is negative" if number in ("flow", "reference") else f"{number} of 0 or less"] = is_bad
    refuse_rows(table, faults, name)
    return table


def _features(table: pl.DataFrame, bends: NDArray[np.float64], shrinkage: float) -> NDArray[np.float64]:
    flow, weight, modelled, distance = (table[number].to_numpy() for number in INPUTS)
    log_distance = np.log(distance)
    shrunk = np.log((flow + shrinkage * modelled) / (1 + shrinkage))
    return np.column_stack(
        [
            np.ones(len(flow)),
            shrunk,
            shrunk * log_distance,
            np.log(weight),
            np.log(modelled),
            (flow == 0).astype(np.float64),
            log_distance,
            *(np.maximum(log_distance - bend, 0.0) for bend in bends),
        ]
    )


def _poisson_fit(features: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of a Poisson regression with logarithmic link, by iterated weighted least squares.

    Steps that lower the likelihood are halved.
    """
    scale = np.maximum(np.abs(features).max(0), 1e-300)
    x = features / scale
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(counts.mean()) / x[0, 0]
    value = _log_likelihood(x @ beta, counts)
    for _ in range(200):
        mean = np.exp(x @ beta)
        information = x.T @ (mean[:, None] * x)
        step = np.linalg.lstsq(information, x.T @ (counts - mean), rcond=1e-13)[0]
        size, new = 1.0, -np.inf
        while size > 1e-6:
            new = _log_likelihood(x @ (beta + size * step), counts)
            if new >= value:
                break
            size /= 2
        if not new >= value:
            break
        beta = beta + size * step
        gain, value = new - value, new
        if gain <= 1e-12 * max(abs(value), 1.0):
            break
    return beta / scale


def _log_likelihood(level: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    return float(counts @ level - np.exp(np.minimum(level, 50.0)).sum())


def _left_out(
    table: pl.DataFrame, features: NDArray[np.float64], reference: NDArray[np.float64], folds: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Expected flows of the pairs within each group of zones, from fits to the pairs between zones of no such group."""
    zones = pl.concat([table["origin"], table["destination"]]).unique().sort()
    dealt = np.random.default_rng(seed).permutation(len(zones)) % folds
    group = pl.DataFrame({"zone": zones, "group": dealt})
    origin, destination = (
        table.select(zone=side).join(group, on="zone", how="left", maintain_order="left")["group"].to_numpy()
        for side in KEY
    )
    expected, rows = [], []
    for fold in range(folds):
        inside = np.flatnonzero((origin == fold) & (destination == fold))
        outside = (origin != fold) & (destination != fold)
        if not len(inside) or not (reference[outside] > 0).any():
            continue
        expected.append(np.exp(features[inside] @ _poisson_fit(features[outside], reference[outside])))
        rows.append(inside)
    return np.concatenate([*expected, np.zeros(0)]), np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int64)


def _ranges_by_class(
    level: NDArray[np.float64], residual: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    order = np.argsort(level, kind="stable")
    centre, lower, upper = [], [], []
    for part in np.array_split(order, CLASSES):
        ranked = np.sort(residual[part])
        held = min(int(np.ceil((len(ranked) + 1) * confidence)), len(ranked))
        first = int(np.argmin(ranked[held - 1 :] - ranked[: len(ranked) - held + 1]))
        centre.append(np.median(level[part]))
        lower.append(ranked[first])
        upper.append(ranked[first + held - 1])
    return np.array(centre), np.array(lower), np.array(upper)
