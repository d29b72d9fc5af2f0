"""Cells on a grid: probabilities of serving a tile, and of being in it."""

from __future__ import annotations

import dataframely as dy


class ServingProbability(dy.Schema):
    """One row per cell and tile that it reaches, with the columns `cell` and `tile`."""

    probability = dy.Float64(min=0.0, max=1.0, description="probability that the cell serves a device in the tile")


class CellPosterior(dy.Schema):
    """One row per cell and tile, with the columns `cell` and `tile`."""

    probability = dy.Float64(min=0.0, max=1.0, description="probability that a device at the cell is in the tile")
