"""Absent days of many meters at a time, by rule, chain of days or boosted trees."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_unknown
from ons_bigdata.meters.methods.absence.chain import absence_probabilities, day_observations
from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import DayStatistics, day_statistics
from ons_bigdata.meters.methods.absence.features import day_features
from ons_bigdata.meters.methods.absence.model import AbsenceModel, default_model
from ons_bigdata.meters.methods.absence.rule import PEER_FLOOR_KWH, absent_by_rule

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = ("rule", "hmm", "boosted")

Floats = np.ndarray
Judgement = tuple[Floats, np.ndarray]


def detect_absent_days(
    meter_days: pl.DataFrame | pl.LazyFrame,
    method: str = "boosted",
    model: AbsenceModel | None = None,
    *,
    peer_floor_kwh: float | None = None,
    bound: float | None = None,
) -> pl.DataFrame:
    """Judge for each meter and local day whether nobody was at home.

    `meter_days`: meter (text or whole number), day, kwh_halfhours (46, 48 or 50, null = missing), as the frame
    `MeterDay`; all days of a meter, in any order. `model`: for `hmm` and `boosted`; None is the shipped model, which
    was fitted on simulated homes alone. `peer_floor_kwh`: low quantile of the totals of days with people at home in
    meters of the same class; None takes that of the model, or of the rule. `bound`: least probability of an absent day;
    None takes that of the model.

    Returns meter, day, probability_absent, absent (frame `AbsentDay`), sorted; null where fewer than 44 of 48 readings
    are there. The rule has no probability: 1 for absent, 0 otherwise. The result of a meter depends on its rows alone.

    Raises ValueError for an unknown method, a missing or wrong column, a day that comes twice, a bound that is no
    probability, or a floor below zero.
    """
    refuse_unknown("method", method, METHODS)
    if bound is not None and not 0 < bound <= 1:
        message = f"bound is {bound}, expected more than 0 and at most 1"
        raise ValueError(message)
    if peer_floor_kwh is not None and not peer_floor_kwh >= 0:
        message = f"peer_floor_kwh is {peer_floor_kwh}, expected 0 or more"
        raise ValueError(message)
    statistics = day_statistics(day_matrix(meter_days))
    return absent_frame(statistics, *judge_days(statistics, method, model, peer_floor_kwh, bound))


def absent_frame(statistics: DayStatistics, probability: Floats, absent: np.ndarray) -> pl.DataFrame:
    """Frame `AbsentDay` of judgements by row of the day matrix: days of the input, null where there is no judgement."""
    matrix = statistics.matrix
    known = matrix.column("known", ~np.isnan(statistics["mean"]), pl.Boolean)
    return matrix.keys.with_columns(
        matrix.column("probability_absent", probability, pl.Float64),
        matrix.column("absent", absent, pl.Boolean),
    ).with_columns(pl.when(known).then(pl.col("probability_absent", "absent")))


def judge_days(
    statistics: DayStatistics,
    method: str = "boosted",
    model: AbsenceModel | None = None,
    peer_floor_kwh: float | None = None,
    bound: float | None = None,
) -> Judgement:
    """Probability of absence and flag of each row of a day matrix; see `detect_absent_days`.

    Rows without readings enough have no meaning.

    """
    return _JUDGES[method](statistics, model, peer_floor_kwh, bound)


@cache
def _shipped() -> AbsenceModel:
    return default_model()


def _by_rule(
    statistics: DayStatistics, model: AbsenceModel | None, peer_floor_kwh: float | None, bound: float | None
) -> Judgement:
    if model is not None or bound is not None:
        message = "the rule takes neither model nor bound"
        raise ValueError(message)
    absent, _ = absent_by_rule(statistics, peer_floor_kwh=PEER_FLOOR_KWH if peer_floor_kwh is None else peer_floor_kwh)
    return absent.astype(np.float64), absent


def _by_chain(
    statistics: DayStatistics, model: AbsenceModel | None, peer_floor_kwh: float | None, bound: float | None
) -> Judgement:
    chosen = model or _shipped()
    floor = chosen.peer_floor_kwh if peer_floor_kwh is None else peer_floor_kwh
    observations = day_observations(statistics, floor)
    probability = absence_probabilities(chosen.chain, observations, statistics.matrix.first_row)
    return probability, probability >= (chosen.chain_bound if bound is None else bound)


def _by_trees(
    statistics: DayStatistics, model: AbsenceModel | None, peer_floor_kwh: float | None, bound: float | None
) -> Judgement:
    chosen = model or _shipped()
    floor = chosen.peer_floor_kwh if peer_floor_kwh is None else peer_floor_kwh
    probability = chosen.probabilities(day_features(statistics, floor), statistics.matrix.first_row)
    return probability, probability >= (chosen.boosted_bound if bound is None else bound)


_JUDGES: dict[str, Callable[[DayStatistics, AbsenceModel | None, float | None, float | None], Judgement]] = {
    "rule": _by_rule,
    "hmm": _by_chain,
    "boosted": _by_trees,
}
