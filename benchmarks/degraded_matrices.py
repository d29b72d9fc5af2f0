"""Proofs on degraded real matrices: Leeds by MSOA and districts of England and Wales, Census 2011, known bias.

Prints the tables of docs/phones/comparison/degraded_matrices.md: coverage of the intervals of the bias by distance
band, market-share bias that weighting removes, and bounds of metrics under suppression, with and without margins.

Usage: python benchmarks/degraded_matrices.py [--replicates 200]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from ons_bigdata.estimation.flow_bounds import JointRange, KnownTotals, joint_bounds, metric_bounds
from ons_bigdata.estimation.flow_bounds.transport import least_sum, linear_functions, transport
from ons_bigdata.estimation.flow_metrics import BIN_KM, metric_values
from ons_bigdata.estimation.flow_pairs import FlowPairs, aligned_pairs
from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.flows import compare_flows, known_totals
from ons_bigdata.phones.methods.weighting import expansion_weights, rake_capped, weight_flows
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.operators.degradation import DegradationPlan, Degraded, degrade, wrong_rates

KEY = ["origin", "destination"]
FIFTHS = 5
EDGES_KM = (2.0, 5.0, 10.0, 20.0, 40.0)
LEAST_WIDTH = 5e-5
"""Width of bounds in [0, k - 1] below which suppression does not matter."""
BOUNDED = (
    *("cpc", "slope", "r_squared", "rmse", "cpc_distance", "trip_length_ratio"),
    *("log_bias_0-2_km", "log_bias_2-5_km", "log_bias_5-10_km", "log_bias_10-20_km"),
)


def leeds() -> tuple[pl.DataFrame, DegradationPlan]:
    """Commuters between the MSOAs of Leeds with distances, and the plan of their degradation."""
    folder = Settings().shared / "data" / "phones"
    flows = pl.read_csv(folder / "leeds_msoa_od_2011.csv").select(
        origin="O", destination="D", flow=pl.col("all").cast(pl.Float64)
    )
    zones = pl.read_csv(folder / "leeds_msoa_zones.csv").select("geo_code", pl.col("lon", "lat").radians())
    pairs = zones.join(zones, how="cross", suffix="_to").filter(pl.col("geo_code") != pl.col("geo_code_to"))
    half = ((pl.col("lat_to") - pl.col("lat")) / 2).sin() ** 2 + pl.col("lat").cos() * pl.col("lat_to").cos() * (
        (pl.col("lon_to") - pl.col("lon")) / 2
    ).sin() ** 2
    apart = pairs.select(origin="geo_code", destination="geo_code_to", distance_km=2 * 6371.0 * half.sqrt().arcsin())
    return flows.join(apart, on=KEY).sort(KEY), DegradationPlan()


def districts() -> tuple[pl.DataFrame, DegradationPlan]:
    """Commuters between the 325 districts with a known centre, and the plan of their degradation."""
    folder = Settings().shared / "data" / "phones"
    centres = pl.read_csv(
        Path(__file__).parent.parent / "dbt_project/seeds/phones/comparison/phone_district_centres.csv"
    )
    places = centres.select("code", x="easting_km", y="northing_km")
    flows = (
        pl.read_csv(folder / "ew_lad20x_commuting_1991_2001_2011.csv.gz")
        .filter((pl.col("year") == 2011) & (pl.col("o") != pl.col("d")) & (pl.col("commuters") > 0))
        .join(places, left_on="o", right_on="code")
        .join(places, left_on="d", right_on="code", suffix="_to")
        .select(
            origin="o",
            destination="d",
            flow=pl.col("commuters").cast(pl.Float64),
            distance_km=((pl.col("x") - pl.col("x_to")) ** 2 + (pl.col("y") - pl.col("y_to")) ** 2).sqrt(),
        )
    )
    return flows.sort(KEY), DegradationPlan(band_ends_km=(10.0, 20.0, 40.0, 80.0))


def mean_rate(plan: DegradationPlan) -> float:
    """Devices per commuter at the mean market share."""
    return plan.ownership * plan.devices_per_owner * plan.market_share


def bands_of(flows: pl.DataFrame, plan: DegradationPlan) -> pl.DataFrame:
    """Number of the band of each pair."""
    return flows.select(
        *KEY, band=pl.sum_horizontal((pl.col("distance_km") >= end).cast(pl.Int64) for end in plan.band_ends_km)
    )


def held_bands(flows: pl.DataFrame, plan: DegradationPlan, replicates: int, scale: str) -> np.ndarray:
    """For each replicate and band: 1 if the interval holds the known bias, 0 if not, NaN without an interval."""
    classes = bands_of(flows, plan)
    reference = flows.select(*KEY, "flow")
    rows = []
    for replicate in range(replicates):
        drawn = degrade(np.random.default_rng(replicate), flows, plan)
        estimate = drawn.uncut.group_by(KEY).agg(flow=pl.col("flow").sum() / mean_rate(plan))
        known = drawn.bands
        if scale == "total":
            mass = classes.join(reference, on=KEY).group_by("band").agg(pl.col("flow").sum()).join(known, on="band")
            total = (mass["flow"] * mass["log_bias"].exp()).sum() / mass["flow"].sum()
            known = known.with_columns(pl.col("log_bias") - np.log(total))
        bias = signed_bias(estimate, reference, classes, scale=scale, draws=400, seed=replicate)  # type: ignore[arg-type]
        both = known.join(bias.with_columns(band=pl.col("category").cast(pl.Int64)), on="band", suffix="_ours")
        held = pl.col("log_bias").is_between("lower", "upper")
        rows.append(both.sort("band").select(pl.when(pl.col("lower").is_not_null()).then(held.cast(pl.Float64)))[:, 0])
    return np.array([row.fill_null(float("nan")).to_numpy() for row in rows])


def area_errors(adjusted: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Log error of the departures of each area, less its mean weighted by commuters: area, due, error."""
    both = due.join(adjusted.group_by(area="origin").agg(ours=pl.col("flow_adjusted").sum()), on="area", how="left")
    logs = both.select("area", "due", error=(pl.col("ours") / pl.col("due")).log())
    return logs.with_columns(error=pl.col("error") - (pl.col("error") * pl.col("due")).sum() / pl.col("due").sum())


def weighted_flows(
    rng: np.random.Generator, drawn: Degraded, plan: DegradationPlan, share_error: float, margin_error: float
) -> dict[str, pl.DataFrame]:
    """Flows of a delivery: unweighted, by start weights from wrong shares, and raked to areas and ages besides."""
    rates = wrong_rates(rng, drawn.rates, share_error).with_columns(
        ownership=pl.lit(plan.ownership),
        ownership_error=pl.lit(0.01),
        devices_per_owner=pl.lit(plan.devices_per_owner),
        devices_per_owner_error=pl.lit(0.02),
        market_share_error=share_error * pl.col("market_share"),
    )
    weights = expansion_weights(rates)
    flows = drawn.uncut.group_by(KEY).agg(pl.col("flow").sum()).sort(KEY)
    cells = drawn.margins.rename({"users": "devices"}).join(weights.select("area", "weight"), on="area")
    by_area = drawn.commuters.group_by("area").agg(total=pl.col("persons").sum()).sort("area")
    by_area = by_area.with_columns(pl.col("total") * np.exp(margin_error * rng.standard_normal(by_area.height)))
    by_age = drawn.commuters.group_by("age").agg(total=pl.col("persons").sum())
    by_age = by_age.with_columns(pl.col("total") * (by_area["total"].sum() / by_age["total"].sum()))
    raked = rake_capped(cells, [by_area, by_age]).cells.select(origin="area", age="age", weight_raked="weight_raked")
    return {
        "unweighted": flows.with_columns(flow_adjusted=pl.col("flow") / mean_rate(plan)),
        "start weights": weight_flows(flows, weights),
        "raked to areas and ages": drawn.uncut.join(raked, on=["origin", "age"])
        .group_by(KEY)
        .agg(flow_adjusted=(pl.col("flow") * pl.col("weight_raked")).sum()),
    }


def removed_shares(
    flows: pl.DataFrame, plan: DegradationPlan, replicates: int, *, share_error: float = 0.1, margin_error: float = 0.03
) -> pl.DataFrame:
    """Share of the market-share bias that weights remove, mean over replicates: weights, by_fifth, squared, absolute.

    "by_fifth": mean absolute log bias of fifths of the areas in the order of their true market share. "squared" and
    "absolute": mean squared and absolute log error of single areas, weighted by commuters. The bias by distance is left
    out of this proof: it would change the departures of areas, too, and is no matter of market shares.
    """
    even = DegradationPlan(band_ends_km=plan.band_ends_km, band_log_bias=(0.0,) * len(plan.band_log_bias))
    due = flows.group_by(area="origin").agg(due=pl.col("flow").sum())
    rows = []
    for replicate in range(replicates):
        drawn = degrade(np.random.default_rng(replicate), flows, even)
        ranked = drawn.rates.sort("market_share").with_row_index("rank")
        fifth = ranked.select("area", fifth=pl.col("rank") * FIFTHS // ranked.height)
        sizes = {}
        tables = weighted_flows(np.random.default_rng(10_000 + replicate), drawn, even, share_error, margin_error)
        for name, adjusted in tables.items():
            errors = area_errors(adjusted, due)
            weight = errors["due"] / errors["due"].sum()
            grouped = errors.join(fifth, on="area").group_by("fifth").agg(
                (pl.col("error") * pl.col("due")).sum() / pl.col("due").sum()
            )  # fmt: skip
            error = errors["error"]
            sizes[name] = (grouped["error"].abs().mean(), (weight * error**2).sum(), (weight * error.abs()).sum())
        before = np.array(sizes.pop("unweighted"))
        rows += [(name, *(1 - np.array(after) / before).tolist()) for name, after in sizes.items()]
    table = pl.DataFrame(rows, schema=["weights", "by_fifth", "squared", "absolute"], orient="row")
    return table.group_by("weights", maintain_order=True).mean()


def bound_widths(flows: pl.DataFrame, plan: DegradationPlan, threshold: int, scale: str, seed: int = 0) -> pl.DataFrame:
    """Widths of the bounds of metrics under suppression: metric, plain, margins, floor, zeros, zeros_floor, holds.

    Counts of pairs (all ages together) below the threshold are suppressed. "plain": each in [0, threshold - 1];
    "margins": with published totals by origin and destination, both at once, on whole numbers; "zeros": besides, each
    in [1, threshold - 1], as a specification says that suppresses counts from 1. "floor": how far apart the metric is
    in two tables that these bounds and totals allow, so that no valid bounds are narrower (cells of `cpc_distance` are
    not whole there). "holds": true if all bounds hold the metric before.
    """
    drawn = degrade(np.random.default_rng(seed), flows, plan)
    whole = drawn.uncut.group_by(KEY).agg(flow=pl.col("flow").sum()).sort(KEY)
    totals = {f"{side}_totals": whole.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY}
    # Unscaled, the reference is brought to the operator's scale by its known mean rate.
    reference = flows.select(*KEY, flow=pl.col("flow") * (mean_rate(plan) if scale == "none" else 1.0))
    distances = flows.select(*KEY, "distance_km")
    options = {"distances": distances, "scale": scale, "draws": 0}
    table = compare_flows(whole, reference, **options).select("metric", truth="value")  # type: ignore[arg-type]
    hidden = suppressed(whole, threshold, 0.0)
    plain = compare_flows(hidden, reference, **options).select("metric", "lower", "upper")  # type: ignore[arg-type]
    table = table.join(plain, on="metric")
    for kind, least in (("margins", 0.0), ("zeros", 1.0)):
        aligned = aligned_pairs(
            suppressed(whole, threshold, least), reference, distances, all_pairs=False, drop_suppressed=False
        )
        known = tuple(known_totals(aligned, totals[f"{side}_totals"], side) for side in KEY)
        table = table.join(ranges_and_floors(aligned, known, is_scaled=scale == "total", kind=kind), on="metric")
    slack = 1e-9
    holds = pl.all_horizontal(
        pl.col("truth").is_between(pl.col(f"lower{kind}") - slack, pl.col(f"upper{kind}") + slack)
        for kind in ("", "_margins", "_zeros")
    )
    return table.filter(pl.col("metric").is_in(BOUNDED)).select(
        "metric",
        plain=pl.col("upper") - pl.col("lower"),
        margins=pl.col("upper_margins") - pl.col("lower_margins"),
        floor="floor_margins",
        zeros=pl.col("upper_zeros") - pl.col("lower_zeros"),
        zeros_floor="floor_zeros",
        holds=holds,
    )


def suppressed(whole: pl.DataFrame, threshold: int, least: float) -> pl.DataFrame:
    """Flows with counts below the threshold known to be from `least` to below it only."""
    is_small = pl.col("flow") < threshold
    return whole.with_columns(
        status=pl.when(is_small).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(is_small).then(least),
        upper=pl.when(is_small).then(float(threshold - 1)),
        flow=pl.when(~is_small).then("flow"),
    )


def ranges_and_floors(
    aligned: FlowPairs, known: tuple[KnownTotals, ...], *, is_scaled: bool, kind: str
) -> pl.DataFrame:
    """Bounds of metrics by both margins, and the distance of two tables that these allow: lower_, upper_, floor_."""
    options = {"is_scaled": is_scaled, "edges_km": EDGES_KM}
    ranges = metric_bounds(aligned, known, **options)  # type: ignore[arg-type]
    found = joint_bounds(aligned, known, **options, is_whole=True, only=BOUNDED)  # type: ignore[arg-type]
    if found["cpc_distance"].at_high is None or found["cpc_distance"].at_low is None:
        found["cpc_distance"] = shared_by_distance(aligned, known, **options)  # type: ignore[arg-type]
    rows = []
    for name, (low, high) in ranges.items():
        if name not in BOUNDED:
            continue
        tables = [end for end in found[name][2:] if end is not None] if name in found else []
        factors = [aligned.reference.sum() / table.sum() if is_scaled else 1.0 for table in tables]
        values = [
            metric_values(replace(aligned, estimate=table), factor, EDGES_KM)[name]
            for table, factor in zip(tables, factors, strict=True)
        ]
        both = found[name] if name in found else JointRange(low, high)
        rows.append(
            (name, max(low, both.low), min(high, both.high), values[1] - values[0] if len(values) == 2 else None)
        )
    names = ["metric", *(f"{column}_{kind}" for column in ("lower", "upper", "floor"))]
    return pl.DataFrame(rows, schema=dict(zip(names, (pl.String, *[pl.Float64] * 3), strict=True)), orient="row")


def shared_by_distance(
    aligned: FlowPairs, known: tuple[KnownTotals, ...], *, is_scaled: bool, edges_km: tuple[float, ...]
) -> JointRange:
    """Range of `cpc_distance` with tables near to its ends whose cells need not be whole.

    The lower table is that of the chords, improved while it helps: the least sum over the classes that are below their
    reference in it is a table at least as low.
    """
    found = joint_bounds(aligned, known, is_scaled=is_scaled, edges_km=edges_km, is_whole=False, only=["cpc_distance"])[
        "cpc_distance"
    ]
    if found.at_low is None or aligned.distance_km is None:
        return found
    made = transport(aligned.lower, aligned.upper, (known[0].group, known[1].group), (known[0].total, known[1].total))
    if made is None:
        return found
    problem, free = made
    of_pair = (aligned.distance_km // BIN_KM).astype(np.int64)
    theirs, table = np.bincount(of_pair, aligned.reference), found.at_low.copy()
    factor = aligned.reference.sum() / table.sum() if is_scaled else 1.0
    for _ in range(5):
        is_below = (factor * np.bincount(of_pair, table) < theirs).astype(np.float64)
        cells = least_sum(problem, linear_functions(problem, is_below[of_pair[free]])).cells
        if cells is None:
            break
        table[free] = cells
    return found._replace(at_low=table)


def print_bounds(name: str, flows: pl.DataFrame, plan: DegradationPlan, thresholds: Sequence[int] = (5, 10)) -> None:
    """Print the rows of bounds of a matrix."""
    columns = ("plain", "margins", "ratio", "floor", "zeros", "ratio of zeros", "floor of zeros")
    for threshold in thresholds:
        for scale in ("none", "total"):
            for row in bound_widths(flows, plan, threshold, scale).iter_rows(named=True):
                if not row["plain"] or row["plain"] < LEAST_WIDTH:
                    continue
                row["ratio"], row["ratio of zeros"] = row["margins"] / row["plain"], row["zeros"] / row["plain"]
                row["floor of zeros"] = row["zeros_floor"]
                ends = " | ".join("" if row[c] is None else f"{row[c]:.2f}" if "ratio" in c else f"{row[c]:.5f}" for c in columns)  # fmt: skip  # noqa: E501
                print(f"| {name} | {threshold} | {scale} | {row['metric']} | {ends} | {row['holds']} |", flush=True)


def main() -> None:
    """Print all tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--replicates", type=int, default=200)
    arguments.add_argument("--bounds", choices=["Leeds", "districts"], help="only the bounds of this matrix")
    arguments.add_argument("--below", type=int, nargs="+", default=[5, 10], help="thresholds of these bounds")
    chosen = arguments.parse_args()
    replicates, matrices = chosen.replicates, {"Leeds": leeds(), "districts": districts()}
    if chosen.bounds:
        print_bounds(chosen.bounds, *matrices[chosen.bounds], thresholds=chosen.below)
        return
    print("\n| matrix | spread of shares | scale | by band | all |\n|---|---|---|---|---|")
    for name, (flows, plan) in matrices.items():
        for spread in (0.0, plan.share_spread):
            varied = DegradationPlan(share_spread=spread, band_ends_km=plan.band_ends_km)
            for scale in ("none", "total"):
                held = held_bands(flows, varied, replicates, scale)
                bands = ", ".join(f"{share:.3f}" for share in np.nanmean(held, axis=0))
                print(f"| {name} | {spread} | {scale} | {bands} | {np.nanmean(held):.4f} |", flush=True)
    print("\n| matrix | weights | by fifth of areas | squared, by area | absolute, by area |\n|---|---|---|---|---|")
    for name, (flows, plan) in matrices.items():
        for row in removed_shares(flows, plan, replicates).iter_rows():
            print(f"| {name} | {row[0]} | {' | '.join(f'{share:.3f}' for share in row[1:])} |", flush=True)
    print(
        "\n| matrix | below | scale | metric | plain | margins | ratio | floor | zeros | ratio | floor | holds |\n"
        + "|---" * 12
        + "|"
    )
    for name, (flows, plan) in matrices.items():
        print_bounds(name, flows, plan)


if __name__ == "__main__":
    main()
