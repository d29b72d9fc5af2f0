"""Accuracy of scope decisions on held-out products: by family, and by whole retailer.

The labels come with the outcomes of the rules. Figures without any observation are null with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.panels.input_checks import checked_columns
from ons_bigdata.prices.methods.scope.families import grouped_folds
from ons_bigdata.prices.methods.scope.model import (
    SEED,
    ScopeParameters,
    TooFewLabelsError,
    TrainingSet,
    fit_rows,
    training_set,
)
from ons_bigdata.prices.schemas.scope import ScopeMetric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

FOLDS = 5
REFERRALS = tuple(round(0.05 * step, 2) for step in range(11))
RULE_OUTCOMES = ("in", "out", "open")

NO_PRODUCTS = "no labelled product is judged here"
NO_QUOTES = "none of the labelled products was collected"
NONE_CALLED_IN = "no product was called in scope"
NONE_IN = "no labelled product is in scope"
NOTHING_DECIDED = "every product was referred"


@dataclass(frozen=True, eq=False)
class Judgement:
    """Decisions of one decider: the more likely outcome, its certainty (0-0.5), and which products are undecided."""

    guess: Flags
    certainty: Floats
    referred: Flags


def evaluate(labels: pl.DataFrame, parameters: ScopeParameters | None = None) -> pl.DataFrame:
    """Judge every labelled product by a model that was fitted without its family, or without its retailer.

    Takes the columns of `fit` with `retailer`, `rule_outcome` (`in`, `out`, `open`: outcome of the definite rules) and
    `quotes` (how often the product was collected, null or 0 = never). Folds of families as in `families`, dealt by a
    fixed seed; each fit calibrates itself within its own labels. The features are collected over all labels, which
    uses their names and not their judgements.

    Returns `ScopeMetric` rows without `data_origin`. Deciders: `majority` (the commoner judgement among the item's
    other labels, the plain baseline), `rules` (open = referred, guessed out), `model` alone, and `rules_and_model`
    (the rules where they are definite, else the model). `accuracy` counts the better guess of all products,
    `accuracy_decided` only what is not referred; `precision` and `recall` are of being in scope, by guess;
    `accuracy_at_referral` leaves out the given share of the products, the least certain first.

    Raises TooFewLabelsError and ValueError as `fit` does, and ValueError for an unknown rule outcome.
    """
    checked = checked_columns(
        labels, {"retailer": pl.String(), "rule_outcome": pl.String(), "quotes": pl.Int64()}, "labels"
    )
    unknown = sorted(set(checked["rule_outcome"].unique()) - set(RULE_OUTCOMES), key=str)
    if unknown:
        message = f"labels: unknown rule_outcome {unknown}; known: {', '.join(RULE_OUTCOMES)}"
        raise ValueError(message)
    training = training_set(labels)
    found = training.families.n_unique()
    if found < FOLDS:
        message = f"labels: of {found} families, expected at least {FOLDS}"
        raise TooFewLabelsError(message)
    folds = {
        "family": grouped_folds(training.families, FOLDS, np.random.default_rng(SEED)),
        "retailer": checked["retailer"].rank("dense").to_numpy().astype(np.int64),
    }
    rows = [
        row
        for held_out, fold in folds.items()
        if np.unique(fold).size > 1
        for row in _scheme(held_out, fold, labels, training, parameters or ScopeParameters())
    ]
    schema = {name: dtype for name, dtype in ScopeMetric.create_empty().schema.items() if name != "data_origin"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _scheme(
    held_out: str, fold: NDArray[np.int64], labels: pl.DataFrame, training: TrainingSet, parameters: ScopeParameters
) -> Iterator[dict[str, Any]]:
    probability, referred, majority = np.empty(fold.size), np.zeros(fold.size, np.bool_), np.empty(fold.size)
    items = labels["item_number"].to_numpy()
    for number in np.unique(fold):
        asked = fold == number
        model = fit_rows(training, ~asked, parameters)
        probability[asked] = model.probability(training.matrix[: fold.size][asked])
        referred[asked] = model.calibration.refers(probability[asked])
        majority[asked] = _share_in(items, training.truth, ~asked)[asked]
    judgements = _judgements(labels["rule_outcome"].to_numpy(), probability, referred, majority)
    quotes = labels["quotes"].fill_null(0).to_numpy().astype(np.float64)
    retailers = labels["retailer"].to_numpy()
    breakdowns = [("all", np.ones(fold.size, np.bool_))]
    breakdowns += [(str(value), retailers == value) for value in np.unique(retailers)]
    breakdowns += [(str(value), items == value) for value in np.unique(items)]
    for breakdown, rows in breakdowns:
        for decider, judgement in judgements.items():
            for weighting, weights in (("products", np.ones(fold.size)), ("quotes", quotes)):
                for metric, referral, value in _figures(judgement, training.truth, weights, rows, breakdown == "all"):
                    yield {
                        "held_out": held_out,
                        "breakdown": breakdown,
                        "decider": decider,
                        "weighting": weighting,
                        "metric": metric,
                        "referral": referral,
                        "value": value if isinstance(value, float) else None,
                        "products": int(rows.sum()),
                        "reason": value if isinstance(value, str) else None,
                    }


def _share_in(items: NDArray[np.int64], truth: Flags, known: Flags) -> Floats:
    """Share in scope among the known labels of each product's item; among all labels where the item has none."""
    shares = np.full(items.size, truth[known].mean())
    for item in np.unique(items[known]):
        shares[items == item] = truth[known & (items == item)].mean()
    return shares


def _judgements(outcome: NDArray[Any], probability: Floats, referred: Flags, majority: Floats) -> dict[str, Judgement]:
    ruled = outcome != "open"
    said_in = outcome == "in"
    certain = np.where(ruled, 0.5, np.abs(probability - 0.5))
    nothing = np.zeros(ruled.size, np.bool_)
    return {
        "majority": Judgement(majority >= 0.5, np.abs(majority - 0.5), nothing),
        "rules": Judgement(said_in, np.where(ruled, 0.5, 0.0), ~ruled),
        "model": Judgement(probability >= 0.5, np.abs(probability - 0.5), referred),
        "rules_and_model": Judgement(np.where(ruled, said_in, probability >= 0.5), certain, referred & ~ruled),
    }


def _figures(
    judgement: Judgement, truth: Flags, weights: Floats, rows: Flags, with_curve: bool
) -> Iterator[tuple[str, float, float | str]]:
    """Rows (metric, share referred, value or the reason why it is null) of some products."""
    guess, true, weight = judgement.guess[rows], truth[rows], weights[rows]
    decided, certainty = ~judgement.referred[rows], judgement.certainty[rows]
    right = guess == true
    yield "accuracy", 0.0, _share(right, weight, NO_PRODUCTS)
    yield "accuracy_decided", 0.0, _share(right[decided], weight[decided], NOTHING_DECIDED)
    yield "referred_share", 0.0, _share(~decided, weight, NO_PRODUCTS)
    yield "precision", 0.0, _share(true[guess], weight[guess], NONE_CALLED_IN)
    yield "recall", 0.0, _share(guess[true], weight[true], NONE_IN)
    if not with_curve:
        return
    order = np.argsort(-certainty, kind="stable")
    for referral in REFERRALS:
        kept = order[: max(1, round((1.0 - referral) * order.size))]
        yield "accuracy_at_referral", referral, _share(right[kept], weight[kept], NO_PRODUCTS)


def _share(holds: Flags, weight: Floats, nothing: str) -> float | str:
    """Weighted share of true values, or the reason why there is none."""
    if holds.size == 0:
        return nothing
    total = float(weight.sum())
    return NO_QUOTES if total == 0.0 else min(1.0, float((holds * weight).sum()) / total)
