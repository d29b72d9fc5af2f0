"""Record of a fitted scope model: its labels, its referral band, its strongest features."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.scope.decisions import PRODUCT
from ons_bigdata.prices.methods.scope.model import VERSION, ScopeModel, ScopeParameters

if TYPE_CHECKING:
    import polars as pl

STRONGEST = 60
"""Features whose weights are recorded."""


def model_record(
    origin: str, model: ScopeModel | None, why_not: str | None, labels: pl.DataFrame, usable: pl.DataFrame
) -> dict[str, object]:
    """Row of `ScopeModelRecord`: the facts of a model, or the reason `why_not` there is none.

    `labels`: all of the origin; `usable`: those that it was fitted to, with the columns that `fit` takes.
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
        "parameters": json.dumps(_parameters(model), sort_keys=True),
    }


def _labels_hash(labels: pl.DataFrame) -> str:
    rows = labels.select(*PRODUCT, "median_price_gbp", "pack_size", "unit", "in_scope").to_dicts()
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
    }
