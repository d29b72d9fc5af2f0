"""Comparison with the official figures, of methods, of frequencies and of sources."""

from collections.abc import Iterator
from typing import cast

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices import schemas
from ons_bigdata.prices.methods.comparison import official_items, source_agreement, source_matching
from ons_bigdata.prices.methods.comparison import series as comparison
from ons_bigdata.prices.methods.comparison.collection_frequency import collection_frequencies

RECIPES = """
    select data_origin, level, code, scope, recipe || '/' || method as series, frequency, period, index
    from analysis.aggregate_price_indices
    where index is not null
"""
"""Every index of `marts.price_indices`, from the table that it is made of."""

_OFFICIAL_INDICES = """
    select loads.data_origin, indices.item_number, indices.month, indices.index, indices.weight
    from raw.official_item_indices as indices
    join ops.loads using (load_id)
    join ops.files using (file_id)
    where files.superseded_by is null
    order by loads.data_origin, indices.item_number, indices.month, files.name
"""

_OFFICIAL_QUOTES = """
    select loads.data_origin, quotes.item_number, quotes.month, quotes.validity, quotes.price_gbp,
        quotes.stratum_weight, quotes.stratum_type, quotes.stratum_cell, quotes.shop_weight, quotes.base_price_gbp,
        quotes.base_validity
    from raw.official_price_quotes as quotes
    join ops.loads using (load_id)
    join ops.files using (file_id)
    join seeds.items using (item_number)
    where files.superseded_by is null and (quotes.validity in (3, 4) or quotes.price_gbp > 0)
"""

_OFFICIAL_SERIES = """
    select loads.data_origin, series.level, series.code, 'series ' || series_id as series, months.month as period,
        months.value as index
    from raw.official_series as months
    join ops.loads using (load_id)
    join ops.files using (file_id)
    join seeds.official_series as series using (series_id)
    where files.superseded_by is null and series.data_origin = loads.data_origin and months.value > 0
    order by loads.data_origin, series_id, months.month, files.name
"""

_ITEMS = """
    select items.item_number, items.class_code, weights.division_code,
        case when sum(items_weights.weight) over (partition by items.class_code) > 0 then
            weights.weight::double precision * items_weights.weight
                / sum(items_weights.weight) over (partition by items.class_code)
        else 0 end as weight
    from seeds.items
    join seeds.item_weights as items_weights using (item_number)
    join seeds.class_weights as weights
        on weights.class_code = items.class_code and weights.weights_year = items_weights.weights_year
    where items_weights.weights_year = 2016
"""
"""Each item with class, division and its weight within the division."""

_OUR_PRODUCTS = """
    select accepted.data_origin, accepted.retailer, accepted.item_number, accepted.product,
        min(products.product_id) as product_id, min(products.product_name) as product_name,
        case when min(products.size_class) = max(products.size_class)
            then power(1.08, min(products.size_class)) end::double precision as pack_size,
        percentile_cont(0.5) within group (order by accepted.price_gbp) as price_gbp
    from intermediate.int_prices__quotes_accepted as accepted
    join intermediate.int_prices__products as products using (data_origin, retailer, item_number, product)
    join (
        select data_origin, retailer, min(collected_on) as first_day, max(collected_on) as last_day
        from staging.stg_prices__other_quotes group by data_origin, retailer
    ) as span using (data_origin, retailer)
    where accepted.collected_on between span.first_day - 7 and span.last_day
    group by accepted.data_origin, accepted.retailer, accepted.item_number, accepted.product
"""

_OTHER_PRODUCTS = """
    select data_origin, source, retailer, item_number, product, min(product_id) as product_id,
        min(product_name) as product_name,
        percentile_cont(0.5) within group (order by pack_size) as pack_size,
        percentile_cont(0.5) within group (order by price_gbp) as price_gbp
    from staging.stg_prices__other_quotes
    group by data_origin, source, retailer, item_number, product
"""

_SCRAPED_QUOTES = """
    select accepted.data_origin, accepted.retailer, accepted.item_number, accepted.product, accepted.collected_on,
        accepted.price_gbp
    from intermediate.int_prices__quotes_accepted as accepted
    join (
        select data_origin, retailer, min(collected_on) as first_day, max(collected_on) as last_day
        from staging.stg_prices__other_quotes group by data_origin, retailer
    ) as span using (data_origin, retailer)
    where accepted.collected_on between span.first_day - 28 and span.last_day
"""
"""Scraped quotes of the days of other sources, and so many days before that an older price can be told."""

_OTHER_QUOTES = """
    select data_origin, source, retailer, item_number, product, collected_on, price_gbp, delivered_on
    from staging.stg_prices__other_quotes
"""


def accepted_quotes(store: Warehouse) -> pl.DataFrame:
    """Return the quotes that may enter an index."""
    return store.frame(
        "select data_origin, retailer, item_number, product, collected_on, price_gbp"
        " from intermediate.int_prices__quotes_accepted"
    )


def _specs(deps: list[list[str]], **descriptions: str) -> list[dg.AssetSpec]:
    """Return the specs of the tables that one asset fills, by name and description."""
    return [
        dg.AssetSpec(["analysis", table], deps=deps, kinds={"python", "polars"}, description=description)
        for table, description in descriptions.items()
    ]


@dg.asset(
    key=["analysis", "rebuilt_item_indices"],
    deps=[
        ["raw", "official_item_indices"],
        ["raw", "official_price_quotes"],
        ["intermediate", "int_prices__quotes_accepted"],
        ["seeds", "items"],
    ],
    kinds={"python", "polars"},
    description=(
        "One row per origin of prices, formula, item and month: the office's method and elementary formulas on its own "
        "quotes and on scraped ones in the same form, beside the printed item index."
    ),
)
def rebuilt_item_indices(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Rebuild item indices from official quotes and from scraped ones by the same functions."""
    store = warehouse.open()
    published = official_item_indices(store)
    collected = store.frame(_OFFICIAL_QUOTES)
    scraped = official_items.scraped_as_collected(accepted_quotes(store))
    parts = [
        official_items.with_published(indices, published).with_columns(prices_from=pl.lit(name))
        for name, quotes in (("official_quotes", collected), ("scraped_quotes", scraped))
        for indices in (
            official_items.office_item_indices(quotes).with_columns(formula=pl.lit("office")),
            official_items.formula_item_indices(quotes),
        )
    ]
    columns = schemas.RebuiltItemIndex.column_names()
    frame = schemas.RebuiltItemIndex.validate(pl.concat([part.select(columns) for part in parts]), cast=True)
    rows = store.replace("analysis.rebuilt_item_indices", frame)
    office = frame.filter((pl.col("prices_from") == "official_quotes") & (pl.col("formula") == "office"))
    largest = cast("float | None", office["difference"].abs().max())
    return dg.MaterializeResult(
        metadata={
            "rows": rows,
            "official_quotes": collected.height,
            "item_months_rebuilt": office["index"].count(),
            "item_months_to_printed_precision": int(office["agrees"].sum()),
            **({} if largest is None else {"largest_difference": largest}),
        }
    )


@dg.multi_asset(
    name="price_comparisons",
    specs=_specs(
        [
            ["analysis", "aggregate_price_indices"],
            ["raw", "official_item_indices"],
            ["raw", "official_series"],
            ["seeds", "items"],
            ["seeds", "class_weights"],
            ["seeds", "item_weights"],
            ["seeds", "official_series"],
        ],
        price_comparisons="One row per pair of series: recipes with official figures and with each other.",
        compared_price_levels="One row per recipe, official series and common month: level and rates side by side.",
    ),
)
def price_comparisons(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Hold every recipe against the official figures and against every other. A disagreement is a finding."""
    store = warehouse.open()
    recipes, official = store.frame(RECIPES), official_series(store)
    pairs = schemas.PriceComparison.validate(
        pl.concat([comparison.compare_with_official(recipes, official), comparison.compare_methods(recipes)])
    )
    levels = comparison.compared_levels(recipes, official)
    yield _stored(
        store,
        "price_comparisons",
        pairs,
        official_series=official["series"].n_unique(),
        recipes=recipes["series"].n_unique(),
        with_official=pairs.filter(pl.col("kind") == "official").height,
    )
    yield _stored(store, "compared_price_levels", levels)


@dg.asset(
    key=["analysis", "collection_frequencies"],
    deps=[
        ["intermediate", "int_prices__quotes_accepted"],
        ["seeds", "items"],
        ["seeds", "item_weights"],
        ["seeds", "class_weights"],
    ],
    kinds={"python", "polars"},
    description="One row per item or division, retailers and frequency: what less collection costs in precision.",
)
def collection_frequency(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Estimate the precision of daily, weekly and monthly collection, and of fewer retailers."""
    store = warehouse.open()
    weights = store.frame(_ITEMS).select("item_number", "division_code", "weight")
    frame = collection_frequencies(accepted_quotes(store), weights)
    return _stored(store, "collection_frequencies", frame)


@dg.multi_asset(
    name="other_sources",
    specs=_specs(
        [
            ["intermediate", "int_prices__quotes_accepted"],
            ["intermediate", "int_prices__products"],
            ["staging", "stg_prices__other_quotes"],
        ],
        source_matches="One row per pair of matched products of two sources, and per product without a match.",
        source_agreement=(
            "One row per other source and retailer: coverage, agreement, lag; could it replace the scraper."
        ),
    ),
)
def other_sources(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Match the products of each other source with the scraped ones, and compare their prices."""
    store = warehouse.open()
    ours = store.frame(_OUR_PRODUCTS)
    parts = [
        source_matching.match_products(
            ours.filter(pl.col("data_origin") == origin).join(theirs.select("retailer").unique(), on="retailer"), theirs
        ).with_columns(data_origin=pl.lit(origin), source=pl.lit(source))
        for (origin, source), theirs in store.frame(_OTHER_PRODUCTS).group_by(
            "data_origin", "source", maintain_order=True
        )
    ]
    columns = schemas.SourceMatch.column_names()
    matches = pl.concat([part.select(columns) for part in parts]) if parts else schemas.SourceMatch.create_empty()
    matches = schemas.SourceMatch.validate(matches, cast=True)
    agreement = source_agreement(store.frame(_SCRAPED_QUOTES), store.frame(_OTHER_QUOTES), matches)
    counts = dict(matches["matched_by"].value_counts().iter_rows())
    yield _stored(store, "source_matches", matches, **{f"matched_by_{by}": count for by, count in counts.items()})
    yield _stored(store, "source_agreement", agreement)


def official_item_indices(store: Warehouse) -> pl.DataFrame:
    """Return the printed item indices; of a month in several files the last file's, by name."""
    keys = ["data_origin", "item_number", "month"]
    return store.frame(_OFFICIAL_INDICES).unique(keys, keep="last", maintain_order=True)


def official_series(store: Warehouse) -> pl.DataFrame:
    """Return the official figures that recipes are held against: items, classes and divisions made of them, series."""
    printed = official_item_indices(store)
    items = store.frame(_ITEMS)
    of_items = official_items.chained_official(
        printed.join(items.select("item_number"), on="item_number", how="semi"), by=["data_origin", "item_number"]
    ).select("data_origin", pl.lit("item").alias("level"), pl.col("item_number").cast(pl.String).alias("code"), *_LEVEL)
    above = official_items.chained_official(
        official_items.combined_official(printed, items.select("item_number", "class_code", "division_code")),
        by=["data_origin", "level", "code"],
    ).select("data_origin", "level", "code", *_LEVEL)
    combined = pl.concat([of_items, above]).with_columns(series=pl.lit("official item indices"))
    series = store.frame(_OFFICIAL_SERIES).unique(["data_origin", "series", "period"], keep="last", maintain_order=True)
    columns = ["data_origin", "level", "code", "series", "period", "index"]
    return (
        pl.concat([combined.select(columns), series.select(columns)])
        .filter(pl.col("index").is_not_null())
        .with_columns(scope=pl.lit("official"), frequency=pl.lit("monthly"))
    )


_LEVEL = (pl.col("month").alias("period"), pl.col("chained").alias("index"))


def _stored(store: Warehouse, table: str, frame: pl.DataFrame, **metadata: int) -> dg.MaterializeResult:
    rows = store.replace(f"analysis.{table}", frame)
    return dg.MaterializeResult(asset_key=["analysis", table], metadata={"rows": rows, **metadata})


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    rebuilt_item_indices,
    price_comparisons,
    collection_frequency,
    other_sources,
]
