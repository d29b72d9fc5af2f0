"""Sources of official figures on migration, recognised by their header: `ons-bigdata ingest migration PATH…`.

A file whose name begins with `simulated_` is simulated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, Catchall, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook, workbook_fault
from ons_bigdata.tweets.schemas import official_migration as frames
from ons_bigdata.tweets.schemas.vocabulary import SIMULATED
from ons_bigdata.tweets.sources.official_migration import authority_ages, census_flows, detailed, regions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

COMMAND = "migration"

LANDING = LandingFolder(
    name="official_migration_files",
    description=(
        "Official files as they were published, unchanged, by their hash: internal migration (detailed, by authority "
        "and age, between regions) and origin-destination tables of the census. Written by `ons-bigdata ingest "
        "migration`."
    ),
)

LAYOUTS = (
    "OutLA,InLA,Age,Sex,Moves (detailed moves, the year in the file name); "
    "LACode,year,ageGroup,Out,In,netMigration (moves by authority and age); "
    "DESTINATION,<region>,<region>,… or origin,destination,moves (moves between regions, the year in the file name); "
    "the code columns and Count of census tables ODMG01EW or ODWP01EW, by LTLA or MSOA"
)
"""Headers that are read, for the reason of a refusal."""

_MAX_FILE_BYTES = 512 * 1024 * 1024
"""A part of the detailed file has about 40 MB, a census table by MSOA about 200 MB."""


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


def _by_header(required: tuple[str, ...]) -> Callable[[str, bytes], Recognised | Refused | None]:
    """Recognise a file by its header; its partitions are in its rows."""

    def recognise(name: str, content: bytes) -> Recognised | Refused | None:
        if is_workbook(content) and (fault := workbook_fault(content)):
            return Refused(fault)
        return Recognised("official", _origin(name), None) if tables.has_columns(content, required) else None

    return recognise


def _detailed_adapter(_dbt_project_dir: Path) -> Adapter:
    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return detailed.read_detailed(content, name=file.name, load_id=load_id, landed_on=file.landed_at.date())

    return Adapter(_by_header(detailed.REQUIRED), read)


def _authority_ages_adapter(_dbt_project_dir: Path) -> Adapter:
    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return authority_ages.read_authority_ages(content, load_id=load_id, landed_on=file.landed_at.date())

    return Adapter(_by_header(authority_ages.REQUIRED), read)


def _regions_adapter(dbt_project_dir: Path) -> Adapter:
    codes = regions.read_region_codes(dbt_project_dir)

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return regions.read_regions(
            content, name=file.name, load_id=load_id, landed_on=file.landed_at.date(), codes=codes
        )

    return Adapter(_by_header((regions.CORNER,)), read)


def _census_adapter(_dbt_project_dir: Path) -> Adapter:
    def recognise(name: str, content: bytes) -> Recognised | None:
        layout = census_flows.layout_of(content)
        return None if layout is None else Recognised("official", _origin(name), (layout.census_table,))

    def read(_file: LandedFile, content: bytes, load_id: str) -> Reading:
        return census_flows.read_census_flows(content, load_id=load_id)

    return Adapter(recognise, read)


def _source(name: str, version: str, adapter: Callable[[Path], Adapter], table: RawTable) -> Source:
    return Source(
        command=COMMAND,
        reader=Reader(name, name, version),
        area="migration",
        adapter=adapter,
        table=table,
        landing=LANDING,
        max_file_bytes=_MAX_FILE_BYTES,
    )


DETAILED = _source(
    "detailed_migration",
    detailed.READER_VERSION,
    _detailed_adapter,
    RawTable(
        name="raw.detailed_migration",
        frame=frames.DetailedMove,
        description="One row per accepted row of a detailed file of official internal migration.",
        partition_column="year_ending",
    ),
)
AUTHORITY_AGES = _source(
    "authority_age_migration",
    authority_ages.READER_VERSION,
    _authority_ages_adapter,
    RawTable(
        name="raw.authority_age_migration",
        frame=frames.AuthorityAgeMigration,
        description="One row per accepted row of a file of official internal migration by authority and age group.",
        partition_column="year_ending",
    ),
)
REGIONS = _source(
    "region_migration",
    regions.READER_VERSION,
    _regions_adapter,
    RawTable(
        name="raw.region_migration",
        frame=frames.RegionMigration,
        description="One row per cell of an official table of moves between regions.",
        partition_column="year_ending",
    ),
)
CENSUS = _source(
    "census_flows",
    census_flows.READER_VERSION,
    _census_adapter,
    RawTable(
        name="raw.census_flows",
        frame=frames.CensusFlow,
        description="One row per accepted row of an origin-destination table of the census of 2021.",
        partition_column="census_table",
        partition_type="text",
    ),
)
UNRECOGNISED = Catchall(
    command=COMMAND,
    reader=Reader("official_migration", "official_migration_files", "1"),
    reason=f"no file of official migration: expected a header with {LAYOUTS}",
)

SOURCES = (DETAILED, AUTHORITY_AGES, CENSUS, REGIONS, UNRECOGNISED)
