"""Validation of a table of flows on five levels: totals, margins, pairs, structure of residuals, distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ons_bigdata.estimation.flow_pairs import KEY, FlowPairs, aligned_pairs
from ons_bigdata.estimation.flow_validation.class_bias import origin_draws, signed_bias
from ons_bigdata.estimation.flow_validation.sampling_floor import sampling_floor
from ons_bigdata.estimation.flow_validation.spatial import local_morans_i, morans_i, nearest_neighbours
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.estimation.schemas import LevelMetric, ZoneResidual

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["total", "none"]
Frame = pl.DataFrame | pl.LazyFrame
Row = tuple[str, str, float | None, float | None, float | None, str | None]

MARGIN_METRICS = ("cpc", "spearman", "r_squared", "log_rmse")
PAIR_METRICS = (
    *("cpc", "cpc_links", "cpc_distance", "ssi", "spearman", "pearson", "r_squared", "r_squared_log", "slope"),
    *("rmse", "nrmse", "log_rmse", "mape", "geh_below_5", "kendall_top_100", "trip_length_ratio"),
)
NEIGHBOURS = 8
"""Nearest zones that count as neighbours in Moran's I."""


def validate_flows(
    estimate: Frame,
    reference: Frame,
    distances: Frame,
    *,
    scale: Scale = "total",
    size: float | None = None,
    draws: int = 1000,
    seed: int = 0,
    compared: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Agreement of an estimated table of flows with a reference on five levels.

    `estimate`, `reference`, `distances`, `scale`: as for `estimation.flows.compare_flows`, over the pairs with a flow
    in at least one table. `size`: number of persons behind the estimate, for the column `floor` (see
    `sampling_floor`); None leaves it empty. `compared`: the result of `compare_flows` on the same tables, if there is
    one; None computes it.

    Levels: "totals": log_ratio = log(Σ estimate / Σ reference), before scaling. "margins": CPC, rank correlation, R²
    and log RMSE of the totals by origin and by destination. "pairs": metrics of `compare_flows`. "residuals":
    log_distance_slope, the slope of the log bias on log distance (regression of the log ratio of classes of
    distance, weighted by reference flow), Moran's I of the zone residuals of `zone_residuals` with its p-value.
    "distribution": Jensen-Shannon divergence over pairs; size_distance, the largest difference of the cumulative
    distributions of flow sizes; trip_length_distance_km, the Wasserstein distance of the distributions of distance.

    Intervals are those of `compare_flows`: resamples of origins, of destinations for the margins by destination. Where
    there is none, the reason says so. Returns `LevelMetric` rows. Raises ValueError as `compare_flows`.

    Source: levels as in Rowe et al., debiasR (documentation of validation); Wasserstein distance: Villani, Optimal
    Transport (2009), chapter 6.
    """
    refuse_unknown("scale", scale, ("total", "none"))
    pairs = aligned_pairs(estimate, reference, distances, all_pairs=False, drop_suppressed=False)
    if compared is None:
        compared = compare_flows(estimate, reference, distances=distances, scale=scale, draws=draws, seed=seed)
    by_metric = {row["metric"]: row for row in compared.iter_rows(named=True)}
    factor = by_metric["scale_factor"]["value"]
    rows: list[Row] = [_total_row(estimate, reference, pairs, draws, seed)]
    rows += _margin_rows(pairs, scale, draws, seed)
    rows += [_row("pairs", by_metric[name]) for name in PAIR_METRICS]
    rows += _residual_rows(pairs, 1.0 if factor is None else factor, draws, seed)
    rows.append(_row("distribution", by_metric["jensen_shannon"]))
    rows += _distribution_rows(pairs, 1.0 if factor is None else factor)
    texts = dict.fromkeys(("level", "metric"), pl.String)
    schema = texts | dict.fromkeys(("value", "lower", "upper"), pl.Float64) | {"reason": pl.String}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    floor = pl.DataFrame(schema={"metric": pl.String, "floor": pl.Float64})
    if size is not None:
        floor = sampling_floor(reference, size, distances=distances, seed=seed).select("metric", floor="value")
    at_pairs = pl.col("level").is_in(["pairs", "distribution"])
    joined = table.join(floor, on="metric", how="left", maintain_order="left")
    return LevelMetric.validate(joined.with_columns(pl.when(at_pairs).then("floor").alias("floor")), cast=True)


def zone_residuals(
    estimate: Frame, reference: Frame, distances: Frame, *, side: Literal["origin", "destination"] = "origin"
) -> pl.DataFrame:
    """Residual of each zone and its local Moran's I, for maps.

    Inputs as for `validate_flows`; the estimate is scaled to the reference. The residual of a zone is
    log((p + ½) / (c + ½)) of its totals p and c by `side`. Neighbours are the 8 nearest zones by `distances`. Returns
    zone, residual, local_moran (`ZoneResidual`), sorted by zone.
    """
    refuse_unknown("side", side, ("origin", "destination"))
    pairs = aligned_pairs(estimate, reference, distances, all_pairs=False, drop_suppressed=False)
    keys, residual, weights = _residuals(pairs, _scale_factor(pairs), side)
    local = local_morans_i(residual, weights)
    table = pl.DataFrame({"zone": keys, "residual": residual, "local_moran": local}).with_columns(
        pl.col("local_moran").fill_nan(None)
    )
    ZoneResidual.validate(table.select("residual", "local_moran"), cast=True)
    return table


def _row(level: str, row: dict[str, object]) -> Row:
    return (level, *(row[name] for name in ("metric", "value", "lower", "upper", "reason")))  # type: ignore[return-value]


def _scale_factor(pairs: FlowPairs) -> float:
    mass = float(pairs.estimate.sum())
    return float(pairs.reference.sum()) / mass if mass > 0 else float("nan")


def _total_row(estimate: Frame, reference: Frame, pairs: FlowPairs, draws: int, seed: int) -> Row:
    classes = _keys(pairs).with_columns(everything=pl.lit("all"))
    row = signed_bias(estimate, reference, classes, scale="none", draws=draws, seed=seed).row(0, named=True)
    return ("totals", "log_ratio", row["log_bias"], row["lower"], row["upper"], row["reason"])


def _keys(pairs: FlowPairs) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "origin": pairs.origin_keys.gather(pairs.origin),
            "destination": pairs.destination_keys.gather(pairs.destination),
        }
    )


def _margin_rows(pairs: FlowPairs, scale: Scale, draws: int, seed: int) -> list[Row]:
    rows: list[Row] = []
    for side in KEY:
        tables = []
        for flow in (pairs.estimate, pairs.reference):
            keyed = _keys(pairs).select(origin=side, flow=pl.Series(flow)).group_by("origin").agg(pl.col("flow").sum())
            tables.append(keyed.sort("origin").with_columns(destination=pl.lit("all")))
        compared = compare_flows(*tables, scale=scale, draws=draws, seed=seed)
        by_metric = {row["metric"]: row for row in compared.iter_rows(named=True)}
        rows += [_row("margins", by_metric[name] | {"metric": f"{side}_{name}"}) for name in MARGIN_METRICS]
    return rows


def _residual_rows(pairs: FlowPairs, factor: float, draws: int, seed: int) -> list[Row]:
    rows: list[Row] = [_distance_slope(pairs, draws, seed)]
    for side in KEY:
        _, residual, weights = _residuals(pairs, factor, side)
        moran = morans_i(residual, weights, seed=seed)
        if not np.isfinite(moran.value):
            reason = "residuals of zones do not vary, or there are fewer than three zones"
            rows += [("residuals", f"{side}_{name}", None, None, None, reason) for name in ("moran", "moran_p")]
            continue
        reason = f"no interval: judged by permutations; expected {moran.expected:.4g} if zones are exchangeable"
        rows.append(("residuals", f"{side}_moran", moran.value, None, None, reason))
        rows.append(("residuals", f"{side}_moran_p", moran.p_value, None, None, "a p-value: no interval"))
    return rows


def _distance_slope(pairs: FlowPairs, draws: int, seed: int) -> Row:
    """Slope of the log bias on log distance over twenty classes of equal reference flow."""
    name = "log_distance_slope"
    assert pairs.distance_km is not None  # noqa: S101  (distances are an argument of validate_flows)
    usable = pairs.distance_km > 0
    if not usable.any() or pairs.reference[usable].sum() <= 0:
        return ("residuals", name, None, None, None, "no reference flow at a distance above 0")
    distance = np.log(pairs.distance_km[usable])
    order = np.argsort(distance, kind="stable")
    mass = np.cumsum(pairs.reference[usable][order])
    code = np.empty(len(order), np.int64)
    code[order] = np.minimum((mass / mass[-1] * 20).astype(np.int64), 19)
    tables = [
        np.bincount(pairs.origin[usable] * 20 + code, flow[usable], minlength=pairs.origins * 20).reshape(-1, 20)
        for flow in (pairs.estimate, pairs.reference, pairs.reference * np.log(np.where(usable, pairs.distance_km, 1)))
    ]
    value = _weighted_slope(*(table.sum(0)[None, :] for table in tables))[0]
    drawn = _weighted_slope(*(origin_draws(pairs.origins, draws, seed) @ table for table in tables))
    if not np.isfinite(value):
        return ("residuals", name, None, None, None, "flows in fewer than two classes of distance")
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < 0.95 * draws or draws == 0:
        return ("residuals", name, float(value), None, None, "no interval: draws is 0, or few resamples have a slope")
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return ("residuals", name, float(value), float(lower), float(upper), None)


def _weighted_slope(
    estimate: NDArray[np.float64], reference: NDArray[np.float64], distance_mass: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Slope of log(estimate / reference) on mean log distance, weighted by the reference; arrays draws × classes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        bias, distance = np.log(estimate / reference), distance_mass / reference
        weight = np.where(np.isfinite(bias) & np.isfinite(distance), reference, 0.0)
        bias, distance = np.where(weight > 0, bias, 0.0), np.where(weight > 0, distance, 0.0)
        total = weight.sum(1, keepdims=True)
        bias = bias - (weight * bias).sum(1, keepdims=True) / total
        distance = distance - (weight * distance).sum(1, keepdims=True) / total
        return np.asarray((weight * bias * distance).sum(1) / (weight * distance**2).sum(1))


def _residuals(
    pairs: FlowPairs, factor: float, side: str
) -> tuple[pl.Series, NDArray[np.float64], NDArray[np.float64]]:
    """Zones, their residuals, and weights of their neighbours."""
    keys, code = (pairs.origin_keys, pairs.origin) if side == "origin" else (pairs.destination_keys, pairs.destination)
    ours, theirs = (np.bincount(code, flow, minlength=len(keys)) for flow in (pairs.estimate * factor, pairs.reference))
    residual = np.log((ours + 0.5) / (theirs + 0.5))
    assert pairs.distance_km is not None  # noqa: S101  (distances are an argument of validate_flows)
    place = {key: number for number, key in enumerate(keys.to_list())}
    rows = np.array([place.get(key, -1) for key in pairs.origin_keys.to_list()])[pairs.origin]
    columns = np.array([place.get(key, -1) for key in pairs.destination_keys.to_list()])[pairs.destination]
    known = (rows >= 0) & (columns >= 0)
    distance = np.full((len(keys), len(keys)), np.nan)
    distance[rows[known], columns[known]] = pairs.distance_km[known]
    distance = np.where(np.isnan(distance), distance.T, distance)
    return keys, residual, nearest_neighbours(distance, NEIGHBOURS)


def _distribution_rows(pairs: FlowPairs, factor: float) -> list[Row]:
    reason = "a distance of two distributions: no interval"
    sizes = np.unique(np.concatenate([pairs.estimate * factor, pairs.reference]))
    cumulative = [
        np.searchsorted(np.sort(flow), sizes, side="right") / max(len(flow), 1)
        for flow in (pairs.estimate * factor, pairs.reference)
    ]
    largest = float(np.abs(cumulative[0] - cumulative[1]).max(initial=0.0))
    rows: list[Row] = [("distribution", "size_distance", largest, None, None, reason)]
    assert pairs.distance_km is not None  # noqa: S101  (distances are an argument of validate_flows)
    if pairs.estimate.sum() <= 0 or pairs.reference.sum() <= 0:
        rows.append(("distribution", "trip_length_distance_km", None, None, None, "a table has no flow"))
        return rows
    order = np.argsort(pairs.distance_km, kind="stable")
    gap = np.diff(pairs.distance_km[order])
    ours, theirs = (np.cumsum(flow[order])[:-1] / flow.sum() for flow in (pairs.estimate, pairs.reference))
    length = float((np.abs(ours - theirs) * gap).sum())
    rows.append(("distribution", "trip_length_distance_km", length, None, None, reason))
    return rows
