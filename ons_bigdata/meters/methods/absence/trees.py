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


_ROWS_AT_A_TIME = 64


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
        is_leaf = self.feature < 0
        node = np.arange(len(self.feature))
        children = np.stack([np.where(is_leaf, node, self.left), np.where(is_leaf, node, self.right)], axis=1)
        return _walk(
            np.ascontiguousarray(features, dtype=np.float64),
            self.start,
            self.roots,
            _depths(self.roots, self.feature, self.left, self.right),
            np.where(is_leaf, 0, self.feature),
            self.threshold,
            self.missing_goes_left,
            children,
            self.value,
        )


@njit(cache=True)
def _depths(roots: Integers, feature: Integers, left: Integers, right: Integers) -> Integers:
    """Steps from the root of each tree to its farthest leaf."""
    depth = np.zeros(len(feature), dtype=np.int64)
    depths = np.zeros(len(roots), dtype=np.int64)
    for tree in range(len(roots)):
        end = roots[tree + 1] if tree + 1 < len(roots) else len(feature)
        for node in range(roots[tree], end):
            if feature[node] >= 0:
                depth[left[node]] = depth[node] + 1
                depth[right[node]] = depth[node] + 1
            depths[tree] = max(depths[tree], depth[node])
    return depths


@njit(cache=True)
def _walk(  # noqa: PLR0913, PLR0917 (columns of the nodes)
    features: Floats,
    start: float,
    roots: Integers,
    depths: Integers,
    feature: Integers,
    threshold: Floats,
    missing_goes_left: np.ndarray,
    children: Integers,
    value: Floats,
) -> Floats:
    """Scores of rows, some at a time tree by tree: steps of several rows overlap in the processor.

    A leaf is its own child, so that all rows take as many steps: branches would be guessed wrong half the time.
    """
    count = features.shape[0]
    scores = np.full(count, start)
    nodes = np.empty(_ROWS_AT_A_TIME, dtype=np.int64)
    for first in range(0, count, _ROWS_AT_A_TIME):
        rows = min(count - first, _ROWS_AT_A_TIME)
        for tree in range(len(roots)):
            nodes[:rows] = roots[tree]
            for _ in range(depths[tree]):
                for row in range(rows):
                    node = nodes[row]
                    found = features[first + row, feature[node]]
                    is_missing_left = np.isnan(found) & missing_goes_left[node]  # `and` would be a branch
                    goes_right = (not found <= threshold[node]) & (not is_missing_left)
                    nodes[row] = children[node, int(goes_right)]
            for row in range(rows):
                scores[first + row] += value[nodes[row]]
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
