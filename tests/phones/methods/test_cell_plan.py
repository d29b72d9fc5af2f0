"""Cell plans from signals: two masts by hand, properties of shares, then the true positions of the simulator."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.cell_plan import describe_cells, mast_signals, nearest_zones

TILES = pl.DataFrame({"tile": [0, 1, 2], "east_m": [50.0, 150.0, 250.0], "north_m": [50.0] * 3})


def mast(cell: str, **changes: float | None) -> dict[str, float | str | None]:
    """Return a mast of 1 W in the origin that reaches 300 m in all directions."""
    row: dict[str, float | str | None] = {"cell": cell, "east_m": 0.0, "north_m": 0.0, "azimuth_deg": None}
    return {**row, "beam_deg": 60.0, "power_w": 1.0, "range_m": 300.0, **changes}


def test_two_cells_by_hand() -> None:
    """Tile 1 is served by both alike: a has 2/3 of its devices in zone x, and b a third."""
    signals = pl.DataFrame(
        {"cell": ["a", "a", "b", "b"], "tile": [0, 1, 1, 2], "strength_dbm": [-60.0, -92.5, -92.5, -60.0]}
    )
    zones = pl.DataFrame({"tile": [0, 1, 2], "zone": ["x", "x", "y"]})
    plan = describe_cells(signals, TILES, zones=zones)
    assert plan["cell"].to_list() == ["a", "b"]
    assert plan.select("easting_m", "northing_m").rows() == [(50.0, 50.0), (250.0, 50.0)]
    assert plan["radius_m"].to_list() == [100.0, 100.0]
    assert plan["zone_shares"].to_list() == ["x=1", "y=0.666667 x=0.333333"]
    assert plan["zone"].to_list() == ["x", "y"] and set(plan["area_class"]) == {"urban"}
    assert describe_cells(signals, TILES)["zone"].null_count() == 2
    partly = describe_cells(signals, TILES, zones=zones.head(1))
    assert partly.select("zone", "zone_shares").rows() == [("x", "x=1"), (None, None)]


def test_a_signal_fades_with_distance_and_away_from_the_azimuth() -> None:
    signals, tiles = mast_signals(pl.DataFrame([mast("a")]), tile_m=100.0)
    placed = signals.join(tiles, on="tile")
    distance = np.hypot(placed["east_m"].to_numpy(), placed["north_m"].to_numpy())
    assert placed["strength_dbm"].to_numpy() == pytest.approx(30 - 37.5 * np.log10(distance))
    assert distance.max() <= 300
    north = pl.DataFrame([mast("a", azimuth_deg=0.0)])
    directed = mast_signals(north, tile_m=100.0)[0].join(tiles, on="tile").join(placed, on=["tile", "cell"])
    loss = directed.select(
        bearing=pl.arctan2("east_m", "north_m").degrees().abs(),
        loss=pl.col("strength_dbm_right") - pl.col("strength_dbm"),
    )
    assert loss["loss"].to_numpy() == pytest.approx(np.minimum(12 * (loss["bearing"].to_numpy() / 60) ** 2, 30))


@pytest.mark.parametrize("gap", [{"power_w": None}, {"range_m": None}, {"azimuth_deg": 90.0, "beam_deg": None}])
def test_a_mast_with_a_missing_value_is_refused(gap: dict[str, float | None]) -> None:
    with pytest.raises(ValueError, match="masts: cell b lacks a value"):
        mast_signals(pl.DataFrame([mast("a"), mast("b", **gap)]), tile_m=100.0)


def test_shares_of_a_cell_add_to_one_in_the_digits_of_the_plan() -> None:
    draws = np.random.default_rng(3)
    masts = pl.DataFrame(
        [
            mast(f"c{number}", east_m=float(east), north_m=float(north), range_m=2_000.0, power_w=10.0)
            for number, (east, north) in enumerate(draws.uniform(0, 5_000, (12, 2)))
        ]
    )
    signals, tiles = mast_signals(masts, tile_m=150.0)
    centres = pl.DataFrame(
        {"zone": ["p", "q", "r"], "east_m": [0.0, 2_500.0, 5_000.0], "north_m": [0.0, 4_000.0, 1_000.0]}
    )
    plan = describe_cells(signals, tiles, zones=nearest_zones(tiles, centres), masts=masts)
    assert plan.height == 12
    for text, zone in plan.select("zone_shares", "zone").iter_rows():
        shares = {name: float(share) for name, share in (part.split("=") for part in text.split())}
        assert math.isclose(sum(shares.values()), 1.0, abs_tol=1e-9)
        assert zone == max(shares, key=lambda name: shares[name])


@pytest.mark.parametrize(("tile_m", "message"), [(0.0, "more than 0"), (0.01, "at most 50,000,000")])
def test_tiles_that_cannot_be_are_refused(tile_m: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mast_signals(pl.DataFrame([mast("a")]), tile_m=tile_m)
