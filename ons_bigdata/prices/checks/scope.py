"""Checks of the product scope and its model. Lost or undecided products block; the quality of decisions warns."""

from __future__ import annotations

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.checks import LISTED, expect_no_rows
from ons_bigdata.platform.dagster.resources import WarehouseResource

LEAST_ACCURACY = 0.95
MOST_REFERRED = 0.20


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "product_scope"]),
    description="At most a fifth of the products is referred. Those with most quotes are listed, to be judged first.",
)
def few_products_are_referred(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where more than a fifth of the products of an origin is referred."""
    store = warehouse.open()
    shares = store.frame(
        "select data_origin, avg(referred::int)::float8 as share from analysis.product_scope"
        " group by data_origin order by data_origin"
    )
    referred = store.frame(
        "select retailer, item_number, product_name, probability, quotes from analysis.product_scope where referred"
        " order by quotes desc, retailer, item_number, product_name limit $1",
        [LISTED],
    )
    listed = [
        f"* {retailer} {item} {name}: {_as_text(probability)}, {quotes} quotes"
        for retailer, item, name, probability, quotes in referred.iter_rows()
    ]
    return dg.AssetCheckResult(
        passed=shares.filter(pl.col("share") > MOST_REFERRED).is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            **{f"{origin}_share": round(share, 4) for origin, share in shares.iter_rows()},
            "which": dg.MetadataValue.md("\n".join(listed) or "none"),
        },
    )


@dg.asset_check(
    asset=dg.AssetKey(["analysis", "scope_evaluation"]),
    description=(
        "Of held-out products at most 20 % are referred, and 95 % of the decisions on the rest are right; every origin"
        " with labels is evaluated."
    ),
)
def unseen_products_are_judged_well(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Warn where the evaluation on held-out families is below these bounds, or is missing although there are labels."""
    store = warehouse.open()
    figures = store.frame(
        "select data_origin, metric, value from analysis.scope_evaluation"
        " where held_out = 'family' and breakdown = 'all' and decider = 'rules_and_model' and weighting = 'products'"
        " and metric in ('accuracy_decided', 'referred_share') order by data_origin, metric"
    )
    good = (
        pl.when(pl.col("metric") == "referred_share")
        .then(pl.col("value") <= MOST_REFERRED)
        .otherwise(pl.col("value") >= LEAST_ACCURACY)
    )
    labelled = store.frame("select distinct data_origin from raw.scope_labels where in_scope is not null")
    missing = sorted(set(labelled["data_origin"]) - set(figures["data_origin"]))
    return dg.AssetCheckResult(
        passed=figures.filter(~good.fill_null(value=False)).is_empty() and not missing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            f"{origin}_{metric}": "null" if value is None else round(value, 4)
            for origin, metric, value in figures.iter_rows()
        }
        | {"labelled_and_not_evaluated": ", ".join(missing) or "none"},
    )


def _as_text(probability: float | None) -> str:
    return "no probability" if probability is None else f"in scope with {probability:.2f}"


CHECKS: list[dg.AssetChecksDefinition] = [
    expect_no_rows(
        "analysis.product_scope",
        "every_product_is_decided_or_referred",
        blocking=True,
        description="Every described product is decided or referred, once.",
        query="""
            select data_origin, item_number, retailer, product_name
            from analysis.product_descriptions as described
            full join analysis.product_scope as decided using (data_origin, item_number, retailer, product_name)
            where described.plain_name is null or decided.decided_by is null
            order by data_origin, item_number, retailer, product_name
        """,
        line="{data_origin} {retailer} {item_number}: {product_name}",
    ),
    few_products_are_referred,
    unseen_products_are_judged_well,
]
