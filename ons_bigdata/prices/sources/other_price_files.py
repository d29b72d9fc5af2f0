"""Source `prices_other`: quote files of other price sources (an aggregator, a retailer), with a day for each row."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.landing import LandedFile, Reader
from ons_bigdata.platform.ingest.loading import Reading
from ons_bigdata.platform.ingest.sources import Adapter, LandingFolder, RawTable, Recognised, Refused, Source
from ons_bigdata.prices.calendar import DAYS, FIRST_DAY, today
from ons_bigdata.prices.schemas import OtherPriceQuote
from ons_bigdata.prices.sources import quote_files
from ons_bigdata.prices.sources.retailers import read_data_origins, read_retailers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

READER = Reader("prices_other", "other_quote_files", "2")

SEED = "seeds/prices/comparison/price_sources.csv"
"""Path of the seed within the dbt project: columns source, name, kind, data_origin."""


def read_price_sources(dbt_project_dir: Path) -> dict[str, DataOrigin]:
    """Return price source id → data origin, from the seed that dbt loads. Raises InputError as `read_data_origins`."""
    return read_data_origins(dbt_project_dir / SEED, key="source")


def recognise(name: str, _content: bytes, *, price_sources: Mapping[str, DataOrigin]) -> Recognised | Refused:
    """Recognise a file by its name: price source and day of delivery. Each row has its day of collection."""
    run = quote_files.parse_name(name)
    if run is None:
        return Refused(f"file name {name!r}; expected <source>_quotes_<YYYYMMDDHHMMSS>.csv with a real date")
    if run.retailer not in price_sources:
        known = ", ".join(sorted(price_sources)) or "none"
        return Refused(f"file name {name!r}: unknown source {run.retailer!r}; known: {known}")
    if not FIRST_DAY <= run.collected_on <= today():
        return Refused(f"dated {run.collected_on}; expected a day from {FIRST_DAY} to today")
    return Recognised(run.retailer, price_sources[run.retailer], None)


def read(file: LandedFile, content: bytes, load_id: str, *, retailers: Mapping[str, DataOrigin]) -> Reading:
    """Read a quote file into OtherPriceQuote rows and quarantined ones.

    Quarantined are rows of a price source other than that in the file name, and rows of retailers of the other origin:
    a simulated price source never brings quotes of real shops.
    """
    same_origin = [retailer for retailer, origin in retailers.items() if origin == file.data_origin]
    reading = quote_files.read_quote_file(
        content, file.name, load_id=load_id, retailers=same_origin, has_source=True, landed_at=file.landed_at
    )
    run = quote_files.parse_name(file.name)
    if reading.outcome != "loaded" or run is None:
        return Reading(reading.outcome, reading.reason, 0, reading.quotes, reading.quarantined)
    expected = run.retailer
    quotes = reading.quotes.with_columns(pl.lit(run.collected_on).alias("delivered_on"))
    foreign = quotes.filter(pl.col("source") != expected).select(
        pl.col("line").cast(pl.Int64),
        pl.format(f"source '{{}}'; expected '{expected}' as in the file name", "source").alias("reason"),
        pl.lit(None, pl.String).alias("content"),
    )
    accepted = OtherPriceQuote.validate(
        quotes.filter(pl.col("source") == expected).select(OtherPriceQuote.column_names())
    )
    quarantined = pl.concat([reading.quarantined, foreign]).sort("line")
    return Reading("loaded", None, reading.rows_in, accepted, quarantined)


def adapter_for(price_sources: Mapping[str, DataOrigin], retailers: Mapping[str, DataOrigin]) -> Adapter:
    """Return the functions of the source for these price sources and retailers (id → data origin)."""
    return Adapter(partial(recognise, price_sources=price_sources), partial(read, retailers=retailers))


def _adapter(dbt_project_dir: Path) -> Adapter:
    return adapter_for(read_price_sources(dbt_project_dir), read_retailers(dbt_project_dir))


OTHER_PRICE_FILES = Source(
    command="other-prices",
    reader=READER,
    area="comparison",
    adapter=_adapter,
    table=RawTable(
        name="raw.other_price_quotes",
        frame=OtherPriceQuote,
        description=(
            "One row per accepted row of another price source's quote file, rebuilt day by day from all files of it."
        ),
        partition_column="collected_on",
        json_columns=("attributes",),
    ),
    landing=LandingFolder(
        name="other_quote_files",
        description=(
            "Quote files of other price sources (an aggregator, a retailer) as they were delivered, unchanged, by "
            "their hash; docs/prices/comparison/other_sources.md describes their columns. Written by "
            "`ons-bigdata ingest other-prices`."
        ),
    ),
    calendar=DAYS,
)

SOURCES = (OTHER_PRICE_FILES,)
