"""Reader of the prototype's scrape files: one CSV per retailer and run, read into price quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from ons_bigdata.platform.ingest.tables.csv_lines import (
    QUARANTINE,
    columns_of,
    header_fault,
    matching,
    quarantined,
    reason,
    refused_rows,
    split_lines,
    split_rows,
)
from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP, PriceQuote

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

READER = "scrape_csv"
READER_VERSION = "2"

_HEADER = (
    "timestamp,store,ons_item_no,ons_item_name,product_type,search_string,product_name,item_price_str,"
    "item_price_num,volume_price,unit_price,no_units,units,std_price,std_unit,promo,offer,ml_prediction,"
    "single_class"
)
COLUMNS = tuple(_HEADER.split(","))
"""The header of a scrape file."""

_TYPED = {
    *("timestamp", "ons_item_no", "ons_item_name", "product_type", "product_name"),
    *("item_price_num", "unit_price", "no_units", "units", "promo"),
}
ATTRIBUTES = tuple(sorted(set(COLUMNS) - _TYPED))
"""Columns that are kept as text in `attributes`, in the order of their keys."""

EARLIEST = timedelta(hours=1)
"""Time before the start of its run at which a row may be collected; local clocks go back one hour in October."""

LATEST = timedelta(days=7)
"""Time after the start of its run at which a row may be collected; real runs have taken up to five days."""

PLAUSIBLE_TIMES = f"at most {EARLIEST // timedelta(hours=1)} hour before or {LATEST.days} days after"
"""These bounds in words."""

CLOCK_TOLERANCE = timedelta(hours=1)
"""Time after the arrival of its file at which a row may be collected: clocks of two machines differ."""

_NAME = re.compile(r"([a-z0-9-]{1,40})_(products|quotes)_([0-9]{14})\.csv")


@dataclass(frozen=True)
class ScrapeName:
    """Retailer and start of a run, parsed from the name of its file."""

    retailer: str
    started_at: datetime
    """Start of the run, local time of London, without zone."""

    @property
    def run_id(self) -> str:
        """`<retailer>-<YYYYMMDDHHMMSS>`."""
        return f"{self.retailer}-{re.sub('[^0-9]', '', self.started_at.isoformat())}"

    @property
    def collected_on(self) -> date:
        """The day of the run."""
        return self.started_at.date()


@dataclass(frozen=True)
class ScrapeReading:
    """Result of reading one file: rows_in = quotes + quarantined, each in the order of the file."""

    outcome: Literal["loaded", "outage", "refused"]
    reason: str | None = None
    """Reason for which nothing is loaded; None where the outcome is `loaded`."""
    rows_in: int = 0
    quotes: pl.DataFrame = field(default_factory=PriceQuote.create_empty)
    """PriceQuote."""
    quarantined: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=QUARANTINE))
    """line (the header is 1), reason, content."""


def parse_name(name: str, content: Literal["products", "quotes"] = "products") -> ScrapeName | None:
    """Parse `<retailer>_<content>_<YYYYMMDDHHMMSS>.csv`; None for any other name or an impossible date."""
    match = _NAME.fullmatch(name)
    if match is None or match[2] != content:
        return None
    try:
        started_at = datetime.strptime(match[3], "%Y%m%d%H%M%S")  # noqa: DTZ007 (local time of London)
    except ValueError:
        return None
    return ScrapeName(match[1], started_at)


def name_fault(name: str) -> str:
    """Return the reason against a file whose name is neither that of a scrape file nor that of a quote file."""
    return (
        f"file name {name!r}; expected <retailer>_products_<YYYYMMDDHHMMSS>.csv (a scrape) or"
        " <retailer>_quotes_<YYYYMMDDHHMMSS>.csv (price quotes) with a real date"
    )


def retailer_fault(name: str, retailer: str, retailers: Collection[str]) -> str:
    """Return the reason against a file of an unknown retailer."""
    known = ", ".join(sorted(retailers)) or "none"
    return f"file name {name!r}: unknown retailer {retailer!r}; known: {known}"


def read_scrape(
    content: bytes, name: str, *, load_id: str, retailers: Collection[str], landed_at: datetime | None = None
) -> ScrapeReading:
    """Read one scrape file into quotes (PriceQuote) and quarantined rows.

    An empty file is an `outage`. A wrong name, an unknown retailer, another header or bytes that are not
    text are `refused`, with the reason. One physical line is one row: a row that cannot be accepted is
    quarantined with its line. A row that was collected after `landed_at`, the arrival of the file (None: not
    compared), is quarantined, too. Never raises for any content.
    """
    scrape = parse_name(name)
    if scrape is None:
        return ScrapeReading("refused", name_fault(name))
    if scrape.retailer not in retailers:
        return ScrapeReading("refused", retailer_fault(name, scrape.retailer, retailers))
    if not content:
        return ScrapeReading("outage", "no bytes")
    lines, faults = split_lines(content)
    if fault := faults.get(0) or header_fault(lines[0], COLUMNS):
        return ScrapeReading("refused", f"file {name!r}: {fault}")
    numbers, fields, broken = split_rows(
        lines, faults, fields_per_row=len(COLUMNS), cut_short=not content.endswith(b"\n")
    )
    quotes, refused = _quotes(numbers, fields, scrape, load_id, landed_at)
    unread = quarantined({**broken, **refused}, lines)
    return ScrapeReading("loaded", None, quotes.height + unread.height, quotes, unread)


# --- rows and quotes ------------------------------------------------------------------------------------


def _quotes(
    numbers: Sequence[int], fields: Sequence[str], scrape: ScrapeName, load_id: str, landed_at: datetime | None
) -> tuple[pl.DataFrame, dict[int, str]]:
    """Turn rows of 19 fields into quotes; return them and the reasons against the other rows by line number."""
    parsed = columns_of(numbers, fields, COLUMNS).with_columns(_parsed())
    faults = [*_faults_of_origin(scrape), *future_faults(landed_at, "timestamp"), *_faults_of_price()]
    good, refused = refused_rows(parsed, faults)
    quotes, unexpected = validated_quotes(good.select(_quote_columns(scrape, load_id)))
    return quotes, {**refused, **unexpected}


_POUNDS = r"^(-?)£([0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{2}|[0-9]{1,9}\.[0-9]{2})(?:/unit|/kg)?$"
_PENCE = r"^(-?[0-9]{1,9})p$"
_NUMBER = r"^-?[0-9]{1,12}(?:\.[0-9]{1,20})?$"
_QUANTITY = r"^(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?$"


def _parsed() -> list[pl.Expr]:
    """Return the typed columns; null where the text cannot be parsed."""
    pounds = pl.concat_str(
        pl.col("item_price_str").str.extract(_POUNDS, 1),
        pl.col("item_price_str").str.extract(_POUNDS, 2).str.replace_all(",", "", literal=True),
    )
    # As text: multiplication by 0.01 can miss the nearest double.
    pence = pl.col("item_price_str").str.extract(_PENCE, 1).str.zfill(4).str.replace("(..)$", ".$1")
    local_time = (
        pl.when(pl.col("timestamp").str.contains(_TIME))
        .then("timestamp")
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    )
    measure = pl.col("units").str.to_lowercase().replace({"": "unknown", "na": "unknown", "litre": "l"})
    return [
        local_time.alias("_local_time"),
        # In October one hour occurs twice; rows in it are taken as of the first.
        local_time.dt.replace_time_zone("Europe/London", ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .alias("_collected_at"),
        matching("ons_item_no", r"^[1-9][0-9]{5}$").cast(pl.Int32).alias("_item_number"),
        pl.col("product_name").str.normalize("NFC").str.strip_chars().alias("_product_name"),
        pl.coalesce(pounds.cast(pl.Float64), pence.cast(pl.Float64)).alias("_price_gbp"),
        matching("item_price_num", _NUMBER).cast(pl.Float64).alias("_price_number"),
        matching("unit_price", _NUMBER).cast(pl.Float64).alias("_unit_price"),
        matching("no_units", _QUANTITY).str.replace(r"(\.[0-9]*?)0+$", "$1").str.strip_suffix(".").alias("_quantity"),
        pl.when(measure.str.contains(r"^[a-z]{1,20}$")).then(measure).alias("_measure"),
    ]


def future_faults(landed_at: datetime | None, column: str) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return the fault of a row whose `_collected_at` is after the arrival of its file; none without an arrival."""
    if landed_at is None:
        return []
    latest = pl.lit(landed_at + CLOCK_TOLERANCE).cast(pl.Datetime("us", "UTC"))
    text = f"{column} {{}} is in the future: the file arrived at {landed_at:%Y-%m-%d %H:%M} UTC"
    return [(pl.col("_collected_at") > latest, reason(text, column))]


def _faults_of_origin(scrape: ScrapeName) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return the possible faults of a row's store, time, item and product, each with its reason."""
    time, started = pl.col("_local_time"), scrape.started_at
    return [
        (
            pl.col("store").str.to_lowercase() != scrape.retailer,
            reason(f"store {{}}; expected '{scrape.retailer.upper()}'", "store"),
        ),
        (
            time.is_null(),
            reason("timestamp {}; expected YYYY-MM-DD HH:MM:SS with up to 6 decimals", "timestamp"),
        ),
        (
            (time - started < -EARLIEST) | (time - started > LATEST),
            reason(
                f"timestamp {{}} is implausible for a run that started at {started}; expected {PLAUSIBLE_TIMES}",
                "timestamp",
            ),
        ),
        (
            time.is_not_null() & pl.col("_collected_at").is_null(),
            reason("timestamp {} does not exist in Europe/London: the clocks went forward", "timestamp"),
        ),
        (pl.col("_item_number").is_null(), reason("ons_item_no {}; expected six digits", "ons_item_no")),
        (pl.col("_product_name") == "", pl.lit("product_name is empty")),
    ]


def _faults_of_price() -> list[tuple[pl.Expr, pl.Expr]]:
    """Return the possible faults of a row's price, unit price and unit, each with its reason."""
    price, number = pl.col("_price_gbp"), pl.col("_price_number")
    has_unit, quantity = pl.col("no_units") != "", pl.col("_quantity")
    return [
        (
            price.is_null(),
            reason("price text {} not understood; expected such as '£1.50' or '99p'", "item_price_str"),
        ),
        (
            (price <= 0) | (price > HIGHEST_PRICE_GBP),
            reason(f"price {{}}; expected above 0 and at most {HIGHEST_PRICE_GBP:.2f} GBP", "item_price_str"),
        ),
        (
            price.is_not_null() & (number.is_null() | ((price - number).abs() > 1e-6)),
            reason("price text {} and number {} disagree", "item_price_str", "item_price_num"),
        ),
        (
            (pl.col("unit_price") != "") & (pl.col("_unit_price").is_null() | (pl.col("_unit_price") < 0)),
            reason("unit_price {}; expected a number of at least 0 or nothing", "unit_price"),
        ),
        (
            has_unit & (quantity.is_null() | (quantity == "0")),
            reason("no_units {}; expected a number above 0 or nothing", "no_units"),
        ),
        (
            has_unit & pl.col("_measure").is_null(),
            reason("units {}; expected a word such as 'g' or 'litre'", "units"),
        ),
    ]


def _quote_columns(scrape: ScrapeName, load_id: str) -> list[pl.Expr]:
    return [
        pl.lit(load_id).alias("load_id"),
        pl.col("line"),
        pl.lit(scrape.run_id).alias("run_id"),
        pl.lit(scrape.retailer).alias("retailer"),
        pl.col("_item_number").alias("item_number"),
        pl.col("ons_item_name").alias("item_name"),
        pl.col("product_type").alias("category"),
        pl.lit(None, pl.String).alias("product_id"),
        pl.col("_product_name").alias("product_name"),
        pl.col("_price_gbp").alias("price_gbp"),
        pl.col("_unit_price").alias("unit_price"),
        pl.concat_str("_quantity", pl.lit(" "), "_measure").alias("unit"),
        pl.coalesce(matching("promo", r"(?s)^."), matching("offer", r"(?s)^.")).alias("promotion"),
        _attributes().alias("attributes"),
        pl.col("_collected_at").alias("collected_at"),
        pl.lit(scrape.collected_on).alias("collected_on"),
    ]


def _attributes() -> pl.Expr:
    """Return the columns of ATTRIBUTES that are not empty, as a JSON object."""
    members = [
        # `{"offer":"…"}` without its braces
        pl.when(pl.col(name) != "").then(
            pl.struct(name).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in ATTRIBUTES
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))


def validated_quotes(quotes: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, str]]:
    """Validate quotes against PriceQuote; return the valid quotes and, by line, the rules broken by invalid ones."""
    good, failure = PriceQuote.filter(quotes)
    if not len(failure):
        return good.sort("line"), {}
    details = failure.details()
    rules = {name: _rule_in_words(name) for name in details.columns if "|" in name}
    return good.sort("line"), {
        row["line"]: "not a price quote: " + ", ".join(text for name, text in rules.items() if row[name] == "invalid")
        for row in details.iter_rows(named=True)
    }


def _rule_in_words(name: str) -> str:
    """Return a rule `column|rule` of PriceQuote with its bound, such as `product_name: max length 2000`."""
    column, _, rule = name.partition("|")
    bound = getattr(PriceQuote.columns()[column], rule, None)
    return f"{column}: {rule.replace('_', ' ')}" + (f" {bound}" if isinstance(bound, int | float | str) else "")
