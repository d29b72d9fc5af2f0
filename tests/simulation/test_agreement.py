"""Agreement of the generator "zipf" with the published aggregates of the pilot of 2015, by the pilot's own rules."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from ons_bigdata.settings import Settings
from ons_bigdata.simulation.world.building import build_world

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "simulated_agreement.py"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulated_agreement", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = load_script()


def disagreeing(users: int, seed: int) -> list[str]:
    try:
        pilot = script.pilot_measures(Settings().shared)
    except FileNotFoundError as error:
        pytest.skip(f"no totals of the pilot: {error} (set ONS_BIGDATA_SHARED)")
    world, events = script.simulate(users, seed)
    measures = script.compare(pilot, script.simulated_measures(world, events))
    assert len(measures) == 20
    return [f"{one.group}, {one.name}: {one.simulated:.1f} for {one.pilot:.1f}" for one in measures if not one.agrees]


def test_simulated_events_agree_with_the_pilots_aggregates() -> None:
    assert disagreeing(5_000, 5) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_they_agree_for_other_seeds_and_more_users(seed: int) -> None:
    assert disagreeing(40_000, seed) == []


def test_measures_of_three_users_by_hand() -> None:
    """Three events at a shop's door and two elsewhere; five at a home over two months; one event.

    One user of three has a residential cluster, two have a valid one. The home has three events in June and two in
    July, hence one month of residence.
    """
    world = build_world(seed=1, persons=10, addresses=100, authorities=["E08000035"])
    home, shop = (
        world.addresses.filter(pl.col("class_code").str.starts_with(code)).row(0, named=True)
        for code in ("RD03", "CR08")
    )
    spots = [(1, shop, 6, 0.0)] * 3 + [(1, shop, 6, 0.02), (1, shop, 6, 0.04)]
    spots += [(2, home, 6, 0.0)] * 3 + [(2, home, 7, 0.0)] * 2 + [(3, home, 6, 0.0)]
    events = pl.DataFrame(
        {
            "user": [user for user, *_ in spots],
            "at": [datetime(2014, month, 3, 12, row, tzinfo=UTC) for row, (_, _, month, _) in enumerate(spots)],
            "lon": [address["lon"] for _, address, _, _ in spots],
            "lat": [address["lat"] + north for _, address, _, north in spots],
        }
    )
    measured = script.simulated_measures(world, events)
    assert measured["share of users", "with a valid cluster"] == pytest.approx(200 / 3)
    assert measured["share of users", "with a residential cluster"] == pytest.approx(100 / 3)
    assert measured["share of users", "without a cluster"] == pytest.approx(100 / 3)
    assert measured["median", "events of the dominant cluster"] == 5
    assert measured["months of residence", "1"] == 100
    assert measured["class of clusters", "C"] == measured["class of clusters", "R"] == 50
