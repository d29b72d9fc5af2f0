"""Source `prices`: scrape files of the prototype and quote files of our own scrapes, distinguished by their names."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.prices.calendar import DAYS, FIRST_DAY, today
from ons_bigdata.prices.schemas import PriceQuote
from ons_bigdata.prices.sources import quote_files, scrape_files
from ons_bigdata.prices.sources.retailers import read_retailers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin
    from ons_bigdata.prices.sources.scrape_files import ScrapeName

READER = Reader("prices", scrape_files.READER, scrape_files.READER_VERSION)
"""Version of the reader of both forms of file: with a new version of either every file is read again."""


def parse_name(name: str) -> ScrapeName | None:
    """Parse the name of a scrape file or a quote file; None for any other."""
    return scrape_files.parse_name(name) or quote_files.parse_name(name)


def recognise(name: str, _content: bytes, *, retailers: Mapping[str, DataOrigin]) -> Recognised | Refused:
    """Recognise a file by its name: retailer and day. A day outside the calendar is refused."""
    run = parse_name(name)
    if run is None:
        return Refused(scrape_files.name_fault(name))
    if run.retailer not in retailers:
        return Refused(scrape_files.retailer_fault(name, run.retailer, retailers))
    if not FIRST_DAY <= run.collected_on <= today():
        return Refused(f"dated {run.collected_on}; expected a day from {FIRST_DAY} to today")
    return Recognised(run.retailer, retailers[run.retailer], (run.collected_on.isoformat(),))


def read(file: LandedFile, content: bytes, load_id: str, *, retailers: Mapping[str, DataOrigin]) -> Reading:
    """Read a file by the reader of its form into PriceQuote rows."""
    read_form = quote_files.read_quote_file if quote_files.parse_name(file.name) else scrape_files.read_scrape
    reading = read_form(content, file.name, load_id=load_id, retailers=retailers, landed_at=file.landed_at)
    return Reading(reading.outcome, reading.reason, reading.rows_in, reading.quotes, reading.quarantined)


def adapter_for(retailers: Mapping[str, DataOrigin]) -> Adapter:
    """Return the functions of the source for these retailers (id → data origin)."""
    return Adapter(partial(recognise, retailers=retailers), partial(read, retailers=retailers))


def _adapter(dbt_project_dir: Path) -> Adapter:
    return adapter_for(read_retailers(dbt_project_dir))


PRICE_FILES = Source(
    command="prices",
    reader=READER,
    area="collection",
    adapter=_adapter,
    table=RawTable(
        name="raw.price_quotes",
        frame=PriceQuote,
        description="One row per accepted row of a scrape or quote file, rebuilt day by day from all files of the day.",
        partition_column="collected_on",
        json_columns=("attributes",),
    ),
    landing=LandingFolder(
        name="price_scrapes",
        description=(
            "The scrape files as they were delivered, and the quote files of our own scrapes, unchanged, by their "
            "hash; `ops.files` lists them. Written by `ons-bigdata ingest prices` and by raw/scrape_runs. The columns "
            "below are those of a scrape file; docs/prices/collection/scraping.md has those of a quote file."
        ),
        columns={
            "timestamp": "time of the row, YYYY-MM-DD HH:MM:SS with up to 6 decimals, Europe/London",
            "store": "retailer, in any case; the retailer of the file name, or the row is quarantined",
            "ons_item_no": "CPI item number, six digits",
            "ons_item_name": "name of the item",
            "product_type": "the retailer's shelf, by its category path",
            "search_string": "search words of the scraper",
            "product_name": "name of the product as the shop shows it",
            "item_price_str": "price as the shop shows it, e.g. £1.50 or 99p",
            "item_price_num": "the same price as a number, GBP",
            "volume_price": "price per quantity as the shop shows it, e.g. (37.5p / 100g)",
            "unit_price": "price in GBP per `no_units` of `units`; empty where the shop gives none",
            "no_units": "quantity that the unit price is for, e.g. 100; empty where unknown",
            "units": "measure of that quantity, e.g. g, kg, cl, litre, each",
            "std_price": "price in GBP per `std_unit`; 0.0 where the scraper could not convert it",
            "std_unit": "measure of the standard price; `unknown` where the scraper could not convert it",
            "promo": "text of the promotion; empty where there is none",
            "offer": "text of the offer, where the retailer keeps it apart from `promo`",
            "ml_prediction": "whether the scraper's classifier took the product for the item; kept, not used",
            "single_class": "the same by its one-class classifier; kept, not used",
        },
        written_after=("raw.scrape_runs",),
    ),
    calendar=DAYS,
)

SOURCES = (PRICE_FILES,)
