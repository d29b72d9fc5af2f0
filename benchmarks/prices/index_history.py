"""Costs of indices and of their errors over a history of some length, by recipe: CPU seconds and peak memory.

Simulated shops of full size (three retailers, about 10,200 quotes a day), a tenth of the products judged out of their
item, so that both scopes are computed. Quotes are arranged in this process, without database and dbt. Each length is
a process of its own, so that the peak of memory is its own.

Usage: python benchmarks/prices/index_history.py [--days 56 224 730] [--recipes web_daily fews] [--shelf-size 1.0]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Sequence

import polars as pl
from threadpoolctl import threadpool_limits

from ons_bigdata.prices.methods.recipes import (
    RECIPES,
    Bootstrap,
    OriginPanels,
    TreeWeights,
    base_weeks,
    index_diagnostics,
    index_figures,
    origin_panels,
    recipe_named,
)
from ons_bigdata.simulation.shop_world import build_world

ORIGIN = "simulated"
STRATUM = ["retailer", "item_number"]


def simulated_quotes(days: int, shelf_size: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Quotes of the simulated shops, one per product and day, and the products' pack sizes."""
    world = build_world(days=days, shelf_size=shelf_size)
    product = pl.col("product_name").alias("product")
    listed = world.shown.select(
        pl.col("retailer"),
        pl.col("item_number").cast(pl.Int32),
        product,
        collected_on=(pl.lit(world.start) + pl.duration(days=pl.col("day"))).cast(pl.Date),
        price_gbp=pl.col("price_pence") / 100,
        pack_size=pl.col("quantity").cast(pl.Float64),
    )
    key = [*STRATUM, "product"]
    sizes = listed.unique(key, keep="first", maintain_order=True).select(*key, "pack_size")
    quotes = listed.unique([*key, "collected_on"], keep="first", maintain_order=True).drop("pack_size")
    texts = pl.col("data_origin", "retailer", "product").cast(pl.Categorical)
    scoped = quotes.with_columns(data_origin=pl.lit(ORIGIN), in_scope=pl.col("product").hash(seed=1) % 10 != 0)
    return scoped.with_columns(texts), sizes


def equal_weights(quotes: pl.DataFrame) -> TreeWeights:
    """Weights of 1 for classes of ten neighbouring item numbers, and for all retailers of an item."""
    item = pl.col("item_number").cast(pl.Int64)
    items = quotes.select(item, class_code=(item // 1000).cast(pl.String), weight=1.0).unique().sort("item_number")
    division = pl.col("class_code").str.slice(0, 2)
    classes = items.select("class_code", division_code=division, weight=1.0).unique().sort("class_code")
    retailers = pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int64, "weight": pl.Float64})
    return TreeWeights(retailers, items, classes)


def panels_of(days: int, shelf_size: float) -> OriginPanels:
    """Quotes of the simulated shops, arranged for the index methods."""
    quotes, sizes = simulated_quotes(days, shelf_size)
    rejected = pl.DataFrame(schema={"retailer": pl.String, "item_number": pl.Int32, "collected_on": pl.Date})
    return origin_panels(
        quotes,
        data_origin=ORIGIN,
        pack_sizes=sizes,
        rejected=rejected,
        weights=equal_weights(quotes),
        week=base_weeks(quotes, {})[ORIGIN],
    )


def measure(days: int, shelf_size: float, names: Sequence[str]) -> None:
    """Print the CPU seconds of each recipe over one history, and the peak memory of the process."""
    with threadpool_limits(limits=1):
        panels = panels_of(days, shelf_size)
        for recipe in map(recipe_named, names):
            begun = time.process_time()
            figures = index_figures(panels, [recipe])
            computed = time.process_time()
            index_diagnostics(panels, [recipe], figures, Bootstrap())
            ended = time.process_time()
            print_line(f"| {days} | {recipe.name} | {computed - begun:.1f} | {ended - computed:.1f} | |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    print_line(f"| {days} | all, with the simulation | | | {peak:,.0f} |")


def print_line(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Measure each length of the history in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[56, 224, 730])
    parser.add_argument("--shelf-size", type=float, default=1.0)
    parser.add_argument("--recipes", nargs="+", default=[recipe.name for recipe in RECIPES])
    arguments = parser.parse_args()
    print_line("| days | recipe | figures, CPU s | errors, CPU s | peak MiB |\n|---|---|---|---|---|")
    for days in arguments.days:
        process = multiprocessing.get_context("spawn").Process(
            target=measure, args=(days, arguments.shelf_size, arguments.recipes)
        )
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(process.exitcode)


if __name__ == "__main__":
    main()
