"""A smoothed previous census: by hand and by simulation, then real flows between districts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.phones.methods.comparison.smoothed_census import previous_census_smoothed, smooth_census
from ons_bigdata.phones.methods.reference_models import gravity, previous_census_raked
from tests.phones.test_phone_users import districts

KEY = ["origin", "destination"]


def drawn_world(seed: int, shape: float) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Distances, expected flows around a gravity model, and counts of 30 zones, all pairs of different zones."""
    random = np.random.default_rng(seed)
    place = random.uniform(0, 60, (30, 2))
    zones = [f"Z{number:02d}" for number in range(30)]
    pairs = [(a, b) for a in range(30) for b in range(30) if a != b]
    distance = pl.DataFrame(
        {
            "origin": [zones[a] for a, _ in pairs],
            "destination": [zones[b] for _, b in pairs],
            "distance_km": [float(np.hypot(*(place[a] - place[b]))) for a, b in pairs],
        }
    )
    size = random.lognormal(5, 0.7, 30)
    totals = [pl.DataFrame({side: zones, "total": size}) for side in KEY]
    model = gravity(*totals, distance, deterrence="power", constraint="doubly", parameter=2.0)
    expected = model["flow"].to_numpy() * random.gamma(shape, 1 / shape, len(pairs))
    return (
        distance,
        model.with_columns(flow=pl.Series(expected)),
        model.with_columns(flow=pl.Series(random.poisson(expected).astype(float))),
    )


def test_the_posterior_mean_by_its_formula() -> None:
    distance, _, counts = drawn_world(1, 0.7)
    smoothed = smooth_census(counts, distance)
    totals = [counts.group_by(side).agg(total=pl.col("flow").sum()) for side in KEY]
    model = gravity(*totals, distance, deterrence="power", constraint="doubly", parameter=smoothed.parameter)
    g, n = model["flow"].to_numpy(), counts["flow"].to_numpy()
    assert smoothed.flows["flow"].to_numpy() == pytest.approx(g * (n + smoothed.shape) / (g + smoothed.shape))
    assert (smoothed.flows["flow"] > 0).all() and (n == 0).any()


@pytest.mark.parametrize("shape", [0.5, 2.0])
def test_the_shape_is_found_and_expected_flows_are_nearer_than_counts(shape: float) -> None:
    shapes = []
    for seed in range(6):
        distance, expected, counts = drawn_world(seed, shape)
        smoothed = smooth_census(counts, distance)
        shapes.append(smoothed.shape)
        error = [
            float(((np.log1p(table["flow"].to_numpy()) - np.log1p(expected["flow"].to_numpy())) ** 2).mean())
            for table in (smoothed.flows, counts)
        ]
        assert error[0] < error[1]
    assert np.exp(np.log(shapes).mean()) == pytest.approx(shape, rel=0.25)


def test_totals_are_those_that_were_asked_for_and_absent_rows_are_zeros() -> None:
    distance, expected, counts = drawn_world(3, 1.0)
    totals = [expected.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY]
    made = previous_census_smoothed(counts.filter(pl.col("flow") > 0), distance, *totals)
    assert made.equals(previous_census_smoothed(counts, distance, *totals))
    for side, total in zip(KEY, totals, strict=True):
        sums = made.group_by(side).agg(total=pl.col("flow").sum()).sort(side)
        assert sums["total"].to_numpy() == pytest.approx(total["total"].to_numpy(), rel=1e-9)


def test_on_real_districts_it_beats_every_model_without_a_census_and_the_plain_census_in_small_flows() -> None:
    data = districts()
    totals = [data.census_2011.group_by(side).agg(total=pl.col("flow").sum()).sort(side) for side in KEY]
    smoothed = smooth_census(data.census_2001, data.distances)
    made = {
        "smoothed": previous_census_raked(smoothed.flows, *totals),
        "raked": previous_census_raked(data.census_2001, *totals),
        "gravity": gravity(
            *totals, data.distances, deterrence="power", constraint="doubly", parameter=smoothed.parameter
        ),
    }
    values = {
        name: dict(
            compare_flows(flows, data.census_2011, distances=data.distances, draws=0).select("metric", "value").rows()
        )
        for name, flows in made.items()
    }
    for metric in ("cpc", "r_squared", "spearman"):
        assert values["smoothed"][metric] > values["gravity"][metric]
    assert values["smoothed"]["log_rmse"] < 0.9 * min(values["gravity"]["log_rmse"], values["raked"]["log_rmse"])
    assert values["smoothed"]["cpc"] > values["raked"]["cpc"]
