"""Frames of homes: attributes of the home of a meter, and answers of its survey."""

from __future__ import annotations

import dataframely as dy

from ons_bigdata.meters.schemas.vocabulary import CUSTOMERS, FORMATS, HEX_ID, ORIGIN, SURVEYS

_FORMAT = f"^({'|'.join(FORMATS)})$"
_NAME = r"^[!-~]([ -~]{0,62}[!-~])?$"


def _attribute(description: str) -> dy.String:
    return dy.String(nullable=True, regex=_NAME, description=f"{description}; null where not known")


class _HomeAttributes(dy.Schema):
    """Attributes of a home."""

    customer = dy.String(
        nullable=True,
        regex=f"^({'|'.join(CUSTOMERS)})$",
        description="kind of customer: residential, sme (small business) or other; null where not known",
    )
    tariff = _attribute("tariff of the home, in the words of its trial or supplier")
    stimulus = _attribute("stimulus of the Irish trial, 1 to 4, or E for none")
    sme_allocation = _attribute("group of a small business in the Irish trial")
    area = _attribute("code of the area in which the home is")
    dwelling_type = _attribute("type of the dwelling")
    segment = _attribute("group of a classification of neighbourhoods")
    has_electric_heating = dy.Bool(nullable=True, description="true for electric heating; null where not known")
    has_solar = dy.Bool(nullable=True, description="true for a generator of the home; null where not known")


class LakeHome(_HomeAttributes):
    """One row per home and file of attributes (`lake.meter_homes`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the file; that of a workbook counts its rows")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated, by the name of the file; the partition")
    format = dy.String(regex=_FORMAT, description="format of the files of readings that have the meter")
    meter_key = dy.Int64(description="pseudonym of the meter")


class MeterHome(_HomeAttributes):
    """One row per home of which a file has attributes; null where files contradict each other."""

    meter_key = dy.Int64(primary_key=True, description="pseudonym of the meter")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    format = dy.String(regex=_FORMAT, description="format of the files of readings that have the meter")
    rows = dy.Int32(min=1, description="rows of files about the home")
    conflicts = dy.Int32(min=0, description="attributes in which the files contradict each other")


class _Answer(dy.Schema):
    """An answer."""

    meter_key = dy.Int64(description="pseudonym of the meter")
    data_origin = dy.String(regex=ORIGIN, description="real or simulated")
    survey = dy.String(regex=f"^({'|'.join(SURVEYS)})$", description="survey before or after the trial")
    question = dy.Int32(min=1, description="number of the question")
    place = dy.Int32(min=1, description="column of the file; a question of several choices has several")
    answer = dy.String(nullable=True, max_length=200, description="answer as coded; null where it is missing")
    missing = dy.String(
        nullable=True, max_length=16, description="token of a missing answer, empty for an empty field; null otherwise"
    )


class LakeAnswer(_Answer):
    """One row per home, question and column of a survey file (`lake.meter_survey_answers`)."""

    load_id = dy.String(regex=HEX_ID, description="load of the file: 16 hex digits")
    line = dy.Int64(min=1, description="line of the file")


class MeterSurveyAnswer(_Answer):
    """One row per home, question and column of a survey file."""
