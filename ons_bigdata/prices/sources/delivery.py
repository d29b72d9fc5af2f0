"""Deliveries of scrape files and quote files: what each file is by its name, and how it gets to landing.

Landing only: rows are read when the raw asset builds its partitions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.deliveries import DeliveredFile, deliveries
from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.loading import RawTable, Reading, refuse
from ons_bigdata.prices.calendar import FIRST_DAY, today
from ons_bigdata.prices.sources import quote_files, scrape_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.prices.sources.scrape_files import ScrapeName, ScrapeReading

SOURCE = "prices"
READER = Reader(SOURCE, scrape_files.READER, scrape_files.READER_VERSION)
"""One reader for both forms of file, which the name tells apart: a new version of either reads every file again."""

_UNKNOWN = "unknown"
"""Delivery folder of files that no reader knows."""


@dataclass(frozen=True)
class Delivered:
    """One delivered file and what became of it: new in the ledger or known there."""

    file: LandedFile
    is_new: bool


def land(
    paths: Sequence[Path],
    landing: Landing,
    *,
    retailers: Mapping[str, DataOrigin],
    max_file_bytes: int,
) -> Iterator[Delivered]:
    """Land every file of the paths (directories, archives, single files) and yield what became of it.

    A file that is no scrape lands too, and is refused with the reason.
    """
    contents: dict[str, str] = {}
    for delivered in deliveries(paths, max_file_bytes=max_file_bytes):
        refusal = _refusal(delivered, retailers, contents)
        name = parse_name(delivered.name)
        if refusal is None and name is not None:
            file, is_new = landing.land(
                delivered.content,
                source=SOURCE,
                delivery=name.retailer,
                name=delivered.name,
                data_origin=retailers[name.retailer],
                partitions=[name.collected_on.isoformat()],
            )
        else:
            file, is_new = landing.land(
                delivered.content,
                source=SOURCE,
                delivery=_UNKNOWN,
                name=delivered.name,
                data_origin=None,
                partitions=[],
            )
            # again for a known file: an earlier ingest may have been killed before this
            refuse(landing, file, READER, refusal or "not the name of a scrape file or a quote file")
        yield Delivered(file, is_new)


def _refusal(delivered: DeliveredFile, retailers: Collection[str], contents: dict[str, str]) -> str | None:
    """Return why a delivered file is not taken in; remember its content by its name."""
    if delivered.refusal is not None or delivered.content is None:
        return delivered.refusal or "not read"
    sha256 = hashlib.sha256(delivered.content).hexdigest()
    if contents.setdefault(delivered.name, sha256) != sha256:
        return f"another file of this name with other content is in the same delivery (this one: {delivered.origin})"
    name = parse_name(delivered.name)
    if name is None or name.retailer not in retailers:
        # the reader says what is wrong with a name
        return _read(delivered.content, delivered.name, load_id="0" * 16, retailers=retailers).reason
    if not FIRST_DAY <= name.collected_on <= today():
        return f"dated {name.collected_on}; expected a day from {FIRST_DAY} to today"
    return None


def parse_name(name: str) -> ScrapeName | None:
    """Parse the name of a scrape file or a quote file; None for any other."""
    return scrape_files.parse_name(name) or quote_files.parse_name(name)


def _read(content: bytes, name: str, *, load_id: str, retailers: Collection[str]) -> ScrapeReading:
    """Read a file by the reader of its form; a name of neither is refused as that of a scrape file."""
    read = quote_files.read_quote_file if quote_files.parse_name(name) else scrape_files.read_scrape
    return read(content, name, load_id=load_id, retailers=retailers)


def raw_price_quotes(retailers: Collection[str]) -> RawTable:
    """Return the raw table of price quotes with the reader that fills it."""

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        reading = _read(content, file.name, load_id=load_id, retailers=retailers)
        return Reading(
            outcome=reading.outcome,
            reason=reading.reason,
            rows_in=reading.rows_in,
            accepted=reading.quotes,
            quarantined=reading.quarantined,
        )

    return RawTable(
        name="raw.price_quotes",
        partition_column="collected_on",
        reader=READER,
        read=read,
        json_columns=("attributes",),
    )
