"""Ground truth by half hour (meter, half hour, present) as truth by day, and judged by half hour."""

from __future__ import annotations

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_repeated
from ons_bigdata.meters.methods.evaluation.scores import matthews_correlation


def absent_days_of_presence(presence: pl.DataFrame, timezone: str, least_halfhours: int = 44) -> pl.DataFrame:
    """Truth of absence by local day from the presence by half hour.

    `presence`: meter, started_at (UTC, start of the half hour), present (null = unknown). A day is absent if
    nobody was present in any half hour. Returns meter, day, absent, is_scored (with at least so many known half hours,
    or somebody present in any of them), sorted.

    Raises ValueError on a missing column, a time without zone, a half hour that comes twice.
    """
    refuse_missing_columns(presence, ["meter", "started_at", "present"], "presence")
    zone = getattr(presence.schema["started_at"], "time_zone", None)
    if zone != "UTC":
        message = f"presence: column started_at has the zone {zone}, expected UTC"
        raise ValueError(message)
    refuse_repeated(presence, ["meter", "started_at"], "presence")
    day = pl.col("started_at").dt.convert_time_zone(timezone).dt.date()
    return (
        presence.group_by("meter", day=day)
        .agg(present=pl.col("present").any(), known=pl.col("present").count())
        .select(
            "meter",
            "day",
            absent=~pl.col("present").fill_null(value=False),
            is_scored=(pl.col("known") >= least_halfhours) | pl.col("present").fill_null(value=False),
        )
        .sort("meter", "day")
    )


def presence_scores(judged: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Scores by half hour of judgements of presence.

    `judged`: meter, started_at, probability_present. `truth`: meter, started_at, present. Half hours without truth are
    left out; those without a judgement count as present. Returns half_hours, prevalence of presence, accuracy, mcc,
    precision and recall of unoccupied half hours, brier, and the same of the naive judgement that all are occupied
    (accuracy_always_occupied).
    """
    pairs = (
        truth.filter(pl.col("present").is_not_null())
        .join(judged, on=["meter", "started_at"], how="left")
        .with_columns(pl.col("probability_present").fill_null(1.0))
    )
    present = pairs["present"].to_numpy().astype(bool)
    probability = pairs["probability_present"].to_numpy()
    found = probability >= 0.5
    empty = ~present
    return {
        "half_hours": float(len(present)),
        "prevalence": float(present.mean()),
        "accuracy": float((found == present).mean()),
        "accuracy_always_occupied": float(present.mean()),
        "mcc": matthews_correlation(present, found),
        "precision_unoccupied": float(empty[~found].mean()) if (~found).any() else float(np.nan),
        "recall_unoccupied": float((~found)[empty].mean()) if empty.any() else float(np.nan),
        "brier": float(((probability - present) ** 2).mean()),
    }
