"""Files with the truth of a simulated world.

* true_prices.csv: retailer, item_number, product_id, product_name, pack, date, price_gbp, in_scope. One row per
  product of a shelf and day in stock, whether or not it is collected. pack is the quantity in g, ml or each: `800 g`.
* true_scope.csv: retailer, item_number, product_id, product_name, pack, in_scope. One row per product of a shelf.
* pack_changes.csv: retailer, item_number, product_id, date, product_name_before, product_name, pack_before, pack.
  Packs that became smaller.
* labels.csv: item_number, item_name, retailer, product_name, median_price_gbp, in_scope (0 or 1), data_origin.
  A sample judged by a simulated analyst, who is wrong in one of fifty.
* events.json: seed, days and events, with the finding expected of quality assurance; found_on lists the days on which
  it is required.
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
"""Products in the labelled sample; all products where there are fewer."""

WRONG_READINGS = 0.02
"""Share of wrong labels."""

_PRODUCT = ["retailer", "item_number", "product_id", "product_name", "pack"]


def write_truth(folder: Path, world: ShopWorld, *, archive_days: int) -> None:
    """Write the truth of all days of a world. archive_days is recorded in events.json."""
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
    text = json.dumps(_events_file(world, archive_days), indent=2, sort_keys=True)
    (folder / "events.json").write_text(text + "\n", encoding="utf-8")


def labelled_sample(on_sale: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Equal numbers of products by item and retailer, labelled in scope (1) or not (0), some of them wrongly."""
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
    label = (pl.col("in_scope") ^ pl.lit(is_wrong)).cast(pl.Int8).alias("in_scope")
    columns = ["item_number", "item_name", "retailer", "product_name", "median_price_gbp"]
    return drawn.select(*columns, label, pl.lit("simulated").alias("data_origin")).sort(
        "item_number", "retailer", "product_name"
    )


def _events_file(world: ShopWorld, archive_days: int) -> dict[str, object]:
    return {
        "archive_days": archive_days,
        "days": world.days,
        "events": [_event(world, event) for event in world.events],
        "retailers": list(world.retailers),
        "seed": world.seed,
        "start": world.start.isoformat(),
    }


def _event(world: ShopWorld, event: Event) -> dict[str, object]:
    first_day = event.detected_from_day
    days = range(event.last_day + 1)[event.first_day if first_day is None else first_day :]
    return {
        **vars(event),
        "category_after": event.category_after,
        "finding": event.expected_finding,
        "first_date": world.date_of(event.first_day).isoformat(),
        "last_date": world.date_of(event.last_day).isoformat(),
        "found_on": [] if first_day is None else [world.date_of(day).isoformat() for day in days],
    }
