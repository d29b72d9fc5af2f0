"""What the scope does to the indices: daily indices of the products in scope, beside those of the whole shelf."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.assets.indices.daily import collected_days, daily_recipe, elementary_indices, weights
from ons_bigdata.prices.methods.recipes.catalogue import base_weeks
from ons_bigdata.prices.methods.recipes.daily_aggregation import aggregate_prices
from ons_bigdata.prices.methods.scope.impact import index_impact

_COUNTS = """
    with items as (
        select data_origin, item_number, count(*) as quotes, count(*) filter (where in_scope) as quotes_in,
            count(*) filter (where in_scope is null) as quotes_undecided
        from intermediate.int_prices__quotes_scoped
        group by data_origin, item_number
    )
    select items.data_origin, levels.level, levels.code, sum(items.quotes)::bigint as quotes,
        sum(items.quotes_in)::bigint as quotes_in, sum(items.quotes_undecided)::bigint as quotes_undecided
    from items
    join seeds.items as named using (item_number)
    cross join lateral (values
        ('item', item_number::text), ('class', named.class_code), ('division', named.division_code)
    ) as levels (level, code)
    group by items.data_origin, levels.level, levels.code
    order by items.data_origin, levels.level, levels.code
"""


@dg.asset(
    key=["analysis", "scope_index_impact"],
    deps=[
        ["intermediate", "int_prices__quotes_scoped"],
        ["analysis", "aggregate_price_indices"],
        ["seeds", "items"],
        ["seeds", "item_weights"],
        ["seeds", "class_weights"],
        ["seeds", "retailer_weights"],
        ["seeds", "retailers"],
    ],
    kinds={"python", "polars"},
    description=(
        "One row per item, class or division and method: the index with and without products out of scope. Internal: "
        "the evidence of docs/prices/product_scope.md."
    ),
)
def scope_index_impact(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Compute the daily indices of the products in scope and compare them with those of the shelf."""
    store = warehouse.open()
    quotes = store.frame(
        "select data_origin, retailer, item_number, product, collected_on, price_gbp"
        " from intermediate.int_prices__quotes_scoped where in_scope"
    )
    shelf = store.frame("select data_origin, level, code, method, period, index from analysis.aggregate_price_indices")
    recipe, weeks = daily_recipe(), base_weeks(collected_days(store))
    target = aggregate_prices(
        elementary_indices(quotes, weeks, recipe), **weights(store, recipe), base_weeks=weeks, recipe=recipe
    )
    frame = index_impact(shelf, target.select(shelf.columns), store.frame(_COUNTS))
    rows = store.replace("analysis.scope_index_impact", frame)
    divisions = frame.filter((pl.col("level") == "division") & pl.col("difference").is_not_null())
    return dg.MaterializeResult(
        metadata={
            "rows": rows,
            "without_difference": frame["difference"].null_count(),
            **{
                f"{row['data_origin']}_{row['code']}_{row['method']}": round(row["difference"], 3)
                for row in divisions.iter_rows(named=True)
            },
        }
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [scope_index_impact]
