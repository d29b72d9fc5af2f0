"""Files of populations: rows taken in, rows set aside with their reasons, and files that are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ons_bigdata.platform.ingest.landing import LandedFile
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Recognised, Refused
from ons_bigdata.simulation.world.address_files import write_address_files
from ons_bigdata.simulation.world.building import build_world
from ons_bigdata.tweets.sources import populations

HEADER = ",".join(populations.COLUMNS)
GOOD = "E00000001,E02000001,E09000001,City of London,E12000007,532000.5,181000,120,100"
NAME = "populations_2014.csv"


def landed(name: str, content: bytes) -> LandedFile:
    landed_at = datetime(2014, 7, 1, tzinfo=UTC)
    return LandedFile("f" * 16, "area_populations", "real", name, "0" * 64, len(content), None, None, landed_at)


def read(*rows: str, name: str = NAME, end: str = "\n") -> Reading:
    content = ("\n".join([HEADER, *rows]) + end).encode()
    return populations.read(landed(name, content), content, "0" * 16)


def test_a_row_is_taken_in_with_its_types() -> None:
    reading = read(GOOD, "W00000001,,W06000001,Isle of Anglesey,W92000004,230000,380000,80,")
    assert (reading.outcome, reading.rows_in, reading.quarantined.height) == ("loaded", 2, 0)
    first, second = reading.accepted.to_dicts()
    assert (first["line"], first["authority"], first["residents"], first["residents_16_plus"]) == (
        *(2, "E09000001"),
        *(120, 100),
    )
    assert (second["msoa"], second["residents_16_plus"], second["data_origin"]) == (None, None, "real")


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("output_area", "E1", "output_area 'E1'; expected a letter and eight digits"),
        ("msoa", "x", "msoa 'x'; expected a letter and eight digits"),
        ("authority", "", "authority ''; expected a letter and eight digits"),
        ("easting_m", "nan", "easting_m 'nan'; expected metres from 0 to 700000"),
        ("northing_m", "-1", "northing_m '-1'; expected metres from 0 to 1300000"),
        ("residents", "12.5", "residents '12.5'; expected a whole number from 0"),
        ("residents", "", "residents ''; expected a whole number from 0"),
        ("residents_16_plus", "-3", "residents_16_plus '-3'; expected a whole number from 0"),
        ("authority_name", "", "authority_name ''; expected 1 to 200 letters"),
    ],
)
def test_a_bad_field_sets_its_row_aside(column: str, text: str, reason: str) -> None:
    fields = GOOD.split(",")
    fields[populations.COLUMNS.index(column)] = text
    reading = read(",".join(fields))
    assert (reading.rows_in, reading.accepted.height) == (1, 0)
    assert reading.quarantined["reason"].to_list() == [reason]


def test_an_output_area_twice_sets_both_rows_aside() -> None:
    reading = read(GOOD, GOOD)
    assert reading.accepted.is_empty()
    assert set(reading.quarantined["reason"]) == {"output_area 'E00000001' is in the file more than once"}


def test_a_row_that_is_cut_short_is_set_aside() -> None:
    assert read(GOOD, GOOD[:20], end="").quarantined.height == 1


def test_a_file_is_recognised_by_its_header() -> None:
    content = f"{HEADER}\n{GOOD}\n".encode()
    assert populations.recognise(NAME, content) == Recognised("real", "real", ("real",))
    assert populations.recognise(f"simulated_{NAME}", content) == Recognised("simulated", "simulated", ("simulated",))
    refused = populations.recognise(NAME, b"area,residents\nE1,3\n")
    assert isinstance(refused, Refused)
    assert "missing columns output_area" in refused.reason


def test_the_areas_of_the_simulated_world_are_taken_in_whole(tmp_path: Path) -> None:
    world = build_world(seed=1, persons=500, addresses=800, authorities=["E08000035", "E08000003"], days=10)
    path = write_address_files(tmp_path, world).areas
    content = path.read_bytes()
    reading = populations.read(landed(path.name, content), content, "0" * 16)
    assert (reading.accepted.height, reading.quarantined.height) == (world.areas.height, 0)
    assert reading.accepted["residents"].sum() == 500
