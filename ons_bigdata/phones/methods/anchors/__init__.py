"""Homes and workplaces of devices by the rules of a specification."""

from ons_bigdata.phones.methods.anchors.rules import count_faults, home_and_work

__all__ = ["count_faults", "home_and_work"]
