"""A cell plan from signals: footprints and posterior positions of cells as masts, reach and shares of zones."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from ons_bigdata.estimation.input_checks import refuse_missing_columns
from ons_bigdata.phones.methods.footprints import allocate_to_zones, locate_cells, serving_probabilities

PATH_LOSS_EXPONENT = 3.75
"""Power of distance with which a signal fades, as in multimno 1.0.0 for a cell without an environment."""
BACK_LOSS_DB = 30.0
"""Greatest loss of a directed cell away from its azimuth."""
REACH = 0.9
"""Share of the devices at a cell that are within its radius."""
URBAN_M, SUBURBAN_M = 1_000.0, 3_000.0
"""Radius up to which the ground of a cell counts as urban, and as suburban: dense networks have small cells."""
MOST_PAIRS = 50_000_000
_SHARE_DIGITS = 6


def mast_signals(masts: pl.DataFrame, *, tile_m: float, least_dbm: float = -120.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Signals of masts on square tiles, and the tiles: (cell, tile, strength_dbm), (tile, east_m, north_m).

    `masts`: cell, east_m, north_m, azimuth_deg (null without direction), beam_deg, power_w, range_m. The signal is the
    power in dBm less 10 PATH_LOSS_EXPONENT log10 of the distance (at least half of a tile), for a directed cell also
    less 12 (angle / beam)² dB, at most BACK_LOSS_DB; tiles beyond the range have none. Tiles are numbered by their
    place in rows over all masts and their ranges. Raises ValueError for a missing value, and for tiles so small that
    more than MOST_PAIRS pairs follow.
    """
    names = ("cell", "east_m", "north_m", "azimuth_deg", "beam_deg", "power_w", "range_m")
    refuse_missing_columns(masts, names, "masts")
    needed = pl.any_horizontal(pl.col("cell", "east_m", "north_m", "power_w", "range_m").is_null())
    gaps = masts.filter(needed | (pl.col("azimuth_deg").is_not_null() & pl.col("beam_deg").is_null()))
    if not gaps.is_empty():
        message = f"masts: cell {gaps['cell'][0]} lacks a value; only an undirected one may, of azimuth and beam"
        raise ValueError(message)
    if not tile_m > 0:
        message = f"tile_m is {tile_m}; expected more than 0"
        raise ValueError(message)
    pairs = float(np.pi * ((masts["range_m"].to_numpy() / tile_m + 1) ** 2).sum())
    if pairs > MOST_PAIRS:
        message = f"about {pairs:,.0f} pairs of a cell and a tile of {tile_m:g} m; expected at most {MOST_PAIRS:,}"
        raise ValueError(message)
    reach = masts["range_m"].to_numpy()
    west = float((masts["east_m"].to_numpy() - reach).min())
    south = float((masts["north_m"].to_numpy() - reach).min())
    columns = int((masts["east_m"].to_numpy() + reach - west).max() // tile_m) + 1
    parts = [
        _signals_of(row, west, south, columns, tile_m, least_dbm) for row in masts.select(names).iter_rows(named=True)
    ]
    signals = pl.concat(parts)
    tiles = signals.select("tile").unique().sort("tile")
    return signals, tiles.with_columns(
        east_m=west + (pl.col("tile") % columns + 0.5) * tile_m,
        north_m=south + (pl.col("tile") // columns + 0.5) * tile_m,
    )


def _signals_of(
    mast: dict[str, Any], west: float, south: float, columns: int, tile_m: float, least_dbm: float
) -> pl.DataFrame:
    """Signals of one mast on the tiles within its range."""
    east, north, reach, power = (float(mast[name]) for name in ("east_m", "north_m", "range_m", "power_w"))
    column = np.arange(int((east - reach - west) // tile_m), int((east + reach - west) // tile_m) + 1)
    row = np.arange(int((north - reach - south) // tile_m), int((north + reach - south) // tile_m) + 1)
    x = west + (column[None, :] + 0.5) * tile_m - east
    y = south + (row[:, None] + 0.5) * tile_m - north
    distance = np.maximum(np.hypot(x, y), tile_m / 2)
    strength = 10 * np.log10(power) + 30 - 10 * PATH_LOSS_EXPONENT * np.log10(distance)
    if mast["azimuth_deg"] is not None:
        bearing = np.degrees(np.arctan2(x, y))
        angle = np.abs((bearing - float(mast["azimuth_deg"]) + 180) % 360 - 180)
        strength -= np.minimum(12 * (angle / float(mast["beam_deg"])) ** 2, BACK_LOSS_DB)
    tile = row[:, None] * columns + column[None, :]
    is_reached = (np.hypot(x, y) <= max(reach, tile_m)) & (strength >= least_dbm)
    return pl.DataFrame({"tile": tile[is_reached], "strength_dbm": strength[is_reached]}).select(
        pl.lit(mast["cell"]).alias("cell"), pl.col("tile").cast(pl.Int64), "strength_dbm"
    )


def describe_cells(
    signals: pl.DataFrame,
    tiles: pl.DataFrame,
    *,
    zones: pl.DataFrame | None = None,
    masts: pl.DataFrame | None = None,
    steepness: float = 0.2,
    middle_dbm: float = -92.5,
    least_dbm: float = -120.0,
) -> pl.DataFrame:
    """Cell plan of the signals of a network, one row per cell that reaches a tile, sorted by cell.

    `signals`: cell, tile, strength_dbm, and settings of `serving_probabilities` where cells differ in them. `tiles`:
    tile, east_m, north_m, and optionally weight (prior of a device, such as residents; equal without). `zones`: tile,
    zone; tiles without a row are in no zone. `masts`: cell, east_m, north_m; without them a mast is in its strongest
    tile. The others are those of `serving_probabilities`.

    Returns cell, easting_m, northing_m, area_class (by URBAN_M and SUBURBAN_M), radius_m (distance from the mast within
    which REACH of its devices are), zone (of most devices) and zone_shares (`Z1=0.75 Z2=0.25`); both null where no tile
    of the cell has a zone. Shares are of devices that are in a zone. Raises ValueError for missing columns and values.
    """
    refuse_missing_columns(tiles, ("tile", "east_m", "north_m"), "tiles")
    served = serving_probabilities(signals, steepness=steepness, middle_dbm=middle_dbm, least_dbm=least_dbm)
    weight = pl.col("weight") if "weight" in tiles.columns else pl.lit(1.0)
    posterior = locate_cells(served, tiles.select("tile", weight=weight))
    if masts is None:
        strongest = signals.sort("strength_dbm", "tile", descending=[True, False]).unique("cell", keep="first")
        masts = strongest.join(tiles, on="tile", how="inner").select("cell", "east_m", "north_m")
    placed = posterior.join(tiles.select("tile", x="east_m", y="north_m"), on="tile", how="left").join(
        masts.select("cell", "east_m", "north_m"), on="cell", how="inner"
    )
    distance = ((pl.col("x") - pl.col("east_m")) ** 2 + (pl.col("y") - pl.col("north_m")) ** 2).sqrt()
    reach = (
        placed.select("cell", "probability", distance=distance)
        .sort("cell", "distance")
        .filter(pl.col("probability").cum_sum().over("cell") >= REACH - 1e-9)
        .unique("cell", keep="first", maintain_order=True)
        .select("cell", radius_m=pl.col("distance").round(1))
    )
    area_class = (
        pl.when(pl.col("radius_m") <= URBAN_M)
        .then(pl.lit("urban"))
        .when(pl.col("radius_m") <= SUBURBAN_M)
        .then(pl.lit("suburban"))
        .otherwise(pl.lit("rural"))
    )
    plan = reach.join(masts, on="cell", how="left").join(_zone_texts(posterior, zones), on="cell", how="left")
    return plan.select(
        "cell",
        easting_m=pl.col("east_m").round(1),
        northing_m=pl.col("north_m").round(1),
        area_class=area_class,
        radius_m="radius_m",
        zone="zone",
        zone_shares="zone_shares",
    ).sort("cell")


def _zone_texts(posterior: pl.DataFrame, zones: pl.DataFrame | None) -> pl.DataFrame:
    """Zone of most devices and shares of zones as text of each cell with a zone: cell, zone, zone_shares."""
    if zones is None:
        return pl.DataFrame(schema={"cell": posterior.schema["cell"], "zone": pl.String, "zone_shares": pl.String})
    inside = posterior.join(zones.select("tile"), on="tile", how="semi")
    shares = allocate_to_zones(inside, zones).with_columns(share=pl.col("share") / pl.col("share").sum().over("cell"))
    rounded = _rounded(shares)
    text = pl.format("{}={}", "zone", _decimal(pl.col("share")))
    return (
        rounded.sort("cell", "share", "zone", descending=[False, True, False])
        .group_by("cell", maintain_order=True)
        .agg(zone=pl.col("zone").first(), zone_shares=text.str.join(" "))
    )


def _rounded(shares: pl.DataFrame) -> pl.DataFrame:
    """Shares with _SHARE_DIGITS digits, those of 0 left out; the largest takes the rounding, so that they add to 1."""
    plain = shares.with_columns(pl.col("share").round(_SHARE_DIGITS)).filter(pl.col("share") > 0)
    missing = 1.0 - pl.col("share").sum().over("cell")
    is_largest = pl.struct(-pl.col("share"), "zone").rank("ordinal").over("cell") == 1
    return plain.with_columns(
        share=pl.when(is_largest).then(pl.col("share") + missing).otherwise("share").round(_SHARE_DIGITS)
    )


def _decimal(share: pl.Expr) -> pl.Expr:
    """Share as text of the cell plan: 1, or 0 and six digits."""
    digits = (share * 10**_SHARE_DIGITS).round(0).cast(pl.Int64)
    return (
        pl.when(digits >= 10**_SHARE_DIGITS)
        .then(pl.lit("1"))
        .otherwise(pl.lit("0.") + digits.cast(pl.String).str.pad_start(_SHARE_DIGITS, "0"))
    )


def nearest_zones(tiles: pl.DataFrame, centres: pl.DataFrame) -> pl.DataFrame:
    """Zone of the nearest centre of each tile: tile, zone. `centres`: zone, east_m, north_m.

    A stand-in for boundaries: a tile near the edge of an area can get its neighbour. Raises ValueError without centres.
    """
    if centres.is_empty():
        message = "centres: no row; expected the centre of each zone"
        raise ValueError(message)
    tree = cKDTree(centres.select("east_m", "north_m").to_numpy())
    _, nearest = tree.query(tiles.select("east_m", "north_m").to_numpy())
    return tiles.select("tile").with_columns(zone=centres["zone"].gather(pl.Series(nearest)))
