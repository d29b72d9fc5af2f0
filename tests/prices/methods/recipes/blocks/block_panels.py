"""Random panels with gaps, entries, exits and pauses, and their splits into blocks of periods."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

PRODUCTS = 7


def gapped_panel(seed: int, periods: int) -> np.ndarray:
    """Draw prices, periods x products, 0 where absent: products come, go and return; now and then all pause."""
    generator = np.random.default_rng(seed)
    prices = np.exp(generator.normal(0.0, 0.2, (periods, PRODUCTS)) + generator.normal(0.0, 1.0, PRODUCTS))
    present = generator.random(prices.shape) < generator.choice([0.15, 0.4, 0.8])
    for product in range(PRODUCTS):
        first, stop = np.sort(generator.integers(0, periods + 1, 2))
        if generator.random() < 0.6:
            present[:first, product] = False
            present[stop:, product] = False
    for _ in range(int(generator.integers(0, 3))):
        first = int(generator.integers(0, periods))
        present[first : first + int(generator.integers(1, 9))] = False
    return np.where(present, prices, 0.0)


def drawn_weights(seed: int, replicates: int = 4) -> np.ndarray:
    """Weights of resamples, replicates x products."""
    return np.random.default_rng(seed + 1).poisson(1.0, (replicates, PRODUCTS)).astype(float)


def cuts(periods: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Splits of so many periods into blocks, as pairs of start and stop."""
    inner = st.sets(st.integers(1, periods - 1), max_size=4)
    return inner.map(lambda cut: list(pairwise(sorted({0, *cut, periods}))))
