"""The model of vacant quarters as JSON: trees for vacancy and for second homes, with calibration and bounds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from ons_bigdata.meters.methods.absence.model import trees_from_record, trees_to_record
from ons_bigdata.meters.methods.absence.trees import BoostedTrees
from ons_bigdata.meters.methods.vacancy.quarter_features import FEATURES

KIND = "model of vacant quarters"
LEAST_BOUND = 0.114
"""Least bound of vacancy that a fit may set, and the one that the shipped model has.

The chain of quarters has an edge at it."""

Floats = np.ndarray


@dataclass(frozen=True)
class CalibratedTrees:
    """Trees whose score, times `slope` plus `intercept`, is the log odds of a class.

    `bound` is the least probability for which the class is given.

    """

    trees: BoostedTrees
    slope: float
    intercept: float
    bound: float

    def __post_init__(self) -> None:
        """Raise ValueError if the bound is no probability, the slope not positive, or a feature unknown."""
        if not 0 < self.bound < 1 or not self.slope > 0:
            message = f"bound is {self.bound} and slope {self.slope}, expected a probability and more than 0"
            raise ValueError(message)
        if self.trees.feature.max() >= len(FEATURES):
            message = f"trees use feature {self.trees.feature.max()}, expected at most {len(FEATURES) - 1}"
            raise ValueError(message)

    def probabilities(self, features: Floats) -> Floats:
        """Probability of the class of each row of features."""
        log_odds = self.slope * self.trees.scores(features) + self.intercept
        return 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))


@dataclass(frozen=True)
class VacancyModel:
    """Models of vacancy of a quarter and of use as a second home. `fitted_on`: what they were fitted on."""

    vacant: CalibratedTrees
    second_home: CalibratedTrees
    fitted_on: str


def model_to_json(model: VacancyModel) -> str:
    """JSON text of a model."""
    parts = {
        name: {
            **{key: value for key, value in asdict(part).items() if key != "trees"},
            "trees": trees_to_record(part.trees),
        }
        for name, part in (("vacant", model.vacant), ("second_home", model.second_home))
    }
    record = {"kind": KIND, "fitted_on": model.fitted_on, "features": FEATURES, **parts}
    return json.dumps(record, separators=(",", ":"))


def model_from_json(text: str) -> VacancyModel:
    """Model of its JSON text, as `model_to_json` writes it. Raises ValueError if it is not one of this version."""
    try:
        record = json.loads(text)
        if record["features"] != list(FEATURES):
            wrong = sorted(set(record["features"]) ^ set(FEATURES)) or ["their order"]
            message = f"the model's features are not those of this version; different: {', '.join(wrong)}"
            raise ValueError(message)
        parts = {
            name: CalibratedTrees(
                trees=trees_from_record(record[name]["trees"]),
                **{key: float(record[name][key]) for key in ("slope", "intercept", "bound")},
            )
            for name in ("vacant", "second_home")
        }
        return VacancyModel(**parts, fitted_on=str(record["fitted_on"]))
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not the JSON of a {KIND}: {error!r}"
        raise ValueError(message) from error


def default_model() -> VacancyModel:
    """Model that is shipped as package data; how it was fitted: docs/meters/vacancy/vacant_quarters.md."""
    from importlib.resources import files  # noqa: PLC0415  (the one function that reads package data)

    text = files("ons_bigdata.meters.methods.vacancy").joinpath("vacancy_model.json").read_text("utf-8")
    return model_from_json(text)
