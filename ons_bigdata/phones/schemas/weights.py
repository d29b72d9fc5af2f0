"""Frames of the weights of an operator's devices and of the flows that they give.

Areas and zones keep the type in which they came (text or whole numbers); their columns are no part of a frame here.
"""

from __future__ import annotations

import dataframely as dy

_RELATIVE = "relative standard error"


class ExpansionWeight(dy.Schema):
    """One row per area, and per segment if the rates have segments: persons that a device stands for."""

    weight = dy.Float64(min=0.0, description="persons per device of the operator")
    weight_error = dy.Float64(min=0.0, description=f"{_RELATIVE} of the weight")


class WeightedFlow(dy.Schema):
    """One row per cell of a table of flows, weighted."""

    flow = dy.Float64(min=0.0, nullable=True, description="devices as delivered; null where suppressed")
    weight = dy.Float64(min=0.0, description="persons per device")
    weight_error = dy.Float64(min=0.0, description=f"{_RELATIVE} of the weight")
    flow_adjusted = dy.Float64(min=0.0, nullable=True, description="persons; null where suppressed")


class CappedCell(dy.Schema):
    """One row per cell of persons by area, age, sex, segment, …: its weight raked within a range of factors."""

    devices = dy.Float64(min=0.0, description="devices of the cell")
    weight = dy.Float64(min=0.0, description="start weight, persons per device")
    factor = dy.Float64(min=0.0, description="raked weight / start weight")
    weight_raked = dy.Float64(min=0.0, description="raked weight, persons per device")
    is_capped = dy.Bool(description="true where the factor is at an end of its range")


class CappedMargin(dy.Schema):
    """One row per category of a margin: the total asked for and the total reached."""

    margin = dy.String(primary_key=True, description="columns of the margin, joined by `, `")
    category = dy.String(primary_key=True, description="values of these columns, joined by `, `")
    total = dy.Float64(min=0.0, description="total asked for, persons")
    reached = dy.Float64(min=0.0, description="total reached, persons")
    relative_difference = dy.Float64(description="reached / total - 1; of a total of 0, the persons reached")
    capped_share = dy.Float64(min=0.0, max=1.0, description="share of the persons reached that capped cells hold")


class FlowInterval(dy.Schema):
    """One row per flow or total: persons with an interval."""

    flow_adjusted = dy.Float64(min=0.0, nullable=True, description="persons; null where suppressed")
    lower = dy.Float64(min=0.0, nullable=True, description="lower end of the interval; null where there is none")
    upper = dy.Float64(min=0.0, nullable=True, description="upper end of the interval; null where there is none")
    reason = dy.String(
        nullable=True, description="reason why the interval is missing or includes bounds; null otherwise"
    )


class CombinedFlow(dy.Schema):
    """One row per pair of zones: flows of several operators as one."""

    flow = dy.Float64(min=0.0, description="devices of all operators that supplied the pair")
    flow_lower = dy.Float64(min=0.0, description="least number of devices, of suppressed cells their lower bounds")
    flow_upper = dy.Float64(min=0.0, description="largest number of devices, of suppressed cells their upper bounds")
    weight = dy.Float64(min=0.0, description="persons per device, over the operators that supplied the pair")
    flow_adjusted = dy.Float64(min=0.0, description="persons")
    operators = dy.Int64(min=1, description="operators that supplied the pair")
    disagreement = dy.Float64(
        min=0.0, nullable=True, description="Σ (y - E y)² / E y over the operators; null with one operator or no device"
    )
