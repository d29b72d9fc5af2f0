"""What must hold of the product scope and its model. Blocking: tables that do not hold what their frames say."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.checks import rows_match_ledger, table_matches_frame
from ons_bigdata.platform.resources import WarehouseResource
from ons_bigdata.prices.schemas.product_scope import (
    ProductDescription,
    ProductScope,
    ScopeIndexImpact,
    ScopeLabel,
    ScopeMetric,
    ScopeModelRecord,
)
from ons_bigdata.prices.sources.scope_labels import READER

LEAST_ACCURACY = 0.95
MOST_REFERRED = 0.20
_LISTED = 40


@dg.asset_check(
    asset=dg.AssetKey(["raw", "scope_labels"]),
    description="No row of any current label file is in quarantine.",
)
def no_labels_quarantined(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of rows that the reader could not accept, with file, line and reason."""
    rows = warehouse.open().frame(
        "select files.name, quarantine.line, quarantine.reason from ops.quarantine join ops.loads using (load_id)"
        " join ops.files using (file_id)"
        " where files.source = $1 and files.superseded_by is null and loads.reader_version = $2"
        " order by files.name, quarantine.line",
        [READER.source, READER.version],
    )
    listed = [f"{name}, line {line}: {reason}" for name, line, reason in rows.head(_LISTED).iter_rows()]
    return dg.AssetCheckResult(
        passed=rows.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": rows.height, "which": dg.MetadataValue.md(_bullets(listed))},
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "product_scope"]),
    blocking=True,
    description="Every described product is decided or referred, once.",
)
def every_product_is_decided_or_referred(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Compare the products with those that were described."""
    lost = warehouse.open().frame(
        """
        select data_origin, item_number, retailer, product_name
        from analysis.product_descriptions as described
        full join analysis.product_scope as decided using (data_origin, item_number, retailer, product_name)
        where described.plain_name is null or decided.decided_by is null
        order by data_origin, item_number, retailer, product_name
        """
    )
    return dg.AssetCheckResult(
        passed=lost.is_empty(), metadata={"products": lost.height, "examples": str(lost.head(5).to_dicts())}
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "product_scope"]),
    description="Few products are referred; those listed most often are told, for a person to judge.",
)
def few_products_are_referred(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn of an origin with more referred products than a fifth."""
    store = warehouse.open()
    shares = store.frame(
        "select data_origin, avg(referred::int)::float8 as share from analysis.product_scope"
        " group by data_origin order by data_origin"
    )
    referred = store.frame(
        "select retailer, item_number, product_name, probability, quotes from analysis.product_scope where referred"
        " order by quotes desc, retailer, item_number, product_name limit $1",
        [_LISTED],
    )
    listed = [
        f"{retailer} {item} {name}: {_told(probability)}, {quotes} quotes"
        for retailer, item, name, probability, quotes in referred.iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=shares.filter(pl.col("share") > MOST_REFERRED).is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **{f"{origin}_share": round(share, 4) for origin, share in shares.iter_rows()},
            "which": dg.MetadataValue.md(_bullets(listed)),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "scope_evaluation"]),
    description="Rules and model judge unseen products right in 95 % of what they decide, and refer at most 20 %.",
)
def unseen_products_are_judged_well(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where the evaluation by family falls short."""
    figures = warehouse.open().frame(
        "select data_origin, metric, value from analysis.scope_evaluation"
        " where held_out = 'family' and breakdown = 'all' and decider = 'rules_and_model' and weighting = 'products'"
        " and metric in ('accuracy_decided', 'referred_share') order by data_origin, metric"
    )
    good = (
        pl.when(pl.col("metric") == "referred_share")
        .then(pl.col("value") <= MOST_REFERRED)
        .otherwise(pl.col("value") >= LEAST_ACCURACY)
    )
    return dg.AssetCheckResult(
        passed=figures.filter(~good.fill_null(value=False)).is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            f"{origin}_{metric}": "null" if value is None else round(value, 4)
            for origin, metric, value in figures.iter_rows()
        },
    )


def _told(probability: float | None) -> str:
    return "no probability" if probability is None else f"in scope with {probability:.2f}"


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"* {line}" for line in lines) or "none"


CHECKS: list[dg.AssetChecksDefinition] = [
    rows_match_ledger("raw.scope_labels", READER, partition_column="data_origin"),
    table_matches_frame("raw.scope_labels", ScopeLabel),
    no_labels_quarantined,
    table_matches_frame("analysis.product_descriptions", ProductDescription),
    table_matches_frame("analysis.product_scope", ProductScope),
    every_product_is_decided_or_referred,
    few_products_are_referred,
    table_matches_frame("analysis.scope_model", ScopeModelRecord),
    table_matches_frame("analysis.scope_evaluation", ScopeMetric),
    unseen_products_are_judged_well,
    table_matches_frame("analysis.scope_index_impact", ScopeIndexImpact),
]
