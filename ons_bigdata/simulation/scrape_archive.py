"""A simulated archive of scrape files of three made-up retailers, with its truth written apart.

The files have the form of the prototype's and fail as they did: an outage, a renamed category, a
price error, a file cut short. What the shops charge is `shop_prices`'.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.shop_prices import true_shelves
from ons_bigdata.simulation.shop_shelves import RETAILERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEWEST_DAYS, MOST_DAYS = 7, 366

COLUMNS = (
    *("timestamp", "store", "ons_item_no", "ons_item_name", "product_type", "search_string", "product_name"),
    *("item_price_str", "item_price_num", "volume_price", "unit_price", "no_units", "units", "std_price"),
    *("std_unit", "promo", "offer", "ml_prediction", "single_class"),
)
"""The header of a scrape file."""


@dataclass(frozen=True)
class Event:
    """Something that goes wrong in the simulated collection."""

    kind: str
    """`outage` (a file of no bytes), `category_renamed`, `price_error` or `file_cut_off`."""
    retailer: str
    first_day: int
    """Counted from the start, which is day 0."""
    last_day: int
    item_number: int | None = None
    """The item that is struck; None where it is the whole file."""
    note: str = ""


@dataclass(frozen=True)
class SimulatedArchive:
    """Where a simulation lies, and what is in it."""

    scrapes_dir: Path
    """The scrape files, and nothing else."""
    truth_dir: Path
    """true_prices.csv and events.json."""
    files: int
    rows: int
    """Rows in all files, the one that was cut off included."""
    events: tuple[Event, ...]


RENAMED = ("Everyday Biscuits", "Biscuits and Crackers")
"""The shelf of plain biscuits at sim-birch, before and after."""


def planned_events(days: int) -> tuple[Event, ...]:
    """Return what goes wrong in a simulation of so many days; all of it after the first seventh, in order."""
    outage, renamed, error, cut = days // 3, days * 3 // 7, days * 4 // 7, days * 5 // 7
    return (
        Event("outage", "sim-alder", outage, outage, note="the file has no bytes"),
        Event(
            "category_renamed",
            "sim-birch",
            renamed,
            renamed + 1,
            item_number=210302,
            note=f"nothing found on these days; then collected from {RENAMED[1]!r}, before from {RENAMED[0]!r}",
        ),
        Event("price_error", "sim-cedar", error, error, item_number=211901, note="prices times 100"),
        Event("file_cut_off", "sim-cedar", cut, cut, note="the last row is cut in the middle"),
    )


def simulate_scrapes(
    directory: Path, *, days: int = 28, start: date = date(2016, 5, 2), seed: int = 2014
) -> SimulatedArchive:
    """Write `scrapes/<retailer>_products_<YYYYMMDDHHMMSS>.csv` and `truth/` into a directory.

    One run a day and retailer, just after 08:00 London time, about 1,300 rows each. truth/true_prices.csv
    (retailer, item_number, product_name, pack, date, price_gbp): one row per product and day on sale,
    collected or not; truth/events.json: seed, days and what went wrong. The same arguments give the
    same bytes.

    Raises ValueError if days is not between 7 and 366, or if scrapes/ holds other files.
    """
    if not FEWEST_DAYS <= days <= MOST_DAYS:
        raise ValueError(f"days is {days}; expected {FEWEST_DAYS} to {MOST_DAYS}")
    shelves = true_shelves(days=days, seed=seed)
    events = planned_events(days)
    files = _scrape_files(shelves, events, days, start, seed)
    scrapes_dir, truth_dir = directory / "scrapes", directory / "truth"
    scrapes_dir.mkdir(parents=True, exist_ok=True)
    truth_dir.mkdir(exist_ok=True)
    others = sorted({path.name for path in scrapes_dir.iterdir()} - set(files))
    if others:
        raise ValueError(f"{scrapes_dir} holds files of something else, the first being {others[0]!r}")
    for name, content in files.items():
        (scrapes_dir / name).write_bytes(content)
    _write_truth(truth_dir, shelves, events, days=days, start=start, seed=seed)
    rows = sum(max(0, len(content.splitlines()) - 1) for content in files.values())
    return SimulatedArchive(scrapes_dir, truth_dir, len(files), rows, events)


def _scrape_files(
    shelves: pl.DataFrame, events: Sequence[Event], days: int, start: date, seed: int
) -> dict[str, bytes]:
    """Return the bytes of every scrape file by name."""
    listed = _struck(shelves, events).select(pl.all().repeat_by("listings").explode())
    rendered = listed.with_columns(_source_columns()).sort("retailer", "day", maintain_order=True)
    by_run = rendered.partition_by("retailer", "day", as_dict=True, maintain_order=True)
    rng = np.random.default_rng([seed, len(RETAILERS) + 1])
    files = {}
    for retailer in RETAILERS:
        for day in range(days):
            started_at = datetime.combine(start, time(8)) + timedelta(days=day, seconds=int(rng.integers(600)))
            content = _run(by_run[retailer, day], started_at, rng)
            kinds = {event.kind for event in events if event.retailer == retailer and event.first_day == day}
            if "outage" in kinds:
                content = b""
            if "file_cut_off" in kinds:
                content = content[: -(len(content.splitlines()[-1]) // 2)]
            files[f"{retailer}_products_{started_at:%Y%m%d%H%M%S}.csv"] = content
    return files


def _struck(shelves: pl.DataFrame, events: Sequence[Event]) -> pl.DataFrame:
    """Return what the shops show and the scraper finds: the shelves after renaming and price error."""
    shown = shelves
    for event in events:
        if event.item_number is None:
            continue  # it strikes the file, not the shelves
        struck = (pl.col("retailer") == event.retailer) & (pl.col("item_number") == event.item_number)
        within = struck & pl.col("day").is_between(event.first_day, event.last_day)
        if event.kind == "category_renamed":
            later = struck & (pl.col("day") > event.last_day)
            category = pl.when(later).then(pl.lit(RENAMED[1])).otherwise("category")
            shown = shown.filter(~within).with_columns(category.alias("category"))
        elif event.kind == "price_error":
            factor = pl.when(within).then(100).otherwise(1)
            shown = shown.with_columns(pl.col("price_pence", "regular_pence") * factor)
    return shown


# --- the columns of the source --------------------------------------------------------------------------

_PER = {"g": ("100", "g", 100), "ml": ("1.0", "l", 1000), "each": ("1.0", "each", 1)}
"""For each measure: number and word of the unit of the unit price, and the unit in the measure."""

_STANDARD = {"g": ("kg", 1000), "ml": ("l", 1000), "each": ("each", 1)}


def _source_columns() -> list[pl.Expr]:
    """Return the columns of a scrape file but for the time, each retailer's in its own form."""
    birch, cedar = pl.col("retailer") == "sim-birch", pl.col("retailer") == "sim-cedar"
    pence, pounds = pl.col("price_pence"), _pounds(pl.col("price_pence"))
    unit_price = (pounds * _by_measure(_PER, 2) / pl.col("pack")).round(4)
    number, word = _by_measure(_PER, 0), _by_measure(_PER, 1)
    standard = (pounds * _by_measure(_STANDARD, 1) / pl.col("pack")).round(4)
    promo, offer = _promotions()
    return [
        pl.col("retailer").str.to_uppercase().alias("store"),
        pl.col("item_number").cast(pl.String).alias("ons_item_no"),
        pl.col("item_name").alias("ons_item_name"),
        pl.col("category").alias("product_type"),
        pl.col("item_name").str.to_lowercase().alias("search_string"),
        pl.when(birch)
        .then(pl.format("{}/unit", _in_pounds(pence)))
        .when(cedar & (pence < 100))
        .then(pl.format("{}p", pence))
        .otherwise(_in_pounds(pence))
        .alias("item_price_str"),
        pounds.cast(pl.String).alias("item_price_num"),
        pl.when(birch)
        .then(pl.format("£{} / {} NA", unit_price, number.str.strip_suffix(".0")))
        .otherwise(pl.format("(£{} / {}{})", unit_price, number.str.strip_suffix(".0"), word))
        .alias("volume_price"),
        unit_price.cast(pl.String).alias("unit_price"),
        pl.when(birch).then(number.str.strip_suffix(".0")).otherwise(number).alias("no_units"),
        pl.when(birch)
        .then(pl.lit("na"))
        .when(cedar & (word == "l"))
        .then(pl.lit("litre"))
        .otherwise(word)
        .alias("units"),
        pl.when(birch).then(pl.lit("0.0")).otherwise(standard.cast(pl.String)).alias("std_price"),
        pl.when(birch).then(pl.lit("unknown")).otherwise(_by_measure(_STANDARD, 0)).alias("std_unit"),
        promo.alias("promo"),
        offer.alias("offer"),
        pl.lit("1").alias("ml_prediction"),
        pl.lit("1").alias("single_class"),
    ]


def _by_measure(table: Mapping[str, tuple[str | int, ...]], position: int) -> pl.Expr:
    values = {measure: row[position] for measure, row in table.items()}
    return pl.col("measure").replace_strict(values)


def _in_pounds(pence: pl.Expr) -> pl.Expr:
    return pl.format("£{}.{}", pence // 100, (pence % 100).cast(pl.String).str.zfill(2))


def _pounds(pence: pl.Expr) -> pl.Expr:
    """Return the nearest double; polars divides a column by multiplying, which misses it by a bit."""
    return _in_pounds(pence).str.strip_prefix("£").cast(pl.Float64)


def _promotions() -> tuple[pl.Expr, pl.Expr]:
    """Return the texts of a sale, in the words of each retailer; null where there is none."""
    was, now = pl.col("regular_pence"), pl.col("price_pence")
    on_sale, saved = now < was, was - now
    save = pl.when(saved < 100).then(pl.format("{}p", saved)).otherwise(_in_pounds(saved))
    alder = pl.format("Save {} Was {} Now {}", save, _in_pounds(was), _in_pounds(now))
    birch = pl.format("Only {}: Save {}", _in_pounds(now), save)
    cedar = pl.format("{}% Off", (100 * saved / was).round().cast(pl.Int64))
    offer = (
        pl.when(pl.col("retailer") == "sim-alder")
        .then(alder)
        .when(pl.col("retailer") == "sim-birch")
        .then(birch)
        .otherwise(cedar)
    )
    promo = (
        pl.when(pl.col("retailer") == "sim-alder")
        .then(pl.format("{} - all products for this offer", alder))
        .otherwise(offer)
    )
    return pl.when(on_sale).then(promo), pl.when(on_sale).then(offer)


def _run(rows: pl.DataFrame, started_at: datetime, rng: np.random.Generator) -> bytes:
    """Return the bytes of one run: its rows in the order in which the scraper met them."""
    microseconds = np.cumsum(rng.integers(2_000, 300_000, rows.height))
    timestamp = pl.lit(started_at) + pl.Series(microseconds).cast(pl.Duration("us"))
    columns = rows.with_columns(timestamp.dt.strftime("%Y-%m-%d %H:%M:%S%.6f").alias("timestamp"))
    return columns.select(COLUMNS).write_csv(line_terminator="\r\n").encode()


# --- the truth ------------------------------------------------------------------------------------------


def _write_truth(
    folder: Path, shelves: pl.DataFrame, events: Sequence[Event], *, days: int, start: date, seed: int
) -> None:
    prices = shelves.select(
        "retailer",
        "item_number",
        "product_name",
        pl.format("{} {}", "pack", "measure").alias("pack"),
        (pl.lit(start) + pl.duration(days="day")).alias("date"),
        _pounds(pl.col("price_pence")).alias("price_gbp"),
    )
    prices.write_csv(folder / "true_prices.csv")
    said = [
        {
            **vars(event),
            "first_date": (start + timedelta(days=event.first_day)).isoformat(),
            "last_date": (start + timedelta(days=event.last_day)).isoformat(),
        }
        for event in events
    ]
    world = {"days": days, "events": said, "retailers": list(RETAILERS), "seed": seed, "start": start.isoformat()}
    (folder / "events.json").write_text(json.dumps(world, indent=2, sort_keys=True) + "\n", encoding="utf-8")
