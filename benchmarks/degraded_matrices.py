"""Proofs on degraded real matrices: Leeds by MSOA and districts of England and Wales, Census 2011, known bias.

Prints the tables of docs/phones/comparison/degraded_matrices.md: coverage of the intervals of the bias by distance
band, market-share bias that weighting removes, and bounds of metrics under suppression, with and without margins.

Usage: python benchmarks/degraded_matrices.py [--replicates 200]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.phones.methods.weighting import expansion_weights, rake_capped, weight_flows
from ons_bigdata.settings import Settings
from ons_bigdata.simulation.operators.degradation import DegradationPlan, Degraded, degrade, wrong_rates

KEY = ["origin", "destination"]
FIFTHS = 5
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
    """Widths of the bounds of metrics under suppression: metric, plain, margins, zeros, holds.

    Counts of pairs (all ages together) below the threshold are suppressed. "plain": each in [0, threshold - 1];
    "margins": with published totals by origin and destination; "zeros": besides, each in [1, threshold - 1], as a
    specification says that suppresses counts from 1, in whole numbers and with both margins at once where the hidden
    cells are few enough. "holds": true if all three hold the metric before.
    """
    drawn = degrade(np.random.default_rng(seed), flows, plan)
    whole = drawn.uncut.group_by(KEY).agg(flow=pl.col("flow").sum()).sort(KEY)
    is_small = pl.col("flow") < threshold
    cut = whole.with_columns(
        status=pl.when(is_small).then(pl.lit("suppressed")).otherwise(pl.lit("observed")),
        lower=pl.when(is_small).then(0.0),
        upper=pl.when(is_small).then(float(threshold - 1)),
        flow=pl.when(~is_small).then("flow"),
    )
    totals = {f"{side}_totals": whole.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY}
    # Unscaled, the reference is brought to the operator's scale by its known mean rate.
    reference = flows.select(*KEY, flow=pl.col("flow") * (mean_rate(plan) if scale == "none" else 1.0))
    options = {"distances": flows.select(*KEY, "distance_km"), "scale": scale, "draws": 0}
    truth = compare_flows(whole, reference, **options)  # type: ignore[arg-type]
    plain = compare_flows(cut, reference, **options)  # type: ignore[arg-type]
    known = compare_flows(cut, reference, **options, **totals)  # type: ignore[arg-type]
    some = cut.with_columns(lower=pl.when(pl.col("status") == "suppressed").then(1.0).otherwise("lower"))
    zeros = compare_flows(some, reference, **options, **totals, margins="whole")  # type: ignore[arg-type]
    both = (
        plain.join(known, on="metric", suffix="_known")
        .join(zeros, on="metric", suffix="_zeros")
        .join(truth.select("metric", truth="value"), on="metric")
    )
    slack = 1e-9
    holds = pl.all_horizontal(
        pl.col("truth").is_between(pl.col(f"lower{kind}") - slack, pl.col(f"upper{kind}") + slack)
        for kind in ("", "_known", "_zeros")
    )
    return both.filter(pl.col("metric").is_in(BOUNDED)).select(
        "metric",
        plain=pl.col("upper") - pl.col("lower"),
        margins=pl.col("upper_known") - pl.col("lower_known"),
        zeros=pl.col("upper_zeros") - pl.col("lower_zeros"),
        holds=holds,
    )


def sharp_width(flows: pl.DataFrame, plan: DegradationPlan, threshold: int, seed: int = 0) -> float:
    """Least width of bounds of the CPC, scaled to the total, under both margins at once, by linear programs.

    The upper end is the largest CPC; the lower end is that of a table that the margins allow (a vertex of the program
    with the chords of min(p, c) in its place), so that no valid bounds can be narrower than the returned width.
    """
    drawn = degrade(np.random.default_rng(seed), flows, plan)
    table = flows.select(*KEY, c="flow").join(
        drawn.uncut.group_by(KEY).agg(x=pl.col("flow").sum()), on=KEY, how="full", coalesce=True
    ).with_columns(pl.col("c", "x").fill_null(0.0)).sort(KEY)  # fmt: skip
    x, c = table["x"].to_numpy(), table["c"].to_numpy()
    factor = c.sum() / x.sum()
    free = np.flatnonzero((x > 0) & (x < threshold))
    high, n = threshold - 1.0, len(free)
    rows = [
        csr_array((np.ones(n), (codes[free], np.arange(n))), shape=(codes.max() + 1, n))
        for codes in (table[side].rank("dense").to_numpy().astype(np.int64) - 1 for side in KEY)
    ]
    margins = vstack(rows).tocsr()
    sums = margins @ x[free]
    useful = np.minimum(high, c[free] / factor)
    best = linprog(
        np.r_[np.full(n, -factor), np.zeros(n)], A_eq=hstack([margins, margins]), b_eq=sums,
        bounds=np.c_[np.zeros(2 * n), np.r_[useful, high - useful]], method="highs",
    )  # fmt: skip
    chord = np.minimum(factor * high, c[free]) / high
    least = linprog(chord, A_eq=margins, b_eq=sums, bounds=(0, high), method="highs")
    return float((-best.fun - np.minimum(factor * least.x, c[free]).sum()) / c.sum())


def main() -> None:
    """Print all tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--replicates", type=int, default=200)
    replicates = arguments.parse_args().replicates
    matrices = {"Leeds": leeds(), "districts": districts()}
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
        "\n| matrix | below | scale | metric | plain | margins | ratio | zeros | ratio | holds |\n" + "|---" * 10 + "|"
    )
    for name, (flows, plan) in matrices.items():
        for threshold in (5, 10):
            for scale in ("none", "total"):
                widths = bound_widths(flows, plan, threshold, scale).drop_nulls()
                for row in widths.iter_rows(named=True):
                    ratio, other = (
                        row[k] / row["plain"] if row["plain"] else float("nan") for k in ("margins", "zeros")
                    )
                    ends = f"{row['plain']:.4f} | {row['margins']:.4f} | {ratio:.2f} | {row['zeros']:.4f} | {other:.2f}"
                    ends += f" | {row['holds']}"
                    print(f"| {name} | {threshold} | {scale} | {row['metric']} | {ends} |")
            width = sharp_width(flows, plan, threshold)
            print(f"{name}, below {threshold}: no bounds of the scaled CPC are narrower than {width:.4f}", flush=True)


if __name__ == "__main__":
    main()
