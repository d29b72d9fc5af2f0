"""Meters at the dwellings of the simulated world: its households, their holidays, and who moved out and in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.meters.homes import (
    EMPLOYMENTS,
    OCCUPIED,
    SECOND_HOME,
    VACANT,
    HomeShares,
    draw_occupancy,
    equip_homes,
)
from ons_bigdata.simulation.world.addresses import DWELLINGS
from ons_bigdata.simulation.world.households import SIZES

if TYPE_CHECKING:
    from numpy.random import Generator

    from ons_bigdata.simulation.world.building import World

_TYPES = {"RD02": "detached", "RD03": "semi_detached", "RD04": "terraced", "RD06": "flat"}
_OTHER_TYPE = "other"
RURAL_BELOW_THOUSAND = 130
"""Authorities with fewer thousand residents stand for rural ones."""
_RETIRED_FROM = 66
_ADULT_FROM = 18


@dataclass(frozen=True)
class WorldHomes:
    """Homes with meters in a world."""

    homes: pl.DataFrame
    """See `draw_homes`. Further columns: uprn, output_area, household (of the world; null for second homes and for
    homes that are vacant throughout). `area` is the authority."""
    trips: pl.DataFrame
    """Holidays of these households in the world: meter, first_date, last_date (the first day back)."""


def draw_world_homes(world: World, meters: int, *, seed: int, shares: HomeShares | None = None) -> WorldHomes:
    """Draw dwellings of a world that have meters, over all its days. The same arguments give the same homes.

    Occupied homes are those of households that do not move. Homes that become vacant are dwellings that a household of
    the world leaves, on its day; homes that are occupied again are dwellings into which one moves. Homes that are
    vacant throughout, and second homes, are dwellings where nobody lives. Where the world has too few of a kind, the
    rest is occupied.

    Raises ValueError if fewer households stay than there are meters.
    """
    shares = shares or HomeShares()
    rng = np.random.default_rng([seed, 7])
    dwellings = _dwellings(world)
    pools = {
        kind: rng.permutation(np.flatnonzero((dwellings["kind"] == kind).to_numpy()))
        for kind in ("stayed", "left", "entered", "empty")
    }
    if pools["stayed"].size < meters:
        raise ValueError(
            f"{meters} meters are more than the {pools['stayed'].size} households of the world that stay in their home"
        )
    chosen = pools["stayed"][:meters]
    drawn = draw_occupancy(rng, dwellings[chosen], first_day=world.first_day, days=world.days, shares=shares)
    homes = _place(drawn, dwellings, pools, world)
    people = _households(world)
    homes = homes.join(people, on="household", how="left", maintain_order="left")
    homes = _second_households(rng, homes).with_columns(
        meter=pl.format("{}", 1000 + pl.int_range(pl.len())), area=pl.col("authority")
    )
    homes = equip_homes(rng, homes, shares).drop("kind", "authority", "moved_out", "moved_in")
    first = ["meter", "area", "dwelling_type", "is_rural"]
    return WorldHomes(homes.select(*first, pl.exclude(first)), _trips(world, homes))


def _dwellings(world: World) -> pl.DataFrame:
    """Dwellings with who lives there over the days of the world, sorted by uprn.

    kind: stayed (one household all the time), left, entered, empty, or other; household, moved_out and moved_in.
    """
    end = world.first_day + timedelta(days=world.days)
    people = world.persons.select("person", "household")
    lived = (
        world.spells.filter(pl.col("kind") != "holiday")
        .join(people, on="person", maintain_order="left")
        .group_by("uprn")
        .agg(
            moved_in=pl.col("first_date").min(),
            moved_out=pl.col("last_date").max(),
            households=pl.col("household").n_unique(),
            household=pl.col("household").min(),
        )
    )
    is_from_start, is_to_end = pl.col("moved_in") == world.first_day, pl.col("moved_out") == end
    is_single = pl.col("households") == 1
    kind = (
        pl.when(pl.col("households").is_null())
        .then(pl.lit("empty"))
        .when(is_single & is_from_start & is_to_end)
        .then(pl.lit("stayed"))
        .when(is_single & is_from_start)
        .then(pl.lit("left"))
        .when(is_single & is_to_end)
        .then(pl.lit("entered"))
        .otherwise(pl.lit("other"))
    )
    rural = world.authorities.select("authority", is_rural=pl.col("residents_thousand") < RURAL_BELOW_THOUSAND)
    return (
        world.addresses.filter(pl.col("class_code").is_in(DWELLINGS))
        .select(
            "uprn",
            "output_area",
            "authority",
            dwelling_type=pl.col("class_code").replace_strict(_TYPES, default=_OTHER_TYPE),
        )
        .join(rural, on="authority", how="left", maintain_order="left")
        .join(lived, on="uprn", how="left", maintain_order="left")
        .with_columns(kind=kind)
        .drop("households")
        .sort("uprn")
    )


def _place(drawn: pl.DataFrame, dwellings: pl.DataFrame, pools: dict[str, np.ndarray], world: World) -> pl.DataFrame:
    """Dwellings of the drawn kinds of occupancy, with the dates of the world where somebody moves."""
    is_vacant = pl.col("occupancy") == VACANT
    enters = is_vacant & (pl.col("vacant_from") >= world.first_day)
    wanted = drawn.select(
        pl.when(enters)
        .then(pl.lit("left"))
        .when(is_vacant & pl.col("vacant_until").is_not_null())
        .then(pl.lit("entered"))
        .when(pl.col("occupancy") != OCCUPIED)
        .then(pl.lit("empty"))
        .otherwise(pl.lit("stayed"))
    ).to_series()
    left = {kind: iter(pool.tolist()) for kind, pool in pools.items() if kind != "stayed"}
    row: list[int] = []
    for kind, stayed in zip(wanted, pools["stayed"], strict=False):
        row.append(next(left[kind], stayed) if kind != "stayed" else stayed)
    homes = dwellings[row]
    is_placed = homes["kind"] == wanted
    occupancy = pl.Series("occupancy", np.where(is_placed, drawn["occupancy"], OCCUPIED))
    no_date = pl.lit(None, dtype=pl.Date)
    kind = pl.col("kind")
    return (
        homes.with_columns(occupancy, drawn["vacant_from"].alias("drawn_from"))
        .with_columns(
            vacant_from=pl.when(kind == "left")
            .then("moved_out")
            .when(pl.col("occupancy") == VACANT)
            .then("drawn_from")
            .otherwise(no_date),
            vacant_until=pl.when(kind == "entered").then("moved_in").otherwise(no_date),
            household=pl.when(kind == "empty").then(None).otherwise("household"),
        )
        .drop("drawn_from")
    )


def _households(world: World) -> pl.DataFrame:
    """Size, adults, workers and employment of the eldest person under retirement of each household."""
    is_adult, is_old = pl.col("age") >= _ADULT_FROM, pl.col("age") >= _RETIRED_FROM
    return (
        world.persons.group_by("household", maintain_order=True)
        .agg(
            household_size=pl.len().cast(pl.Int64),
            adults=is_adult.sum().cast(pl.Int64),
            workers=(pl.col("has_work") & is_adult).sum().cast(pl.Int64),
            retired=is_old.sum(),
            children=(~is_adult).sum(),
        )
        .with_columns(
            adults=pl.col("adults").clip(lower_bound=1),
            employment=pl.when(pl.col("workers") > 0)
            .then(pl.lit(EMPLOYMENTS[0]))
            .when(pl.col("retired") > 0)
            .then(pl.lit(EMPLOYMENTS[3]))
            .when(pl.col("children") > 0)
            .then(pl.lit(EMPLOYMENTS[2]))
            .otherwise(pl.lit(EMPLOYMENTS[1])),
        )
        .drop("retired", "children")
    )


def _second_households(rng: Generator, homes: pl.DataFrame) -> pl.DataFrame:
    """Households of second homes, who live elsewhere: of the usual sizes, in work."""
    is_second = pl.col("occupancy") == SECOND_HOME
    size = pl.Series("size", rng.choice(list(SIZES), size=homes.height, p=list(SIZES.values())))
    return (
        homes.with_columns(size)
        .with_columns(
            household_size=pl.when(is_second).then("size").otherwise("household_size"),
            adults=pl.when(is_second).then(pl.col("size").clip(upper_bound=2)).otherwise("adults"),
            workers=pl.when(is_second).then(pl.col("size").clip(upper_bound=2)).otherwise("workers"),
            employment=pl.when(is_second).then(pl.lit(EMPLOYMENTS[0])).otherwise("employment"),
        )
        .drop("size")
    )


def _trips(world: World, homes: pl.DataFrame) -> pl.DataFrame:
    """Holidays of the households, by those of the first person of each."""
    first = world.persons.group_by("household", maintain_order=True).agg(pl.col("person").first())
    meters = homes.filter(pl.col("household").is_not_null()).select("meter", "household").join(first, on="household")
    return (
        world.spells.filter(pl.col("kind") == "holiday")
        .join(meters, on="person", maintain_order="left")
        .select("meter", "first_date", "last_date")
        .sort("meter", "first_date")
    )
