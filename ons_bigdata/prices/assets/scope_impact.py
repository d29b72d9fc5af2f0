"""What the scope does to the indices: daily indices of the products in scope, beside those of the whole shelf."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.platform.warehouse import Warehouse
from ons_bigdata.prices.assets.daily_indices import daily_recipe
from ons_bigdata.prices.methods.daily_aggregation import aggregate_prices
from ons_bigdata.prices.methods.jevons import Week, chained_jevons, fixed_base_jevons
from ons_bigdata.prices.methods.recipes import base_weeks
from ons_bigdata.prices.methods.scope.impact import index_impact
from ons_bigdata.prices.schemas import ElementaryIndex

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
    description="One row per item, class or division and method: the index with and without products out of scope.",
)
def scope_index_impact(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Compute the daily indices of the products in scope and compare them with those of the shelf."""
    store = warehouse.open()
    quotes = store.frame(
        "select data_origin, retailer, item_number, product, collected_on, price_gbp"
        " from intermediate.int_prices__quotes_scoped where in_scope"
    )
    days = store.frame("select distinct data_origin, collected_on from intermediate.int_prices__quotes_accepted")
    shelf = store.frame("select data_origin, level, code, method, period, index from analysis.aggregate_price_indices")
    weeks = base_weeks(days)
    target = _aggregates(store, _elementary(quotes, weeks), weeks)
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


def _elementary(quotes: pl.DataFrame, weeks: dict[str, Week | None]) -> pl.DataFrame:
    days = daily_recipe().link_window_days
    indices = [
        index
        for (origin,), rows in quotes.group_by("data_origin", maintain_order=True)
        for index in (
            chained_jevons(rows, link_window_days=days, base_week=weeks[str(origin)]),
            fixed_base_jevons(rows, base_week=weeks[str(origin)]),
        )
    ]
    return pl.concat(indices) if indices else ElementaryIndex.create_empty()


def _aggregates(store: Warehouse, elementary: pl.DataFrame, weeks: dict[str, Week | None]) -> pl.DataFrame:
    recipe = daily_recipe()
    year = [recipe.weights_year]
    return aggregate_prices(
        elementary,
        retailer_weights=store.frame(
            "select retailers.data_origin, weights.retailer, weights.item_number, weights.weight"
            " from seeds.retailer_weights as weights join seeds.retailers using (retailer) where weights_year = $1",
            year,
        ),
        item_weights=store.frame(
            "select item_number, class_code, weight from seeds.item_weights where weights_year = $1", year
        ),
        class_weights=store.frame(
            "select class_code, division_code, weight from seeds.class_weights where weights_year = $1", year
        ),
        base_weeks=weeks,
        recipe=recipe,
    )


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [scope_index_impact]
