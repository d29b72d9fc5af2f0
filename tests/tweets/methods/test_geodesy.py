"""WGS84 to British National Grid: the official test points, coverage, bad input."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.tweets.methods.geodesy import to_british_national_grid


def test_official_points_within_ten_millimetres() -> None:
    path = Settings().shared / "golden" / "tweets" / "ostn15_test_points.csv"
    if not path.is_file():
        pytest.skip(f"no official test points at {path} (set ONS_BIGDATA_SHARED)")
    points = pl.read_csv(path)
    easting_m, northing_m = to_british_national_grid(points["etrs89_lon"], points["etrs89_lat"])
    assert points.height == 40
    assert np.abs(easting_m - points["osgb36_easting"].to_numpy()).max() < 0.01
    assert np.abs(northing_m - points["osgb36_northing"].to_numpy()).max() < 0.01


def test_a_trig_pillar_to_follow_by_hand() -> None:
    # Caister water tower, the worked example of the Ordnance Survey's guide to coordinate systems.
    easting_m, northing_m = to_british_national_grid(1.716073973, 52.658007833)
    assert easting_m[0] == pytest.approx(651_409.804, abs=0.01)
    assert northing_m[0] == pytest.approx(313_177.450, abs=0.01)


def test_what_lies_outside_the_coverage_is_nan_and_keeps_its_place() -> None:
    longitude = [2.35, float("nan"), 0.0, 500.0, -1.5, 52.0]
    latitude = [48.85, 51.0, 0.0, 51.0, 52.0, -1.5]  # Paris, NaN, (0, 0), no longitude, in, swapped
    easting_m, northing_m = to_british_national_grid(longitude, latitude)
    assert np.isnan(easting_m).tolist() == np.isnan(northing_m).tolist() == [True, True, True, True, False, True]


def test_nothing_gives_nothing_and_lengths_must_agree() -> None:
    assert [array.size for array in to_british_national_grid([], [])] == [0, 0]
    with pytest.raises(ValueError, match=r"longitude has shape \(2,\) and latitude \(1,\)"):
        to_british_national_grid([0.0, 1.0], [50.0])
