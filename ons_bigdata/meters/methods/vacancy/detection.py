"""Vacant quarters and second homes of many meters at a time, with the date on which a vacancy began."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_statistics
from ons_bigdata.meters.methods.absence.detection import judge_days
from ons_bigdata.meters.methods.absence.model import AbsenceModel
from ons_bigdata.meters.methods.vacancy.model import VacancyModel, default_model
from ons_bigdata.meters.methods.vacancy.quarter_features import LEAST_COVERAGE, QuarterFeatures, quarter_features

STAY_SHARE = 0.41
"""Share of the bound from which a home stays vacant that was so in the quarter before."""
QUIET_SPIKES = 1
"""Half hours of use from 06:00 to 23:30 up to which a day counts as empty."""
LATEST_ONSET_DAYS = 7
"""A first vacant quarter has its onset before its eighth day: one that begins later is not vacant throughout."""
PRESENT_IF_VACANT = 0.05
PRESENT_IF_LIVED_IN = 0.8
"""Shares of days with people at home by which the beginning of a vacancy is placed."""

Floats = np.ndarray
Integers = np.ndarray


def detect_vacancy(
    meter_days: pl.DataFrame | pl.LazyFrame,
    model: VacancyModel | None = None,
    *,
    absence_model: AbsenceModel | None = None,
    bound: float | None = None,
) -> pl.DataFrame:
    """Judge for each meter and quarter whether the home was vacant throughout, and since when.

    `meter_days`: frame `MeterDay`, all days of a meter up to the end of the last quarter to be judged. `model` and
    `absence_model`: None are the shipped ones, which were fitted on simulated homes alone: no truth on vacancy of real
    homes was available. `bound`: least probability of a vacant quarter; None takes that of the model.

    Returns one row per meter and quarter (frame `VacantQuarter` and more), sorted: meter, quarter (first day),
    probability_vacant, vacant, onset (first day of the vacancy, at the earliest the first day of the meter),
    is_second_home (used now and then over the quarter and up to three before it), probability_second_home,
    reads_zero (readings, and all of them zero: a dead channel or an empty home; kept apart), coverage. Judgements are
    null where half of the quarter's days have no readings enough.

    Raises ValueError as `detect_absent_days`, and for a bound that is no probability.
    """
    if bound is not None and not 0 < bound < 1:
        message = f"bound is {bound}, expected more than 0 and less than 1"
        raise ValueError(message)
    return vacant_quarters(day_statistics(day_matrix(meter_days)), model, absence_model, bound=bound)


def vacant_quarters(
    statistics: DayStatistics,
    model: VacancyModel | None = None,
    absence_model: AbsenceModel | None = None,
    *,
    bound: float | None = None,
    probability_absent: Floats | None = None,
) -> pl.DataFrame:
    """Judgement of quarters from the statistics of days, for callers that have them; see `detect_vacancy`.

    `probability_absent`: of each row of the day matrix by the boosted trees, if it is known.
    """
    chosen = model or _shipped()
    if probability_absent is None:
        probability_absent = judge_days(statistics, "boosted", absence_model)[0]
    quarters = quarter_features(statistics, probability_absent)
    vacant = chosen.vacant.probabilities(quarters.values)
    second = chosen.second_home.probabilities(quarters.values)
    is_known = (quarters.keys["coverage"] >= LEAST_COVERAGE).to_numpy()
    is_vacant = _flags(quarters, vacant, is_known, chosen.vacant.bound if bound is None else bound)
    onset = _onsets(statistics, quarters, is_vacant, probability_absent)
    is_vacant &= onset >= 0
    is_second = is_known & ~is_vacant & (second >= chosen.second_home.bound)
    judged = quarters.keys.select(
        "meter",
        "quarter",
        probability_vacant=pl.Series(vacant),
        vacant=pl.Series(is_vacant),
        onset=_dates(onset),
        is_second_home=pl.Series(is_second),
        probability_second_home=pl.Series(second),
        reads_zero=(pl.col("days") > 0) & (pl.col("kwh") == 0),
        coverage="coverage",
    )
    known = pl.col("coverage") >= LEAST_COVERAGE
    values = ("probability_vacant", "vacant", "is_second_home", "probability_second_home")
    return judged.with_columns(pl.when(known).then(pl.col(*values)))


def _flags(quarters: QuarterFeatures, chance: Floats, is_known: np.ndarray, bound: float) -> np.ndarray:
    """Vacant quarters: at the bound, and after a vacant quarter from `STAY_SHARE` of it on.

    So a home near the bound does not go in and out of the stock.
    """
    flags = is_known & (chance >= bound)
    for number in np.flatnonzero(is_known & ~flags & (chance >= STAY_SHARE * bound)):
        flags[number] = number > 0 and quarters.meter[number - 1] == quarters.meter[number] and flags[number - 1]
    return flags


@cache
def _shipped() -> VacancyModel:
    return default_model()


def _dates(days: Integers) -> pl.Series:
    known = days >= 0
    shifted = pl.Series(np.where(known, days, 0)).cast(pl.Int32).cast(pl.Date)
    return pl.DataFrame({"day": shifted, "known": known}).select(pl.when("known").then(pl.col("day")).alias("onset"))[
        "onset"
    ]


def _onsets(
    statistics: DayStatistics, quarters: QuarterFeatures, is_vacant: np.ndarray, probability: Floats
) -> Integers:
    """First day of the vacancy of each vacant quarter, days since 1970; -1 without one that is vacant throughout.

    A vacancy runs over quarters that follow each other; all have the onset of the first. It is the day, of that quarter
    and the one before, that splits the days best in lived-in and vacant ones (likelihood of absent days).
    """
    matrix = statistics.matrix
    known = ~np.isnan(statistics["mean"])
    # Without people there may be timers, so that days without any use count as empty, too.
    absent = (probability >= 0.5) | (statistics.spikes <= QUIET_SPIKES)
    step = (
        np.where(
            absent,
            np.log((1 - PRESENT_IF_VACANT) / (1 - PRESENT_IF_LIVED_IN)),
            np.log(PRESENT_IF_VACANT / PRESENT_IF_LIVED_IN),
        )
        * known
    )
    onset = np.full(len(is_vacant), -1, dtype=np.int64)
    for number in np.flatnonzero(is_vacant):
        follows = number > 0 and quarters.meter[number - 1] == quarters.meter[number]
        if follows and onset[number - 1] >= 0:
            onset[number] = onset[number - 1]
            continue
        begin = quarters.first_row[number - 1 if follows else number]
        end = quarters.first_row[number + 1]
        # Sum of the evidence from each day to the end: the vacancy begins where it is largest.
        evidence = np.cumsum(step[begin:end][::-1])[::-1]
        best = begin + int(evidence.argmax())
        if best <= quarters.first_row[number] + LATEST_ONSET_DAYS:
            onset[number] = matrix.day[best]
    return onset
