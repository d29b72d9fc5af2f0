"""Deliveries of other sources' quote files (an aggregator's, a retailer's own): their names, sources and landing.

The CSV itself is `quote_files`'; which sources there are is the seed's to say.
"""

from __future__ import annotations

import csv
import hashlib
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.errors import InputError
from ons_bigdata.platform.ingest.deliveries import DeliveredFile, deliveries
from ons_bigdata.platform.ingest.landing import LandedFile, Landing, Reader
from ons_bigdata.platform.ingest.loading import RawTable, Reading, refuse
from ons_bigdata.prices.calendar import FIRST_DAY, today
from ons_bigdata.prices.schemas import OtherPriceQuote
from ons_bigdata.prices.sources import quote_files
from ons_bigdata.prices.sources.delivery import Delivered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from ons_bigdata.platform.ingest.landing import DataOrigin

SOURCE = "prices_other"
READER = Reader(SOURCE, "other_quote_files", "1")

SEED = "seeds/prices/comparison/price_sources.csv"
"""Path of the seed within the dbt project: columns source, name, kind, data_origin."""


def read_sources(dbt_project_dir: Path) -> dict[str, DataOrigin]:
    """Return source id → data origin, from the seed that dbt loads.

    Raises InputError for a row whose data origin is neither real nor simulated, with file and line.
    """
    path = dbt_project_dir / SEED
    sources: dict[str, DataOrigin] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            if row["data_origin"] not in ("real", "simulated"):
                raise InputError(
                    f"{path}, line {reader.line_num}, column data_origin: expected real or simulated, "
                    f"found {row['data_origin']!r}"
                )
            sources[row["source"]] = "real" if row["data_origin"] == "real" else "simulated"
    return sources


def land(
    paths: Sequence[Path],
    landing: Landing,
    *,
    sources: Mapping[str, DataOrigin],
    retailers: Mapping[str, DataOrigin],
    max_file_bytes: int,
) -> Iterator[Delivered]:
    """Land every file of the paths and yield what became of it. Others than `<source>_quotes_<time>.csv` are refused.

    A file touches the days of its quotes, which are in its content. Its source and its retailers are of one origin: a
    simulated source never brings quotes of real shops.
    """
    contents: dict[str, str] = {}
    for delivered in deliveries(paths, max_file_bytes=max_file_bytes):
        refusal = _refusal(delivered, sources, contents)
        name = quote_files.parse_name(delivered.name)
        if refusal is None and name is not None and delivered.content is not None:
            origin = sources[name.retailer]
            file, is_new = landing.land(
                delivered.content,
                source=SOURCE,
                delivery=name.retailer,
                name=delivered.name,
                data_origin=origin,
                partitions=days_in(delivered.content, delivered.name, retailers=retailers, data_origin=origin),
            )
        else:
            file, is_new = landing.land(
                delivered.content,
                source=SOURCE,
                delivery="unknown",
                name=delivered.name,
                data_origin=None,
                partitions=[],
            )
            refuse(landing, file, READER, refusal or "not the name of a quote file")
        yield Delivered(file, is_new)


def _refusal(delivered: DeliveredFile, sources: Collection[str], contents: dict[str, str]) -> str | None:
    """Return why a delivered file is not taken in; remember its content by its name."""
    if delivered.refusal is not None or delivered.content is None:
        return delivered.refusal or "not read"
    sha256 = hashlib.sha256(delivered.content).hexdigest()
    if contents.setdefault(delivered.name, sha256) != sha256:
        return f"another file of this name with other content is in the same delivery ({delivered.origin})"
    name = quote_files.parse_name(delivered.name)
    if name is None:
        return f"file name {delivered.name!r}; expected <source>_quotes_<YYYYMMDDHHMMSS>.csv with a real date"
    if name.retailer not in sources:
        known = ", ".join(sorted(sources)) or "none"
        return f"file name {delivered.name!r}: unknown source {name.retailer!r}; known: {known}"
    if not FIRST_DAY <= name.collected_on <= today():
        return f"dated {name.collected_on}; expected a day from {FIRST_DAY} to today"
    return None


def raw_other_quotes(retailers: Mapping[str, DataOrigin]) -> RawTable:
    """Return the raw table of other sources' quotes with the reader that fills it."""

    def read(file: LandedFile, content: bytes, load_id: str) -> Reading:
        return _read(content, file.name, load_id=load_id, retailers=retailers, data_origin=file.data_origin)

    return RawTable(
        name="raw.other_price_quotes",
        partition_column="collected_on",
        reader=READER,
        read=read,
        json_columns=("attributes",),
    )


def _read(
    content: bytes, name: str, *, load_id: str, retailers: Mapping[str, DataOrigin], data_origin: DataOrigin | None
) -> Reading:
    """Read a quote file; rows of another source than its name says, or of another origin's shops, are quarantined."""
    same_origin = [retailer for retailer, origin in retailers.items() if origin == data_origin]
    found = quote_files.read_quote_file(content, name, load_id=load_id, retailers=same_origin, has_source=True)
    parsed = quote_files.parse_name(name)
    if found.outcome != "loaded" or parsed is None:
        return Reading(found.outcome, found.reason, 0, found.quotes, found.quarantined)
    expected = parsed.retailer
    quotes = found.quotes.with_columns(pl.lit(parsed.collected_on).alias("delivered_on"))
    strangers = quotes.filter(pl.col("source") != expected).select(
        pl.col("line").cast(pl.Int64),
        pl.format(f"source '{{}}'; expected '{expected}' as in the file name", "source").alias("reason"),
        pl.lit(None, pl.String).alias("content"),
    )
    accepted = OtherPriceQuote.validate(
        quotes.filter(pl.col("source") == expected).select(OtherPriceQuote.column_names())
    )
    kept = pl.concat([found.quarantined, strangers]).sort("line")
    return Reading("loaded", None, found.rows_in, accepted, kept)


def days_in(content: bytes, name: str, *, retailers: Mapping[str, DataOrigin], data_origin: DataOrigin) -> list[str]:
    """Return the days whose quotes a file holds, sorted; the day of its name where it holds none."""
    found = _read(content, name, load_id="0" * 16, retailers=retailers, data_origin=data_origin).accepted
    parsed = quote_files.parse_name(name)
    if found.is_empty():
        return [] if parsed is None else [parsed.collected_on.isoformat()]
    return found["collected_on"].unique().sort().cast(pl.String).to_list()
