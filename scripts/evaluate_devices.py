"""Judges presence, duplicates, students and domestic nights on simulated operators; prints the tables of the docs.

`.venv/bin/python scripts/evaluate_devices.py --devices 2000 --events-per-day 26 --seeds 21 22 23`. Parameters were
chosen on seeds 1 to 3 and 2014.
"""

from __future__ import annotations

import argparse
from datetime import timedelta

import numpy as np
import polars as pl

from ons_bigdata.phones.methods.anchors.counted import confirm_students, counted_devices, evaluate_anchors
from ons_bigdata.phones.methods.duplicates import count_handovers, cut_month, judge_candidates
from ons_bigdata.phones.methods.presence.bucket import follow_month
from ons_bigdata.phones.methods.presence.present import estimate_present, footprints_of, presence_amounts
from ons_bigdata.phones.methods.presence.visitors import nights_of_devices
from ons_bigdata.phones.schemas.visitor_specification import UsualEnvironment
from ons_bigdata.simulation.phones.days import draw_presence
from ons_bigdata.simulation.phones.figure_files import RESIDENTS_ERROR
from ons_bigdata.simulation.phones.operator_files import SimulatedOperator, simulate_operator
from ons_bigdata.simulation.phones.roamers import OWN_MCC
from ons_bigdata.simulation.phones.visitor_agreement import agree_visitors

DAYTIME, NIGHT_TIME = (10, 16), (1, 5)
CONFIDENCE = 0.95
PERSONS_PER_PLACE = 6.0
TRUE_DAYS = 3
WEDNESDAY = 3


def true_presence(operator: SimulatedOperator, hours: tuple[int, int]) -> pl.DataFrame:
    """Adults in each zone at the middle of some hours, mean of Wednesdays that are drawn anew: area, truth."""
    world, spec = operator.world, operator.specification
    rng = np.random.default_rng([world.seed, 970, hours[0]])
    is_adult = operator.people["age"].to_numpy() >= spec.devices.min_age_years
    moments = tuple(hour + 0.5 for hour in range(*hours))
    days = [day for day in range(world.days) if (world.first_day.isoweekday() + day - 1) % 7 + 1 == WEDNESDAY]
    drawn = [
        row[is_adult]
        for day in days[:TRUE_DAYS]
        for row in draw_presence(rng, world, operator.people, spec.period.excluded_days, day, moments)
    ]
    zones = operator.zone_of_address.gather(pl.Series(np.concatenate(drawn)))
    return zones.alias("area").to_frame().group_by("area").agg(truth=pl.len() / len(drawn))


def judge(operator: SimulatedOperator) -> None:
    """Print the rows of an operator."""
    spec, seed = operator.specification, operator.world.seed
    cells = operator.cells.select("cell", "zone", "zone_shares", "education_share", "share_aged_16_24")
    followed = follow_month(operator.events.rename({"device": "device_key"}), cells, spec)
    register = operator.devices.select(
        "tariff", "account", "holder_age", device_key="device", is_machine=pl.lit(value=False)
    )
    anchors = followed["anchors"]
    counted = counted_devices(anchors, register, spec)
    adults = operator.persons.filter(pl.col("age") >= spec.devices.min_age_years)
    residents = adults.group_by(area="home_zone").agg(residents=pl.len(), residents_error=RESIDENTS_ERROR * pl.len())
    footprints, has_footprints = footprints_of(cells)
    present = estimate_present(
        presence_amounts(followed["presence"], daytime=DAYTIME, night_time=NIGHT_TIME),
        counted.drop_nulls("home_zone").select("device_key", "home"),
        footprints,
        residents,
        confidence=CONFIDENCE,
        persons_per_place=PERSONS_PER_PLACE,
        has_footprints=has_footprints,
    ).filter(pl.col("day_type") == "weekday")
    for period, hours in (("daytime", DAYTIME), ("night_time", NIGHT_TIME), ("08", (8, 9)), ("18", (18, 19))):
        table = (
            residents.join(true_presence(operator, hours), on="area")
            .join(present.filter(pl.col("period") == period), on="area", how="left")
            .with_columns(pl.col("direct", "persons").fill_null(0.0))
        )
        errors = {
            name: table.select(((pl.col(name) - pl.col("truth")).abs() / pl.col("truth")).mean()).item()
            for name in ("residents", "direct", "persons")
        }
        held = table.select(pl.col("truth").is_between("lower", "upper").mean()).item()
        print(
            f"| {seed} | {period} | {errors['residents']:.1%} | {errors['direct']:.1%} | {errors['persons']:.1%} "
            f"| {table.select(pl.corr('persons', 'truth')).item():.2f} | {held:.0%} |"
        )
    steps = cut_month(operator.events, spec)
    rule = spec.duplicates
    duplicates = judge_candidates(
        steps,
        count_handovers(steps),
        anchors.select("home", device="device_key"),
        prior_share=rule.prior_share,
        mismatch_share=rule.mismatch_share,
    ).select(device_key="device", is_duplicate=pl.col("probability") > rule.min_probability)
    classes = {"rurality": "home_class", "work_rurality": "work_class", "device": "device_key"}
    judged = evaluate_anchors(confirm_students(anchors, register, spec), operator.devices.rename(classes), duplicates)
    flags = judged.filter(pl.col("measure").str.contains("^(shift|student|duplicate)"))
    print(f"  {seed}: " + ", ".join(f"{name} {value:.2f}" for name, value in flags.select("measure", "value").rows()))


def true_domestic_nights(operator: SimulatedOperator, rule: UsualEnvironment) -> tuple[int, int]:
    """Nights of journeys of the operator's phones within its country, far enough from home; and these phones.

    A stay of at least the share of the nights that makes an address usual is none.
    """
    world = operator.world
    nights = pl.DataFrame({"night": [world.first_day + timedelta(days=day) for day in range(world.days)]})
    spells = world.spells.select("person", "address", "kind", night="first_date").sort("night")
    carriers = operator.devices.select("device", "person")
    placed = (
        carriers.join(nights, how="cross")
        .sort("night")
        .join_asof(spells, on="night", by="person", strategy="backward", check_sortedness=False)
        .drop_nulls("address")
    )
    abroad = operator.stays.filter(pl.col("direction") == "outbound").select(
        "device",
        night=pl.date_ranges("first_night", pl.col("first_night") + pl.duration(days=pl.col("nights") - 1)),
    )
    here = placed.join(abroad.explode("night"), on=["device", "night"], how="anti").with_columns(
        share=pl.len().over("device", "address") / pl.len().over("device")
    )
    usual = here.group_by("device").agg(usual=pl.col("address").mode().min())
    places = world.addresses.select("easting_m", "northing_m").with_row_index("address").cast({"address": pl.Int64})
    away = (
        here.join(usual, on="device")
        .cast({"address": pl.Int64, "usual": pl.Int64})
        .join(places, on="address")
        .join(places.rename({"address": "usual"}), on="usual", suffix="_usual")
    )
    metres = (
        (pl.col("easting_m") - pl.col("easting_m_usual")) ** 2
        + (pl.col("northing_m") - pl.col("northing_m_usual")) ** 2
    ).sqrt()
    is_far = metres >= 1_000 * rule.min_domestic_km
    far = away.filter(is_far, pl.col("kind") != "home", pl.col("share") < rule.min_home_share)
    return far.height, far["device"].n_unique()


def judge_domestic_nights(operator: SimulatedOperator) -> None:
    """Print nights and phones that the rules find away from their usual environment, and the true ones."""
    spec = agree_visitors(operator.specification.period.first_day)
    own = operator.events.select(
        "at_utc",
        "cell",
        device_key="device",
        home_mcc=pl.lit(OWN_MCC, dtype=pl.Int16),
        visited_mcc=pl.lit(None, dtype=pl.Int16),
    )
    cells = operator.cells.select("cell", "zone", "easting_m", "northing_m")
    found = nights_of_devices(own, cells, spec).filter(pl.col("direction") == "domestic")
    true_nights, true_phones = true_domestic_nights(operator, spec.usual_environment)
    print(
        f"  {operator.world.seed}: domestic nights {found['nights'].sum()} of {found['device_key'].n_unique()} phones, "
        f"true {true_nights} of {true_phones}"
    )


def main() -> None:
    """Judge one operator for each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=2_000)
    parser.add_argument("--events-per-day", type=float, default=26.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23])
    options = parser.parse_args()
    print("| seed | period | residents | direct | estimate | correlation | intervals that hold the truth |")
    print("|---|---|---|---|---|---|---|")
    for seed in options.seeds:
        operator = simulate_operator(devices=options.devices, seed=seed, events_per_day=options.events_per_day)
        judge(operator)
        judge_domestic_nights(operator)


if __name__ == "__main__":
    main()
