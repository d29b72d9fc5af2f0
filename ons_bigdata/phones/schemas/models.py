"""Frames of the reference models of flows.

Zones keep the type in which they came (text or whole numbers); the columns `origin` and `destination` are no part of a
frame here.
"""

from __future__ import annotations

import dataframely as dy


class ModelledFlow(dy.Schema):
    """One row per pair of zones: the flow that a model expects, with the columns `origin` and `destination`."""

    flow = dy.Float64(min=0.0, description="expected flow, persons")
