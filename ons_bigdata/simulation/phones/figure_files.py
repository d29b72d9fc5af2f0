"""Figures of the market and of residents as an office would know them of the simulated world, some of them wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.phones.schemas.vocabulary import SIMULATED
from ons_bigdata.simulation.phones.agreement import PROVIDER
from ons_bigdata.simulation.phones.carriers import expected_phones, payg_chance

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.simulation.phones.operator_files import SimulatedOperator

AGE_ENDS = (35, 55)
"""Ages at which the groups of ages end."""
LEAST_AGE = 18
SHARE_ERROR = 0.1
"""Standard deviation of the log of a market share by zone as the office knows it."""
EMPLOYMENT_ERROR = 0.05
"""Standard deviation of the log of employment by zone as the office knows it."""
WORKER_KINDS = ("regular", "part_time", "night_shift", "rotating_shift")
RESIDENTS_ERROR = 0.025
"""Relative standard error of residents by zone: people move after the count."""


def age_group(age: np.ndarray) -> np.ndarray:
    """Name of the group of ages of persons from 18."""
    names = np.array(["age_18_34", "age_35_54", "age_55_plus"])
    return names[np.searchsorted(AGE_ENDS, age, side="right")]


def figure_table(operator: SimulatedOperator) -> pl.DataFrame:
    """Rows of the file of figures: ownership, devices, market shares, tariffs, residents, employment, a covariate.

    Market shares are of zones: phones of the operator over all phones, times an error of 10 % (seeded). Residents are
    exact, of 18 and over, in all and by age. The covariate of a zone is the share of its residents below 55.
    """
    world = operator.world
    rng = np.random.default_rng([world.seed, 960])
    people = operator.persons.with_columns(zone="home_zone")
    age = people["age"].to_numpy()
    phones = people.with_columns(phones=pl.Series(expected_phones(age)))
    owners = float(expected_phones(age, seconds=0.0)[age >= LEAST_AGE].mean())
    per_owner = float(expected_phones(age)[age >= LEAST_AGE].sum()) / float((owners * (age >= LEAST_AGE)).sum())
    ours = operator.devices.join(people.select("person", "zone"), on="person").group_by("zone").agg(devices=pl.len())
    shares = (
        phones.group_by("zone")
        .agg(pl.col("phones").sum())
        .join(ours, on="zone", how="left")
        .sort("zone")
        .with_columns(share=(pl.col("devices").fill_null(0) + 0.5) / pl.col("phones"))
    )
    known = shares["share"].to_numpy() * np.exp(SHARE_ERROR * rng.standard_normal(shares.height))
    adults = people.filter(pl.col("age") >= LEAST_AGE).with_columns(group=pl.Series(age_group(age[age >= LEAST_AGE])))
    counted = [
        adults.group_by("zone").agg(value=pl.len()).with_columns(category=pl.lit("all")),
        adults.group_by("zone", category="group").agg(value=pl.len()),
    ]
    residents = pl.concat([part.select("zone", "category", pl.col("value").cast(pl.Float64)) for part in counted])
    payg = float((payg_chance(age) * expected_phones(age)).sum() / expected_phones(age).sum())
    younger = adults.group_by("zone").agg(value=(pl.col("age") < AGE_ENDS[1]).mean())
    tables = [
        _rows("ownership", [("all", "all", owners, 0.01)]),
        _rows("devices_per_owner", [("all", "all", per_owner, 0.02)]),
        _rows("payg_share", [("all", "all", payg, 0.01)]),
        _rows(
            "market_share",
            [
                (code, "all", min(value, 1.0), SHARE_ERROR * value)
                for code, value in zip(shares["zone"].to_list(), known.tolist(), strict=True)
            ],
            provider=PROVIDER,
        ),
        _rows(
            "residents",
            [(row[0], row[1], row[2], RESIDENTS_ERROR * row[2]) for row in residents.sort("zone", "category").rows()],
        ),
        *_employment(operator, rng),
        _rows("covariate", [(*row, 0.0) for row in younger.sort("zone").select("zone", pl.lit("all"), "value").rows()]),
    ]
    return pl.concat(tables)


def _employment(operator: SimulatedOperator, rng: np.random.Generator) -> list[pl.DataFrame]:
    """Persons in work with a workplace, by residence and by workplace, each known with an error (seeded)."""
    workers = operator.persons.filter(pl.col("kind").is_in(WORKER_KINDS)).drop_nulls("work_zone")
    made = []
    for figure, side in (("employed_residents", "home_zone"), ("jobs", "work_zone")):
        counts = workers.group_by(zone=side).agg(value=pl.len()).sort("zone")
        known = counts["value"].to_numpy() * np.exp(EMPLOYMENT_ERROR * rng.standard_normal(counts.height))
        rows = zip(counts["zone"].to_list(), known.tolist(), strict=True)
        made.append(_rows(figure, [(zone, "all", value, EMPLOYMENT_ERROR * value) for zone, value in rows]))
    return made


def _rows(figure: str, rows: list[tuple[str, str, float, float]], *, provider: str = "all") -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=["area", "category", "value", "standard_error"], orient="row")
    return table.select(
        figure=pl.lit(figure),
        provider=pl.lit(provider),
        year=pl.lit(2014),
        geography=pl.lit("zone"),
        area="area",
        category="category",
        value=pl.col("value").round(6),
        standard_error=pl.col("standard_error").round(6),
        source=pl.lit("simulated world"),
    )


def write_figures(folder: Path, operator: SimulatedOperator) -> None:
    """Write the file of figures into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    figure_table(operator).write_csv(folder / f"{SIMULATED}population_figures.csv")
