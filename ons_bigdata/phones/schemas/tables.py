"""Tables that Python writes, with the frame of their rows. Checks, `ons-bigdata doctor` and tests compare the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ons_bigdata.phones.schemas import comparison, estimates, presence
from ons_bigdata.phones.sources import SOURCES
from ons_bigdata.platform.ingest.sources import loadable

if TYPE_CHECKING:
    import dataframely as dy

TABLES: dict[str, type[dy.Schema]] = {
    **{source.table.name: source.table.frame for source in loadable(SOURCES)},
    "analysis.phone_weights": estimates.PhoneWeight,
    "analysis.phone_weight_margins": estimates.PhoneWeightMargin,
    "analysis.phone_flow_estimates": estimates.PhoneFlowEstimate,
    "analysis.phone_flow_totals": estimates.PhoneFlowTotal,
    "analysis.phone_stand_in_costs": estimates.PhoneStandInCost,
    "analysis.phone_flow_comparisons": comparison.PhoneFlowComparison,
    "analysis.phone_flow_bias": comparison.PhoneFlowBias,
    "analysis.phone_flow_pairs": comparison.PhoneFlowPair,
    "analysis.phone_flow_levels": comparison.PhoneFlowLevel,
    "analysis.phone_zone_residuals": comparison.PhoneZoneResidual,
    "analysis.phone_census_parts": comparison.PhoneCensusPart,
    "restricted.phone_anchors": presence.PhoneAnchor,
    "restricted.phone_duplicates": presence.PhoneDuplicate,
    "restricted.phone_devices": presence.StoredDevice,
    "restricted.phone_true_devices": presence.StoredTrueDevice,
    "restricted.phone_visitor_stays": presence.PhoneVisitorStay,
    "analysis.phone_rule_flows": presence.PhoneRuleFlow,
    "analysis.phone_anchor_evaluation": presence.PhoneAnchorEvaluation,
    "analysis.phone_population_controlled": presence.PopulationPresent,
    "analysis.phone_movements_controlled": presence.AreaMovement,
    "analysis.phone_visitor_nights_controlled": presence.VisitorNights,
}
"""Frame by `schema.table`."""
