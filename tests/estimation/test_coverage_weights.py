"""Adjustment of flows for coverage: golden values of another package, by hand, properties, errors."""

from __future__ import annotations

import gzip
from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.estimation.coverage_weights import RATES, inverse_penetration, selection_rate
from ons_bigdata.settings import Settings

FLOWS = pl.DataFrame({"origin": ["a", "a", "b"], "destination": ["b", "a", "a"], "flow": [4, 0, 6], "note": [1, 2, 3]})
COVERAGE = pl.DataFrame({"area": ["a", "b"], "population": [1000, 1000], "users": [100, 400]})
COVARIATE = pl.DataFrame({"area": ["a", "b"], "covariate": [0.0, 0.5]})


def golden(name: str) -> pl.DataFrame:
    path = Settings().shared / "golden" / "phones" / "flow_adjustment" / f"{name}.csv.gz"
    if not path.is_file():
        pytest.skip(f"no adjusted flows at {path} (set ONS_BIGDATA_SHARED)")
    return pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema_length=None)


def golden_coverage() -> pl.DataFrame:
    return golden("coverage").rename({"origin": "area", "user_count": "users"})


def worst(adjusted: pl.DataFrame, expected: pl.DataFrame) -> float:
    both = adjusted.join(expected, on=["origin", "destination"], how="full")
    assert both["flow_adjusted"].null_count() == both["flow_adj"].null_count() == 0
    return float((both["flow_adjusted"] / both["flow_adj"] - 1).abs().max())  # type: ignore[arg-type]


@pytest.mark.parametrize("side", ["origin", "destination"])
def test_inverse_penetration_has_the_golden_values(side: str) -> None:
    adjusted = inverse_penetration(golden("flows"), golden_coverage(), weight_by=side)  # type: ignore[arg-type]
    assert worst(adjusted, golden(f"inverse_penetration_{side}")) < 1e-12


def test_selection_rate_has_the_golden_values() -> None:
    covariate = golden("covariates").select("area", covariate="income_norm")
    adjusted = selection_rate(golden("flows"), golden_coverage(), covariate)
    assert worst(adjusted, golden("selection_rate_origin")) < 1e-12


def test_selection_rate_calibrated_on_a_benchmark_has_the_golden_values() -> None:
    covariate = golden("covariates").select("area", covariate="gni_pc")  # in money: rescaled to [0, 1]
    adjusted = selection_rate(golden("flows"), golden_coverage(), covariate, benchmark=golden("benchmark"))
    assert worst(adjusted, golden("selection_rate_origin_calibrated")) < 1e-12


def test_by_hand() -> None:
    """Penetrations are 0.1 and 0.4, the overall rate 0.25; the selection rate of b is 0.5 · 0.4 + 0.5 · 0.25."""
    assert inverse_penetration(FLOWS, COVERAGE)["flow_adjusted"].to_list() == pytest.approx([40, 0, 15])
    by_destination = inverse_penetration(FLOWS, COVERAGE, weight_by="destination")
    assert by_destination["flow_adjusted"].to_list() == pytest.approx([10, 0, 60])
    both = inverse_penetration(FLOWS, COVERAGE, weight_by="both")
    assert both["flow_adjusted"].to_list() == pytest.approx([4 * sqrt(25), 0, 6 * sqrt(25)])
    assert both.drop("flow_adjusted").equals(FLOWS)
    selected = selection_rate(FLOWS, COVERAGE, COVARIATE)
    assert selected["flow_adjusted"].to_list() == pytest.approx([16, 0, 6 / 0.325])
    assert selection_rate(FLOWS, COVERAGE, COVARIATE, rate=0.5)["flow_adjusted"].to_list() == pytest.approx([8, 0, 6 / 0.45])  # fmt: skip  # noqa: E501


def test_an_area_without_covariate_is_weighted_by_its_penetration() -> None:
    selected = selection_rate(FLOWS, COVERAGE, COVARIATE.head(1))
    assert selected["flow_adjusted"].to_list() == pytest.approx([16, 0, 15])


@given(st.integers(0, 10_000), st.sampled_from(["origin", "destination", "both"]))
@settings(max_examples=25, deadline=None)
def test_equal_penetration_scales_all_flows_alike_and_a_known_rate_is_chosen(seed: int, side: str) -> None:
    random = np.random.default_rng(seed)
    areas = [f"a{k}" for k in range(5)]
    flows = pl.DataFrame(
        {
            "origin": np.repeat(areas, 5),
            "destination": np.tile(areas, 5),
            "flow": random.poisson(20, 25) + 1,
        }
    )
    population = random.integers(1000, 9000, 5)
    even = pl.DataFrame({"area": areas, "population": population, "users": population / 50})
    adjusted = inverse_penetration(flows, even, weight_by=side)  # type: ignore[arg-type]
    np.testing.assert_allclose(adjusted["flow_adjusted"], flows["flow"] * 50.0, rtol=1e-12)
    uneven = even.with_columns(users=pl.Series(population * random.uniform(0.01, 0.1, 5)))
    index = pl.DataFrame({"area": areas, "covariate": random.uniform(0, 0.9, 5)})
    rate = float(random.choice(RATES))
    target = selection_rate(flows, uneven, index, weight_by=side, rate=rate)  # type: ignore[arg-type]
    benchmark = target.select("origin", "destination", flow="flow_adjusted")
    chosen = selection_rate(flows, uneven, index, weight_by=side, benchmark=benchmark)  # type: ignore[arg-type]
    np.testing.assert_allclose(chosen["flow_adjusted"], target["flow_adjusted"], rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flows": FLOWS.with_columns(flow=-pl.col("flow"))}, "flows: 2 with a negative flow"),
        ({"flows": pl.concat([FLOWS, FLOWS])}, "flows: rows with the same origin and destination"),
        ({"coverage": COVERAGE.head(1)}, "flows: 1 with an area without coverage; the first: origin b"),
        ({"coverage": COVERAGE.with_columns(users=0)}, "coverage: 2 with no users"),
        (
            {"coverage": COVERAGE.rename({"users": "user"})},
            "coverage: column users is missing; found area, population, user",
        ),
        ({"weight_by": "origins"}, "unknown weight_by 'origins'.*did you mean origin"),
        ({"rate": 0.0}, "rate is 0.0; expected a positive number"),
        ({"rate": 0.1, "benchmark": FLOWS}, "expected at most one"),
        ({"covariate": COVARIATE.with_columns(covariate=2.0)}, "covariate is 2.0 in all areas"),
        ({"benchmark": FLOWS.head(1).with_columns(origin=pl.lit("z"))}, "no origin of the flows"),
    ],
    ids=["negative", "repeated", "area", "users", "column", "side", "rate", "both", "constant", "benchmark"],
)
def test_errors_name_what_is_wrong(changes: dict[str, object], message: str) -> None:
    arguments = {"flows": FLOWS, "coverage": COVERAGE, "covariate": COVARIATE} | changes
    with pytest.raises(ValueError, match=message):
        selection_rate(**arguments)  # type: ignore[arg-type]
