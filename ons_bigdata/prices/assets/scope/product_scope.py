"""Product scope: what is described, decided by rule or by the model, or referred."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.resources import WarehouseResource
from ons_bigdata.platform.postgres.warehouse import Warehouse
from ons_bigdata.prices.methods.scope import ScopeModel, describe, fit
from ons_bigdata.prices.methods.scope.decisions import PRODUCT, decide, usable_labels
from ons_bigdata.prices.methods.scope.evaluation import evaluate
from ons_bigdata.prices.methods.scope.model import TooFewLabelsError, predict_described
from ons_bigdata.prices.methods.scope.model_record import model_record
from ons_bigdata.prices.schemas.scope import (
    ProductDescription,
    ProductScope,
    ScopeMetric,
    ScopeModelRecord,
)

_NAMES = """
    select data_origin, item_number, retailer, product_name, count(*)::integer as quotes,
        percentile_cont(0.5) within group (order by price_gbp) as median_price_gbp,
        percentile_cont(0.5) within group (order by pack_size) as pack_size,
        mode() within group (order by unit) as unit
    from staging.stg_prices__quotes
    group by data_origin, item_number, retailer, product_name
    order by data_origin, item_number, retailer, product_name
"""


@dg.asset(
    key=["analysis", "product_descriptions"],
    deps=[["staging", "stg_prices__quotes"]],
    kinds={"python", "polars"},
    description="One row per retailer, item and product name: size, pieces, strength, origin and terms.",
)
def product_descriptions(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Describe every name that was ever listed."""
    store = warehouse.open()
    described = describe(store.frame(_NAMES))
    frame = described.with_columns(pl.col("terms").list.join(" ")).select(ProductDescription.column_names())
    rows = store.replace("analysis.product_descriptions", ProductDescription.validate(frame))
    return dg.MaterializeResult(
        metadata={
            "rows": rows,
            "with_size": frame["total_size"].count(),
            "with_origin": frame["country"].count(),
            "with_terms": frame.filter(pl.col("terms") != "").height,
        }
    )


@dg.multi_asset(
    name="product_scope",
    specs=[
        dg.AssetSpec(
            key=["analysis", "product_scope"],
            deps=[["intermediate", "int_prices__product_scope_ruled"], ["raw", "scope_labels"]],
            kinds={"python", "scikitlearn"},
            description=(
                "One row per retailer, item and product name: in scope or out, by label, rule or model, or referred."
            ),
        ),
        dg.AssetSpec(
            key=["analysis", "scope_model"],
            deps=[["intermediate", "int_prices__product_scope_ruled"], ["raw", "scope_labels"]],
            kinds={"python", "scikitlearn"},
            description="One row per origin: the model, its labels and its referral band. Refitted with every run.",
        ),
    ],
)
def product_scope(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Fit a model to each origin's labels and decide on each of its products."""
    store = warehouse.open()
    products, labels = _ruled_products(store), _labels(store)
    records, decided = [], []
    for (origin,), of_origin in products.group_by("data_origin", maintain_order=True):
        known = labels.filter(pl.col("data_origin") == origin)
        usable = _with_shelf_size(usable_labels(known), of_origin)
        model, why_not = _fitted(usable)
        records.append(model_record(str(origin), model, why_not, known, usable))
        decided.append(decide(of_origin, usable, _predicted(model, _open(of_origin, usable))))
    scope = ProductScope.validate(pl.concat(decided), cast=True) if decided else ProductScope.create_empty()
    models = pl.DataFrame(records, schema=ScopeModelRecord.create_empty().schema, orient="row")
    store.replace("analysis.product_scope", scope)
    store.replace("analysis.scope_model", ScopeModelRecord.validate(models))
    by = dict(scope.group_by("decided_by").len().sort("decided_by").iter_rows())
    yield dg.MaterializeResult(
        asset_key=["analysis", "product_scope"],
        metadata={
            "rows": scope.height,
            "in_scope": scope.filter(pl.col("in_scope") & ~pl.col("referred")).height,
            **{f"decided_by_{who}": number for who, number in by.items()},
        },
    )
    yield dg.MaterializeResult(
        asset_key=["analysis", "scope_model"],
        metadata={f"{row['data_origin']}_labels": row["labels"] for row in models.iter_rows(named=True)},
    )


@dg.asset(
    key=["analysis", "scope_evaluation"],
    deps=[["intermediate", "int_prices__product_scope_ruled"], ["raw", "scope_labels"]],
    kinds={"python", "scikitlearn"},
    description="One row per figure: how well held-out products are judged, by family and by retailer.",
)
def scope_evaluation(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Evaluate rules and model on each origin's labels."""
    store = warehouse.open()
    products, labels = _ruled_products(store), _labels(store)
    metrics, skipped = [], []
    for (origin,), known in labels.group_by("data_origin", maintain_order=True):
        usable = _with_shelf_size(usable_labels(known), products.filter(pl.col("data_origin") == origin))
        try:
            found = evaluate(usable.with_columns(pl.col("rule_outcome").fill_null("open")))
        except TooFewLabelsError as error:
            skipped.append(f"{origin}: {error}")
            continue
        metrics.append(found.with_columns(data_origin=pl.lit(str(origin))))
    columns = ScopeMetric.column_names()
    frame = pl.concat(metrics).select(columns) if metrics else ScopeMetric.create_empty()
    rows = store.replace("analysis.scope_evaluation", ScopeMetric.validate(frame))
    return dg.MaterializeResult(
        metadata={"rows": rows, "not_evaluated": "; ".join(skipped) or "none", **_headline(frame)}
    )


def _ruled_products(store: Warehouse) -> pl.DataFrame:
    """Read the described products with what the rules say; `terms` as lists."""
    frame = store.frame(
        "select descriptions.*, ruled.outcome as rule_outcome, ruled.rule_id, ruled.reason as rule_reason"
        " from analysis.product_descriptions as descriptions"
        " join intermediate.int_prices__product_scope_ruled as ruled"
        " using (data_origin, item_number, retailer, product_name)"
        " order by data_origin, item_number, retailer, product_name"
    )
    terms = (
        pl.when(pl.col("terms") == "").then(pl.lit([], pl.List(pl.String))).otherwise(pl.col("terms").str.split(" "))
    )
    return frame.with_columns(terms)


def _labels(store: Warehouse) -> pl.DataFrame:
    return store.frame("select * from raw.scope_labels order by data_origin, load_id, line")


def _with_shelf_size(labels: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Add to labelled products what their collection tells: size by the unit price, quotes, and the rules' outcome."""
    collected = products.select(*PRODUCT, "pack_size", "unit", "quotes", "rule_outcome")
    return labels.join(collected, on=PRODUCT, how="left", maintain_order="left")


def _fitted(labels: pl.DataFrame) -> tuple[ScopeModel | None, str | None]:
    """Fit a model, or say why there is none."""
    try:
        return fit(labels), None
    except TooFewLabelsError as error:
        return None, str(error)


def _open(products: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Keep the products that the model is asked about: no rule decides and nobody has judged them."""
    return products.filter(pl.col("rule_outcome") == "open").join(labels, on=PRODUCT, how="anti", maintain_order="left")


def _predicted(model: ScopeModel | None, products: pl.DataFrame) -> pl.DataFrame:
    names = {"in_scope": "model_in_scope", "referred": "in_band"}
    if model is None:
        unjudged = {"model_in_scope": pl.Boolean, "probability": pl.Float64, "in_band": pl.Boolean}
        nothing = products.clear().select(PRODUCT)
        return nothing.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in unjudged.items())
    judged = predict_described(model, products).rename(names)
    return judged.select(*PRODUCT, "model_in_scope", "probability", "in_band")


def _headline(metrics: pl.DataFrame) -> dict[str, float]:
    """Pick the figures that are told with the run."""
    wanted = metrics.filter(
        (pl.col("breakdown") == "all")
        & (pl.col("decider") == "rules_and_model")
        & (pl.col("weighting") == "products")
        & pl.col("metric").is_in(["accuracy", "accuracy_decided", "referred_share"])
        & pl.col("value").is_not_null()
    )
    return {
        f"{row['data_origin']}_{row['held_out']}_{row['metric']}": round(row["value"], 4)
        for row in wanted.iter_rows(named=True)
    }


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [
    product_descriptions,
    product_scope,
    scope_evaluation,
]
