"""Check of the published outputs: none is empty for an origin that has quotes."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.prices.assets.indices.origins import current_recipes

_QUOTES = """
select data_origin, count(*)::bigint as quotes from intermediate.int_prices__quotes_accepted group by data_origin
"""

_FIGURES = """
select data_origin, recipe, method, scope, count(index)::bigint as figures, min(reason) as reason
from marts.price_indices
group by data_origin, recipe, method, scope
"""


@dg.asset_check(
    asset=dg.AssetKey(["marts", "price_indices"]),
    description="Every output of every recipe has figures for each data origin that has accepted quotes.",
)
def every_output_has_figures(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of outputs without rows (no quote of the days that count) and of those whose figures are all null."""
    store = warehouse.open()
    figures = {tuple(row[:4]): (row[4], row[5]) for row in store.frame(_FIGURES).iter_rows()}
    empty: list[str] = []
    for origin, quotes in store.frame(_QUOTES).sort("data_origin").iter_rows():
        for recipe in current_recipes():
            for output in recipe.outputs:
                for scope in recipe.scopes:
                    count, reason = figures.get((origin, recipe.name, output.method, scope), (0, "no row"))
                    if count == 0:
                        name = f"{origin}: {recipe.name} {output.method} ({scope})"
                        empty.append(f"* {name} has no figure of {quotes} accepted quotes: {reason}")
    return dg.AssetCheckResult(
        passed=not empty,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"found": len(empty), "which": dg.MetadataValue.md("\n".join(empty) or "none")},
    )


CHECKS: list[dg.AssetChecksDefinition] = [every_output_has_figures]
