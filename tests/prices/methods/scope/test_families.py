"""Families: near copies share a family, and folds keep families together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ons_bigdata.prices.methods.scope.families import families, grouped_folds


def family(name: str) -> str:
    return families(pl.DataFrame({"product_name": [name]}))[0]


def test_sizes_and_flavours_of_one_product_share_a_family() -> None:
    assert family("COCA-COLA COKE 1.75L") == family("COCA COLA DIET COKE 8X330ML") == "coca cola"
    assert family("PERONI 4X330ML BOTTLES") == family("PERONI 660ML BOTTLES") == "peroni bottles"
    assert family("KELLOGG'S COCO POPS 550G") == family("KELLOGGS COCO POPS ROCKS 390G")


def test_private_labels_are_distinguished_by_the_word_after_their_tier() -> None:
    assert family("TESCO FINEST CHABLIS 75CL") == "tesco chablis"
    assert family("TESCO MACARONI 1KG") == "tesco macaroni"
    assert family("ESSENTIAL WAITROSE WHITE BREAD") == "essential waitrose white"


def test_rows_of_a_group_share_a_fold() -> None:
    groups = pl.Series(["a", "b", "a", "c", "d", "b", "e"])
    folds = grouped_folds(groups, 3, np.random.default_rng(1))
    assert folds[0] == folds[2]
    assert folds[1] == folds[5]
    assert set(folds) == {0, 1, 2}
    assert (folds == grouped_folds(groups, 3, np.random.default_rng(1))).all()


@pytest.mark.parametrize("folds", [1, 4])
def test_too_many_folds_for_the_groups_are_an_error(folds: int) -> None:
    with pytest.raises(ValueError, match=f"found {folds} for 3 groups"):
        grouped_folds(pl.Series(["a", "b", "c"]), folds, np.random.default_rng(1))
