"""Readings written by hand in each format, and how tests read them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from ons_bigdata.meters.sources.formats import BY_NAME, Options
from ons_bigdata.meters.sources.formats.rows import READING_COLUMNS, Readings
from ons_bigdata.platform.ingest.bulk import Batch
from ons_bigdata.platform.pseudonyms import PseudonymKey

KEY = PseudonymKey(bytes(range(32)))

CER = b"1392 19503 0.14\n1392 19504 0.138\n"
LCL = (
    b"LCLid,stdorToU,DateTime,KWH/hh (per half hour) \r\n"
    b"MAC000002,Std,2012-10-12 00:30:00.0000000, 0 \r\n"
    b"MAC000002,Std,2012-10-12 01:00:00.0000000, 0.2 \r\n"
)
HDF = (
    b"MPRN,Meter Serial Number,Read Value,Read Type,Read Date and End Time\n"
    b"10001234567,000000000012345678,0.4,Active Import Interval (kW),01-01-2024 00:30\n"
)
GENERIC = b"meter,started_at,kwh\nm1,2024-01-01T00:00:00Z,0.5\n"


def values(count: int, value: str = "0.5") -> str:
    """Values of a record, separated by commas."""
    return ",".join([value] * count)


def nem12(*records: str) -> bytes:
    """Write a file with header and end."""
    return "".join(f"{record}\n" for record in ("100,NEM12,202401010000,MDP,RET", *records, "900")).encode()


def nem13(*records: str) -> bytes:
    """Write a file with header and end."""
    return "".join(f"{record}\n" for record in ("100,NEM13,202401010000,MDP,RET", *records, "900")).encode()


def days(*lines: str, labels: Iterable[str] | None = None) -> bytes:
    """Write a file with a day a line and 48 columns of half hours."""
    names = labels or (f"hh{column}" for column in range(1, 49))
    return "\n".join([",".join(["mpan", "date", *names]), *lines, ""]).encode()


def read(content: bytes, form: str, name: str = "file.csv", options: Options | None = None) -> Readings:
    """All rows of a file of a format."""
    opened = BY_NAME[form].open(name, content[:65_536], options or {})
    assert opened is not None, f"not recognised as {form}"
    parts = list(opened(io.BytesIO(content)))
    return Readings(
        pl.concat([pl.DataFrame(schema=READING_COLUMNS), *(_as_text(part.accepted) for part in parts)]),
        pl.concat([part.quarantined for part in parts]),
    )


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("meter").cast(pl.String))


def starts(readings: Readings) -> list[datetime]:
    """Instants of the accepted rows."""
    return readings.accepted["started_at"].to_list()


def at(text: str) -> datetime:
    """Instant of an ISO text in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def reasons(rows: Readings | Batch) -> dict[str, int]:
    """Number of quarantined rows by their reason."""
    return dict(Counter(rows.quarantined["reason"]))
