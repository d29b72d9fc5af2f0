"""The truth of a simulated world, written apart from what is scraped of it.

* true_prices.csv: retailer, item_number, product_id, product_name, pack, date, price_gbp, in_scope. One row per
  product of a shelf and day on which it is on sale, collected or not.
  pack is the quantity in g, ml or each: `800 g`.
* true_scope.csv: retailer, item_number, product_id, product_name, pack, in_scope. One row per product of a shelf.
* pack_changes.csv: retailer, item_number, product_id, date, product_name_before, product_name, pack_before, pack.
  Packs that became smaller.
* labels.csv: item_number, item_name, retailer, product_name, median_price_gbp, in_scope (0 or 1), data_origin.
  A sample read by a simulated analyst, who errs in one of fifty.
* events.json: seed, days and what went wrong, with what quality assurance should say of it; found_on lists the days
  on which it has to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.simulation.promotions import pounds

if TYPE_CHECKING:
    from pathlib import Path

    from ons_bigdata.simulation.breakages import Event
    from ons_bigdata.simulation.shop_world import ShopWorld

LABELS = 1200
"""Products in the labelled sample, or all where there are fewer."""

WRONG_READINGS = 0.02
"""Share of the labels that are wrong."""

_PRODUCT = ["retailer", "item_number", "product_id", "product_name", "pack"]


def write_truth(folder: Path, world: ShopWorld, *, archive_days: int) -> None:
    """Write the truth of all days of a world; archive_days goes into events.json."""
    size = pl.format("{} {}", pl.col("quantity").cast(pl.String).str.strip_suffix(".0"), "measure")
    shelves = world.shelves.with_columns(
        (pl.lit(world.start) + pl.duration(days="day")).alias("date"), size.alias("pack")
    )
    on_sale = shelves.filter("in_stock").with_columns(pounds(pl.col("price_pence")).alias("price_gbp"))
    on_sale.select(*_PRODUCT, "date", "price_gbp", "in_scope").write_csv(folder / "true_prices.csv")
    shelves.select(*_PRODUCT, "in_scope").unique(maintain_order=True).write_csv(folder / "true_scope.csv")
    changes = world.pack_changes.with_columns((pl.lit(world.start) + pl.duration(days="day")).alias("date"))
    before_and_after = ["product_name_before", "product_name", "pack_before", "pack"]
    changes.select(*_PRODUCT[:3], "date", *before_and_after).write_csv(folder / "pack_changes.csv")
    labelled_sample(on_sale, world.seed).write_csv(folder / "labels.csv")
    text = json.dumps(_said(world, archive_days), indent=2, sort_keys=True)
    (folder / "events.json").write_text(text + "\n", encoding="utf-8")


def labelled_sample(on_sale: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Draw products by item and retailer in equal numbers, and read them: in scope or not, some wrongly."""
    names = on_sale.group_by("item_number", "item_name", "retailer", "product_name", maintain_order=True).agg(
        pl.col("price_gbp").median().alias("median_price_gbp"), pl.col("in_scope").first()
    )
    rng = np.random.default_rng([seed, 200])
    shelf = ["item_number", "retailer"]
    drawn = (
        names.with_columns(pl.Series("chance", rng.random(names.height)))
        .with_columns(pl.col("chance").rank("ordinal").over(shelf).alias("turn"))
        .sort("turn", "chance")
        .head(LABELS)
    )
    is_wrong = pl.Series("is_wrong", rng.random(drawn.height) < WRONG_READINGS)
    reading = (pl.col("in_scope") ^ pl.lit(is_wrong)).cast(pl.Int8).alias("in_scope")
    told = ["item_number", "item_name", "retailer", "product_name", "median_price_gbp"]
    return drawn.select(*told, reading, pl.lit("simulated").alias("data_origin")).sort(told[0], told[2], told[3])


def _said(world: ShopWorld, archive_days: int) -> dict[str, object]:
    return {
        "archive_days": archive_days,
        "days": world.days,
        "events": [_event(world, event) for event in world.events],
        "retailers": list(world.retailers),
        "seed": world.seed,
        "start": world.start.isoformat(),
    }


def _event(world: ShopWorld, event: Event) -> dict[str, object]:
    found_from = event.found_from_day
    days = range(event.last_day + 1)[event.first_day if found_from is None else found_from :]
    return {
        **vars(event),
        "category_after": event.category_after,
        "finding": event.finding,
        "first_date": world.date_of(event.first_day).isoformat(),
        "last_date": world.date_of(event.last_day).isoformat(),
        "found_on": [] if found_from is None else [world.date_of(day).isoformat() for day in days],
    }
