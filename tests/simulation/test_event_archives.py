"""Simulated archives of events: equal bytes for equal seeds, and a world that is what its truth describes."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

from ons_bigdata.simulation.events.archives import simulate_event_archives
from ons_bigdata.simulation.events.world import ABROAD, EventWorld, build_event_world

KINDS = {"person", "volume", "constant_interval", "fixed_position", "client"}


@pytest.fixture(scope="module")
def world() -> EventWorld:
    """Return a small world."""
    return build_event_world(persons=30, volume_events=700)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        simulate_event_archives(tmp_path / name, persons=8, seed=seed, volume_events=50)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first if name != "files.json")


def test_there_is_a_robot_of_each_kind_and_it_is_one(world: EventWorld) -> None:
    kinds = Counter(user.kind for user in world.users)
    assert set(kinds) == KINDS
    assert all(count == 1 for kind, count in kinds.items() if kind != "person")
    events = {user.kind: [one for one in world.events if one.user == user.user] for user in world.users}
    hours = [(b.at - a.at).total_seconds() for a, b in itertools.pairwise(events["constant_interval"])]
    assert set(hours) == {3600.0}
    assert len({(one.lat, one.lon) for one in events["fixed_position"]}) == 1
    assert len(events["volume"]) == 700
    assert {one.client for one in events["client"]} == {"simulated weather station"}


def test_no_user_has_two_events_in_a_second_and_ids_are_unique(world: EventWorld) -> None:
    assert len({(one.user, one.at) for one in world.events}) == len(world.events)
    assert len({one.event_id for one in world.events}) == len(world.events)


def test_events_at_home_are_at_home_and_those_abroad_are_not(world: EventWorld) -> None:
    homes = {user.user: user.home for user in world.users}
    for one in world.events:
        if one.place == "home":
            assert abs(one.lat - homes[one.user][0]) < 8 / 111_250
            assert abs(one.lon - homes[one.user][1]) < 16 / 111_250
        if one.place == "abroad":
            assert abs(one.lat - ABROAD[0]) < 0.1


def test_the_truth_is_written_beside_the_archives(tmp_path: Path) -> None:
    simulated = simulate_event_archives(tmp_path, persons=8, volume_events=50)
    with (simulated.truth / "true_events.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(simulated.world.events)
    counts = json.loads((simulated.truth / "files.json").read_text(encoding="utf-8"))
    assert set(counts) == {path.name for path in simulated.archives.iterdir()}
    of_gaps = counts["simulated_gaps_gnip.json"]["accepted"]
    assert sum(one["accepted"] for one in counts.values()) - of_gaps == len(simulated.world.events)


def test_a_world_needs_a_person() -> None:
    with pytest.raises(ValueError, match="persons is 0; expected at least 1"):
        build_event_world(persons=0)
