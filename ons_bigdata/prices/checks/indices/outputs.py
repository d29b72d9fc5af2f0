"""Check of the published outputs: none is empty for an origin that has quotes."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.assets.indices.origins import current_recipes
from ons_bigdata.prices.methods.recipes.panels import recipe_periods

_DAYS = """
select distinct data_origin, collected_on
from intermediate.int_prices__item_days_accepted
order by data_origin, collected_on
"""

_FIGURES = """
select data_origin, recipe, method, scope, count(index)::bigint as figures, min(reason) as reason
from marts.price_indices
group by data_origin, recipe, method, scope
"""


@dg.asset_check(
    asset=dg.AssetKey(["marts", "price_indices"]),
    description="Every output of every recipe has figures for each data origin with accepted quotes on its days.",
)
def every_output_has_figures(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of outputs without rows and of those whose figures are all null, though some day with quotes counts."""
    store = warehouse.open()
    figures = {tuple(row[:4]): (row[4], row[5]) for row in store.frame(_FIGURES).iter_rows()}
    days = store.frame(_DAYS).partition_by("data_origin", as_dict=True)
    outputs = [(recipe, output) for recipe in current_recipes() for output in recipe.outputs]
    empty: list[str] = []
    for (origin,), rows in days.items():
        for recipe, output in outputs:
            of_day = recipe_periods(rows["collected_on"].to_list(), output.frequency, output.days, None).of_day
            counted = int((of_day >= 0).sum())
            for scope in recipe.scopes if counted else ():
                count, reason = figures.get((origin, recipe.name, output.method, scope), (0, "no row"))
                if count == 0:
                    name = f"{origin}: {recipe.name} {output.method} ({scope})"
                    empty.append(f"* {name} has no figure of {counted} days with quotes: {reason}")
    return dg.AssetCheckResult(
        passed=not empty,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"found": len(empty), "which": dg.MetadataValue.md("\n".join(empty) or "none")},
    )


CHECKS: list[dg.AssetChecksDefinition] = [every_output_has_figures]
