"""Homes, residence by month, moves and flows of simulated users against their known truth, for both generators.

One world; users and events of each generator (`ons_bigdata.simulation.events`). Clusters, nearest addresses and their
classes are made here from the events by the pilot's methods. Peers on the same events: the four published recipes for
homes (HMLC, FREQ, OSNA, APDM as in homelocator, on the same clusters, each event in no cluster being a place), and for
moves and flows a perfect record of the same users.

Prints: homes of users with 30 events or more; moves by activity; bias of monthly residence with 12 outages on half of
the authorities, before and after adjustment; flows between regions; rates by authority and quarter.

With `--official FILE` (the table of internal migration by authority, year and age group) moves of the world follow its
year to June 2015, and pooled estimates may rest on its year to June 2013; their agreement is beside that of the figures
of 2013 alone.

With `--pool SEED…` only the moves of users with events in each month, of all these seeds together, by the least
probability from which they count, with intervals: one seed has few moves.

Usage: python benchmarks/residence_and_moves.py [--seed 3] [--persons 200000] [--addresses 120000] [--users 80000]
       python benchmarks/residence_and_moves.py --pool 5 6 13 14 --users 100000
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.spatial import cKDTree
from scipy.stats import beta

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.simulation.events.drawing import draw_events
from ons_bigdata.simulation.world.building import World, build_world
from ons_bigdata.simulation.world.official_moves import OTHER_AGES, STUDENT_AGES, read_official_moves
from ons_bigdata.simulation.world.outages import OutagePlan, draw_outages
from ons_bigdata.tweets.methods.clustering import cluster_events
from ons_bigdata.tweets.methods.geodesy import to_british_national_grid
from ons_bigdata.tweets.methods.migration import area_migration, flows, pooled_area_migration, pooled_flows
from ons_bigdata.tweets.methods.residence import (
    detect_moves,
    home_clusters,
    monthly_residence,
    settled_spells,
    time_at_risk,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRUE_YEAR, KNOWN_YEAR = 2015, 2013
"""Years of the official moves (to 30 June) that the world follows, and that estimates may use."""

PAIR = ["user_key", "from_area", "to_area"]
WITHIN_DAYS = 31
MOVE_KINDS = ("term_start", "term_end")
MONTHLY = (10, 30)
"""Events in each month from which on users are among those of the pooled moves."""
BOUNDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Observed:
    """Events and clusters of one generator as the pilot sees them, and the persons behind the users."""

    events: pl.DataFrame
    """All events of persons within coverage, with cluster (null for noise)."""
    clusters: pl.DataFrame
    persons: pl.DataFrame

    @property
    def clustered(self) -> pl.DataFrame:
        """Events in valid clusters."""
        return self.events.filter(pl.col("cluster").is_not_null())


def class_group() -> pl.Expr:
    """Group of the nearest address's class."""
    code = pl.col("class_code")
    return (
        pl.when(code.is_null()).then(pl.lit("none"))
        .when(code.str.starts_with("RI03")).then(pl.lit("hall"))
        .when(code.str.starts_with("R")).then(pl.lit("residential"))
        .when(code.str.starts_with("CE")).then(pl.lit("education"))
        .when(code.str.starts_with("C")).then(pl.lit("commercial"))
        .otherwise(pl.lit("other"))
    )  # fmt: skip


def observe(world: World, generator: str, users: int, seed: int, *, monthly: int = 0) -> Observed:
    """Draw events, cluster them and find the nearest addresses of the clusters.

    With `monthly`, of users alone who have so many events in each month, those that are not collected included.
    """
    drawn = draw_events(world, users=users, seed=seed, generator=generator)
    if monthly:
        months = drawn.events["at"].dt.month().n_unique()
        counts = drawn.events.group_by("user", pl.col("at").dt.month()).len().filter(pl.col("len") >= monthly)
        active = counts.group_by("user").len("months").filter(pl.col("months") >= months - 1).select("user")
        drawn = replace(drawn, events=drawn.events.join(active, on="user", how="semi"))
    persons = drawn.users.filter(pl.col("kind") == "person").select("person", user_key="user")
    local = pl.col("at").dt.convert_time_zone("Europe/London").dt.replace_time_zone(None)
    events = drawn.events.rename({"user": "user_key"}).join(persons, on="user_key").with_columns(local_time=local)
    easting, northing = to_british_national_grid(events["lon"].to_numpy(), events["lat"].to_numpy())
    events = events.with_columns(easting_m=pl.Series(easting), northing_m=pl.Series(northing))
    events = cluster_events(events.filter(pl.col("easting_m").is_finite()).rename({"user_key": "user"}))
    events = events.rename({"user": "user_key"}).select(
        *("user_key", "cluster", "local_time", "easting_m", "northing_m"),
        local_date=pl.col("local_time").dt.date(),
        hour=pl.col("local_time").dt.hour().cast(pl.Int32),
    )
    centres = (
        events.filter(pl.col("cluster").is_not_null())
        .group_by("user_key", "cluster")
        .agg(pl.col("easting_m").mean(), pl.col("northing_m").mean(), days=pl.col("local_date").n_unique())
        .sort("user_key", "cluster")
    )
    nearest = nearest_addresses(world, centres, within_m=300.0)
    clusters = pl.concat([centres, nearest], how="horizontal").with_columns(class_group=class_group())
    weekdays = (
        events.filter(pl.col("cluster").is_not_null(), pl.col("local_date").dt.weekday() <= 5)
        .group_by("user_key", "cluster")
        .agg(weekdays=pl.col("local_date").dt.weekday().n_unique())
    )
    clusters = clusters.join(weekdays, on=["user_key", "cluster"], how="left", maintain_order="left")
    is_study = pl.col("class_code").str.contains("^CE0[15]") & (pl.col("weekdays") >= 3)
    clusters = clusters.with_columns(cluster_type=pl.when(is_study).then(pl.lit("study"))).drop("weekdays")
    return Observed(events, clusters, persons)


def nearest_addresses(world: World, positions: pl.DataFrame, within_m: float) -> pl.DataFrame:
    """Class, output area and authority of the nearest address of each position; null beyond the distance."""
    tree = cKDTree(world.addresses.select("easting_m", "northing_m").to_numpy())
    distance, row = tree.query(positions.select("easting_m", "northing_m").to_numpy(), distance_upper_bound=within_m)
    is_near = pl.Series(np.isfinite(distance))
    found = world.addresses.select("class_code", "output_area", "authority")[np.where(is_near, row, 0)]
    return found.select(pl.when(is_near).then(pl.all()))


# Homes


def true_homes(world: World, seen: Observed, min_events: int) -> pl.DataFrame:
    """Address at which each user lived most of the days between the first and the last event."""
    span = seen.events.group_by("user_key").agg(
        first=pl.col("local_date").min(), last=pl.col("local_date").max(), events=pl.len()
    )
    stays = (
        world.spells.filter(pl.col("kind") != "holiday")
        .join(seen.persons, on="person")
        .join(span.filter(pl.col("events") >= min_events), on="user_key")
        .with_columns(
            days=(
                pl.min_horizontal("last_date", pl.col("last") + timedelta(days=1))
                - pl.max_horizontal("first_date", "first")
            ).dt.total_days()
        )
    )
    homes = (
        stays.group_by("user_key", "uprn")
        .agg(pl.col("days").sum())
        .sort("user_key", "days", "uprn", descending=[False, True, False])
        .unique("user_key", keep="first", maintain_order=True)
    )
    return homes.join(world.addresses.select("uprn", "easting_m", "northing_m", "output_area"), on="uprn")


def with_noise(seen: Observed) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Events and clusters with the groups of noise, numbered after the valid clusters, as in the pilot's tables."""
    noise = cluster_events(
        seen.events.filter(pl.col("cluster").is_null()).drop("cluster").rename({"user_key": "user"}), min_points=1
    ).rename({"user": "user_key"})
    noise = noise.with_columns(cluster=pl.col("cluster") + seen.clusters["cluster"].max() + 1)  # type: ignore[operator]
    groups = noise.group_by("user_key", "cluster").agg(pl.col("easting_m", "northing_m").mean())
    columns = ["user_key", "cluster", "local_date", "hour"]
    return (
        pl.concat([seen.clustered.select(columns), noise.select(columns)]),
        pl.concat([seen.clusters, groups], how="diagonal").sort("user_key", "cluster"),
    )


def recipe_homes(seen: Observed) -> dict[str, pl.DataFrame]:
    """Homes by four published recipes: user_key, easting_m, northing_m.

    Thresholds and weights are those of homelocator (Chen & Poorthuis, IJGIS 2021); APDM after Ahas et al. (2010).
    """
    noise = 10**9 + pl.int_range(pl.len())
    events = seen.events.with_columns(place=pl.coalesce(pl.col("cluster").cast(pl.Int64), noise))
    weekday, clock = pl.col("local_date").dt.weekday(), pl.col("hour") + pl.col("local_time").dt.minute() / 60
    is_weekend, month = weekday >= 6, pl.col("local_date").dt.month()
    is_rest, is_leisure = pl.col("hour").is_between(2, 7), (pl.col("hour") >= 19) | (pl.col("hour") < 2)
    span = (pl.col("local_time").max() - pl.col("local_time").min()).dt.total_seconds() / 86_400
    places = (
        events.group_by("user_key", "place")
        .agg(
            pl.col("easting_m").mean(),
            pl.col("northing_m").mean(),
            points=pl.len(),
            hours=pl.col("hour").n_unique(),
            days=pl.col("local_date").n_unique(),
            weekdays=weekday.n_unique(),
            months=month.n_unique(),
            period=span,
            weekend=is_weekend.mean(),
            rest=(~clock.is_between(9, 18)).mean(),
            weekend_morning=(is_weekend & clock.is_between(6, 12)).mean(),
            osna=(~is_weekend & is_rest).sum() * 0.744 + (~is_weekend & is_leisure).sum() * 0.362,
            mean_clock=clock.mean(),
            sd_clock=clock.std(),
        )
        .with_columns(user_points=pl.col("points").sum().over("user_key"), user_places=pl.len().over("user_key"))
    )
    active = places.filter(pl.col("user_points") > 10, pl.col("user_places") > 10, pl.col("points") > 10)

    def of_most(name: str) -> pl.Expr:
        return pl.col(name) / pl.col(name).max().over("user_key")

    hmlc = active.filter(pl.col("hours") > 10, pl.col("days") > 10, pl.col("period") > 10).with_columns(
        score=0.1 * of_most("points") + 0.1 * pl.col("hours") / 24 + 0.1 * of_most("days")
        + 0.1 * pl.col("weekdays") / 7 + 0.1 * pl.col("months") / 12 + 0.1 * of_most("period")
        + 0.1 * pl.col("weekend") + 0.2 * pl.col("rest") + 0.1 * pl.col("weekend_morning")
    )  # fmt: skip
    regular = places.filter(pl.col("days") >= 7 * pl.col("months"), pl.col("points") <= 500)
    anchors = regular.sort("user_key", "days", "points", "place", descending=[False, True, True, False]).group_by(
        "user_key", maintain_order=True
    ).head(2)  # fmt: skip
    scored = {
        "HMLC": hmlc,
        "FREQ": active.with_columns(score=pl.col("points")),
        "OSNA": places.filter(pl.col("user_places") > 3, pl.col("osna") > 0).with_columns(score="osna"),
        "APDM": anchors.filter((pl.col("mean_clock") >= 17) | (pl.col("sd_clock") > 0.175 * 24)).with_columns(
            score=pl.col("days")
        ),
    }
    return {
        name: table.sort("user_key", "score", "place", descending=[False, True, False])
        .unique("user_key", keep="first", maintain_order=True)
        .select("user_key", "easting_m", "northing_m")
        for name, table in scored.items()
    }


def report_homes(world: World, seen: Observed) -> None:
    """Print shares of users with the right home: within 100 m, and in the right output area."""
    truth = true_homes(world, seen, min_events=30)
    ours = home_clusters(*with_noise(seen)).select("user_key", "cluster")
    centres = seen.clusters.select("user_key", "cluster", "easting_m", "northing_m")
    picks = {"home_clusters": ours.join(centres, on=["user_key", "cluster"]).drop("cluster"), **recipe_homes(seen)}
    largest = (
        seen.clustered.group_by("user_key", "cluster")
        .len()
        .join(seen.clusters.filter(pl.col("class_group").is_in(["residential", "hall"])), on=["user_key", "cluster"])
        .sort("user_key", "len", "cluster", descending=[False, True, False])
        .unique("user_key", keep="first", maintain_order=True)
    )
    picks["largest residential"] = largest.select("user_key", "easting_m", "northing_m")
    print(f"homes of {truth.height} users with 30 events or more | within 100 m | right output area | has a home")
    for name, pick in picks.items():
        area = nearest_addresses(world, pick, within_m=300.0).select(picked_area="output_area")
        both = truth.join(pl.concat([pick, area], how="horizontal"), on="user_key", how="left", suffix="_picked")
        east, north = both["easting_m"] - both["easting_m_picked"], both["northing_m"] - both["northing_m_picked"]
        near = ((east**2 + north**2).sqrt() <= 100).fill_null(value=False).mean()
        same = (both["output_area"] == both["picked_area"]).fill_null(value=False).mean()
        print(f"| {name} | {near:.3f} | {same:.3f} | {both['easting_m_picked'].is_not_null().mean():.3f} |")


# Moves


def true_moves(world: World, seen: Observed) -> pl.DataFrame:
    """Moves of users between authorities; term-time returns have is_residence_change false."""
    moves = world.moves.filter(pl.col("from_area") != pl.col("to_area"), pl.col("kind") != "trip")
    return moves.join(seen.persons, on="person")


def activity_of(seen: Observed) -> pl.DataFrame:
    """Events of each user, the least in a month, and whether there are any in every month."""
    monthly = seen.events.group_by("user_key", pl.col("local_date").dt.month()).len()
    all_months = seen.events["local_date"].dt.month().n_unique()
    return monthly.group_by("user_key").agg(
        least=pl.col("len").min(), is_every_month=pl.len() == all_months, events=pl.col("len").sum()
    )


def count_moves(world: World, seen: Observed, detected: pl.DataFrame, users: pl.DataFrame) -> NDArray[np.int64]:
    """Moves of users: detected, true, of these detected; term-time returns, of these counted as moves."""
    truth = true_moves(world, seen)
    returns = truth.filter(pl.col("kind").is_in(MOVE_KINDS), ~pl.col("is_residence_change"))
    ours, true, back = (
        rows.join(users, on="user_key", how="semi") for rows in (detected, truth.filter("is_residence_change"), returns)
    )
    found = [ours.height, true.height, matched(ours, true).height, back.height, matched(ours, back).height]
    return np.array(found, dtype=np.int64)


def report_moves(world: World, seen: Observed, detected: pl.DataFrame) -> None:
    """Print precision and recall by activity, and the share of term-time returns that count as moves."""
    activity = activity_of(seen)
    print("moves of users with | users | moves | precision | recall | returns | counted as moves")
    chosen = {"30 events or more": pl.col("events") >= 30}
    for least in (5, *MONTHLY):
        chosen[f"{least} or more each month"] = pl.col("is_every_month") & (pl.col("least") >= least)
    for name, is_chosen in chosen.items():
        users = activity.filter(is_chosen).select("user_key")
        ours, true, right, back, counted = count_moves(world, seen, detected, users)
        print(
            f"| {name} | {users.height} | {true} | {right / max(ours, 1):.3f} | {right / max(true, 1):.3f} | {back} | "
            f"{counted / max(back, 1):.3f} |"
        )


def matched(detected: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """True moves that were detected, each once."""
    return (
        detected.join(rows, on=PAIR, suffix="_true")
        .filter((pl.col("moved_on") - pl.col("moved_on_true")).dt.total_days().abs() <= WITHIN_DAYS)
        .unique([*PAIR, "moved_on_true"])
    )


def report_pooled_moves(seeds: list[int], persons: int, addresses: int, users: int, generators: list[str]) -> None:
    """Print precision and recall of the moves of several seeds together, with exact binomial intervals of 95 %."""
    counts: dict[tuple[str, int, float], NDArray[np.int64]] = {}
    for seed in seeds:
        world = build_world(seed=seed, persons=persons, addresses=addresses)
        for generator in generators:
            seen = observe(world, generator, users, seed, monthly=min(MONTHLY))
            activity = activity_of(seen).filter("is_every_month")
            found = detect_moves(seen.clustered, seen.clusters, min_probability=0.0).filter("is_migration")
            for events, bound in product(MONTHLY, BOUNDS):
                chosen = activity.filter(pl.col("least") >= events).select("user_key")
                row = count_moves(world, seen, found.filter(pl.col("probability") >= bound), chosen)
                counts[generator, events, bound] = counts.get((generator, events, bound), 0) + row
        print(f"seed {seed} done", flush=True)
    print("moves | least probability | detected | true | precision | recall | returns | counted")
    for (generator, events, bound), (detected, true_moves_, right, back_, counted) in sorted(counts.items()):
        cells = (
            f"| {generator}, {events} or more each month | {bound} | {detected} | {true_moves_} "
            f"| {_share(right, detected)} | {_share(right, true_moves_)} | {back_} | {_share(counted, back_)} |"
        )
        print(cells)


def _share(part: int, whole: int) -> str:
    """Share with its exact interval (Clopper–Pearson)."""
    lower = beta.ppf(0.025, part, whole - part + 1) if part else 0.0
    upper = beta.ppf(0.975, part + 1, whole - part) if part < whole else 1.0
    return f"{part / max(whole, 1):.3f} ({lower:.3f} to {upper:.3f})"


# Monthly residence


def report_outages(world: World, generator: str, users: int, seed: int) -> None:
    """Print the bias of monthly residence in the authorities with outages, before and after adjustment."""
    none = world.outages.head(0)
    half = draw_outages(
        np.random.default_rng(seed),
        world.authorities,
        OutagePlan(share_of_authorities=0.5, mean_hours=72.0),
        first_day=world.first_day,
        days=world.days,
    )
    last_date = world.first_day + timedelta(days=world.days - 1)
    sums: dict[str, pl.DataFrame] = {}
    for name, outages in (("without", none), ("with", half)):
        seen = observe(replace(world, outages=outages), generator, users, seed)
        rows = monthly_residence(
            seen.clustered, seen.clusters, outages, first_date=world.first_day, last_date=last_date
        ).filter(pl.col("status") == "observed", pl.col("authority").is_in(half["authority"].unique().implode()))
        sums[name] = rows.group_by("month").agg(observed=pl.len(), adjusted=pl.col("outage_weight").sum()).sort("month")
    without = sums["without"]["observed"]
    before, after = (sums["with"][name] / without - 1 for name in ("observed", "adjusted"))
    print("monthly residence in authorities with 12 outages | before | after")
    for month, one, other in zip(sums["with"]["month"], before, after, strict=True):
        print(f"| {month:%B} | {one:+.3f} | {other:+.3f} |")
    print(f"| mean of absolute values | {before.abs().mean():.3f} | {after.abs().mean():.3f} |")
    total = [sums["with"][name].sum() / without.sum() - 1 for name in ("observed", "adjusted")]
    print(f"| all months | {total[0]:+.3f} | {total[1]:+.3f} | ratio {abs(total[1] / total[0]):.2f} |")


# Flows


def official_moves(path: Path, year: int) -> pl.DataFrame:
    """Official moves of a year, as `pooled_flows` takes them."""
    return pl.concat(
        [
            read_official_moves(path, year=year, ages=ages).select(
                area="authority", is_student_age=pl.lit(is_student), moves_out="moved_out", moves_in="moved_in"
            )
            for ages, is_student in ((OTHER_AGES, False), (STUDENT_AGES, True))
        ]
    )


def report_flows(
    world: World, seen: Observed, detected: pl.DataFrame, at_risk: pl.DataFrame, official: pl.DataFrame | None
) -> None:
    """Print the agreement of regional flows, and of rates by authority and quarter, with all residents' moves."""
    areas = world.areas.filter(pl.col("residents") > 0)
    days = {"first_date": world.first_day, "last_date": world.first_day + timedelta(days=world.days - 1)}
    changes = world.moves.filter("is_residence_change", pl.col("from_area") != pl.col("to_area"))
    region = areas.select("authority", "region").unique()

    def regional(moves: pl.DataFrame) -> pl.DataFrame:
        named = moves.join(region, left_on="from_area", right_on="authority").join(
            region, left_on="to_area", right_on="authority", suffix="_to"
        )
        return (
            named.filter(pl.col("region") != pl.col("region_to"))
            .group_by(origin="region", destination="region_to")
            .agg(flow=pl.len().cast(pl.Float64))
        )

    reference = regional(changes)
    users = changes.join(seen.persons, on="person")
    perfect = regional(users)
    month = pl.col("moved_on").dt.month_start().alias("period")
    at_risk_then = regional(users.with_columns(month).join(at_risk, on=["user_key", "period"], how="semi"))
    estimate = flows(detected, areas, at_risk, **days, level="region", period="whole")  # type: ignore[arg-type]
    ours = estimate.filter(pl.col("flow").is_not_null()).select("origin", "destination", "flow")
    smooth = flows(detected, areas, at_risk, **days, level="region", period="whole", smoothing="margins")  # type: ignore[arg-type]
    smooth = smooth.filter(pl.col("flow").is_not_null()).select("origin", "destination", "flow")
    students = students_of(seen)
    pooled = pooled_flows(detected, areas, at_risk, **days, period="whole", students=students)  # type: ignore[arg-type]
    record = users.with_columns(is_migration=pl.lit(value=True))
    in_risk = record.with_columns(month).join(at_risk, on=["user_key", "period"], how="semi").drop("period")
    best = pooled_flows(in_risk, areas, at_risk, **days, period="whole", students=students)  # type: ignore[arg-type]
    options = {**days, "students": students, "official": official}
    helped = pooled_flows(detected, areas, at_risk, **options, period="whole")  # type: ignore[arg-type]
    print("region × region | CPC | rank correlation")
    for name, table in (
        ("estimate", ours),
        ("estimate, smoothed by margins", smooth),
        ("estimate, pooled", pooled.select("origin", "destination", "flow")),
        ("estimate, pooled with official moves", helped.select("origin", "destination", "flow")),
        ("perfect record of the same users in the same months", at_risk_then),
        ("the same, pooled", best.select("origin", "destination", "flow")),
        ("perfect record of all users", perfect),
    ):
        metrics = compare_flows(table, reference, draws=0)
        values = dict(metrics.select("metric", "value").iter_rows())
        print(f"| {name} | {values['cpc']:.3f} | {values['spearman']:.3f} |")
    print(f"| moves between regions: estimate {ours['flow'].sum():.0f}, truth {reference['flow'].sum():.0f} |")
    report_intervals("pooled", pooled, reference)
    report_intervals("pooled with official moves", helped, reference)
    alone = {**options, "official": None}
    tables = {
        "estimate": area_migration(detected, areas, at_risk, **days),  # type: ignore[arg-type]
        "estimate, pooled": pooled_area_migration(detected, areas, at_risk, **alone),  # type: ignore[arg-type]
        "estimate, pooled with official moves": pooled_area_migration(detected, areas, at_risk, **options),  # type: ignore[arg-type]
        "perfect record of the same months": area_migration(in_risk, areas, at_risk, **days),  # type: ignore[arg-type]
        "the same, pooled": pooled_area_migration(in_risk, areas, at_risk, **alone),  # type: ignore[arg-type]
        "perfect record of all users": record_of_users(world, seen, record, areas),
    }
    if official is not None:
        tables["official moves of the earlier year"] = official_alone(official, areas, changes)
    columns = (
        "side | cells | slope | slope, scaled | correlation | RMSE of rates, scaled, % | sum / truth | in interval"
    )
    print(f"rates by authority and quarter | {columns} | partial correlation, given the official rates")
    for name, rows in tables.items():
        report_rates(name, rows, changes, areas, tables.get("official moves of the earlier year"))


def official_alone(official: pl.DataFrame, areas: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """Moves of each authority in each quarter by its official rates of the earlier year, at the quarter's true total.

    An authority without figures of its own has the rate of its region.
    """
    residents = areas.group_by("region", area="authority").agg(pl.col("residents").sum())
    moved = official.group_by("area").agg(pl.col("moves_in", "moves_out").sum())
    share = pl.col("residents") / pl.col("residents").sum().over("region")
    rows = residents.join(moved, on="area", how="left").join(
        moved, left_on="region", right_on="area", how="left", suffix="_region"
    )
    rows = rows.select(
        "area",
        inflow=pl.coalesce("moves_in", pl.col("moves_in_region") * share),
        outflow=pl.coalesce("moves_out", pl.col("moves_out_region") * share),
    )
    totals = changes.group_by(period=pl.col("moved_on").dt.truncate("1q")).agg(total=pl.len())
    return rows.join(totals, how="cross").with_columns(
        pl.col(side) / pl.col(side).sum().over("period") * pl.col("total") for side in ("inflow", "outflow")
    )


def students_of(seen: Observed) -> pl.DataFrame:
    """Users with a hall or a cluster for study in each authority, and all users with a residential cluster there."""
    is_study = (pl.col("class_group") == "hall") | (pl.col("cluster_type") == "study").fill_null(value=False)
    is_home = pl.col("class_group").is_in(["residential", "hall"])
    return (
        seen.clusters.filter(pl.col("authority").is_not_null())
        .group_by(area="authority")
        .agg(
            students=pl.col("user_key").filter(is_study).n_unique(), users=pl.col("user_key").filter(is_home).n_unique()
        )
        .sort("area")
    )


def record_of_users(world: World, seen: Observed, record: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """Moves in and out by area and quarter from all moves of all users, by inverse penetration."""
    lived = world.spells.filter(pl.col("kind") != "holiday").join(seen.persons, on="person")
    users = (
        lived.sort("person", "first_date").unique("person", keep="first").group_by(area="authority").agg(users=pl.len())
    )
    residents = areas.group_by(area="authority").agg(pl.col("residents").sum())
    weights = users.join(residents, on="area").select("area", weight=pl.col("residents") / pl.col("users"))
    counted = record.join(weights, left_on="from_area", right_on="area").with_columns(
        period=pl.col("moved_on").dt.truncate("1q")
    )
    periods = counted.select("period").unique()
    rows = residents.select("area").join(periods, how="cross")
    for side, column in (("inflow", "to_area"), ("outflow", "from_area")):
        sums = counted.group_by("period", area=column).agg(pl.col("weight").sum().alias(side))
        rows = rows.join(sums, on=["area", "period"], how="left").with_columns(pl.col(side).fill_null(0.0))
    return rows


def report_intervals(name: str, pooled: pl.DataFrame, reference: pl.DataFrame) -> None:
    """Print the share of pairs of which the interval, scaled to the true total, contains the true flow."""
    both = pooled.join(reference, on=["origin", "destination"], how="left", suffix="_true").with_columns(
        pl.col("flow_true").fill_null(0.0)
    )
    factor = both["flow_true"].sum() / both["flow"].sum()
    inside = both["flow_true"].is_between(both["lower"] * factor, both["upper"] * factor)
    print(f"flows, {name}: true flow within the scaled 95 % interval for {inside.mean():.2f} of {both.height} pairs")


def rates_of(rows: pl.DataFrame, changes: pl.DataFrame, areas: pl.DataFrame, side: str) -> pl.DataFrame:
    """Cells of authorities with 100 residents or more in the second and third quarter, with the true moves."""
    residents = areas.group_by(area="authority").agg(pl.col("residents").sum())
    column = {"inflow": "to_area", "outflow": "from_area"}[side]
    truth = changes.group_by(pl.col("moved_on").dt.truncate("1q").alias("period"), area=column).agg(true=pl.len())
    return (
        rows.filter(pl.col(side).is_not_null(), pl.col("period").dt.quarter() < 4)
        .join(truth, on=["area", "period"], how="left")
        .join(residents, on="area")
        .filter(pl.col("residents") >= 100)
        .with_columns(pl.col("true").fill_null(0))
        .sort("area", "period")
    )


def report_rates(
    name: str, rows: pl.DataFrame, changes: pl.DataFrame, areas: pl.DataFrame, official: pl.DataFrame | None
) -> None:
    """Print how rates in and out agree with the true ones.

    Slope through 0 (as estimated, and scaled to the true sum), correlation, root mean square error of the scaled rates
    in per cent of the mean rate, share of cells of which the scaled interval has the truth, and the correlation with
    the truth of what official rates do not explain of either.
    """
    for side in ("inflow", "outflow"):
        cells = rates_of(rows, changes, areas, side)
        x, y = ((cells[column] / cells["residents"]).to_numpy() for column in ("true", side))
        slope, correlation = (x * y).sum() / (x * x).sum(), np.corrcoef(x, y)[0, 1]
        ratio = cells[side].sum() / cells["true"].sum()
        error = 100 * np.sqrt(np.mean((y / ratio - x) ** 2)) / x.mean()
        inside, beyond = "", ""
        if f"{side}_lower" in cells.columns:
            inside = (
                f"{cells['true'].is_between(cells[f'{side}_lower'] / ratio, cells[f'{side}_upper'] / ratio).mean():.2f}"
            )
        if official is not None and rows is not official:
            known = rates_of(official, changes, areas, side).join(cells, on=["area", "period"], how="semi")
            z = (known[side] / known["residents"]).to_numpy()
            xz, yz = np.corrcoef(x, z)[0, 1], np.corrcoef(y, z)[0, 1]
            beyond = f"{(correlation - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)):.2f}"
        figures = f"{slope:.2f} | {slope / ratio:.2f} | {correlation:.2f} | {error:.0f} | {ratio:.2f}"
        print(f"| {name} | {side} | {cells.height} | {figures} | {inside} | {beyond} |")


def main() -> None:
    """Build the world and print the tables for both generators."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=3)
    arguments.add_argument("--persons", type=int, default=200_000)
    arguments.add_argument("--addresses", type=int, default=120_000)
    arguments.add_argument("--users", type=int, default=80_000)
    arguments.add_argument("--generators", nargs="+", default=["zipf", "bursty"])
    arguments.add_argument("--official", type=Path, metavar="FILE")
    arguments.add_argument("--pool", nargs="+", type=int, metavar="SEED")
    chosen = arguments.parse_args()
    if chosen.pool:
        report_pooled_moves(chosen.pool, chosen.persons, chosen.addresses, chosen.users, chosen.generators)
        return
    students, others = (
        read_official_moves(chosen.official, year=TRUE_YEAR, ages=ages) if chosen.official else None
        for ages in (STUDENT_AGES, OTHER_AGES)
    )
    official = official_moves(chosen.official, KNOWN_YEAR) if chosen.official else None
    world = build_world(
        seed=chosen.seed, persons=chosen.persons, addresses=chosen.addresses, student_flows=students, home_flows=others
    )
    for generator in chosen.generators:
        seen = observe(world, generator, chosen.users, chosen.seed)
        print(f"\n## {generator}: {seen.events.height} events of {chosen.users} users", flush=True)
        report_homes(world, seen)
        cpu = time.process_time()
        detected = detect_moves(seen.clustered, seen.clusters).filter("is_migration")
        cpu = time.process_time() - cpu
        print(f"moves: {cpu:.1f} CPU s, {seen.clustered.height / cpu:,.0f} events/s", flush=True)
        report_moves(world, seen, detected)
        at_risk = time_at_risk(settled_spells(seen.clustered, seen.clusters))
        report_flows(world, seen, detected, at_risk, official)
        report_outages(world, generator, chosen.users, chosen.seed)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
