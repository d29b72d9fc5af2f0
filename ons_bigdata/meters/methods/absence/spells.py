"""Spells of absent days: first and last day, and the half hours of departure and return."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.meters.methods.absence.rule import best_split


def absence_spells(absent_days: pl.DataFrame, meter_days: pl.DataFrame | None = None) -> pl.DataFrame:
    """Spells of absent days that follow each other.

    `absent_days`: meter, day, absent, as `detect_absent_days` returns them. A day that could not be judged, or is not
    there, continues a spell if both days beside it are absent. `meter_days`: the frame from which the half hours of
    departure and return are read; without it they are null.

    Returns meter, spell (1, 2, … by meter), first_day, last_day, days, probability_absent (mean, if it is given),
    left_slot (half hour of the day before the first, from which it is quiet), back_slot (half hour of the day after the
    last, from which there is use), sorted.
    """
    refuse_missing_columns(absent_days, ["meter", "day", "absent"], "absent_days")
    has_probability = "probability_absent" in absent_days.columns
    days = absent_days.sort("meter", "day")
    gap = pl.col("day") - pl.col("day").shift().over("meter")
    spells = (
        days.filter(pl.col("absent").is_not_null())
        .with_columns(is_next=(gap <= pl.duration(days=2)) & pl.col("absent").shift().over("meter"))
        .filter("absent")
        .with_columns(spell=(~pl.col("is_next").fill_null(value=False)).cum_sum().over("meter"))
        .group_by("meter", "spell")
        .agg(
            first_day=pl.col("day").min(),
            last_day=pl.col("day").max(),
            probability_absent=pl.col("probability_absent").mean() if has_probability else pl.lit(None, pl.Float64),
        )
        .with_columns(days=((pl.col("last_day") - pl.col("first_day")).dt.total_days() + 1).cast(pl.Int32))
        .sort("meter", "spell")
        .select("meter", pl.col("spell").cast(pl.Int32), "first_day", "last_day", "days", "probability_absent")
    )
    return spells.with_columns(
        left_slot=_splits(spells, meter_days, "first_day", -1), back_slot=_splits(spells, meter_days, "last_day", 1)
    )


def _splits(spells: pl.DataFrame, meter_days: pl.DataFrame | None, day: str, step: int) -> pl.Series:
    """Half hour that splits the day before or after each spell best; null where it is not whole or not there."""
    if meter_days is None:
        return pl.Series([None] * spells.height, dtype=pl.Int16)
    wanted = spells.select("meter", day=pl.col(day) + datetime.timedelta(days=step))
    found = wanted.join(
        meter_days.select("meter", "day", "kwh_halfhours"), on=["meter", "day"], how="left", maintain_order="left"
    )
    slots: list[int | None] = []
    for halfhours in found["kwh_halfhours"]:
        values = None if halfhours is None else halfhours.to_numpy().astype(np.float64)
        slots.append(None if values is None or np.isnan(values).any() else best_split(values, falls=step < 0))
    return pl.Series(slots, dtype=pl.Int16)
