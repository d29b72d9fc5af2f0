"""Registers with and without events: by hand, known coefficients, real flows with a simulated register, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.tweets.methods.register_improvement import (
    AreaRates,
    corrected_rates,
    fit_register_model,
    register_improvement,
)
from tests.tweets.methods.late_registers import areas_of_a_register


def rates_of(truth: np.ndarray, register: np.ndarray, events: np.ndarray, error: float = 0.0) -> AreaRates:
    return AreaRates(np.full(len(truth), 1000.0), truth, register, events, np.full(len(truth), error**2))


def frame_of(rates: AreaRates) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "area": [f"a{k}" for k in range(len(rates.truth))],
            "residents": rates.residents,
            "truth": rates.truth,
            "register": rates.register,
            "events": rates.events,
            "events_error": np.sqrt(rates.events_variance),
        }
    )


def noise(seed: int, count: int = 100) -> AreaRates:
    """True rates with a standard deviation of 10, a register that errs by 4, events that say nothing."""
    random = np.random.default_rng(seed)
    truth = random.normal(0, 10, count)
    return rates_of(truth, truth + random.normal(0, 4, count), random.normal(0, 10, count), error=2.0)


def errors(frame: pl.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    return {(row["estimator"], row["measure"]): row for row in frame.to_dicts()}


def test_known_coefficients_are_recovered() -> None:
    """The truth is register + 3 + 0.5 register + 0.8 (events - register), without sampling error of the events."""
    random = np.random.default_rng(0)
    register, events = random.normal(0, 10, 30), random.normal(0, 10, 30)
    rates = rates_of(register + 3 + 0.5 * register + 0.8 * (events - register), register, events)
    model = fit_register_model(rates, with_events=True)
    assert (model.constant, model.register, model.events) == pytest.approx((3, 0.5, 0.8))
    np.testing.assert_allclose(corrected_rates(rates, model), rates.truth, atol=1e-9)
    found = errors(register_improvement(frame_of(rates), folds=5, seed=1))
    assert found["with_events", "rmse"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["gain", "rmse"]["value"] == pytest.approx(found["recalibrated", "rmse"]["value"])
    assert found["register", "rmse"]["value"] == pytest.approx(np.sqrt(np.mean((rates.register - rates.truth) ** 2)))
    assert found["register", "bias"]["value"] == pytest.approx(np.mean(rates.register - rates.truth))


def test_uncertain_events_are_shrunk_away() -> None:
    """Differences of variance 100 with sampling variance 100 of the events: nothing is left beyond sampling."""
    random = np.random.default_rng(1)
    register = random.normal(0, 5, 400)
    events = register + random.normal(0, 10, 400)
    rates = rates_of(register + 1.0, register, events, error=10.5)
    model = fit_register_model(rates, with_events=True)
    assert model.difference_variance < 5
    certain = fit_register_model(rates._replace(events_variance=np.zeros(400)), with_events=True)
    assert certain.difference_variance == pytest.approx(100, rel=0.15)
    np.testing.assert_allclose(corrected_rates(rates, model), rates.truth, atol=1.5)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_events_that_say_nothing_give_no_gain(seed: int) -> None:
    gain = errors(register_improvement(frame_of(noise(seed)), seed=seed, repeats=5))["gain", "rmse"]
    assert gain["lower"] < 0.1 and abs(gain["value"]) < 0.2


def test_the_truth_of_an_area_does_not_reach_its_own_prediction() -> None:
    """Another truth in an area changes its error by the change of the truth, and not its prediction."""
    rates = noise(3, 60)
    moved = rates._replace(truth=rates.truth + np.where(np.arange(60) == 7, 1e6, 0.0))
    seen = np.flatnonzero(np.arange(60) != 7)
    for with_events in (True, False):
        models = [fit_register_model(one.part(seen), with_events=with_events) for one in (rates, moved)]
        assert models[0] == models[1]


def test_events_improve_a_late_register_and_hardly_a_prompt_one() -> None:
    """Official moves of 18- to 25-year-olds, a simulated register, and 3 % of movers as users."""
    late = errors(register_improvement(areas_of_a_register(penetration=0.03, seed=1, scale=40), seed=1, repeats=5))
    assert late["gain", "rmse"]["lower"] > 0
    assert late["with_events", "rmse"]["value"] < 0.9 * late["register", "rmse"]["value"]
    prompt = errors(
        register_improvement(areas_of_a_register(penetration=0.03, seed=1, scale=40, late=False), seed=1, repeats=5)
    )
    assert prompt["gain", "rmse"]["value"] < 0.1 * late["gain", "rmse"]["value"]


def test_intervals_are_seeded_and_absent_without_draws() -> None:
    frame = frame_of(noise(5, 60))
    first = register_improvement(frame, seed=3, repeats=2)
    assert first.equals(register_improvement(frame, seed=3, repeats=2))
    without = register_improvement(frame, seed=3, repeats=2, draws=0)
    assert without["value"].to_list() == first["value"].to_list()
    assert without["reason"].unique().to_list() == ["no interval: draws is 0"]
    assert without["lower"].null_count() == without.height == 11


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (pl.col("residents") * 0, {}, "60 with no positive residents"),
        (-pl.col("events_error"), {}, "60 with a negative events_error"),
        (pl.lit(None, pl.Float64).alias("events"), {}, "60 with no finite events"),
        (pl.lit("a").alias("area"), {}, "areas: rows with the same area"),
        (pl.col("truth"), {"folds": 20}, "60 areas, 20 folds"),
        (pl.col("truth"), {"draws": 3}, "draws is 3"),
    ],
    ids=["residents", "error", "missing", "repeated", "folds", "draws"],
)
def test_errors_name_what_is_wrong(change: pl.Expr, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        register_improvement(frame_of(noise(0, 60)).with_columns(change), **options)  # type: ignore[arg-type]
