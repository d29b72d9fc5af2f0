"""Sources of the office's files: item indices, price quotes and series, recognised by their content.

A file whose name begins with `sim-` is simulated.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, Catchall, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.platform.ingest.tables.workbooks import is_workbook, workbook_fault
from ons_bigdata.prices.schemas import OfficialItemIndex, OfficialPriceQuote, OfficialSeriesValue
from ons_bigdata.prices.sources.official import item_indices, price_quotes, series

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.platform.ingest.sources import Recognise

COMMAND = "official"

SIMULATED = "sim-"
"""Prefix of the names of simulated files, which distinguishes them from files of the office."""

LANDING = LandingFolder(
    name="official_price_files",
    description=(
        "The office's files as they were published, unchanged, by their hash: item indices (CSV or workbook), price "
        "quotes (CSV) and single series (CSV with a preamble). Written by `ons-bigdata ingest official`."
    ),
)


def _origin(name: str) -> DataOrigin:
    return "simulated" if name.startswith(SIMULATED) else "real"


def _adapter(recognise: Recognise, read: Callable[..., Reading]) -> Callable[[Path], Adapter]:
    def read_landed(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return read(content, load_id=load_id, landed_at=file.landed_at)

    return lambda _dbt_project_dir: Adapter(recognise, read_landed)


def _by_header(name: str, content: bytes, *, has_header: Callable[[bytes], bool]) -> Recognised | Refused | None:
    """Recognise a file by its header; its months are in its rows. A workbook that must not be read is refused."""
    if is_workbook(content) and (fault := workbook_fault(content)):
        return Refused(fault)
    return Recognised("official", _origin(name), None) if has_header(content) else None


def _by_preamble(name: str, content: bytes) -> Recognised | None:
    """Recognise a file of a single series by its preamble, which has the identifier."""
    identifier = series.series_id(content)
    return None if identifier is None else Recognised("official", _origin(name), (identifier,))


def _source(
    name: str,
    version: str,
    adapter: Callable[[Path], Adapter],
    *,
    table: RawTable,
) -> Source:
    return Source(
        command=COMMAND,
        reader=Reader(name, name, version),
        area="comparison",
        adapter=adapter,
        table=table,
        landing=LANDING,
    )


ITEM_INDICES = _source(
    "official_item_indices",
    item_indices.READER_VERSION,
    _adapter(partial(_by_header, has_header=item_indices.has_header), item_indices.read_item_indices),
    table=RawTable(
        name="raw.official_item_indices",
        frame=OfficialItemIndex,
        description="One row per accepted row of a file of official item indices; files that wait are loaded.",
        partition_column="month",
        json_columns=("attributes",),
    ),
)
PRICE_QUOTES = _source(
    "official_price_quotes",
    price_quotes.READER_VERSION,
    _adapter(partial(_by_header, has_header=price_quotes.has_header), price_quotes.read_price_quotes),
    table=RawTable(
        name="raw.official_price_quotes",
        frame=OfficialPriceQuote,
        description="One row per accepted row of a file of official price quotes; files that wait are loaded.",
        partition_column="month",
        json_columns=("attributes",),
    ),
)
SERIES = _source(
    "official_series",
    series.READER_VERSION,
    _adapter(_by_preamble, series.read_series),
    table=RawTable(
        name="raw.official_series",
        frame=OfficialSeriesValue,
        description="One row per month of an official series; files that wait are loaded.",
        partition_column="series_id",
        partition_type="text",
    ),
)
UNRECOGNISED = Catchall(
    command=COMMAND,
    reader=Reader("official_prices", "official_files", "1"),
    reason=(
        "no official file: expected a header with INDEX_DATE, ITEM_ID, ALL_GM_INDEX, … (item indices) or with"
        " QUOTE_DATE, VALIDITY, BASE_PRICE, … (price quotes), or a preamble with Title and CDID (a series)"
    ),
)

SOURCES = (ITEM_INDICES, PRICE_QUOTES, SERIES, UNRECOGNISED)
