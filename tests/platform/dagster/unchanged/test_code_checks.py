"""Checks of code: evaluated where code, libraries or settings are others than when they passed."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from ons_bigdata.platform.dagster import by_period
from ons_bigdata.platform.dagster.unchanged.code_checks import CodeCheck
from ons_bigdata.platform.postgres.warehouse import Warehouse

CHECK = CodeCheck(
    dg.AssetKey(["analysis", "made_up"]), "adds_up", ["ons_bigdata.platform.calendar"], ["polars"], "one setting"
)


class _Evaluation:
    """Counts how often it was asked; passes or not."""

    def __init__(self, *, passed: bool = True) -> None:
        self.passed = passed
        self.times = 0

    def __call__(self) -> dg.AssetCheckResult:
        self.times += 1
        return dg.AssetCheckResult(passed=self.passed, metadata={"tested": 3, "examples": "none"})


def test_a_check_that_passed_is_not_evaluated_again_with_the_same_code(warehouse: Warehouse) -> None:
    evaluation = _Evaluation()
    first = CHECK.result(warehouse, evaluation)
    assert (first.passed, evaluation.times) == (True, 1)
    again = CHECK.result(warehouse, evaluation)
    assert (again.passed, evaluation.times) == (True, 1)
    since = again.metadata["unchanged_since"]
    assert {name: value.value for name, value in again.metadata.items()} == {
        "tested": 3,
        "examples": "none",
        "unchanged_since": since.value,
    }


@pytest.mark.parametrize(
    "other",
    [
        replace(CHECK, settings="another"),
        replace(CHECK, modules=["ons_bigdata.platform.progress"]),
        replace(CHECK, libraries=["polars", "numpy"]),
        replace(CHECK, name="another"),
        replace(CHECK, asset=dg.AssetKey(["analysis", "another"])),
    ],
    ids=["settings", "code", "libraries", "check", "asset"],
)
def test_another_setting_code_or_library_is_evaluated(warehouse: Warehouse, other: CodeCheck) -> None:
    CHECK.result(warehouse, _Evaluation())
    evaluation = _Evaluation()
    assert other.result(warehouse, evaluation).passed
    assert evaluation.times == 1


def test_another_version_of_a_library_is_evaluated(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    CHECK.result(warehouse, _Evaluation())
    monkeypatch.setattr(by_period, "version", lambda _name: "0.0.1")
    evaluation = _Evaluation()
    CHECK.result(warehouse, evaluation)
    assert evaluation.times == 1


def test_a_check_that_failed_is_evaluated_each_time(warehouse: Warehouse) -> None:
    failing = _Evaluation(passed=False)
    assert not CHECK.result(warehouse, failing).passed
    assert not CHECK.result(warehouse, failing).passed
    assert failing.times == 2
    assert CHECK.result(warehouse, _Evaluation()).passed
