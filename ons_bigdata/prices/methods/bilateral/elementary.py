"""Elementary price indices between two periods, from prices alone.

Plain vectors in, one number out; each formula is an entry of `registry`, by which `bilateral_index` calls it. Each
takes the prices (> 0) of the same products in the base period (`p0`) and the current one (`p1`); r = p1/p0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


def carli(p0: Vector, p1: Vector) -> float:
    """Arithmetic mean of price relatives: mean(r).

    Source: ILO et al., Consumer Price Index Manual: Theory and Practice (2004), chapter 20, section C.
    """
    return float(np.mean(p1 / p0))


def dutot(p0: Vector, p1: Vector) -> float:
    """Ratio of mean prices: mean(p1)/mean(p0). Defined also where the two vectors hold different products.

    Source: as `carli`.
    """
    return float(np.mean(p1) / np.mean(p0))


def jevons(p0: Vector, p1: Vector) -> float:
    """Geometric mean of price relatives: exp(mean(ln r)).

    Source: as `carli`.
    """
    return float(np.exp(np.mean(np.log(p1 / p0))))


def harmonic(p0: Vector, p1: Vector) -> float:
    """Harmonic mean of price relatives: 1/mean(1/r).

    Source: as `carli`.
    """
    return float(1.0 / np.mean(p0 / p1))


def cswd(p0: Vector, p1: Vector) -> float:
    """Carruthers, Sellwood, Ward and Dalén: the geometric mean of Carli and harmonic, √(mean(r)/mean(1/r)).

    Source: as `carli`.
    """
    return float(np.sqrt(carli(p0, p1) * harmonic(p0, p1)))
