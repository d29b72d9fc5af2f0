"""Internal migration of users, from residence to controlled tables: thresholds, rounding, and what is never shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.tweets.assets.migration import controlled_areas, controlled_flows, controlled_surface
from ons_bigdata.tweets.assets.residence import ResidenceRules
from ons_bigdata.tweets.schemas.migration import (
    ControlledAreaMigration,
    ControlledFlow,
    ControlledSurface,
    TweetAreaMigration,
    TweetMigrationFlow,
    TweetMigrationSurface,
)

QUARTER = date(2014, 7, 1)
KEYS = {"recipe": "dbscan_20m", "data_origin": "simulated", "parameters_hash": "0" * 16}


def flow(moves: int, destination: str = "E09000001") -> dict[str, object]:
    return {
        **KEYS,
        **{"level": "authority", "origin": "E08000035", "destination": destination, "period": QUARTER},
        **{"moves": moves, "flow": 100.0 * moves, "lower": 90.0 * moves, "upper": 110.0 * moves, "reason": None},
    }


def area(moves_in: int, moves_out: int, number: int = 1) -> dict[str, object]:
    return {
        **KEYS,
        **{"level": "authority", "area": f"E0900{number:04d}", "period": QUARTER},
        **{"moves_in": moves_in, "inflow": 10.0 * moves_in, "inflow_lower": 0.0, "inflow_upper": 20.0 * moves_in},
        **{"moves_out": moves_out, "outflow": 10.0 * moves_out, "outflow_lower": 0.0, "outflow_upper": 99.0},
        **{"net": 10.0 * (moves_in - moves_out), "net_lower": -99.0, "net_upper": 99.0, "reason": None},
    }


def flows(*rows: dict[str, object]) -> pl.DataFrame:
    return TweetMigrationFlow.validate(pl.DataFrame(list(rows), schema=TweetMigrationFlow.create_empty().schema))


def areas(*rows: dict[str, object]) -> pl.DataFrame:
    return TweetAreaMigration.validate(pl.DataFrame(list(rows), schema=TweetAreaMigration.create_empty().schema))


def test_an_example_to_follow_by_hand() -> None:
    """Flows of 12 and of 9 moves: the first is shown as 10 with its estimate, the second without any number."""
    shown = ControlledFlow.validate(controlled_flows(flows(flow(12), flow(9, "E09000002")), threshold=10, base=5))
    rows = shown.select("moves", "flow", "lower", "upper", "status").rows()
    assert rows == [(10, 1200.0, 1080.0, 1320.0, "published"), (None, None, None, None, "below_threshold")]


def test_the_net_is_shown_where_both_its_parts_are() -> None:
    estimated = areas(area(13, 22, 1), area(13, 4, 2), area(4, 22, 3))
    shown = ControlledAreaMigration.validate(controlled_areas(estimated, threshold=10, base=5))
    net = shown.filter(pl.col("measure") == "net").sort("area")
    assert net.select("moves", "value", "status").rows() == [
        (None, -90.0, "published"),
        (None, None, "below_threshold"),
        (None, None, "below_threshold"),
    ]
    inflow = shown.filter(pl.col("measure") == "inflow").sort("area")
    assert inflow["status"].to_list() == ["published", "published", "below_threshold"]


def test_cells_of_the_surface_below_the_threshold_have_no_share() -> None:
    cell = {
        **KEYS,
        **{"interval_months": 1, "starts": 500, "observable": 400, "users": 90, "share_observable": 0.8},
        **{"lower": 0.0, "upper": 0.1, "reason": None},
    }
    cells = [
        {**cell, "duration_months": 1, "moved": 17, "share_moved": 17 / 400},
        {**cell, "duration_months": 2, "moved": 3, "share_moved": 3 / 400},
    ]
    frame = TweetMigrationSurface.validate(pl.DataFrame(cells, schema=TweetMigrationSurface.create_empty().schema))
    shown = ControlledSurface.validate(controlled_surface(frame, threshold=10, base=5))
    assert shown.select("moved", "share_moved", "upper", "status").rows() == [
        (15, 17 / 400, 0.1, "published"),
        (None, None, None, "below_threshold"),
    ]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12), st.integers(3, 15), st.integers(1, 7))
def test_no_count_below_the_threshold_leaves_a_number(counts: list[tuple[int, int]], threshold: int, base: int) -> None:
    estimated = areas(*(area(into, out, number) for number, (into, out) in enumerate(counts)))
    shown = ControlledAreaMigration.validate(controlled_areas(estimated, threshold=threshold, base=base))
    assert shown.height == 3 * len(counts)
    hidden = shown.filter(pl.col("status") == "below_threshold")
    for column in ("moves", "value", "lower", "upper", "reason"):
        assert hidden[column].null_count() == hidden.height
    for number, (into, out) in enumerate(counts):
        of_area = shown.filter(pl.col("area") == f"E0900{number:04d}")
        statuses = dict(of_area.select("measure", "status").rows())
        assert (statuses["inflow"] == "published") == (into >= threshold)
        assert (statuses["net"] == "published") == (min(into, out) >= threshold)
    gross = shown.filter(pl.col("measure") != "net", pl.col("status") == "published")
    assert all(moves % base == 0 for moves in gross["moves"])


def test_the_hash_of_the_rules_is_that_of_their_values() -> None:
    rules = ResidenceRules(3, 1, 0.1, 20.0, 0.5, 0.5, 0.5, 4.5, 4.0, 5.0, 0.95, 10, 5, 20.0)
    assert rules.parameters_hash == replace(rules).parameters_hash
    assert rules.parameters_hash != replace(rules, threshold=11).parameters_hash


def test_a_status_is_not_overwritten() -> None:
    controlled = controlled_flows(flows(flow(12)), threshold=10, base=5)
    with pytest.raises(ValueError, match="has a column status already"):
        controlled_flows(controlled, threshold=10, base=5)
