"""Sources of the pilot: recognition, pseudonyms, rows of the lake, and any bytes."""

from __future__ import annotations

import io
import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.commands.ingest import known_sources, of_format
from ons_bigdata.meters.schemas.accumulations import LakeAccumulation
from ons_bigdata.meters.schemas.readings import LakeReading
from ons_bigdata.meters.schemas.vocabulary import FORMATS
from ons_bigdata.meters.sources import SOURCES, accumulation_files, reading_files
from ons_bigdata.meters.sources.formats import BY_NAME
from ons_bigdata.meters.sources.formats import FORMATS as READ_FORMATS
from ons_bigdata.meters.sources.formats.nem12 import is_nem12
from ons_bigdata.meters.sources.reading_files import METER_READINGS, read_batches, recognise
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.ingest.sources import AdapterContext, Recognised, Refused, bulk_sources
from ons_bigdata.platform.pseudonyms import pseudonyms
from tests.meters.sources import written_readings as written
from tests.meters.sources.written_readings import CER, GENERIC, HDF, KEY, LCL, at
from tests.mutations import FEW, MANY, chances, mutate_bytes

R30 = "200,NMI0000001,E1,1,E1,N1,SERIAL,kWh,30,"
NEM12 = written.nem12(R30, f"300,20240101,{written.values(48)},A,,,,", f"300,20240102,{written.values(48)},V,,,,",
                      "400,1,48,E52,,")  # fmt: skip
NEM13 = written.nem13(
    "250,NMI1,11,1,11,11,S,E,100.5,20240101000000,A,,,150,20240201000000,E64,,,49.5,kWh,20240301,20240202,"
)
DAYS = written.days(f"1200012345678,2024-03-31,{written.values(48)}", f"1200012345678,2024-10-27,{written.values(48)}")
CONTENTS = {"cer": CER * 3, "lcl": LCL, "nem12": NEM12, "csv": GENERIC * 1, "hdf": HDF, "days": DAYS}


def batches(content: bytes, name: str = "file.csv") -> list[Batch]:
    return list(read_batches(io.BytesIO(content), name, key=KEY))


def only(content: bytes, name: str = "file.csv") -> pl.DataFrame:
    [batch] = batches(content, name)
    return batch.accepted


def test_a_row_of_the_lake_to_follow_by_hand() -> None:
    row = only(CER, "simulated_File1.txt").row(0, named=True)
    key = int(pseudonyms(pl.Series(["1392"]), source="simulated cer meter", key=KEY)[0])
    assert row == {
        "line": 1, "month": date(2009, 7, 1), "format": "cer", "data_origin": "simulated", "meter_key": key,
        "started_at": at("2009-07-14T00:00"), "minutes": 30, "kwh": 0.14, "code": None, "flag": None,
        "is_export": False,
    }  # fmt: skip


def test_simulated_meters_and_those_of_other_formats_have_other_pseudonyms() -> None:
    keys = [only(CER, name)["meter_key"][0] for name in ("File1.txt", "simulated_File1.txt")]
    generic = only(GENERIC.replace(b"m1", b"1392"))["meter_key"][0]
    assert len({*keys, generic}) == 3


@pytest.mark.parametrize("kind", CONTENTS)
def test_each_format_is_recognised_and_its_rows_are_those_of_the_lake(kind: str) -> None:
    form = kind if kind in BY_NAME else "csv"
    assert recognise("file.csv", CONTENTS[kind]) == Recognised(form, "real", None)
    rows = pl.concat([batch.accepted for batch in batches(CONTENTS[kind])])
    LakeReading.validate(rows.with_columns(load_id=pl.lit("0" * 16)).select(LakeReading.column_names()))
    assert set(rows["format"]) == {form} <= set(FORMATS)
    assert set(rows.columns) == set(METER_READINGS.columns) - {"load_id"}


def test_no_file_is_of_two_formats() -> None:
    for content in CONTENTS.values():
        assert [one.name for one in READ_FORMATS if one.open("file.csv", content, {}) is not None].__len__() == 1


def test_accumulated_reads_are_a_source_of_their_own() -> None:
    assert accumulation_files.recognise("a.csv", NEM13) == Recognised("nem13", "real", None)
    assert accumulation_files.recognise("a.csv", NEM12) is None
    assert isinstance(recognise("a.csv", NEM13), Refused)
    [batch] = accumulation_files.read_batches(io.BytesIO(NEM13), "a.csv", key=KEY)
    LakeAccumulation.validate(batch.accepted.with_columns(load_id=pl.lit("0" * 16)))
    register = NEM12.replace(b"NMI0000001", b"NMI1").replace(b",E1,N1", b",11,N1")
    assert is_nem12(register)
    assert batch.accepted["meter_key"][0] == pseudonyms(pl.Series(["NMI1/11"]), source="nem12 meter", key=KEY)[0]


def test_every_source_is_personal_and_expires() -> None:
    for source in bulk_sources(SOURCES):
        assert source.is_personal and source.expires_after_days and source.opens_archives
        assert "meter" not in source.table.columns


def test_a_file_of_no_known_format_is_refused_without_its_content() -> None:
    refused = recognise("a.txt", b"Mrs Smith, 1 High Street\n")
    assert isinstance(refused, Refused) and "Smith" not in refused.reason
    assert recognise("a.txt", b" \n") == Refused("no bytes")
    with pytest.raises(InputError, match="expected cer: "):
        batches(b"Mrs Smith\n")


def check(content: bytes) -> None:
    """Any bytes are refused, or read with rows in = accepted + quarantined and rows of the lake."""
    if isinstance(recognise("file.csv", content[:65_536]), Refused):
        return
    for batch in batches(content):
        assert batch.rows_in == batch.accepted.height + batch.quarantined.height
        rows = batch.accepted.with_columns(load_id=pl.lit("0" * 16)).select(LakeReading.column_names())
        LakeReading.validate(rows)
        assert batch.accepted["line"].is_between(1, content.count(b"\n") + 1).all()


@pytest.mark.parametrize("kind", CONTENTS)
def test_mutated_files_lose_no_row(kind: str) -> None:
    for chance in chances(FEW[: 20 if kind == "days" else 40]):
        check(mutate_bytes(CONTENTS[kind], chance))


@pytest.mark.nightly
@pytest.mark.parametrize("kind", CONTENTS)
def test_many_mutated_files_lose_no_row(kind: str) -> None:
    for chance in chances(MANY[:3000]):
        check(mutate_bytes(CONTENTS[kind], chance))


@settings(max_examples=20)
@given(st.binary(max_size=200), st.sampled_from(sorted(CONTENTS)), st.integers(0, 2**32))
def test_bytes_within_a_file_lose_no_row(part: bytes, kind: str, seed: int) -> None:
    content = CONTENTS[kind]
    place = random.Random(seed).randrange(len(content))  # noqa: S311
    check(content[:place] + part + content[place:])


def test_mutated_accumulated_reads_lose_no_row() -> None:
    for chance in chances(FEW[:50]):
        content = mutate_bytes(NEM13, chance)
        for batch in accumulation_files.read_batches(io.BytesIO(content), "a.csv", key=KEY):
            LakeAccumulation.validate(batch.accepted.with_columns(load_id=pl.lit("0" * 16)))


def test_the_names_of_formats_are_those_of_deliveries() -> None:
    for source in bulk_sources(SOURCES):
        assert source.formats
    assert reading_files.SOURCES[0].formats == tuple(BY_NAME)


def test_a_forced_format_refuses_files_of_others() -> None:
    context = AdapterContext(Path(), KEY)
    [*_, readings] = bulk_sources(of_format(SOURCES, "lcl"))
    forced = readings.adapter(context).recognise
    assert forced("file.csv", LCL) == Recognised("lcl", "real", None)
    assert forced("File1.txt", CER) == Refused("of format cer; expected lcl, as --format says")
    assert isinstance(forced("a.txt", b"words\n"), Refused)
    homes = next(source for source in bulk_sources(of_format(SOURCES, "cer")) if source.name == "meter_homes")
    assert homes.adapter(context).recognise("a.csv", CER) is None  # left to the other sources
    with pytest.raises(InputError, match=r"unknown format 'lcm'; known: .*, cer, lcl, .*; did you mean 'lcl'"):
        of_format(SOURCES, "lcm")
    with pytest.raises(InputError, match="files of prices have no formats to choose from"):
        of_format([source for source in known_sources() if source.command == "prices"], "cer")
