"""Nearest addresses of places: class and area of each, with the vote of the nearest positions as a variant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.tweets.methods.nearest_positions import NONE, PositionGrid, find_nearest, make_grid

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
    """Class and area of the nearest address of each place, in the order of `places`: `AddressIndex.look_up`."""
    return AddressIndex(addresses, postcodes, rules).look_up(places)


class AddressIndex:
    """Addresses and postcodes, prepared once for the look-up of many places, part by part."""

    def __init__(self, addresses: pl.DataFrame, postcodes: pl.DataFrame, rules: AddressRules) -> None:
        """Prepare addresses (columns of `current_addresses`) and postcodes (those of `current_postcodes`).

        Raises ValueError for coordinates of an address that are null or not finite.
        """
        self._postcodes, self._rules = postcodes, rules
        self._none = addresses.clear()
        self._origins = {
            str(origin): self._prepare(str(origin), part)
            for (origin,), part in addresses.partition_by("data_origin", as_dict=True, maintain_order=True).items()
        }

    def _prepare(self, origin: str, addresses: pl.DataFrame) -> _OriginIndex:
        return _OriginIndex(addresses, self._postcodes.filter(pl.col("data_origin") == origin), self._rules)

    def look_up(self, places: pl.DataFrame) -> pl.DataFrame:
        """Class and area of the nearest address of each place, in the order of `places`.

        `places` has `data_origin`, `easting_m` and `northing_m` (metres, British National Grid). Places are looked up
        among the addresses of their origin: simulated addresses say nothing of real places, nor the other way round.

        Columns: `address_class`, `address_distance_m`, `voted_class` and `class_share` as in `nearest_addresses`;
        `output_area` and `authority`, those of the address's postcode, or else the address's authority and the output
        area of the nearest postcode in use within the radius; `area_source` tells which (`address`,
        `nearest_postcode`). All are null where no address is within the radius. Neither UPRN nor postcode is in the
        result. Raises ValueError for coordinates that are null or not finite.
        """
        if places.is_empty():
            return pl.DataFrame(schema=dict(RESULT))
        origins = places["data_origin"].unique(maintain_order=True).to_list()
        if len(origins) == 1:
            return self._of_origin(origins[0]).look_up(places)
        numbered = places.with_row_index("place")
        parts = [numbered.filter(pl.col("data_origin") == origin) for origin in origins]
        found = [
            self._of_origin(origin).look_up(part).with_columns(part["place"])
            for origin, part in zip(origins, parts, strict=True)
        ]
        return pl.concat(found).sort("place").select(list(RESULT))

    def _of_origin(self, origin: str) -> _OriginIndex:
        if origin not in self._origins:
            self._origins[origin] = self._prepare(origin, self._none)
        return self._origins[origin]


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
    found, row = _Positions(addresses, rules).look_up(places)
    return found.with_columns(addresses["postcode"].gather(row), addresses["authority"].gather(row))


class _Positions:
    """Positions of addresses of one origin with their classes."""

    def __init__(self, addresses: pl.DataFrame, rules: AddressRules) -> None:
        self._rules = rules
        self._codes = _with_shells(addresses, rules.shell_radius_m)
        self._grid = make_grid(*_coordinates(addresses, "address"), addresses["uprn"].to_numpy())
        # in the order of the grid: the letters of neighbours lie beside each other
        self._letters = _letters(self._codes)[self._grid.rows] if rules.vote_neighbours > 1 else None

    def look_up(self, places: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Classes and distance of the nearest address of each place, and its row among the addresses, or null."""
        at, rules = _coordinates(places, "place"), self._rules
        near = find_nearest(self._grid, *at, radius=rules.radius_m, voters=rules.vote_neighbours, letters=self._letters)
        row = _rows(near.rows)
        found = {
            "address_class": self._codes.gather(row),
            "address_distance_m": pl.Series(near.distance, nan_to_null=True),
            "voted_class": self._codes.gather(_rows(near.voted_rows)),
            "class_share": pl.Series(near.share, nan_to_null=True).clip(0.0, 1.0),
        }
        return pl.DataFrame(found), row


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


class _OriginIndex:
    """Addresses and postcodes of one origin: positions, classes and areas."""

    def __init__(self, addresses: pl.DataFrame, postcodes: pl.DataFrame, rules: AddressRules) -> None:
        self._postcodes, self._rules = postcodes, rules
        self._positions = _Positions(addresses, rules)
        areas = postcodes.select("postcode", "output_area", pl.col("authority").alias("postcode_authority"))
        self._areas = (
            addresses.select("postcode", "authority")
            .join(areas, on="postcode", how="left", maintain_order="left")
            .select("output_area", pl.coalesce("authority", "postcode_authority").alias("authority"))
        )

    def look_up(self, places: pl.DataFrame) -> pl.DataFrame:
        """Result of each place."""
        found, row = self._positions.look_up(places)
        of_address = self._areas.select(pl.all().gather(row))
        is_open = row.is_not_null() & of_address["output_area"].is_null()
        nearest = of_address.clear(places.height)
        if is_open.any():
            of_open = self._nearest_postcodes(places.filter(is_open))
            row_of_open = pl.select(pl.when(is_open).then(is_open.cum_sum() - 1)).to_series()
            nearest = of_open.select(pl.all().gather(row_of_open))
        areas = of_address.hstack(nearest.rename("{}_nearest".format))
        return found.hstack(
            areas.select(
                pl.coalesce("output_area", "output_area_nearest").alias("output_area"),
                pl.coalesce("authority", "authority_nearest").alias("authority"),
                pl.when(pl.col("output_area").is_not_null())
                .then(pl.lit("address"))
                .when(pl.col("output_area_nearest").is_not_null())
                .then(pl.lit("nearest_postcode"))
                .when(pl.col("authority").is_not_null())
                .then(pl.lit("address"))
                .alias("area_source"),
            )
        )

    def _nearest_postcodes(self, places: pl.DataFrame) -> pl.DataFrame:
        """Output area and authority of the nearest postcode in use within the radius; of several, the first by name."""
        areas, grid = self._postcodes_in_use
        near = find_nearest(grid, *_coordinates(places, "place"), radius=self._rules.radius_m, voters=1)
        return areas.select(pl.all().gather(_rows(near.rows)))

    @cached_property
    def _postcodes_in_use(self) -> tuple[pl.DataFrame, PositionGrid]:
        """Areas of the postcodes in use by name, and their grid; many products need neither."""
        is_known = pl.col("output_area").is_not_null() & pl.col("easting_m").is_not_null()
        ordered = self._postcodes.filter(pl.col("is_in_use") & is_known).sort("postcode")
        grid = make_grid(*_coordinates(ordered, "postcode"), np.arange(ordered.height))
        return ordered.select("output_area", "authority"), grid


def _coordinates(frame: pl.DataFrame, what: str) -> Coordinates:
    """Easting and northing of a frame. Raises ValueError with the first row where one is null or not finite."""
    east, north = (frame[axis].cast(pl.Float64).to_numpy() for axis in ("easting_m", "northing_m"))
    finite = np.isfinite(east) & np.isfinite(north)
    if not finite.all():
        row = int(np.argmin(finite))
        raise ValueError(f"{what} in row {row}: position {east[row]}, {north[row]}; expected finite metres")
    return east, north
