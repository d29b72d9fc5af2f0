"""Simulated archive: scrape files of the simulated retailers in the format of the prototype scrapers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.breakages import Event, planned_events, scraped_listings
from ons_bigdata.simulation.promotions import PER, by_measure, in_pounds, multibuy_text, pounds, sale_text, unit_price
from ons_bigdata.simulation.shop_world import DAYS, SEED, START, ShopWorld, build_world
from ons_bigdata.simulation.truth_files import write_truth

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COLUMNS", "Event", "SimulatedArchive", "planned_events", "simulate_scrapes"]

COLUMNS = (
    *("timestamp", "store", "ons_item_no", "ons_item_name", "product_type", "search_string", "product_name"),
    *("item_price_str", "item_price_num", "volume_price", "unit_price", "no_units", "units", "std_price"),
    *("std_unit", "promo", "offer", "ml_prediction", "single_class"),
)
"""Header of a scrape file."""


@dataclass(frozen=True)
class SimulatedArchive:
    """Folders and contents of a simulated archive."""

    scrapes_dir: Path
    """Folder of the scrape files; it has no other files."""
    truth_dir: Path
    """Folder of the truth (`truth_files`)."""
    files: int
    rows: int
    """Rows of all files, including the one that is cut off."""
    events: tuple[Event, ...]
    world: ShopWorld
    """The world, to serve the days that are in no file over HTTP."""


def simulate_scrapes(
    directory: Path,
    *,
    days: int = DAYS,
    start: date = START,
    seed: int = SEED,
    archive_days: int | None = None,
    shelf_size: float = 1.0,
) -> SimulatedArchive:
    """Write `scrapes/<retailer>_products_<YYYYMMDDHHMMSS>.csv` and `truth/` into a directory.

    One run per day and retailer, just after 08:00 London time, about 3,400 rows each (shelf_size 1.0), for the
    first archive_days days (None: all). The truth covers all days. The same arguments give the same bytes.

    Raises ValueError for days or a shelf_size that `build_world` refuses, if archive_days is not between 1
    and days, or if scrapes/ has other files.
    """
    archive_days = days if archive_days is None else archive_days
    if not 1 <= archive_days <= days:
        raise ValueError(f"archive_days is {archive_days}; expected 1 to {days}")
    world = build_world(days=days, start=start, seed=seed, shelf_size=shelf_size)
    files = _scrape_files(world, archive_days)
    scrapes_dir, truth_dir = directory / "scrapes", directory / "truth"
    scrapes_dir.mkdir(parents=True, exist_ok=True)
    truth_dir.mkdir(exist_ok=True)
    others = sorted({path.name for path in scrapes_dir.iterdir()} - set(files))
    if others:
        raise ValueError(f"{scrapes_dir} has other files, the first is {others[0]!r}")
    for name, content in files.items():
        (scrapes_dir / name).write_bytes(content)
    write_truth(truth_dir, world, archive_days=archive_days)
    rows = sum(
        max(0, content.count(b"\n") + (not content.endswith(b"\n")) - 1) for content in files.values() if content
    )
    return SimulatedArchive(scrapes_dir, truth_dir, len(files), rows, world.events, world)


def _scrape_files(world: ShopWorld, archive_days: int) -> dict[str, bytes]:
    """Name → bytes of every scrape file."""
    rows = scraped_listings(world.shown.filter(pl.col("day") < archive_days), world.events)
    listed = rows.select(pl.all().repeat_by("listings").explode()) if (rows["listings"] > 1).any() else rows
    rendered = listed.select("retailer", "day", "item_number", "place", *_source_columns()).sort(
        "retailer", "day", "item_number", maintain_order=True
    )
    by_run = rendered.partition_by("retailer", "day", as_dict=True, maintain_order=True)
    files = {}
    for place, retailer in enumerate(world.retailers):
        for day in range(archive_days):
            rng = np.random.default_rng([world.seed, 300 + place, day])
            started_at = datetime.combine(world.start, time(8)) + timedelta(days=day, seconds=int(rng.integers(600)))
            content = _run(by_run[retailer, day], started_at, rng)
            kinds = {event.kind for event in world.events if event.affects(retailer, day)}
            if "outage" in kinds:
                content = b""
            if "file_cut_off" in kinds:
                content = content[: -(len(content.splitlines()[-1]) // 2)]
            files[f"{retailer}_products_{started_at:%Y%m%d%H%M%S}.csv"] = content
    return files


# --- the columns of the source --------------------------------------------------------------------------

_NUMBER = {"g": ("100",), "ml": ("1.0",), "each": ("1.0",)}
"""Measure → how the number of the unit of the unit price is written."""

_STANDARD = {"g": ("kg", 1000), "ml": ("l", 1000), "each": ("each", 1)}


def _source_columns() -> list[pl.Expr]:
    """Columns of a scrape file except the time, in each retailer's form."""
    birch, cedar = pl.col("retailer") == "sim-birch", pl.col("retailer") == "sim-cedar"
    pence, price = pl.col("price_pence"), pounds(pl.col("price_pence"))
    shown = unit_price()
    number, word = by_measure(_NUMBER, 0), by_measure(PER, 1)
    standard = (price * by_measure(_STANDARD, 1) / pl.col("quantity")).round(4)
    offer = pl.coalesce(sale_text(), multibuy_text())
    to_all = pl.lit(" - all products for this offer")
    return [
        pl.col("retailer").str.to_uppercase().alias("store"),
        pl.col("item_number").cast(pl.String).alias("ons_item_no"),
        pl.col("item_name").alias("ons_item_name"),
        pl.col("category").alias("product_type"),
        pl.col("item_name").str.to_lowercase().alias("search_string"),
        pl.col("product_name"),
        pl.when(birch)
        .then(pl.format("{}/unit", in_pounds(pence)))
        .when(cedar & (pence < 100))
        .then(pl.format("{}p", pence))
        .otherwise(in_pounds(pence))
        .alias("item_price_str"),
        price.cast(pl.String).alias("item_price_num"),
        pl.when(birch)
        .then(pl.format("£{} / {} NA", shown, number.str.strip_suffix(".0")))
        .otherwise(pl.format("(£{} / {}{})", shown, number.str.strip_suffix(".0"), word))
        .alias("volume_price"),
        shown.cast(pl.String).alias("unit_price"),
        pl.when(birch).then(number.str.strip_suffix(".0")).otherwise(number).alias("no_units"),
        pl.when(birch)
        .then(pl.lit("na"))
        .when(cedar & (word == "l"))
        .then(pl.lit("litre"))
        .otherwise(word)
        .alias("units"),
        pl.when(birch).then(pl.lit("0.0")).otherwise(standard.cast(pl.String)).alias("std_price"),
        pl.when(birch).then(pl.lit("unknown")).otherwise(by_measure(_STANDARD, 0)).alias("std_unit"),
        pl.when(pl.col("retailer") == "sim-alder").then(offer + to_all).otherwise(offer).alias("promo"),
        offer.alias("offer"),
        pl.lit("1").alias("ml_prediction"),
        pl.lit("1").alias("single_class"),
    ]


def _run(rows: pl.DataFrame, started_at: datetime, rng: np.random.Generator) -> bytes:
    """Bytes of one run, its rows in the order of collection."""
    microseconds = np.cumsum(rng.integers(2_000, 300_000, rows.height))
    timestamp = pl.lit(started_at) + pl.Series(microseconds).cast(pl.Duration("us"))
    columns = rows.with_columns(timestamp.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").alias("timestamp"))
    return columns.select(COLUMNS).write_csv(line_terminator="\r\n").encode()
