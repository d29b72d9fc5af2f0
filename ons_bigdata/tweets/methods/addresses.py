"""Nearest addresses of places: class and area of each, with the vote of the nearest positions as a variant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHELL = "P"
"""Primary class of parent shells: properties that contain others, such as a block of flats."""

TILE_M = 1_000
"""Side of the tiles by which places are looked up: neighbours one after another find the tree in the cache."""

NEAREST_VOTE_M = 1.0
"""Distance in metres below which all positions have the same weight: addresses are given to the metre."""

_TIE = 1 + 1e-9
"""Factor on a distance within which positions are compared exactly."""

Coordinates = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


@dataclass(frozen=True)
class AddressRules:
    """Parameters of the look-up."""

    radius_m: float = 300.0
    """Largest distance of an address, itself included."""
    shell_radius_m: float = 5.0
    """Largest distance of a child from the shell that has its class."""
    vote_neighbours: int = 5
    """Positions that vote; 1 for no vote."""

    def __post_init__(self) -> None:
        if not (self.radius_m > 0 and self.shell_radius_m >= 0 and self.vote_neighbours >= 1):
            raise ValueError(f"{self}: expected a positive radius, a shell radius of 0 or more and at least 1 voter")


def address_places(
    places: pl.DataFrame, addresses: pl.DataFrame, postcodes: pl.DataFrame, rules: AddressRules
) -> pl.DataFrame:
    """Class and area of the nearest address of each place, in the order of `places`.

    `places` has `data_origin`, `easting_m` and `northing_m` (metres, British National Grid); `addresses` the columns of
    `current_addresses`, `postcodes` those of `current_postcodes`. Places are looked up among the addresses of their
    origin: simulated addresses say nothing of real places, nor the other way round.

    Columns: `address_class`, `address_distance_m`, `voted_class` and `class_share` as in `nearest_addresses`;
    `output_area` and `authority`, those of the address's postcode, or else the address's authority and the output area
    of the nearest postcode in use within the radius; `area_source` tells which (`address`, `nearest_postcode`). All are
    null where no address is within the radius. Neither UPRN nor postcode is in the result.
    """
    numbered = places.with_row_index("place")
    parts = []
    for (origin,), part in numbered.partition_by("data_origin", as_dict=True, maintain_order=True).items():
        of_origin = pl.col("data_origin") == origin
        found = nearest_addresses(part, addresses.filter(of_origin), rules)
        parts.append(_add_areas(found, part, postcodes.filter(of_origin), rules).with_columns(part["place"]))
    if not parts:
        return pl.DataFrame(schema=dict(RESULT))
    return pl.concat(parts).sort("place").select(list(RESULT))


RESULT = {
    "address_class": pl.String,
    "address_distance_m": pl.Float64,
    "voted_class": pl.String,
    "class_share": pl.Float64,
    "output_area": pl.String,
    "authority": pl.String,
    "area_source": pl.String,
}
"""Columns of `address_places`."""


def nearest_addresses(places: pl.DataFrame, addresses: pl.DataFrame, rules: AddressRules) -> pl.DataFrame:
    """Nearest address of each place within the radius, in the order of `places`.

    `places` has `easting_m` and `northing_m`, `addresses` also `uprn` (distinct), `class_code`, `parent_uprn`,
    `postcode` and `authority`; a result does not depend on the order of either. Addresses of one position (to the
    millimetre) are one, that of the smallest UPRN; of several positions at the same distance, too, that of the smallest
    UPRN counts. A parent shell (class P) has the class of its nearest child within the shell radius, of the smallest
    UPRN among the nearest; without such a child it stays a shell.

    Columns: `address_class` (class code, null where the address has none), `address_distance_m`; `voted_class`: the
    positions nearest to the place, `vote_neighbours` of them and those as far as the last one, within the radius, vote
    for their primary class (first letter) with the weight 1 / max(distance, 1 m); the class is that of the nearest
    position of the winning letter, and the nearer letter wins a tie; `class_share`: share of the weights for the
    primary class of the nearest address (both null where it has no class or nobody votes: `vote_neighbours` 1);
    `postcode` and `authority` of the nearest address. All are null where no address is within the radius.

    Raises ValueError for coordinates that are null or not finite.

    Source: ONS, GSS Methodology Series 41 (2015), typing of clusters; Maneewongvatana and Mount, It's okay to be
    skinny, if your friends are fat (1999), for the tree.
    """
    positions = _positions(addresses)
    distance, index = _query(places, positions, rules)
    codes = _with_shells(positions, addresses, rules.shell_radius_m)
    is_found = index[:, 0] < positions.height
    found = pl.DataFrame(
        {
            "is_found": is_found,
            "address_class": _gather(codes, index[:, 0]),
            "address_distance_m": distance[:, 0],
            "postcode": _gather(positions["postcode"], index[:, 0]),
            "authority": _gather(positions["authority"], index[:, 0]),
        }
    ).select(pl.when("is_found").then(pl.exclude("is_found")))
    voted_class, class_share = _vote(distance, index, codes, rules.vote_neighbours)
    return found.select("address_class", "address_distance_m", voted_class, class_share, "postcode", "authority")


def _gather(values: pl.Series, rows: NDArray[np.int64]) -> pl.Series:
    """Values of rows; null for the row after the last one."""
    padded = values.extend_constant(None, 1)
    return padded.gather(pl.Series(rows).cast(pl.UInt32))


def _positions(addresses: pl.DataFrame) -> pl.DataFrame:
    """Addresses, the one of the smallest UPRN for each position, sorted by position."""
    east, north = (pl.col(axis) * 1000 for axis in ("easting_m", "northing_m"))
    position = (east.round().cast(pl.Int64) * 2**31 + north.round().cast(pl.Int64)).alias("position")
    keys = addresses.select(position, "uprn").with_row_index("row").sort("position", "uprn")
    first = keys.filter((pl.col("position") != pl.col("position").shift(1)).fill_null(value=True))["row"]
    return addresses[first]


def _query(
    places: pl.DataFrame, positions: pl.DataFrame, rules: AddressRules
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances and rows of the nearest positions, nearest first and smallest UPRN among equals.

    One column, or as many as there are voters; a missing neighbour has distance inf and the number of positions.
    """
    at = np.column_stack(_coordinates(places, "place"))
    points = np.column_stack(_coordinates(positions, "address"))
    wanted = rules.vote_neighbours
    if not len(points) or not len(at):
        return np.full((len(at), wanted), np.inf), np.full((len(at), wanted), len(points))
    tree = cKDTree(points)
    order = np.lexsort((at[:, 1] // TILE_M, at[:, 0] // TILE_M))
    bound = np.nextafter(rules.radius_m, np.inf)  # scipy's bound is exclusive
    found = tree.query(at[order], k=wanted + 1, distance_upper_bound=bound, workers=-1)
    distance, index = np.empty((len(at), wanted + 1)), np.empty((len(at), wanted + 1), dtype=np.int64)
    distance[order], index[order] = found
    return _resolve_ties(at, points, positions["uprn"].to_numpy(), tree, distance, index)


def _resolve_ties(
    at: NDArray[np.float64],
    points: NDArray[np.float64],
    uprn: NDArray[np.int64],
    tree: cKDTree,
    distance: NDArray[np.float64],
    index: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Neighbours without the last column, which shows where ties are; rows with ties hold all tied positions.

    They are in the order of distance and UPRN. Ties are rare, so that they are looked up one by one.
    """
    wanted = distance.shape[1] - 1
    finite = np.isfinite(distance[:, 1:])
    is_tied = np.zeros(len(at), dtype=bool)
    np.any(finite & (distance[:, 1:] <= distance[:, :-1] * _TIE), axis=1, out=is_tied)
    rows = np.flatnonzero(is_tied)
    distance, index = distance[:, :wanted], index[:, :wanted]
    if not rows.size:
        return distance, index
    last = np.where(np.isfinite(distance[rows]), distance[rows], 0.0).max(axis=1)
    voters = [
        _voters(at[row], points, uprn, np.asarray(tree.query_ball_point(at[row], reach * _TIE)), wanted)
        for row, reach in zip(rows, last, strict=True)
    ]
    width = max(len(one) for one in voters)
    wide_distance = np.full((len(at), max(width, wanted)), np.inf)
    wide_index = np.full(wide_distance.shape, len(points), dtype=np.int64)
    wide_distance[:, :wanted], wide_index[:, :wanted] = distance, index
    for row, one in zip(rows, voters, strict=True):
        wide_distance[row], wide_index[row] = np.inf, len(points)
        wide_index[row, : len(one)] = one
        wide_distance[row, : len(one)] = np.sqrt(_squares(at[row], points[one]))
    return wide_distance, wide_index


def _voters(
    place: NDArray[np.float64],
    points: NDArray[np.float64],
    uprn: NDArray[np.int64],
    near: NDArray[np.int64],
    wanted: int,
) -> NDArray[np.int64]:
    """Nearest positions of a place in order, with all that are as far as the last one wanted."""
    squares = _squares(place, points[near])
    order = np.lexsort((uprn[near], squares))
    near, squares = near[order], squares[order]
    if wanted == 1:
        return near[:1]
    return near[squares <= squares[min(wanted, len(near)) - 1]]


def _squares(place: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    offset = points - place
    return np.asarray(offset[:, 0] ** 2 + offset[:, 1] ** 2)


def _with_shells(positions: pl.DataFrame, addresses: pl.DataFrame, shell_radius_m: float) -> pl.Series:
    """Class of each position, that of a child in the place of a parent shell."""
    is_shell = pl.col("class_code").str.starts_with(SHELL)
    shells = positions.with_row_index("row").filter(is_shell).select("row", "uprn", "easting_m", "northing_m")
    if shells.is_empty():
        return positions["class_code"]
    children = addresses.filter(pl.col("parent_uprn").is_not_null() & pl.col("class_code").is_not_null() & ~is_shell)
    square = (pl.col("easting_m") - pl.col("easting_m_child")) ** 2 + (
        pl.col("northing_m") - pl.col("northing_m_child")
    ) ** 2
    nearest = (
        shells.join(
            children.select(
                "parent_uprn",
                pl.col("uprn").alias("uprn_child"),
                pl.col("class_code").alias("child_class"),
                pl.col("easting_m").alias("easting_m_child"),
                pl.col("northing_m").alias("northing_m_child"),
            ),
            left_on="uprn",
            right_on="parent_uprn",
        )
        .with_columns(square.alias("square"))
        .filter(pl.col("square") <= shell_radius_m**2)
        .sort("row", "square", "uprn_child")
        .unique("row", keep="first", maintain_order=True)
    )
    codes = positions["class_code"].clone()
    return codes.scatter(nearest["row"], nearest["child_class"])


def _vote(
    distance: NDArray[np.float64], index: NDArray[np.int64], codes: pl.Series, voters: int
) -> tuple[pl.Series, pl.Series]:
    """Class by the vote of the neighbours, and the share of the votes for the primary class of the nearest one."""
    if voters == 1 or not codes.len():
        none = pl.Series([None] * len(index), dtype=pl.String)
        return none.alias("voted_class"), none.cast(pl.Float64).alias("class_share")
    letters = codes.str.head(1).fill_null("").cast(pl.Categorical).to_physical().to_numpy()
    is_classed = codes.is_not_null().to_numpy()
    inside = index < codes.len()
    rows = np.where(inside, index, 0)
    weight = np.where(inside & is_classed[rows], 1 / np.maximum(distance, NEAREST_VOTE_M), 0.0)
    letter = letters[rows]
    votes = np.zeros_like(weight)
    for column in range(weight.shape[1]):
        votes += np.where(letter == letter[:, [column]], weight[:, [column]], 0.0)
    votes = np.where(weight > 0, votes, 0.0)
    total = weight.sum(axis=1)
    winner = votes.argmax(axis=1)  # the first, hence nearest, of equal ones
    row = pl.Series(rows[np.arange(len(rows)), winner]).cast(pl.UInt32)
    voted = pl.DataFrame({"code": codes.gather(row), "total": total}).select(pl.when(pl.col("total") > 0).then("code"))
    is_nearest_classed = weight[:, 0] > 0
    share = np.divide(votes[:, 0], total, out=np.full(len(total), np.nan), where=is_nearest_classed)
    return voted.to_series().alias("voted_class"), pl.Series("class_share", share, nan_to_null=True).clip(0.0, 1.0)


def _add_areas(found: pl.DataFrame, places: pl.DataFrame, postcodes: pl.DataFrame, rules: AddressRules) -> pl.DataFrame:
    """Result with the areas of the places, without postcodes."""
    areas = postcodes.select("postcode", "output_area", pl.col("authority").alias("postcode_authority"))
    joined = found.join(areas, on="postcode", how="left", maintain_order="left").with_columns(
        pl.coalesce("authority", "postcode_authority").alias("authority")
    )
    candidates = postcodes.filter(
        pl.col("is_in_use") & pl.col("output_area").is_not_null() & pl.col("easting_m").is_not_null()
    )
    is_open = (pl.col("address_distance_m").is_not_null() & pl.col("output_area").is_null()).alias("is_open")
    unknown = joined.select(is_open)["is_open"]
    nearest = _nearest_postcodes(places.filter(unknown), candidates, rules)
    filled = pl.concat([joined.with_row_index("row").filter(unknown).select("row"), nearest], how="horizontal")
    both = joined.with_row_index("row").join(filled, on="row", how="left", maintain_order="left", suffix="_nearest")
    return both.with_columns(
        pl.when(pl.col("output_area").is_not_null())
        .then(pl.lit("address"))
        .when(pl.col("output_area_nearest").is_not_null())
        .then(pl.lit("nearest_postcode"))
        .when(pl.col("authority").is_not_null())
        .then(pl.lit("address"))
        .alias("area_source"),
        pl.coalesce("output_area", "output_area_nearest").alias("output_area"),
        pl.coalesce("authority", "authority_nearest").alias("authority"),
    ).select(list(RESULT))


def _nearest_postcodes(places: pl.DataFrame, postcodes: pl.DataFrame, rules: AddressRules) -> pl.DataFrame:
    """Output area and authority of the nearest postcode within the radius; of several, the first by name."""
    ordered = postcodes.sort("postcode").with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("uprn"))
    only_nearest = AddressRules(rules.radius_m, rules.shell_radius_m, vote_neighbours=1)
    positions = _positions(ordered)
    _, index = _query(places, positions, only_nearest)
    return pl.DataFrame({name: _gather(positions[name], index[:, 0]) for name in ("output_area", "authority")})


def _coordinates(frame: pl.DataFrame, what: str) -> Coordinates:
    """Easting and northing of a frame. Raises ValueError with the first row where one is null or not finite."""
    east, north = (frame[axis].cast(pl.Float64).to_numpy() for axis in ("easting_m", "northing_m"))
    finite = np.isfinite(east) & np.isfinite(north)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{what} in row {row}: position {east[row]}, {north[row]}; expected finite metres")
    return east, north
