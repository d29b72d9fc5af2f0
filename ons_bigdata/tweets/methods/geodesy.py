"""Coordinates: WGS84 to British National Grid by OSTN15."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from convertbng.cutil import convert_bng

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def to_british_national_grid(
    longitude: ArrayLike, latitude: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Easting and northing (metres, British National Grid) of WGS84 longitudes and latitudes (degrees).

    The transformation is OSTN15, which is compiled into `convertbng`; results are rounded to the millimetre. WGS84 is
    taken as ETRS89, as the Ordnance Survey does. Points outside the coverage of OSTN15 give NaN in both arrays, as do
    coordinates that are null, not finite or no position on Earth.

    Both arguments are one-dimensional (or scalars) of one length; the arrays returned have that length.

    Raises ValueError where the lengths differ.

    Source: Ordnance Survey, Transformations and OSGM15 User Guide (2020), section 3.
    """
    degrees_east = np.atleast_1d(np.asarray(longitude, dtype=np.float64))
    degrees_north = np.atleast_1d(np.asarray(latitude, dtype=np.float64))
    if degrees_east.ndim != 1 or degrees_east.shape != degrees_north.shape:
        message = (
            f"longitude has shape {degrees_east.shape} and latitude {degrees_north.shape}; expected two "
            "one-dimensional arrays of one length"
        )
        raise ValueError(message)
    easting_m = np.full(degrees_east.shape, np.nan)
    northing_m = np.full(degrees_east.shape, np.nan)
    valid = (np.abs(degrees_east) <= 180) & (np.abs(degrees_north) <= 90)
    if valid.any():
        easting_m[valid], northing_m[valid] = convert_bng(
            np.ascontiguousarray(degrees_east[valid]), np.ascontiguousarray(degrees_north[valid])
        )
    return easting_m, northing_m
