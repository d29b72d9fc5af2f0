"""Rows of files of events, in batches: documented CSV, Parquet with its columns, simulator of the ESSnet, multimno."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import IO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ons_bigdata.phones.schemas.device_events import CELL
from ons_bigdata.phones.sources.device_files import DETACHED, judge_pipeline_rows
from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.lines import Block, read_blocks

COLUMNS = ("device", "at_utc", "cell")
"""Columns that CSV and Parquet must have."""
OPTIONAL = ("home_mcc", "visited_mcc")
"""Columns that they may have: mobile country codes of the card, and of the network abroad."""
ANTENNA_COLUMNS = ("t", "Antenna ID", "Event Code", "Device ID", "x", "y", "Tile ID")
"""Header of a file AntennaInfo of the simulator, without blanks."""
PIPELINE_COLUMNS = ("user_id", "timestamp", "cell_id", "longitude", "latitude")

SIMULATOR_START = datetime(2020, 1, 1, tzinfo=UTC)
"""Moment of second 0 of the simulator, which has no calendar: a convention."""
PARQUET_MAGIC = b"PAR1"
BATCH_ROWS = 250_000
_BATCH_LINES = 200_000

NO_DEVICE = "no device"
WRONG_DEVICE = "device of another form than 1 to 64 printable characters"
NO_TIME = "no time"
WRONG_TIME = "time of another form than YYYY-MM-DDTHH:MM:SS[.ffffff]Z"
NO_PLACE = "neither a cell nor a network abroad"
NO_CELL = "position without a cell: positions are not read"
WRONG_CELL = "cell of another form than the format's"
WRONG_NETWORK = "mobile country code other than 1 to 999"
FIELDS = "another number of fields than the header"
QUOTED = "quoted field"
TOO_LONG = "line that is too long"
NO_TEXT = "bytes that are no UTF-8"
WRONG_SECOND = "second other than a whole number from 0"

ROWS = {
    "line": pl.Int64(),
    "device": pl.String(),
    "at_utc": pl.Datetime("us", "UTC"),
    "cell": pl.String(),
    "home_mcc": pl.Int16(),
    "visited_mcc": pl.Int16(),
    "reason": pl.String(),
}
"""Columns of the rows: those of an event as text and time, and the fault of a row that is none (null without)."""

ReadRows = Callable[[IO[bytes]], Iterator[pl.DataFrame]]
"""Unpacked stream -> frames with ROWS, in the order of the file."""

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)$"
_PIPELINE_REASONS = {
    "no_device": NO_DEVICE,
    "no_time": NO_TIME,
    "wrong_time": WRONG_TIME,
    "no_place": NO_PLACE,
    "wrong_cell": WRONG_CELL,
}


def names_of(head: bytes) -> tuple[str, ...]:
    """Names of the header of a CSV by its beginning, without outer blanks; none for other content."""
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    try:
        return tuple(name.strip() for name in line.decode("utf-8").split(","))
    except UnicodeDecodeError:
        return ()


def is_event_csv(names: tuple[str, ...]) -> bool:
    """True for a header of the documented CSV."""
    return set(COLUMNS) <= set(names) <= {*COLUMNS, *OPTIONAL} and len(set(names)) == len(names)


def read_csv_rows(stream: IO[bytes]) -> Iterator[pl.DataFrame]:
    """Rows of the documented CSV. Raises InputError for another header."""
    names: tuple[str, ...] | None = None
    for block in _line_batches(stream):
        skipped = 0
        if names is None:
            names, skipped = names_of(block.data), 1
            if not is_event_csv(names):
                raise InputError(f"header of no file of events; expected {','.join(COLUMNS)} and some of {OPTIONAL}")
        fields = _fields(block, names, skipped)
        yield _judged(
            fields.with_columns(
                time_text=pl.col("at_utc"),
                at_utc=_parsed_time("at_utc"),
                **{name: _optional(name, names) for name in OPTIONAL},
            )
        )


def read_simulator_rows(stream: IO[bytes]) -> Iterator[pl.DataFrame]:
    """Rows of a file AntennaInfo: connections that hold, at seconds after SIMULATOR_START.

    The end of a connection is a row of the file that is no event, and is left out.
    """
    names: tuple[str, ...] | None = None
    for block in _line_batches(stream):
        skipped = 0
        if names is None:
            names, skipped = names_of(block.data), 1
            if not set(ANTENNA_COLUMNS) <= set(names):
                raise InputError(f"AntennaInfo: header without some of {', '.join(ANTENNA_COLUMNS)}")
        fields = _fields(block, names, skipped, trimmed=True).rename(
            {"t": "second", "Antenna ID": "cell", "Event Code": "code", "Device ID": "device"}
        )
        attached = fields.filter(pl.col("code").fill_null("") != str(DETACHED))
        second = pl.when(pl.col("second").str.contains(r"^[0-9]{1,9}$")).then(pl.col("second")).cast(pl.Int64)
        yield _judged(
            attached.with_columns(
                reason=pl.coalesce("reason", pl.when(second.is_null()).then(pl.lit(WRONG_SECOND))),
                time_text=pl.col("second"),
                at_utc=pl.lit(SIMULATOR_START, dtype=ROWS["at_utc"]) + pl.duration(seconds=second),
                home_mcc=pl.lit(""),
                visited_mcc=pl.lit(""),
            )
        )


def read_parquet_rows(stream: IO[bytes]) -> Iterator[pl.DataFrame]:
    """Rows of a Parquet file with the columns of the documented CSV, at_utc as a time with zone UTC.

    Raises InputError for other columns or types.
    """
    for first, table in _parquet_batches(stream, COLUMNS):
        if table.schema["at_utc"] != pl.Datetime("us", "UTC"):
            raise InputError(f"column at_utc is {table.schema['at_utc']}; expected microseconds with zone UTC")
        yield _judged(
            table.select(
                line=pl.int_range(first, first + pl.len(), dtype=pl.Int64),
                device=pl.col("device").cast(pl.String),
                at_utc="at_utc",
                time_text=pl.lit("time"),
                cell=pl.col("cell").cast(pl.String),
                reason=pl.lit(None, dtype=pl.String),
                **{
                    name: pl.col(name).cast(pl.String).fill_null("") if name in table.columns else pl.lit("")
                    for name in OPTIONAL
                },
            )
        )


def read_pipeline_rows(stream: IO[bytes]) -> Iterator[pl.DataFrame]:
    """Rows of raw events of multimno. Raises InputError for other columns."""
    for first, table in _parquet_batches(stream, PIPELINE_COLUMNS):
        judged = judge_pipeline_rows(table).with_columns(line=pl.int_range(first, first + pl.len(), dtype=pl.Int64))
        home = pl.lit("") if "mcc" not in table.columns else pl.Series(table["mcc"].cast(pl.String).fill_null(""))
        abroad = pl.lit("") if "plmn" not in table.columns else _country_of(table["plmn"])
        yield _judged(
            judged.with_columns(
                reason=pl.col("reason").replace_strict(_PIPELINE_REASONS, default=None, return_dtype=pl.String),
                time_text=pl.lit("time"),
                home_mcc=home,
                visited_mcc=abroad,
            ).with_columns(
                reason=pl.coalesce(
                    "reason", pl.when(pl.col("cell").is_null() & (pl.col("visited_mcc") == "")).then(pl.lit(NO_CELL))
                )
            )
        )


def _country_of(network: pl.Series) -> pl.Series:
    """Country code of the network abroad: the first three of the five or six digits of its number."""
    return network.cast(pl.String).str.slice(0, 3).fill_null("")


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with ROWS: country codes as numbers, and the first fault of each.

    `rows`: line, device, cell, home_mcc, visited_mcc as text, at_utc, time_text (empty where no time was given),
    reason (null, or a fault).
    """
    codes = {
        name: pl.when(pl.col(name).str.contains("^[0-9]{1,3}$")).then(pl.col(name)).cast(pl.Int16) for name in OPTIONAL
    }
    wrong_code = pl.any_horizontal(
        (pl.col(name) != "") & ~codes[name].is_between(1, 999).fill_null(value=False) for name in OPTIONAL
    )
    device, cell = pl.col("device").fill_null(""), pl.col("cell").fill_null("")
    reason = (
        pl.when(pl.col("reason").is_not_null())
        .then(pl.col("reason"))
        .when(device == "")
        .then(pl.lit(NO_DEVICE))
        .when(~device.str.contains(CELL))
        .then(pl.lit(WRONG_DEVICE))
        .when(pl.col("time_text").fill_null("") == "")
        .then(pl.lit(NO_TIME))
        .when(pl.col("at_utc").is_null())
        .then(pl.lit(WRONG_TIME))
        .when((cell != "") & ~cell.str.contains(CELL))
        .then(pl.lit(WRONG_CELL))
        .when(wrong_code.fill_null(value=False))
        .then(pl.lit(WRONG_NETWORK))
        .when((cell == "") & (pl.col("visited_mcc").fill_null("") == ""))
        .then(pl.lit(NO_PLACE))
    )
    return rows.select(
        "line",
        "device",
        "at_utc",
        cell=pl.when(cell != "").then(cell),
        home_mcc=codes["home_mcc"],
        visited_mcc=codes["visited_mcc"],
        reason=reason,
    )


def _parsed_time(column: str) -> pl.Expr:
    """UTC of a text; null for one of another form or a day that does not exist."""
    text = pl.when(pl.col(column).str.contains(_TIME)).then(pl.col(column))
    plain = text.str.replace("T", " ").str.replace(r"(Z|\+00:00)$", "")
    return plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False).dt.replace_time_zone("UTC")


def _optional(name: str, names: tuple[str, ...]) -> pl.Expr:
    return pl.col(name).fill_null("") if name in names else pl.lit("")


def _line_batches(stream: IO[bytes]) -> Iterator[Block]:
    """Blocks of lines joined to about _BATCH_LINES lines."""
    parts: list[Block] = []
    lines = 0
    for block in read_blocks(stream):
        parts.append(block)
        lines += block.count
        if lines >= _BATCH_LINES:
            yield _joined(parts)
            parts, lines = [], 0
    if parts:
        yield _joined(parts)


def _joined(parts: list[Block]) -> Block:
    too_long = frozenset(number for part in parts for number in part.too_long)
    return Block(parts[0].first_line, b"\n".join(part.data for part in parts), too_long)


def _texts(block: Block) -> list[str | None]:
    """Lines of a block; None for one that is no UTF-8."""
    try:
        return list(block.data.decode().split("\n"))
    except UnicodeDecodeError:
        return [_decoded(line) for line in block.lines]


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None


def _fields(block: Block, names: tuple[str, ...], skipped: int, *, trimmed: bool = False) -> pl.DataFrame:
    """Fields of the lines of a block by name, with `line` and `reason` (fault of a line that has no fields)."""
    texts = pl.DataFrame({"text": _texts(block)}, schema={"text": pl.String}).select(
        line=pl.int_range(block.first_line, block.first_line + pl.len(), dtype=pl.Int64),
        text=pl.col("text").str.strip_suffix("\r"),
    )[skipped:]
    too_long = pl.col("line").is_in(sorted(block.too_long))
    texts = texts.filter((pl.col("text") != "") | pl.col("text").is_null() | too_long)
    parts = texts.with_columns(fields=pl.col("text").str.split(","))
    fault = (
        pl.when(too_long)
        .then(pl.lit(TOO_LONG))
        .when(pl.col("text").is_null())
        .then(pl.lit(NO_TEXT))
        .when(pl.col("text").str.contains('"', literal=True))
        .then(pl.lit(QUOTED))
        .when(pl.col("fields").list.len() != len(names))
        .then(pl.lit(FIELDS))
    )
    columns = {}
    for place, name in enumerate(names):
        field = pl.col("fields").list.get(place, null_on_oob=True)
        columns[name] = field.str.strip_chars() if trimmed else field
    return parts.select("line", reason=fault, **columns)


def _parquet_batches(stream: IO[bytes], required: tuple[str, ...]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Number of the first row (from 1) and rows of each batch. Parquet is read from its end, out of a private file."""
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        file.seek(0)
        try:
            parquet = pq.ParquetFile(file)
            missing = [name for name in required if name not in parquet.schema_arrow.names]
            if missing:
                raise InputError(f"missing columns {', '.join(missing)}")
            first = 1
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
                table = cast("pl.DataFrame", pl.from_arrow(pa.Table.from_batches([batch])))
                yield first, table
                first += table.height
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"not Parquet that can be read: {type(error).__name__}") from error
