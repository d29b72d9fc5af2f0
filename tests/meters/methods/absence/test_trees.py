"""Boosted trees as arrays: scores equal those of scikit-learn, and the JSON gives the same trees again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from ons_bigdata.meters.methods.absence.model import (
    default_model,
    model_from_json,
    model_to_json,
    trees_from_record,
    trees_to_record,
)
from ons_bigdata.meters.methods.absence.trees import trees_of


def fitted() -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    random = np.random.default_rng(1)
    features = random.normal(size=(600, 5))
    features[random.random(features.shape) < 0.1] = np.nan
    truth = np.nan_to_num(features[:, 0] - features[:, 1] * features[:, 2]) + random.normal(0, 0.5, 600) > 0
    return HistGradientBoostingClassifier(max_iter=15, random_state=0).fit(features, truth), features


def test_scores_are_those_of_scikit_learn_to_the_last_bit():
    model, features = fitted()
    beyond = np.vstack([features, np.full((1, 5), np.nan), np.full((1, 5), np.inf), np.full((1, 5), -1e9)])
    assert np.array_equal(trees_of(model).scores(beyond), model.decision_function(beyond))


def test_json_gives_the_same_scores():
    model, features = fitted()
    trees = trees_of(model)
    again = trees_from_record(json.loads(json.dumps(trees_to_record(trees))))
    assert np.array_equal(again.scores(features), trees.scores(features))


def test_the_shipped_model_is_read_and_written_without_change():
    shipped = default_model()
    assert model_to_json(model_from_json(model_to_json(shipped))) == model_to_json(shipped)
    assert "tuning generator" in shipped.fitted_on


@pytest.mark.parametrize(
    "change",
    [
        {"features": []},
        {"context": []},
        {"trees": {}},
        {"injected_trees": {}},
        {"smoother": {}},
        {"slope": None},
        {"boosted_bound": 2.0},
    ],
)
def test_a_text_that_is_no_model_is_refused(change: dict[str, object]):
    record = json.loads(model_to_json(default_model())) | change
    with pytest.raises(ValueError, match=r"not the JSON|not those of this version|expected a probability"):
        model_from_json(json.dumps(record))


def test_a_tree_that_leads_back_is_refused():
    model, _ = fitted()
    trees = trees_of(model)
    with pytest.raises(ValueError, match="child before it"):
        replace(trees, left=np.zeros_like(trees.left))
