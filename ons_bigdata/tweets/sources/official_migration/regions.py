"""Official tables of moves between regions: square matrices (rows are destinations) and long tables."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason
from ons_bigdata.tweets.schemas.official_migration import RegionMigration
from ons_bigdata.tweets.sources.official_migration.years import year_fault, year_in_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

READER_VERSION = "1"

CORNER = "DESTINATION"
"""First column of a square matrix: rows are destinations, columns are origins."""

LONG = ("ORIGIN", "DESTINATION", "MOVES")

SEED = "seeds/tweets/migration/migration_regions.csv"
"""Path of the seed within the dbt project: columns region_name, region."""

_PLAIN_OR_THOUSANDS = r"^(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.[0-9]+)?$"


def read_region_codes(dbt_project_dir: Path) -> dict[str, str]:
    """Return the GSS codes of regions by their names in capitals. Raises InputError for a seed without rows."""
    path = dbt_project_dir / SEED
    with path.open(encoding="utf-8", newline="") as file:
        codes = {row["region_name"].upper(): row["region"] for row in csv.DictReader(file)}
    if not codes:
        raise InputError(f"{path} has no rows; expected columns region_name, region")
    return codes


def read_regions(content: bytes, *, name: str, load_id: str, landed_on: date, codes: Mapping[str, str]) -> Reading:
    """Read a matrix or a long table into RegionMigration rows and quarantined lines. Never raises for any content.

    The year is that in the file name. An empty file is an `outage`. `refused`: no single year in the name; a matrix of
    which rows and columns are not the same regions, once each. A line with an unknown region or with a cell that is no
    number is quarantined whole. Thousands may be separated by commas, which a decimal comma is never taken for.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    if fault := year_fault(name, landed_on):
        return refused_reading(fault)
    table = tables.read_table(content, required=(CORNER,))
    if table.refusal:
        return refused_reading(table.refusal)
    if set(LONG) <= set(table.rows.columns):
        cells = table.rows.select("line", *LONG)
    else:
        if fault := _matrix_fault(table.rows, codes):
            return refused_reading(fault)
        cells = table.rows.unpivot(index=["line", CORNER], variable_name="ORIGIN", value_name="MOVES").sort(
            "line", maintain_order=True
        )
    faulty = _faulty_lines(cells, codes)
    kept = tables.TextTable(cells.filter(~pl.col("line").is_in(list(faulty))), {**table.broken, **faulty}, table.lines)
    if not table.lines:  # a workbook, whose rows have no text
        kept = tables.TextTable(kept.rows, kept.broken, ["" for _ in range(table.rows.height + 1)])
    return tables.reading(
        kept,
        parsed=[],
        faults=[],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(year_in_name(name), dtype=pl.Date).alias("year_ending"),
            pl.col("ORIGIN").str.to_uppercase().replace_strict(codes, default=None).alias("origin"),
            pl.col("DESTINATION").str.to_uppercase().replace_strict(codes, default=None).alias("destination"),
            _number("MOVES").alias("moves"),
        ],
        schema=RegionMigration,
    )


def _number(column: str) -> pl.Expr:
    return matching(column, _PLAIN_OR_THOUSANDS).str.replace_all(",", "", literal=True).cast(pl.Float64)


def _matrix_fault(rows: pl.DataFrame, codes: Mapping[str, str]) -> str | None:
    """Fault of a table that is no square matrix of known regions; None where it is one."""
    origins = [column for column in rows.columns if column not in ("line", CORNER)]
    destinations = rows[CORNER].str.to_uppercase().to_list()
    unknown = [region for region in origins if region not in codes]
    if unknown:
        return f"columns {', '.join(map(repr, unknown[:5]))} are no regions; known: {', '.join(sorted(codes))}"
    if sorted(origins) == sorted(destinations):
        return None
    missing = [region for region in origins if region not in destinations]
    others = [region for region in destinations if region not in origins]
    repeated = sorted({region for region in destinations if destinations.count(region) > 1})
    return (
        "no square matrix: "
        f"{len(origins)} columns of origins, {len(destinations)} rows of destinations; columns without a row: "
        f"{', '.join(missing) or 'none'}; rows without a column: {', '.join(others) or 'none'}; repeated rows: "
        f"{', '.join(repeated) or 'none'}"
    )


def _faulty_lines(cells: pl.DataFrame, codes: Mapping[str, str]) -> dict[int, str]:
    """Reason by line for lines with an unknown region, a cell that is no number, or a pair that came before."""
    pair = pl.struct(pl.col("ORIGIN").str.to_uppercase(), pl.col("DESTINATION").str.to_uppercase())
    known = list(codes)
    tests = [
        *(
            (~pl.col(column).str.to_uppercase().is_in(known), reason(f"{column.lower()} {{}} is no region", column))
            for column in ("ORIGIN", "DESTINATION")
        ),
        (_number("MOVES").is_null(), reason("moves {} from {}; expected a number of 0 or more", "MOVES", "ORIGIN")),
        (~pair.is_first_distinct(), reason("moves from {} to {} twice", "ORIGIN", "DESTINATION")),
    ]
    reasons = pl.concat_str([pl.when(test).then(why) for test, why in tests], separator="; ", ignore_nulls=True)
    return dict(
        cells.select("line", why=reasons)
        .filter(pl.col("why") != "")
        .group_by("line", maintain_order=True)
        .agg(pl.col("why").str.join("; "))
        .iter_rows()
    )
