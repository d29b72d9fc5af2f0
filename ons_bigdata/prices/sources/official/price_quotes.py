"""Files of official price quotes: one row per quote, one CSV a month of about 140,000 rows."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables
from ons_bigdata.prices.schemas import OfficialPriceQuote
from ons_bigdata.prices.sources.official import columns

READER_VERSION = "2"

REQUIRED = (
    *("QUOTE_DATE", "ITEM_ID", "ITEM_DESC", "VALIDITY", "SHOP_CODE", "PRICE", "STRATUM_WEIGHT", "STRATUM_TYPE"),
    *("SHOP_WEIGHT", "BASE_PRICE", "BASE_VALIDITY", "STRATUM_CELL"),
)
OPTIONAL = ("INDICATOR_BOX", "REGION", "SHOP_TYPE")

_WHOLE = {"VALIDITY": "validity", "BASE_VALIDITY": "base_validity", "STRATUM_TYPE": "stratum_type"} | {
    "STRATUM_CELL": "stratum_cell"
}
_NUMBERS = {"PRICE": "price_gbp", "BASE_PRICE": "base_price_gbp"} | {
    "STRATUM_WEIGHT": "stratum_weight",
    "SHOP_WEIGHT": "shop_weight",
}


def has_header(content: bytes) -> bool:
    """True if a file has the required columns."""
    return tables.has_columns(content, REQUIRED)


def read_price_quotes(content: bytes, *, load_id: str, landed_at: datetime | None = None) -> Reading:
    """Read a file into OfficialPriceQuote rows and quarantined ones. Never raises for any content.

    An empty file is an `outage`; a file without the required columns or without any month is `refused`. A month after
    `landed_at`, the arrival of the file (None: not compared), is quarantined. Prices of 0 are kept: they are
    quotes without a price, and the method leaves them out. An empty price or base price is read as 0.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    table = tables.read_table(content, required=REQUIRED)
    if table.refusal:
        return refused_reading(table.refusal)
    if not columns.months_in(table, "QUOTE_DATE"):
        return refused_reading("no row with a month YYYYMM in QUOTE_DATE")
    missing = [pl.lit("").alias(name) for name in OPTIONAL if name not in table.rows.columns]
    known = {*REQUIRED, *OPTIONAL, "line"}
    others = [name for name in table.rows.columns if name not in known]
    rows = table.rows.with_columns(
        *missing, *(pl.col(name).replace({"": "0"}).alias(f"_{name}") for name in ("PRICE", "BASE_PRICE"))
    )
    return tables.reading(
        tables.TextTable(rows, table.broken, table.lines),
        parsed=[
            columns.month_column("QUOTE_DATE").alias("_month"),
            columns.item_column("ITEM_ID").alias("_item"),
            *(tables.whole_column(name).alias(alias) for name, alias in _WHOLE.items()),
            *(tables.number_column(_source(name)).alias(alias) for name, alias in _NUMBERS.items()),
            tables.whole_column("REGION").alias("_region"),
            tables.whole_column("SHOP_TYPE").alias("_shop_type"),
        ],
        faults=[
            tables.unless("_month", "QUOTE_DATE", "a month YYYYMM"),
            *columns.future_faults(landed_at, "_month", "QUOTE_DATE"),
            tables.unless("_item", "ITEM_ID", "six digits"),
            *(tables.unless(alias, name, "a whole number") for name, alias in _WHOLE.items()),
            *(tables.unless(alias, name, "a number") for name, alias in _NUMBERS.items()),
            *(
                (pl.col(alias) < 0, tables.reason(f"{name} {{}}; expected 0 or more", name))
                for name, alias in _NUMBERS.items()
            ),
            tables.optional("_region", "REGION", "a whole number"),
            tables.optional("_shop_type", "SHOP_TYPE", "a whole number"),
        ],
        final=[
            pl.lit(load_id).alias("load_id"),
            pl.col("line"),
            pl.col("_month").alias("month"),
            pl.col("_item").alias("item_number"),
            pl.col("ITEM_DESC").alias("item_name"),
            pl.col("validity"),
            pl.col("SHOP_CODE").alias("shop_code"),
            pl.col("price_gbp"),
            pl.when(pl.col("INDICATOR_BOX") != "").then("INDICATOR_BOX").alias("indicator_box"),
            pl.col("stratum_weight", "stratum_type", "stratum_cell"),
            pl.col("_region").alias("region"),
            pl.col("_shop_type").alias("shop_type"),
            pl.col("shop_weight", "base_price_gbp", "base_validity"),
            tables.attributes(others).alias("attributes"),
        ],
        schema=OfficialPriceQuote,
    )


def _source(name: str) -> str:
    return f"_{name}" if name in {"PRICE", "BASE_PRICE"} else name
