"""Clusters of CLIP: products of a base period clustered by mean shift, later ones assigned by a decision tree.

After the statistical office's description of clustering large datasets into price indices (CLIP); details are working
defaults (unconfirmed). The index over the clusters is `forms.ClusterJevons`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Booleans = NDArray[np.bool_]
    Integers = NDArray[np.int64]

_WORD = re.compile(r"[A-Z]{3,}")

MOST_STEPS = 300
STILL = 1e-3
"""A mean that moves by less than this share of the bandwidth has arrived."""


@dataclass(frozen=True)
class ClipParameters:
    """How products are clustered.

    `bandwidth_quantile`: of the pairwise distances, the radius of mean shift. `seeds`: products from which it starts,
    spread evenly over the order of prices. `words`: how many name words are
    characteristics, the commonest first, of those in `least_word_share` to `most_word_share` of the base's names.
    `word_weight`: a word's weight relative to one standard deviation of log price or log pack size.
    `smallest_leaf`: products in a leaf of the tree.
    """

    bandwidth_quantile: float = 0.2
    seeds: int = 6
    words: int = 6
    least_word_share: float = 0.1
    most_word_share: float = 0.9
    word_weight: float = 0.5
    smallest_leaf: int = 2


PRICE_DECIMALS = 10
"""Decimals of log prices that count: where products are as far from two modes, the order in which the prices of a mean
were added, which changes its last bits, must not choose between them."""


def clusters(
    names: Sequence[str], log_prices: Floats, pack_sizes: Floats, in_base: Booleans, parameters: ClipParameters
) -> Integers:
    """Cluster of each product: 0, 1, …; -1 for all where no product is in the base.

    `names`: product names, upper case words count. `log_prices`: each product's log price when first seen (of base
    products, their mean in the base). `pack_sizes`: kilograms, litres or pieces, nan where unknown. `in_base`: which
    products the clusters are made of; the others get theirs from a tree that was fitted on these. Deterministic.
    """
    if not in_base.any():
        return np.full(len(names), -1)
    features = _characteristics(names, log_prices, pack_sizes, in_base, parameters)
    of_base = features[in_base]
    labels = _cluster_features(of_base, parameters)
    clusters_of = np.empty(len(names), dtype=np.int64)
    clusters_of[in_base] = labels
    if not in_base.all():
        from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415  (takes a second; the graph loads without)

        tree = DecisionTreeClassifier(min_samples_leaf=min(parameters.smallest_leaf, len(of_base)), random_state=0)
        clusters_of[~in_base] = tree.fit(of_base, labels).predict(features[~in_base])
    return clusters_of


def _cluster_features(features: Floats, parameters: ClipParameters) -> Integers:
    """Cluster by mean shift; with few distinct products, or all nearly alike, each distinct one is a cluster."""
    distinct, place = np.unique(features, axis=0, return_inverse=True)
    if len(distinct) < 3:
        return place.reshape(-1).astype(np.int64)
    bandwidth = nearest_share_bandwidth(features, parameters.bandwidth_quantile)
    if bandwidth <= 0:
        return place.reshape(-1).astype(np.int64)
    by_price = np.argsort(features[:, 0], kind="stable")
    chosen = np.linspace(0, len(features) - 1, min(len(features), parameters.seeds)).astype(np.int64)
    return mean_shift(features, features[by_price[chosen]], bandwidth)


def _characteristics(
    names: Sequence[str], log_prices: Floats, pack_sizes: Floats, in_base: Booleans, parameters: ClipParameters
) -> Floats:
    """Standardise price and size by the base and add the words; unknown sizes are set to the base's mean."""
    columns = [_standardised(np.round(log_prices, PRICE_DECIMALS), in_base)]
    known = np.isfinite(pack_sizes) & (pack_sizes > 0)
    if (known & in_base).sum() > 1:
        sizes = np.log(np.where(known, pack_sizes, 1.0))
        mean = sizes[known & in_base].mean()
        columns.append(_standardised(np.where(known, sizes, mean), in_base))
    words = [set(_WORD.findall(name.upper())) for name in names]
    counts = Counter(word for of_name, base in zip(words, in_base, strict=True) if base for word in of_name)
    size = int(in_base.sum())
    telling = [
        (-count, word)
        for word, count in counts.items()
        if parameters.least_word_share <= count / size <= parameters.most_word_share
    ]
    for _, word in sorted(telling)[: parameters.words]:
        columns.append(parameters.word_weight * np.array([word in of_name for of_name in words], dtype=np.float64))
    return np.column_stack(columns)


def _standardised(values: Floats, in_base: Booleans) -> Floats:
    base = values[in_base]
    spread = base.std()
    return (values - base.mean()) / (spread if spread > 0 else 1.0)


def nearest_share_bandwidth(points: Floats, share: float) -> float:
    """Mean over points of the distance within which a share (0-1) of all points lies, the point included.

    `points`: points × dimensions, at least one.
    """
    neighbours = max(1, int(len(points) * share))
    distances = np.partition(cdist(points, points), neighbours - 1, axis=1)
    return float(distances[:, neighbours - 1].mean())


def mean_shift(points: Floats, seeds: Floats, bandwidth: float) -> Integers:
    """Cluster points by the modes that the seeds climb to: a label per point, 0 for the mode with the most points.

    Each seed moves to the mean of the points within the bandwidth until it no longer moves. Of modes within a bandwidth
    of each other, that with the most points is kept (among equals, that with the larger coordinates, in order). Each
    point belongs to its nearest mode. `points`, `seeds`: points × dimensions, finite; a seed with no point within the
    bandwidth is no mode.

    Raises ValueError where no seed has one. Source: Comaniciu and Meer (2002), Mean shift: A robust approach toward
    feature space analysis, IEEE Transactions on Pattern Analysis and Machine Intelligence 24(5).
    """
    climbed = [_shift_to_mode(points, seed, bandwidth) for seed in seeds]
    members = {tuple(mode.tolist()): count for mode, count in climbed if count}
    if not members:
        message = f"no point lies within the bandwidth ({bandwidth:g}) of any of {len(seeds)} seeds"
        raise ValueError(message)
    modes = np.array(sorted(members, key=lambda mode: (members[mode], mode), reverse=True))
    near = cdist(modes, modes) <= bandwidth
    stays = np.ones(len(modes), dtype=np.bool_)
    for place in range(len(modes)):
        if stays[place]:
            stays[near[place]] = False
            stays[place] = True
    return cdist(points, modes[stays]).argmin(axis=1)


def _shift_to_mode(points: Floats, seed: Floats, bandwidth: float) -> tuple[Floats, int]:
    """Position at which a seed converges, and the points within the bandwidth of the position before."""
    mean, count = seed, 0
    for _ in range(MOST_STEPS + 1):
        within = points[((points - mean) ** 2).sum(axis=1) <= bandwidth**2]
        count = len(within)
        if not count:
            break
        before, mean = mean, within.mean(axis=0)
        if np.linalg.norm(mean - before) <= STILL * bandwidth:
            break
    return mean, count
