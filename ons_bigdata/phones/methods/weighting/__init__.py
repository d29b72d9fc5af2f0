"""Weighting of an operator's flows: from devices to persons, with intervals.

Adjustment by the coverage of areas is shared with other pilots (`estimation.coverage_weights`).
"""

from ons_bigdata.estimation.coverage_weights import inverse_penetration, selection_rate
from ons_bigdata.phones.methods.weighting.capped_raking import CappedRaking, rake_capped
from ons_bigdata.phones.methods.weighting.expansion import expansion_weights, weight_flows
from ons_bigdata.phones.methods.weighting.intervals import flow_intervals, total_intervals
from ons_bigdata.phones.methods.weighting.operators import combine_operators, operator_dispersion
from ons_bigdata.phones.methods.weighting.stand_in import stand_in_cost, stand_in_flows

__all__ = [
    "CappedRaking",
    "combine_operators",
    "expansion_weights",
    "flow_intervals",
    "inverse_penetration",
    "operator_dispersion",
    "rake_capped",
    "selection_rate",
    "stand_in_cost",
    "stand_in_flows",
    "total_intervals",
    "weight_flows",
]
