"""Loss of estimated flows between regions against the truth of a simulated world, part by part, for both generators.

Each row puts the truth in the place of one part of the estimate: moves that were missed, false moves, areas, dates and
kinds of moves, the mix of kinds. The last rows are ceilings: a perfect record of all users, and the expected flows, as
the mean of other worlds with the same rates, which the best of methods does not surpass unless it sees the moves
themselves. Below is the share of the intervals of the estimate that hold the true flow. A second table has the share of
the moves at risk that were detected, by class.

Usage: python benchmarks/migration_losses.py [--seed 11] [--persons 200000] [--addresses 120000] [--users 100000]
           [--generators zipf bursty] [--official FILE] [--other-worlds 20]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from residence_and_moves import (
    KNOWN_YEAR,
    PAIR,
    TRUE_YEAR,
    WITHIN_DAYS,
    Observed,
    matched,
    observe,
    official_moves,
    rates_of,
    report_intervals,
    students_of,
    true_moves,
)

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.simulation.world.building import World, build_world
from ons_bigdata.simulation.world.official_moves import OTHER_AGES, STUDENT_AGES, read_official_moves
from ons_bigdata.tweets.methods.migration import pooled_flows
from ons_bigdata.tweets.methods.residence import detect_moves, settled_spells, time_at_risk

if TYPE_CHECKING:
    from typing import Any

KINDS = ("move", "term_start", "term_end")
MOVE = [*PAIR, "moved_on", "kind"]


@dataclass(frozen=True)
class Case:
    """A world as its users show it: true moves, detected ones, and the options of pooled estimates."""

    world: World
    seen: Observed
    detected: pl.DataFrame
    at_risk: pl.DataFrame
    official: pl.DataFrame | None

    @property
    def areas(self) -> pl.DataFrame:
        """Areas with residents."""
        return self.world.areas.filter(pl.col("residents") > 0)

    @property
    def record(self) -> pl.DataFrame:
        """True migrations of the users between authorities."""
        return true_moves(self.world, self.seen).filter("is_residence_change").select(MOVE)

    @property
    def record_at_risk(self) -> pl.DataFrame:
        """The same, of users at risk in the month of the move."""
        month = pl.col("moved_on").dt.month_start().alias("period")
        return self.record.with_columns(month).join(self.at_risk, on=["user_key", "period"], how="semi").select(MOVE)

    def pooled(self, moves: pl.DataFrame) -> pl.DataFrame:
        """Pooled flows between regions from these moves, with the ends of their intervals."""
        options: dict[str, Any] = {
            "first_date": self.world.first_day,
            "last_date": self.world.first_day + timedelta(days=self.world.days - 1),
            "students": students_of(self.seen),
            "official": self.official,
        }
        rows = moves.with_columns(is_migration=pl.lit(value=True))
        flows = pooled_flows(rows, self.areas, self.at_risk, **options, period="whole")
        return flows.select("origin", "destination", "flow", "lower", "upper")


def regional(moves: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Moves between regions: origin, destination, flow."""
    region = areas.select("authority", "region").unique()
    named = moves.join(region, left_on="from_area", right_on="authority").join(
        region, left_on="to_area", right_on="authority", suffix="_to"
    )
    return (
        named.filter(pl.col("region") != pl.col("region_to"))
        .group_by(origin="region", destination="region_to")
        .agg(flow=pl.len().cast(pl.Float64))
    )


def changes_of(world: World) -> pl.DataFrame:
    """Migrations of all residents between authorities."""
    return world.moves.filter("is_residence_change", pl.col("from_area") != pl.col("to_area"))


def corrected(case: Case) -> dict[str, pl.DataFrame]:
    """Moves of users with the truth in the place of one part each."""
    detected, record = case.detected.select(MOVE), case.record
    found = matched(detected, record)
    right = detected.join(found.select([*PAIR, "moved_on"]), on=[*PAIR, "moved_on"], how="semi")
    wrong = detected.join(right, on=MOVE, how="anti")
    unseen = record.join(found.select(*PAIR, moved_on="moved_on_true"), on=[*PAIR, "moved_on"], how="anti")
    missed = unseen.join(case.record_at_risk, on=MOVE, how="semi")
    close = (pl.col("moved_on") - pl.col("moved_on_true")).dt.total_days().abs() <= WITHIN_DAYS
    elsewhere = wrong.join(
        unseen.rename({name: f"{name}_true" for name in MOVE if name != "user_key"}), on="user_key"
    ).filter(close)
    true_areas = elsewhere.select("user_key", **{name: f"{name}_true" for name in MOVE[1:]}).unique()
    others = wrong.join(elsewhere, on=MOVE, how="anti")
    exact = found.select(*PAIR, moved_on="moved_on_true", kind="kind_true")
    return {
        "estimate": detected,
        f"{missed.height} missed moves at risk added": pl.concat([detected, missed]),
        f"{others.height} false moves of nobody who moved then left out": detected.join(others, on=MOVE, how="anti"),
        f"{elsewhere.height} moves of other areas put right": pl.concat([right, others, true_areas]),
        f"dates and kinds of {exact.height} moves put right": pl.concat([exact, wrong]),
        "all of these: perfect record of the time at risk": case.record_at_risk,
    }


def with_true_mix(case: Case, moves: pl.DataFrame) -> pl.DataFrame:
    """Pooled flows of each kind of moves by itself, scaled to the true total of the kind, added up."""
    parts = []
    for kind in KINDS:
        flows = case.pooled(moves.filter(pl.col("kind") == kind)).drop("lower", "upper")
        truth = regional(changes_of(case.world).filter(pl.col("kind") == kind), case.areas)["flow"].sum()
        parts.append(flows.with_columns(pl.col("flow") / pl.col("flow").sum() * truth))
    return pl.concat(parts).group_by("origin", "destination").agg(pl.col("flow").sum())


def expected_flows(case: Case, others: list[World]) -> pl.DataFrame:
    """Mean flows between regions of other worlds with the same rates."""
    tables = pl.concat([regional(changes_of(world), world.areas) for world in others])
    return tables.group_by("origin", "destination").agg(pl.col("flow").sum() / len(others))


def report_losses(case: Case, others: list[World]) -> None:
    """Print CPC of flows between regions with the truth in the place of each part, and the ceilings."""
    reference = regional(changes_of(case.world), case.areas)
    variants = {name: case.pooled(moves) for name, moves in corrected(case).items()}
    record = case.record_at_risk
    variants["mix of kinds put right"] = with_true_mix(case, case.detected)
    variants["mix of kinds of the perfect record of the time at risk put right"] = with_true_mix(case, record)
    variants["counts of the perfect record of all users"] = regional(case.record, case.areas)
    if others:
        variants[f"expected flows (mean of {len(others)} other worlds)"] = expected_flows(case, others)
    print("flows between regions | CPC | difference")
    first = None
    for name, flows in variants.items():
        metrics = compare_flows(flows, reference, draws=0)
        value = float(metrics.filter(pl.col("metric") == "cpc")["value"][0])
        first = value if first is None else first
        print(f"| {name} | {value:.3f} | {value - first:+.3f} |")
    report_intervals("estimate", variants["estimate"], reference)


def report_rate_ceiling(case: Case, others: list[World]) -> None:
    """Print the correlation of expected rates (mean of other worlds) with the true ones, by authority and quarter."""
    quarter = pl.col("moved_on").dt.truncate("1q").alias("period")
    for side, column in (("inflow", "to_area"), ("outflow", "from_area")):
        rows = pl.concat([changes_of(world).select(quarter, area=column) for world in others])
        expected = rows.group_by("area", "period").agg((pl.len() / len(others)).alias(side))
        cells = rates_of(expected, changes_of(case.world), case.areas, side)
        x, y = ((cells[name] / cells["residents"]).to_numpy() for name in ("true", side))
        print(f"| expected rates by authority and quarter, {side} | {cells.height} | {np.corrcoef(x, y)[0, 1]:.3f} |")


def band(name: str, low: float, high: float) -> pl.Expr:
    """Class of the values of a column, split at two bounds."""
    value = pl.col(name)
    return (
        pl.when(value <= low).then(pl.lit(f"up to {low:.0f}"))
        .when(value <= high).then(pl.lit(f"up to {high:.0f}"))
        .otherwise(pl.lit(f"above {high:.0f}"))
    )  # fmt: skip


def report_capture(case: Case) -> None:
    """Print the share of the moves of users at risk that were detected, by kind, distance, activity and time."""
    middle = case.areas.group_by("authority").agg(pl.col("easting_m", "northing_m").mean())
    days = case.seen.events.group_by("user_key").agg(
        first=pl.col("local_date").min(), last=pl.col("local_date").max(), active=pl.col("local_date").n_unique()
    )
    found = matched(case.detected, case.record).select(*PAIR, moved_on="moved_on_true", is_found=pl.lit(value=True))
    rows = (
        case.record_at_risk.join(found, on=[*PAIR, "moved_on"], how="left")
        .join(middle, left_on="from_area", right_on="authority")
        .join(middle, left_on="to_area", right_on="authority", suffix="_to")
        .join(days, on="user_key")
        .with_columns(
            pl.col("is_found").fill_null(value=False),
            distance=((pl.col("easting_m") - pl.col("easting_m_to")) ** 2)
            .add((pl.col("northing_m") - pl.col("northing_m_to")) ** 2)
            .sqrt()
            / 1000,
            per_month=pl.col("active") / ((pl.col("last") - pl.col("first")).dt.total_days() + 1) * 30.4375,
            to_end=pl.min_horizontal(pl.col("moved_on") - pl.col("first"), pl.col("last") - pl.col("moved_on"))
            .dt.total_days()
            .cast(pl.Float64),
        )
    )
    classes = {
        "kind": pl.col("kind"),
        "distance, km": band("distance", 50.0, 150.0),
        "days with events a month": band("per_month", 8.0, 15.0),
        "days to an end of the record": band("to_end", 15.0, 45.0),
    }
    print("moves at risk | class | moves | share detected")
    for name, expression in classes.items():
        table = rows.group_by(group=expression).agg(pl.len(), pl.col("is_found").mean()).sort("group")
        for group, count, share in table.iter_rows():
            print(f"| {name} | {group} | {count} | {share:.2f} |")


def main() -> None:
    """Build the worlds and print the tables for each generator."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=11)
    arguments.add_argument("--persons", type=int, default=200_000)
    arguments.add_argument("--addresses", type=int, default=120_000)
    arguments.add_argument("--users", type=int, default=100_000)
    arguments.add_argument("--generators", nargs="+", default=["zipf", "bursty"])
    arguments.add_argument("--official", type=Path, metavar="FILE")
    arguments.add_argument("--other-worlds", type=int, default=20)
    chosen = arguments.parse_args()
    students, homes = (
        read_official_moves(chosen.official, year=TRUE_YEAR, ages=ages) if chosen.official else None
        for ages in (STUDENT_AGES, OTHER_AGES)
    )
    size: dict[str, Any] = {
        "persons": chosen.persons,
        "addresses": chosen.addresses,
        "student_flows": students,
        "home_flows": homes,
    }
    others = [build_world(seed=1000 + chosen.seed + number, **size) for number in range(chosen.other_worlds)]
    world = build_world(seed=chosen.seed, **size)
    official = official_moves(chosen.official, KNOWN_YEAR) if chosen.official else None
    for generator in chosen.generators:
        print(f"\n## {generator}", flush=True)
        seen = observe(world, generator, chosen.users, chosen.seed)
        detected = detect_moves(seen.clustered, seen.clusters).filter("is_migration")
        at_risk = time_at_risk(settled_spells(seen.clustered, seen.clusters))
        case = Case(world, seen, detected, at_risk, official)
        report_losses(case, others)
        if others:
            report_rate_ceiling(case, others)
        report_capture(case)


if __name__ == "__main__":
    main()
