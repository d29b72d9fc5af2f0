"""Record of a fitted scope model: its labels, its referral band, its weights; the model again out of its record."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ons_bigdata.prices.methods.scope.decisions import PRODUCT
from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.methods.scope.features import BLOCK_WEIGHTS, FeatureSpace
from ons_bigdata.prices.methods.scope.model import VERSION, Calibration, ScopeModel, ScopeParameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

STRONGEST = 60
"""Features whose weights are recorded."""


_LABELS = [*PRODUCT, "median_price_gbp", "pack_size", "unit", "in_scope"]


def fitted_to(labels: pl.DataFrame) -> pl.DataFrame:
    """Rows on which a fit to labels depends: the products in their order, described, and the judgements.

    Of the pack size by the unit price only what the description takes from it: it moves by roundings of shelf prices,
    and most names state their size.
    """
    return describe(labels.select(_LABELS)).drop("pack_size", "unit")


def model_record(
    origin: str,
    model: ScopeModel | None,
    why_not: str | None,
    labels: pl.DataFrame,
    usable: pl.DataFrame,
    basis: str | None = None,
) -> dict[str, object]:
    """Row of `ScopeModelRecord`: the facts of a model, or the reason `why_not` there is none.

    `labels`: all of the origin; `usable`: those that it was fitted to, with the columns that `fit` takes. `basis`: hash
    of what the fit depends on, `fitted_to` and the code; `model_of_record` asks for the same.
    """
    given = labels.select(PRODUCT).unique().height
    calibration = model.calibration if model else None
    return {
        "data_origin": origin,
        "version": VERSION,
        "state": "fitted" if model else "none",
        "reason": why_not,
        "labels": usable.height,
        "labels_in_scope": int(usable["in_scope"].sum()),
        "labels_unused": given - usable.height,
        "families": model.families if model else 0,
        "labels_hash": _labels_hash(usable) if usable.height else None,
        "lower": calibration.lower if calibration else None,
        "upper": calibration.upper if calibration else None,
        "parameters": json.dumps({**_parameters(model), "basis": basis}, sort_keys=True),
    }


def model_of_record(record: Mapping[str, Any], basis: str) -> ScopeModel | None:
    """Model of a `ScopeModelRecord` row that was fitted on the same basis, with the same weights; None of another.

    The row has `parameters`, `lower`, `upper`, `labels`, `labels_in_scope` and `families`.
    """
    parameters = json.loads(record["parameters"])
    if parameters.get("basis") != basis or "words" not in parameters:
        return None
    # in the order of the columns: the last bits of a score depend on it
    words = {block: dict(sorted(parameters["words"][block].items())) for block in BLOCK_WEIGHTS}
    grams = dict(sorted(parameters["grams"].items()))
    rarity, of_grams = np.array(list(grams.values()), np.float64).reshape(-1, 2).T
    sorted_words = {block: tuple(weights) for block, weights in words.items()}
    space = FeatureSpace(sorted_words, tuple(grams), rarity, frozenset(parameters["items"]))
    calibration = parameters["calibration"]
    return ScopeModel(
        space=space,
        weights=np.array([*(weight for block in words.values() for weight in block.values()), *of_grams]),
        intercept=parameters["intercept"],
        calibration=Calibration(calibration["slope"], calibration["intercept"], record["lower"], record["upper"]),
        parameters=ScopeParameters(**parameters["training"]),
        labels=record["labels"],
        in_scope=record["labels_in_scope"],
        families=record["families"],
    )


def _labels_hash(labels: pl.DataFrame) -> str:
    rows = labels.select(_LABELS).to_dicts()
    text = json.dumps(rows, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _parameters(model: ScopeModel | None) -> dict[str, object]:
    if model is None:
        return {"training": vars(ScopeParameters())}
    names = np.array(model.space.names())
    strongest = np.argsort(-np.abs(model.weights), kind="stable")[:STRONGEST]
    return {
        "training": vars(model.parameters),
        "calibration": {"slope": model.calibration.slope, "intercept": model.calibration.intercept},
        "features": int(model.weights.size),
        "intercept": model.intercept,
        "strongest": {str(names[place]): round(float(model.weights[place]), 4) for place in strongest},
        **_weights(model),
    }


def _weights(model: ScopeModel) -> dict[str, object]:
    """Weight of each word by block, rarity and weight of each n-gram, and the items: what judges a product."""
    space, weights = model.space, model.weights.tolist()
    words = {
        block: {word: weights[place] for word, place in columns.items()}
        for block, columns in space.columns.items()
        if block in space.words
    }
    grams = zip(space.grams, space.rarity.tolist(), weights[len(weights) - len(space.grams) :], strict=True)
    return {
        "words": words,
        "grams": {gram: [rarity, weight] for gram, rarity, weight in grams},
        "items": sorted(space.items),
    }
