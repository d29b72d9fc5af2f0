"""Judges presence, duplicates, students and domestic nights on simulated operators; prints the tables of the docs.

`.venv/bin/python scripts/evaluate_devices.py --devices 2000 --events-per-day 26 --seeds 21 22 23`. Parameters were
chosen on seeds 1 to 3 and 2014.
"""

from __future__ import annotations

import argparse

import numpy as np
import polars as pl

from ons_bigdata.phones.methods.anchors.counted import confirm_students, counted_devices, evaluate_anchors
from ons_bigdata.phones.methods.duplicates import count_handovers, cut_month, judge_candidates
from ons_bigdata.phones.methods.presence.bucket import follow_month
from ons_bigdata.phones.methods.presence.present import estimate_present, footprints_of, presence_amounts
from ons_bigdata.simulation.phones.days import draw_presence
from ons_bigdata.simulation.phones.figure_files import RESIDENTS_ERROR
from ons_bigdata.simulation.phones.operator_files import SimulatedOperator, simulate_operator

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
        judge(simulate_operator(devices=options.devices, seed=seed, events_per_day=options.events_per_day))


if __name__ == "__main__":
    main()
