"""Features of products that a model has not seen: those of scikit-learn's vectorisers, and no others."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from ons_bigdata.prices.methods.scope.description import describe
from ons_bigdata.prices.methods.scope.features import _grams, feature_space, features

NAMES = ["Cola 2L", "COLA 500ML 4 PACK", "Coffee Beans 200G", "Café Crème 12 x 25g", "COLA COLA COLA 1L", "Bread"]


def products(names: list[str]) -> pl.DataFrame:
    described = pl.DataFrame({"product_name": names, "median_price_gbp": [1.0 + n for n in range(len(names))]})
    return describe(described).with_columns(item_number=212011)


def test_products_of_the_space_have_the_features_that_it_was_made_from() -> None:
    described = products(NAMES)
    space, matrix = feature_space(described)
    again = features(space, described)
    assert (again.shape, again.nnz, len(space.names())) == (matrix.shape, matrix.nnz, matrix.shape[1])
    assert abs(again - matrix).max() < 1e-15


def test_a_feature_that_is_not_known_counts_nothing() -> None:
    space, _ = feature_space(products(NAMES))
    row = features(space, products(["Qqq Zzz"]))
    named = {name for name, value in zip(space.names(), row.toarray()[0], strict=True) if value}
    assert not {name for name in named if name.startswith(("name:", "words_in_item:"))}
    known = features(space, products(["Cola"])).toarray()[0]
    grams = known[sum(map(len, space.words.values())) :]
    assert np.isclose(grams @ grams, 1.0)


@given(st.text(alphabet="abcdefgh 1.%£", max_size=30))
def test_n_grams_are_those_within_words(name: str) -> None:
    analyse = CountVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
    assert sorted(_grams(name)) == sorted(analyse(name))
