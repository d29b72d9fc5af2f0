"""Residence of users: by month, in spells, and its changes."""

from __future__ import annotations

from ons_bigdata.tweets.methods.residence.monthly import monthly_residence
from ons_bigdata.tweets.methods.residence.moves import detect_moves, settled_spells, time_at_risk

__all__ = ["detect_moves", "monthly_residence", "settled_spells", "time_at_risk"]
