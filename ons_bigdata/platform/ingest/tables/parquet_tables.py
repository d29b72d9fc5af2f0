"""Tables of Parquet as texts, so that the rules of a CSV judge them: one row of text for each row, with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_bigdata.platform.ingest.tables.text_tables import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC = b"PAR1"
MOST_UNPACKED_BYTES = 1024 * 1024 * 1024
"""Greatest size of the columns of a file by its own account; a CSV may have as much."""


def read_parquet_table(content: bytes, *, required: Iterable[str]) -> TextTable:
    """Read Parquet as a table of text: `line` is the row plus 1, as of a CSV whose header is line 1.

    Names are compared in capitals. A null is an empty text, a whole number has no decimals, a day is YYYY-MM-DD, true
    and false are words. Refused, with the reason: bytes that are no Parquet, columns that are missing or come twice,
    columns of lists or records, and more than MOST_UNPACKED_BYTES.
    """
    try:
        parquet = pq.ParquetFile(pa.BufferReader(content))
        groups = [parquet.metadata.row_group(number) for number in range(parquet.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > MOST_UNPACKED_BYTES:
            return _refused(f"columns of more than {MOST_UNPACKED_BYTES} bytes; deliver it in parts")
        names = {name: name.strip().upper() for name in parquet.schema_arrow.names}
        capitals = [name.strip().upper() for name in parquet.schema_arrow.names]
        if doubled := sorted({name for name in capitals if capitals.count(name) > 1}):
            return _refused(f"columns twice: {', '.join(doubled)}")
        if missing := [name for name in required if name not in capitals]:
            return _refused(f"missing columns {', '.join(missing)}; found {', '.join(capitals)}")
        table = cast("pl.DataFrame", pl.from_arrow(parquet.read()))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        return _refused(f"not Parquet that can be read: {type(error).__name__}")
    texts: dict[str, pl.Expr] = {}
    for name, dtype in table.schema.items():
        text = _text(name, dtype)
        if text is None:
            return _refused(f"column {name} is {dtype}; expected text, numbers or days")
        texts[names[name]] = text.fill_null("").str.strip_chars()
    rows = table.select(**texts)
    return TextTable(rows.with_columns(line=pl.int_range(2, pl.len() + 2, dtype=pl.Int32)))


def _text(name: str, dtype: pl.DataType) -> pl.Expr | None:
    """Texts of a column as a CSV would have them; None for a type that has none."""
    column = pl.col(name)
    if dtype.is_float():
        whole = column == column.round(0)
        fits = column.abs() < 2**53
        return (
            pl.when(whole & fits)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    if isinstance(dtype, pl.Datetime):
        is_day = column.dt.truncate("1d") == column
        return (
            pl.when(is_day).then(column.dt.strftime("%Y-%m-%d")).otherwise(column.dt.strftime("%Y-%m-%dT%H:%M:%S%.f"))
        )
    if dtype == pl.Date:
        return column.dt.strftime("%Y-%m-%d")
    if dtype.is_integer() or dtype in {pl.String, pl.Boolean, pl.Categorical} or dtype.is_decimal():
        return column.cast(pl.String)
    return pl.lit("") if dtype == pl.Null else None


def _refused(reason: str) -> TextTable:
    return TextTable(pl.DataFrame(), refusal=reason)
