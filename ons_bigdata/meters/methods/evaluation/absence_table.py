"""Scores of all judgements of absence on the same homes, with intervals over homes, the naive ones beside them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ons_bigdata.meters.methods.absence.day_matrix import day_matrix
from ons_bigdata.meters.methods.absence.day_statistics import day_statistics
from ons_bigdata.meters.methods.absence.detection import METHODS, absent_frame, judge_days
from ons_bigdata.meters.methods.evaluation.baselines import naive_judgements, weekday_shares
from ons_bigdata.meters.methods.evaluation.injection import InjectionProtocol, inject_absence
from ons_bigdata.meters.methods.evaluation.scores import (
    bootstrap_over_homes,
    day_scores,
    joined_judgement,
    precision_at_prevalence,
    spell_scores,
)

RATE = 0.02
"""Share of false days at which recall is given."""
_AT_RATE = f"recall_at_{RATE:g}"
_OF_RATE = ("recall_at_2", "recall_at_2_lower", "recall_at_2_upper")
PERCENTAGES = (15, 2, 1)
"""Percentages of absent days at which precision is given: of the protocol, and nearer to those outside of holidays."""
_SHOWN = ("mcc", "recall", "false_day_share", "brier")


@dataclass(frozen=True)
class EvaluationDesign:
    """Size of an evaluation: `seed` of all draws, `draws` of homes with replacement for the intervals."""

    seed: int = 2014
    draws: int = 300


def judge_injected_absence(
    meter_days: pl.DataFrame, design: EvaluationDesign, protocol: InjectionProtocol | None = None
) -> pl.DataFrame:
    """Inject absences into the days of homes (frame `MeterDay`) and score all judgements; see `absence_table`."""
    injected, truth = inject_absence(meter_days, design.seed, protocol)
    return absence_table(injected, truth, design)


def absence_table(meter_days: pl.DataFrame, truth: pl.DataFrame, design: EvaluationDesign) -> pl.DataFrame:
    """Score the methods of absent days and the naive judgements on homes with truth.

    `truth`: meter, day, absent, and is_scored if some days are not. Returns one row per judgement: judgement, homes,
    days (scored), absent_share, recall_at_2 (recall at the bound with 2 % false days; null for judgements without
    probabilities) with its interval (_lower, _upper), recall and false_day_share of the flag, precision_at_15, _2, _1
    (of the flag where so many percent of the days are absent), mcc with its interval, brier, spells, spell_overlap,
    onset_error_days, end_error_days. Intervals: 95 % over homes drawn with replacement.
    """
    statistics = day_statistics(day_matrix(meter_days))
    judgements = {method: absent_frame(statistics, *judge_days(statistics, method)) for method in METHODS}
    judgements |= _naive(meter_days, truth)
    rows = []
    for name, judged in judgements.items():
        joined = joined_judgement(judged, truth)
        scores, spells = day_scores(joined), spell_scores(joined)
        has_order = joined["probability_absent"].n_unique() > 2
        at_rate = (scores[_AT_RATE], *bootstrap_over_homes(joined, _AT_RATE, design.draws, design.seed))
        mcc = bootstrap_over_homes(joined, "mcc", design.draws, design.seed)
        recall, false = scores["recall"], scores["false_day_share"]
        precision = {
            f"precision_at_{percent}": precision_at_prevalence(recall, false, percent / 100) for percent in PERCENTAGES
        }
        rows.append(
            {
                "judgement": name,
                "homes": joined["meter"].n_unique(),
                "days": joined.height,
                "absent_share": scores["prevalence"],
                **dict(zip(_OF_RATE, at_rate if has_order else (None, None, None), strict=True)),
                **{column: scores[column] for column in _SHOWN},
                "mcc_lower": mcc[0],
                "mcc_upper": mcc[1],
                **precision,
                "spells": int(spells["spells"]),
                "spell_overlap": spells["overlap"],
                "onset_error_days": spells["onset_error_days"],
                "end_error_days": spells["end_error_days"],
            }
        )
    return _without_nan(pl.DataFrame(rows, infer_schema_length=None))


def _naive(meter_days: pl.DataFrame, truth: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Naive judgements of each half of the homes; their prior of the weekday is of the other half."""
    meters = truth["meter"].unique().sort()
    halves = [meters.gather_every(2), meters.gather_every(2, offset=1)]
    parts: dict[str, list[pl.DataFrame]] = {}
    for half, other in (halves, halves[::-1]):
        of_half = meter_days.filter(pl.col("meter").is_in(half.implode()))
        if of_half.is_empty():
            continue
        prior = weekday_shares(truth.filter(pl.col("meter").is_in(other.implode())))
        for name, judged in naive_judgements(of_half, prior).items():
            parts.setdefault(name, []).append(judged)
    return {name: pl.concat(judged) for name, judged in parts.items()}


def _without_nan(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))
