"""Detailed files of official internal migration: moves by origin, destination, year of age and sex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason
from ons_bigdata.tweets.schemas.official_migration import DetailedMove
from ons_bigdata.tweets.schemas.vocabulary import GSS_CODE
from ons_bigdata.tweets.sources.official_migration.years import year_fault, year_in_name

if TYPE_CHECKING:
    from datetime import date

READER_VERSION = "1"

REQUIRED = ("OUTLA", "INLA", "AGE", "SEX", "MOVES")

_SEXES = {"F": "female", "M": "male", "2": "female", "1": "male"}


def read_detailed(content: bytes, *, name: str, load_id: str, landed_on: date) -> Reading:
    """Read a file into DetailedMove rows and quarantined ones. Never raises for any content.

    An empty file is an `outage`; a file without the columns, or whose name has no single year, is `refused`. Rows with
    the same authorities, age and sex are kept: such a row holds a part of the moves (the office's correction of 12
    January 2022 adds them up).
    """
    if not content:
        return refused_reading("no bytes", "outage")
    if fault := year_fault(name, landed_on):
        return refused_reading(fault)
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    return tables.reading(
        table,
        parsed=[
            matching("OUTLA", GSS_CODE).alias("_origin"),
            matching("INLA", GSS_CODE).alias("_destination"),
            tables.whole_column("AGE").alias("_age"),
            pl.col("SEX").replace_strict(_SEXES, default=None, return_dtype=pl.String).alias("_sex"),
            tables.number_column("MOVES").alias("_moves"),
        ],
        faults=[
            tables.unless("_origin", "OUTLA", "a GSS code"),
            tables.unless("_destination", "INLA", "a GSS code"),
            tables.unless("_age", "AGE", "a whole number"),
            tables.unless("_sex", "SEX", "F, M, 1 (male) or 2 (female)"),
            tables.unless("_moves", "MOVES", "a number"),
            (pl.col("_moves") < 0, reason("Moves {}; expected 0 or more", "MOVES")),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(year_in_name(name), dtype=pl.Date).alias("year_ending"),
            pl.col("_origin").alias("origin"),
            pl.col("_destination").alias("destination"),
            pl.col("_age").cast(pl.Int16, strict=False).alias("age"),
            pl.col("_sex").alias("sex"),
            pl.col("_moves").alias("moves"),
        ],
        schema=DetailedMove,
    )
