"""The fit of the model of anchor places: the shipped model is its result, and who is judged has no part in the fit."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ons_bigdata.estimation.anchor_features import FEATURES
from ons_bigdata.estimation.anchor_model import AnchorModel, default_model
from ons_bigdata.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("fit_anchor_model", ROOT / "scripts" / "fit_anchor_model.py")
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def labelled_stays() -> Path:
    path = Settings().shared / "golden" / "tweets" / "labelled_stays_240_people.parquet"
    if not path.is_file():
        pytest.skip(f"no labelled stays at {path} (set ONS_BIGDATA_SHARED)")
    return path


@cache
def features() -> dict[str, pl.DataFrame]:
    versions = script.versions(script.read_stays(labelled_stays()))
    return {name: script.features_of(versions[name]) for name in script.FITTED_ON}


def weights(model: AnchorModel) -> np.ndarray:
    return np.array([*(model.coefficients[name] for name in FEATURES), model.intercepts])


def test_the_shipped_model_is_the_fit_of_the_labelled_stays() -> None:
    fitted = script.fit(pl.concat(features().values()))
    np.testing.assert_allclose(weights(default_model()), weights(fitted), atol=2e-3)


def test_other_labels_of_a_fold_do_not_change_the_models_that_judge_it() -> None:
    folds = script.folds_of(features()["all stays"]["user"], 5)
    in_fold = pl.col("user").is_in(folds.filter(pl.col("fold") == 2)["user"].to_list())
    letter = pl.when(in_fold).then(pl.lit("O")).otherwise("letter").alias("letter")
    models = script.models_of(features(), folds)
    changed = script.models_of({name: table.with_columns(letter) for name, table in features().items()}, folds)
    for left_out, model in models.items():
        assert (model == changed[left_out]) == (2 in left_out), left_out


def test_weights_of_numbers_of_workplaces_have_the_largest_likelihood() -> None:
    """Each of 200 people has two places of probability 0.5; 20 people name none as work, 170 one, 10 two."""
    rows = [(user, place) for user in range(200) for place in ("a", "b")]
    frame = pl.DataFrame(
        [(*row, 0.5, 0.0, 0.5) for row in rows], ["user", "place", "other", "home", "work"], orient="row"
    )
    letters = ["W" if user < 10 or (user < 180 and place == "a") else "O" for user, place in rows]
    truth = frame.select("user", "place", letter=pl.Series(letters))
    none, one, two, three = script.counted_model(default_model(), [frame, frame], truth).work_counts
    assert (none, three) == (1, pytest.approx(1, abs=1e-6))  # nothing is known of three
    # without the prior 4.25 and 0.5: shares by probability alone are a quarter, a half, a quarter
    assert one == pytest.approx(4.25, rel=0.15)
    assert two == pytest.approx(0.5, rel=0.15)


def test_other_labels_of_a_fold_do_not_change_its_judgement() -> None:
    """Of 60 people: weights of numbers of workplaces and bounds, too, are those of the other folds."""
    some = features()["all stays"]["user"].unique().sort().head(60)
    stays = script.versions(script.read_stays(labelled_stays()).filter(pl.col("user").is_in(some.to_list())))
    stays = {name: stays[name] for name in script.FITTED_ON}
    folds = script.folds_of(some, 5)
    judged = pl.col("user").is_in(folds.filter(pl.col("fold") == 2)["user"].to_list())
    letter = pl.when(judged).then(pl.lit("W")).otherwise("letter").alias("letter")
    changed = {name: part.with_columns(letter) for name, part in stays.items()}
    labels, others = (
        script.cross_validated(part, {name: script.features_of(rows) for name, rows in part.items()}, folds)[0]
        for part in (stays, changed)
    )
    for name in stays:
        assert labels[name].filter(judged).height > 0
        assert_frame_equal(labels[name].filter(judged), others[name].filter(judged), abs_tol=1e-3)
        assert labels[name].filter(~judged).height < others[name].filter(~judged).height


def test_bounds_are_half_of_the_f1() -> None:
    """Ten people with a home at a; eight name w as work, and the probability of work at w is 0.9, at x 0.3."""
    rows = [(user, place) for user in range(10) for place in ("a", "w", "x")]
    probability = {"a": (0.9, 0.05), "w": (0.05, 0.9), "x": (0.05, 0.3)}
    frame = pl.DataFrame(
        [(user, place, *probability[place]) for user, place in rows], ["user", "place", "home", "work"], orient="row"
    )
    letters = {"a": "H", "w": "W", "x": "O"}
    truth = pl.DataFrame(
        [(user, place, "O" if place == "w" and user >= 8 else letters[place]) for user, place in rows],
        ["user", "place", "letter"],
        orient="row",
    )
    model = script.bounded_model(default_model(), [frame, frame], truth)
    assert model.least_main_home == default_model().least_main_home
    assert model.least_home == 0.5  # all homes are right
    assert model.least_main_work == model.least_work == 0.44  # precision 0.8, recall 1: F1 0.89
