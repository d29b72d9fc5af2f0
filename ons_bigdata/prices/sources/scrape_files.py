"""The scrape files of the prototype: one CSV per retailer and run, read into price quotes.

What a row means and which rows are not believed. Where the bytes come from is the platform's.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl

from ons_bigdata.prices.schemas import HIGHEST_PRICE_GBP, PriceQuote

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

READER = "scrape_csv"
READER_VERSION = "1"

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
"""The columns that are kept as given in `attributes`, in the order of their keys."""

EARLIEST = timedelta(hours=1)
"""How long before the start of its run a row may be; local clocks go back one hour in October."""

LATEST = timedelta(days=7)
"""How long after the start of its run a row may be; real runs have taken up to five days."""

LONGEST_CONTENT = 10_000
"""Characters of a row that are kept in quarantine; the whole row stays in the landed file."""

_NAME = re.compile(r"([a-z0-9-]{1,40})_products_([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})\.csv")
_BOM = b"\xef\xbb\xbf"
_QUARANTINE = {"line": pl.Int64, "reason": pl.String, "content": pl.String}


@dataclass(frozen=True)
class ScrapeName:
    """What the name of a scrape file says."""

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
    """What became of one file: rows_in = quotes + quarantined, each in the order of the file."""

    outcome: Literal["loaded", "outage", "refused"]
    reason: str | None = None
    """Why there is nothing to load; None where the outcome is `loaded`."""
    rows_in: int = 0
    quotes: pl.DataFrame = field(default_factory=PriceQuote.create_empty)
    """PriceQuote."""
    quarantined: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_QUARANTINE))
    """line (the header is 1), reason, content."""


def parse_name(name: str) -> ScrapeName | None:
    """Parse `<retailer>_products_<YYYYMMDDHHMMSS>.csv`; None for any other name or an impossible date."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        started_at = datetime(*(int(part) for part in found.groups()[1:]))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return ScrapeName(found[1], started_at)


def read_scrape(content: bytes, name: str, *, load_id: str, retailers: Collection[str]) -> ScrapeReading:
    """Read one scrape file into quotes (PriceQuote) and quarantined rows.

    No bytes are an `outage`. A wrong name, an unknown retailer, another header or bytes that are not
    text are `refused`, with the reason. One physical line is one row: a row that cannot be accepted is
    quarantined with its line, and reading goes on with the next. Never raises for what is in a file.
    """
    scrape = parse_name(name)
    if scrape is None:
        expected = "<retailer>_products_<YYYYMMDDHHMMSS>.csv with a real date"
        return ScrapeReading("refused", f"file name {name!r}; expected {expected}")
    if scrape.retailer not in retailers:
        known = ", ".join(sorted(retailers)) or "none"
        return ScrapeReading("refused", f"file name {name!r}: unknown retailer {scrape.retailer!r}; known: {known}")
    if not content:
        return ScrapeReading("outage", "no bytes")
    lines, faults = _lines(content)
    if fault := faults.get(0) or _header_fault(lines[0]):
        return ScrapeReading("refused", f"file {name!r}: {fault}")
    numbers, fields, broken = _split(lines, faults, cut_short=not content.endswith(b"\n"))
    quotes, refused = _quotes(numbers, fields, scrape, load_id)
    reasons = sorted({**broken, **refused}.items())
    rows = [(line, reason, _shown(lines[line - 1])) for line, reason in reasons]
    quarantined = pl.DataFrame(rows, schema=_QUARANTINE, orient="row")
    return ScrapeReading("loaded", None, quotes.height + quarantined.height, quotes, quarantined)


# --- lines and fields -----------------------------------------------------------------------------------


def _lines(content: bytes) -> tuple[list[str], dict[int, str]]:
    """Split a file into its physical lines, without blank ones at the end, and say which are not text.

    Lines that are not text come with the offending bytes escaped, so that they can be shown and kept.
    """
    body = content.removeprefix(_BOM).replace(b"\r\n", b"\n")
    faults: dict[int, str] = {}
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        parts = body.split(b"\n")
        lines = [part.decode(errors="backslashreplace") for part in parts]
        faults = {index: fault for index, part in enumerate(parts) if (fault := _encoding_fault(part))}
    if b"\0" in body or b"\r" in body:
        for index, line in enumerate(lines):
            if "\0" in line or "\r" in line:
                faults.setdefault(index, "NUL character" if "\0" in line else "carriage return inside the line")
                lines[index] = line.replace("\0", "\\x00").replace("\r", "\\r")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return lines, faults


def _encoding_fault(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        found, following = line[error.start], line[error.start + 1 : error.start + 2]
        lone = " (a lone surrogate)" if found == 0xED and following >= b"\xa0" else ""
        return f"not UTF-8: 0x{found:02x} at byte {error.start + 1} of the line{lone}"
    return None


def _header_fault(line: str) -> str | None:
    """Say how a header differs from COLUMNS; None where it does not."""
    found, fault = _fields(line)
    if tuple(found) == COLUMNS:
        return None
    missing = ", ".join(name for name in COLUMNS if name not in found)
    unknown = ", ".join(name for name in found if name not in COLUMNS)
    differs = fault or "; ".join(
        [f"missing columns {missing}"] * bool(missing) + [f"unknown columns {unknown}"] * bool(unknown)
    )
    differs = differs or "columns in another order or twice"
    return f"wrong header: {_shown(differs, 800)}; found {_shown(line, 400)!r}, expected {_HEADER!r}"


def _split(
    lines: Sequence[str], faults: dict[int, str], *, cut_short: bool
) -> tuple[list[int], list[str], dict[int, str]]:
    """Split rows into fields.

    Gives the line numbers (the header is 1) of the rows of 19 fields, the fields of all of them one
    after the other, and by line number what is wrong with the other rows. A quoted field ends on its
    line: one stray quote costs one row, not the rest of the file.
    """
    if not faults and (flat := _fields_of_all(lines[1:])) is not None:
        return list(range(2, len(lines) + 1)), flat, {}
    numbers: list[int] = []
    flat = []
    broken: dict[int, str] = {}
    for index, line in enumerate(lines[1:], start=1):
        fields, fault = _fields(line)
        fault = faults.get(index) or fault
        if fault is None and len(fields) != len(COLUMNS):
            fault = f"{len(fields)} fields, expected {len(COLUMNS)}" if line.strip() else "blank line"
        if fault is None:
            numbers.append(index + 1)
            flat += fields
        else:
            is_cut = cut_short and index == len(lines) - 1
            broken[index + 1] = f"cut off: {fault}" if is_cut else fault
    return numbers, flat, broken


def _fields_of_all(lines: Sequence[str]) -> list[str] | None:
    """Split all rows at once, which is fast; None unless each line is a row of 19 fields by itself."""
    flat: list[str] = []
    try:
        for row in csv.reader(lines, strict=True):
            if len(row) != len(COLUMNS):
                return None
            flat += row
    except csv.Error:
        return None
    # A field that ran over a line end would leave fewer rows than lines.
    return flat if len(flat) == len(lines) * len(COLUMNS) else None


def _fields(line: str) -> tuple[list[str], str | None]:
    """Split one line into fields, or say why it cannot be."""
    try:
        return next(csv.reader([line], strict=True), []), None
    except csv.Error as error:
        unclosed = str(error) == "unexpected end of data"
        return [], "quoted field not closed on its line" if unclosed else f"not CSV: {error}"


def _shown(text: str, longest: int = LONGEST_CONTENT) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


# --- rows and quotes ------------------------------------------------------------------------------------


def _quotes(
    numbers: Sequence[int], fields: Sequence[str], scrape: ScrapeName, load_id: str
) -> tuple[pl.DataFrame, dict[int, str]]:
    """Turn rows of 19 fields into quotes, and give the reasons against the others by line number."""
    texts = pl.Series(fields, dtype=pl.String)
    columns = [texts.gather_every(len(COLUMNS), offset).alias(name) for offset, name in enumerate(COLUMNS)]
    parsed = pl.DataFrame([pl.Series("line", numbers, pl.Int32), *columns]).with_columns(_parsed())
    faults = [*_faults_of_origin(scrape), *_faults_of_price()]
    faulty = pl.any_horizontal(fault.fill_null(value=False) for fault, _ in faults)
    is_faulty = parsed.select(faulty).to_series()
    said = [pl.when(fault).then(reason) for fault, reason in faults]
    refused = parsed.filter(is_faulty).select("line", pl.concat_str(said, separator="; ", ignore_nulls=True))
    quotes, unexpected = _validated(parsed.filter(~is_faulty).select(_quote_columns(scrape, load_id)))
    return quotes, {**dict(refused.iter_rows()), **unexpected}


_POUNDS = r"^(-?)£([0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{2}|[0-9]{1,9}\.[0-9]{2})(?:/unit|/kg)?$"
_PENCE = r"^(-?[0-9]{1,9})p$"
_NUMBER = r"^-?[0-9]{1,12}(?:\.[0-9]{1,20})?$"
_QUANTITY = r"^(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?$"


def _parsed() -> list[pl.Expr]:
    """Return the typed columns; null where the text is not understood."""
    pounds = pl.concat_str(
        pl.col("item_price_str").str.extract(_POUNDS, 1),
        pl.col("item_price_str").str.extract(_POUNDS, 2).str.replace_all(",", "", literal=True),
    )
    # Moved by text: a product with 0.01 would miss the nearest double.
    pence = pl.col("item_price_str").str.extract(_PENCE, 1).str.zfill(4).str.replace("(..)$", ".$1")
    local_time = (
        pl.when(pl.col("timestamp").str.contains(_TIME))
        .then("timestamp")
        .str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    )
    measure = pl.col("units").str.to_lowercase().replace({"": "unknown", "na": "unknown", "litre": "l"})
    return [
        local_time.alias("_local_time"),
        # In October an hour comes twice; a row in it counts as in the first.
        local_time.dt.replace_time_zone("Europe/London", ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
        .alias("_collected_at"),
        _matching("ons_item_no", r"^[1-9][0-9]{5}$").cast(pl.Int32).alias("_item_number"),
        pl.col("product_name").str.normalize("NFC").str.strip_chars().alias("_product_name"),
        pl.coalesce(pounds.cast(pl.Float64), pence.cast(pl.Float64)).alias("_price_gbp"),
        _matching("item_price_num", _NUMBER).cast(pl.Float64).alias("_price_number"),
        _matching("unit_price", _NUMBER).cast(pl.Float64).alias("_unit_price"),
        _matching("no_units", _QUANTITY).str.replace(r"(\.[0-9]*?)0+$", "$1").str.strip_suffix(".").alias("_quantity"),
        pl.when(measure.str.contains(r"^[a-z]{1,20}$")).then(measure).alias("_measure"),
    ]


def _matching(column: str, pattern: str) -> pl.Expr:
    return pl.when(pl.col(column).str.contains(pattern)).then(column)


def _faults_of_origin(scrape: ScrapeName) -> list[tuple[pl.Expr, pl.Expr]]:
    """Return what may be wrong with a row's store, time, item and product, and the reasons to give."""
    time, started = pl.col("_local_time"), scrape.started_at
    return [
        (
            pl.col("store").str.to_lowercase() != scrape.retailer,
            _reason(f"store {{}}; expected '{scrape.retailer.upper()}'", "store"),
        ),
        (
            time.is_null(),
            _reason("timestamp {}; expected YYYY-MM-DD HH:MM:SS with up to 6 decimals", "timestamp"),
        ),
        (
            (time - started < -EARLIEST) | (time - started > LATEST),
            _reason(
                f"timestamp {{}} is implausible for a run that started at {started};"
                f" expected at most {EARLIEST} before or {LATEST} after",
                "timestamp",
            ),
        ),
        (
            time.is_not_null() & pl.col("_collected_at").is_null(),
            _reason("timestamp {} does not exist in Europe/London: the clocks went forward", "timestamp"),
        ),
        (pl.col("_item_number").is_null(), _reason("ons_item_no {}; expected six digits", "ons_item_no")),
        (pl.col("_product_name") == "", pl.lit("product_name is empty")),
    ]


def _faults_of_price() -> list[tuple[pl.Expr, pl.Expr]]:
    """Return what may be wrong with a row's price, unit price and unit, and the reasons to give."""
    price, number = pl.col("_price_gbp"), pl.col("_price_number")
    has_unit, quantity = pl.col("no_units") != "", pl.col("_quantity")
    return [
        (
            price.is_null(),
            _reason("price text {} not understood; expected such as '£1.50' or '99p'", "item_price_str"),
        ),
        (
            (price <= 0) | (price > HIGHEST_PRICE_GBP),
            _reason(f"price {{}}; expected above 0 and at most {HIGHEST_PRICE_GBP:.2f} GBP", "item_price_str"),
        ),
        (
            price.is_not_null() & (number.is_null() | ((price - number).abs() > 1e-6)),
            _reason("price text {} and number {} disagree", "item_price_str", "item_price_num"),
        ),
        (
            (pl.col("unit_price") != "") & (pl.col("_unit_price").is_null() | (pl.col("_unit_price") < 0)),
            _reason("unit_price {}; expected a number of at least 0 or nothing", "unit_price"),
        ),
        (
            has_unit & (quantity.is_null() | (quantity == "0")),
            _reason("no_units {}; expected a number above 0 or nothing", "no_units"),
        ),
        (
            has_unit & pl.col("_measure").is_null(),
            _reason("units {}; expected a word such as 'g' or 'litre'", "units"),
        ),
    ]


def _reason(text: str, *columns: str) -> pl.Expr:
    """Return a text whose braces are filled with the row's own fields, quoted."""
    return pl.format(text, *(pl.format("'{}'", pl.col(column).str.slice(0, 200)) for column in columns))


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
        pl.coalesce(_matching("promo", r"(?s)^."), _matching("offer", r"(?s)^.")).alias("promotion"),
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


def _validated(quotes: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, str]]:
    """Check quotes against the schema; give the rules that others broke by line. The net under `_faults`."""
    good, failure = PriceQuote.filter(quotes)
    if not len(failure):
        return good.sort("line"), {}
    details = failure.details()
    rules = [name for name in details.columns if "|" in name]
    return good.sort("line"), {
        row["line"]: "not a price quote: " + ", ".join(rule for rule in rules if row[rule] == "invalid")
        for row in details.iter_rows(named=True)
    }
