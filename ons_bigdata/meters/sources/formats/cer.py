"""Format `cer`: text of the Irish electricity trial (ISSDA 0012-00), `meter code kWh`.

`code` is the day (1 = 1 January 2009) and the half hour (01 to 48). The days when clocks change have other half hours:
in spring 02 and 03 are left out, in autumn 49 and 50 are added, and reads are consecutive.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.meters.schemas.vocabulary import MAX_KWH_HALF_HOUR
from ons_bigdata.meters.sources.formats.clocks import HALF_HOUR, local_day
from ons_bigdata.meters.sources.formats.rows import (
    INSTANT,
    LONGEST_CODE,
    NO_READING,
    NUMBER,
    Readings,
    decoded_lines,
    quarantined_lines,
    split_faults,
)
from ons_bigdata.platform.ingest.lines import read_blocks, split_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from ons_bigdata.platform.ingest.lines import Block, ByteStream

ZONE = "Europe/Dublin"
DAY_ZERO = date(2008, 12, 31)
FIRST_DAY_CODE, LAST_DAY_CODE = 195, 730
"""14 July 2009 and 31 December 2010, the days of the trial."""

BLOCK_BYTES = 4 * 1024 * 1024

PIECES_BYTES = (256 * 1024, 8 * 1024)
"""Parts of a block of which one line is no plain row; only the smallest are read line by line."""

NOT_THREE_FIELDS = "not three fields: meter, code and kWh, separated by a space"
NO_METER = "meter that is no whole number of 1 to 9 digits"
NO_CODE = "code that is no whole number"
NO_NUMBER = "kWh that is no number"
DAY_OUT_OF_RANGE = "day of the code outside 195 to 730, the days of the trial"
NO_HALF_HOUR = "half hour of the code that its day does not have"

_LARGEST_METER = 999_999_999
_CODES = 100_000
_NO_DAY, _NO_SLOT = -1, -2
"""In the table of instants: no day of the trial; no half hour of the day."""
_PLAIN = b"0123456789. \n"
_FIRST_LINE = re.compile(rb"\A(?:\xef\xbb\xbf)?[0-9]{1,9} [0-9]{5} -?[0-9.]+ *\r?(?:\n|\Z)")


def is_cer(head: bytes) -> bool:
    """True if a file begins with a row of the format."""
    return _FIRST_LINE.match(head) is not None


def expected_slots(half_hours: int) -> list[int]:
    """Half hours of the codes of a day with 46, 48 or 50 of them, in their order of time."""
    if half_hours == 46:
        return [1, *range(4, 49)]
    return list(range(1, half_hours + 1))


@cache
def _instants() -> NDArray[np.int64]:
    """Start of the half hour of each code, microseconds since 1970 in UTC; _NO_DAY or _NO_SLOT without any."""
    instants = np.full(_CODES + 1, _NO_DAY, dtype=np.int64)  # the last one stands for all other numbers
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    for day in range(FIRST_DAY_CODE, LAST_DAY_CODE + 1):
        start, half_hours = local_day(DAY_ZERO + timedelta(days=day), ZONE)
        instants[day * 100 : day * 100 + 100] = _NO_SLOT
        for rank, slot in enumerate(expected_slots(half_hours)):
            instants[day * 100 + slot] = (start + rank * HALF_HOUR - epoch) // timedelta(microseconds=1)
    return instants


def read_cer(stream: ByteStream) -> Iterator[Readings]:
    """Rows of a file of the format, some hundred thousand at a time."""
    for block in read_blocks(stream, block_bytes=BLOCK_BYTES):
        yield _read_block(block)


def _read_block(block: Block) -> Readings:
    faults: dict[int, str] = {}
    rows = _parsed(block, faults)
    starts = _instants()[rows["code"].fill_null(_CODES).clip(-1, _CODES).to_numpy()]  # -1 is the last one, too
    if len(starts) and starts.min() < 0:
        rows = rows.with_columns(pl.Series("started_at", starts))
        rules = {DAY_OUT_OF_RANGE: pl.col("started_at") == _NO_DAY, NO_HALF_HOUR: pl.col("started_at") == _NO_SLOT}
        rows = split_faults(rows, rules, faults)
        starts = rows["started_at"].to_numpy()
    accepted = rows.select(
        "line",
        "meter",
        pl.Series("started_at", starts, dtype=pl.Int64).cast(INSTANT),
        pl.lit(30, pl.Int16).alias("minutes"),
        "kwh",
        pl.col("text").alias("code") if "text" in rows.columns else pl.lit(None, pl.String).alias("code"),
        pl.lit(None, pl.String).alias("flag"),
        pl.lit(value=False).alias("is_export"),
    )
    return Readings(accepted, quarantined_lines(faults))


def _parsed(block: Block, faults: dict[int, str], sizes: Sequence[int] = PIECES_BYTES) -> pl.DataFrame:
    """Rows of a block (line, meter, code, kwh, perhaps text); line by line only near lines that are no plain rows."""
    rows = _parsed_at_once(block)
    if rows is not None:
        return rows
    if not sizes or block.too_long:
        return _parsed_by_line(block, faults)
    pieces = [_parsed(piece, faults, sizes[1:]) for piece in split_block(block, sizes[0])]
    return pl.concat(pieces, how="diagonal")


def _parsed_at_once(block: Block) -> pl.DataFrame | None:
    """Rows of a block (line, meter, code, kwh), which takes a tenth of the time; None where a line is no plain row."""
    data = block.data.replace(b"\r\n", b"\n").removesuffix(b"\r") if b"\r" in block.data else block.data
    if block.is_cut_short or block.too_long or data.translate(None, _PLAIN):
        return None
    schema = {"meter": pl.Int64, "code": pl.Int32, "kwh": pl.Float64}
    try:
        rows = pl.read_csv(data, has_header=False, separator=" ", quote_char=None, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    if rows.height != block.count or sum(rows.null_count().row(0)):
        return None
    largest = rows.select(pl.col("meter", "kwh").max()).row(0)
    if largest[0] > _LARGEST_METER or largest[1] > MAX_KWH_HALF_HOUR:
        return None
    return rows.select(
        pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.Int64).alias("line"), pl.all()
    )


def _parsed_by_line(block: Block, faults: dict[int, str]) -> pl.DataFrame:
    """Rows of a block (line, meter, code, kwh, text), of which `text` is a number that can be no reading."""
    lines = decoded_lines(block, faults)
    fields = lines.with_columns(pl.col("text").str.strip_chars(" ").str.split(" ").alias("fields"))
    rows = fields.with_columns(
        pl.col("fields").list.len().alias("count"),
        *(
            pl.col("fields").list.get(place, null_on_oob=True).alias(name)
            for place, name in enumerate(("meter", "code", "text"))
        ),
    )
    rules = {
        NOT_THREE_FIELDS: pl.col("count") != 3,
        NO_METER: ~pl.col("meter").str.contains("^0*[0-9]{1,9}$"),
        NO_CODE: ~pl.col("code").str.contains("^-?0*[0-9]{1,9}$"),
        NO_NUMBER: ~pl.col("text").str.contains(f"^{NUMBER}$"),
        NO_READING: _is_code() & (pl.col("text").str.len_bytes() > LONGEST_CODE),
    }
    good = split_faults(rows, rules, faults)
    return good.select(
        "line",
        pl.col("meter").cast(pl.Int64),
        pl.col("code").cast(pl.Int32),
        pl.when(~_is_code()).then(pl.col("text").cast(pl.Float64)).alias("kwh"),
        pl.when(_is_code()).then("text").alias("text"),
    )


def _is_code() -> pl.Expr:
    """True for a number that can be no reading."""
    return pl.col("text").cast(pl.Float64, strict=False).abs() > MAX_KWH_HALF_HOUR
