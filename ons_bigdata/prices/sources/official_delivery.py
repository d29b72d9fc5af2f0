"""Deliveries of official files: what kind each is by its content, which months it holds, and how it gets to landing.

Landing only: rows are read when the raw assets build their tables. A file whose name begins with `sim-` is simulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.deliveries import DeliveredFile, deliveries
from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.loading import RawTable, Reading, refuse
from ons_bigdata.prices.sources import official_indices, official_quotes, official_series
from ons_bigdata.prices.sources.delivery import Delivered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

SOURCE = "official_prices"
"""Source of the files that no reader of official files knows."""
UNKNOWN = Reader(SOURCE, "official_files", "1")

SIMULATED = "sim-"
"""Names of simulated files begin with this: none can pass for one of the office."""


@dataclass(frozen=True)
class OfficialKind:
    """One kind of official file. Each is a source of its own: a file waits for one reader, not for three."""

    reader: Reader
    table: RawTable
    partitions: Callable[[bytes], list[str]]
    """The partitions in a file; none where it is of another kind."""


def _table(reader: Reader, column: str, read: Callable[..., Reading], json_columns: tuple[str, ...]) -> RawTable:
    def of_landed(_: LandedFile, content: bytes, load_id: str) -> Reading:
        return read(content, load_id=load_id)

    return RawTable(
        name=f"raw.{reader.source}",
        partition_column=column,
        partition_type="text" if column == "series_id" else "date",
        reader=reader,
        read=of_landed,
        json_columns=json_columns,
    )


def _keys(months: Callable[[bytes], list[date]]) -> Callable[[bytes], list[str]]:
    return lambda content: [month.isoformat() for month in months(content)]


def _series(content: bytes) -> list[str]:
    identifier = official_series.series_id(content)
    return [] if identifier is None else [identifier]


_INDICES = Reader("official_item_indices", official_indices.READER, official_indices.READER_VERSION)
_QUOTES = Reader("official_price_quotes", official_quotes.READER, official_quotes.READER_VERSION)
_SERIES = Reader("official_series", official_series.READER, official_series.READER_VERSION)

ITEM_INDICES = OfficialKind(
    _INDICES,
    _table(_INDICES, "month", official_indices.read_item_indices, ("attributes",)),
    _keys(official_indices.months),
)
PRICE_QUOTES = OfficialKind(
    _QUOTES, _table(_QUOTES, "month", official_quotes.read_price_quotes, ("attributes",)), _keys(official_quotes.months)
)
SERIES = OfficialKind(_SERIES, _table(_SERIES, "series_id", official_series.read_series, ()), _series)
KINDS = (ITEM_INDICES, PRICE_QUOTES, SERIES)


def land(paths: Sequence[Path], landing: Landing, *, max_file_bytes: int) -> Iterator[Delivered]:
    """Land every file of the paths (directories, archives, single files) and yield what became of it.

    A file that no reader knows lands too, and is refused with the reason. So does one without bytes: its kind is in
    its content.
    """
    contents: dict[str, str] = {}
    for delivered in deliveries(paths, max_file_bytes=max_file_bytes):
        kind, partitions, refusal = _examined(delivered, contents)
        file, is_new = landing.land(
            delivered.content,
            source=SOURCE if kind is None else kind.reader.source,
            delivery="unknown" if kind is None else "official",
            name=delivered.name,
            data_origin=None if kind is None else _origin(delivered.name),
            partitions=partitions,
        )
        if refusal is not None:
            refuse(landing, file, UNKNOWN, refusal)
        yield Delivered(file, is_new)


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


def _examined(delivered: DeliveredFile, contents: dict[str, str]) -> tuple[OfficialKind | None, list[str], str | None]:
    """Return kind and partitions of a file, or why it is not taken in; remember its content by its name."""
    if delivered.refusal is not None or delivered.content is None:
        return None, [], delivered.refusal or "not read"
    sha256 = hashlib.sha256(delivered.content).hexdigest()
    if contents.setdefault(delivered.name, sha256) != sha256:
        return None, [], f"another file of this name with other content is in the same delivery ({delivered.origin})"
    if not delivered.content:
        return None, [], "no bytes"
    for kind in KINDS:
        if partitions := kind.partitions(delivered.content):
            return kind, partitions, None
    return (
        None,
        [],
        (
            "no official file: expected a header with INDEX_DATE, ITEM_ID, ALL_GM_INDEX, … (item indices) or with"
            " QUOTE_DATE, VALIDITY, BASE_PRICE, … (price quotes) and a row with a month, or a preamble with Title and"
            " CDID (a series)"
        ),
    )
