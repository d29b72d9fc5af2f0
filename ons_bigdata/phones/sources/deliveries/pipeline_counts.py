"""Gold outputs of the European pipeline multimno as Parquet or CSV: counts of zones, -1 where suppressed."""

from __future__ import annotations

import io
from dataclasses import dataclass

import polars as pl

from ons_bigdata.phones.schemas.deliveries import GridCount
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.tables import text_tables as tables

READER_VERSION = "1"
SUPPRESSED = -1.0
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class Product:
    """Columns of an output."""

    name: str
    zone: str
    count: str
    begins: str
    from_zone: str | None = None
    label: str | None = None

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a file must have."""
        optional = (self.from_zone, self.label)
        return (self.zone, self.count, self.begins, *(column for column in optional if column is not None))


PRODUCTS = (
    Product("internal_migration", "new_zone", "migration", "start_date_new", from_zone="previous_zone"),
    Product("usual_environment", "zone_id", "weighted_device_count", "start_date", label="label"),
    Product("present_population", "zone_id", "population", "timestamp"),
)


def product_of(content: bytes) -> Product | None:
    """Output whose columns a file has; None where there is none or the file cannot be read."""
    if content.startswith(_PARQUET):
        try:
            names = set(pl.read_parquet_schema(io.BytesIO(content)))
        except (pl.exceptions.PolarsError, OSError):
            return None
        return next((product for product in PRODUCTS if set(product.required) <= names), None)
    return next((one for one in PRODUCTS if tables.has_columns(content, [name.upper() for name in one.required])), None)


def read_pipeline_counts(content: bytes, *, load_id: str) -> Reading:
    """Read an output into GridCount rows and quarantined ones. Never raises for any content.

    A count of -1 is suppressed: it has no number. Other negative counts, and rows without zone or day, are quarantined.
    """
    if not content:
        return refused_reading("no bytes", "outage")
    product = product_of(content)
    if product is None:
        return refused_reading("no columns of an output: " + "; ".join(", ".join(one.required) for one in PRODUCTS))
    rows = _text_rows(content, product)
    if isinstance(rows, str):
        return refused_reading(rows)
    parsed = _parsed(rows, product, load_id)
    fault = _fault(parsed)
    refused = parsed.with_columns(fault.alias("reason")).filter(pl.col("reason").is_not_null())
    accepted, failure = GridCount.filter(parsed.filter(fault.is_null()).select(GridCount.column_names()), cast=True)
    if len(failure):
        lines = failure.invalid().select("line", pl.lit("breaks the bounds of the frame").alias("reason"))
        refused = pl.concat([refused.select("line", "reason"), lines])
    quarantined = (
        refused.select(pl.col("line").cast(pl.Int64), "reason", pl.lit(None, dtype=pl.String).alias("content"))
        .sort("line")
        .select(list(QUARANTINE_SCHEMA))
    )
    return Reading("loaded", None, accepted.height + quarantined.height, accepted.sort("line"), quarantined)


def _text_rows(content: bytes, product: Product) -> pl.DataFrame | str:
    """Rows as text with the names of the pipeline and `line`; or the reason why there are none."""
    if content.startswith(_PARQUET):
        try:
            frame = pl.read_parquet(io.BytesIO(content), use_pyarrow=False)
        except (pl.exceptions.PolarsError, OSError) as error:
            return f"not Parquet that can be read: {error}"
        texts = frame.with_columns(pl.col(pl.Binary).bin.encode("hex")).with_columns(pl.all().cast(pl.String))
        return texts.with_columns(pl.Series("line", range(2, frame.height + 2), pl.Int32))
    table = tables.read_table(content, required=[name.upper() for name in product.required])
    if table.refusal is not None:
        return table.refusal
    if table.broken:
        first, fault = min(table.broken.items())
        return f"{len(table.broken)} lines are no rows; line {first}: {fault}"
    return table.rows.rename({name: name.lower() for name in table.rows.columns})


def _parsed(rows: pl.DataFrame, product: Product, load_id: str) -> pl.DataFrame:
    def optional(column: str | None) -> pl.Expr:
        return pl.col(column) if column is not None and column in rows.columns else pl.lit(None, dtype=pl.String)

    count = pl.col(product.count).cast(pl.Float64, strict=False)
    is_suppressed = count == SUPPRESSED
    return rows.select(
        pl.lit(load_id).alias("load_id"),
        "line",
        pl.col(product.begins).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).dt.truncate("1mo").alias("month"),
        pl.lit(product.name).alias("product"),
        optional("dataset_id").alias("dataset_id"),
        optional("level").cast(pl.Int16, strict=False).alias("level"),
        pl.col(product.zone).alias("zone"),
        optional(product.from_zone).alias("from_zone"),
        optional(product.label).alias("label"),
        pl.when(~is_suppressed).then(count).alias("persons"),
        pl.when(is_suppressed).then(pl.lit("suppressed")).otherwise(pl.lit("observed")).alias("status"),
        count.alias("count"),
    )


def _fault(parsed: pl.DataFrame) -> pl.Expr:
    """Fault of a row, as text."""
    needs_from = (parsed["product"] == "internal_migration").any()
    no_zone = pl.col("zone").is_null() | (pl.col("zone") == "")
    no_from = (pl.col("from_zone").is_null() | (pl.col("from_zone") == "")) & pl.lit(bool(needs_from))
    return pl.coalesce(
        pl.when(no_zone | no_from).then(pl.lit("no zone")),
        pl.when(pl.col("month").is_null()).then(pl.lit("no day on which the period begins")),
        pl.when(pl.col("count").is_null() | pl.col("count").is_nan()).then(pl.lit("no count; a blank is never a zero")),
        pl.when((pl.col("count") < 0) & (pl.col("count") != SUPPRESSED)).then(
            pl.format("count {}; expected a number from 0, or -1 where suppressed", "count")
        ),
    )
