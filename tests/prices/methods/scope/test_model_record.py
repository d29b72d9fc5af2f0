"""The record of a model: the model again, bit by bit, where labels and code are the same."""

from __future__ import annotations

import polars as pl

from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.methods.scope.model import fit, predict_described
from ons_bigdata.prices.methods.scope.model_record import model_of_record, model_record

KEY = {"data_origin": "simulated", "retailer": "sim-alder"}


def labels() -> pl.DataFrame:
    brands = [f"brand{letter} {word}" for letter in "abcdefghij" for word in ("classic", "extra")]
    rows = [(212011, f"{brand} cola 2l", 1.5 + 0.01 * n, True) for n, brand in enumerate(brands)]
    rows += [(212011, f"{brand} coffee 200g", 4.0, False) for brand in brands]
    schema = ["item_number", "product_name", "median_price_gbp", "in_scope"]
    known = pl.DataFrame(rows, schema=schema, orient="row")
    sizes = {"pack_size": pl.lit(None, pl.Float64), "unit": pl.lit(None, pl.String)}
    return known.with_columns(**{name: pl.lit(value) for name, value in KEY.items()}, **sizes)


def test_the_model_of_a_record_judges_as_the_fitted_one() -> None:
    model = fit(labels())
    record = model_record("simulated", model, None, labels(), labels(), "ab12")
    again = model_of_record(record, "ab12")
    assert again is not None
    products = describe(labels().with_columns(product_name=pl.col("product_name").str.replace("brand", "new")))
    assert predict_described(again, products).equals(predict_described(model, products))
    assert model_record("simulated", again, None, labels(), labels(), "ab12") == record


def test_a_record_of_another_basis_or_without_a_model_gives_none() -> None:
    record = model_record("simulated", fit(labels()), None, labels(), labels(), "ab12")
    assert model_of_record(record, "ab13") is None
    none = model_record("simulated", None, "too few labels", labels(), labels(), "ab12")
    assert model_of_record(none, "ab12") is None
