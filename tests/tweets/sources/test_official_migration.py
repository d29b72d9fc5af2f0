"""Readers of official figures on migration: the real files, each layout with its traps, years, refusals."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ons_bigdata.platform.ingest.delivery import land_files
from ons_bigdata.platform.ingest.landing import Landing
from ons_bigdata.platform.ingest.loading import Reading, load_waiting
from ons_bigdata.platform.ingest.sources import Recognised, loadable
from ons_bigdata.settings import Settings
from ons_bigdata.tweets.sources.official_migration import CENSUS, SOURCES
from ons_bigdata.tweets.sources.official_migration.authority_ages import read_authority_ages
from ons_bigdata.tweets.sources.official_migration.census_flows import layout_of, read_census_flows
from ons_bigdata.tweets.sources.official_migration.detailed import read_detailed
from ons_bigdata.tweets.sources.official_migration.regions import read_region_codes, read_regions
from ons_bigdata.tweets.sources.official_migration.years import year_in_name
from tests.command_line import ROOT

LOAD = "0" * 16
ARRIVAL = date(2024, 1, 1)
CODES = read_region_codes(ROOT / "dbt_project")
LONDON = "E12000007"

DETAILED = (
    "OutLA,InLA,Age,Sex,Moves\n"
    "E09000007,E06000043,19,F,12.3456\n"
    '"E09000007","E06000043",19,"M",0.5\n'
    "S92000003,E09000007,90,2,3\n"
)
AGES = (
    "LACode,year,ageGroup,Out,In,netMigration,Area\n"
    "E06000043,2015,18-25,100.5,300.75,200.25,Seaside\n"
    "E07000001,2011,O55,10,9.9999,-9.9999999999766942e-05,\n"
)
MATRIX = (
    'DESTINATION,London,Wales,"Scotland"\n'
    'London,0,"1,230",40\n'
    "Wales,500,0,10\n"
    'Scotland,"2,000,000",20,0\n'
)  # fmt: skip
MIGRANTS = (
    "Migrant LTLA one year ago code,Migrant LTLA one year ago label,Lower tier local authorities code,"
    "Lower tier local authorities label,Count\n"
    'E09000007,Camden,E06000043,"Sea, and Side",12\n'
    "-8,Does not apply,E06000043,Seaside,900\n"
    "999999999,Outside the UK,E06000043,Seaside,33\n"
)
WORKERS = (
    "Lower tier local authorities code,Lower tier local authorities label,LTLA of workplace code,"
    "LTLA of workplace label,Place of work indicator (4 categories) code,"
    "Place of work indicator (4 categories) label,Count\n"
    "E06000043,Seaside,E09000007,Camden,3,Working in the UK,70\n"
    "E06000043,Seaside,-8,Does not apply,-8,Does not apply,1000\n"
    "E06000043,Seaside,999999999,Outside,2,Abroad,5\n"
)


def regions(content: str, name: str = "matrix_2015.csv") -> Reading:
    return read_regions(content.encode(), name=name, load_id=LOAD, landed_on=ARRIVAL, codes=CODES)


def detailed(content: str, name: str = "detailed_2020.csv") -> Reading:
    return read_detailed(content.encode(), name=name, load_id=LOAD, landed_on=ARRIVAL)


def ages(content: str) -> Reading:
    return read_authority_ages(content.encode(), load_id=LOAD, landed_on=ARRIVAL)


def census(content: str) -> Reading:
    return read_census_flows(content.encode(), load_id=LOAD)


def shared(name: str) -> bytes:
    path = Settings().shared / "data" / "tweets" / name
    if not path.is_file():
        pytest.skip(f"no official migration at {path} (set ONS_BIGDATA_SHARED)")
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def between(reading: Reading) -> pl.DataFrame:
    return reading.accepted.filter(pl.col("origin") != pl.col("destination"))


def test_real_moves_by_authority_and_age_add_up_over_the_country() -> None:
    """In and out of all authorities are the same moves; totals against sums of the plain columns of the file."""
    content = shared("ons_internal_migration_la_year_age_2002_2015.csv.gz")
    reading = ages(content.decode())
    assert (reading.rows_in, reading.quarantined.height) == (25_900, 0)
    plain = (
        pl.read_csv(content, infer_schema_length=None)
        .group_by(pl.date("year", 6, 30).alias("year_ending"))
        .agg(pl.col("In", "Out").sum())
    )
    totals = (
        reading.accepted.group_by("year_ending")
        .agg(pl.col("moves_in", "moves_out").sum())
        .join(plain, on="year_ending")
    )
    assert totals.height == 14
    assert (totals["moves_in"] / totals["moves_out"] - 1).abs().max() < 1e-12  # type: ignore[operator]
    assert (totals["moves_in"] / totals["In"] - 1).abs().max() < 1e-12  # type: ignore[operator]
    total_2015 = totals.filter(pl.col("year_ending") == date(2015, 6, 30))["moves_in"].item()
    assert total_2015 == pytest.approx(2_952_818.0409, abs=1e-3)


def test_the_real_matrix_is_the_real_long_table() -> None:
    matrix = regions(shared("ons_region_square_matrix_2015.csv").decode(), "square_matrix_2015.csv")
    long = regions(shared("ons_region_flows_2015_long.csv").decode(), "flows_2015_long.csv")
    key = ["year_ending", "origin", "destination"]
    assert matrix.accepted.sort(key).select(*key, "moves").equals(long.accepted.sort(key).select(*key, "moves"))
    moves = between(matrix)
    assert moves.filter(pl.col("destination") == LONDON)["moves"].sum() == 205_530
    assert moves.filter(pl.col("origin") == LONDON)["moves"].sum() == 283_070


def test_a_matrix_to_follow_by_hand() -> None:
    """Rows are destinations: 1,230 persons moved from Wales to London."""
    reading = regions(MATRIX)
    cell = reading.accepted.filter((pl.col("origin") == "W92000004") & (pl.col("destination") == LONDON))
    assert cell["moves"].item() == 1230
    assert reading.accepted["year_ending"].unique().to_list() == [date(2015, 6, 30)]
    assert reading.rows_in == reading.accepted.height == 9
    assert reading.accepted["moves"].sum() == 2_001_800


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Wales,500", "Wales,5.00.1", "moves '5.00.1' from 'LONDON'; expected a number of 0 or more"),
        ('"1,230"', '"1,23"', "moves '1,23' from 'WALES'"),
        ("Wales,500", "Wales,-500", "moves '-500'"),
        ("Wales,500", "Wales,", "moves '' from 'LONDON'"),
    ],
)
def test_a_line_of_a_matrix_with_a_fault_is_quarantined_whole(old: str, new: str, reason: str) -> None:
    reading = regions(MATRIX.replace(old, new))
    assert reading.accepted.height == 6
    assert reading.quarantined.height == 1 and reason in reading.quarantined["reason"].item()


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (MATRIX, "matrix.csv", "has no single year"),
        (MATRIX, "matrix_2014_2015.csv", "has no single year"),
        (MATRIX, "matrix_2024.csv", "had not ended when the file arrived on 2024-01-01"),
        (MATRIX.replace(",Wales", ",Narnia"), "m2015.csv", "'NARNIA' are no regions; known: EAST, EAST MIDLANDS"),
        (MATRIX.replace("\nWales", "\nLondon"), "m2015.csv", "repeated rows: LONDON"),
        (MATRIX.replace("Wales,500,0,10\n", ""), "m2015.csv", "columns without a row: WALES"),
        ("", "m2015.csv", "no bytes"),
    ],
    ids=["no year", "two years", "future", "unknown", "repeated", "missing", "empty"],
)
def test_what_is_no_square_matrix_of_one_year_is_refused(content: str, name: str, reason: str) -> None:
    reading = regions(content, name)
    assert reading.outcome == ("refused" if content else "outage")
    assert reason in (reading.reason or "")


def test_a_pair_twice_and_an_unknown_region_in_a_long_table() -> None:
    reading = regions("origin,destination,moves\nLondon,Wales,10\nLONDON,WALES,20\nLondon,Mordor,30\nWales,London,40\n")
    assert reading.accepted["moves"].to_list() == [10, 40]
    assert reading.quarantined["reason"].to_list() == [
        "moves from 'LONDON' to 'WALES' twice",
        "destination 'Mordor' is no region",
    ]


def test_detailed_moves_keep_their_decimals() -> None:
    reading = detailed(DETAILED, "Detailed_Estimates_2020_on_2021_LAs_part1.csv")
    assert reading.accepted.select("origin", "age", "sex", "moves").rows() == [
        ("E09000007", 19, "female", 12.3456),
        ("E09000007", 19, "male", 0.5),
        ("S92000003", 90, "female", 3.0),
    ]
    assert reading.accepted["year_ending"].unique().to_list() == [date(2020, 6, 30)]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("E06000043,19,F", "Brighton,19,F", "INLA 'Brighton'; expected a GSS code"),
        (",19,F", ",19,X", "SEX 'X'; expected F, M, 1 (male) or 2 (female)"),
        (",19,F", ",19½,F", "AGE '19½'; expected a whole number"),
        (",19,F", ",190,F", "breaks age|max"),
        ("12.3456", "-12.3456", "Moves '-12.3456'; expected 0 or more"),
        ("12.3456", "twelve", "MOVES 'twelve'; expected a number"),
    ],
)
def test_faulty_detailed_rows_are_quarantined(old: str, new: str, reason: str) -> None:
    reading = detailed(DETAILED.replace(old, new, 1))
    assert reading.quarantined.select("line", "reason").rows() == [(2, reason)]
    assert reading.accepted["line"].to_list() == [3, 4]


def test_moves_by_authority_and_age() -> None:
    reading = ages(AGES)
    assert reading.accepted.drop("load_id", "line").rows() == [
        (date(2015, 6, 30), "E06000043", "Seaside", "18-25", 300.75, 100.5),
        (date(2011, 6, 30), "E07000001", None, "o55", 9.9999, 10.0),
    ]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("200.25", "200.26", "netMigration '200.26'; expected In - Out = '300.75' - '100.5'"),
        ("2015,18", "2099,18", "year '2099'; expected 1975 to the arrival of the file on 2024-01-01"),
        ("18-25", "18-24", "AGEGROUP '18-24'; expected U18, 18-25, 26-35, 36-55 or O55"),
        ("300.75", "NA", "IN 'NA'; expected a number"),
    ],
)
def test_faulty_rows_by_authority_and_age_are_quarantined(old: str, new: str, reason: str) -> None:
    reading = ages(AGES.replace(old, new, 1))
    assert reading.quarantined.select("line", "reason").rows() == [(2, reason)]


def test_census_tables_keep_what_is_no_area() -> None:
    migrants, workers = census(MIGRANTS), census(WORKERS)
    assert migrants.accepted.select("census_table", "geography", "origin", "workplace_indicator", "persons").rows() == [
        ("odmg01ew", "ltla", "E09000007", None, 12),
        ("odmg01ew", "ltla", "-8", None, 900),
        ("odmg01ew", "ltla", "999999999", None, 33),
    ]
    assert workers.accepted.select("census_table", "destination", "workplace_indicator", "persons").rows() == [
        ("odwp01ew", "E09000007", 3, 70),
        ("odwp01ew", "-8", -8, 1000),
        ("odwp01ew", "999999999", 2, 5),
    ]
    msoa = layout_of(WORKERS.replace("Lower tier local authorities", "Middle layer Super Output Areas").replace("LTLA", "MSOA").encode())  # fmt: skip  # noqa: E501
    assert msoa is not None and (msoa.census_table, msoa.geography) == ("odwp01ew", "msoa")


def test_a_census_table_with_a_further_variable_is_refused_and_a_repeated_pair_quarantined() -> None:
    by_age = MIGRANTS.replace(",Count", ",Age (23 categories) code,Count")
    assert "AGE (23 CATEGORIES) CODE besides those of ODMG01EW" in (census(by_age).reason or "")
    repeated = census(MIGRANTS + MIGRANTS.splitlines()[1] + "\n")
    assert repeated.quarantined["line"].to_list() == [5]
    assert "as an earlier row" in repeated.quarantined["reason"].item()


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("ons_region_square_matrix_2015.csv", 2015),
        ("detailedestimates2020on2021laspt1.csv", 2020),
        ("moves_2013_on_2013.csv", 2013),
        ("moves.csv", None),
        ("moves_20151.csv", None),
        ("moves_1950.csv", None),
        ("moves_2014_2015.csv", None),
    ],
)
def test_the_year_is_that_in_the_name(name: str, year: int | None) -> None:
    assert year_in_name(name) == (None if year is None else date(year, 6, 30))


@given(st.binary(max_size=300), st.sampled_from([DETAILED, AGES, MATRIX, MIGRANTS, WORKERS]), st.integers(0, 400))
def test_no_content_makes_a_reader_raise(noise: bytes, content: str, place: int) -> None:
    """Bytes put into a file anywhere: a reading, of which the rows are accepted or quarantined."""
    text = content.encode()
    broken = text[:place] + noise + text[place:]
    readings = [
        read_detailed(broken, name="m_2015.csv", load_id=LOAD, landed_on=ARRIVAL),
        read_authority_ages(broken, load_id=LOAD, landed_on=ARRIVAL),
        read_regions(broken, name="m_2015.csv", load_id=LOAD, landed_on=ARRIVAL, codes=CODES),
        read_census_flows(broken, load_id=LOAD),
    ]
    assert sum(reading.outcome == "loaded" for reading in readings) <= 1


def test_each_layout_is_recognised_by_one_source(tmp_path: Path) -> None:
    for content, name in [
        (DETAILED, "detailed_migration"),
        (AGES, "authority_age_migration"),
        (MATRIX, "region_migration"),
        (MIGRANTS, "census_flows"),
        (WORKERS, "census_flows"),
    ]:
        recognised = [
            source.name
            for source in loadable(SOURCES)
            if isinstance(source.adapter(ROOT / "dbt_project").recognise("x.csv", content.encode()), Recognised)
        ]
        assert recognised == [name]
    simulated = CENSUS.adapter(tmp_path).recognise("simulated_workers.csv", WORKERS.encode())
    assert simulated == Recognised("official", "simulated", ("odwp01ew",))


def test_files_are_landed_and_loaded_by_year(landing: Landing, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in {
        "detailed_2020.csv": DETAILED,
        "ages.csv": AGES,
        "matrix_2015.csv": MATRIX,
        "migrants.csv": MIGRANTS,
        "letter.txt": "Dear Sir\n",
    }.items():
        (folder / name).write_text(content)
    files = land_files([folder], landing, SOURCES, dbt_project_dir=ROOT / "dbt_project", max_file_bytes=100_000)
    landed = {one.file.name: one for one in files}
    assert {name: one.file.source for name, one in landed.items()} == {
        "detailed_2020.csv": "detailed_migration",
        "ages.csv": "authority_age_migration",
        "matrix_2015.csv": "region_migration",
        "migrants.csv": "census_flows",
        "letter.txt": "official_migration",
    }
    store = landing.warehouse
    for source, rows in zip(loadable(SOURCES), (3, 2, 3, 9), strict=True):
        load_waiting(landing, source, source.adapter(ROOT / "dbt_project").read)
        assert store.rows(f"select count(*) from {source.table.name}")[0][0] == rows
    assert landing.partitions("authority_age_migration") == ["2011-06-30", "2015-06-30"]
    assert landing.partitions("census_flows") == ["odmg01ew"]
    (reason,) = store.rows("select reason from ops.loads where outcome = 'refused'")[0]
    assert "OutLA,InLA,Age,Sex,Moves" in reason and "ODWP01EW" in reason
