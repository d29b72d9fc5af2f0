"""Homes and workplaces of devices by the rules of a specification."""

from ons_bigdata.phones.methods.anchors.buckets import anchor_bucket
from ons_bigdata.phones.methods.anchors.rules import count_faults, home_and_work

__all__ = ["anchor_bucket", "count_faults", "home_and_work"]
