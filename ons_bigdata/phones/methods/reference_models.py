"""Reference models of flows: gravity, radiation, uniform, and a previous census with and without raking.

An operator's flows are worth having only where they are nearer to the truth than these, which need no operator.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import polars as pl
from scipy.optimize import brentq

from ons_bigdata.estimation.input_checks import eager_frame, refuse_missing_columns, refuse_no_numbers, refuse_unknown
from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.model_pairs import KEY, ModelPairs, model_pairs
from ons_bigdata.phones.schemas.models import ModelledFlow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Deterrence = Literal["power", "exponential"]
Constraint = Literal["singly", "doubly", "globally"]
Frame = pl.DataFrame | pl.LazyFrame

CONSISTENT = 1e-9
"""Largest relative difference of the sums of both totals that counts as rounding."""


class Calibration(NamedTuple):
    """Parameter of deterrence that fits a table of flows, with its standard error and the fit."""

    parameter: float
    standard_error: float
    """From the Poisson model, times the root of the dispersion."""
    dispersion: float
    """Pearson's χ² over its degrees of freedom with Fletcher's correction for small means; 1 if flows are Poisson."""


def gravity(  # noqa: PLR0913
    origins: Frame,
    destinations: Frame,
    distance: Frame,
    *,
    deterrence: Deterrence = "power",
    constraint: Constraint = "singly",
    parameter: float | None = None,
    mean_distance_km: float | None = None,
    origin_exponent: float = 1.0,
    destination_exponent: float = 1.0,
    tolerance: float = 1e-10,
    max_iterations: int = 5000,
) -> pl.DataFrame:
    """Flows of a gravity model over the pairs of a table of distances.

    `origins`: origin, total (departures, ≥ 0), optionally mass (for "globally"; the total if missing).
    `destinations`: destination, total (arrivals, the attraction). `distance`: origin, destination, distance_km (or
    distance, in km): the pairs among which flows are possible; leave pairs within a zone out, or give them a distance.

    With f(d) = d^-b ("power") or exp(-b d) ("exponential"), b = `parameter`:
    "singly": T_ij = O_i D_j^β f / Σ_k D_k^β f(d_ik); "doubly": T_ij = a_i b_j O_i D_j f with sums O_i and D_j, by
    iterative proportional fitting to `tolerance`; "globally": T_ij ∝ m_i^α D_j^β f with sum Σ O. α and β are
    `origin_exponent` and `destination_exponent`; they do not matter for "doubly".

    Give either `parameter` or `mean_distance_km`, the mean distance of the flows to which b is calibrated
    (`fit_deterrence` estimates b from flows). Returns origin, destination, flow (`ModelledFlow`) in the order of
    `distance`.

    Raises ValueError on faulty frames (`model_pairs`), unknown options, neither or both of parameter and mean, a mean
    that no parameter reaches, distance 0 with "power", totals of both sides that differ with "doubly", an origin
    with departures but no destination to take them, and a fit that does not converge.

    Source: Wilson, A family of spatial interaction models, and associated developments, Environment and Planning 3
    (1971) 1–32; calibration on the mean trip length: Hyman, Environment and Planning 1 (1969) 105–112.
    """
    _refuse_options(deterrence, constraint, parameter, mean_distance_km)
    pairs = model_pairs(origins, destinations, distance)
    _refuse_distances(pairs, deterrence)
    model = _Gravity(pairs, deterrence, constraint, origin_exponent, destination_exponent, tolerance, max_iterations)
    if parameter is None:
        assert mean_distance_km is not None  # noqa: S101  (checked with the options)
        parameter = _solved(model, pairs.distance_km, mean_distance_km, "mean_distance_km")
    return _validated(pairs.with_flow(model.flow(parameter)))


def fit_deterrence(
    flows: Frame,
    distance: Frame,
    *,
    deterrence: Deterrence = "power",
    constraint: Literal["singly", "doubly"] = "doubly",
    tolerance: float = 1e-10,
    max_iterations: int = 5000,
) -> Calibration:
    """Parameter of deterrence of observed flows: a Poisson regression with an effect of each origin.

    `flows`: origin, destination, flow (≥ 0); a pair of `distance` that it lacks has flow 0, and a flow without
    distance is refused. "doubly": log E T_ij = a_i + b_j - b g(d_ij) with g = log d or d, effects of origins and of
    destinations; "singly": a_i + log D_j - b g(d_ij), D_j the observed arrivals. The maximum likelihood estimate is
    the b for which Σ T g(d) of the model is that of the flows, with the observed totals.

    Raises ValueError as `gravity`.

    Source: Flowerdew & Aitkin, A method of fitting the gravity model based on the Poisson distribution, Journal of
    Regional Science 22 (1982) 191–202; dispersion: Fletcher, Biometrika 99 (2012) 230–237: χ² alone is ruled by pairs
    with a tiny expected flow.
    """
    _refuse_options(deterrence, constraint, 0.0, None)
    observed = _flows(eager_frame(flows, "flows"), "flows")
    listed = model_pairs(*_margins_of(observed, eager_frame(distance, "distance")), distance)
    _refuse_distances(listed, deterrence)
    kinds = dict(zip(KEY, listed.frame.dtypes, strict=True))
    keyed = listed.frame.join(observed.cast(kinds), on=KEY, how="left", maintain_order="left")  # type: ignore[arg-type]
    counts = keyed["flow"].fill_null(0.0).to_numpy()
    if abs(counts.sum() - listed.out_total.sum()) > CONSISTENT * max(counts.sum(), 1.0):
        message = "flows has pairs that distance lacks; expected a distance for each flow"
        raise ValueError(message)
    model = _Gravity(listed, deterrence, constraint, 1.0, 1.0, tolerance, max_iterations)
    score = np.log(listed.distance_km) if deterrence == "power" else listed.distance_km
    target = float((counts * score).sum() / counts.sum())
    parameter = _solved(model, score, target, "mean of the flows")
    fitted = model.flow(parameter)
    information = _information(listed, fitted, score, is_doubly=constraint == "doubly")
    effects = len(listed.out_total) + (len(listed.in_total) - 1 if constraint == "doubly" else 0)
    used = fitted > 0
    freedom = max(int(used.sum()) - effects - 1, 1)
    residual = (counts - fitted)[used]
    dispersion = float((residual**2 / fitted[used]).sum() / freedom / (1 + (residual / fitted[used]).mean()))
    return Calibration(parameter, float(np.sqrt(dispersion / information)), dispersion)


def radiation(origins: Frame, destinations: Frame, distance: Frame, *, normalised: bool = False) -> pl.DataFrame:
    """Flows of the radiation model: T_ij = O_i m_i m_j / ((m_i + s_ij) (m_i + m_j + s_ij)).

    `origins`: origin, total (departures O), optionally mass (m of the origin; the total of the destination with the
    same key if the column is missing). `destinations`: destination, total (mass m). `distance`: as for `gravity`;
    pairs within a zone are left out. s_ij is the mass of the destinations nearer to i than j, without i and j; of
    equally distant ones none is nearer. `normalised` scales the flows of each origin to O_i, which the plain model
    does not reach in a finite system.

    Returns origin, destination, flow in the order of `distance`. Raises ValueError on faulty frames and on an origin
    without mass.

    Source: Simini, González, Maritan, Barabási, A universal model for mobility and migration patterns, Nature 484
    (2012) 96–100; normalised: Masucci, Serras, Johansson, Batty, Physical Review E 88 (2013) 022812.
    """
    table = eager_frame(distance, "distance")
    refuse_missing_columns(table, KEY, "distance")
    pairs = model_pairs(origins, destinations, table.filter(pl.col("origin") != pl.col("destination")))
    mass = _origin_masses(pairs)
    nearer = _mass_within(pairs)
    at_origin, at_destination = mass[pairs.origin], pairs.in_total[pairs.destination]
    product = (at_origin + nearer) * (at_origin + at_destination + nearer)
    share = np.divide(at_origin * at_destination, product, out=np.zeros_like(product), where=product > 0)
    if normalised:
        share = _row_shares(pairs, share)
    return _validated(pairs.with_flow(pairs.out_total[pairs.origin] * share))


def uniform(
    origins: Frame, destinations: Frame, distance: Frame, *, constraint: Literal["singly", "doubly"] = "doubly"
) -> pl.DataFrame:
    """Flows without any influence of distance: `gravity` with f = 1 over the pairs of `distance`."""
    refuse_unknown("constraint", constraint, ("singly", "doubly"))
    return gravity(origins, destinations, distance, deterrence="exponential", constraint=constraint, parameter=0.0)


def previous_census(previous: Frame, total: float | None = None) -> pl.DataFrame:
    """Flows of an earlier census, scaled to a new total if there is one.

    `previous`: origin, destination, flow (≥ 0). Returns origin, destination, flow in the same order. Raises
    ValueError on faulty frames, a total that is negative or not finite, and flows that are all zero.
    """
    flows = _flows(eager_frame(previous, "previous"), "previous")
    if total is None:
        return _validated(flows)
    if not (isfinite(total) and total >= 0):
        message = f"total is {total}; expected a number of at least 0"
        raise ValueError(message)
    mass = float(flows["flow"].sum())
    if mass <= 0:
        message = "previous has no flow to scale"
        raise ValueError(message)
    return _validated(flows.with_columns(flow=pl.col("flow") * (total / mass)))


def previous_census_raked(previous: Frame, origin_totals: Frame, destination_totals: Frame) -> pl.DataFrame:
    """Flows of an earlier census, raked to new totals by origin and by destination (`estimation.raking.rake`).

    `previous`: origin, destination, flow. `origin_totals`: origin, total. `destination_totals`: destination, total.
    Returns origin, destination, flow in the order of `previous`. Raises ValueError as `rake`.
    """
    flows = _flows(eager_frame(previous, "previous"), "previous")
    raked = rake(flows, origin_totals, destination_totals)
    return _validated(raked.select(*KEY, flow="flow_adjusted"))


class _Gravity:
    """A gravity model of given totals, for any parameter."""

    def __init__(
        self,
        pairs: ModelPairs,
        deterrence: str,
        constraint: str,
        origin_exponent: float,
        destination_exponent: float,
        tolerance: float,
        max_iterations: int,
    ) -> None:
        self.pairs, self.constraint = pairs, constraint
        self.tolerance, self.max_iterations = tolerance, max_iterations
        self.score = np.log(pairs.distance_km) if deterrence == "power" else pairs.distance_km
        self.score = self.score - self.score.min(initial=np.inf) if len(self.score) else self.score
        self.pull = pairs.in_total[pairs.destination] ** (1.0 if constraint == "doubly" else destination_exponent)
        if constraint == "globally":
            mass = pairs.out_total if pairs.out_mass is None else pairs.out_mass
            self.pull = self.pull * mass[pairs.origin] ** origin_exponent
        if constraint == "doubly":
            _refuse_different_sums(pairs)

    def flow(self, parameter: float) -> NDArray[np.float64]:
        """Flows of the pairs."""
        pairs = self.pairs
        weight = self.pull * np.exp(-parameter * self.score)
        if self.constraint == "globally":
            return weight * (pairs.out_total.sum() / weight.sum()) if weight.sum() > 0 else weight
        flow = pairs.out_total[pairs.origin] * _row_shares(pairs, weight)
        if self.constraint == "singly":
            return flow
        margins = (
            pl.DataFrame({side: keys, "total": total})
            for side, keys, total in (
                ("origin", pairs.origin_keys, pairs.out_total),
                (
                    "destination",
                    pairs.destination_keys,
                    pairs.in_total * (pairs.out_total.sum() / pairs.in_total.sum()),
                ),
            )
        )
        raked = rake(pairs.with_flow(flow), *margins, tolerance=self.tolerance, max_iterations=self.max_iterations)
        return raked["flow_adjusted"].to_numpy()


def _row_shares(pairs: ModelPairs, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights over their sum by origin; an origin with departures must have one."""
    sums = pairs.by_origin(weight)
    bad = np.flatnonzero((sums <= 0) & (pairs.out_total > 0))
    if len(bad):
        message = (
            f"{len(bad)} origins with departures, but no destination to take them; "
            f"the first: {pairs.origin_keys[int(bad[0])]}"
        )
        raise ValueError(message)
    return weight / np.where(sums > 0, sums, 1.0)[pairs.origin]


def _solved(model: _Gravity, score: NDArray[np.float64], target: float, name: str) -> float:
    """Parameter for which the mean of `score` over the flows is the target; it falls as the parameter grows."""
    scale = float(np.std(model.score)) or 1.0

    def difference(parameter: float) -> float:
        flow = model.flow(parameter)
        return float((flow * score).sum() / flow.sum()) - target

    low, high = _bracket(difference, 1 / scale)
    if low is None or high is None:
        ends = [difference(sign * _REACH / scale) + target for sign in (1, -1)]
        message = f"{name} is {target:g}; the pairs and totals allow about {min(ends):g} to {max(ends):g}"
        raise ValueError(message)
    return float(brentq(difference, low, high, xtol=1e-12, rtol=1e-12))


_REACH = 8.0
"""Standard deviations of the score to which the search of a parameter reaches."""


def _bracket(difference: Callable[[float], float], step: float) -> tuple[float | None, float | None]:
    """Two parameters between which the difference changes its sign, from above to below zero."""
    at = difference(0.0)
    if at == 0:
        return 0.0, 0.0
    sign = 1.0 if at > 0 else -1.0
    before = 0.0
    for reach in (0.25, 0.5, 1.0, 2.0, 4.0, _REACH):
        here = sign * reach * step
        if difference(here) * at <= 0:
            return min(before, here), max(before, here)
        before = here
    return None, None


def _information(
    pairs: ModelPairs, fitted: NDArray[np.float64], score: NDArray[np.float64], *, is_doubly: bool
) -> float:
    """Fisher information of the parameter: the variation of the score that effects do not explain, weighted by flow."""
    residual = score - score.mean()
    rows, columns = np.bincount(pairs.origin, fitted), np.bincount(pairs.destination, fitted)
    for _ in range(200):
        before = residual
        sums = np.bincount(pairs.origin, fitted * residual)
        residual = residual - np.divide(sums, rows, out=np.zeros_like(sums), where=rows > 0)[pairs.origin]
        if not is_doubly:
            break
        sums = np.bincount(pairs.destination, fitted * residual)
        residual = residual - np.divide(sums, columns, out=np.zeros_like(sums), where=columns > 0)[pairs.destination]
        if np.abs(residual - before).max() < 1e-10:
            break
    return float((fitted * residual**2).sum())


def _origin_masses(pairs: ModelPairs) -> NDArray[np.float64]:
    if pairs.out_mass is not None:
        mass = pairs.out_mass
    else:
        by_key = dict(zip(pairs.destination_keys.to_list(), pairs.in_total.tolist(), strict=True))
        mass = np.array([by_key.get(key, np.nan) for key in pairs.origin_keys.to_list()])
    bad = np.flatnonzero(~np.isfinite(mass))
    if len(bad):
        message = (
            f"origins: {len(bad)} without mass (no column mass, and no destination of the same key); "
            f"the first: {pairs.origin_keys[int(bad[0])]}"
        )
        raise ValueError(message)
    return mass


def _mass_within(pairs: ModelPairs) -> NDArray[np.float64]:
    """Mass of the destinations of the same origin that are strictly nearer, for each pair."""
    order = np.lexsort((pairs.distance_km, pairs.origin))
    origin, distance = pairs.origin[order], pairs.distance_km[order]
    before = np.concatenate([[0.0], np.cumsum(pairs.in_total[pairs.destination][order])])
    is_new = np.concatenate([[True], (origin[1:] != origin[:-1]) | (distance[1:] != distance[:-1])])[: len(origin)]
    first_equal = np.maximum.accumulate(np.where(is_new, np.arange(len(origin)), 0))
    first_of_origin = np.searchsorted(origin, origin)
    within = np.empty(len(origin))
    within[order] = before[first_equal] - before[first_of_origin]
    return within


def _refuse_options(deterrence: str, constraint: str, parameter: float | None, mean_distance_km: float | None) -> None:
    refuse_unknown("deterrence", deterrence, get_args(Deterrence))
    refuse_unknown("constraint", constraint, get_args(Constraint))
    if (parameter is None) == (mean_distance_km is None):
        given = "neither is" if parameter is None else "both are"
        message = f"{given} given; expected parameter or mean_distance_km"
        raise ValueError(message)
    for name, number in (("parameter", parameter), ("mean_distance_km", mean_distance_km)):
        if number is not None and not isfinite(number):
            message = f"{name} is {number}; expected a finite number"
            raise ValueError(message)


def _refuse_distances(pairs: ModelPairs, deterrence: str) -> None:
    zero = np.flatnonzero(pairs.distance_km <= 0)
    if deterrence == "power" and len(zero):
        first = pairs.frame.row(int(zero[0]))
        message = (
            f"distance: {len(zero)} pairs of distance 0, where a power has no value; the first: origin {first[0]}, "
            f"destination {first[1]}: leave pairs within a zone out, or give them a distance"
        )
        raise ValueError(message)


def _refuse_different_sums(pairs: ModelPairs) -> None:
    out, into = float(pairs.out_total.sum()), float(pairs.in_total.sum())
    if abs(out - into) > CONSISTENT * max(out, into):
        message = f"origins add up to {out:.12g}, destinations to {into:.12g}; expected the same: scale one before"
        raise ValueError(message)


def _flows(flows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Origin, destination and flow as numbers; faults of the keys are left to what reads them."""
    refuse_missing_columns(flows, (*KEY, "flow"), name)
    refuse_no_numbers(flows, ("flow",), name)
    checked = flows.select(*KEY, pl.col("flow").cast(pl.Float64))
    bad = checked.filter(~pl.col("flow").fill_null(float("nan")).is_finite() | (pl.col("flow") < 0))
    if not bad.is_empty():
        first = bad.row(0, named=True)
        message = f"{name}: {bad.height} with a flow that is missing, not finite or negative; the first: {first}"
        raise ValueError(message)
    return checked


def _margins_of(flows: pl.DataFrame, distance: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Totals of observed flows for each zone of the distances and of the flows."""
    refuse_missing_columns(distance, KEY, "distance")
    sides = []
    for side in KEY:
        sums = flows.group_by(side).agg(total=pl.col("flow").sum())
        zones = pl.concat([distance.select(side).cast(sums.schema[side]), sums.select(side)]).unique()
        sides.append(zones.join(sums, on=side, how="left").with_columns(pl.col("total").fill_null(0.0)).sort(side))
    return sides[0], sides[1]


def _validated(flows: pl.DataFrame) -> pl.DataFrame:
    ModelledFlow.validate(flows.select("flow"), cast=True)
    return flows
