"""A previous census whose empty and small cells borrow strength from a gravity model, raked to new totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from ons_bigdata.estimation.input_checks import eager_frame
from ons_bigdata.phones.methods.model_pairs import KEY
from ons_bigdata.phones.methods.reference_models import fit_deterrence, gravity, previous_census_raked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.phones.methods.reference_models import Frame

_LOG_SHAPES = (-12.0, 12.0)
"""Logs of the shapes that are tried: from the counts alone to the model alone."""


class SmoothedCensus(NamedTuple):
    """Flows of a census, smoothed, and what they are smoothed by."""

    flows: pl.DataFrame
    """origin, destination, flow of every pair of the distances; the total is near that of the census."""
    shape: float
    """Shape of the gamma distribution of a pair's expected flow around the model: how many commuters the model is worth
    where it expects many."""
    parameter: float
    """Power of distance of the model, fitted to the census."""


def smooth_census(previous: Frame, distance: Frame) -> SmoothedCensus:
    """Expected flows of a census by empirical Bayes: a pair without commuters is seldom one without any chance of them.

    The count n of a pair is Poisson, its expectation gamma with the mean g of a doubly constrained gravity model of the
    same census and a shape k, the same for all pairs; k is the maximum of the (negative binomial) likelihood. The flow
    is the posterior mean g (n + k) / (g + k). Nothing but the previous census and the distances is used.

    `previous`: origin, destination, flow (a pair without a row is 0). `distance`: origin, destination, distance_km
    (more than 0) of all pairs. Raises ValueError as `fit_deterrence` and `gravity` do.
    """
    pairs = eager_frame(distance, "distance")
    counted = eager_frame(previous, "previous").select(*KEY, pl.col("flow").cast(pl.Float64))
    fit = fit_deterrence(counted, pairs)
    totals = [_totals(counted, pairs, side) for side in KEY]
    model = gravity(totals[0], totals[1], pairs, deterrence="power", constraint="doubly", parameter=fit.parameter)
    joined = model.join(counted.rename({"flow": "count"}), on=KEY, how="left", maintain_order="left")
    count = joined["count"].fill_null(0.0).to_numpy()
    expected = joined["flow"].to_numpy()
    is_possible = expected > 0
    shape = _fitted_shape(count[is_possible], expected[is_possible])
    flow = np.where(is_possible, expected * (count + shape) / (expected + shape), 0.0)
    return SmoothedCensus(model.select(KEY).with_columns(flow=pl.Series(flow)), shape, fit.parameter)


def previous_census_smoothed(
    previous: Frame, distance: Frame, origin_totals: Frame, destination_totals: Frame
) -> pl.DataFrame:
    """Flows of an earlier census, smoothed (`smooth_census`), then raked to new totals by origin and by destination.

    Arguments as of `smooth_census` and `reference_models.previous_census_raked`. Returns origin, destination, flow of
    every pair of the distances. Raises ValueError as these do.
    """
    return previous_census_raked(smooth_census(previous, distance).flows, origin_totals, destination_totals)


def _totals(flows: pl.DataFrame, pairs: pl.DataFrame, side: str) -> pl.DataFrame:
    """Total of each zone of the pairs on a side, 0 where it has no flow."""
    sums = flows.group_by(side).agg(total=pl.col("flow").sum())
    zones = pairs.select(side).unique().sort(side)
    return zones.join(sums, on=side, how="left", maintain_order="left").with_columns(pl.col("total").fill_null(0.0))


def _fitted_shape(count: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Shape with the greatest likelihood of counts around expectations."""
    if not count.size:
        message = "previous has no pair with an expected flow"
        raise ValueError(message)

    def minus_log_likelihood(log_shape: float) -> float:
        shape = float(np.exp(log_shape))
        terms = (
            gammaln(count + shape)
            - gammaln(shape)
            - shape * np.log1p(expected / shape)
            + count * (np.log(expected) - np.log(expected + shape))
        )
        return -float(terms.sum())

    return float(np.exp(minimize_scalar(minus_log_likelihood, bounds=_LOG_SHAPES, method="bounded").x))
