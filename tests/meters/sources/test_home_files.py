"""Files about homes: allocations and surveys of the Irish trial, homes of London, the documented CSV."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from ons_bigdata.meters.methods.homes import join_homes, survey_answers
from ons_bigdata.meters.schemas.homes import LakeAnswer, LakeHome, MeterHome, MeterSurveyAnswer
from ons_bigdata.meters.sources.homes import home_files, survey_files
from ons_bigdata.meters.sources.homes.home_files import METER_HOMES
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.platform.pseudonyms import pseudonyms
from tests.meters.sources.written_readings import KEY, reasons
from tests.prices.sources.official.small_workbooks import write_workbook

ALLOCATIONS = (
    b"ID,Code,Residential - Tariff allocation,Residential - stimulus allocation,SME allocation,,,\n"
    b"1392,1,E,E,,,,stray\n1000,3,,,,,,\n1001,2,,,C1,,,\n1002,1,b,3,,,,\n"
)
SURVEY = (
    b'ID,"Question 410: What best describes, the people you live with?\nREAD OUT",Question 420: over 15,'
    b'"Question 470: heat? Electricity","Question 470: heat? Gas \x80",Notes\n'
    b"1392,1,.,0,1,x\n1393,2,NA,,9999999,x\nx,1,1,1,1,x\n1394,1,1,1,1\n"
)


def homes(content: bytes, name: str = "homes.csv") -> Batch:
    [batch] = home_files.read_batches(io.BytesIO(content), name, key=KEY)
    return batch


def answers(content: bytes, name: str = "Residential pre-trial survey.csv") -> Batch:
    [batch] = survey_files.read_batches(io.BytesIO(content), name, key=KEY)
    return batch


def lake(batch: Batch) -> pl.DataFrame:
    return batch.accepted.with_columns(load_id=pl.lit("0" * 16))


def key_of(meter: str, form: str = "cer") -> int:
    return int(pseudonyms(pl.Series([meter]), source=f"{form} meter", key=KEY)[0])


def test_allocations_are_read_from_their_first_five_columns() -> None:
    assert home_files.recognise("a.csv", ALLOCATIONS) == Recognised("homes", "real", None)
    batch = homes(ALLOCATIONS)
    LakeHome.validate(lake(batch).select(LakeHome.column_names()))
    assert (batch.rows_in, reasons(batch)) == (4, {})
    found = batch.accepted.select("line", "meter_key", "customer", "tariff", "stimulus", "sme_allocation").rows()
    assert found == [
        (2, key_of("1392"), "residential", "E", "E", None),
        (3, key_of("1000"), "other", None, None, None),
        (4, key_of("1001"), "sme", None, None, "C1"),
        (5, key_of("1002"), "residential", "B", "3", None),
    ]


def test_a_workbook_of_allocations_is_read_like_the_csv() -> None:
    rows = [line.split(",")[:5] for line in ALLOCATIONS.decode().strip().split("\n")]
    content = write_workbook(rows)
    name = "SME and Residential allocations.xlsx"
    assert home_files.recognise(name, content[:65_536]) == Recognised("homes", "real", None)
    assert home_files.recognise("other.xlsx", content[:65_536]) is None
    columns = ["meter_key", "customer", "tariff", "stimulus", "sme_allocation"]
    assert homes(content, name).accepted.select(columns).equals(homes(ALLOCATIONS).accepted.select(columns))


def test_faults_of_homes_are_counted_by_reason() -> None:
    content = ALLOCATIONS + b"x,1,,,,\n5,4,,,,\n6,1,Z,,,\n7,1,A,9,,\n8,2,,,\xc3\xa9,\n1392,1,,,,\n9,1\n"
    assert reasons(homes(content)) == {
        home_files.NO_METER: 1,
        home_files.NO_CODE: 1,
        home_files.NO_TARIFF: 1,
        home_files.NO_STIMULUS: 1,
        home_files.NO_TEXT: 1,
        home_files.TWICE: 1,
        home_files.FEW_FIELDS: 1,
    }


def test_the_documented_csv_has_attributes_of_homes_of_any_format() -> None:
    content = (
        b"meter,format,area,dwelling_type,has_solar\nm1,csv,E02000001,flat,true\nm2,lcl,,,\n"
        b"m3,none,,,\nm4,csv,,,perhaps\n"
    )
    batch = homes(content)
    assert reasons(batch) == {home_files.NO_FORMAT: 1, home_files.NO_TRUTH: 1}
    assert batch.accepted.select("meter_key", "area", "dwelling_type", "has_solar").rows() == [
        (key_of("m1", "csv"), "E02000001", "flat", True),
        (key_of("m2", "lcl"), None, None, None),
    ]
    with pytest.raises(InputError, match="header of no known file of homes"):
        homes(b"meter,address\nm1,1 High Street\n")


def test_homes_of_several_files_are_joined_and_contradictions_are_null() -> None:
    more = b"meter,format,area,tariff\n1392,cer,A1,A\n1000,cer,A2,\n"
    bucket = pl.concat([lake(homes(ALLOCATIONS)), lake(homes(more))]).select(list(METER_HOMES.columns))
    joined = MeterHome.validate(join_homes(bucket.sort("meter_key"), {}))
    found = {row["meter_key"]: row for row in joined.to_dicts()}
    first = found[key_of("1392")]
    assert (first["customer"], first["area"], first["tariff"]) == ("residential", "A1", None)  # E or A
    assert (first["rows"], first["conflicts"]) == (2, 1)
    second = found[key_of("1000")]
    assert (second["customer"], second["area"], second["rows"], second["conflicts"]) == ("other", "A2", 2, 0)


def test_a_survey_is_matched_by_the_numbers_of_its_questions() -> None:
    assert survey_files.recognise("Residential pre-trial survey.csv", SURVEY) == Recognised("surveys", "real", None)
    assert isinstance(survey_files.recognise("survey.csv", SURVEY), Refused)
    assert survey_files.recognise("a.csv", ALLOCATIONS) is None
    batch = answers(SURVEY)
    assert reasons(batch) == {survey_files.NO_METER: 1, survey_files.OTHER_FIELDS: 1}
    rows = MeterSurveyAnswer.validate(survey_answers(lake(batch).select(LakeAnswer.column_names()), {}))
    first = rows.filter(meter_key=key_of("1392")).select("survey", "question", "place", "answer", "missing").rows()
    assert first == [
        ("pre_trial", 410, 2, "1", None),
        ("pre_trial", 420, 3, None, "."),
        ("pre_trial", 470, 4, "0", None),
        ("pre_trial", 470, 5, "1", None),
    ]
    assert rows.filter(meter_key=key_of("1393"))["missing"].to_list() == [None, "NA", "", "9999999"]


def test_homes_of_london_are_read_whole(shared_meters: Path) -> None:
    batch = homes((shared_meters / "lcl_informations_households.csv").read_bytes())
    assert (batch.rows_in, batch.quarantined.height) == (5_566, 0)
    assert dict(batch.accepted["tariff"].value_counts().iter_rows()) == {"Std": 4_443, "ToU": 1_123}
