"""Addresses of the simulated world: output areas as cells of a grid, with streets, postcodes and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from convertbng.cutil import convert_lonlat

from ons_bigdata.simulation.world.authorities import distances_km

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

CELL_M = 400.0
"""Side of the square that an output area is."""
_PER_AREA = 125
"""Addresses of an output area, about."""
_AREAS_PER_MSOA = 25
_STREETS, _PLOTS = 9, 42
"""Streets of an output area and plots of a street; a plot is 9 m wide."""
_FLATS = 8
"""Flats of a block, which have one position."""
_MARGIN_M = 11.0
_LARGEST_RADIUS_M = 8_000.0
_BLOCK = 10
"""Every block of so many cells, squared, has a park of three by three cells in its corner, without addresses."""
_FIRST_UPRN = 999_000_000_001
_UNIT_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
POSTCODE_AREA = "KX"
"""Postcode area of the simulated addresses, which no real one has."""

CLASSES: dict[str, float] = {
    **{"RD02": 0.195, "RD03": 0.235, "RD04": 0.235, "RD06": 0.165, "RD08": 0.008, "RD01": 0.004, "RD10": 0.006},
    **{"RH01": 0.008, "RG02": 0.010, "RI01": 0.002, "RI02": 0.001},
    **{"CR08": 0.028, "CR07": 0.010, "CR06": 0.006, "CO01": 0.022, "CI01": 0.008, "CM01": 0.004, "CC04": 0.003},
    **{"CE03": 0.002, "CE04": 0.001, "CL06": 0.003, "CL07": 0.003, "CT08": 0.001, "CT10": 0.001},
    **{"CH01": 0.003, "CH03": 0.003},
    **{"PP": 0.017, "X": 0.006, "LP": 0.006, "UC": 0.002, "MA": 0.001, "ZM": 0.001},
}
"""AddressBase classification code and its share of the addresses, without universities and halls of residence."""

EVERYWHERE = ("CO01", "CR08", "CH01")
"""Classes of which every authority has at least one address."""
DWELLINGS = ("RD02", "RD03", "RD04", "RD06", "RD08", "RD01", "RH01")
HALL, UNIVERSITY, COLLEGE = "RI03", "CE05", "CE01HE"
_THOUSAND_PER_SITE = 4.0
"""Thousands of students for each site of a university."""
_HALLS_PER_SITE = 2
_PER_SITE = 40
"""Addresses of an authority for each site, at least: a small world has few universities."""


def lay_out_addresses(rng: Generator, authorities: pl.DataFrame, addresses: int) -> pl.DataFrame:
    """Addresses in the output areas of the authorities, sorted by area.

    Columns: uprn, class_code, easting_m, northing_m (centimetres), lon, lat (degrees, WGS84), postcode, output_area,
    msoa, authority, authority_name, region, and two counters from 0: authority_number (row of the authority) and
    area_number. An output area is a square of CELL_M of its own; an address is in the square of its area.

    Raises ValueError if there are fewer addresses than 40 for each authority, or if a position cannot be converted.
    """
    least = 40 * authorities.height
    if addresses < least:
        raise ValueError(f"addresses is {addresses}; expected at least {least}, 40 for each authority")
    residents = authorities["residents_thousand"].to_numpy()
    of_authority = 40 + _apportion(residents / residents.sum(), addresses - least)
    areas_of = np.ceil(of_authority / _PER_AREA).astype(np.int64)
    authority_of_area = np.repeat(np.arange(authorities.height), areas_of)
    columns, rows = _free_cells(rng, authorities, authority_of_area)
    authority = np.repeat(np.arange(authorities.height), of_authority)
    number = _rank_within(authority)
    area = (np.cumsum(areas_of) - areas_of)[authority] + number * areas_of[authority] // of_authority[authority]
    codes = _classes(rng, authorities, authority, number)
    building = _buildings(codes, area)
    street, plot = _plots(building, area)
    east, north = _positions(rng, columns[area], rows[area], street, plot, building_key=area * 1000 + building)
    longitude, latitude = (np.asarray(axis) for axis in convert_lonlat(east, north))
    if np.isnan(longitude).any():
        row = int(np.argmax(np.isnan(longitude)))
        raise ValueError(f"address {row} at {east[row]:.0f}, {north[row]:.0f}: outside the coverage of OSTN15")
    names = _area_codes(authorities, authority_of_area)
    return pl.DataFrame(
        {
            "uprn": _FIRST_UPRN + np.arange(addresses),
            "class_code": codes,
            "easting_m": east,
            "northing_m": north,
            "lon": longitude.round(7),
            "lat": latitude.round(7),
            "postcode": _postcodes(area * _STREETS + street),
            "output_area": names["output_area"].gather(area),
            "msoa": names["msoa"].gather(area),
            "authority": authorities["authority"].gather(authority),
            "authority_name": authorities["name"].gather(authority),
            "region": authorities["region"].gather(authority),
            "authority_number": authority,
            "area_number": area,
        }
    )


def park_positions(easting_m: NDArray[np.float64], northing_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle of the park of each position's block: an array of two columns, more than 500 m from every address."""
    block_m = _BLOCK * CELL_M
    return np.stack([np.floor(axis / block_m) * block_m + 1.5 * CELL_M for axis in (easting_m, northing_m)], axis=1)


def _apportion(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion to shares with the given total: largest remainders."""
    exact = shares * total
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def _rank_within(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counter from 0 within each run of equal values."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, groups.size])
    return np.arange(groups.size) - np.repeat(starts, lengths)


def _free_cells(
    rng: Generator, authorities: pl.DataFrame, authority_of_area: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cell (column, row) of each output area, scattered around the middle of its authority; no two have the same."""
    apart = distances_km(authorities) * 1000.0
    np.fill_diagonal(apart, np.inf)
    areas = np.bincount(authority_of_area, minlength=authorities.height)
    radius = np.clip(apart.min(axis=1, initial=np.inf) * 0.4, 1_200.0, _LARGEST_RADIUS_M)
    radius = np.maximum(radius, np.sqrt(areas) * CELL_M)[authority_of_area]
    middles = [authorities[axis].to_numpy()[authority_of_area] for axis in ("easting_m", "northing_m")]
    cells = np.full((authority_of_area.size, 2), -1, dtype=np.int64)
    open_areas = np.arange(authority_of_area.size)
    while open_areas.size:
        angle, distance = rng.random(open_areas.size) * 2 * np.pi, radius[open_areas] * rng.random(open_areas.size)
        offsets = (distance * np.cos(angle), distance * np.sin(angle))
        for axis, offset in enumerate(offsets):
            cells[open_areas, axis] = np.floor((middles[axis][open_areas] + offset) / CELL_M)
        key = cells[:, 0] * 1_000_000 + cells[:, 1]
        first = np.zeros(key.size, dtype=bool)
        first[np.unique(key, return_index=True)[1]] = True
        first &= ((cells % _BLOCK) > 2).any(axis=1)
        open_areas = np.flatnonzero(~first)
        radius[open_areas] *= 1.1
    return cells[:, 0], cells[:, 1]


def _classes(
    rng: Generator, authorities: pl.DataFrame, authority: NDArray[np.int64], number: NDArray[np.int64]
) -> NDArray[np.str_]:
    """Class of each address. In an order of its own, every authority has its universities, halls, and EVERYWHERE."""
    codes = rng.choice(np.array(list(CLASSES)), size=authority.size, p=np.array(list(CLASSES.values())) / _total())
    students = authorities["students_thousand"].to_numpy()
    sites = np.minimum(np.ceil(students / _THOUSAND_PER_SITE), np.maximum(np.bincount(authority) // _PER_SITE, 1))
    sites = np.where(students > 0, sites, 0).astype(np.int64)[authority]
    place = _spread(number, authority)
    after = place - sites * (1 + _HALLS_PER_SITE)
    codes = np.select([place < sites, after < 0], [np.where(place % 4 == 3, COLLEGE, UNIVERSITY), HALL], default=codes)
    for rank, code in enumerate(EVERYWHERE):
        codes = np.where(after == rank, code, codes)
    return codes


def _total() -> float:
    return sum(CLASSES.values())


def _spread(number: NDArray[np.int64], authority: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order of the addresses of an authority in which neighbours in the order are not neighbours in space."""
    order = np.lexsort(((number * 7_919) % 10_007, authority))
    ranks = np.empty(number.size, dtype=np.int64)
    ranks[order] = _rank_within(authority[order])
    return ranks


def _buildings(codes: NDArray[np.str_], area: NDArray[np.int64]) -> NDArray[np.int64]:
    """Building of each address within its area: flats of an area share one by eights, others have one each."""
    is_flat = codes == "RD06"
    order = np.lexsort((np.arange(area.size), ~is_flat, area))
    rank = _rank_within(area[order])
    flats = np.bincount(area, weights=is_flat).astype(np.int64)[area[order]]
    blocks = -(-flats // _FLATS)
    building = np.empty(area.size, dtype=np.int64)
    building[order] = np.where(rank < flats, rank // _FLATS, blocks + rank - flats)
    return building


def _plots(building: NDArray[np.int64], area: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Street and plot of each building; no two of an area have the same."""
    slot = (building * 97 + area * 31) % (_STREETS * _PLOTS)  # 97 has no factor in common with the number of plots
    return slot // _PLOTS, slot % _PLOTS


def _positions(
    rng: Generator,
    column: NDArray[np.int64],
    row: NDArray[np.int64],
    street: NDArray[np.int64],
    plot: NDArray[np.int64],
    *,
    building_key: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Easting and northing of each address, to the centimetre: along its street, up to 2 m off; one for a building."""
    _, first, inverse = np.unique(building_key, return_index=True, return_inverse=True)
    off = rng.uniform(-2.0, 2.0, size=(first.size, 2))[inverse]
    east = column * CELL_M + _MARGIN_M + plot * 9.0 + off[:, 0]
    north = row * CELL_M + _MARGIN_M + 10.0 + street * 42.0 + off[:, 1]
    return east.round(2), north.round(2)


def _area_codes(authorities: pl.DataFrame, authority_of_area: NDArray[np.int64]) -> pl.DataFrame:
    """Codes of output areas and middle-layer areas: those of the country, with numbers that no real area has."""
    country = authorities["authority"].str.slice(0, 1).gather(authority_of_area)
    number = pl.Series(np.arange(authority_of_area.size))
    rank = _rank_within(authority_of_area) // _AREAS_PER_MSOA
    new = np.r_[True, (authority_of_area[1:] != authority_of_area[:-1]) | (rank[1:] != rank[:-1])]
    return pl.DataFrame({"country": country, "area": 900_001 + number, "msoa": 900_000 + np.cumsum(new)}).select(
        output_area=pl.format("{}00{}", "country", "area"), msoa=pl.format("{}02{}", "country", "msoa")
    )


def _postcodes(street: NDArray[np.int64]) -> pl.Series:
    """Postcode of each street, by its number: district, sector and two letters."""
    _, number = np.unique(street, return_inverse=True)
    size = len(_UNIT_LETTERS)
    letters = np.array(list(_UNIT_LETTERS))
    unit = np.char.add(letters[number // size % size], letters[number % size])
    sector = number // size**2
    frame = pl.DataFrame({"district": sector // 10 + 1, "sector": sector % 10, "unit": unit})
    return frame.select(pl.format(POSTCODE_AREA + "{} {}{}", "district", "sector", "unit")).to_series()
