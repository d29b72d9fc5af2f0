"""Model of the anchor places: probabilities that a place is a home or a workplace, from its features."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from ons_bigdata.estimation.anchor_features import FEATURES
from ons_bigdata.estimation.workplace_counts import checked_weights, joint_probabilities

CLASSES = ("other", "home", "work")
BOUNDS = ("least_main_home", "least_home", "least_main_work", "least_work")


@dataclass(frozen=True)
class AnchorModel:
    """Multinomial logistic model of the classes `CLASSES`, with the probabilities from which a label is given.

    `coefficients`: feature → coefficient of each class, of the feature as `place_features` returns it; `intercepts`
    are those of the classes. `work_counts`: weights of the numbers of workplaces of a user, as `joint_probabilities`
    takes them. `least_main_home`: least probability of the likeliest home of a user; `least_home` that of a further
    home; `least_main_work` and `least_work` those of workplaces.
    """

    coefficients: dict[str, tuple[float, float, float]]
    intercepts: tuple[float, float, float]
    work_counts: tuple[float, ...]
    least_main_home: float
    least_home: float
    least_main_work: float
    least_work: float

    def __post_init__(self) -> None:
        """Raise ValueError on features of another version, a bound that is no probability, a weight not above 0."""
        if set(self.coefficients) != set(FEATURES):
            wrong = sorted(set(self.coefficients) ^ set(FEATURES))
            message = f"the model's features are not those of this version; different: {', '.join(wrong)}"
            raise ValueError(message)
        checked_weights(self.work_counts)
        for name in BOUNDS:
            if not 0 <= getattr(self, name) <= 1:
                message = f"{name} is {getattr(self, name)}; expected a probability"
                raise ValueError(message)

    def probabilities(self, features: pl.DataFrame) -> pl.DataFrame:
        """User, place and the probability of each class, from the rows of `place_features`, all of each user.

        Probabilities of the places by themselves, with the weights of the numbers of workplaces.
        """
        return joint_probabilities(self.separate_probabilities(features), self.work_counts)

    def separate_probabilities(self, features: pl.DataFrame) -> pl.DataFrame:
        """User, place and the probability of each class of the logistic model, each place by itself."""
        values = features.select(FEATURES).to_numpy()
        scores = values @ np.array([self.coefficients[name] for name in FEATURES]) + np.array(self.intercepts)
        scores -= scores.max(axis=1, keepdims=True) if len(scores) else 0
        weights = np.exp(scores)
        shares = weights / weights.sum(axis=1, keepdims=True)
        return features.select(
            "user", "place", *(pl.Series(name, shares[:, number]) for number, name in enumerate(CLASSES))
        )


def model_from_json(text: str) -> AnchorModel:
    """Model of its JSON text, as `model_to_json` writes it. Raises ValueError if it is not one."""
    try:
        record = json.loads(text)
        return AnchorModel(
            coefficients={name: tuple(map(float, row)) for name, row in record["coefficients"].items()},  # type: ignore[misc]
            intercepts=tuple(map(float, record["intercepts"])),  # type: ignore[arg-type]
            work_counts=tuple(map(float, record["work_counts"])),
            **{name: float(record[name]) for name in BOUNDS},
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not the JSON of a model of anchor places: {error!r}"
        raise ValueError(message) from error


def model_to_json(model: AnchorModel) -> str:
    """JSON text of a model, five significant digits."""
    return json.dumps(
        {
            **{name: getattr(model, name) for name in BOUNDS},
            "work_counts": [float(f"{value:.5g}") for value in model.work_counts],
            "classes": CLASSES,
            "intercepts": [float(f"{value:.5g}") for value in model.intercepts],
            "coefficients": {name: [float(f"{value:.5g}") for value in model.coefficients[name]] for name in FEATURES},
        },
        indent=1,
    )


def default_model() -> AnchorModel:
    """Model that is shipped as package data; how it was fitted: docs/estimation/anchors.md."""
    from importlib.resources import files  # noqa: PLC0415  (the one function that reads package data)

    return model_from_json(files("ons_bigdata.estimation").joinpath("anchor_model.json").read_text("utf-8"))
