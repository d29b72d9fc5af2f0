"""Scope decisions in order of precedence: an analyst's label, a definite rule, the model outside its referral band."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.methods.scope.evaluation import RULE_OUTCOMES

PRODUCT = ["data_origin", "item_number", "retailer", "product_name"]

_KEY: dict[str, pl.DataType] = {
    "data_origin": pl.String(),
    "item_number": pl.Int64(),
    "retailer": pl.String(),
    "product_name": pl.String(),
}
_RULED: dict[str, pl.DataType] = {
    **_KEY,
    "quotes": pl.Int64(),
    "rule_outcome": pl.String(),
    "rule_id": pl.String(),
    "rule_reason": pl.String(),
}


def usable_labels(labels: pl.DataFrame) -> pl.DataFrame:
    """One row per labelled product whose judgements all agree, sorted by product.

    Takes the columns of `ScopeLabel`. A null judgement (readings that disagree) and judgements of several files that
    contradict each other leave the product out. The price is the median of the labels'.
    """
    agreed = labels.group_by(PRODUCT).agg(
        pl.col("item_name").first(),
        pl.col("median_price_gbp").median(),
        pl.col("in_scope").first().alias("in_scope"),
        (pl.col("in_scope").n_unique() == 1).alias("agrees"),
    )
    return agreed.filter(pl.col("agrees") & pl.col("in_scope").is_not_null()).drop("agrees").sort(PRODUCT)


def decide(ruled: pl.DataFrame, labels: pl.DataFrame, predicted: pl.DataFrame) -> pl.DataFrame:
    """Decide whether each product is in scope.

    `ruled`: the products (data_origin, item_number, retailer, product_name), how often each was collected (`quotes`),
    `rule_outcome` (`in`, `out`, `open`), `rule_id`, `rule_reason`. `labels`: the products that were labelled, with
    `in_scope`. `predicted`: products with `model_in_scope`, `probability` and `in_band`; may lack products, where
    there is no model. Returns the products in their order with `in_scope`, `probability`, `referred`, `decided_by` and
    `reason`: an analyst's label decides before a rule, a rule before the model; what the model refers or has not judged
    is referred.

    Raises ValueError for a rule outcome that is not known and for a product that occurs twice in any of the frames.
    """
    products = checked_columns(ruled, _RULED, "ruled")
    judged = checked_columns(labels, {**_KEY, "in_scope": pl.Boolean()}, "labels").rename({"in_scope": "label"})
    asked = checked_columns(
        predicted,
        {**_KEY, "model_in_scope": pl.Boolean(), "probability": pl.Float64(), "in_band": pl.Boolean()},
        "predicted",
    )
    refuse_rows(
        products,
        {"an unknown rule_outcome": ~pl.col("rule_outcome").is_in(RULE_OUTCOMES).fill_null(value=False)},
        "ruled",
    )
    for name, frame in (("ruled", products), ("labels", judged), ("predicted", asked)):
        refuse_rows(frame, {"a product that occurs twice": pl.struct(PRODUCT).is_duplicated()}, name)
    joined = products.join(judged, on=PRODUCT, how="left", maintain_order="left")
    joined = joined.join(asked, on=PRODUCT, how="left", maintain_order="left")
    decided_by = (
        pl.when(pl.col("label").is_not_null())
        .then(pl.lit("analyst"))
        .when(pl.col("rule_outcome") != "open")
        .then(pl.lit("rule"))
        .when(pl.col("in_band").not_().fill_null(value=False))
        .then(pl.lit("model"))
        .otherwise(pl.lit("none"))
    )
    by_rule = pl.col("rule_outcome") == "in"
    by = pl.col("decided_by")
    in_scope = pl.when(by == "analyst").then("label").when(by == "rule").then(by_rule).otherwise("model_in_scope")
    reason = (
        pl.when(by == "analyst")
        .then(pl.lit("labelled by readers"))
        .when(by == "rule")
        .then(pl.format("{} ({})", "rule_reason", "rule_id"))
        .when(by == "model")
        .then(pl.lit("no rule decides; the model does"))
        .when(pl.col("probability").is_null())
        .then(pl.lit("no rule decides, and there is no model"))
        .otherwise(pl.lit("no rule decides, and the model is not sure"))
    )
    decided = joined.with_columns(decided_by=decided_by).with_columns(
        in_scope=in_scope, referred=by == "none", reason=reason
    )
    return decided.select(*PRODUCT, "in_scope", "probability", "referred", "decided_by", "reason", "quotes")
