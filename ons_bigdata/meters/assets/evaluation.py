"""How detectors and imputation fare on homes of each delivery, with absences, vacancies and gaps that are drawn.

Scores are of what was drawn into the homes, never of what the homes did; no row is about one home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import polars as pl

from ons_bigdata.meters.assets.homes import HOMES
from ons_bigdata.meters.assets.quality import ASSESSED_READINGS, METERS, QUARTERS
from ons_bigdata.meters.assets.reports import drawing_metadata
from ons_bigdata.meters.assets.sampled_days import sampled_days, sampled_readings
from ons_bigdata.meters.methods import imputation
from ons_bigdata.meters.methods.evaluation.absence_table import EvaluationDesign, judge_injected_absence
from ons_bigdata.meters.methods.evaluation.injection import InjectionProtocol
from ons_bigdata.meters.methods.evaluation.vacancy_injection import VacancyProtocol
from ons_bigdata.meters.methods.evaluation.vacancy_table import judge_injected_vacancy
from ons_bigdata.meters.methods.fieldwork import FieldCosts, case_for_use
from ons_bigdata.meters.methods.fingerprint import fingerprint
from ons_bigdata.meters.methods.occupancy import shipped_models_hash
from ons_bigdata.meters.reports.evaluation_charts import draw_absence, draw_case, draw_vacancy
from ons_bigdata.meters.schemas.evaluation import (
    AbsenceEvaluation,
    EvaluationRule,
    FieldworkCase,
    ImputationEvaluation,
    VacancyEvaluation,
)
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset, tables_asset
from ons_bigdata.platform.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ABSENCE = "analysis.absence_evaluation"
VACANCY = "analysis.vacancy_evaluation"
CASE = "analysis.fieldwork_case_for_use"
IMPUTATION = "analysis.imputation_evaluation"

LEAST_HOMES = 3
"""Homes of a format from which it is evaluated: scores of drawn absences say nothing of a home, but are none of one."""
LEAST_DAYS = 60
"""Days with readings that a home needs."""
THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
PREVALENCES = (0.02, 0.045, 0.08)
"""Thresholds and shares of vacant homes of the case for use."""

_RULES = ("seed", "absence_homes", "vacancy_homes", "imputation_homes", "draws", "call_cost", "missed_home_cost")
_INPUTS = {"meters": METERS, "homes": HOMES, "quarters": QUARTERS, "rules": "seeds.meter_evaluation_rules"}


@dataclass(frozen=True)
class _Sample:
    """Homes of a format that are drawn for an evaluation, with their zones."""

    data_origin: str
    format: str
    zones: dict[int, str]


@table_asset(
    table=ABSENCE,
    inputs=_INPUTS,
    lake_tables={"readings": ASSESSED_READINGS},
    frame=AbsenceEvaluation,
    description="One row per format and judgement of absent days: scores on injected absences. Internal: for people.",
)
def absence_evaluation(inputs: Inputs, _run: AssetRun) -> Output:
    """Inject absences into homes of each format; score the methods and the naive judgements."""
    rules = read_evaluation_rules(inputs)
    design, protocol = _design(rules), InjectionProtocol()
    key = fingerprint(shipped_models_hash(), design, protocol, rules["absence_homes"])
    parts: list[pl.DataFrame] = [AbsenceEvaluation.create_empty()]
    charts: dict[str, Any] = {}
    for sample, days in _samples_with_days(inputs, int(rules["absence_homes"])):
        table = judge_injected_absence(days, design, protocol).with_columns(truth=pl.lit("injected"))
        parts.append(_stamped(table, sample, key, AbsenceEvaluation.column_names()))
        charts |= _chart(sample, draw_absence(table, title=_title("Injected absent days found", sample)))
    return Output(pl.concat(parts), charts)


@tables_asset(
    name="vacancy_evaluation",
    tables=[
        Table(
            VACANCY,
            VacancyEvaluation,
            "One row per format, judgement and quarters vacant: scores on injected vacancies. Internal: for people.",
        ),
        Table(
            CASE,
            FieldworkCase,
            "One row per format, threshold and share of vacant homes: calls saved, homes missed. Internal: for people.",
        ),
    ],
    inputs=_INPUTS,
    lake_tables={"readings": ASSESSED_READINGS},
)
def vacancy_evaluation(inputs: Inputs, _run: AssetRun) -> Mapping[str, Output]:
    """Inject vacancies into homes of each format; score them next to the 180 kWh rule, and what skipping them saves."""
    rules = read_evaluation_rules(inputs)
    design, protocol = _design(rules), VacancyProtocol()
    costs = FieldCosts(call=rules["call_cost"], missed_home=rules["missed_home_cost"])
    key = fingerprint(shipped_models_hash(), design, protocol, costs, rules["vacancy_homes"])
    scores: list[pl.DataFrame] = [VacancyEvaluation.create_empty()]
    cases: list[pl.DataFrame] = [FieldworkCase.create_empty()]
    charts: dict[str, dict[str, Any]] = {VACANCY: {}, CASE: {}}
    for sample, days in _samples_with_days(inputs, int(rules["vacancy_homes"])):
        judged, table = judge_injected_vacancy(days, design, protocol)
        if judged.is_empty() or judged["vacant"].n_unique() < 2:
            continue
        table = table.with_columns(truth=pl.lit("injected"))
        scores.append(_stamped(table, sample, key, VacancyEvaluation.column_names()))
        case = case_for_use(
            judged["probability_vacant"].to_numpy(),
            judged["vacant"].to_numpy(),
            thresholds=THRESHOLDS,
            prevalences=PREVALENCES,
            costs=costs,
        )
        case = case.with_columns(call_cost=pl.lit(costs.call), missed_home_cost=pl.lit(costs.missed_home))
        cases.append(_stamped(case, sample, key, FieldworkCase.column_names()))
        charts[VACANCY] |= _chart(sample, draw_vacancy(table, title=_title("Injected vacancies found", sample)))
        charts[CASE] |= _chart(sample, draw_case(case, title=_title("Net saving by threshold", sample)))
    return {VACANCY: Output(pl.concat(scores), charts[VACANCY]), CASE: Output(pl.concat(cases), charts[CASE])}


@table_asset(
    table=IMPUTATION,
    inputs=_INPUTS,
    lake_tables={"readings": ASSESSED_READINGS},
    frame=ImputationEvaluation,
    description="One row per format, method and length of gap: imputation of hidden half hours. Internal: for people.",
)
def imputation_evaluation(inputs: Inputs, _run: AssetRun) -> Output:
    """Hide runs of readings as long as the gaps that there are; impute them by the rules and by their peers."""
    rules = read_evaluation_rules(inputs)
    design = _design(rules)
    key = fingerprint(design, rules["imputation_homes"], imputation.LINEAR_GAP, imputation.WEEKDAY_GAP)
    parts: list[pl.DataFrame] = [ImputationEvaluation.create_empty()]
    for sample in _samples(inputs, int(rules["imputation_homes"])):
        readings = sampled_readings(inputs, pl.Series(list(sample.zones), dtype=pl.Int64))
        zone = next(iter(sample.zones.values()))
        try:
            table = imputation.judge_imputation(readings, zone, np.random.default_rng(design.seed))
        except imputation.NoGapError:
            continue
        table = table.with_columns(homes=pl.lit(len(sample.zones), pl.Int64))
        parts.append(_stamped(table, sample, key, ImputationEvaluation.column_names()))
    return Output(pl.concat(parts))


def read_evaluation_rules(inputs: Inputs) -> dict[str, float]:
    """Parameters of the evaluation. Raises InputError where one is missing or unknown."""
    values = dict(EvaluationRule.validate(inputs.read("rules", EvaluationRule.column_names())).iter_rows())
    if set(values) != set(_RULES):
        raise InputError(
            f"seeds.meter_evaluation_rules has {', '.join(sorted(values))}; expected {', '.join(sorted(_RULES))}"
        )
    return values


def _design(rules: Mapping[str, float]) -> EvaluationDesign:
    return EvaluationDesign(seed=int(rules["seed"]), draws=int(rules["draws"]))


def _samples(inputs: Inputs, most: int) -> Iterator[_Sample]:
    """Homes of each origin and format, the first in the order of their pseudonyms, which is one by chance.

    Homes with a quarter below 180 kWh are left out: they may be empty themselves, which nobody knows.
    """
    low = inputs.read("quarters", ["meter_key", "is_low"]).filter(pl.col("is_low"))
    meters = inputs.read("meters", ["meter_key", "data_origin", "format", "timezone", "readings"])
    attributes = inputs.read("homes", ["meter_key", "customer"])
    homes = meters.join(low, on="meter_key", how="anti").join(attributes, on="meter_key", how="left")
    homes = homes.filter(
        (pl.col("readings") >= 48 * LEAST_DAYS) & (pl.col("customer").is_null() | (pl.col("customer") == "residential"))
    )
    for (origin, form), part in sorted(homes.partition_by("data_origin", "format", as_dict=True).items()):
        drawn = part.sort("meter_key").head(most)
        if drawn.height >= LEAST_HOMES:
            yield _Sample(str(origin), str(form), dict(drawn.select("meter_key", "timezone").iter_rows()))


def _samples_with_days(inputs: Inputs, most: int) -> Iterator[tuple[_Sample, pl.DataFrame]]:
    for sample in _samples(inputs, most):
        yield sample, sampled_days(inputs, sample.zones)


def _stamped(table: pl.DataFrame, sample: _Sample, key: str, columns: list[str]) -> pl.DataFrame:
    return table.with_columns(
        data_origin=pl.lit(sample.data_origin), format=pl.lit(sample.format), parameters_hash=pl.lit(key)
    ).select(columns)


def _title(what: str, sample: _Sample) -> str:
    return f"{what}, {sample.data_origin} homes, format {sample.format}"


def _chart(sample: _Sample, svg: str) -> dict[str, dg.MarkdownMetadataValue]:
    return {f"{sample.data_origin} {sample.format}": drawing_metadata(svg, "scores")}


ASSETS = [absence_evaluation, vacancy_evaluation, imputation_evaluation]
