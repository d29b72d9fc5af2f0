"""Devices that go with another one: two phones of a person."""

from __future__ import annotations

import dataframely as dy


class DeviceDuplicity(dy.Schema):
    """One row per device, with the columns `device` and `companion` (the likeliest other device; null without)."""

    steps = dy.Int64(min=0, description="times at which the device was seen")
    probability = dy.Float64(
        min=0.0, max=1.0, description="posterior probability that another device has the same carrier"
    )
    log_ratio = dy.Float64(
        nullable=True, description="log likelihood ratio of the companion, same carrier against another; null without"
    )
