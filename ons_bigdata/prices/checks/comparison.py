"""Checks of the comparisons. Lost rows block; a difference from official figures is a warning."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource

_LEAST_AGREEING = 0.99
"""Least share of rebuilt item-months that agree with the printed index to its precision."""


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "rebuilt_item_indices"]),
    description="The office's method on its own quotes gives its printed item indices, to the printed precision.",
)
def official_indices_are_rebuilt(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where too few rebuilt item indices agree with the printed ones; pass where there are none."""
    rows = warehouse.open().frame(
        "select data_origin, item_number, month, index, published_index, difference, agrees"
        " from analysis.rebuilt_item_indices"
        " where prices_from = 'official_quotes' and formula = 'office' and agrees is not null"
        " order by abs(difference) desc"
    )
    share = 1.0 if rows.is_empty() else rows["agrees"].sum() / rows.height
    return dg.AssetCheckResult(
        passed=share >= _LEAST_AGREEING,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "item_months": rows.height,
            "share_agreeing": float(share),
            "examples": str(rows.filter(~pl.col("agrees")).head(5).to_dicts()),
        },
    )


CHECKS: list[dg.AssetChecksDefinition] = [
    official_indices_are_rebuilt,
]
