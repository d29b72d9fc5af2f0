"""Real flows of phone users (November 2021) against the census of 2011, with the reference models in the same tables.

Prints the tables of docs/phones/comparison/phone_users.md: districts, the correction of distance with half of them, and
Leeds by MSOA. Reads the shared data (ONS_BIGDATA_SHARED) and the seed of the centres of districts.

Usage: python benchmarks/phone_users_against_census.py [--draws 1000] [--samples 100] [--splits 10]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.flow_validation.class_bias import signed_bias
from ons_bigdata.estimation.flow_validation.levels import validate_flows
from ons_bigdata.estimation.flow_validation.sampling_floor import sampling_floor
from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.estimation.raking import rake
from ons_bigdata.phones.methods.comparison.smoothed_census import previous_census_smoothed
from ons_bigdata.phones.methods.distance_correction import correct_distance, fit_distance_correction
from ons_bigdata.phones.methods.reference_models import (
    fit_deterrence,
    gravity,
    previous_census,
    previous_census_raked,
    radiation,
)
from ons_bigdata.phones.methods.weighting import inverse_penetration
from ons_bigdata.settings import Settings

KEY = ["origin", "destination"]
CENTRES = Path(__file__).parent.parent / "dbt_project/seeds/phones/comparison/phone_district_centres.csv"
PHONES = "england_msoa_travel_to_work_phone_users_2021-11.csv.gz"
BAND_ENDS = [2.0, 5.0, 10.0, 20.0]
BANDS = ["0-2 km", "2-5 km", "5-10 km", "10-20 km", "20+ km"]


class Districts(NamedTuple):
    """Flows between districts, their coverage and distances."""

    users: pl.DataFrame
    census_2011: pl.DataFrame
    census_2001: pl.DataFrame
    coverage: pl.DataFrame
    distances: pl.DataFrame


def margins(flows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Totals by origin and by destination."""
    origins, destinations = (flows.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY)
    return origins, destinations


def read_users(folder: Path) -> pl.DataFrame:
    """Persons by MSOA of home and of work."""
    return pl.read_csv(folder / PHONES).select(
        origin="MSOA21CD_home", destination="MSOA21CD_work", flow=pl.col("count").cast(pl.Float64)
    )


def read_districts(folder: Path, *, country: str) -> Districts:
    """Districts whose name is that of an MSOA without its number, exactly as in the file of names of 2011.

    `country`: first letters of the codes that count, "E" (England) or "" (England and Wales).
    """
    population = pl.read_csv(folder / "census2021_msoa_age5.csv.gz")
    zones = population.select(
        msoa="mnemonic",
        name=pl.col(population.columns[0]).str.replace(r" \d{3}$", ""),
        population=pl.col("Total").cast(pl.Float64),
    )
    names = pl.read_csv(folder / "lad20x_names.csv").filter(pl.col("code").str.starts_with(country))
    lookup = zones.join(names, on="name").select("msoa", "code", "population")
    users = read_users(folder)
    home = users.join(lookup.select(origin="msoa", home="code"), on="origin")
    both = home.join(lookup.select(destination="msoa", work="code"), on="destination")
    flows = both.group_by(origin="home", destination="work").agg(pl.col("flow").sum()).sort(KEY)
    # Users of a district are all whose home is in it, wherever they work.
    coverage = (
        home.group_by(area="home")
        .agg(users=pl.col("flow").sum())
        .join(lookup.group_by(area="code").agg(pl.col("population").sum()), on="area")
        .sort("area")
    )
    known = coverage["area"].implode()
    census = pl.read_csv(folder / "ew_lad20x_commuting_1991_2001_2011.csv.gz").select(
        "year", origin="o", destination="d", flow=pl.col("commuters").cast(pl.Float64)
    )
    kept = census.filter(pl.col("origin").is_in(known) & pl.col("destination").is_in(known) & (pl.col("flow") > 0))
    centres = pl.read_csv(CENTRES).filter(pl.col("code").is_in(known))
    apart = (
        centres.join(centres, how="cross", suffix="_to")
        .filter(pl.col("code") != pl.col("code_to"))
        .select(
            origin="code",
            destination="code_to",
            distance_km=(
                (pl.col("easting_km") - pl.col("easting_km_to")) ** 2
                + (pl.col("northing_km") - pl.col("northing_km_to")) ** 2
            ).sqrt(),
        )
        .sort(KEY)
    )
    between = pl.col("origin") != pl.col("destination")
    by_year = {
        year: kept.filter(between, pl.col("year") == year).select(*KEY, "flow").sort(KEY) for year in (2001, 2011)
    }
    return Districts(flows.filter(between), by_year[2011], by_year[2001], coverage, apart)


def shown(table: pl.DataFrame, metric: str, digits: int = 4) -> str:
    """Value and interval of a metric."""
    row = table.row(by_predicate=pl.col("metric") == metric, named=True)
    if row["lower"] is None:
        return f"{row['value']:.{digits}f}"
    return f"{row['value']:.{digits}f} ({row['lower']:.{digits}f}–{row['upper']:.{digits}f})"


def district_table(data: Districts, draws: int, samples: int) -> None:
    """Agreement of the users' flows and of the reference models with 2011."""
    truth = data.census_2011
    size = float(data.users["flow"].sum())
    totals = margins(truth)
    print(f"\n{data.coverage.height} districts; 2011: {truth['flow'].sum():.0f} commuters, {truth.height} pairs")
    print(f"users: {size:.0f}, {data.users.height} pairs; 2001: {data.census_2001['flow'].sum():.0f} commuters")
    rows: dict[str, pl.DataFrame] = {"phone users, scaled": data.users}
    for side in ("origin", "destination", "both"):
        weighted = inverse_penetration(data.users, data.coverage, weight_by=side)  # type: ignore[arg-type]
        rows[f"phone users, inverse penetration ({side})"] = weighted.select(*KEY, flow="flow_adjusted")
    rows["phone users, raked to 2011 margins"] = rake(data.users, *totals).select(*KEY, flow="flow_adjusted")
    rows["census 2001, scaled"] = previous_census(data.census_2001)
    rows["census 2001, raked to 2011 margins"] = previous_census_raked(data.census_2001, *totals)
    rows["census 2001, smoothed by gravity, raked to 2011 margins"] = previous_census_smoothed(
        data.census_2001, data.distances, *totals
    )
    for deterrence in ("power", "exponential"):
        fits = {"2011": truth, "2001": data.census_2001}
        for year, flows in fits.items():
            fit = fit_deterrence(flows, data.distances, deterrence=deterrence)  # type: ignore[arg-type]
            rows[f"gravity, doubly, {deterrence} {fit.parameter:.4f} (fitted to {year})"] = gravity(
                *totals, data.distances, deterrence=deterrence, constraint="doubly", parameter=fit.parameter  # type: ignore[arg-type]
            )  # fmt: skip
    rows["gravity, doubly, f = 1"] = gravity(
        *totals, data.distances, deterrence="exponential", constraint="doubly", parameter=0.0
    )
    rows["radiation, normalised"] = radiation(*totals, data.distances, normalised=True)
    print("\n| flows | CPC | log RMSE | R² | mean distance, ratio |\n|---|---|---|---|---|")
    metrics = ("cpc", "log_rmse", "r_squared", "trip_length_ratio")
    for name, flows in rows.items():
        table = compare_flows(flows, truth, distances=data.distances, draws=draws)
        print(f"| {name} | {' | '.join(shown(table, metric) for metric in metrics)} |")
    floor = sampling_floor(truth, size, distances=data.distances, draws=samples)
    print(f"| perfect sample of {size:.0f} | {' | '.join(shown(floor, metric) for metric in metrics)} |")


def correction_table(data: Districts, splits: int) -> None:
    """Correction of distance, fitted to the pairs between half of the districts, judged on those between the others."""
    fit = fit_deterrence(data.users, data.distances)
    modelled = gravity(
        *margins(data.users), data.distances, deterrence="power", constraint="doubly", parameter=fit.parameter
    )
    rate = data.coverage.select("area", rate=pl.col("population") / pl.col("users"))
    pairs = (
        data.distances.join(data.users, on=KEY, how="left")
        .join(data.census_2011.rename({"flow": "reference"}), on=KEY, how="left")
        .join(modelled.rename({"flow": "modelled"}), on=KEY)
        .join(rate.rename({"area": "origin", "rate": "out"}), on="origin")
        .join(rate.rename({"area": "destination", "rate": "into"}), on="destination")
        .with_columns(pl.col("flow", "reference").fill_null(0.0), weight=(pl.col("out") * pl.col("into")).sqrt())
        .sort(KEY)
    )
    old = data.census_2001
    print(
        "\n| split | CPC users | CPC inverse penetration | CPC corrected | CPC 2001 | log RMSE inverse penetration | "
        "log RMSE corrected | log RMSE 2001 | interval holds | of pairs with a flow |\n" + "|---" * 10 + "|"
    )
    for split in range(splits):
        half = np.random.default_rng(split).permutation(sorted(data.coverage["area"]))[: data.coverage.height // 2]
        learnt = pl.col("origin").is_in(half.tolist()) & pl.col("destination").is_in(half.tolist())
        judged = ~pl.col("origin").is_in(half.tolist()) & ~pl.col("destination").is_in(half.tolist())
        corrected = correct_distance(pairs.filter(judged), fit_distance_correction(pairs.filter(learnt), seed=split))
        truth = data.census_2011.filter(judged)
        tables = [
            compare_flows(flows, truth, draws=0)
            for flows in (
                corrected.select(*KEY, "flow").filter(pl.col("flow") > 0),
                corrected.select(*KEY, flow=pl.col("flow") * pl.col("weight")).filter(pl.col("flow") > 0),
                corrected.select(*KEY, flow="flow_adjusted"),
                old.filter(judged),
            )
        ]
        held = corrected.with_columns(held=pl.col("reference").is_between("lower", "upper"))
        cpc = [shown(table, "cpc") for table in tables]
        error = [shown(table, "log_rmse") for table in tables[1:]]
        shares = [held["held"].mean(), held.filter(pl.col("reference") > 0)["held"].mean()]
        print(f"| {split} | {' | '.join([*cpc, *error])} | {' | '.join(f'{share:.4f}' for share in shares)} |")
    ratio = corrected.filter(pl.col("flow_adjusted") >= 100).select(
        (pl.col("upper") / pl.col("lower").clip(lower_bound=1)).median()
    )
    print(f"last split: {corrected.height} pairs judged; median upper / lower where 100 or more: {ratio.item():.1f}")


def leeds_tables(folder: Path, draws: int) -> None:
    """Bias by distance between the MSOAs of Leeds, and the five levels of validation."""
    zones = pl.read_csv(folder / "leeds_msoa_zones.csv").select(code="geo_code", lon="lon", lat="lat")
    codes = zones["code"].implode()
    inside = pl.col("origin").is_in(codes) & pl.col("destination").is_in(codes)
    users = read_users(folder).filter(inside)
    census = pl.read_csv(folder / "leeds_msoa_od_2011.csv").select(
        origin="O", destination="D", flow=pl.col("all").cast(pl.Float64)
    )
    radians = zones.with_columns(pl.col("lon", "lat").radians())
    pairs = radians.join(radians, how="cross", suffix="_to")
    half = ((pl.col("lat_to") - pl.col("lat")) / 2).sin() ** 2 + pl.col("lat").cos() * pl.col("lat_to").cos() * (
        (pl.col("lon_to") - pl.col("lon")) / 2
    ).sin() ** 2
    distances = pairs.select(origin="code", destination="code_to", distance_km=2 * 6371.0 * half.sqrt().arcsin())
    number = pl.sum_horizontal((pl.col("distance_km") >= end).cast(pl.Int32) for end in BAND_ENDS)
    classes = distances.select(
        *KEY,
        band=number.replace_strict(dict(enumerate(BANDS)), return_dtype=pl.String),
        kind=pl.when(pl.col("origin") == pl.col("destination")).then(pl.lit("within")).otherwise(pl.lit("between")),
    )
    print(f"\nLeeds: users {users['flow'].sum():.0f}, 2011 {census['flow'].sum():.0f}")
    print("\n| class | users | 2011 | log bias, scaled |\n|---|---|---|---|")
    between = pl.col("origin") != pl.col("destination")
    for name, ours, theirs, column in (
        ("all pairs: ", users, census, "kind"),
        ("between MSOAs: ", users.filter(between), census.filter(between), "band"),
    ):
        bias = signed_bias(ours, theirs, classes.select(*KEY, column), draws=draws)
        factor = theirs["flow"].sum() / ours["flow"].sum()
        for row in bias.sort(pl.col("category").str.extract(r"^(\d+)").cast(pl.Int64)).iter_rows(named=True):
            ends = "" if row["lower"] is None else f" ({row['lower']:.4f} to {row['upper']:.4f})"
            print(
                f"| {name}{row['category']} | {row['estimate'] / factor:.0f} | {row['reference']:.0f} | "
                f"{row['log_bias']:.4f}{ends} |"
            )
    ours, theirs = users.filter(between), census.filter(between)
    totals = margins(theirs)
    print("\n| flows between the MSOAs of Leeds | CPC | log RMSE | R² |\n|---|---|---|---|")
    apart = distances.filter(between)
    fit = fit_deterrence(theirs, apart)
    models = {
        "phone users, scaled": ours,
        "phone users, raked to 2011 margins": rake(ours, *totals).select(*KEY, flow="flow_adjusted"),
        f"gravity, doubly, power {fit.parameter:.4f} (fitted to 2011)": gravity(
            *totals, apart, deterrence="power", constraint="doubly", parameter=fit.parameter
        ),
    }
    metrics = ("cpc", "log_rmse", "r_squared")
    for name, flows in models.items():
        table = compare_flows(flows, theirs, draws=draws)
        print(f"| {name} | {' | '.join(shown(table, metric) for metric in metrics)} |")
    floor = sampling_floor(theirs, float(ours["flow"].sum()))
    print(f"| perfect sample of {ours['flow'].sum():.0f} | {' | '.join(shown(floor, metric) for metric in metrics)} |")
    print("\n| level | metric | users | perfect sample |\n|---|---|---|---|")
    levels = validate_flows(ours, theirs, apart, size=float(ours["flow"].sum()), draws=draws)
    for row in levels.iter_rows(named=True):
        ends = "" if row["lower"] is None else f" ({row['lower']:.4f} to {row['upper']:.4f})"
        floor_value = "" if row["floor"] is None else f"{row['floor']:.4f}"
        value = "" if row["value"] is None else f"{row['value']:.4f}{ends}"
        print(f"| {row['level']} | {row['metric']} | {value} | {floor_value} |")


def main() -> None:
    """Print all tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--draws", type=int, default=1000)
    arguments.add_argument("--samples", type=int, default=100)
    arguments.add_argument("--splits", type=int, default=10)
    chosen = arguments.parse_args()
    folder = Settings().shared / "data" / "phones"
    for country in ("", "E"):
        data = read_districts(folder, country=country)
        district_table(data, chosen.draws, chosen.samples)
        correction_table(data, chosen.splits)
    leeds_tables(folder, chosen.draws)


if __name__ == "__main__":
    main()
