"""Reader of quote files: the documented CSV of price quotes of our scraper, an aggregator or a retailer.

One row per product listing; docs/prices/collection/scraping.md describes the columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from ons_bigdata.platform.ingest.tables.csv_lines import (
    columns_of,
    header_fault,
    matching,
    quarantined,
    reason,
    refused_rows,
    split_lines,
    split_rows,
)
from ons_bigdata.prices.calendar import FIRST_DAY, LONDON
from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP
from ons_bigdata.prices.sources import scrape_files
from ons_bigdata.prices.sources.quote_writer import COLUMNS, SOURCE_COLUMN
from ons_bigdata.prices.sources.scrape_files import (
    EARLIEST,
    LATEST,
    PLAUSIBLE_TIMES,
    ScrapeName,
    ScrapeReading,
    future_faults,
    retailer_fault,
    validated_quotes,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ATTRIBUTES = ("was_price_gbp", "loyalty_price_gbp", "multibuy", "in_stock", "url")
"""Columns that go to `attributes` of raw.price_quotes where they are not empty."""

_PRICE = r"^[0-9]{1,6}(?:\.[0-9]{1,6})?$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
_UNIT = r"^(?:[1-9][0-9]{0,8}|0)(?:\.[0-9]{0,8}[1-9])? [a-z]{1,20}$"


def parse_name(name: str) -> ScrapeName | None:
    """Parse `<retailer>_quotes_<YYYYMMDDHHMMSS>.csv`; None for any other name or an impossible date."""
    return scrape_files.parse_name(name, "quotes")


def read_quote_file(
    content: bytes,
    name: str,
    *,
    load_id: str,
    retailers: Collection[str],
    has_source: bool = False,
    landed_at: datetime | None = None,
) -> ScrapeReading:
    """Read one quote file into quotes (PriceQuote) and quarantined rows; as strict as `read_scrape`.

    With `has_source` the file begins with the column `source`, and so do the quotes. The name then has the source and
    day of delivery; rows may be of any run and any day of the calendar, and `collected_on` is the day (London) of each
    row. Without it all rows are of the run in the name, and `collected_on` is its day.

    An empty file is an `outage`. A wrong name, an unknown retailer, another header or bytes that are not text are
    `refused`, with the reason. A row that was collected after `landed_at`, the arrival of the file (None: not
    compared), is quarantined. Never raises for any content.
    """
    run = parse_name(name)
    if run is None:
        expected = "<retailer>_quotes_<YYYYMMDDHHMMSS>.csv with a real date"
        return ScrapeReading("refused", f"file name {name!r}; expected {expected}")
    if run.retailer not in retailers and not has_source:
        return ScrapeReading("refused", retailer_fault(name, run.retailer, retailers))
    if not content:
        return ScrapeReading("outage", "no bytes")
    columns = (SOURCE_COLUMN, *COLUMNS) if has_source else COLUMNS
    lines, faults = split_lines(content)
    if fault := faults.get(0) or header_fault(lines[0], columns):
        return ScrapeReading("refused", f"file {name!r}: {fault}")
    numbers, fields, broken = split_rows(
        lines, faults, fields_per_row=len(columns), cut_short=not content.endswith(b"\n")
    )
    parsed = columns_of(numbers, fields, columns).with_columns(_parsed())
    origin = _faults_of_source(retailers) if has_source else _faults_of_run(run)
    good, refused = refused_rows(
        parsed,
        [
            *origin,
            *_faults_of_time(None if has_source else run),
            *future_faults(landed_at, "collected_at"),
            *_faults_of_price(),
            *_faults_of_rest(),
        ],
    )
    quotes, unexpected = _checked(good.select(_quote_columns(run, load_id, has_source=has_source)))
    unread = quarantined({**broken, **refused, **unexpected}, lines)
    return ScrapeReading("loaded", None, quotes.height + unread.height, quotes, unread)


def _checked(quotes: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, str]]:
    """Validate the quotes against PriceQuote, with or without the column `source` before its columns."""
    if SOURCE_COLUMN not in quotes.columns:
        return validated_quotes(quotes)
    good, reasons = validated_quotes(quotes.drop(SOURCE_COLUMN))
    return good.join(quotes.select("line", SOURCE_COLUMN), on="line").select(SOURCE_COLUMN, *good.columns), reasons


def _parsed() -> list[pl.Expr]:
    """Return the typed columns; null where the text cannot be parsed."""
    prices = ("price_gbp", "unit_price_gbp", "was_price_gbp", "loyalty_price_gbp")
    return [
        matching("collected_at", _TIME)
        .str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
        .alias("_collected_at"),
        matching("item_number", r"^[1-9][0-9]{5}$").cast(pl.Int32).alias("_item_number"),
        pl.col("product_name").str.normalize("NFC").str.strip_chars().alias("_product_name"),
        *(matching(name, _PRICE).cast(pl.Float64).alias(f"_{name}") for name in prices),
        pl.col("in_stock").replace_strict({"true": True, "false": False}, default=None).alias("_in_stock"),
    ]


Faults = list[tuple[pl.Expr, pl.Expr]]


def _faults_of_run(run: ScrapeName) -> Faults:
    return [
        (pl.col("retailer") != run.retailer, reason(f"retailer {{}}; expected '{run.retailer}'", "retailer")),
        (pl.col("run_id") != run.run_id, reason(f"run_id {{}}; expected '{run.run_id}' as in the file name", "run_id")),
    ]


def _faults_of_source(retailers: Collection[str]) -> Faults:
    known = sorted(retailers)
    return [
        (
            ~pl.col(SOURCE_COLUMN).str.contains(r"^[a-z0-9_-]{1,64}$"),
            reason("source {}; expected 1 to 64 of a-z, 0-9, '_' and '-'", SOURCE_COLUMN),
        ),
        (
            ~pl.col("retailer").is_in(known),
            reason(f"retailer {{}} is unknown; known: {', '.join(known) or 'none'}", "retailer"),
        ),
        (
            ~pl.col("run_id").str.contains(r"^[a-z0-9_-]{1,64}-\d{14}$"),
            reason("run_id {}; expected <id>-<YYYYMMDDHHMMSS>", "run_id"),
        ),
    ]


def _faults_of_time(run: ScrapeName | None) -> Faults:
    """Return the possible faults of `collected_at`: within the run, or without a run within the calendar."""
    unparsed = (
        pl.col("_collected_at").is_null(),
        reason("collected_at {}; expected ISO 8601 with offset, e.g. 2016-05-02T08:00:00+01:00", "collected_at"),
    )
    if run is None:
        day = pl.col("_collected_at").dt.convert_time_zone(LONDON).dt.date()
        early = reason(f"collected_at {{}}; expected a day from {FIRST_DAY}", "collected_at")
        return [unparsed, (day < FIRST_DAY, early)]
    started = (
        pl.lit(run.started_at)
        .dt.replace_time_zone(LONDON, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
    )
    distance = pl.col("_collected_at") - started
    return [
        unparsed,
        (
            (distance < -EARLIEST) | (distance > LATEST),
            reason(
                f"collected_at {{}} is implausible for a file of {run.started_at}; expected {PLAUSIBLE_TIMES}",
                "collected_at",
            ),
        ),
    ]


def _faults_of_price() -> Faults:
    price = pl.col("_price_gbp")
    faults: Faults = [
        (price.is_null(), reason("price_gbp {}; expected a number of pounds such as 1.50", "price_gbp")),
        (
            (price <= 0) | (price > HIGHEST_PRICE_GBP),
            reason(f"price_gbp {{}}; expected above 0 and at most {HIGHEST_PRICE_GBP:.2f}", "price_gbp"),
        ),
    ]
    for name in ("unit_price_gbp", "was_price_gbp", "loyalty_price_gbp"):
        given = pl.col(name) != ""
        faults.append(
            (given & pl.col(f"_{name}").is_null(), reason(f"{name} {{}}; expected a number or nothing", name))
        )
    return faults


def _faults_of_rest() -> Faults:
    return [
        (pl.col("_item_number").is_null(), reason("item_number {}; expected six digits", "item_number")),
        (pl.col("_product_name") == "", pl.lit("product_name is empty")),
        (
            (pl.col("unit") != "") & (~pl.col("unit").str.contains(_UNIT) | pl.col("unit").str.starts_with("0 ")),
            reason("unit {}; expected quantity and measure such as '100 g', '1 kg', '75 cl', '1 each'", "unit"),
        ),
        (
            (pl.col("unit_price_gbp") != "") & (pl.col("unit") == ""),
            reason("unit_price_gbp {} without a unit", "unit_price_gbp"),
        ),
        (
            (pl.col("in_stock") != "") & pl.col("_in_stock").is_null(),
            reason("in_stock {}; expected true, false or nothing", "in_stock"),
        ),
    ]


def _quote_columns(run: ScrapeName, load_id: str, *, has_source: bool) -> list[pl.Expr]:
    return [
        *([pl.col(SOURCE_COLUMN)] if has_source else []),
        pl.lit(load_id).alias("load_id"),
        pl.col("line"),
        pl.col("run_id"),
        pl.col("retailer"),
        pl.col("_item_number").alias("item_number"),
        pl.col("item_name"),
        pl.col("category"),
        _present("product_id").alias("product_id"),
        pl.col("_product_name").alias("product_name"),
        pl.col("_price_gbp").alias("price_gbp"),
        pl.col("_unit_price_gbp").alias("unit_price"),
        _present("unit").alias("unit"),
        _present("promotion").alias("promotion"),
        _attributes().alias("attributes"),
        pl.col("_collected_at").alias("collected_at"),
        (
            pl.col("_collected_at").dt.convert_time_zone(LONDON).dt.date() if has_source else pl.lit(run.collected_on)
        ).alias("collected_on"),
    ]


def _present(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != "").then(column)


def _attributes() -> pl.Expr:
    """Return the columns of ATTRIBUTES that are not empty, typed, as a JSON object."""
    typed: Sequence[pl.Expr] = [
        pl.col(f"_{name}").alias(name) if name in {"was_price_gbp", "loyalty_price_gbp", "in_stock"} else pl.col(name)
        for name in ATTRIBUTES
    ]
    members = [
        # `{"url":"…"}` without its braces
        pl.when(pl.col(name) != "").then(
            pl.struct(value).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name, value in zip(ATTRIBUTES, typed, strict=True)
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))
