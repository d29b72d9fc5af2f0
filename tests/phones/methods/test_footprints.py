"""Footprints: a two-cell example by hand, then the true positions of the simulator."""

from __future__ import annotations

import math

import polars as pl
import pytest

from ons_bigdata.phones.methods.footprints import allocate_to_zones, locate_cells, serving_probabilities
from ons_bigdata.phones.sources.device_files import read_simulator_events
from ons_bigdata.phones.sources.devices.network_files import Grid, read_signals
from ons_bigdata.settings import Settings
from tests.phones.sources.test_published_files import shared

SIGNALS = pl.DataFrame(
    {"cell": ["a", "b", "a", "b"], "tile": [0, 0, 1, 1], "strength_dbm": [-92.5, -92.5, -92.5, -130.0]}
)


def test_two_cells_by_hand() -> None:
    """Tile 0 is served by both alike, tile 1 by cell a alone; twice the weight lies on tile 1."""
    served = serving_probabilities(SIGNALS)
    assert served.rows() == [("a", 0, 0.5), ("b", 0, 0.5), ("a", 1, 1.0)]
    posterior = locate_cells(served, pl.DataFrame({"tile": [0, 1], "weight": [1.0, 2.0]}))
    assert posterior.rows() == [("a", 0, 0.2), ("a", 1, 0.8), ("b", 0, 1.0)]
    shares = allocate_to_zones(posterior, pl.DataFrame({"tile": [0, 1], "zone": ["x", "y"]}))
    assert shares.rows() == [("a", "x", 0.2), ("a", "y", 0.8), ("b", "x", 1.0)]


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (pl.DataFrame({"tile": [0, 0], "weight": [1.0, 1.0]}), "came before"),
        (pl.DataFrame({"tile": [0], "weight": [-1.0]}), "negative"),
        (pl.DataFrame({"tile": [0]}), "weight"),
    ],
    ids=["twice", "negative", "column"],
)
def test_a_wrong_prior_is_refused(prior: pl.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        locate_cells(serving_probabilities(SIGNALS), prior)


def test_a_tile_without_zone_is_refused() -> None:
    posterior = locate_cells(serving_probabilities(SIGNALS), pl.DataFrame({"tile": [0, 1], "weight": [1.0, 1.0]}))
    with pytest.raises(ValueError, match="without zone"):
        allocate_to_zones(posterior, pl.DataFrame({"tile": [0], "zone": ["x"]}))


def test_devices_of_the_simulator_are_near_their_posterior_position() -> None:
    """40 by 40 tiles of 250 m, counted from the lower left corner along the rows."""
    events = read_simulator_events(shared("simulated_mno_events/AntennaInfo_MNO_MNO1.csv.gz"))
    folder = Settings().shared / "data" / "phones" / "simulated_mno_events"
    grid = Grid(0.0, 0.0, 250.0, 250.0, 40, 40)
    signals = read_signals(folder / "SignalMeasure_MNO1.csv.gz", grid, least_dbm=-300.0)
    assert signals.height == 70 * 1_600
    posterior = locate_cells(
        serving_probabilities(signals, steepness=0.9, middle_dbm=-80.0),
        pl.DataFrame({"tile": range(1_600), "weight": [1.0] * 1_600}),
    )
    assert (
        posterior.group_by("cell").agg(pl.col("probability").sum())["probability"].is_between(1 - 1e-9, 1 + 1e-9).all()
    )
    x, y = (pl.col("tile") % 40 + 0.5) * 250, (pl.col("tile") // 40 + 0.5) * 250
    means = posterior.group_by("cell").agg(
        (x * pl.col("probability")).sum().alias("x"), (y * pl.col("probability")).sum().alias("y")
    )
    errors = (
        events.with_columns(pl.col("cell").cast(pl.String))
        .join(means, on="cell")
        .select(((pl.col("x") - pl.col("x_m")) ** 2 + (pl.col("y") - pl.col("y_m")) ** 2).sqrt().mean())
    )
    assert errors.item() < 250 * math.sqrt(40)
