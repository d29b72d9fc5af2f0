"""Homes and their survey answers, from the lake into restricted tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.meters.methods.homes import join_homes, survey_answers
from ons_bigdata.meters.schemas.homes import MeterHome, MeterSurveyAnswer
from ons_bigdata.meters.sources.homes.home_files import METER_HOMES
from ons_bigdata.meters.sources.homes.survey_files import METER_SURVEY_ANSWERS
from ons_bigdata.platform.dagster.bucket_assets import BucketMethod, bucket_tables_asset
from ons_bigdata.platform.dagster.inputs import Table

if TYPE_CHECKING:
    from ons_bigdata.platform.dagster.inputs import Inputs

HOMES = "restricted.meter_homes"
ANSWERS = "restricted.meter_survey_answers"


@bucket_tables_asset(
    name="meter_homes",
    lake_table=METER_HOMES,
    tables=[Table(HOMES, MeterHome, "One row per home of which a file has attributes.")],
    inputs={},
)
def meter_homes(_inputs: Inputs) -> BucketMethod:
    """Join what several files have on a home."""
    return BucketMethod(join_homes, {}, lambda frame: {HOMES: frame})


@bucket_tables_asset(
    name="meter_survey_answers",
    lake_table=METER_SURVEY_ANSWERS,
    tables=[Table(ANSWERS, MeterSurveyAnswer, "One row per home, question and column of a survey file.")],
    inputs={},
)
def meter_survey_answers(_inputs: Inputs) -> BucketMethod:
    """Answers as in the lake, each once."""
    return BucketMethod(survey_answers, {}, lambda frame: {ANSWERS: frame})


ASSETS = [meter_homes, meter_survey_answers]
