"""Source `area_populations`: files of the residents of output areas, in the layout of this project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.platform.ingest.tables import csv_lines
from ons_bigdata.tweets.schemas.populations import AreaPopulation
from ons_bigdata.tweets.schemas.vocabulary import GRID_EAST_M, GRID_NORTH_M, GSS_CODE, SIMULATED

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.landing import DataOrigin, LandedFile

COLUMNS = (
    *("output_area", "msoa", "authority", "authority_name", "region", "easting_m", "northing_m"),
    *("residents", "residents_16_plus"),
)
_MOST_RESIDENTS = 2_000_000_000
_POSITIONS = {"easting_m": GRID_EAST_M, "northing_m": GRID_NORTH_M}


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


def recognise(name: str, content: bytes) -> Recognised | Refused:
    """Recognise a file by its header."""
    lines, faults = csv_lines.split_lines(content)
    fault = faults.get(0) or csv_lines.header_fault(lines[0], COLUMNS) if content else None
    if fault:
        return Refused(fault)
    return Recognised(_origin(name), _origin(name), (_origin(name),))


def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
    """Read a file into AreaPopulation rows and quarantined ones. Never raises for any content."""
    if not content:
        return refused_reading("no bytes", "outage")
    lines, faults = csv_lines.split_lines(content)
    if fault := faults.get(0) or csv_lines.header_fault(lines[0], COLUMNS):
        return refused_reading(fault)
    cut_short = not content.endswith(b"\n")
    numbers, fields, broken = csv_lines.split_rows(lines, faults, fields_per_row=len(COLUMNS), cut_short=cut_short)
    rows = csv_lines.columns_of(numbers, fields, COLUMNS).with_columns(
        pl.col("msoa", "residents_16_plus").replace("", None),
        *(pl.col(axis).cast(pl.Float64, strict=False).alias(f"_{axis}") for axis in _POSITIONS),
        *(
            pl.col(count).cast(pl.Int64, strict=False).alias(f"_{count}")
            for count in ("residents", "residents_16_plus")
        ),
    )
    good, refused = csv_lines.refused_rows(rows, _faults())
    accepted = AreaPopulation.validate(
        good.select(
            pl.lit(load_id).alias("load_id"),
            "line",
            pl.lit(_origin(file.name)).alias("data_origin"),
            "output_area",
            "msoa",
            "authority",
            "authority_name",
            "region",
            pl.col("_easting_m").alias("easting_m"),
            pl.col("_northing_m").alias("northing_m"),
            pl.col("_residents").cast(pl.Int32).alias("residents"),
            pl.col("_residents_16_plus").cast(pl.Int32).alias("residents_16_plus"),
        )
    )
    quarantined = csv_lines.quarantined({**broken, **refused}, lines)
    return Reading("loaded", None, accepted.height + quarantined.height, accepted, quarantined)


def _faults() -> list[tuple[pl.Expr, pl.Expr]]:
    """Tests of a row and the reasons for its quarantine."""
    tests: list[tuple[pl.Expr, pl.Expr]] = [
        (
            ~pl.col(column).str.contains(GSS_CODE),
            csv_lines.reason(f"{column} {{}}; expected a letter and eight digits", column),
        )
        for column in ("output_area", "msoa", "authority", "region")
    ]
    tests += [
        (
            ~pl.col(f"_{axis}").is_between(0, end).fill_null(value=False),
            csv_lines.reason(f"{axis} {{}}; expected metres from 0 to {end}", axis),
        )
        for axis, end in _POSITIONS.items()
    ]
    is_count = {"residents": pl.lit(value=True), "residents_16_plus": pl.col("residents_16_plus").is_not_null()}
    tests += [
        (
            is_given & ~pl.col(f"_{count}").is_between(0, _MOST_RESIDENTS).fill_null(value=False),
            csv_lines.reason(f"{count} {{}}; expected a whole number from 0", count),
        )
        for count, is_given in is_count.items()
    ]
    names = pl.col("authority_name").str.len_chars()
    tests.append(
        (~names.is_between(1, 200), csv_lines.reason("authority_name {}; expected 1 to 200 letters", "authority_name"))
    )
    tests.append(
        (
            pl.col("output_area").is_duplicated(),
            csv_lines.reason("output_area {} is in the file more than once", "output_area"),
        )
    )
    return tests


SOURCES = (
    Source(
        command="populations",
        reader=Reader("area_populations", "area_population_csv", "1"),
        area="migration",
        adapter=lambda _dbt_project_dir: Adapter(recognise, read),
        table=RawTable(
            name="raw.area_populations",
            frame=AreaPopulation,
            description="One row per output area and file of populations.",
            partition_column="data_origin",
            partition_type="text",
        ),
        landing=LandingFolder(
            "area_populations", "Residents of output areas. Written by `ons-bigdata ingest populations`."
        ),
    ),
)
