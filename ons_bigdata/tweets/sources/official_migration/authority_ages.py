"""Files of official internal migration by authority, year and age group: moves in, out and net."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason
from ons_bigdata.tweets.schemas.official_migration import AuthorityAgeMigration
from ons_bigdata.tweets.schemas.vocabulary import GSS_CODE
from ons_bigdata.tweets.sources.official_migration.years import FIRST_YEAR

if TYPE_CHECKING:
    from datetime import date

READER_VERSION = "1"

REQUIRED = ("LACODE", "YEAR", "AGEGROUP", "OUT", "IN", "NETMIGRATION")

_AGE_GROUPS = ("u18", "18-25", "26-35", "36-55", "o55")

_NUMBER = r"^-?[0-9]{1,9}(?:\.[0-9]{1,20})?(?:[eE]-[0-9]{1,2})?$"
"""A number as programs print it: all 17 digits, small ones with an exponent."""

NET_TOLERANCE = 1e-6
"""Largest difference of in - out from the net moves as printed, which is that of the sums' rounding."""


def read_authority_ages(content: bytes, *, load_id: str, landed_on: date) -> Reading:
    """Read a file into AuthorityAgeMigration rows and quarantined ones. Never raises for any content.

    An empty file is an `outage`; a file without the columns is `refused`. A year is that to 30 June; one that ends
    after the arrival of the file is quarantined, as is a row whose net moves are not in - out. Net moves are not kept:
    they follow from the other two.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    name = pl.col("AREA") if "AREA" in table.rows.columns else pl.lit("")
    net = pl.col("_in") - pl.col("_out")
    return tables.reading(
        table,
        parsed=[
            matching("LACODE", GSS_CODE).alias("_authority"),
            pl.date(matching("YEAR", "^[12][0-9]{3}$").cast(pl.Int32), 6, 30).alias("_year"),
            pl.when(pl.col("AGEGROUP").str.to_lowercase().is_in(_AGE_GROUPS))
            .then(pl.col("AGEGROUP").str.to_lowercase())
            .alias("_age_group"),
            *(
                matching(column, _NUMBER).cast(pl.Float64).alias(f"_{column.lower()}")
                for column in ("IN", "OUT", "NETMIGRATION")
            ),
        ],
        faults=[
            tables.unless("_authority", "LACODE", "a GSS code"),
            tables.unless("_year", "YEAR", "four digits"),
            (
                ~pl.col("_year").is_between(pl.date(FIRST_YEAR, 6, 30), landed_on),
                reason(f"year {{}}; expected {FIRST_YEAR} to the arrival of the file on {landed_on}", "YEAR"),
            ),
            tables.unless("_age_group", "AGEGROUP", "U18, 18-25, 26-35, 36-55 or O55"),
            tables.unless("_in", "IN", "a number"),
            tables.unless("_out", "OUT", "a number"),
            tables.unless("_netmigration", "NETMIGRATION", "a number"),
            *((pl.col(f"_{c.lower()}") < 0, reason(f"{c.title()} {{}}; expected 0 or more", c)) for c in ("IN", "OUT")),
            (
                (net - pl.col("_netmigration")).abs() > NET_TOLERANCE,
                reason("netMigration {}; expected In - Out = {} - {}", "NETMIGRATION", "IN", "OUT"),
            ),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.col("_year").alias("year_ending"),
            pl.col("_authority").alias("authority"),
            pl.when(name != "").then(name).alias("authority_name"),
            pl.col("_age_group").alias("age_group"),
            pl.col("_in").alias("moves_in"),
            pl.col("_out").alias("moves_out"),
        ],
        schema=AuthorityAgeMigration,
    )
