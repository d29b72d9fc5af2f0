"""Injection of vacancy: the last whole quarter is judged, nothing comes after it, lived-in days stay as they were."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.meters.methods.evaluation.absence_table import EvaluationDesign, judge_injected_absence
from ons_bigdata.meters.methods.evaluation.vacancy_injection import (
    VacancyProtocol,
    inject_vacancy,
    last_whole_quarter,
    quarters_before,
)
from ons_bigdata.meters.methods.evaluation.vacancy_table import AT_RULE, RULE, SHIPPED, judge_injected_vacancy

FIRST_DAY = date(2009, 4, 1)
DESIGN = EvaluationDesign(seed=3, draws=50)


def lived_in(homes: int, days: int = 640) -> pl.DataFrame:
    """Homes with a base by night, people up from 06:00 to 23:00, and appliances now and then."""
    parts = []
    for home in range(homes):
        rng = np.random.default_rng(home)
        kwh = rng.uniform(0.05, 0.12) * rng.uniform(0.8, 1.2, (days, 48))
        kwh[:, 12:46] += rng.gamma(0.6, 0.35, (days, 34))
        parts.append(
            pl.DataFrame(
                {
                    "meter": [f"home{home:02}"] * days,
                    "day": [FIRST_DAY + timedelta(days=number) for number in range(days)],
                    "kwh_halfhours": pl.Series(kwh.astype(np.float32)).arr.to_list(),
                    "kwh": kwh.sum(axis=1),
                    "readings": pl.Series([48] * days, dtype=pl.Int16),
                }
            )
        )
    return pl.concat(parts)


@pytest.mark.parametrize(
    ("last_day", "quarter"),
    [
        (date(2010, 12, 31), date(2010, 10, 1)),
        (date(2010, 12, 30), date(2010, 7, 1)),
        (date(2011, 1, 1), date(2010, 10, 1)),
    ],
)
def test_the_last_whole_quarter(last_day: date, quarter: date) -> None:
    assert last_whole_quarter(last_day) == quarter
    assert quarters_before(quarter, 4) == quarter.replace(year=quarter.year - 1)


def test_vacancies_last_to_the_end_and_other_days_stay() -> None:
    days = lived_in(12)
    injected, truth = inject_vacancy(days, 3, VacancyProtocol(share=0.5))
    assert injected["day"].max() == date(2010, 12, 31)
    assert 0 < truth["vacant"].sum() < truth.height == 12
    later = injected.join(truth, on="meter").with_columns(
        is_vacant=pl.col("vacant") & (pl.col("day") >= pl.col("vacant_from"))
    )
    kept = later.filter(~pl.col("is_vacant")).select(days.columns)
    assert_frame_equal(kept, days.join(kept.select("meter", "day"), on=["meter", "day"], how="semi"))
    vacant = truth.filter("vacant")
    first = vacant.select(begin=pl.col("quarter").dt.offset_by("1q"), from_="vacant_from")
    assert ((first["begin"] - first["from_"]).dt.total_days() >= 90 * vacant["quarters_vacant"]).all()
    quarters = later.filter("is_vacant").with_columns(pl.col("day").dt.truncate("1q").alias("q"))
    totals = quarters.filter(pl.col("q") == pl.col("quarter")).group_by("meter").agg(pl.col("kwh").sum())
    assert totals["kwh"].max() < 180 * 92 / 90 + 10
    assert_frame_equal(inject_vacancy(days, 3, VacancyProtocol(share=0.5))[0], injected)


def test_vacancies_are_found_and_the_rule_of_four_quarters_finds_the_long_ones_alone() -> None:
    judged, table = judge_injected_vacancy(lived_in(40), DESIGN)
    scores = {(row["judgement"], row["quarters_vacant"]): row for row in table.to_dicts()}
    assert scores[SHIPPED, 0]["recall"] > 0.8
    assert scores[SHIPPED, 0]["false_share"] == 0
    assert scores[SHIPPED, 0]["onset_error_days"] <= 3
    assert scores[RULE, 1]["recall"] == 0
    assert scores[RULE, 4]["recall"] > 0.5
    assert scores[AT_RULE, 0]["recall_lower"] <= scores[AT_RULE, 0]["recall"] <= scores[AT_RULE, 0]["recall_upper"]
    assert judged["quarter"].unique().to_list() == [date(2010, 10, 1)]


def test_absences_are_scored_next_to_the_naive_judgements() -> None:
    table = judge_injected_absence(lived_in(8, days=200), DESIGN)
    scores = {row["judgement"]: row for row in table.to_dicts()}
    assert scores["boosted"]["recall_at_2"] > 0.9
    assert scores["boosted"]["mcc_lower"] <= scores["boosted"]["mcc"] <= scores["boosted"]["mcc_upper"]
    assert scores["always occupied"]["mcc"] == 0
    assert scores["always occupied"]["recall_at_2"] is None
    assert (table["precision_at_1"] <= table["precision_at_15"]).drop_nulls().all()
    assert table["spells"].n_unique() == 1


def test_a_protocol_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="share is 2"):
        VacancyProtocol(share=2)
    with pytest.raises(ValueError, match="kwh_per_quarter"):
        VacancyProtocol(kwh_per_quarter=(5.0, 1.0))
