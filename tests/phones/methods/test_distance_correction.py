"""Correction of the bias by distance: recovery of a known bias, intervals on unseen zones, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.phones.methods.distance_correction import correct_distance, fit_distance_correction


def zones(seed: int, n: int = 80) -> pl.DataFrame:
    """Pairs between n zones of a random square: a reference with noise, and users who over-report short ways."""
    random = np.random.default_rng(seed)
    x, y = random.uniform(0, 80, (2, n))
    size = random.gamma(3, 1, n)
    far = np.hypot(x[:, None] - x, y[:, None] - y) + 2
    gravity = 3e5 * size[:, None] * size / far**2.2
    reference = random.poisson(gravity * random.gamma(2, 0.5, (n, n)))
    users = random.poisson(reference * 0.05 * far**-0.5 * 3)
    keep = ~np.eye(n, dtype=bool).ravel()
    return pl.DataFrame(
        {
            "origin": np.repeat(np.arange(n), n), "destination": np.tile(np.arange(n), n),
            "flow": users.ravel(), "reference": reference.ravel(), "distance_km": far.ravel(),
            "modelled": (gravity * 0.05 * far**-0.5 * 3).ravel(), "weight": 20.0,
        }
    ).filter(pl.Series(keep))  # fmt: skip


def halves(pairs: pl.DataFrame, n: int = 80) -> tuple[pl.DataFrame, pl.DataFrame]:
    first = (pl.col("origin") < n // 2) & (pl.col("destination") < n // 2)
    second = (pl.col("origin") >= n // 2) & (pl.col("destination") >= n // 2)
    return pairs.filter(first), pairs.filter(second)


def test_a_known_bias_is_recovered_on_unseen_zones() -> None:
    """The users' flows fall with distance by a half power too fast: after the correction none is left by band."""
    learnt, judged = halves(zones(1))
    corrected = correct_distance(judged, fit_distance_correction(learnt, folds=2))
    assert corrected.columns == [*judged.columns, "flow_adjusted", "lower", "upper"]
    band = pl.sum_horizontal((pl.col("distance_km") >= end).cast(pl.Int32) for end in (15, 30, 50))
    sums = corrected.group_by(band.alias("band")).agg(
        before=(pl.col("flow").sum() * 20 / pl.col("reference").sum()).log(),
        after=(pl.col("flow_adjusted").sum() / pl.col("reference").sum()).log(),
    )
    assert sums["before"].abs().max() > 0.6  # type: ignore[operator]
    assert sums["after"].abs().max() < 0.2  # type: ignore[operator]
    held = corrected.select(pl.col("reference").is_between("lower", "upper").mean()).item()
    assert 0.90 <= held <= 0.985
    narrow = correct_distance(judged, fit_distance_correction(learnt, folds=2, confidence=0.5))
    assert (narrow["upper"] - narrow["lower"]).sum() < 0.5 * (corrected["upper"] - corrected["lower"]).sum()


def test_order_of_rows_does_not_matter() -> None:
    learnt, judged = halves(zones(2))
    first, second = (
        correct_distance(judged, fit_distance_correction(pairs, folds=2))
        for pairs in (learnt, learnt.sample(fraction=1, shuffle=True, seed=3))
    )
    np.testing.assert_allclose(first["flow_adjusted"], second["flow_adjusted"], rtol=1e-5)
    np.testing.assert_allclose(first["upper"], second["upper"], rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"flow": -1}, {}, "pairs: 1560 with flow that is negative"),
        ({"weight": 0.0}, {}, "pairs: 1560 with weight of 0 or less"),
        ({"modelled": 0.0}, {}, "pairs: 1560 with modelled of 0 or less"),
        ({"distance_km": float("nan")}, {}, "pairs: 1560 with no distance_km, or one that is not finite"),
        ({"reference": 0}, {}, "pairs has no reference flow to fit"),
        ({"origin": 1, "destination": 2}, {}, "pairs: rows with the same origin and destination"),
        ({}, {"folds": 1}, "folds 1"),
        ({}, {"folds": 20}, "40 pairs within the 20 groups of zones; expected at least 480"),
    ],
)
def test_bad_input_is_refused(change: dict[str, float], options: dict[str, int], message: str) -> None:
    learnt, _ = halves(zones(3))
    with pytest.raises(ValueError, match=message):
        fit_distance_correction(
            learnt.with_columns(**{name: pl.lit(value) for name, value in change.items()}), **options
        )  # type: ignore[arg-type]
