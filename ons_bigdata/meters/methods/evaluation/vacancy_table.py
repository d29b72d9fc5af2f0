"""Scores of the detection of vacant quarters on homes with truth, with intervals, the 180 kWh rule beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.methods.evaluation.scores import (
    bound_at_false_alarms,
    calibration_slope,
    precision_at_prevalence,
)
from ons_bigdata.meters.methods.evaluation.vacancy_injection import VacancyProtocol, inject_vacancy
from ons_bigdata.meters.methods.vacancy import detect_vacancy, low_consumption_rule

if TYPE_CHECKING:
    from ons_bigdata.meters.methods.evaluation.absence_table import EvaluationDesign

PERCENTAGES = (3, 5)
"""Percentages of vacant homes at which the predictive value is given."""
RULE, SHIPPED, AT_RULE = "180 kWh rule", "shipped flag", "at the rule's specificity"

Flags = np.ndarray


def judge_injected_vacancy(
    meter_days: pl.DataFrame, design: EvaluationDesign, protocol: VacancyProtocol | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Inject vacancies into the days of homes (frame `MeterDay`); return the judged homes and the scores.

    Judged homes: columns of the truth of `inject_vacancy`, probability_vacant, flagged, onset, low (by the rule; null
    where it does not know). Scores: as `vacancy_table`.
    """
    days, truth = inject_vacancy(meter_days, design.seed, protocol)
    ours = detect_vacancy(days).select("meter", "quarter", "probability_vacant", "onset", flagged="vacant")
    rule = low_consumption_rule(days).select("meter", "quarter", low="vacant")
    judged = truth.join(ours, on=["meter", "quarter"], how="left", maintain_order="left")
    judged = judged.join(rule, on=["meter", "quarter"], how="left", maintain_order="left")
    judged = judged.filter(pl.col("probability_vacant").is_not_null())
    return judged, vacancy_table(judged, design)


def vacancy_table(judged: pl.DataFrame, design: EvaluationDesign) -> pl.DataFrame:
    """Score judged homes by the number of quarters that they have been vacant.

    Returns one row per judgement and quarters_vacant (1, 2, …; 0: all together): judgement, quarters_vacant, homes
    (vacant for so many quarters), other_homes (not vacant), recall with its interval (_lower, _upper), false_share
    (other homes judged vacant), predictive_value_at_3 and _at_5 (where so many percent of homes are vacant), and, for
    all together and our probability: brier, calibration_slope, onset_error_days (median, of homes flagged). Values
    without meaning are null.
    """
    truth = judged["vacant"].to_numpy()
    chance = judged["probability_vacant"].to_numpy()
    low = judged["low"].fill_null(value=False).to_numpy()
    flags: dict[str, Flags] = {SHIPPED: judged["flagged"].fill_null(value=False).to_numpy(), RULE: low}
    if truth.any() and not truth.all():
        flags[AT_RULE] = chance > bound_at_false_alarms(truth, chance, float(low[~truth].mean()))
    rows: list[dict[str, object]] = []
    for name, flagged in flags.items():
        false = float(flagged[~truth].mean()) if (~truth).any() else math.nan
        for quarters in (0, *sorted(set(judged["quarters_vacant"].to_list()) - {0})):
            chosen = truth if quarters == 0 else truth & (judged["quarters_vacant"] == quarters).to_numpy()
            recall = float(flagged[chosen].mean()) if chosen.any() else math.nan
            lower, upper = _interval(flagged[chosen], design)
            rows.append(
                {
                    "judgement": name,
                    "quarters_vacant": quarters,
                    "homes": int(chosen.sum()),
                    "other_homes": int((~truth).sum()),
                    "recall": recall,
                    "recall_lower": lower,
                    "recall_upper": upper,
                    "false_share": false,
                    **{
                        f"predictive_value_at_{percent}": precision_at_prevalence(recall, false, percent / 100)
                        for percent in PERCENTAGES
                    },
                    **_of_probability(judged if quarters == 0 and name == SHIPPED else judged.clear()),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col(pl.Float64).fill_nan(None))


def _of_probability(judged: pl.DataFrame) -> dict[str, float]:
    """Brier score, calibration slope, and median error of the onset; NaN without homes."""
    truth, chance = judged["vacant"].to_numpy(), judged["probability_vacant"].to_numpy()
    found = judged.filter(pl.col("vacant") & pl.col("flagged").fill_null(value=False))
    errors = (found["onset"] - found["vacant_from"]).dt.total_days().abs().median()
    has_both = len(truth) > 0 and truth.any() and not truth.all()
    return {
        "brier": float(((chance - truth) ** 2).mean()) if len(truth) else math.nan,
        "calibration_slope": calibration_slope(chance, truth)[0] if has_both else math.nan,
        "onset_error_days": math.nan if errors is None else float(errors),  # type: ignore[arg-type]
    }


def _interval(flagged: Flags, design: EvaluationDesign) -> tuple[float, float]:
    """95 % interval of a share over homes drawn with replacement; NaN below two homes."""
    if len(flagged) < 2:
        return math.nan, math.nan
    random = np.random.default_rng(design.seed)
    drawn = flagged[random.integers(0, len(flagged), (design.draws, len(flagged)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
