"""Weights from rates, pooling of operators, stand-in by contract: by hand, properties, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.phones.methods.weighting import (
    combine_operators,
    expansion_weights,
    operator_dispersion,
    stand_in_cost,
    stand_in_flows,
    weight_flows,
)

RATES = pl.DataFrame(
    {
        "area": ["a", "b"],
        "ownership": [0.94, 0.8], "ownership_error": [0.0094, 0.0],
        "devices_per_owner": [1.0, 1.25], "devices_per_owner_error": [0.02, 0.0],
        "market_share": [0.25, 0.5], "market_share_error": [0.025, 0.05],
    }
)  # fmt: skip
FLOWS = pl.DataFrame({"origin": ["a", "b", "b"], "destination": ["b", "a", "b"], "flow": [47, 10, None]})


def test_weights_by_hand() -> None:
    """0.94 · 1 · 0.25: a device stands for 4.26 persons, within √(0.01² + 0.02² + 0.1²); 0.8 · 1.25 · 0.5 for 2."""
    weights = expansion_weights(RATES)
    assert weights["weight"].to_list() == pytest.approx([1 / 0.235, 2.0])
    assert weights["weight_error"].to_list() == pytest.approx([np.sqrt(0.01**2 + 0.02**2 + 0.1**2), 0.1])
    weighted = weight_flows(FLOWS, weights)
    assert weighted["flow_adjusted"].to_list() == [pytest.approx(200), pytest.approx(20), None]
    by_segment = pl.concat(
        [
            RATES.with_columns(segment=pl.lit("contract")),
            RATES.with_columns(segment=pl.lit("payg"), market_share=pl.lit(0.1)),
        ]
    )
    split = weight_flows(
        FLOWS.with_columns(segment=pl.Series(["contract", "payg", "payg"])), expansion_weights(by_segment)
    )
    assert split["weight"].to_list() == pytest.approx([1 / 0.235, 10.0, 10.0])


def test_the_relative_error_is_that_of_drawn_rates() -> None:
    random = np.random.default_rng(0)
    drawn = 1 / (
        random.normal(0.94, 0.0094, 20_000) * random.normal(1, 0.02, 20_000) * random.normal(0.25, 0.0125, 20_000)
    )
    weight = expansion_weights(RATES.head(1).with_columns(market_share_error=pl.lit(0.0125)))["weight_error"][0]
    assert np.log(drawn).std() == pytest.approx(weight, rel=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"market_share": [0.0, 0.5]}, "rates: 1 with market_share of 0 or less; the first: area a"),
        ({"market_share": [1.2, 0.5]}, "rates: 1 with market_share above 1"),
        ({"ownership": [None, 0.5]}, "rates: 1 with no ownership"),
        ({"ownership_error": [-0.1, 0.5]}, "rates: 1 with a negative ownership_error"),
        ({"area": ["a", "a"]}, "rates: rows with the same area"),
    ],
)
def test_faulty_rates_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expansion_weights(RATES.with_columns(**{name: pl.Series(values) for name, values in change.items()}))  # type: ignore[arg-type]


def test_flows_without_a_weight_are_refused() -> None:
    weights = expansion_weights(RATES)
    with pytest.raises(ValueError, match="flows: 1 with no weight of the origin; the first: origin a"):
        weight_flows(FLOWS, weights.filter(pl.col("area") == "b"))
    with pytest.raises(ValueError, match="flows: 1 with a negative flow"):
        weight_flows(FLOWS.with_columns(flow=pl.Series([-1, 1, 1])), weights)
    with pytest.raises(ValueError, match="weights: column area is Int64; in flows origin is String"):
        weight_flows(FLOWS, weights.with_columns(area=pl.int_range(2)))


# Several operators

OPERATORS = pl.DataFrame(
    {"operator": ["x", "y", "x", "y"], "origin": ["a", "a", "b", "b"], "destination": ["b", "b", "a", "a"],
     "flow": [30, 10, 8, None], "status": [None, None, None, "not_supplied"]}
)  # fmt: skip
WEIGHTS = pl.DataFrame({"operator": ["x", "x", "y", "y"], "area": ["a", "b", "a", "b"], "weight": [4, 4, 10, 10]})


def test_operators_by_hand() -> None:
    """40 devices at rates 1/4 + 1/10 are 114.3 persons; a pair that y did not supply rests on x alone."""
    pooled = combine_operators(OPERATORS, WEIGHTS)
    assert pooled["flow_adjusted"].to_list() == pytest.approx([40 / 0.35, 32])
    assert pooled["operators"].to_list() == [2, 1]
    mean = 40 / 0.35 * np.array([0.25, 0.1])
    assert pooled["disagreement"][0] == pytest.approx(((np.array([30, 10]) - mean) ** 2 / mean).sum())
    assert pooled["disagreement"][1] is None
    unlisted = combine_operators(OPERATORS.head(3), WEIGHTS)  # y has weights there, and no devices
    assert unlisted["flow_adjusted"].to_list() == pytest.approx([40 / 0.35, 8 / 0.35])
    hidden = OPERATORS.with_columns(flow=pl.Series([30, None, 8, None]), flow_lower=pl.lit(1.0), flow_upper=pl.lit(9.0))
    bounded = combine_operators(hidden, WEIGHTS).row(0, named=True)
    assert (bounded["flow"], bounded["flow_lower"], bounded["flow_upper"]) == (35, 31, 39)


def test_dispersion_of_poisson_operators_is_one() -> None:
    random = np.random.default_rng(2)
    truth = random.gamma(2, 60, 400)
    keys = {"origin": np.arange(400), "destination": 0}
    tables, rates = [], []
    for name, weight in (("x", 3.0), ("y", 5.0), ("z", 9.0)):
        tables.append(pl.DataFrame({"operator": name} | keys | {"flow": random.poisson(truth / weight)}))
        rates.append(pl.DataFrame({"operator": name, "area": keys["origin"], "weight": weight}))
    weights = pl.concat(rates)
    pooled = combine_operators(pl.concat(tables), weights)
    assert operator_dispersion(pooled) == pytest.approx(1, abs=0.12)
    assert (pooled["flow_adjusted"].sum() / truth.sum()) == pytest.approx(1, abs=0.02)
    assert operator_dispersion(pooled.head(0)) is None


def test_faulty_operators_are_refused() -> None:
    with pytest.raises(
        ValueError, match="flows: 1 with an origin without a weight of the operator; the first: operator y"
    ):
        combine_operators(OPERATORS, WEIGHTS.filter(~((pl.col("operator") == "y") & (pl.col("area") == "b"))))
    with pytest.raises(ValueError, match="flows: 1 with no flow and no bounds"):
        combine_operators(OPERATORS.drop("status"), WEIGHTS)
    with pytest.raises(ValueError, match="weights: rows with the same operator and area"):
        combine_operators(OPERATORS, pl.concat([WEIGHTS, WEIGHTS]))


# Contract stands in

SEGMENTS = pl.DataFrame(
    {"origin": ["a"] * 4, "destination": ["b", "c", "b", "c"], "segment": ["contract", "contract", "payg", "payg"],
     "flow": [60, 20, 5, 15]}
)  # fmt: skip
COVERAGE = pl.DataFrame(
    {"area": ["a", "a"], "segment": ["contract", "payg"], "population": [800, 400], "devices": [100, 40]}
)


def test_stand_in_by_hand() -> None:
    """Contract: 8 persons a device, 12 if it stands for all; pay-as-you-go, with longer ways to c, 10."""
    both = stand_in_flows(SEGMENTS, COVERAGE)
    assert both["flow_full"].to_list() == pytest.approx([60 * 8 + 5 * 10, 20 * 8 + 15 * 10])
    assert both["flow_stand_in"].to_list() == pytest.approx([720, 240])
    classes = pl.DataFrame({"origin": ["a", "a"], "destination": ["b", "c"], "to": ["b", "c"]})
    cost = stand_in_cost(SEGMENTS, COVERAGE, classes, draws=0)
    assert cost["log_bias"].to_list() == pytest.approx(np.log([720 / 530, 240 / 310]))
    with pytest.raises(ValueError, match="unknown stand_in 'business'; known: contract, payg"):
        stand_in_flows(SEGMENTS, COVERAGE, stand_in="business")
    with pytest.raises(ValueError, match="coverage: 1 with no devices to weight"):
        stand_in_flows(SEGMENTS, COVERAGE.with_columns(devices=pl.Series([100, 0])))
    with pytest.raises(ValueError, match="flows: 2 with no coverage of the origin and segment"):
        stand_in_flows(SEGMENTS, COVERAGE.head(1))


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_alike_segments_cost_nothing(seed: int) -> None:
    """If the segments move alike and are weighted by their own rates, standing in changes nothing."""
    random = np.random.default_rng(seed)
    people = random.integers(1, 100, 6)
    populations, devices = np.array([700.0, 300.0]), np.array([140.0, 30.0])
    share = people / people.sum()
    table = pl.concat(
        [
            pl.DataFrame({"origin": 0, "destination": np.arange(6), "segment": name, "flow": share * number})
            for name, number in zip(("contract", "payg"), devices, strict=True)
        ]
    )
    coverage = pl.DataFrame(
        {"area": [0, 0], "segment": ["contract", "payg"], "population": populations, "devices": devices}
    )
    both = stand_in_flows(table, coverage)
    np.testing.assert_allclose(both["flow_full"], both["flow_stand_in"])
    np.testing.assert_allclose(both["flow_full"], share * 1000)
