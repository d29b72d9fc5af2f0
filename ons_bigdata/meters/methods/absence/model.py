"""The model of absent days as JSON: boosted trees with their calibration, chain of days, bounds of the flags."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from ons_bigdata.meters.methods.absence.chain import OBSERVATIONS, DayChain
from ons_bigdata.meters.methods.absence.features import FEATURES
from ons_bigdata.meters.methods.absence.score_context import CONTEXT, score_context
from ons_bigdata.meters.methods.absence.trees import BoostedTrees

KIND = "model of absent days"
NODES = ("roots", "feature", "threshold", "missing_goes_left", "left", "right", "value")
NUMBERS = ("slope", "intercept", "boosted_bound", "chain_bound", "peer_floor_kwh")
MOST_LOG_ODDS = 30.0
_DTYPES = {"threshold": np.float64, "value": np.float64, "missing_goes_left": np.bool_}


@dataclass(frozen=True)
class AbsenceModel:
    """Models of the methods `boosted` and `hmm`.

    `trees`, `injected_trees`: give each day a score by its features; the first learn from true absences of simulated
    homes, the others from absences injected into homes of many shapes. `smoother`: trees that score a day anew by its
    two scores, those of the days around and of the home's whole time; this times `slope` plus `intercept` is the log
    odds of absence. `chain`: of `hmm`.

    `boosted_bound` and `chain_bound`: least probability of an absent day. `fitted_on`: what it was fitted on.
    """

    trees: BoostedTrees
    injected_trees: BoostedTrees
    smoother: BoostedTrees
    slope: float
    intercept: float
    chain: DayChain
    boosted_bound: float
    chain_bound: float
    peer_floor_kwh: float
    fitted_on: str

    def __post_init__(self) -> None:
        """Raise ValueError if a bound is no probability, or the trees ask for a feature that there is not."""
        for name in ("boosted_bound", "chain_bound"):
            if not 0 < getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}, expected a probability"
                raise ValueError(message)
        if not self.slope > 0:
            message = f"slope is {self.slope}, expected more than 0"
            raise ValueError(message)
        kinds = ((self.trees, FEATURES), (self.injected_trees, FEATURES), (self.smoother, CONTEXT))
        for trees, columns in kinds:
            if trees.feature.max() >= len(columns):
                message = f"trees use feature {trees.feature.max()}, expected at most {len(columns) - 1}"
                raise ValueError(message)

    def probabilities(self, features: np.ndarray, first_row: np.ndarray) -> np.ndarray:
        """Probability of absence of each day, by the trees and the smoother.

        `features`: days × `FEATURES`, NaN on days that cannot be judged, whose probabilities have no meaning.
        `first_row`: first row of each meter, and at the end the number of rows.
        """
        context = context_of(self.trees, self.injected_trees, features, first_row)
        log_odds = self.slope * self.smoother.scores(context) + self.intercept
        return 1 / (1 + np.exp(-np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)))


def context_of(
    trees: BoostedTrees, injected_trees: BoostedTrees, features: np.ndarray, first_row: np.ndarray
) -> np.ndarray:
    """Context of the scores of days by both first trees, days × `CONTEXT`: what the smoother takes."""
    scores, injected_scores = trees.scores(features), injected_trees.scores(features)
    for part in (scores, injected_scores):
        part[np.isnan(features[:, 0])] = np.nan
    return score_context(scores, injected_scores, features, first_row)


def trees_to_record(trees: BoostedTrees) -> dict[str, object]:
    """Trees as lists for JSON. Numbers are written in full, so that scores are the same to the last bit."""
    record = {name: getattr(trees, name).tolist() for name in NODES}
    return {"start": trees.start, **record, "missing_goes_left": [int(value) for value in record["missing_goes_left"]]}


def trees_from_record(record: dict[str, object]) -> BoostedTrees:
    """Trees of their lists. Raises KeyError, TypeError or ValueError if they are none."""
    columns: dict[str, np.ndarray] = {name: np.array(record[name], dtype=_DTYPES.get(name, np.int64)) for name in NODES}
    return BoostedTrees(start=float(record["start"]), **columns)  # type: ignore[arg-type]


def model_to_json(model: AbsenceModel) -> str:
    """JSON text of a model."""
    chain = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(model.chain).items()
    }
    record = {
        "kind": KIND,
        "fitted_on": model.fitted_on,
        "features": FEATURES,
        "context": CONTEXT,
        "observations": OBSERVATIONS,
        "boosted_bound": model.boosted_bound,
        "chain_bound": model.chain_bound,
        "peer_floor_kwh": model.peer_floor_kwh,
        "slope": model.slope,
        "intercept": model.intercept,
        "chain": chain,
        "trees": trees_to_record(model.trees),
        "injected_trees": trees_to_record(model.injected_trees),
        "smoother": trees_to_record(model.smoother),
    }
    return json.dumps(record, separators=(",", ":"))


def model_from_json(text: str) -> AbsenceModel:
    """Model of its JSON text, as `model_to_json` writes it. Raises ValueError if it is not one of this version."""
    try:
        record = json.loads(text)
        for name, expected in (("features", FEATURES), ("context", CONTEXT), ("observations", OBSERVATIONS)):
            if record[name] != list(expected):
                wrong = sorted(set(record[name]) ^ set(expected)) or ["their order"]
                message = f"the model's {name} are not those of this version; different: {', '.join(wrong)}"
                raise ValueError(message)
        chain = dict(record["chain"])
        for name in ("location", "scale"):
            chain[name] = np.array(chain[name], dtype=np.float64)
        return AbsenceModel(
            trees=trees_from_record(record["trees"]),
            injected_trees=trees_from_record(record["injected_trees"]),
            smoother=trees_from_record(record["smoother"]),
            chain=DayChain(**chain),
            **{name: float(record[name]) for name in NUMBERS},
            fitted_on=str(record["fitted_on"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not the JSON of a {KIND}: {error!r}"
        raise ValueError(message) from error


def default_model() -> AbsenceModel:
    """Model that is shipped as package data; how it was fitted: docs/meters/absence/absent_days.md."""
    from importlib.resources import files  # noqa: PLC0415  (the one function that reads package data)

    text = files("ons_bigdata.meters.methods.absence").joinpath("absence_model.json").read_text("utf-8")
    return model_from_json(text)
