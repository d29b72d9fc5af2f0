"""Quality of readings: the state of each expected half hour, counts of states, and what looks suspicious."""

from ons_bigdata.meters.methods.quality.assessment import QualityRules, assess
from ons_bigdata.meters.methods.quality.counts import count_states
from ons_bigdata.meters.methods.quality.suspicions import SuspicionRules, find_suspicions

__all__ = ["QualityRules", "SuspicionRules", "assess", "count_states", "find_suspicions"]
