"""Simulated quote files of two other sources: an aggregator with errors, and a retailer's own file without.

Computed from the true prices of the simulated shops; other_products.csv maps the names of each source to the true ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

AGGREGATOR, OWN_FILE, OWN_RETAILER = "sim-aggregator", "sim-alder-own", "sim-alder"

STALE_RATE = 0.05
"""Share of the aggregator's quotes whose price is a week older than its date."""

MISSING_RATE = 0.1
"""Share of the products that the aggregator does not have."""

PRICE_LAG_DAYS = 1
"""The aggregator shows yesterday's prices as today's."""

STALE_LAG_DAYS = 8

COLUMNS = (
    *("source", "retailer", "run_id", "collected_at", "item_number", "item_name", "category", "product_id"),
    *("product_name", "price_gbp", "unit_price_gbp", "unit", "promotion", "was_price_gbp", "loyalty_price_gbp"),
    *("multibuy", "in_stock", "url"),
)
_PER = {"g": (1000.0, "1 kg"), "ml": (1000.0, "1 l"), "each": (1.0, "1 each")}
_SHORT = {"ORIGINAL": "ORIG", "TRADITIONAL": "TRAD", "EVERYDAY": "EVDAY", "SELECTED": "SEL", "FARMHOUSE": "FMHSE"}


@dataclass(frozen=True)
class SimulatedOtherSources:
    """Folder of the files, their truth, and their number."""

    folder: Path
    truth: Path
    """Columns source, retailer, item_number, other_product_name, product_name, pack: the products of each source."""
    files: int


def simulate_other_sources(truth: Path, folder: Path, *, last_days: int = 7, seed: int = 1844) -> SimulatedOtherSources:
    """Write <source>_quotes_<YYYYMMDDHHMMSS>.csv of two sources for the last days, and other_products.csv.

    `truth` is true_prices.csv (retailer, item_number, product_name, pack, date, price_gbp). The aggregator has all
    retailers, yesterday's prices, 5 % of them a week older still, lacks a tenth of the products, and alters names;
    the retailer's file has all of its products under the shop's names, with ids. other_products.csv is written into the
    folder of the truth. The same arguments give the same bytes. Raises ValueError if last_days is below 1.
    """
    if last_days < 1:
        raise ValueError(f"last_days is {last_days}; expected at least 1")
    rng = np.random.default_rng(seed)
    prices = pl.read_csv(truth, schema_overrides={"date": pl.Date, "price_gbp": pl.Float64}).unique(
        ["retailer", "item_number", "product_name", "pack", "date"], keep="first", maintain_order=True
    )
    days = prices["date"].unique().sort().to_list()[-last_days:]
    products = _named(prices, rng)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for source, listed in ((AGGREGATOR, products.filter("known")), (OWN_FILE, _of_retailer(products))):
        for day in days:
            rows = (
                _aggregator_prices(prices, day, rng) if source == AGGREGATOR else prices.filter(pl.col("date") == day)
            )
            started = datetime.combine(day, time(6, 30), ZoneInfo("Europe/London"))
            name = f"{source}_quotes_{started:%Y%m%d%H%M%S}.csv"
            (folder / name).write_bytes(_file(source, rows, listed, started))
            count += 1
    mapping = pl.concat(
        [
            products.filter("known").select(pl.lit(AGGREGATOR).alias("source"), *_TRUTH),
            _of_retailer(products).select(pl.lit(OWN_FILE).alias("source"), *_TRUTH),
        ]
    )
    written = truth.with_name("other_products.csv")
    mapping.write_csv(written)
    return SimulatedOtherSources(folder, written, count)


_PRODUCT = ["retailer", "item_number", "product_name", "pack"]
_TRUTH = ["retailer", "item_number", "other_product_name", "product_name", "pack"]


def _named(prices: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Products with the aggregator's names and whether it has them."""
    products = prices.select(_PRODUCT).unique().sort(_PRODUCT)
    known = rng.random(products.height) >= MISSING_RATE
    styles = rng.integers(0, 3, products.height)
    names = [
        _alter_name(name, pack, int(style))
        for name, pack, style in zip(products["product_name"], products["pack"], styles, strict=True)
    ]
    return products.with_columns(pl.Series("other_product_name", names), pl.Series("known", known)).with_row_index("id")


def _alter_name(name: str, pack: str, style: int) -> str:
    """Name as the aggregator writes it: pack appended, words in title case, abbreviated or reordered."""
    amount, measure = pack.split(" ")
    size = f"{amount} {measure}" if measure != "each" else f"pack of {amount}"
    if f"{amount}{measure}".upper() in name.upper():  # the size is in the name already
        words, size, short = name.split(), "", ""
    else:
        words, short = name.split(), f" ({amount}{measure})"
    if style == 0:
        return f"{name.title()} {size}".strip()
    if style == 1:
        return " ".join(_SHORT.get(word, word) for word in words) + short
    return " ".join([*words[1:], words[0]]).capitalize() + (f", {size}" if size else "")


def _of_retailer(products: pl.DataFrame) -> pl.DataFrame:
    return products.filter(pl.col("retailer") == OWN_RETAILER).with_columns(
        pl.col("product_name").alias("other_product_name")
    )


def _aggregator_prices(prices: pl.DataFrame, day: date, rng: np.random.Generator) -> pl.DataFrame:
    """Prices that the aggregator shows on a day: those of the day before, some a week older."""
    shown = prices.filter(pl.col("date") == day - timedelta(days=PRICE_LAG_DAYS))
    older = prices.filter(pl.col("date") == day - timedelta(days=STALE_LAG_DAYS)).select(
        *_PRODUCT, pl.col("price_gbp").alias("old_price_gbp")
    )
    is_stale = pl.Series("stale", rng.random(shown.height) < STALE_RATE)
    mixed = shown.with_columns(is_stale).join(older, on=_PRODUCT, how="left", maintain_order="left")
    old = pl.when("stale").then("old_price_gbp")
    return mixed.with_columns(pl.coalesce(old, "price_gbp").alias("price_gbp"))


def _file(source: str, rows: pl.DataFrame, products: pl.DataFrame, started: datetime) -> bytes:
    measure = pl.col("pack").str.split(" ").list.last()
    amount = pl.col("pack").str.split(" ").list.first().cast(pl.Float64)
    per = measure.replace_strict({name: quantity for name, (quantity, _) in _PER.items()}, return_dtype=pl.Float64)
    empty = pl.lit(None, pl.String)
    run = pl.lit(f"{source}-{started:%Y%m%d%H%M%S}")
    quoted = rows.join(products, on=_PRODUCT, maintain_order="left").select(
        source=pl.lit(source),
        retailer="retailer",
        run_id=run,
        collected_at=pl.lit(started.isoformat()),
        item_number="item_number",
        item_name=pl.format("item {}", "item_number"),
        category=pl.format("item {}", "item_number"),
        product_id=pl.format("{}-{}", pl.lit(source), "id") if source == OWN_FILE else empty,
        product_name="other_product_name",
        price_gbp="price_gbp",
        unit_price_gbp=(pl.col("price_gbp") / amount * per).round(4),
        unit=measure.replace_strict({name: unit for name, (_, unit) in _PER.items()}, return_dtype=pl.String),
        **dict.fromkeys(COLUMNS[12:16], empty),
        in_stock=pl.lit("true"),
        url=empty,
    )
    return quoted.select(COLUMNS).write_csv().encode()
