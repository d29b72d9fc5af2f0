"""Source `meter_survey_answers`: surveys of the Irish trial before and after it, as long rows by question."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.meters.schemas.homes import LakeAnswer
from ons_bigdata.meters.sources.homes.tables import MAX_FILE_BYTES, first_names, read_rows
from ons_bigdata.meters.sources.reading_files import data_origin, id_space
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA, Batch
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.sources import (
    BulkSource,
    LandingFolder,
    Recognised,
    Refused,
    pseudonymising_adapter,
)
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.platform.pseudonyms import pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ons_bigdata.platform.pseudonyms import PseudonymKey

NAME = "meter_survey_answers"

METER_SURVEY_ANSWERS = LakeTable(
    name=NAME,
    columns={name: column.dtype for name, column in LakeAnswer.columns().items()},
    entity_column="meter_key",
    order=("meter_key", "survey", "place"),
    buckets=8,
)

MISSING = ("", ".", "NA", "NULL", "-", "9999999", "999999999")
"""Tokens of a missing answer."""

NO_METER = "home without a whole number as its id"
OTHER_FIELDS = "another number of fields than the header"
TOO_LONG = "answer of more than 200 characters"

_QUESTION = re.compile(r"Question\s+([0-9]{1,6})\b", re.IGNORECASE)
_SURVEYS = {"pre_trial": re.compile(r"pre[ _-]?trial", re.I), "post_trial": re.compile(r"post[ _-]?trial", re.I)}
_LONGEST = 200


def recognise(name: str, head: bytes) -> Recognised | Refused | None:
    """Recognise a survey by its header, and which it is by its name; None for another file."""
    names = first_names(head)
    if not names or names[0].upper() != "ID" or not any(map(_QUESTION.match, names[1:])):
        return None
    if _survey(name) is None:
        return Refused("a survey whose name has neither pre-trial nor post-trial")
    return Recognised("surveys", data_origin(name), None)


def read_batches(stream: IO[bytes], name: str, *, key: PseudonymKey) -> Iterator[Batch]:
    """Answers of a file as one batch: a row is an answer, or a line without a home."""
    table, survey = read_rows(stream.read()), _survey(name)
    if survey is None:
        raise InputError("a survey whose name has neither pre-trial nor post-trial")
    questions = question_numbers(table.header)
    rows: list[tuple[int, str, int, int, str | None, str | None]] = []
    faults: list[tuple[int, str]] = []
    for line, fields in table.rows:
        meter = re.sub(r"\.0+$", "", fields[0]) if fields else ""
        if len(fields) != len(table.header):
            faults.append((line, OTHER_FIELDS))
        elif not re.fullmatch("[0-9]{1,9}", meter):
            faults.append((line, NO_METER))
        else:
            for place, number in questions:
                text = fields[place]
                if len(text) > _LONGEST:
                    faults.append((line, TOO_LONG))
                elif text in MISSING:
                    rows.append((line, str(int(meter)), number, place + 1, None, text))
                else:
                    rows.append((line, str(int(meter)), number, place + 1, text, None))
    schema = {
        "line": pl.Int64,
        "meter": pl.String,
        "question": pl.Int32,
        "place": pl.Int32,
        "answer": pl.String,
        "missing": pl.String,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    origin = data_origin(name)
    accepted = frame.with_columns(
        pseudonyms(frame["meter"], source=id_space("cer", origin), key=key).alias("meter_key"),
        pl.lit(origin).alias("data_origin"),
        pl.lit(survey).alias("survey"),
    ).drop("meter")
    yield Batch(len(rows) + len(faults), accepted, pl.DataFrame(faults, schema=BULK_QUARANTINE_SCHEMA, orient="row"))


def question_numbers(header: Sequence[str]) -> list[tuple[int, int]]:
    """Position and number of each column of a question; the text of a question varies, its number does not."""
    found = [(place, _QUESTION.match(name)) for place, name in enumerate(header)]
    return [(place, int(match[1])) for place, match in found if match]


def _survey(name: str) -> str | None:
    return next((survey for survey, pattern in _SURVEYS.items() if pattern.search(name)), None)


SOURCES = (
    BulkSource(
        command="meters",
        reader=Reader(NAME, "meter_survey_files", "1"),
        area="collection",
        adapter=pseudonymising_adapter(recognise, read_batches),
        table=METER_SURVEY_ANSWERS,
        description="One row per answer of a home in a survey, with the pseudonym of its meter.",
        columns={name: column.description or "" for name, column in LakeAnswer.columns().items()},
        partition_column="data_origin",
        landing=LandingFolder(NAME, "Surveys of homes. Written by `ons-bigdata ingest meters`."),
        calendar=None,
        max_file_bytes=MAX_FILE_BYTES,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        partition_keys=frozenset({"real", "simulated"}),
        opens_archives=True,
        formats=("surveys",),
    ),
)
