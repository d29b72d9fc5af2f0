"""The logarithmic mean, which turns differences of values into differences of logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def logarithmic_mean(a: Floats, b: Floats) -> Floats:
    """Logarithmic mean (a − b)/ln(a/b) of numbers ≥ 0, element by element; its limit a where a = b, 0 where one is 0.

    Source: Balk (2008), Price and Quantity Index Numbers, chapter 3.
    """
    a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    positive = (a > 0) & (b > 0)
    log_ratio = np.log(np.divide(a, b, where=positive, out=np.ones(a.shape)))
    equal = log_ratio == 0
    # expm1 keeps its digits where the two are nearly equal.
    slope = np.where(equal, 1.0, np.expm1(log_ratio) / np.where(equal, 1.0, log_ratio))
    return np.where(positive, b * slope, 0.0)
