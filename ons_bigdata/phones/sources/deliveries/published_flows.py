"""Published flows of phone users between middle-layer areas of England, one file for a month."""

from __future__ import annotations

import re
from datetime import date

import polars as pl

from ons_bigdata.phones.schemas.deliveries import PublishedFlow
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason

READER_VERSION = "1"
REQUIRED = ("MSOA21CD_HOME", "COUNTY_HOME", "MSOA21CD_WORK", "COUNTY_WORK", "COUNT")
VINTAGE = "MSOA21"
_AREA = r"^[EW]02[0-9]{6}$"


def month_of(name: str) -> date | None:
    """Month at the end of a file name, `…_YYYY-MM.csv`; None without one."""
    match = re.search(r"_([0-9]{4})-(0[1-9]|1[0-2])\.csv$", name)
    return None if match is None else date(int(match[1]), int(match[2]), 1)


def read_published_flows(content: bytes, *, name: str, load_id: str) -> Reading:
    """Read a file into PublishedFlow rows and quarantined ones. Never raises for any content.

    An area that is none, a count that is no whole number from 1 and a pair that came before are quarantined.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    month = month_of(name)
    if month is None:
        return refused_reading(f"file name {name!r}; expected a month at its end, …_YYYY-MM.csv")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    ends = ("MSOA21CD_HOME", "MSOA21CD_WORK")
    return tables.reading(
        table,
        parsed=[
            *(matching(column, _AREA).alias(f"_{column}") for column in ends),
            tables.whole_column("COUNT").alias("_count"),
            (~pl.struct(ends).is_first_distinct()).alias("_is_repeated"),
        ],
        faults=[
            *(tables.unless(f"_{column}", column, "a code of a middle-layer area") for column in ends),
            (
                ~(pl.col("_count") >= 1).fill_null(value=False),
                reason("COUNT {}; expected a whole number from 1", "COUNT"),
            ),
            (pl.col("_is_repeated"), reason("the pair {} to {} came before", *ends)),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.lit(month).alias("month"),
            pl.lit(VINTAGE).alias("vintage"),
            pl.col("_MSOA21CD_HOME").alias("origin"),
            pl.col("_MSOA21CD_WORK").alias("destination"),
            pl.col("COUNTY_HOME").alias("origin_county"),
            pl.col("COUNTY_WORK").alias("destination_county"),
            pl.col("_count").cast(pl.Int64).alias("users"),
        ],
        schema=PublishedFlow,
    )
