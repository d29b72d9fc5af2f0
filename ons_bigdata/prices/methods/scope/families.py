"""Families of products, and folds in which no family is in both the training and the test set.

Pack sizes and flavours of one product are near copies: a split by rows would test a model on products of its training
set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.scope.description import plain_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN_LABEL = (
    r"^(tesco|sainsburys|essential waitrose|waitrose|redmere farms|sim \w+)"
    r"(?: (?:finest|everyday value|value|basics|duchy|love ?life|organic|house|pure))*"
)
"""Private labels of the retailers with their tiers: as a brand they do not distinguish products."""


def families(products: pl.DataFrame) -> pl.Series:
    """Family of each product: brand and stem of the kind, whatever its item, retailer and size.

    The rule: of the plain name without everything that holds a digit, the first two words; for private labels, which
    share their first words, the label and the first word after its tiers. Takes `product_name`.
    """
    words = plain_name(pl.col("product_name")).str.replace_all(r"\d\S*", " ").str.replace_all(r"\s+", " ")
    label = words.str.extract(OWN_LABEL, 1)
    rest = words.str.replace(OWN_LABEL, "").str.strip_chars()
    first = rest.str.extract(r"^(\S+)", 1).fill_null("")
    pair = words.str.strip_chars().str.extract(r"^(\S+(?: \S+)?)", 1)
    family = pl.when(label.is_not_null()).then(label + " " + first).otherwise(pl.coalesce(pair, words))
    return products.select(family=family)["family"]


def grouped_folds(groups: pl.Series, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Fold of each row, 0 to folds - 1; rows of a group share a fold.

    Groups are shuffled and dealt in turn, so that folds hold about as many groups. Raises ValueError where there
    are fewer groups than folds.
    """
    distinct = groups.unique().sort()
    if folds < 2 or distinct.len() < folds:
        message = f"folds: found {folds} for {distinct.len()} groups, expected 2 to the number of groups"
        raise ValueError(message)
    order = rng.permutation(distinct.len())
    fold_of = pl.DataFrame({"group": distinct.gather(order), "fold": np.arange(distinct.len()) % folds})
    return (
        pl.DataFrame({"group": groups}).join(fold_of, on="group", how="left", maintain_order="left")["fold"].to_numpy()
    )
