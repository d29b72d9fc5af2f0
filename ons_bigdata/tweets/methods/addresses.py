"""Nearest addresses of places: class and area of each, with the vote of the nearest positions as a variant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.tweets.methods.nearest_positions import NONE, find_nearest, make_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHELL = "P"
"""Primary class of parent shells: properties that contain others, such as a block of flats."""

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

    Source: ONS, GSS Methodology Series 41 (2015), typing of clusters; Bentley, Weide and Yao, Optimal expected-time
    algorithms for closest point problems (1980), for the grid.
    """
    at, points = _coordinates(places, "place"), _coordinates(addresses, "address")
    codes = _with_shells(addresses, rules.shell_radius_m)
    near = find_nearest(
        make_grid(*points, addresses["uprn"].to_numpy()),
        *at,
        radius=rules.radius_m,
        voters=rules.vote_neighbours,
        letters=_letters(codes) if rules.vote_neighbours > 1 else None,
    )
    row, voted_row = _rows(near.rows), _rows(near.voted_rows)
    return pl.DataFrame(
        {
            "address_class": codes.gather(row),
            "address_distance_m": pl.Series(near.distance, nan_to_null=True),
            "voted_class": codes.gather(voted_row),
            "class_share": pl.Series(near.share, nan_to_null=True).clip(0.0, 1.0),
            "postcode": addresses["postcode"].gather(row),
            "authority": addresses["authority"].gather(row),
        }
    )


def _rows(rows: NDArray[np.int32]) -> pl.Series:
    """Rows, null where there is none."""
    return pl.select(pl.when(pl.lit(pl.Series(rows)) != NONE).then(pl.lit(pl.Series(rows)))).to_series()


def _letters(codes: pl.Series) -> NDArray[np.int16]:
    """Primary class of each address as a number, NONE where it has no class."""
    letters = codes.str.head(1)
    numbers = {letter: number for number, letter in enumerate(sorted(letters.drop_nulls().unique()))}
    return letters.replace_strict(numbers, default=NONE, return_dtype=pl.Int16).to_numpy()


def _with_shells(addresses: pl.DataFrame, shell_radius_m: float) -> pl.Series:
    """Class of each address, that of a child in the place of a parent shell."""
    is_shell = pl.col("class_code").str.starts_with(SHELL)
    shells = addresses.with_row_index("row").filter(is_shell).select("row", "uprn", "easting_m", "northing_m")
    if shells.is_empty():
        return addresses["class_code"]
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
    codes = addresses["class_code"].clone()
    return codes.scatter(nearest["row"], nearest["child_class"])


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
    ordered = postcodes.sort("postcode")
    grid = make_grid(*_coordinates(ordered, "postcode"), np.arange(ordered.height))
    near = find_nearest(grid, *_coordinates(places, "place"), radius=rules.radius_m, voters=1)
    return ordered.select(pl.col("output_area", "authority").gather(_rows(near.rows)))


def _coordinates(frame: pl.DataFrame, what: str) -> Coordinates:
    """Easting and northing of a frame. Raises ValueError with the first row where one is null or not finite."""
    east, north = (frame[axis].cast(pl.Float64).to_numpy() for axis in ("easting_m", "northing_m"))
    finite = np.isfinite(east) & np.isfinite(north)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{what} in row {row}: position {east[row]}, {north[row]}; expected finite metres")
    return east, north
