"""Frames of the evaluation of detectors on the homes of a delivery, and of its case for fieldwork."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import FORMATS, ORIGIN

_FORMAT = f"^({'|'.join(FORMATS)})$"
_HASH = dy.String(regex="^[0-9a-f]{16}$", description="hash of models, protocol and size of the evaluation")


def _share(description: str) -> dy.Float64:
    return dy.Float64(nullable=True, min=0.0, max=1.0, description=f"{description}; null where it has no meaning")


def _number(description: str, low: float | None = 0.0) -> dy.Float64:
    return dy.Float64(nullable=True, min=low, description=f"{description}; null where it has no meaning")


class EvaluationRule(dy.Schema):
    """One row per parameter of the evaluation (`seeds.meter_evaluation_rules`)."""

    parameter = dy.String(primary_key=True, description="parameter")
    value = dy.Float64(description="value")


class AbsenceEvaluation(dy.Schema):
    """One row per format and judgement of absent days (`analysis.absence_evaluation`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="origin of the homes: real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    judgement = dy.String(primary_key=True, description="method, or naive judgement")
    truth = dy.String(regex="^injected$", description="injected: absence drawn by the protocol, not one of the homes")
    homes = dy.Int64(min=1, description="homes that were drawn for the evaluation")
    days = dy.Int64(min=1, description="days that are scored")
    absent_share = _share("share of these that are absent")
    recall_at_2 = _share("share of absent days found at the bound with 2 % false days")
    recall_at_2_lower = _share("lower end of its 95 % interval over homes")
    recall_at_2_upper = _share("upper end of its 95 % interval over homes")
    recall = _share("share of absent days that are flagged")
    false_day_share = _share("share of the other days that are flagged")
    precision_at_15 = _share("share of flagged days that are right where 15 % of days are absent")
    precision_at_2 = _share("the same where 2 % of days are absent")
    precision_at_1 = _share("the same where 1 % of days are absent")
    mcc = _number("Matthews correlation of the flag", -1.0)
    mcc_lower = _number("lower end of its 95 % interval over homes", -1.0)
    mcc_upper = _number("upper end of its 95 % interval over homes", -1.0)
    brier = _number("mean square error of the probability")
    spells = dy.Int64(min=0, description="spells that were injected")
    spell_overlap = _share("days in both / days in either, mean over injected spells and the found one of most overlap")
    onset_error_days = _number("mean absolute error of the first day of spells that were found")
    end_error_days = _number("mean absolute error of their last day")
    parameters_hash = _HASH


class VacancyEvaluation(dy.Schema):
    """One row per format, judgement of vacancy and number of vacant quarters (`analysis.vacancy_evaluation`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="origin of the homes: real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    judgement = dy.String(primary_key=True, description="shipped flag, 180 kWh rule, or ours at the rule's specificity")
    quarters_vacant = dy.Int64(
        primary_key=True, min=0, description="whole quarters for which the homes are vacant; 0: all together"
    )
    truth = dy.String(regex="^injected$", description="injected: vacancy drawn by the protocol, not one of the homes")
    homes = dy.Int64(min=0, description="homes with injected vacancy")
    other_homes = dy.Int64(min=0, description="homes without; a few of them may be vacant in truth")
    recall = _share("share of the vacant homes that are judged vacant")
    recall_lower = _share("lower end of its 95 % interval over homes")
    recall_upper = _share("upper end of its 95 % interval over homes")
    false_share = _share("share of the other homes that are judged vacant")
    predictive_value_at_3 = _share("share of homes judged vacant that are, where 3 % of homes are vacant")
    predictive_value_at_5 = _share("the same where 5 % of homes are vacant")
    brier = _number("mean square error of the probability, all together")
    calibration_slope = _number("slope of the truth on the log odds of the probability, all together", None)
    onset_error_days = _number("median absolute error of the day on which vacancy began, of homes flagged")
    parameters_hash = _HASH


class FieldworkCase(dy.Schema):
    """One row per format, threshold and share of vacant homes (`analysis.fieldwork_case_for_use`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="origin of the homes: real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    threshold = dy.Float64(
        primary_key=True, min=0.0, max=1.0, description="probability of vacancy from which no call is made"
    )
    prevalence = dy.Float64(primary_key=True, min=0.0, max=1.0, description="share of vacant homes")
    recall = _share("share of the vacant homes at which no call is made")
    false_share = _share("share of the other homes at which no call is made")
    skipped_empty = _number("of 10,000 homes: vacant ones at which no call is made")
    skipped_occupied = _number("of 10,000 homes: others at which no call is made")
    calls_saved = _number("of 10,000 homes: calls that are not made")
    calls_saved_share = _share("share of these of all calls")
    predictive_value = _share("share of the homes without call that are vacant")
    net_saving = _number(
        "cost of the calls saved less that of occupied homes that are missed, in units of the costs", None
    )
    call_cost = dy.Float64(min=0.0, description="cost of a call, an assumption")
    missed_home_cost = dy.Float64(min=0.0, description="cost of an occupied home that is missed, an assumption")
    parameters_hash = _HASH


class ImputationEvaluation(dy.Schema):
    """One row per format, method and length of hidden gaps (`analysis.imputation_evaluation`)."""

    data_origin = dy.String(primary_key=True, regex=ORIGIN, description="origin of the homes: real or simulated")
    format = dy.String(primary_key=True, regex=_FORMAT, description="format of the files of readings")
    method = dy.String(primary_key=True, regex="^(rules|linear|last_week)$", description="rules, or a peer of them")
    length = dy.String(
        primary_key=True, regex="^(to_2_hours|to_1_day|longer)$", description="length of the gaps that were hidden"
    )
    homes = dy.Int64(min=1, description="homes that were drawn for the evaluation")
    hidden = dy.Int64(min=0, description="half hours that were hidden")
    imputed = _share("share of these that were imputed")
    mae_kwh = _number("mean absolute error of the imputed half hours")
    bias_kwh_per_day = _number("mean of imputed less true, times 48", None)
    quarters = dy.Int64(min=0, description="quarters of homes with readings on 80 % of 90 days")
    changed_decisions = dy.Int64(min=0, description="of these, whose decision below 180 kWh changes")
    parameters_hash = _HASH
