"""Devices that count, flows under the specification's rule, and anchors against truth."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.phones.methods.anchors.counted import (
    NO_DEVICES,
    counted_devices,
    evaluate_anchors,
    protect_counts,
    rule_flows,
)
from tests.phones.specifications import CODES, SPEC, changed

A, B = CODES[:2]


def test_devices_that_the_specification_counts() -> None:
    register = pl.DataFrame(
        {
            "device_key": [1, 2, 3, 4, 5],
            "tariff": ["payg"] * 5,
            "account": ["consumer", "consumer", "business", "consumer", "consumer"],
            "holder_age": [18, 17, None, 40, 40],
            "is_machine": [False, False, False, True, False],
        }
    )
    anchors = pl.DataFrame({"device_key": [1, 2, 3, 4, 5, 6], "active_days": [10, 28, 28, 28, 9, 28]})
    assert counted_devices(anchors, register, SPEC)["device_key"].to_list() == [1, 3]
    consumers = changed("devices", accounts=["consumer"], min_active_days=1, includes_machines=True)
    assert counted_devices(anchors, register, consumers)["device_key"].to_list() == [1, 4, 5]


def test_flows_are_suppressed_and_rounded_as_agreed() -> None:
    counted = pl.DataFrame(
        {
            "home_zone": [A] * 12 + [A] * 3 + [None],
            "work_zone": [B] * 12 + [A] * 3 + [B],
            "tariff": ["payg"] * 4 + ["contract"] * 12,
        }
    )
    flows = protect_counts(rule_flows(counted, SPEC), SPEC.disclosure)
    assert flows.height == 3 * len(CODES) ** 2
    named = {(row[0], row[1], row[2]): row[3:] for row in flows.rows()}
    assert named["all", A, B] == (10, "rounded")  # 12 to a multiple of 5
    assert named["all", A, A] == (None, "suppressed")
    assert named["payg", A, B] == (None, "suppressed")
    assert named["all", B, A] == (0, "rounded")


def test_anchors_against_truth_by_hand() -> None:
    truth = pl.DataFrame(
        {
            "device_key": [1, 2, 3, 4],
            "kind": ["regular", "regular", "night_shift", "rotating_shift"],
            "home_class": ["urban", "rural", "urban", "urban"],
            "work_class": ["urban", None, "urban", "urban"],
            "home_cell": ["a", "b", "a", "a"],
            "work_cell": ["w", None, "w", "w"],
            "nearest_home_cell": ["a", "x", "a", "a"],
            "nearest_work_cell": ["x", None, "w", "w"],
        }
    )
    anchors = pl.DataFrame(
        {
            "device_key": [1, 2, 3],
            "home": ["a", None, "a"],
            "work": ["w", None, "w"],
            "shift_candidate": [True, False, True],
        }
    )
    made = evaluate_anchors(anchors, truth)
    found = {(row["measure"], row["area_class"]): row for row in made.iter_rows(named=True)}
    assert found["home_right", "all"]["value"] == 0.5 and found["home_oracle", "all"]["value"] == 0.5
    assert found["home_right", "urban"]["value"] == 1.0 and found["home_right", "rural"]["value"] == 0.0
    assert found["work_right", "urban"]["devices"] == 1 and found["work_oracle", "urban"]["value"] == 0.0
    # flagged 1 and 3; 3 and 4 are shift workers, of whom 4 was not seen
    assert found["shift_precision", "all"]["value"] == 0.5 and found["shift_recall", "all"]["value"] == 0.5
    assert found["shift_f1", "all"]["value"] == pytest.approx(0.5)
    assert 0.0 <= found["shift_f1", "all"]["lower"] <= 0.5 <= found["shift_f1", "all"]["upper"] <= 1.0
    none = evaluate_anchors(anchors, truth.filter(pl.col("kind") == "regular"))
    assert none.row(by_predicate=pl.col("measure") == "shift_f1", named=True)["reason"] == NO_DEVICES
