"""Five levels of validation, spatial residuals and the sampling floor: independent calculations, by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from ons_bigdata.estimation.flow_validation.levels import validate_flows, zone_residuals
from ons_bigdata.estimation.flow_validation.sampling_floor import sampling_floor
from ons_bigdata.estimation.flow_validation.spatial import local_morans_i, morans_i, nearest_neighbours
from ons_bigdata.estimation.flows import compare_flows


def square(seed: int, n: int = 16, bias: float = 0.0) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Estimate, reference and distances between all zones of a random square; the estimate is biased by distance."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 40, (2, n))
    far = np.hypot(x[:, None] - x, y[:, None] - y) + 0.5
    keys = {"origin": np.repeat(np.arange(n), n), "destination": np.tile(np.arange(n), n)}
    reference = random.poisson(2000 * np.exp(-far / 8)).astype(float).ravel() + 1
    estimate = reference * far.ravel() ** bias
    return (
        pl.DataFrame(keys | {"flow": estimate}),
        pl.DataFrame(keys | {"flow": reference}),
        pl.DataFrame(keys | {"distance_km": far.ravel()}),
    )


def values_of(table: pl.DataFrame) -> dict[tuple[str, str], float]:
    return {(row["level"], row["metric"]): row["value"] for row in table.iter_rows(named=True)}


def test_perfect_flows_pass_all_levels() -> None:
    flows, _, distances = square(1)
    values = values_of(validate_flows(flows, flows, distances, draws=0))
    for key, expected in {
        ("totals", "log_ratio"): 0, ("margins", "origin_cpc"): 1, ("margins", "destination_log_rmse"): 0,
        ("pairs", "cpc"): 1, ("pairs", "kendall_top_100"): 1, ("residuals", "log_distance_slope"): 0,
        ("distribution", "jensen_shannon"): 0, ("distribution", "size_distance"): 0,
        ("distribution", "trip_length_distance_km"): 0,
    }.items():  # fmt: skip
        assert values[key] == pytest.approx(expected, abs=1e-9), key
    assert values["residuals", "origin_moran"] is None


def test_metrics_equal_independent_calculations() -> None:
    estimate, reference, distances = square(2, bias=0.3)
    table = validate_flows(estimate, reference, distances, draws=40, size=3000)
    values = values_of(table)
    x, c, d = (frame.to_series(2).to_numpy() for frame in (estimate, reference, distances))
    y = x * c.sum() / x.sum()
    assert values["totals", "log_ratio"] == pytest.approx(np.log(x.sum() / c.sum()))
    assert values["distribution", "size_distance"] == pytest.approx(ks_2samp(y, c).statistic)
    assert values["distribution", "trip_length_distance_km"] == pytest.approx(wasserstein_distance(d, d, y, c))
    assert values["residuals", "log_distance_slope"] == pytest.approx(0.3, abs=0.01)
    margin = [flow.reshape(16, 16).sum(0) for flow in (y, c)]
    assert values["margins", "destination_cpc"] == pytest.approx(np.minimum(*margin).sum() / c.sum())
    slope = table.row(by_predicate=pl.col("metric") == "log_distance_slope", named=True)
    assert slope["lower"] <= slope["value"] <= slope["upper"]
    floors = table.filter(pl.col("floor").is_not_null())
    assert set(floors["level"]) == {"pairs", "distribution"}
    residual = zone_residuals(estimate, reference, distances, side="destination")
    np.testing.assert_allclose(residual["residual"], np.log((margin[0] + 0.5) / (margin[1] + 0.5)))
    assert values["residuals", "destination_moran"] == pytest.approx(residual["local_moran"].mean())


def test_moran_by_hand() -> None:
    """Four zones in a ring, high next to high: z = ±1, of 4 pairs of neighbours 2 agree; against the ring, none."""
    ring = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]]) / 2
    assert morans_i(np.array([1.0, 1, -1, -1]), ring).value == pytest.approx(0)
    assert morans_i(np.array([1.0, -1, 1, -1]), ring).value == pytest.approx(-1)
    assert morans_i(np.array([1.0, -1, 1, -1]), ring).expected == pytest.approx(-1 / 3)
    np.testing.assert_allclose(local_morans_i(np.array([1.0, -1, 1, -1]), ring), -1)
    assert np.isnan(morans_i(np.ones(4), ring).value)
    line = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
    np.testing.assert_allclose(nearest_neighbours(line, 1).argmax(1), [1, 0, 1, 2])


def test_moran_sees_a_gradient_and_no_noise() -> None:
    random = np.random.default_rng(1)
    x, y = random.uniform(0, 1, (2, 60))
    weights = nearest_neighbours(np.hypot(x[:, None] - x, y[:, None] - y), 6)
    smooth = morans_i(x + 0.1 * random.normal(size=60), weights)
    assert smooth.value > 0.5
    assert smooth.p_value == pytest.approx(0.001)
    p_values = [morans_i(random.normal(size=60), weights, permutations=99, seed=k).p_value for k in range(100)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) <= 0.05) < 0.13


def test_floor_of_large_samples_is_perfect_and_of_small_ones_known() -> None:
    _, reference, distances = square(4)
    large = dict(sampling_floor(reference, 1e9, distances=distances, draws=20).select("metric", "value").iter_rows())
    assert large["cpc"] == pytest.approx(1, abs=1e-3)
    assert large["trip_length_ratio"] == pytest.approx(1, abs=1e-3)
    pair = pl.DataFrame({"origin": [1, 1], "destination": [1, 2], "flow": [50.0, 50.0]})
    one = sampling_floor(pair, 1, draws=20)  # a sample of one person is on one of the two pairs
    assert one.row(by_predicate=pl.col("metric") == "cpc", named=True)["value"] == pytest.approx(0.5)
    four = sampling_floor(pair, 4, draws=1500, seed=3).row(by_predicate=pl.col("metric") == "cpc", named=True)
    assert four["value"] == pytest.approx((2 * 0.5 + 8 * 0.75 + 6 * 1.0) / 16, abs=0.02)  # binomial by hand
    assert four["lower"] == 0.5
    for size, draws, message in ((0, 20, "size is 0"), (5, 3, "draws is 3"), (float("nan"), 20, "size is nan")):
        with pytest.raises(ValueError, match=message):
            sampling_floor(pair, size, draws=draws)
    with pytest.raises(ValueError, match="reference has no flow to draw from"):
        sampling_floor(pair.with_columns(flow=pl.lit(0.0)), 5)


def test_resamples_whose_factors_differ_by_rounding_alone() -> None:
    """Equal shares in each origin: the factor is the same in all resamples but for the last digit."""
    reference = pl.DataFrame({"origin": range(40), "destination": 0, "flow": [0.1 + 0.37 * k for k in range(40)]})
    estimate = reference.with_columns(pl.col("flow") * 0.7)
    with np.errstate(over="raise"):
        table = compare_flows(estimate, reference, draws=100)
    rows = table.filter(pl.col("metric").is_in(["ssi", "log_rmse", "jensen_shannon", "geh_below_5"]))
    np.testing.assert_allclose(rows["upper"], rows["value"], atol=1e-9)
