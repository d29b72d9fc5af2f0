"""Areas with true, registered and event-based net migration of young people, from official moves of real years."""

from __future__ import annotations

import gzip
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.world.registers import registered_moves

YEAR_END = date(2015, 6, 30)


def official_moves() -> pl.DataFrame:
    """Official moves of 18- to 25-year-olds in and out of each authority, years to June 2014 and 2015."""
    path = Settings().shared / "data" / "tweets" / "ons_internal_migration_la_year_age_2002_2015.csv.gz"
    if not path.is_file():
        pytest.skip(f"no official migration at {path} (set ONS_BIGDATA_SHARED)")
    rows = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=None)
    return rows.filter((pl.col("ageGroup") == "18-25") & pl.col("year").is_in([2014, 2015])).sort("LACode", "year")


def true_moves(official: pl.DataFrame, scale: int, random: np.random.Generator) -> pl.DataFrame:
    """Moves of single persons, one for each `scale` official moves: half are men, most are made in September."""
    parts = []
    for (year,), rows in official.partition_by("year", as_dict=True).items():
        count = round(rows["In"].sum() / scale)
        codes = rows["LACode"].to_numpy()
        origin, destination = (
            random.choice(codes, count, p=(rows[side] / rows[side].sum()).to_numpy()) for side in ("Out", "In")
        )
        is_term = random.random(count) < 0.6
        days = np.where(is_term, 65 + random.integers(0, 40, count), random.integers(0, 365, count))
        first = np.datetime64(date(int(year) - 1, 7, 1))
        parts.append(
            pl.DataFrame(
                {"origin": origin, "destination": destination, "moved_on": first + days.astype("timedelta64[D]")}
            )
        )
    moves = pl.concat(parts).filter(pl.col("origin") != pl.col("destination"))
    return moves.with_columns(
        person=pl.int_range(moves.height),
        sex=pl.Series(np.where(random.random(moves.height) < 0.5, "male", "female")),
        age=pl.Series(random.integers(18, 25, moves.height)),
        moved_on=pl.col("moved_on").cast(pl.Date),
    )


def net(moves: pl.DataFrame, day: str) -> pl.DataFrame:
    """Net moves of each area in the year to YEAR_END."""
    year = moves.filter(pl.col(day).is_between(YEAR_END - timedelta(days=364), YEAR_END))
    sides = [
        year.group_by(area=side).agg(net=sign * pl.len().cast(pl.Int64))
        for side, sign in (("destination", 1), ("origin", -1))
    ]
    return pl.concat(sides).group_by("area").agg(pl.col("net").sum())


def areas_of_a_register(*, penetration: float, seed: int, late: bool = True, scale: int = 20) -> pl.DataFrame:
    """Input of `register_improvement`: official moves, a simulated register and events of a share of the movers.

    Residents are not in the official file: 15 for each mover of the year. The penetration differs between areas
    (log-normal, 0.3), which the estimate knows; events are thinned without regard to sex.
    """
    random = np.random.default_rng(seed)
    moves = true_moves(official_moves(), scale, random)
    register = registered_moves(moves, seed=seed, late_ages=(18, 24) if late else (200, 200))
    year = moves.filter(pl.col("moved_on").is_between(YEAR_END - timedelta(days=364), YEAR_END))
    movers = pl.concat([year.select(area=side) for side in ("origin", "destination")]).group_by("area").len()
    codes = movers["area"].sort().to_list()
    rate = dict(zip(codes, penetration * np.exp(0.3 * random.standard_normal(len(codes))), strict=True))
    sides = []
    for side in ("destination", "origin"):
        counts = year.group_by(area=side).len().sort("area").rename({"len": side})
        expected = counts.select(pl.col(side) * scale * pl.col("area").replace_strict(rate, return_dtype=pl.Float64))
        sides.append(counts.with_columns(pl.Series(side, random.poisson(expected.to_series().to_numpy()))))
    users = pl.col("area").replace_strict(rate, return_dtype=pl.Float64)
    return (
        movers.rename({"len": "movers"})
        .join(net(moves, "moved_on").rename({"net": "truth"}), on="area", how="left")
        .join(net(register, "registered_on").rename({"net": "register"}), on="area", how="left")
        .join(sides[0], on="area", how="left")
        .join(sides[1], on="area", how="left")
        .fill_null(0)
        .sort("area")
        .select(
            "area",
            residents=pl.col("movers") * scale * 7.5,
            truth=pl.col("truth") * float(scale),
            register=pl.col("register") * float(scale),
            events=(pl.col("destination").cast(pl.Float64) - pl.col("origin")) / users,
            events_error=((pl.col("destination") + pl.col("origin")).clip(1).cast(pl.Float64)).sqrt() / users,
        )
    )
