"""Product scope: descriptions of product names, decisions on them by label, rule or model, and their evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import polars as pl

from ons_bigdata.platform.dagster.by_period import basis_of
from ons_bigdata.platform.dagster.inputs import AssetRun, Inputs, Output, Table, Unchanged, table_asset, tables_asset
from ons_bigdata.prices.methods.scope import ScopeModel, describe, fit
from ons_bigdata.prices.methods.scope.decisions import PRODUCT, decide, usable_labels
from ons_bigdata.prices.methods.scope.evaluation import evaluate
from ons_bigdata.prices.methods.scope.model import TooFewLabelsError, predict_described
from ons_bigdata.prices.methods.scope.model_record import fitted_to, model_of_record, model_record
from ons_bigdata.prices.schemas.scope import (
    ProductDescription,
    ProductScope,
    ScopeMetric,
    ScopeModelRecord,
)

_KINDS = frozenset({"python", "scikitlearn"})

METHODS = ("ons_bigdata.prices.methods.scope",)
"""Packages whose code makes a model and its evaluation."""

_LIBRARIES = ("scikit-learn",)
_NAMES = "intermediate.int_prices__product_names_counted"
_DESCRIBED = ["median_price_gbp", "pack_size", "unit"]
"""Columns of a name, besides its text, on which its description depends."""
_DESCRIPTIONS = "analysis.product_descriptions"
_MODELS, _EVALUATION = "analysis.scope_model", "analysis.scope_evaluation"
_RECORD = ["data_origin", "parameters", "lower", "upper", "labels", "labels_in_scope", "families"]

_SCOPE_INPUTS = {
    "descriptions": _DESCRIPTIONS,
    "ruled": "intermediate.int_prices__product_scope_ruled",
    "labels": "staging.stg_prices__scope_labels",
}


@table_asset(
    table=_DESCRIPTIONS,
    inputs={"names": _NAMES},
    frame=ProductDescription,
    description="One row per retailer, item and product name: size, pieces, strength, origin and terms.",
)
def product_descriptions(inputs: Inputs, run: AssetRun) -> Output:
    """Describe every product name that was ever listed; rows of names with the same price, pack size and unit stay."""
    names = inputs.read("names", [*PRODUCT, "quotes", *_DESCRIBED])
    basis = basis_of(packages=METHODS)
    columns = ProductDescription.column_names()
    there = run.read_own(_DESCRIPTIONS, columns) if run.is_built_from(_DESCRIPTIONS, basis) else None
    kept = _described_before(names, ProductDescription.create_empty() if there is None else there)
    described = describe(names.join(kept, on=PRODUCT, how="anti").sort(PRODUCT))
    frame = described.with_columns(pl.col("terms").list.join(" ")).select(columns)
    frame = pl.concat([ProductDescription.cast(each) for each in (frame, kept)])
    return Output(
        frame,
        {
            "described": described.height,
            "with_size": frame["total_size"].count(),
            "with_origin": frame["country"].count(),
            "with_terms": frame.filter(pl.col("terms") != "").height,
        },
        basis=basis,
    )


def _described_before(names: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    """Rows of names that the table has with the same price, pack size and unit; with their number of quotes now."""
    same = names.join(there.drop("quotes"), on=[*PRODUCT, *_DESCRIBED], nulls_equal=True)
    return same.select(ProductDescription.column_names())


@tables_asset(
    name="product_scope",
    tables=[
        Table(
            "analysis.product_scope",
            ProductScope,
            "One row per retailer, item and product name: in scope or out, by label, rule or model, or referred.",
        ),
        Table(
            _MODELS,
            ScopeModelRecord,
            "One row per origin: the model, its labels, weights and referral band. Fitted again where labels or code "
            "changed. Internal: the record of the model behind product_scope.",
        ),
    ],
    inputs=_SCOPE_INPUTS,
    kinds=_KINDS,
    can_subset=True,
)
def product_scope(inputs: Inputs, run: AssetRun) -> Mapping[str, pl.DataFrame | Output]:
    """Fit a model to the labels of each origin, unless they are as before, and decide on each of its products."""
    products, labels = _ruled_products(inputs), _labels(inputs)
    before = {row["data_origin"]: row for row in run.read_own(_MODELS, _RECORD).iter_rows(named=True)}
    records, decided, fitted = [], [], 0
    for (origin,), of_origin in products.group_by("data_origin", maintain_order=True):
        known = labels.filter(pl.col("data_origin") == origin)
        usable = _with_shelf_size(usable_labels(known), of_origin)
        basis = basis_of(fitted_to(usable), packages=METHODS, libraries=_LIBRARIES)
        model, why_not = None if origin not in before else model_of_record(before[origin], basis), None
        if model is None:
            model, why_not = _fit_model(usable)
            fitted += 1
        records.append(model_record(str(origin), model, why_not, known, usable, basis))
        decided.append(decide(of_origin, usable, _predict(model, _products_for_model(of_origin, usable))))
    scope = ProductScope.validate(pl.concat(decided), cast=True) if decided else ProductScope.create_empty()
    models = pl.DataFrame(records, schema=ScopeModelRecord.create_empty().schema, orient="row")
    by = dict(scope.group_by("decided_by").len().sort("decided_by").iter_rows())
    return {
        "analysis.product_scope": Output(
            scope,
            {
                "in_scope": scope.filter(pl.col("in_scope") & ~pl.col("referred")).height,
                **{f"decided_by_{decider}": number for decider, number in by.items()},
            },
        ),
        _MODELS: Output(
            models,
            {
                "fitted": fitted,
                **{f"{origin}_labels": n for origin, n in models.select("data_origin", "labels").rows()},
            },
        ),
    }


@table_asset(
    table=_EVALUATION,
    inputs={**_SCOPE_INPUTS, "names": _NAMES},
    frame=ScopeMetric,
    description=(
        "One row per figure: how well held-out products are judged, by family and by retailer. Internal: for a check "
        "and for docs/prices/scope/product_scope.md."
    ),
    kinds=_KINDS,
)
def scope_evaluation(inputs: Inputs, run: AssetRun) -> Output | Unchanged:
    """Evaluate rules and model on the labels of each origin, unless labels, their products and code are as before."""
    # a labelled product that begins counts as never collected until the next month, so that a day changes no figure
    names = inputs.read("names", [*PRODUCT, "quotes_of_past_months"]).filter(pl.col("quotes_of_past_months") > 0)
    products, labels = _ruled_products(inputs).drop("quotes").join(names, on=PRODUCT), _labels(inputs)
    known_products = _with_shelf_size(usable_labels(labels), products.rename({"quotes_of_past_months": "quotes"}))
    judged = known_products.select(*PRODUCT, "rule_outcome", "quotes")
    basis = basis_of(fitted_to(known_products), judged, packages=METHODS, libraries=_LIBRARIES)
    if run.is_built_from(_EVALUATION, basis):
        return Unchanged(_headline(run.read_own(_EVALUATION, ScopeMetric.column_names())))
    metrics, skipped = [], []
    for (origin,), usable in known_products.group_by("data_origin", maintain_order=True):
        try:
            evaluated = evaluate(usable.with_columns(pl.col("rule_outcome").fill_null("open")))
        except TooFewLabelsError as error:
            skipped.append(f"{origin}: {error}")
            continue
        metrics.append(evaluated.with_columns(data_origin=pl.lit(str(origin))))
    columns = ScopeMetric.column_names()
    frame = pl.concat(metrics).select(columns) if metrics else ScopeMetric.create_empty()
    return Output(frame, {"not_evaluated": "; ".join(skipped) or "none", **_headline(frame)}, basis=basis)


def _ruled_products(inputs: Inputs) -> pl.DataFrame:
    """Return the described products with the outcome of the rules, sorted; `terms` as lists."""
    ruled = inputs.read("ruled", [*PRODUCT, "outcome", "rule_id", "reason"])
    products = inputs.read("descriptions").join(
        ruled.rename({"outcome": "rule_outcome", "reason": "rule_reason"}), on=PRODUCT
    )
    terms = pl.col("terms")
    split = pl.when(terms == "").then(pl.lit([], pl.List(pl.String))).otherwise(terms.str.split(" "))
    return products.with_columns(split).sort(PRODUCT)


def _labels(inputs: Inputs) -> pl.DataFrame:
    return inputs.read("labels").sort("data_origin", "load_id", "line")


def _with_shelf_size(labels: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Join labelled products with their pack size, unit, number of quotes and the outcome of the rules."""
    collected = products.select(*PRODUCT, "pack_size", "unit", "quotes", "rule_outcome")
    return labels.join(collected, on=PRODUCT, how="left", maintain_order="left")


def _fit_model(labels: pl.DataFrame) -> tuple[ScopeModel | None, str | None]:
    """Return a fitted model, or None and the reason."""
    try:
        return fit(labels), None
    except TooFewLabelsError as error:
        return None, str(error)


def _products_for_model(products: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the products for the model: those without a label that no rule decides."""
    return products.filter(pl.col("rule_outcome") == "open").join(labels, on=PRODUCT, how="anti", maintain_order="left")


def _predict(model: ScopeModel | None, products: pl.DataFrame) -> pl.DataFrame:
    names = {"in_scope": "model_in_scope", "referred": "in_band"}
    if model is None:
        unjudged = {"model_in_scope": pl.Boolean, "probability": pl.Float64, "in_band": pl.Boolean}
        nothing = products.clear().select(PRODUCT)
        return nothing.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in unjudged.items())
    judged = predict_described(model, products).rename(names)
    return judged.select(*PRODUCT, "model_in_scope", "probability", "in_band")


def _headline(metrics: pl.DataFrame) -> dict[str, float]:
    """Return the main figures, for the metadata of the run."""
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


ASSETS: list[dg.AssetsDefinition | dg.AssetSpec] = [product_descriptions, product_scope, scope_evaluation]
