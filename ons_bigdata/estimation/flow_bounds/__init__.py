"""Bounds of the metrics where cells of the estimate are known by bounds only (suppressed, rounded)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ons_bigdata.estimation.flow_bounds.joint import JointRange, joint_bounds
from ons_bigdata.estimation.flow_bounds.separate import KnownTotals, Range, class_bounds, separate_bounds

if TYPE_CHECKING:
    from ons_bigdata.estimation.flow_pairs import FlowPairs

Margins = Literal["each", "joint", "whole"]
"""How known totals by origin and destination narrow bounds: one side at a time, both, both on whole numbers."""

__all__ = ["JointRange", "KnownTotals", "Margins", "Range", "class_bounds", "joint_bounds", "metric_bounds"]


def metric_bounds(
    pairs: FlowPairs,
    totals: tuple[KnownTotals, ...],
    *,
    is_scaled: bool,
    edges_km: tuple[float, ...],
    margins: Margins = "each",
) -> dict[str, Range]:
    """Lowest and highest possible value of each metric; those without known bounds are missing.

    `totals`: known totals of the estimate by origin or destination. `margins`: "each" uses one of them at a time;
    "joint" both at once, where both are known, for the metrics that are sums over cells or classes; "whole" besides
    that cells are whole numbers. Raises ValueError if a total is out of reach of its cells.
    """
    ranges = separate_bounds(pairs, totals, is_scaled=is_scaled, edges_km=edges_km)
    if margins == "each":
        return ranges
    joint = joint_bounds(pairs, totals, is_scaled=is_scaled, edges_km=edges_km, is_whole=margins == "whole")
    for name, (low, high, _, _) in joint.items():
        if name in ranges:
            ends = max(ranges[name][0], low), min(ranges[name][1], high)
            ranges[name] = min(ends), max(ends)  # where only one value is possible, rounding may turn the ends around
    return ranges
