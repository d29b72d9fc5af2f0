"""Files of official item indices: one row per item and month, CSV or workbook.

The names of the columns vary in case, and `IMPUTATION_FLAG` has an S or not.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.prices.schemas import OfficialItemIndex
from ons_bigdata.prices.sources.official import columns

READER_VERSION = "2"

REQUIRED = ("INDEX_DATE", "ITEM_ID", "ITEM_DESC", "ALL_GM_INDEX", "COICOP_WEIGHT")
IMPUTATION = ("IMPUTATION_FLAG", "IMPUTATION_FLAGS")


def has_header(content: bytes) -> bool:
    """True if a file has the required columns."""
    return tables.has_columns(content, REQUIRED)


def read_item_indices(content: bytes, *, load_id: str, landed_at: datetime | None = None) -> Reading:
    """Read a file into OfficialItemIndex rows and quarantined ones. Never raises for any content.

    An empty file is an `outage`; a file without the required columns or without any month is `refused`. A month after
    `landed_at`, the arrival of the file (None: not compared), is quarantined. `index` is 100 in January of the
    year, a January's is 100 in the December before. A row whose index is not a number above 0 is quarantined.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    if not columns.months_in(table, "INDEX_DATE"):
        return refused_reading("no row with a month YYYYMM in INDEX_DATE")
    imputation = next((name for name in IMPUTATION if name in table.rows.columns), None)
    known = {*REQUIRED, *IMPUTATION, "line"}
    others = [name for name in table.rows.columns if name not in known]
    flag = pl.lit("") if imputation is None else pl.col(imputation)
    return tables.reading(
        table,
        parsed=[
            columns.month_column("INDEX_DATE").alias("_month"),
            columns.item_column("ITEM_ID").alias("_item"),
            tables.number_column("ALL_GM_INDEX").alias("_index"),
            tables.number_column("COICOP_WEIGHT").alias("_weight"),
        ],
        faults=[
            tables.unless("_month", "INDEX_DATE", "a month YYYYMM"),
            *columns.future_faults(landed_at, "_month", "INDEX_DATE"),
            tables.unless("_item", "ITEM_ID", "six digits"),
            tables.unless("_index", "ALL_GM_INDEX", "a number"),
            (pl.col("_index") <= 0, tables.reason("ALL_GM_INDEX {}; expected above 0", "ALL_GM_INDEX")),
            tables.optional("_weight", "COICOP_WEIGHT", "a number"),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.col("_month").alias("month"),
            pl.col("_item").alias("item_number"),
            pl.col("ITEM_DESC").alias("item_name"),
            pl.col("_index").alias("index"),
            pl.col("_weight").alias("weight"),
            pl.when(flag != "").then(flag).alias("imputation"),
            tables.attributes(others).alias("attributes"),
        ],
        schema=OfficialItemIndex,
    )
