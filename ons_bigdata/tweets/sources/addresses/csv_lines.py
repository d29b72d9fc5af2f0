"""Lines of CSV files, read in blocks into frames of the wanted columns as text; lines that are none are faults."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.bulk import BULK_QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.lines import read_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.ingest.lines import Block
    from ons_bigdata.tweets.sources.addresses.layouts import Layout

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes that are read at a time: enough for the cost of a call to vanish, few enough for memory to stay bounded."""

NOT_UTF8 = "not UTF-8"
TOO_LONG = "line too long"
OTHER_FIELDS = "another number of fields than the layout"
OPEN_QUOTE = "quotes that do not close"

_LINES = {"line": pl.Int64, "text": pl.String}


def read_lines(stream: IO[bytes]) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Blocks of lines of a file: `line` (number) and `text` of those that are text, and faults (`line`, `reason`).

    A byte order mark, line ends and blank lines are left out.
    """
    for block in read_blocks(stream, block_bytes=BLOCK_BYTES):
        lines, faults = _decoded(block)
        yield lines.filter(pl.col("text").str.strip_chars() != ""), faults


def parse_lines(lines: pl.DataFrame, layout: Layout) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Wanted columns of lines of a layout: `line` and its columns as text, empty ones null; and faults.

    Lines with another number of fields, or with an open quote, are faults (`line`, `reason`).
    """
    plain = pl.col("text").str.replace_all('"[^"]*"', "")
    judged = lines.with_columns(
        pl.when(plain.str.contains('"', literal=True))
        .then(pl.lit(OPEN_QUOTE))
        .when(plain.str.count_matches(",", literal=True) != layout.fields - 1)
        .then(pl.lit(OTHER_FIELDS))
        .alias("reason")
    )
    faults = judged.filter(pl.col("reason").is_not_null()).select("line", "reason")
    good = judged.filter(pl.col("reason").is_null())
    return _fields(good, layout), faults


def _fields(lines: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Wanted columns of lines that all have the fields of a layout."""
    if lines.is_empty():
        return pl.DataFrame(schema={"line": pl.Int64, **dict.fromkeys(layout.positions, pl.String)})
    text = lines["text"].str.join("\n").item()
    parsed = pl.read_csv(
        text.encode(),
        has_header=False,
        schema={f"column_{place + 1}": pl.String for place in range(layout.fields)},
        columns=sorted(set(layout.positions.values())),
    )
    if parsed.height != lines.height:
        raise ValueError(f"{lines.height} lines were read as {parsed.height} rows")
    wanted = (
        pl.col(f"column_{place + 1}").str.strip_chars().replace("", None).alias(column)
        for column, place in layout.positions.items()
    )
    return parsed.select(lines["line"], *wanted)


def _decoded(block: Block) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines of a block as text, and faults of those that are too long or no UTF-8."""
    try:
        texts = pl.Series([block.data.decode()]).str.split("\n").explode()
        reasons: list[str | None] | None = None
    except UnicodeDecodeError:
        decoded = [_decode(line) for line in block.lines]
        texts = pl.Series(decoded, dtype=pl.String).fill_null("")
        reasons = [NOT_UTF8 if text is None else None for text in decoded]
    numbers = pl.int_range(block.first_line, block.first_line + texts.len(), eager=True, dtype=pl.Int64)
    lines = pl.DataFrame([numbers.alias("line"), texts.str.strip_chars_end("\r").alias("text")], schema=_LINES)
    faults = [(number, TOO_LONG) for number in sorted(block.too_long)]
    if reasons is not None:
        faults += [(block.first_line + place, NOT_UTF8) for place, reason in enumerate(reasons) if reason is not None]
    return lines, pl.DataFrame(faults, schema=BULK_QUARANTINE_SCHEMA, orient="row")


def _decode(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
