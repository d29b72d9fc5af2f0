"""Comparison of indices with official figures and with each other, of collection frequencies, and of price sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import cast

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.by_period import ByPeriod, Period
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, table_asset, tables_asset
from ons_bigdata.prices import schemas
from ons_bigdata.prices.methods.comparison import collection_frequency as frequencies
from ons_bigdata.prices.methods.comparison import official_items, source_agreement, source_matching
from ons_bigdata.prices.methods.comparison import series as comparison

WEIGHTS_YEAR = 2016
"""Year of the weights of items and classes that the comparisons use."""

_QUOTE = ["data_origin", "retailer", "item_number", "product", "collected_on", "price_gbp"]

_SERIES = ["data_origin", "level", "code", "scope", "series", "frequency", "period", "index"]


@table_asset(
    table="analysis.rebuilt_item_indices",
    inputs={
        "official_indices": "staging.stg_prices__official_item_indices",
        "official_quotes": "intermediate.int_prices__official_quotes_selected",
        "scraped_quotes": "intermediate.int_prices__quotes_accepted",
        "item_days": "intermediate.int_prices__item_days_accepted",
    },
    frame=schemas.RebuiltItemIndex,
    description=(
        "One row per origin of prices, formula, item and month: the office's method and elementary formulas on its own "
        "quotes and on scraped quotes in the same form, beside the printed item index. Internal: the evidence that the "
        "office's method is implemented correctly, for a check and for docs/prices/comparison/comparison.md."
    ),
)
def rebuilt_item_indices(inputs: Inputs, _: AssetRun) -> Output:
    """Rebuild item indices from official quotes and from scraped quotes by the same functions."""
    published = inputs.read("official_indices", ["data_origin", "item_number", "month", "index"])
    collected = inputs.read("official_quotes").sort("load_id", "line").drop("load_id", "line")
    scraped = official_items.scraped_as_collected(_quotes_near_collection_days(inputs).sort(_QUOTE))
    parts = [
        official_items.with_published(indices, published).with_columns(prices_from=pl.lit(name))
        for name, quotes in (("official_quotes", collected), ("scraped_quotes", scraped))
        for indices in (
            official_items.office_item_indices(quotes).with_columns(formula=pl.lit("office")),
            official_items.formula_item_indices(quotes),
        )
    ]
    columns = schemas.RebuiltItemIndex.column_names()
    frame = schemas.RebuiltItemIndex.cast(pl.concat([part.select(columns) for part in parts]))
    office = frame.filter((pl.col("prices_from") == "official_quotes") & (pl.col("formula") == "office"))
    largest = cast("float | None", office["difference"].abs().max())
    return Output(
        frame,
        {
            "official_quotes": collected.height,
            "item_months_rebuilt": office["index"].count(),
            "item_months_to_printed_precision": int(office["agrees"].sum()),
            **({} if largest is None else {"largest_difference": largest}),
        },
    )


def _quotes_near_collection_days(inputs: Inputs) -> pl.DataFrame:
    """Read the scraped quotes of the days of each month on which the office might have collected."""
    months = inputs.read("item_days", ["collected_on"])["collected_on"].dt.month_start().unique().sort()
    parts = [
        inputs.read_days("scraped_quotes", "collected_on", official_items.days_near_collection(month), _QUOTE)
        for month in months
    ]
    return pl.concat(parts) if parts else inputs.read("scraped_quotes", _QUOTE)


@tables_asset(
    name="price_comparisons",
    tables=[
        Table(
            "analysis.price_comparisons",
            schemas.PriceComparison,
            "One row per pair of series: recipes with official figures and with each other.",
        ),
        Table(
            "analysis.compared_price_indices",
            schemas.ComparedPriceIndex,
            "One row per recipe, official series and common month: indices and rates side by side. Internal: the "
            "months behind the figures of price_comparisons, for charts and analysts.",
        ),
    ],
    inputs={
        "indices": "analysis.aggregate_price_indices",
        "official_indices": "staging.stg_prices__official_item_indices",
        "official_series": "intermediate.int_prices__official_series_matched",
        "items": "intermediate.int_prices__items_weighted",
    },
    can_subset=True,
)
def price_comparisons(inputs: Inputs, run: AssetRun) -> Mapping[str, pl.DataFrame | Output]:
    """Compare every recipe with the official figures and with every other recipe. A disagreement is a result."""
    recipes = recipe_series(inputs)
    official = official_series(
        inputs.read("official_indices"),
        inputs.read("official_series"),
        inputs.read("items").filter(pl.col("weights_year") == WEIGHTS_YEAR),
    )
    outputs: dict[str, pl.DataFrame | Output] = {}
    if "analysis.price_comparisons" in run.tables:
        pairs = pl.concat([comparison.compare_with_official(recipes, official), comparison.compare_methods(recipes)])
        outputs["analysis.price_comparisons"] = Output(
            pairs,
            {
                "official_series": official["series"].n_unique(),
                "recipes": recipes["series"].n_unique(),
                "with_official": pairs.filter(pl.col("kind") == "official").height,
            },
        )
    if "analysis.compared_price_indices" in run.tables:
        outputs["analysis.compared_price_indices"] = comparison.compared_indices(recipes, official)
    return outputs


@table_asset(
    table="analysis.collection_movements",
    inputs={
        "quotes": "intermediate.int_prices__quotes_accepted",
        "item_days": "intermediate.int_prices__item_days_accepted",
    },
    frame=schemas.CollectionMovement,
    description=(
        "One row per retailer, item, frequency, choice of collection days and period: the movement from the period "
        "before. Built by period; collection_frequencies are computed from it."
    ),
    by_period=ByPeriod(
        "period", {"quotes": "collected_on"}, packages=("ons_bigdata.prices.methods", "ons_bigdata.estimation")
    ),
)
def collection_movements(inputs: Inputs, run: AssetRun) -> Output:
    """Compute the movements under each choice of collection days of the periods whose quotes changed.

    Only the quotes of such a period and of the one before it are read.
    """
    grids = frequencies.collection_grids(inputs.read("item_days", ["data_origin", "collected_on"]))
    build = run.periods_to_build("analysis.collection_movements", _movement_periods(grids))
    built: list[pl.DataFrame] = [schemas.CollectionMovement.create_empty()]
    for period in build.stale:
        quotes = inputs.read_days("quotes", "collected_on", (period.first_day, period.last_day), _QUOTE)
        built += [
            frequencies.collection_movements(quotes, grid, period.start)
            for grid in grids
            if period.start in grid.movements
        ]
    return Output(pl.concat(built), build=build)


@table_asset(
    table="analysis.collection_frequencies",
    inputs={
        "movements": "analysis.collection_movements",
        "item_days": "intermediate.int_prices__item_days_accepted",
        "items": "intermediate.int_prices__items_weighted",
    },
    frame=schemas.CollectionFrequency,
    description="One row per item or division, retailers and frequency: what less collection costs in precision.",
)
def collection_frequency(inputs: Inputs, _: AssetRun) -> pl.DataFrame:
    """Estimate the precision of daily, weekly and monthly collection, and of fewer retailers."""
    items = inputs.read("items").filter(pl.col("weights_year") == WEIGHTS_YEAR)
    return frequencies.precisions_of(
        inputs.read("movements"),
        inputs.read("item_days", ["data_origin", "retailer", "item_number", "collected_on"]),
        items.select("item_number", "division_code", "weight"),
    )


def _movement_periods(grids: Sequence[frequencies.CollectionGrid]) -> list[Period]:
    """Periods of the movements of all origins, with the days on which they depend."""
    views: dict[date, list[tuple[date, date]]] = {}
    for grid in grids:
        for start in grid.movements:
            views.setdefault(start, []).append(grid.days_of(start))
    return [
        Period(start, min(first for first, _ in days), max(last for _, last in days))
        for start, days in sorted(views.items())
    ]


@tables_asset(
    name="other_sources",
    tables=[
        Table(
            "analysis.source_matches",
            schemas.SourceMatch,
            "One row per pair of matched products of two sources, and per product without a match. Internal: the "
            "matches behind source_agreement, for analysts.",
        ),
        Table(
            "analysis.source_agreement",
            schemas.SourceAgreement,
            "One row per other source and retailer: coverage, agreement, lag; could it replace the scraper.",
        ),
    ],
    inputs={
        "scraped_products": "intermediate.int_prices__scraped_products_priced",
        "other_products": "intermediate.int_prices__other_products_priced",
        "scraped_quotes": "intermediate.int_prices__scraped_quotes_overlapping",
        "other_quotes": "staging.stg_prices__other_quotes",
    },
    can_subset=True,
)
def other_sources(inputs: Inputs, run: AssetRun) -> Mapping[str, pl.DataFrame | Output]:
    """Match the products of each other source with the scraped products, and compare their prices."""
    scraped = inputs.read("scraped_products")
    other_products = inputs.read("other_products").sort("data_origin", "source", "retailer", "item_number", "product")
    parts = [
        source_matching.match_products(
            scraped.filter(pl.col("data_origin") == origin).join(theirs.select("retailer").unique(), on="retailer"),
            theirs,
        ).with_columns(data_origin=pl.lit(origin), source=pl.lit(source))
        for (origin, source), theirs in other_products.group_by("data_origin", "source", maintain_order=True)
    ]
    columns = schemas.SourceMatch.column_names()
    matches = pl.concat([part.select(columns) for part in parts]) if parts else schemas.SourceMatch.create_empty()
    matches = schemas.SourceMatch.validate(matches, cast=True)
    counts = dict(matches["matched_by"].value_counts().iter_rows())
    outputs: dict[str, pl.DataFrame | Output] = {
        "analysis.source_matches": Output(matches, {f"matched_by_{by}": count for by, count in counts.items()})
    }
    if "analysis.source_agreement" in run.tables:
        other_quotes = inputs.read("other_quotes", ["data_origin", "source", *_QUOTE[1:], "delivered_on"])
        outputs["analysis.source_agreement"] = source_agreement(inputs.read("scraped_quotes"), other_quotes, matches)
    return outputs


def recipe_series(inputs: Inputs) -> pl.DataFrame:
    """Every published index as a series `recipe/method`: the columns that `compare_methods` takes.

    Figures of another base than the first (retailers that no period connects) are a series of their own.
    """
    key = ["data_origin", "level", "code", "scope", "recipe", "method"]
    figures = inputs.read("indices", [*key, "frequency", "period", "index", "base_period"])
    figures = figures.filter(pl.col("index").is_not_null())
    name = pl.concat_str("recipe", "method", separator="/")
    later = pl.col("base_period") != pl.col("base_period").sort_by("period").first().over(key)
    series = pl.when(later).then(pl.format("{}, base {}", name, "base_period")).otherwise(name)
    return figures.with_columns(series=series).select(_SERIES)


def official_series(indices: pl.DataFrame, series: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """Official figures that recipes are compared with: items, classes and divisions made of items, single series.

    `indices`: `stg_prices__official_item_indices`. `series`: `int_prices__official_series_matched`. `items`:
    `int_prices__items_weighted` of one year. Gives the columns that `compare_with_official` takes, of the months that
    have an index.
    """
    of_items = official_items.chained_official(
        indices.join(items.select("item_number"), on="item_number", how="semi"), by=["data_origin", "item_number"]
    ).with_columns(level=pl.lit("item"), code=pl.col("item_number").cast(pl.String))
    above = official_items.chained_official(
        official_items.combined_official(indices, items.select("item_number", "class_code", "division_code")),
        by=["data_origin", "level", "code"],
    )
    columns = ["data_origin", "level", "code", "series", "period", "index"]
    chained = [
        frame.with_columns(
            series=pl.lit("official item indices"), period=pl.col("month"), index=pl.col("chained")
        ).select(columns)
        for frame in (of_items, above)
    ]
    single = series.sort("data_origin", "series_id", "month").with_columns(
        series=pl.format("series {}", "series_id"), period=pl.col("month")
    )
    return (
        pl.concat([*chained, single.select(columns)])
        .filter(pl.col("index").is_not_null())
        .with_columns(scope=pl.lit("official"), frequency=pl.lit("monthly"))
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    rebuilt_item_indices,
    price_comparisons,
    collection_movements,
    collection_frequency,
    other_sources,
]
