"""Files of the figures that weights need: ownership, devices per owner, market shares, tariffs, residents."""

from __future__ import annotations

import polars as pl

from ons_bigdata.phones.schemas import vocabulary as v
from ons_bigdata.phones.schemas.figures import FIGURES, SHARES, PopulationFigure
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.platform.ingest.tables.csv_lines import matching, reason

READER_VERSION = "1"
REQUIRED = (
    *("FIGURE", "PROVIDER", "YEAR", "GEOGRAPHY", "AREA", "CATEGORY"),
    *("VALUE", "STANDARD_ERROR", "SOURCE"),
)
_KEY = ("FIGURE", "PROVIDER", "YEAR", "GEOGRAPHY", "AREA", "CATEGORY")
_YEAR = "^(19|20)[0-9]{2}$"


def read_figures(content: bytes, *, load_id: str) -> Reading:
    """Read a file into PopulationFigure rows and quarantined ones. Never raises for any content.

    An unknown figure, a share above 1, a number that is none or negative, a missing source and a figure that came
    before are quarantined. A figure without standard error is no figure: its error is written down as 0 if it has none.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    codes = {"PROVIDER": v.KEY, "YEAR": _YEAR, "GEOGRAPHY": v.KEY, "AREA": v.ZONE_CODE, "CATEGORY": v.SEGMENT}
    is_share = pl.col("FIGURE").is_in(SHARES)
    return tables.reading(
        table,
        parsed=[
            *(matching(column, pattern).alias(f"_{column}") for column, pattern in codes.items()),
            *(tables.number_column(column).alias(f"_{column}") for column in ("VALUE", "STANDARD_ERROR")),
            (~pl.struct(_KEY).is_first_distinct()).alias("_is_repeated"),
        ],
        faults=[
            (~pl.col("FIGURE").is_in(FIGURES), reason(f"FIGURE {{}}; expected one of {', '.join(FIGURES)}", "FIGURE")),
            *(tables.unless(f"_{column}", column, "a key or code") for column in codes),
            *(tables.unless(f"_{column}", column, "a number") for column in ("VALUE", "STANDARD_ERROR")),
            (
                pl.min_horizontal("_VALUE", "_STANDARD_ERROR") < 0,
                reason("{} {}: a negative number", "FIGURE", "VALUE"),
            ),
            (is_share & (pl.col("_VALUE") > 1), reason("{} {}; expected a share, 0 to 1", "FIGURE", "VALUE")),
            (pl.col("SOURCE") == "", reason("{} of {} has no source", "FIGURE", "AREA")),
            (pl.col("_is_repeated"), reason("{} of {} came before", "FIGURE", "AREA")),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.col("FIGURE").alias("figure"),
            pl.col("_PROVIDER").alias("provider"),
            pl.col("_YEAR").cast(pl.Int16).alias("year"),
            pl.col("_GEOGRAPHY").alias("geography"),
            pl.col("_AREA").alias("area"),
            pl.col("_CATEGORY").alias("category"),
            pl.col("_VALUE").alias("value"),
            pl.col("_STANDARD_ERROR").alias("standard_error"),
            pl.col("SOURCE").alias("source"),
        ],
        schema=PopulationFigure,
    )
