"""Source `tweet_stream_gaps`: times without connection that the collector of the stream has recorded."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.ledger import QUARANTINE_SCHEMA
from ons_bigdata.platform.ingest.loading import Reading, refused_reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Source
from ons_bigdata.tweets.calendar import DAYS
from ons_bigdata.tweets.schemas.stream import StreamGap
from ons_bigdata.tweets.schemas.vocabulary import GAP_REASONS, SIMULATED
from ons_bigdata.tweets.sources.rolled_files import GAPS, is_rolled

if TYPE_CHECKING:
    from ons_bigdata.platform.ingest.landing import LandedFile

_STREAM = re.compile(r"[a-z0-9_-]{1,64}")


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    stream: str
    from_utc: datetime
    to_utc: datetime
    reason: str
    detail: str | None
    failed_attempts: int
    responses: str | None
    half_line_bytes: int


_decode = msgspec.json.Decoder(_Line).decode


def recognise(name: str, _content: bytes) -> Recognised | None:
    """Recognise a file of gaps by its name; None for any other, which may be an archive."""
    if not is_rolled(name, GAPS):
        return None
    return Recognised("twitter", "simulated" if name.startswith(SIMULATED) else "real", None)


def read(_file: LandedFile, content: bytes, load_id: str) -> Reading:
    """Read a file into StreamGap rows and quarantined ones. Never raises for any content."""
    if not content:
        return refused_reading("no bytes", "outage")
    rows: list[dict[str, object]] = []
    faults: list[tuple[int, str, str]] = []
    for number, text in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
        found = _judge(text)
        if isinstance(found, str):
            faults.append((number, found, text.decode("utf-8", "backslashreplace")))
            continue
        day = found.from_utc.astimezone(UTC).date()
        rows.append({"load_id": load_id, "line": number, "gap_day": day, **msgspec.structs.asdict(found)})
    schema = {name: column.dtype for name, column in StreamGap.columns().items()}
    accepted = StreamGap.validate(pl.DataFrame(rows, schema=schema, orient="row"))
    quarantined = pl.DataFrame(faults, schema=QUARANTINE_SCHEMA, orient="row")
    return Reading("loaded", None, len(rows) + len(faults), accepted, quarantined)


def _judge(text: bytes) -> _Line | str:
    """Return the gap of a line, or the reason against it."""
    try:
        line = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"no gap: {error}"
    has_zones = line.from_utc.tzinfo is not None and line.to_utc.tzinfo is not None
    faults = {
        "a time without zone": not has_zones,
        "to_utc before from_utc": has_zones and line.to_utc < line.from_utc,
        f"reason {line.reason!r}; expected one of {', '.join(GAP_REASONS)}": line.reason not in GAP_REASONS,
        f"stream {line.stream!r}; expected 1 to 64 of a-z, 0-9, '_' and '-'": not _STREAM.fullmatch(line.stream),
        "a count below 0 or too large": not (0 <= line.failed_attempts < 2**31 and 0 <= line.half_line_bytes < 2**63),
    }
    return next((reason for reason, is_so in faults.items() if is_so), line)


SOURCES = (
    Source(
        command="tweet-stream-gaps",
        reader=Reader("tweet_stream_gaps", "tweet_stream_gap_lines", "1"),
        area="collection",
        adapter=lambda _dbt_project_dir: Adapter(recognise, read),
        table=RawTable(
            name="raw.tweet_stream_gaps",
            frame=StreamGap,
            description="One row per time without connection to the stream of posts, with its reason.",
            partition_column="gap_day",
        ),
        landing=LandingFolder(
            "tweet_stream_gaps",
            "Times without connection to the stream of posts. Written by `ons-bigdata harvest tweets`.",
        ),
        calendar=DAYS,
    ),
)
