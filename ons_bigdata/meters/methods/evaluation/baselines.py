"""Naive judgements of absence, a row each in every table: what a detector has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics, day_total

if TYPE_CHECKING:
    from collections.abc import Mapping

TOTAL_SHARES = (0.4, 0.5)
"""Shares of the local median below which the rules on the total alone take a day for absent."""


def naive_judgements(meter_days: pl.DataFrame, weekday_share_absent: Mapping[int, float]) -> dict[str, pl.DataFrame]:
    """Judgements of the naive rules, each as `detect_absent_days` returns them.

    `weekday_share_absent`: share of absent days by ISO weekday (1 = Monday) in homes other than those judged; the
    prior of the hour of the week, summed up to days. Returns: "always occupied"; "weekday prior"; "total < 0.4 (0.5) of
    local median", whose probability is 1 - t / median, limited to 0 … 1.
    """
    statistics = day_statistics(day_matrix(meter_days))
    matrix, total = statistics.matrix, day_total(statistics)
    keys = matrix.keys
    prior = keys["day"].dt.weekday().replace_strict(dict(weekday_share_absent), return_dtype=pl.Float64)
    result = {
        "always occupied": keys.with_columns(probability_absent=pl.lit(0.0), absent=pl.lit(value=False)),
        "weekday prior": keys.with_columns(probability_absent=prior, absent=prior >= 0.5),
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        share = total / statistics.rolling_median(total, 28)
    probability = matrix.column("probability_absent", np.clip(1 - share, 0, 1), pl.Float64)
    known = matrix.column("known", ~np.isnan(share), pl.Boolean)
    for bound in TOTAL_SHARES:
        with np.errstate(invalid="ignore"):
            absent = matrix.column("absent", share < bound, pl.Boolean)
        result[f"total < {bound:g} of local median"] = keys.with_columns(probability, absent).with_columns(
            pl.when(known).then(pl.col("probability_absent", "absent"))
        )
    return result


def weekday_shares(truth: pl.DataFrame) -> dict[int, float]:
    """Share of absent days by ISO weekday, one day added to each side so that no share is 0 or 1."""
    counts = truth.group_by(weekday=pl.col("day").dt.weekday()).agg(share=(pl.col("absent").sum() + 1) / (pl.len() + 2))
    known = dict(counts.iter_rows())
    return {weekday: known.get(weekday, 0.5) for weekday in range(1, 8)}
