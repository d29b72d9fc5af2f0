"""Residence of users: main home, by month, in spells, and its changes."""

from __future__ import annotations

from ons_bigdata.tweets.methods.residence.homes import home_clusters
from ons_bigdata.tweets.methods.residence.monthly import monthly_residence
from ons_bigdata.tweets.methods.residence.moves import detect_moves, settled_spells, time_at_risk

__all__ = ["detect_moves", "home_clusters", "monthly_residence", "settled_spells", "time_at_risk"]
