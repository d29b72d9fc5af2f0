"""Source `geo_events`: archives of geo-located events in any of the known formats."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from functools import partial
from typing import IO, TYPE_CHECKING

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.landing import Reader
from ons_bigdata.platform.ingest.lines import Block, read_blocks
from ons_bigdata.platform.ingest.sources import (
    BulkSource,
    LandingFolder,
    Recognised,
    Refused,
    pseudonymising_adapter,
)
from ons_bigdata.platform.lake.tables import LakeTable
from ons_bigdata.tweets.calendar import DAYS
from ons_bigdata.tweets.schemas.events import GeoEvent
from ons_bigdata.tweets.schemas.vocabulary import SIMULATED
from ons_bigdata.tweets.sources.compliance.archive_lines import read_archive_rules
from ons_bigdata.tweets.sources.event_json import read_json_lines
from ons_bigdata.tweets.sources.event_rows import Platform, RawRows, judge
from ons_bigdata.tweets.sources.event_text import read_check_ins, read_pilot_csv
from ons_bigdata.tweets.sources.rolled_files import POSTS, is_rolled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ons_bigdata.platform.ingest.bulk import Batch
    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.pseudonyms import PseudonymKey

GEO_EVENTS = LakeTable(
    name="geo_events",
    columns={name: column.dtype for name, column in GeoEvent.columns().items()},
    entity_column="user_key",
    order=("user_key", "ts_utc", "event_id"),
    buckets=8,
)

BATCH_LINES = 50_000
"""Lines of a batch."""

STRETCH_BYTES = 32 * 1024 * 1024
"""Bytes of an archive that a process is given at a time: some ten thousand posts."""

TWITTER = "twitter"

ReadBlock = Callable[[Block, RawRows], None]
"""Adds the rows and faults of a block of lines. Never raises for any content."""

_CHECK_INS = re.compile(r"(?:loc-)?([a-z0-9]+)[_-].*check-?ins.*\.(?:txt|csv|tsv)", re.IGNORECASE)
_ID_PATTERNS: dict[ReadBlock, dict[str, str]] = {
    read_json_lines: {"user": "^[0-9]{1,20}$", "event": "^[0-9]{1,20}$"},
    read_pilot_csv: {"user": "^[0-9]{1,20}$", "event": "^[0-9_]{3,40}$"},
    read_check_ins: {"user": "^[!-~]{1,64}$", "event": "^[!-~]{1,200}$"},
}
_PILOT_LINE = re.compile(rb"\A(?:\xef\xbb\xbf)?[0-9]{1,11},[0-9]{1,20},")

EXPECTED = (
    "expected posts as lines of JSON (v2, v1.1, activity streams), the pilot's CSV, or check-ins"
    " named <platform>_….checkins….txt, .tsv or .csv"
)


def recognise(name: str, head: bytes) -> Recognised | Refused:
    """Recognise an archive by its name (check-ins, simulated ones) and its first line."""
    if not head:
        return Refused("no bytes")
    platform, read = _platform_and_format(name, head)
    found = _other_form(head) if read is not read_check_ins and not is_rolled(name, POSTS) else None
    if found is not None:
        return Refused(f"found {found}; {EXPECTED}")
    if platform is None or read is None:
        return Refused(EXPECTED)
    return Recognised(platform, _origin(name), None)


def _other_form(head: bytes) -> str | None:
    """Name another form than lines of JSON that the beginning of a file shows; None where it shows none."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "text in UTF-16"
    text = head.removeprefix(codecs.BOM_UTF8).strip()
    first_line = text.partition(b"\n")[0].strip()
    if not text:
        return "nothing but blank lines"
    if text.startswith(b"["):
        return "a JSON array"
    return "JSON over several lines" if first_line == b"{" else None


def read_batches(stream: IO[bytes], name: str, head: bytes | None = None, *, key: PseudonymKey) -> Iterator[Batch]:
    """Batches of an archive, of BATCH_LINES lines or somewhat more. Raises InputError for a file of no known format.

    With `head`, the beginning of an archive, those of lines after its first one, which are numbered from 2.
    """
    read: ReadBlock | None = None
    platform: Platform | None = None
    rows = RawRows()
    for block in read_blocks(stream, first_line=1 if head is None else 2):
        if read is None or platform is None:
            source, read = _platform_and_format(name, block.data if head is None else head)
            if source is None or read is None:
                raise InputError(EXPECTED)
            platform = Platform(source, _origin(name), _ID_PATTERNS[read], key)
        read(block, rows)
        if rows.lines >= BATCH_LINES:
            yield judge(rows, platform)
            rows = RawRows()
    if platform is not None and rows.lines:
        yield judge(rows, platform)


def is_by_line(name: str, head: bytes) -> bool:
    """True for archives of all known formats: each has one event a line."""
    return _platform_and_format(name, head)[1] is not None


def _platform_and_format(name: str, head: bytes) -> tuple[str | None, ReadBlock | None]:
    """Platform and reader of an archive; None for an unknown one."""
    check_ins = _CHECK_INS.fullmatch(name.removeprefix(SIMULATED))
    if check_ins is not None:
        return check_ins[1].lower(), read_check_ins
    # the first line of a rolled file may be anything that the stream has sent
    if is_rolled(name, POSTS) or head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return TWITTER, read_json_lines
    if _PILOT_LINE.match(head):
        return TWITTER, read_pilot_csv
    return None, None


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


NAME = "geo_events"


def id_space(name: str) -> str:
    """Name under which the pseudonyms of the platform's users in a file are made, by the name of the file."""
    return TWITTER if _origin(name) == "real" else f"{_origin(name)} {TWITTER}"


SOURCES = (
    BulkSource(
        command="tweets",
        reader=Reader(NAME, "geo_event_archive", "1"),
        area="collection",
        adapter=pseudonymising_adapter(recognise, read_batches, is_by_line=is_by_line, stretch_bytes=STRETCH_BYTES),
        table=GEO_EVENTS,
        description="One row per geo-located event of an archive with its position and time.",
        columns={name: column.description or "" for name, column in GeoEvent.columns().items()},
        partition_column="event_day",
        landing=LandingFolder(
            "geo_events",
            "Archives of geo-located events, and files rolled from the stream of posts. Written by `ons-bigdata ingest"
            " tweets` and `ons-bigdata harvest tweets`; redacted by `ons-bigdata compliance`.",
            written_after=("restricted.tweet_tombstones",),
        ),
        calendar=DAYS,
        max_file_bytes=200 * 1024**3,
        max_ratio=100,
        is_personal=True,
        expires_after_days=30,
        read_rules=partial(
            read_archive_rules, source=NAME, platform=TWITTER, find_format=_platform_and_format, id_space=id_space
        ),
    ),
)
