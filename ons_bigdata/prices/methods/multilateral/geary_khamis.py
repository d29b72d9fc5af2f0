"""The Geary-Khamis index: quality-adjusted unit values, from one linear system instead of an iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.time_product_dummy import network_levels
from ons_bigdata.prices.methods.multilateral.windows import WindowOf, component_windows, overlap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


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

    def levels_of(first: int, stop: int, components: Integers) -> Floats:
        sold = (quantities[first:stop] > 0).any(axis=0)
        of_window = quantities[first:stop, sold]
        with np.errstate(divide="ignore", invalid="ignore"):
            links = (of_window / of_window.sum(axis=0)) @ values[first:stop, sold].T
        inverse_levels = network_levels(links[:, :, None], np.zeros((*links.shape, 1)), components, first=1.0)
        return -np.log(inverse_levels, where=inverse_levels > 0, out=np.full(inverse_levels.shape, np.nan))

    def fault_of(periods: Integers) -> str:
        return f"the system from period {panel.periods[periods[0]]} is singular"

    shared_of = overlap(panel.presence, np.ones((1, panel.prices.shape[1])))
    return component_windows(panel.periods, shared_of, levels_of, fault_of)
