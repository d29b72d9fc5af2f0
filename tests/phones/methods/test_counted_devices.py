"""Devices that count, flows under the specification's rule, and anchors against truth."""

from __future__ import annotations

import polars as pl
import pytest

from ons_bigdata.phones.methods.anchors.counted import (
    NO_DEVICES,
    confirm_students,
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
    anchors = pl.DataFrame({"device_key": [1, 2, 3, 4, 5, 6], "active_days": [10, 28, 28, 28, 9, 28]}).with_columns(
        events=pl.lit(9), worker_status=pl.lit("worker")
    )
    assert counted_devices(anchors, register, SPEC)["device_key"].to_list() == [1, 3]
    consumers = changed("devices", accounts=["consumer"], min_active_days=1, includes_machines=True)
    assert counted_devices(anchors, register, consumers)["device_key"].to_list() == [1, 4, 5]


def test_one_device_of_a_pair_counts_where_that_is_agreed() -> None:
    register = pl.DataFrame(
        {
            "device_key": [1, 2, 3, 4, 5],
            "tariff": ["payg"] * 5,
            "account": ["consumer"] * 5,
            "holder_age": [40, 40, 40, 40, 17],
            "is_machine": [False] * 5,
        }
    )
    anchors = pl.DataFrame({"device_key": [1, 2, 3, 4, 5], "active_days": [28] * 5, "events": [5, 9, 7, 7, 99]})
    anchors = anchors.with_columns(worker_status=pl.lit("worker"))
    pairs = pl.DataFrame(
        {"device_key": [1, 2, 3, 4], "companion_key": [2, 1, 4, 3], "is_duplicate": [True, True, True, True]}
    )
    assert counted_devices(anchors, register, SPEC, pairs)["device_key"].to_list() == [2, 3]
    both = changed("duplicates", counted="both")
    assert counted_devices(anchors, register, both, pairs).height == 4
    one_sided = pairs.with_columns(companion_key=pl.Series([2, 3, 4, 5]))
    assert counted_devices(anchors, register, SPEC, one_sided).height == 4
    # a companion that does not count leaves the device in
    child = pl.DataFrame({"device_key": [1, 5], "companion_key": [5, 1], "is_duplicate": [True, True]})
    assert 1 in counted_devices(anchors, register, SPEC, child)["device_key"]


def test_students_are_young_and_in_flows_only_where_agreed() -> None:
    anchors = pl.DataFrame({"device_key": [1, 2, 3, 4], "worker_status": ["student", "student", "student", "worker"]})
    register = pl.DataFrame({"device_key": [1, 2, 3, 4], "holder_age": [20, 44, None, 20]})
    confirmed = confirm_students(anchors, register, SPEC)
    assert confirmed["worker_status"].to_list() == ["student", "worker", "worker", "worker"]
    counted = confirmed.with_columns(home_zone=pl.lit(A), work_zone=pl.lit(B), tariff=pl.lit("payg"))
    is_pair = (pl.col("segment") == "all") & (pl.col("origin") == A) & (pl.col("destination") == B)
    assert rule_flows(counted, SPEC).filter(is_pair)["devices"].item() == 3
    assert rule_flows(counted, changed("students", counted="with_workers")).filter(is_pair)["devices"].item() == 4


def test_flows_are_suppressed_and_rounded_as_agreed() -> None:
    counted = pl.DataFrame(
        {
            "home_zone": [A] * 12 + [A] * 3 + [None],
            "work_zone": [B] * 12 + [A] * 3 + [B],
            "tariff": ["payg"] * 4 + ["contract"] * 12,
            "worker_status": ["worker"] * 16,
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
            "worker_status": ["student", "worker", "worker"],
        }
    )
    truth = truth.with_columns(has_companion=pl.Series([True, True, False, True]))
    duplicates = pl.DataFrame({"device_key": [1, 2, 3], "is_duplicate": [True, False, False]})
    made = evaluate_anchors(anchors, truth, duplicates)
    found = {(row["measure"], row["area_class"]): row for row in made.iter_rows(named=True)}
    assert found["home_right", "all"]["value"] == 0.5 and found["home_oracle", "all"]["value"] == 0.5
    assert found["home_right", "urban"]["value"] == 1.0 and found["home_right", "rural"]["value"] == 0.0
    assert found["work_right", "urban"]["devices"] == 1 and found["work_oracle", "urban"]["value"] == 0.0
    # flagged 1 and 3; 3 and 4 are shift workers, of whom 4 was not seen
    assert found["shift_precision", "all"]["value"] == 0.5 and found["shift_recall", "all"]["value"] == 0.5
    assert found["shift_f1", "all"]["value"] == pytest.approx(0.5)
    assert 0.0 <= found["shift_f1", "all"]["lower"] <= 0.5 <= found["shift_f1", "all"]["upper"] <= 1.0
    assert found["duplicate_precision", "all"]["value"] == 1.0
    assert found["duplicate_recall", "all"]["value"] == pytest.approx(1 / 3)
    assert found["student_f1", "all"]["reason"] == NO_DEVICES
    none = evaluate_anchors(anchors, truth.filter(pl.col("kind") == "regular"))
    assert none.row(by_predicate=pl.col("measure") == "shift_f1", named=True)["reason"] == NO_DEVICES
