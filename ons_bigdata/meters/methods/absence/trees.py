"""Gradient-boosted trees as arrays: how scikit-learn's are taken over, and their scores, exact to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

Floats = np.ndarray
Integers = np.ndarray


@dataclass(frozen=True)
class BoostedTrees:
    """Binary trees one after another; a score is `start` plus the value of one leaf of each tree.

    By node: `feature` (-1 in a leaf), `threshold` (values up to it go left), `missing_goes_left`, `left` and `right`
    (nodes), `value` (of a leaf). `roots`: first node of each tree.
    """

    start: float
    roots: Integers
    feature: Integers
    threshold: Floats
    missing_goes_left: np.ndarray
    left: Integers
    right: Integers
    value: Floats

    def __post_init__(self) -> None:
        """Raise ValueError where nodes are inconsistent, so that a walk could leave the tree or not end."""
        inner = self.feature >= 0
        number = np.arange(len(self.feature))
        lengths = {len(getattr(self, name)) for name in ("threshold", "missing_goes_left", "left", "right", "value")}
        if lengths != {len(self.feature)}:
            message = f"trees: columns of nodes have {sorted(lengths)} rows, expected {len(self.feature)}"
            raise ValueError(message)
        children = np.concatenate([self.left[inner], self.right[inner]])
        if (children <= np.tile(number[inner], 2)).any() or (children >= len(self.feature)).any():
            message = "trees: a node has a child before it or beyond the last node"
            raise ValueError(message)
        if len(self.roots) == 0 or (self.roots < 0).any() or (self.roots >= len(self.feature)).any():
            message = "trees: there is no tree, or a root beyond the last node"
            raise ValueError(message)

    def scores(self, features: Floats) -> Floats:
        """Log odds of each row of features (rows × features; NaN = unknown)."""
        return _walk(
            np.ascontiguousarray(features, dtype=np.float64),
            self.start,
            self.roots,
            self.feature,
            self.threshold,
            self.missing_goes_left,
            self.left,
            self.right,
            self.value,
        )


@njit(cache=True)
def _walk(  # noqa: PLR0913, PLR0917 (columns of the nodes)
    features: Floats,
    start: float,
    roots: Integers,
    feature: Integers,
    threshold: Floats,
    missing_goes_left: np.ndarray,
    left: Integers,
    right: Integers,
    value: Floats,
) -> Floats:
    scores = np.full(features.shape[0], start)
    for row in range(features.shape[0]):
        for root in roots:
            node = root
            while feature[node] >= 0:
                found = features[row, feature[node]]
                goes_left = missing_goes_left[node] if np.isnan(found) else found <= threshold[node]
                node = left[node] if goes_left else right[node]
            scores[row] += value[node]
    return scores


def trees_of(model: HistGradientBoostingClassifier) -> BoostedTrees:
    """Trees of a fitted binary classifier of scikit-learn without categorical features."""
    nodes = [stage[0].nodes for stage in model._predictors]
    if any(part["is_categorical"].any() for part in nodes):
        message = "trees: found a split by categories, expected numbers alone"
        raise ValueError(message)
    sizes = np.array([len(part) for part in nodes])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    whole = np.concatenate(nodes)
    first = np.repeat(roots, sizes)
    is_leaf = whole["is_leaf"].astype(bool)
    return BoostedTrees(
        start=float(np.ravel(model._baseline_prediction)[0]),
        roots=roots,
        feature=np.where(is_leaf, -1, whole["feature_idx"]).astype(np.int64),
        threshold=np.where(is_leaf, 0.0, whole["num_threshold"]),
        missing_goes_left=whole["missing_go_to_left"].astype(bool),
        left=np.where(is_leaf, 0, first + whole["left"]).astype(np.int64),
        right=np.where(is_leaf, 0, first + whole["right"]).astype(np.int64),
        value=np.where(is_leaf, whole["value"], 0.0),
    )
