"""Files of official item indices: one row per item and month, CSV or workbook.

The names of the columns vary in case, and `IMPUTATION_FLAG` has an S or not.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.prices.schemas import OfficialItemIndex
from ons_bigdata.prices.sources import official_tables as tables

READER, READER_VERSION = "official_item_indices", "1"

REQUIRED = ("INDEX_DATE", "ITEM_ID", "ITEM_DESC", "ALL_GM_INDEX", "COICOP_WEIGHT")
IMPUTATION = ("IMPUTATION_FLAG", "IMPUTATION_FLAGS")


def months(content: bytes) -> list[date]:
    """Return the months in a file, by their first days; none where it is not such a file."""
    table = tables.read_table(content, required=REQUIRED)
    return [] if table.refusal else tables.months_in(table, "INDEX_DATE")


def read_item_indices(content: bytes, *, load_id: str) -> Reading:
    """Read a file into OfficialItemIndex rows and quarantined ones. Never raises for what is in a file.

    No bytes are an `outage`; a header without the required columns is `refused`. `index` is 100 in January of the
    year, a January's is 100 in the December before. A row whose index is no number above 0 is quarantined.
    """
    if not content:
        return tables.refused("no bytes", "outage")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return tables.refused(table.refusal)
    imputation = next((name for name in IMPUTATION if name in table.rows.columns), None)
    known = {*REQUIRED, *IMPUTATION, "line"}
    others = [name for name in table.rows.columns if name not in known]
    flag = pl.lit("") if imputation is None else pl.col(imputation)
    return tables.reading(
        table,
        parsed=[
            tables.month_column("INDEX_DATE").alias("_month"),
            tables.item_column("ITEM_ID").alias("_item"),
            tables.number_column("ALL_GM_INDEX").alias("_index"),
            tables.number_column("COICOP_WEIGHT").alias("_weight"),
        ],
        faults=[
            tables.unless("_month", "INDEX_DATE", "a month YYYYMM"),
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
