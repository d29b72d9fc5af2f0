"""Footprints of cells on a grid: how likely each cell serves a tile, and where a device at a cell is."""

from __future__ import annotations

import polars as pl

from ons_bigdata.estimation.input_checks import refuse_missing_columns, refuse_no_keys, refuse_rows
from ons_bigdata.phones.schemas.footprints import CellPosterior, ServingProbability

SETTINGS = ("steepness", "middle_dbm", "least_dbm")
"""Settings of serving that a network has for all cells or for each."""


def serving_probabilities(
    signals: pl.DataFrame, *, steepness: float = 0.2, middle_dbm: float = -92.5, least_dbm: float = -120.0
) -> pl.DataFrame:
    """Probability of each cell to serve a device in a tile: its signal dominance, in the sum over the cells.

    `signals`: cell, tile, strength_dbm (one row per cell and tile), and where cells differ in one of the settings a
    column of its name, which counts instead. Signals below `least_dbm` do not connect.
    Dominance is 1 / (1 + exp(−steepness (strength − middle_dbm))). Returns cell, tile and `ServingProbability`,
    sorted by tile and cell; a tile that no cell reaches has no row.

    Raises ValueError for missing columns or values and for a cell and tile that come twice. Source: Tennekes, Gootzen,
    *Bayesian location estimation of mobile devices using a signal strength model*, Journal of Spatial Information
    Science 25 (2022) 29–66, section 3.
    """
    refuse_missing_columns(signals, ("cell", "tile", "strength_dbm"), "signals")
    refuse_no_keys(signals, ("cell", "tile"), "signals")
    refuse_rows(
        signals,
        {
            "no strength": pl.col("strength_dbm").is_null() | pl.col("strength_dbm").is_nan(),
            **{f"no {name}": pl.col(name).is_null() for name in SETTINGS if name in signals.columns},
            "a cell and tile that came before": ~pl.struct("cell", "tile").is_first_distinct(),
        },
        "signals",
    )
    common = zip(SETTINGS, (steepness, middle_dbm, least_dbm), strict=True)
    own = {name: pl.col(name) if name in signals.columns else pl.lit(value) for name, value in common}
    dominance = 1.0 / (1.0 + (-own["steepness"] * (pl.col("strength_dbm") - own["middle_dbm"])).exp())
    served = (
        signals.filter(pl.col("strength_dbm") >= own["least_dbm"])
        .select("cell", "tile", dominance=dominance)
        .select("cell", "tile", probability=pl.col("dominance") / pl.col("dominance").sum().over("tile"))
        .sort("tile", "cell")
    )
    ServingProbability.validate(served.select("probability"))
    return served


def locate_cells(served: pl.DataFrame, prior: pl.DataFrame) -> pl.DataFrame:
    """Posterior probability of each tile for a device that is connected to a cell, by Bayes' rule.

    `served`: cell, tile, probability (`serving_probabilities`). `prior`: tile, weight (from 0, such as residents, area
    or buildings); tiles without a row have none. Returns cell, tile and `CellPosterior`, sorted by cell and tile,
    without tiles of probability 0; the probabilities of a cell sum to 1. A cell of which no tile
    has prior weight has no row.

    Raises ValueError for missing columns or values, negative weights and tiles that come twice in the prior.
    """
    refuse_missing_columns(served, ("cell", "tile", "probability"), "served")
    refuse_missing_columns(prior, ("tile", "weight"), "prior")
    refuse_no_keys(prior, ("tile",), "prior")
    refuse_rows(
        prior,
        {
            "no weight": pl.col("weight").is_null() | pl.col("weight").is_nan(),
            "a negative weight": pl.col("weight") < 0,
            "a tile that came before": ~pl.col("tile").is_first_distinct(),
        },
        "prior",
    )
    joint = (
        served.join(prior.select("tile", "weight"), on="tile", how="inner")
        .select("cell", "tile", joint=pl.col("probability") * pl.col("weight"))
        .filter(pl.col("joint") > 0)
    )
    posterior = joint.select("cell", "tile", probability=pl.col("joint") / pl.col("joint").sum().over("cell")).sort(
        "cell", "tile"
    )
    CellPosterior.validate(posterior.select("probability"))
    return posterior


def allocate_to_zones(posterior: pl.DataFrame, zones: pl.DataFrame) -> pl.DataFrame:
    """Share of each cell in each zone: columns cell, zone, share, sorted; the shares of a cell sum to 1.

    `posterior`: cell, tile, probability (`locate_cells`). `zones`: tile, zone. Raises ValueError for a tile without
    zone: its devices would be lost.
    """
    refuse_missing_columns(zones, ("tile", "zone"), "zones")
    placed = posterior.join(zones.select("tile", "zone"), on="tile", how="left")
    refuse_rows(placed, {"a tile without zone": pl.col("zone").is_null()}, "posterior")
    return placed.group_by("cell", "zone").agg(share=pl.col("probability").sum()).sort("cell", "zone")
