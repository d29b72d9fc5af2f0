"""Absent days and vacant quarters of the meters of a bucket in one pass, so that statistics of days are made once."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics
from ons_bigdata.meters.methods.absence.detection import absent_frame, judge_days
from ons_bigdata.meters.methods.absence.model import AbsenceModel
from ons_bigdata.meters.methods.absence.model import default_model as default_absence_model
from ons_bigdata.meters.methods.fieldwork.calendar import contact_days
from ons_bigdata.meters.methods.fingerprint import fingerprint
from ons_bigdata.meters.methods.vacancy import detection
from ons_bigdata.meters.methods.vacancy.detection import vacant_quarters
from ons_bigdata.meters.methods.vacancy.low_consumption import low_consumption_rule
from ons_bigdata.meters.methods.vacancy.model import VacancyModel
from ons_bigdata.meters.methods.vacancy.model import default_model as default_vacancy_model


def judge_occupancy(
    meter_days: pl.DataFrame,
    absence_model: AbsenceModel | None = None,
    vacancy_model: VacancyModel | None = None,
) -> dict[str, pl.DataFrame]:
    """Judge days and quarters of many meters.

    `meter_days`: frame `MeterDay`, all days of the meters. Returns, each sorted by meter: `absent_days` (as
    `detect_absent_days` by the boosted trees), `vacant_quarters` (as `detect_vacancy`), `low_quarters` (as
    `low_consumption_rule`) and `contact_days`. Spells of absent days are gathered in SQL
    (`restricted.meter_absence_spells`). Models: None are the shipped ones. Raises ValueError as these methods do.
    """
    statistics = day_statistics(day_matrix(meter_days))
    probability, absent = judge_days(statistics, "boosted", absence_model)
    days = absent_frame(statistics, probability, absent)
    probability = np.where(np.isnan(statistics["mean"]), np.nan, probability)
    return {
        "absent_days": days,
        "vacant_quarters": vacant_quarters(statistics, vacancy_model, absence_model, probability_absent=probability),
        "contact_days": contact_days(statistics),
        "low_quarters": low_consumption_rule(meter_days),
    }


@cache
def shipped_models_hash() -> str:
    """Hash of the shipped models and of the constants by which flags of quarters follow from them."""
    constants = {
        name: getattr(detection, name)
        for name in (
            *("STAY_SHARE", "QUIET_SPIKES", "LATEST_ONSET_DAYS", "PRESENT_IF_VACANT", "PRESENT_IF_LIVED_IN"),
            "LEAST_COVERAGE",
        )
    }
    return fingerprint(default_absence_model(), default_vacancy_model(), constants)
