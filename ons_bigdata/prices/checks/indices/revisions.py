"""Check of settled figures: nothing but a named event would change them."""

from __future__ import annotations

import dagster as dg

from ons_bigdata.platform.dagster.resources import WarehouseResource

_HELD = """
select data_origin, level, code, recipe, method, scope, period, index, held_index
from analysis.settled_figures
where is_held
order by data_origin, period, recipe, method, scope, level, code
"""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "settled_figures"]),
    description=(
        "No settled figure has another value by today's computation without an event that explains it. Such a figure "
        "keeps its value; a policy that is too short for its recipe shows here."
    ),
)
def settled_figures_are_explained(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of figures that are held, with the first of them."""
    held = warehouse.open().frame(_HELD)
    return dg.AssetCheckResult(
        passed=held.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"held": held.height, "examples": str(held.head(5).to_dicts())},
    )


CHECKS: list[dg.AssetChecksDefinition] = [settled_figures_are_explained]
