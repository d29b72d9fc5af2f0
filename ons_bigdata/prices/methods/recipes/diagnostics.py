"""What stands beside a figure: its standard error, what it rests on, how windows revise it and how far it drifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.recipes.bootstrap import error_reason, standard_errors
from ons_bigdata.prices.methods.recipes.window_forms import METHODS as WINDOW_METHODS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.recipes.catalogue import RecipeOutput
    from ons_bigdata.prices.methods.recipes.levels import LevelFigures
    from ons_bigdata.prices.methods.recipes.panels import Periods

    Floats = NDArray[np.float64]

CHAINED = ("chained_jevons", "carried_jevons")
NO_WINDOW = "no window: nothing is revised"
FIRST_WINDOW = "the first window has no other before it"
NO_CHAIN = "no chain: the index is compared with its base directly"
NO_INDEX = "no index"
NO_FULL_WINDOW = "no index over one window of all periods"


def diagnostics_frame(
    labels: dict[str, str], output: RecipeOutput, periods: Periods, figures: LevelFigures, days_collected: NDArray
) -> pl.DataFrame:
    """Give the rows of `IndexDiagnostics` of one level.

    Standard errors: standard deviation of the figure over the resamples, index points. matched_share: products compared
    with another period / products on sale. referred_share: quotes whose scope nobody decided / quotes. Window revision:
    the log change from t-2 to t-1 in the window that ends in t less that in the window before, averaged by weight;
    drift: the figure / the same method over one window of all periods (for chains the time-product dummy) - 1; percent.
    """
    layer, tree = figures.layer, figures.tree
    index, full = layer.levels[:, 0], layer.levels[:, 1]
    errors, count = standard_errors(layer.replicates)
    has_index = np.isfinite(index)
    has_sample = layer.sampled > 0
    errors = np.where(has_index & has_sample, errors, np.nan)
    size = layer.replicates.shape[1]
    shape = index.shape
    reasons = [
        error_reason(
            has_index=bool(has_index[t, p]), has_sample=bool(has_sample[p]), count=int(count[t, p]), replicates=size
        )
        for t in range(shape[0])
        for p in range(shape[1])
    ]
    drift = 100.0 * (index / full - 1.0)
    revision = 100.0 * np.expm1(layer.revisions)
    days_in_period = np.bincount(periods.of_day[periods.of_day >= 0], minlength=len(periods.starts))
    columns: dict[str, object] = {
        "index": _nulls(index),
        "standard_error": _nulls(errors),
        "standard_error_reason": pl.Series(reasons, dtype=pl.String),
        "replicates": count.ravel(),
        "sampled_share": _nulls(np.broadcast_to(layer.sampled, shape)),
        "days_collected": np.repeat(days_collected, shape[1]),
        "days_in_period": np.repeat(days_in_period, shape[1]),
        "retailers": layer.retailers.sum(axis=1).ravel(),
        **{name: layer.counts[name].ravel() for name in ("products", "products_used", "quotes", "filtered")},
        "matched_share": _share(layer.counts["products_used"], layer.counts["products"]),
        "entries_per_product": _share(layer.counts["quotes"], layer.counts["products"]),
        "referred_share": _share(layer.counts["referred"], layer.counts["quotes"]),
        "imputed_share": _nulls(layer.share),
        "window_revision_percent": _nulls(revision),
        "window_revision_reason": _reasons(revision, _no_revision(output, has_index)),
        "drift_percent": _nulls(drift),
        "drift_reason": _reasons(drift, _no_drift(output, has_index)),
    }
    keys = {
        "period": np.repeat(np.array(periods.starts, dtype="datetime64[D]"), shape[1]),
        "code": tree.codes * len(periods.starts),
    }
    frame = pl.DataFrame({**keys, **columns})
    constant = {**labels, "level": tree.name, "frequency": periods.frequency}
    return frame.with_columns(**{name: pl.lit(value) for name, value in constant.items()})


def _no_revision(output: RecipeOutput, has_index: NDArray[np.bool_]) -> NDArray:
    reason = FIRST_WINDOW if output.formula in WINDOW_METHODS else NO_WINDOW
    return np.where(has_index, reason, NO_INDEX)


def _no_drift(output: RecipeOutput, has_index: NDArray[np.bool_]) -> NDArray:
    chained = output.formula in WINDOW_METHODS or output.formula in CHAINED
    return np.where(has_index, NO_FULL_WINDOW if chained else NO_CHAIN, NO_INDEX)


def _reasons(values: Floats, reasons: NDArray) -> pl.Series:
    flat = zip(np.isfinite(values).ravel(), reasons.ravel(), strict=True)
    return pl.Series([None if known else str(reason) for known, reason in flat], dtype=pl.String)


def _share(part: NDArray, whole: NDArray) -> pl.Series:
    share = np.divide(part, whole, where=whole > 0, out=np.full(part.shape, np.nan))
    return _nulls(share)


def _nulls(values: Floats) -> pl.Series:
    return pl.Series(np.ascontiguousarray(values).ravel(), nan_to_null=True)
