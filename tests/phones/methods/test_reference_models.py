"""Reference models: published values, an independent regression, by hand, properties, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ons_bigdata.estimation.flows import compare_flows
from ons_bigdata.phones.methods.reference_models import (
    fit_deterrence,
    gravity,
    previous_census,
    previous_census_raked,
    radiation,
    uniform,
)
from ons_bigdata.settings import Settings
from tests.phones.leeds import leeds, margins


def golden() -> dict[str, object]:
    path = Settings().shared / "golden" / "phones" / "skmob_golden.json"
    if not path.is_file():
        pytest.skip(f"no values of scikit-mobility at {path} (set ONS_BIGDATA_SHARED)")
    return json.loads(Path(path).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def golden_zones() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Origins with departures and masses, destinations with masses, distances of the four zones."""
    values = golden()
    keys = [str(number) for number in range(4)]
    matrix = np.array(values["distance_km"])
    distance = pl.DataFrame(
        [(keys[i], keys[j], matrix[i, j]) for i in range(4) for j in range(4) if i != j],
        schema=["origin", "destination", "distance_km"],
        orient="row",
    )
    mass = [float(number) for number in values["relevance"]]  # type: ignore[attr-defined]
    origins = pl.DataFrame({"origin": keys, "total": values["tot_outflow"], "mass": mass})
    return origins, pl.DataFrame({"destination": keys, "total": mass}), distance


def as_map(flows: pl.DataFrame) -> dict[tuple[object, object], float]:
    return {(origin, destination): flow for origin, destination, flow in flows.iter_rows()}


# Published values


@pytest.mark.parametrize("constraint", ["singly", "globally"])
@pytest.mark.parametrize(("deterrence", "name", "parameter"), [("power", "power_law|-2", 2.0), ("exponential", "exponential|0.2", 0.2)])  # fmt: skip  # noqa: E501
def test_gravity_has_the_values_of_scikit_mobility(
    deterrence: str, name: str, parameter: float, constraint: str
) -> None:
    expected = golden()[f"gravity|{name}|{constraint} constrained|o1.5|d2.0"]
    ours = as_map(
        gravity(
            *golden_zones(), deterrence=deterrence, constraint=constraint, parameter=parameter,  # type: ignore[arg-type]
            origin_exponent=1.5, destination_exponent=2.0,
        )
    )  # fmt: skip
    assert len(ours) == len(expected) == 12  # type: ignore[arg-type]
    for origin, destination, flow in expected:  # type: ignore[attr-defined]
        assert ours[origin, destination] == pytest.approx(flow, abs=1e-6)


def test_radiation_has_the_values_of_scikit_mobility() -> None:
    origins, destinations, distance = golden_zones()
    ours = as_map(radiation(origins, destinations, distance, normalised=True))
    totals = dict(zip(origins["origin"], origins["total"], strict=True))
    expected = golden()["radiation|probabilities"]
    assert len(expected) == 12  # type: ignore[arg-type]
    for origin, destination, probability in expected:  # type: ignore[attr-defined]
        assert ours[origin, destination] / totals[origin] == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize(
    ("model", "options", "cpc", "r_squared"),
    [
        ("gravity", {"deterrence": "power", "parameter": 1.0}, 0.8373, 0.9121),
        ("gravity", {"deterrence": "power", "parameter": 1.5}, 0.8292, 0.8934),
        ("gravity", {"deterrence": "power", "parameter": 2.0}, 0.7490, 0.6581),
        ("gravity", {"deterrence": "exponential", "parameter": 0.2}, 0.8177, 0.8925),
        ("gravity", {"deterrence": "exponential", "constraint": "doubly", "parameter": 0.25}, 0.8343, 0.9165),
        ("gravity", {"deterrence": "power", "constraint": "doubly", "parameter": 1.2}, 0.8543, 0.9347),
        ("uniform", {}, 0.7240, 0.7808),
        ("radiation", {"normalised": True}, 0.2972, -3.36),
        ("radiation", {}, 0.2965, -3.32),
    ],
)
def test_leeds_table(model: str, options: dict[str, object], cpc: float, r_squared: float) -> None:
    """Published to four digits, of radiation's R² to three; all 11,342 pairs between 107 zones."""
    flows, distances = leeds()
    models = {"gravity": gravity, "uniform": uniform, "radiation": radiation}
    modelled = models[model](*margins(flows), distances, **options)  # type: ignore[operator]
    table = compare_flows(modelled, flows, scale="none", pairs="all", draws=0)
    values = dict(zip(table["metric"], table["value"], strict=True))
    assert values["pairs"] == 11_342
    assert values["cpc"] == pytest.approx(cpc, abs=1e-4)
    assert values["r_squared"] == pytest.approx(r_squared, abs=5e-3 if model == "radiation" else 1e-4)


def test_previous_census_has_the_published_agreement() -> None:
    path = Settings().shared / "data" / "phones" / "ew_lad20x_commuting_1991_2001_2011.csv.gz"
    if not path.is_file():
        pytest.skip(f"no flows between districts at {path} (set ONS_BIGDATA_SHARED)")
    rows = pl.read_csv(path).filter(pl.col("o") != pl.col("d"), pl.col("commuters") > 0)
    old, new = (
        rows.filter(pl.col("year") == year)
        .select(origin="o", destination="d", flow="commuters")
        .cast({"flow": pl.Float64})
        for year in (2001, 2011)
    )
    for model, cpc in (
        (previous_census(old, total=float(new["flow"].sum())), 0.917),
        (previous_census_raked(old, *margins(new)), 0.943),
    ):
        table = compare_flows(model, new, scale="none", draws=0)
        assert table["value"][0] == pytest.approx(cpc, abs=6e-4)


# Independent calculation


@pytest.mark.parametrize("deterrence", ["power", "exponential"])
def test_fit_equals_a_poisson_regression(deterrence: str) -> None:
    """The likelihood of all effects and the parameter, maximised numerically, and the inverse of its Hessian."""
    random = np.random.default_rng(4)
    n = 5
    distance = random.uniform(1, 12, (n, n))
    counts = random.poisson(np.exp(4 - 0.15 * distance)).astype(float)
    score = np.log(distance) if deterrence == "power" else distance
    effects = np.zeros((n * n, 2 * n))
    for cell in range(n * n):
        effects[cell, cell // n] = 1
        if cell % n:
            effects[cell, n + cell % n - 1] = 1
    effects[:, -1] = -score.ravel()

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        mean = np.exp(effects @ beta)
        return float(mean.sum() - counts.ravel() @ (effects @ beta)), effects.T @ (mean - counts.ravel())

    best = minimize(loss, np.r_[np.full(n, 3.0), np.zeros(n)], jac=True, method="BFGS", options={"gtol": 1e-9}).x
    mean = np.exp(effects @ best)
    variance = np.linalg.inv(effects.T @ (mean[:, None] * effects))[-1, -1]
    pearson = ((counts.ravel() - mean) ** 2 / mean).sum() / (n * n - 2 * n)
    dispersion = pearson / (1 + (counts.ravel() / mean - 1).mean())
    frames = [
        pl.DataFrame(
            {"origin": np.repeat(np.arange(n), n), "destination": np.tile(np.arange(n), n), name: values.ravel()}
        )
        for name, values in (("flow", counts), ("distance_km", distance))
    ]
    fit = fit_deterrence(*frames, deterrence=deterrence)  # type: ignore[arg-type]
    assert fit.parameter == pytest.approx(best[-1], abs=1e-6)
    assert fit.dispersion == pytest.approx(dispersion, rel=1e-5)
    assert fit.standard_error == pytest.approx(np.sqrt(variance * dispersion), rel=1e-5)


# Properties


def drawn(seed: int, n: int = 6) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 20, n), random.uniform(0, 20, n)
    out, into = random.gamma(2, 50, n), random.gamma(2, 50, n)
    pairs = [(i, j, float(np.hypot(x[i] - x[j], y[i] - y[j])) + 0.1) for i in range(n) for j in range(n) if i != j]
    distance = pl.DataFrame(pairs, schema=["origin", "destination", "distance_km"], orient="row")
    return (
        pl.DataFrame({"origin": range(n), "total": out}),
        pl.DataFrame({"destination": range(n), "total": into * out.sum() / into.sum()}),
        distance,
    )


@given(st.integers(0, 10_000), st.sampled_from(["power", "exponential"]), st.sampled_from(["singly", "doubly"]))
@settings(max_examples=15)
def test_constraints_and_calibration_hold(seed: int, deterrence: str, constraint: str) -> None:
    origins, destinations, distance = drawn(seed)
    options = {"deterrence": deterrence, "constraint": constraint}
    flat = gravity(origins, destinations, distance, parameter=0.05, **options)  # type: ignore[arg-type]
    mean = float((flat["flow"] * distance["distance_km"]).sum() / flat["flow"].sum())
    again = gravity(origins, destinations, distance, mean_distance_km=mean, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(again["flow"], flat["flow"], rtol=1e-6)
    sums = flat.group_by("origin").agg(pl.col("flow").sum()).sort("origin")["flow"]
    np.testing.assert_allclose(sums, origins["total"], rtol=1e-8)
    if constraint == "doubly":
        sums = flat.group_by("destination").agg(pl.col("flow").sum()).sort("destination")["flow"]
        np.testing.assert_allclose(sums, destinations["total"], rtol=1e-8)
    steeper = gravity(origins, destinations, distance, parameter=0.5, **options)  # type: ignore[arg-type]
    assert (steeper["flow"] * distance["distance_km"]).sum() < (flat["flow"] * distance["distance_km"]).sum()


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_radiation_equals_its_formula(seed: int) -> None:
    origins, destinations, distance = drawn(seed)
    distance = distance.with_columns((pl.col("distance_km") / 4).round() + 1)  # with ties
    ours = as_map(radiation(origins, destinations, distance))
    far = as_map(distance)
    mass = destinations["total"].to_list()
    for (i, j), flow in ours.items():
        within = sum(mass[k] for k in range(6) if k not in (i, j) and far[i, k] < far[i, j])  # type: ignore[index]
        m, n = mass[i], mass[j]  # type: ignore[index]
        assert flow == pytest.approx(origins["total"][i] * m * n / ((m + within) * (m + n + within)))  # type: ignore[index]


# By hand


def test_by_hand() -> None:
    """Twice the distance is half the pull: 90 departures go 60 to the near zone and 30 to the far one."""
    origins = pl.DataFrame({"origin": ["a"], "total": [90]})
    destinations = pl.DataFrame({"destination": ["b", "c"], "total": [10, 10]})
    distance = pl.DataFrame({"origin": ["a", "a"], "destination": ["b", "c"], "distance_km": [2.0, 4.0]})
    assert gravity(origins, destinations, distance, parameter=1.0)["flow"].to_list() == pytest.approx([60, 30])
    assert uniform(origins, destinations, distance, constraint="singly")["flow"].to_list() == pytest.approx([45, 45])
    previous = pl.DataFrame({"origin": ["a", "a"], "destination": ["b", "c"], "flow": [1, 3]})
    assert previous_census(previous)["flow"].to_list() == [1, 3]
    assert previous_census(previous, total=8)["flow"].to_list() == [2, 6]
    arrivals = pl.DataFrame({"destination": ["b", "c"], "total": [40.0, 50.0]})
    assert previous_census_raked(previous, origins, arrivals)["flow"].to_list() == pytest.approx([40, 50])


# Errors

NEAR = {"origin": ["a", "b"], "destination": ["b", "a"], "distance_km": [1.0, 2.0]}
OUT = {"origin": ["a", "b"], "total": [3.0, 4.0]}
INTO = {"destination": ["a", "b"], "total": [4.0, 3.0]}


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {}, "neither is given; expected parameter or mean_distance_km"),
        ({}, {"parameter": 1.0, "mean_distance_km": 1.0}, "both are given"),
        ({}, {"parameter": float("nan")}, "parameter is nan; expected a finite number"),
        ({}, {"parameter": 1.0, "deterrence": "expo"}, "unknown deterrence 'expo'; known: power, exponential"),
        ({}, {"parameter": 1.0, "constraint": "double"}, "unknown constraint 'double'"),
        ({}, {"mean_distance_km": 9.0}, "mean_distance_km is 9; the pairs and totals allow about 1.57143 to 1.57143"),
        ({"distance_km": [0.0, 1.0]}, {"parameter": 1.0}, "1 pairs of distance 0, where a power has no value; the first: origin a"),  # noqa: E501
        ({"distance_km": [None, 1.0]}, {"parameter": 1.0}, "distance: 1 with no distance"),
        ({"distance_km": [-1.0, 1.0]}, {"parameter": 1.0}, "distance: 1 with a negative distance"),
        ({"origin": ["a", "a"], "destination": ["b", "b"]}, {"parameter": 1.0}, "distance: rows with the same origin and"),  # noqa: E501
        ({"origin": ["a", "c"]}, {"parameter": 1.0}, "origins: 1 with a positive total, but no pair in distance"),
        ({"origin": [1, 2]}, {"parameter": 1.0}, "origins: column origin is String; in distance it is Int64"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(changes: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gravity(pl.DataFrame(OUT), pl.DataFrame(INTO), pl.DataFrame(NEAR | changes), **options)  # type: ignore[arg-type]


def test_totals_that_cannot_be_met_are_refused() -> None:
    origins, destinations, distance = pl.DataFrame(OUT), pl.DataFrame(INTO), pl.DataFrame(NEAR)
    with pytest.raises(ValueError, match="origins add up to 7, destinations to 9; expected the same"):
        more = destinations.with_columns(total=pl.Series([4.0, 5.0]))
        gravity(origins, more, distance, constraint="doubly", parameter=1.0)
    with pytest.raises(ValueError, match="1 origins with departures, but no destination to take them; the first: b"):
        gravity(origins, destinations.with_columns(total=pl.Series([0.0, 7.0])), distance, parameter=1.0)
    with pytest.raises(ValueError, match="origins: 1 without mass"):
        radiation(
            pl.DataFrame({"origin": ["z"], "total": [1.0]}),
            pl.DataFrame({"destination": ["a"], "total": [1.0]}),
            pl.DataFrame({"origin": ["z"], "destination": ["a"], "distance_km": [1.0]}),
        )
    flows = pl.DataFrame({"origin": ["a", "c"], "destination": ["b", "a"], "flow": [1.0, 2.0]})
    with pytest.raises(ValueError, match="origins: 1 with a positive total, but no pair in distance"):
        fit_deterrence(flows, distance)
    with pytest.raises(ValueError, match="previous: 1 with a flow that is missing"):
        previous_census(flows.with_columns(flow=pl.Series([1.0, None])))
    with pytest.raises(ValueError, match="previous has no flow to scale"):
        previous_census(flows.with_columns(flow=pl.lit(0.0)), total=3)
