"""Coverage, bias and agreement of estimated with official migration: by hand, against numpy, properties, errors."""

from __future__ import annotations

from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, linregress

from ons_bigdata.tweets.methods.migration_comparison import area_bias, compare_area_migration, coverage

RESIDENTS = pl.DataFrame({"area": ["a", "b", "c", "d"], "residents": [1000, 1000, 2000, 10]})
USERS = pl.DataFrame({"area": ["a", "b", "d"], "users": [20, 40, 11]})


def tables(seed: int, areas: int = 40) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Official moves of made-up areas, and an estimate of them with noise."""
    random = np.random.default_rng(seed)
    residents = random.integers(5_000, 200_000, areas)
    inflow, outflow = (residents * random.uniform(0.02, 0.12, areas) for _ in range(2))
    names = [f"a{k}" for k in range(areas)]
    reference = pl.DataFrame({"area": names, "inflow": inflow, "outflow": outflow, "residents": residents})
    noise = random.normal(1, 0.1, (3, areas))
    estimate = reference.with_columns(
        pl.col(column) * pl.Series(noise[k]) for k, column in enumerate(("inflow", "outflow", "residents"))
    )
    return estimate, reference


def metrics(frame: pl.DataFrame) -> dict[str, dict[str, float]]:
    return {row.pop("metric"): row for row in frame.to_dicts()}


def test_coverage_by_hand() -> None:
    """71 users among 4,010 residents; a has 2 % and d more users than residents."""
    rows = {row["area"]: row for row in coverage(USERS, RESIDENTS).to_dicts()}
    assert list(rows) == ["a", "b", "c", "d"]
    assert rows["a"]["penetration"] == 0.02
    assert rows["a"]["log_bias"] == pytest.approx(log(0.02 / (71 / 4010)))
    exact = binomtest(20, 1000).proportion_ci(method="wilson")
    assert (rows["a"]["lower"], rows["a"]["upper"]) == pytest.approx((exact.low, exact.high))
    assert rows["b"]["log_bias"] - rows["a"]["log_bias"] == pytest.approx(log(2))
    assert (rows["c"]["users"], rows["c"]["log_bias"]) == (0, None)
    assert rows["c"]["lower"] == 0 and rows["c"]["reason"] == "no users: the logarithm is not defined"
    assert rows["d"]["lower"] is None and rows["d"]["reason"] == "more users than residents"


def test_coverage_of_no_areas_is_empty() -> None:
    """A month in which no area reaches the threshold has none to compare."""
    users = pl.DataFrame(schema={"area": pl.String, "users": pl.Int64})
    assert coverage(users, users.rename({"users": "residents"})).is_empty()


def test_bias_of_areas_by_hand() -> None:
    reference = pl.DataFrame({"area": ["a", "b"], "inflow": [50, 0], "outflow": [20, 10], "residents": [1000, 500]})
    estimate = pl.DataFrame({"area": ["b", "a", "x"], "inflow": [1, 100, 9], "outflow": [10, 30, 9]})
    rows = area_bias(estimate, reference)
    assert rows["area"].to_list() == ["a"] * 3 + ["b"] * 3
    assert rows["direction"].to_list() == ["in", "out", "net"] * 2
    assert rows["difference_per_1000"].to_list() == pytest.approx([50, 10, 40, 2, 0, 2])
    assert rows["log_ratio"].to_list() == [pytest.approx(log(2)), pytest.approx(log(1.5)), None, None, 0.0, None]
    assert rows["reason"].null_count() == 3


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_slopes_and_correlations_are_those_of_scipy(seed: int) -> None:
    estimate, reference = tables(seed)
    found = metrics(compare_area_migration(estimate, reference, draws=0))
    for direction, column in (("in", "inflow"), ("out", "outflow")):
        line = linregress(reference[column] / reference["residents"], estimate[column] / estimate["residents"])
        assert found[f"{direction}_slope"]["value"] == pytest.approx(line.slope, rel=1e-9)
        assert found[f"{direction}_correlation"]["value"] == pytest.approx(line.rvalue, rel=1e-9)
    net = [(frame["inflow"] - frame["outflow"]).sign() for frame in (estimate, reference)]
    assert found["net_sign_agreement"]["value"] == pytest.approx((net[0] == net[1]).mean())
    assert found["in_slope"]["lower"] is None


def test_a_perfect_estimate_agrees_and_small_areas_are_left_out() -> None:
    _, reference = tables(1)
    estimate = reference.with_columns(
        pl.when(pl.col("area") == "a0").then(99.0).otherwise("residents").alias("residents")
    )
    found = metrics(compare_area_migration(estimate, reference, seed=3))
    for name in ("in_slope", "out_slope", "net_slope", "in_correlation", "net_sign_agreement"):
        assert found[name]["value"] == pytest.approx(1)
    assert found["in_slope"]["lower"] == pytest.approx(1) == found["in_slope"]["upper"]
    assert (found["areas"]["value"], found["areas_left_out"]["value"]) == (39, 1)
    assert found["net_sign_agreement"]["lower"] == pytest.approx(binomtest(39, 39).proportion_ci(method="wilson").low)


def test_intervals_hold_the_value_are_seeded_and_grow_with_the_noise() -> None:
    estimate, reference = tables(2)
    first = compare_area_migration(estimate, reference, seed=5)
    assert first.equals(compare_area_migration(estimate, reference, seed=5))
    assert not first.equals(compare_area_migration(estimate, reference, seed=6))
    found = metrics(first)["in_slope"]
    assert found["lower"] < found["value"] < found["upper"]
    noisy = estimate.with_columns(inflow=pl.col("inflow") * pl.Series(np.random.default_rng(0).uniform(0.5, 1.5, 40)))
    wider = metrics(compare_area_migration(noisy, reference, seed=5))["in_slope"]
    assert wider["upper"] - wider["lower"] > found["upper"] - found["lower"]


def test_what_is_not_defined_is_null_with_its_reason() -> None:
    reference = pl.DataFrame(
        {"area": ["a", "b", "c"], "inflow": [5.0] * 3, "outflow": [5.0] * 3, "residents": [100] * 3}
    )
    found = metrics(compare_area_migration(reference, reference))
    assert found["in_slope"]["value"] is None and found["in_slope"]["reason"] == "the rates do not vary"
    assert found["net_sign_agreement"]["reason"] == "no area with official net moves"
    few = metrics(compare_area_migration(reference.head(2), reference))
    assert few["out_correlation"]["reason"] == "fewer than three areas"


@pytest.mark.parametrize(
    ("users", "residents", "message"),
    [
        (USERS.with_columns(users=-pl.col("users")), RESIDENTS, "users: 3 with no number of 0 or more"),
        (USERS, RESIDENTS.head(2), "users: 1 with an area without residents; the first: area d"),
        (USERS, RESIDENTS.with_columns(residents=0), "residents: 4 with no residents"),
        (pl.concat([USERS, USERS]), RESIDENTS, "users: rows with the same area"),
    ],
    ids=["negative", "strangers", "empty", "repeated"],
)
def test_errors_of_coverage_name_what_is_wrong(users: pl.DataFrame, residents: pl.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        coverage(users, residents)


def test_errors_of_the_comparison_name_what_is_wrong() -> None:
    estimate, reference = tables(0)
    with pytest.raises(ValueError, match="estimate: column residents is missing"):
        compare_area_migration(estimate.drop("residents"), reference)
    with pytest.raises(ValueError, match="draws is 5; expected 0 or at least 20"):
        compare_area_migration(estimate, reference, draws=5)
    with pytest.raises(ValueError, match="confidence is 95"):
        compare_area_migration(estimate, reference, confidence=95)
    with pytest.raises(ValueError, match="no inflow of 0 or more"):
        area_bias(estimate.with_columns(inflow=-1.0), reference)
