"""The scope model: real labels with families and retailers held out, the referral band, refused labels."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods import scope
from ons_bigdata.prices.methods.scope.families import families, grouped_folds
from ons_bigdata.prices.methods.scope.model import (
    Calibration,
    TooFewLabelsError,
    fit_rows,
    referral_half_width,
    training_set,
)
from ons_bigdata.settings import Settings

PRODUCT = ["item_number", "item_name", "retailer", "product_name", "median_price_gbp"]


@pytest.fixture(scope="module")
def labels() -> pl.DataFrame:
    """Real labels on which both readings agree; the test is skipped where they are missing."""
    path = Settings().shared / "golden" / "prices" / "scope_labels.csv"
    if not path.is_file():
        pytest.skip(f"no labels at {path} (set ONS_BIGDATA_SHARED)")
    read = pl.read_csv(path)
    agreed = read.filter(pl.col("reader_a") == pl.col("reader_b"))
    return agreed.select(*PRODUCT, in_scope=pl.col("reader_a") == 1)


@pytest.fixture(scope="module")
def few_labels() -> pl.DataFrame:
    """Labels that a person can judge: cola of two litres is in scope, anything else is not."""
    brands = [f"brand{letter} {word}" for letter in "abcdefghij" for word in ("classic", "extra")]
    rows = [(212011, "Cola", "sim-alder", f"{brand} cola 2l", 1.5 + 0.01 * n, True) for n, brand in enumerate(brands)]
    rows += [(212011, "Cola", "sim-alder", f"{brand} cola 500ml", 1.0, False) for brand in brands]
    rows += [(212011, "Cola", "sim-alder", f"{brand} coffee 200g", 4.0, False) for brand in brands]
    return pl.DataFrame(rows, schema=[*PRODUCT, "in_scope"], orient="row")


def judged(model: scope.ScopeModel, products: pl.DataFrame) -> tuple[float, float, float]:
    """Accuracy of the better constant guess, accuracy of what is decided, share referred."""
    computed = scope.predict(model, products.drop("in_scope"))
    right = computed["in_scope"] == products["in_scope"]
    return _share(right), _share(right.filter(~computed["referred"])), _share(computed["referred"])


def _share(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).mean())  # type: ignore[arg-type]


def test_unseen_families_are_judged_as_is_asked(labels: pl.DataFrame) -> None:
    folds = grouped_folds(families(labels), 5, np.random.default_rng(7))
    training = training_set(labels)
    guess, decided = np.zeros(labels.height, np.bool_), np.zeros(labels.height, np.bool_)
    for fold in range(5):
        asked = folds == fold
        model = fit_rows(training, ~asked, scope.ScopeParameters())
        probability = model.probability(training.matrix[: labels.height][asked])
        guess[asked], decided[asked] = probability >= 0.5, ~model.calibration.refers(probability)
    right = guess == labels["in_scope"].to_numpy()
    assert right.mean() >= 0.93
    assert right[decided].mean() >= 0.955
    assert 0.02 <= 1.0 - decided.mean() <= 0.15


@pytest.mark.parametrize("retailer", ["SAINSBURY", "TESCO", "WAITROSE"])
def test_an_unseen_retailer_is_judged_as_is_asked(labels: pl.DataFrame, retailer: str) -> None:
    theirs = pl.col("retailer") == retailer
    guess, decided, referred = judged(scope.fit(labels.filter(~theirs)), labels.filter(theirs))
    assert guess >= 0.84  # Waitrose names no sizes
    assert decided >= 0.90
    assert referred <= 0.20


def test_items_without_labels_are_judged_by_labels_of_other_items(labels: pl.DataFrame) -> None:
    some = pl.col("item_number").is_in([210204, 211709, 310401, 310421])
    guess, _, _ = judged(scope.fit(labels.filter(~some)), labels.filter(some))
    assert guess >= 0.85


def test_the_size_decides_where_nothing_else_does(few_labels: pl.DataFrame) -> None:
    model = scope.fit(few_labels)
    products = pl.DataFrame(
        {
            "item_number": [212011] * 3,
            "product_name": ["NEWBRAND COLA 2L", "NEWBRAND COLA 500ML", "NEWBRAND COFFEE 200G"],
            "median_price_gbp": [1.6, 1.0, 4.0],
        }
    )
    computed = model.predict(products)
    assert computed["in_scope"].to_list() == [True, False, False]
    assert computed["referred"].to_list() == [False, False, False]
    assert computed["probability"].is_between(0.0, 1.0).all()


def test_the_same_labels_give_the_same_model(few_labels: pl.DataFrame) -> None:
    one, two = scope.fit(few_labels), scope.fit(few_labels)
    assert one.calibration == two.calibration
    assert (one.weights == two.weights).all()


def test_columns_rows_and_their_order_pass_through(few_labels: pl.DataFrame) -> None:
    products = few_labels.drop("in_scope").with_row_index("id").sample(20, seed=3)
    computed = scope.predict(scope.fit(few_labels), products)
    assert computed.columns == [*products.columns, "in_scope", "probability", "referred"]
    assert computed.select(products.columns).equals(products)


def test_unknown_values_yield_valid_predictions(few_labels: pl.DataFrame) -> None:
    model = scope.fit(few_labels)
    products = pl.DataFrame(
        {
            "item_number": [999_999, 212011, 212011],
            "retailer": ["tesco", "nobody", None],
            "product_name": ["CAT FOOD 400G", "NEWBRAND COLA 2L", "..."],
            "median_price_gbp": [1.0, None, None],
        },
        schema_overrides={"median_price_gbp": pl.Float64},
    )
    computed = scope.predict(model, products)
    assert computed["referred"][0]  # an item without labels and profile is never decided
    assert computed["in_scope"][1]
    assert computed["probability"].is_not_null().all()
    assert scope.predict(model, products.clear()).schema["probability"] == pl.Float64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_scope": None}, "in_scope is null in 60 rows"),
        ({"median_price_gbp": -1.0}, "60 with a price that is not positive"),
        ({"product_name": None}, "60 with a null product name"),
        ({"item_number": None}, "60 with a null item number"),
        ({"in_scope": True}, "all 60 are in scope"),
    ],
)
def test_bad_labels_are_refused(few_labels: pl.DataFrame, change: dict[str, object], message: str) -> None:
    types = few_labels.schema
    bad = few_labels.with_columns(pl.lit(value, types[name]).alias(name) for name, value in change.items())
    with pytest.raises(ValueError, match=message):
        scope.fit(bad)


def test_too_few_labels_raise_a_specific_error(few_labels: pl.DataFrame) -> None:
    one_brand = few_labels.filter(pl.col("product_name").str.starts_with("branda "))
    for labels in (few_labels.clear(), few_labels.head(20), one_brand):
        with pytest.raises(TooFewLabelsError):
            scope.fit(labels)
    with pytest.raises(ValueError, match="column in_scope is missing"):
        scope.fit(few_labels.drop("in_scope"))


@pytest.mark.parametrize(
    "parameters", [{"penalty": 0.0}, {"folds": 1}, {"target_accuracy": 1.1}, {"most_referred": 1.0}]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        scope.ScopeParameters(**parameters)  # type: ignore[arg-type]


def test_the_band_is_the_narrowest_that_meets_the_target() -> None:
    # Ten products; the two least certain are the two errors. Leaving them out is enough, one is not.
    probability = np.array([0.51, 0.48, 0.65, 0.3, 0.8, 0.2, 0.9, 0.1, 0.95, 0.05])
    truth = np.array([False, True, True, False, True, False, True, False, True, False])
    half = referral_half_width(probability, truth, scope.ScopeParameters(target_accuracy=1.0, most_referred=0.5))
    assert half == pytest.approx(0.15)
    assert list(Calibration(1.0, 0.0, 0.5 - half, 0.5 + half).refers(probability)) == [True, True] + [False] * 8
    narrow = scope.ScopeParameters(target_accuracy=1.0, most_referred=0.1)
    assert referral_half_width(probability, truth, narrow) == pytest.approx(0.02)
    assert referral_half_width(probability, truth, scope.ScopeParameters(target_accuracy=0.8)) == 0.0


def test_a_lazy_frame_is_judged_as_a_frame(few_labels: pl.DataFrame) -> None:
    model = scope.fit(few_labels)
    products = few_labels.drop("in_scope")
    assert scope.predict(model, products.lazy()).equals(scope.predict(model, products))
