"""The scope model: logistic regression on features, calibrated out of fold, with a band that is referred.

Training and prediction; `evaluation` measures the accuracy. A fit is deterministic; `model_record` keeps its weights.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import eager_frame, refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, finite_number, instance_of, whole_number
from ons_bigdata.prices.methods.scope.description import describe, without_size
from ons_bigdata.prices.methods.scope.families import families, grouped_folds
from ons_bigdata.prices.methods.scope.features import FeatureSpace, feature_space, features, is_known_item

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

VERSION = "1"
"""Changes with the features and parameters: another version, another model."""

SEED = 20160601

_PRODUCT: dict[str, pl.DataType] = {"item_number": pl.Int64(), "product_name": pl.String()}


class TooFewLabelsError(ValueError):
    """Labels that no model can be fitted to: none, all alike, or of too few families."""


@dataclass(frozen=True)
class ScopeParameters:
    """How the model is trained.

    `penalty`: inverse strength of the L2 penalty (scikit-learn's C). `folds`: grouped folds of the calibration.
    `target_accuracy`: the accuracy on what is decided that the referral band is widened for, out of fold, until
    `most_referred` (share 0-1) is reached. Both leave a margin to the requirements (0.95 and 0.20), since new products
    are referred and misjudged more often than those that the band was chosen on.
    """

    penalty: float = 1.0
    folds: int = 5
    target_accuracy: float = 0.96
    most_referred: float = 0.15

    def __post_init__(self) -> None:
        for name in ("penalty", "target_accuracy", "most_referred"):
            finite_number(name, getattr(self, name))
        whole_number("folds", self.folds, least=-(2**31))
        if self.penalty <= 0 or self.folds < 2:
            message = f"penalty {self.penalty}, folds {self.folds}: expected above 0 and at least 2"
            raise ValueError(message)
        if not (0 < self.target_accuracy <= 1 and 0 <= self.most_referred < 1):
            message = (
                f"target_accuracy {self.target_accuracy}, most_referred {self.most_referred}: expected shares above 0"
                " up to 1 and from 0 to below 1"
            )
            raise ValueError(message)


class Calibration(NamedTuple):
    """Platt's sigmoid of the score, and the band of probabilities that is referred."""

    slope: float
    intercept: float
    lower: float
    upper: float

    def probability(self, scores: Floats) -> Floats:
        """Turn scores (log odds) into calibrated probabilities."""
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(self.slope * scores + self.intercept, -30.0, 30.0))))

    def refers(self, probability: Floats) -> Flags:
        """Mask of the probabilities in the referral band."""
        return np.asarray((probability > self.lower) & (probability < self.upper))


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Labelled products as features.

    Those whose size is known are in the matrix twice: as they are, and as a shop would list them that leaves sizes
    out of its names, so that the model learns from the price alone.

    `row_of`: the labelled product (by its row) of each row of the matrix; the first `rows` rows are the products in
    their order. `truth` and `families` are by product.
    """

    space: FeatureSpace
    matrix: sparse.csr_matrix
    truth: Flags
    row_of: NDArray[np.int64]
    families: pl.Series

    @property
    def rows(self) -> int:
        """How many labelled products there are."""
        return int(self.truth.size)


@dataclass(frozen=True, eq=False)
class ScopeModel:
    """A fitted model: features, weights, calibration, and what it was fitted on."""

    space: FeatureSpace
    weights: Floats
    intercept: float
    calibration: Calibration
    parameters: ScopeParameters
    labels: int
    in_scope: int
    families: int

    def probability(self, matrix: sparse.csr_matrix) -> Floats:
        """Calibrated probability of being in scope for rows of features."""
        return self.calibration.probability(np.asarray(matrix @ self.weights) + self.intercept)

    def predict(self, products: pl.DataFrame) -> pl.DataFrame:
        """Do what `predict(self, products)` does."""
        return predict(self, products)


def fit(labels: pl.DataFrame, parameters: ScopeParameters | None = None) -> ScopeModel:
    """Fit a model to labelled products.

    Takes `item_number`, `product_name`, `median_price_gbp` (GBP, may be null) and `in_scope` (bool); other columns
    are not used, except `pack_size` with `unit` where both are there (see `describe`). The retailer is not a
    feature, so that another retailer's products can be judged. Character n-grams of the name (2 to 5 within words)
    and the attributes of `describe`, by themselves and within the item, go into an L2-penalised logistic
    regression; each product whose size is known is also shown without it (`TrainingSet`). Its scores are calibrated
    by Platt's sigmoid on out-of-fold scores, with folds by family. The band of probabilities that is referred is
    symmetric, which is optimal where errors cost alike (Chow 1970). Deterministic: the same labels in the same order
    yield the same model.

    Raises TooFewLabelsError without labels, with labels of one kind only (in a fold, too) and for fewer families than
    folds; ValueError with a null in scope, item or name, and with a price that is not positive.
    Sources: Platt, Probabilistic outputs for support vector machines (1999); Chow, On optimum recognition error and
    reject tradeoff, IEEE Transactions on Information Theory 16 (1970).
    """
    labels = eager_frame(labels, "labels")
    parameters = ScopeParameters() if parameters is None else instance_of("parameters", parameters, ScopeParameters)
    training = training_set(labels)
    return fit_rows(training, np.ones(training.rows, dtype=np.bool_), parameters)


def training_set(labels: pl.DataFrame) -> TrainingSet:
    """Describe labelled products and turn them into features once, for any number of fits. As `fit` otherwise."""
    checked = _checked(labels, "labels")
    truth = _truth(labels)
    described = describe(checked)
    has_size = described["size_source"].is_not_null()
    space, matrix = feature_space(pl.concat([described, without_size(described.filter(has_size))]))
    rows = np.arange(checked.height)
    return TrainingSet(
        space=space,
        matrix=matrix,
        truth=truth,
        row_of=np.concatenate([rows, rows[has_size.to_numpy()]]),
        families=families(checked),
    )


def fit_rows(training: TrainingSet, chosen: Flags, parameters: ScopeParameters) -> ScopeModel:
    """Fit a model to the chosen rows of the labelled products."""
    _require_both(training.truth[chosen])
    used = chosen[training.row_of]
    matrix, row_of = training.matrix[used], training.row_of[used]
    truth = training.truth[row_of]
    groups = training.families.gather(row_of)
    calibration = calibrate(matrix, truth, groups, parameters)
    weights, intercept = train(matrix, truth, parameters)
    return ScopeModel(
        space=training.space,
        weights=weights,
        intercept=intercept,
        calibration=calibration,
        parameters=parameters,
        labels=int(chosen.sum()),
        in_scope=int(training.truth[chosen].sum()),
        families=groups.n_unique(),
    )


def predict(model: ScopeModel, products: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Predict the scope of products: the rows in their order, with `in_scope`, `probability` and `referred`.

    Takes `item_number`, `product_name`, `median_price_gbp` (GBP, may be null), `pack_size` and `unit` as in `fit`;
    all columns pass through. `in_scope` is the more likely outcome, also where the row is `referred`, which means
    undecided. `probability` is that of being in scope. A product of an item with neither labels nor a profile is always
    referred. The result for an empty frame is empty and has all columns.

    Raises ValueError where a column is missing or of another type, for a null item or name, and for a price that is
    not positive and finite.
    """
    instance_of("model", model, ScopeModel)
    products = eager_frame(products, "products")
    checked = _checked(products, "products")
    judged = predict_described(model, describe(checked))
    return products.with_columns(judged["in_scope"], judged["probability"], judged["referred"])


def predict_described(model: ScopeModel, described: pl.DataFrame) -> pl.DataFrame:
    """Judge products that `describe` has described already; otherwise as `predict`."""
    if described.is_empty():
        nothing = {"in_scope": pl.Boolean, "probability": pl.Float64, "referred": pl.Boolean}
        return described.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in nothing.items())
    probability = model.probability(features(model.space, described))
    unknown = ~is_known_item(model.space, described["item_number"])
    return described.with_columns(
        pl.Series("in_scope", probability >= 0.5),
        pl.Series("probability", probability),
        pl.Series("referred", model.calibration.refers(probability)) | unknown,
    )


def train(matrix: sparse.csr_matrix, truth: Flags, parameters: ScopeParameters) -> tuple[Floats, float]:
    """Fit the regression: a weight per feature, and the intercept. Raises TooFewLabelsError where all are alike."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415  (takes a second; the graph loads without)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (takes a second; the graph loads without)

    _require_both(truth)
    # The dual is solved three times faster than the primal; its result is within 0.02 of it in log odds.
    regression = LogisticRegression(
        C=parameters.penalty,
        solver="liblinear",
        dual=True,
        tol=0.01,
        intercept_scaling=10.0,
        max_iter=2000,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        regression.fit(matrix, truth)
    return regression.coef_[0].astype(np.float64), float(regression.intercept_[0])


def out_of_fold_scores(
    matrix: sparse.csr_matrix, truth: Flags, groups: pl.Series, parameters: ScopeParameters
) -> Floats:
    """Score each row by a model that was trained without the row's group."""
    if groups.n_unique() < parameters.folds:
        message = f"labels: of {groups.n_unique()} families, expected at least {parameters.folds}"
        raise TooFewLabelsError(message)
    folds = grouped_folds(groups, parameters.folds, np.random.default_rng(SEED))
    scores = np.empty(truth.size)
    for fold in range(parameters.folds):
        rest, held_out = folds != fold, folds == fold
        weights, intercept = train(matrix[rest], truth[rest], parameters)
        scores[held_out] = matrix[held_out] @ weights + intercept
    return scores


def calibrate(matrix: sparse.csr_matrix, truth: Flags, groups: pl.Series, parameters: ScopeParameters) -> Calibration:
    """Fit the sigmoid and choose the band on out-of-fold scores."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (takes a second; the graph loads without)

    scores = out_of_fold_scores(matrix, truth, groups, parameters)
    sigmoid = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), truth)
    calibration = Calibration(float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0]), 0.5, 0.5)
    half_width = referral_half_width(calibration.probability(scores), truth, parameters)
    return calibration._replace(lower=0.5 - half_width, upper=0.5 + half_width)


def referral_half_width(probability: Floats, truth: Flags, parameters: ScopeParameters) -> float:
    """Narrowest band around 0.5 outside of which the target accuracy is met, or the widest allowed.

    Half the width of the band, in probability: rows are taken out from the least certain on.
    """
    certainty = np.abs(probability - 0.5)
    order = np.argsort(certainty, kind="stable")
    right = ((probability >= 0.5) == truth)[order]
    decided = np.arange(truth.size, 0, -1)
    accuracy = np.cumsum(right[::-1])[::-1] / decided
    most = int(parameters.most_referred * truth.size)
    met = np.flatnonzero(accuracy[: most + 1] >= parameters.target_accuracy)
    referred = int(met[0]) if met.size else most
    return 0.0 if referred == 0 else float(certainty[order][referred])


def _require_both(truth: Flags) -> None:
    if truth.all() or not truth.any():
        message = f"labels: all {truth.size} are {'in' if truth.any() else 'out of'} scope, expected both kinds"
        raise TooFewLabelsError(message)


def _checked(products: pl.DataFrame, name: str) -> pl.DataFrame:
    """Select and check the columns that are used."""
    wanted: dict[str, pl.DataType] = {**_PRODUCT, "median_price_gbp": pl.Float64()}
    if {"pack_size", "unit"} <= set(products.columns):
        wanted |= {"pack_size": pl.Float64(), "unit": pl.String()}
    checked = checked_columns(products, wanted, name)
    price = pl.col("median_price_gbp")
    faults = {
        "a null item number": pl.col("item_number").is_null(),
        "a null product name": pl.col("product_name").is_null(),
        "a price that is not positive and finite": ~(price.is_finite() & (price > 0)),
    }
    refuse_rows(checked, faults, name)
    return checked


def _truth(labels: pl.DataFrame) -> Flags:
    truth = checked_columns(labels, {"in_scope": pl.Boolean()}, "labels")["in_scope"]
    if truth.is_empty():
        message = "labels: found no rows, expected labelled products"
        raise TooFewLabelsError(message)
    if truth.null_count():
        message = f"labels: in_scope is null in {truth.null_count()} rows, expected true or false"
        raise ValueError(message)
    return truth.to_numpy()
