"""The correction of distance on a study area: its pairs, its fit, and its trial on zones that it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.phones.methods.distance_correction import (
    LEAST_PAIRS,
    DistanceCorrection,
    correct_distance,
    fit_distance_correction,
)
from ons_bigdata.phones.methods.reference_models import fit_deterrence, gravity

if TYPE_CHECKING:
    from ons_bigdata.phones.methods.comparison.study_area import StudyFlows

KEY = ["origin", "destination"]
FOLDS = (4, 2)
"""Groups of zones by which intervals are calibrated: the first number that leaves enough pairs within the groups."""


def correction_pairs(study: StudyFlows, middles: pl.DataFrame, coverage: pl.DataFrame) -> pl.DataFrame:
    """All pairs of different zones with what the correction of distance needs.

    `middles`: origin, destination, flow (> 0) of the delivery between different zones. `coverage`: area, population,
    users (> 0) of each zone. Returns origin, destination, flow, weight (persons per user: the geometric mean of the
    inverse penetrations of both ends), modelled (a doubly constrained gravity model of the delivery's own flows, its
    power of distance fitted to them), distance_km, reference (persons of the census). Raises ValueError for zones
    without users or population, and for flows to which no gravity model can be fitted.
    """
    rates = pl.DataFrame({"area": study.zones}).join(coverage, on="area", how="left")
    bad = rates.filter(~((pl.col("population") > 0) & (pl.col("users") > 0)).fill_null(value=False))
    if bad.height:
        message = f"{bad.height} zones without users or residents, such as {bad['area'][0]}"
        raise ValueError(message)
    totals = [middles.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY]
    out, into = (
        pl.DataFrame({side: study.zones}).join(total, on=side, how="left").with_columns(pl.col("total").fill_null(0.0))
        for side, total in zip(KEY, totals, strict=True)
    )
    fit = fit_deterrence(middles, study.distances)
    modelled = gravity(
        out, into, study.distances, deterrence="power", constraint="doubly", parameter=fit.parameter
    ).rename({"flow": "modelled"})
    rate = rates.select("area", rate=pl.col("population") / pl.col("users"))
    census = study.census.filter(pl.col("origin") != pl.col("destination")).select(*KEY, reference="flow")
    floor = float(modelled.filter(pl.col("modelled") > 0)["modelled"].min() or 1.0)  # type: ignore[arg-type]
    return (
        study.distances.join(middles.select(*KEY, "flow"), on=KEY, how="left")
        .join(census, on=KEY, how="left")
        .join(modelled, on=KEY, how="left")
        .join(rate.rename({"area": "origin", "rate": "out"}), on="origin", how="left")
        .join(rate.rename({"area": "destination", "rate": "into"}), on="destination", how="left")
        .select(
            *KEY,
            pl.col("flow").fill_null(0.0),
            weight=(pl.col("out") * pl.col("into")).sqrt(),
            # A zone without departures has no modelled flow; the model's logarithm needs one.
            modelled=pl.col("modelled").fill_null(0.0).clip(lower_bound=floor),
            distance_km="distance_km",
            reference=pl.col("reference").fill_null(0.0),
        )
        .sort(KEY)
    )


def fit_to_zones(pairs: pl.DataFrame, *, confidence: float, seed: int) -> DistanceCorrection:
    """Fit the correction to pairs; with as many groups of zones as leave enough pairs to calibrate intervals.

    Raises ValueError as `fit_distance_correction`, and for too few zones.
    """
    zones = pairs["origin"].n_unique()
    folds = next((n for n in FOLDS if (zones // n) * (zones // n - 1) * n >= LEAST_PAIRS), None)
    if folds is None:
        message = f"{zones} zones; the intervals of the correction of distance need {LEAST_PAIRS} pairs within groups"
        raise ValueError(message)
    return fit_distance_correction(pairs, folds=folds, confidence=confidence, seed=seed)


def correct_held_out(pairs: pl.DataFrame, *, confidence: float, seed: int) -> pl.DataFrame:
    """Correct each half of the zones by what the other half teaches.

    The zones are dealt into two halves (seeded). The pairs within each half are corrected by the fit to the pairs
    within the other; pairs between the halves are in neither. Returns the pairs within halves with flow_adjusted,
    lower and upper. Raises ValueError as `fit_to_zones`.
    """
    zones = pairs["origin"].unique().sort()
    dealt = np.random.default_rng(seed).permutation(len(zones))
    first = zones.gather(pl.Series(dealt[: len(zones) // 2])).implode()
    in_first = [pl.col(side).is_in(first) for side in KEY]
    halves = pairs.filter(in_first[0] & in_first[1]), pairs.filter(~in_first[0] & ~in_first[1])
    corrected = [
        correct_distance(judged, fit_to_zones(learnt, confidence=confidence, seed=seed))
        for learnt, judged in (halves, halves[::-1])
    ]
    return pl.concat(corrected).sort(KEY)
