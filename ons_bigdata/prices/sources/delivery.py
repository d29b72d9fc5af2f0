"""Deliveries of scrape files: what each file is by its name, and how it gets to landing.

Landing only: rows are read when the raw asset builds its partitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ons_bigdata.platform.deliveries import DeliveredFile, deliveries
from ons_bigdata.platform.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.loading import RawTable, Reading, refuse
from ons_bigdata.prices.sources import scrape_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.landing import DataOrigin

SOURCE = "prices"
READER = Reader(SOURCE, scrape_files.READER, scrape_files.READER_VERSION)

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
    for delivered in deliveries(paths, max_file_bytes=max_file_bytes):
        name = scrape_files.parse_name(delivered.name)
        if delivered.refusal is None and name is not None and name.retailer in retailers:
            file, is_new = landing.land(
                delivered.content or b"",
                source=SOURCE,
                delivery=name.retailer,
                name=delivered.name,
                data_origin=retailers[name.retailer],
                partitions=[name.collected_on.isoformat()],
            )
        else:
            file, is_new = _land_unknown(landing, delivered, retailers)
        yield Delivered(file, is_new)


def raw_price_quotes(retailers: Collection[str]) -> RawTable:
    """Return the raw table of price quotes with the reader that fills it."""

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        reading = scrape_files.read_scrape(content, file.name, load_id=load_id, retailers=retailers)
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


def _land_unknown(landing: Landing, delivered: DeliveredFile, retailers: Collection[str]) -> tuple[LandedFile, bool]:
    """Keep a file that no reader takes and say why."""
    content = delivered.content or b""
    file, is_new = landing.land(
        content, source=SOURCE, delivery=_UNKNOWN, name=delivered.name, data_origin=None, partitions=[]
    )
    reason = delivered.refusal
    if reason is None:
        reading = scrape_files.read_scrape(content, delivered.name, load_id=file.load_id(READER), retailers=retailers)
        reason = reading.reason or "not the name of a scrape file"
    refuse(landing, file, READER, reason)  # again for a known file: an earlier ingest may have been killed before this
    return file, is_new
