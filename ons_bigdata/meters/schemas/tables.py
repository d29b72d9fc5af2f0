"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.schemas import aggregates, evaluation, fieldwork, homes, quality, reports, vacancy

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    "restricted.meters": quality.Meter,
    "restricted.meter_days": quality.StoredMeterDay,
    "restricted.meter_quality": quality.MeterQuality,
    "restricted.meter_suspicions": quality.MeterSuspicion,
    "restricted.meter_imputed_half_hours": quality.ImputedHalfHour,
    "restricted.meter_absent_days": quality.StoredAbsentDay,
    "restricted.meter_contact_days": fieldwork.MeterContactDays,
    "analysis.contact_calendar_controlled": fieldwork.ContactCalendar,
    "restricted.meter_quarters": quality.MeterQuarter,
    "analysis.meter_consumption_controlled": aggregates.ControlledConsumption,
    "analysis.meter_states_controlled": aggregates.ControlledStates,
    "analysis.meter_vacancy_controlled": vacancy.ControlledVacancy,
    "analysis.meter_quality_reports": reports.MeterQualityReport,
    "analysis.meter_figures": reports.MeterFigure,
    "analysis.absence_evaluation": evaluation.AbsenceEvaluation,
    "analysis.vacancy_evaluation": evaluation.VacancyEvaluation,
    "analysis.fieldwork_case_for_use": evaluation.FieldworkCase,
    "analysis.imputation_evaluation": evaluation.ImputationEvaluation,
    "restricted.meter_homes": homes.MeterHome,
    "restricted.meter_survey_answers": homes.MeterSurveyAnswer,
}
"""Frame by `schema.table`."""
