"""The Geary-Khamis index: quality-adjusted unit values, from one linear system instead of an iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.splicing import WindowOf, component_windows
from ons_bigdata.prices.methods.multilateral.time_product_dummy import network_levels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]


def geary_khamis_windows(panel: PricePanel) -> WindowOf:
    """Geary-Khamis levels of any window of a panel.

    π_t = Σ_i p_ti q_ti / Σ_i q_ti v_i, v_i = Σ_t (q_ti/Q_i) p_ti/π_t, Q_i = Σ_t q_ti. With x = 1/π and E = p∘q this is
    (diag(Σ_i E_ti) - (q/Q)E')x = 0, whose columns add up to 0; x of the first period is 1.

    Raises ValueError where quantities are missing. Source: ILO et al., Consumer Price Index Manual: Concepts and
    Methods (2020), chapter 10.
    """
    if panel.quantities is None:
        message = "geary_khamis: no quantities; expected a quantity column"
        raise ValueError(message)
    quantities, values = panel.quantities, panel.prices * panel.quantities

    def levels_of(periods: NDArray[np.int64]) -> Floats | str:
        cells = np.ix_(periods, (quantities[periods] > 0).any(axis=0))
        levels = _log_levels(quantities[cells], values[cells])
        return f"the system from period {panel.periods[periods[0]]} is singular" if levels is None else levels

    return component_windows(panel.periods, panel.presence, levels_of)


def _log_levels(quantities: Floats, values: Floats) -> Floats | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        links = (quantities / quantities.sum(axis=0)) @ values.T
    inverse_levels = network_levels(links, np.zeros_like(links), first=1.0)
    if inverse_levels is None or (inverse_levels <= 0).any():
        return None
    return -np.log(inverse_levels)
