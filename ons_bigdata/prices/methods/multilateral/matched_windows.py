"""Matching by window: only products that are present in every period of the window that has any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ons_bigdata.prices.methods.multilateral.windows import WindowLevels
from ons_bigdata.prices.methods.panels.price_panel import RowMeans

if TYPE_CHECKING:
    from collections.abc import Callable

    from ons_bigdata.prices.methods.multilateral.windows import WindowOf
    from ons_bigdata.prices.methods.panels.price_panel import PricePanel

MATCHING = ("pair", "window")


def matched_windows(panel: PricePanel, windows_of: Callable[[PricePanel], WindowOf]) -> WindowOf:
    """Levels of any window over the products present in each of its periods that has a product.

    `windows_of`: the method's levels for the windows of a panel. Other products do not enter the window, not even its
    shares; they may count in another one. Where no product is present throughout, the window has no levels.
    """

    def window_of(first: int, stop: int) -> WindowLevels:
        presence = panel.presence[first:stop]
        occupied = presence.any(axis=1)
        matched = presence[occupied].all(axis=0)
        if occupied.any() and not matched.any():
            fault = f"no product is there in every period of the window from {panel.periods[first]}"
            components = np.where(occupied, 0, -1)
            return WindowLevels(
                panel.periods, first, np.full((stop - first, 1), np.nan), components[:, None], {0: fault}
            )
        levels = windows_of(_part(panel, slice(first, stop), np.flatnonzero(matched)))(0, stop - first)
        return replace(levels, calendar=panel.periods, first=first)

    return window_of


def _part(panel: PricePanel, periods: slice, products: np.ndarray) -> PricePanel:
    return replace(
        panel,
        periods=panel.periods[periods],
        products=[panel.products[n] for n in products],
        prices=panel.prices[periods, products],
        quantities=None if panel.quantities is None else panel.quantities[periods, products],
        presence=panel.presence[periods, products],
        rows=panel.rows and RowMeans(*(matrix[periods, products] for matrix in panel.rows)),
    )
