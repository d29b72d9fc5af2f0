"""Features of the scope model: n-grams of names, parsed attributes, and both within their item.

Sparse matrices out of described products; what to learn from them is `model`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ons_bigdata.prices.methods.scope.profiles import PROFILES, Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scipy import sparse
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

Row = dict[str, Any]

BLOCK_WEIGHTS: dict[str, float] = {
    "terms": 0.5,
    "terms_in_item": 1.0,
    "size_in_item": 1.0,
    "origin_in_item": 0.7,
    "price_in_item": 0.8,
    "words_in_item": 0.3,
    "agreement": 1.5,
    "agreement_in_item": 0.7,
    "item": 0.3,
}
"""Blocks of attributes and how much a feature of each counts: larger = less shrunk by the penalty."""


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Features of the products that it was made from, in the order of the matrix columns."""

    name_grams: TfidfVectorizer
    blocks: dict[str, CountVectorizer]
    items: frozenset[int]

    def names(self) -> list[str]:
        """Name of each column: `block:feature`."""
        columns = [
            f"{block}:{feature}"
            for block, vectoriser in self.blocks.items()
            for feature in vectoriser.get_feature_names_out()
        ]
        return columns + [f"name:{gram}" for gram in self.name_grams.get_feature_names_out()]


def feature_space(described: pl.DataFrame) -> tuple[FeatureSpace, sparse.csr_matrix]:
    """Collect the features of described products (`describe`; `item_number`) and return their matrix."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415  (takes a second; the graph loads without)

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    parts = _attributes(described)
    space = FeatureSpace(
        grams, {block: CountVectorizer(analyzer=_as_they_are, binary=True) for block in parts}, _items(described)
    )
    return space, _matrix(space, parts, described, lambda vectoriser, values: vectoriser.fit_transform(values))


def features(space: FeatureSpace, described: pl.DataFrame) -> sparse.csr_matrix:
    """Matrix of described products, products × features of the space; unknown features are left out."""
    parts = _attributes(described)
    return _matrix(space, parts, described, lambda vectoriser, values: vectoriser.transform(values))


def is_known_item(space: FeatureSpace, item_numbers: pl.Series) -> pl.Series:
    """Mask of products whose item is known: it occurs in the products of the space, or it has a profile."""
    return item_numbers.is_in(sorted(space.items | set(PROFILES)))


def _as_they_are(values: list[str]) -> list[str]:
    return values


def _items(described: pl.DataFrame) -> frozenset[int]:
    return frozenset(described["item_number"].unique().to_list())


def _matrix(
    space: FeatureSpace, parts: Mapping[str, list[list[str]]], described: pl.DataFrame, turn: Callable[[Any, Any], Any]
) -> sparse.csr_matrix:
    from scipy import sparse  # noqa: PLC0415  (takes a second; the graph loads without)

    blocks = [turn(space.blocks[block], values) * BLOCK_WEIGHTS[block] for block, values in parts.items()]
    return sparse.hstack([*blocks, turn(space.name_grams, described["plain_name"].to_list())], format="csr")


def _attributes(described: pl.DataFrame) -> dict[str, list[list[str]]]:
    """Write each product's attributes as words, block by block."""
    parts: dict[str, list[list[str]]] = {block: [] for block in BLOCK_WEIGHTS}
    for row in described.iter_rows(named=True):
        item = row["item_number"]
        agreement = agreements(row, PROFILES.get(item))
        words = [word for word in row["plain_name"].split() if word[0].isalpha()]
        parts["terms"].append(row["terms"])
        parts["terms_in_item"].append(_within(item, row["terms"]))
        parts["size_in_item"].append(_within(item, _size_words(row)))
        parts["origin_in_item"].append(_within(item, _origin_words(row)))
        parts["price_in_item"].append(_within(item, _price_words(row)))
        parts["words_in_item"].append(_within(item, words))
        parts["agreement"].append(agreement)
        parts["agreement_in_item"].append(_within(item, agreement))
        parts["item"].append([str(item)])
    return parts


def _within(item: int, values: list[str]) -> list[str]:
    return [f"{item} {value}" for value in values]


def _size_words(row: Row) -> list[str]:
    total, measure = row["total_size"], row["measure"]
    if total is None:
        words = ["size unknown"]
    else:
        fine = round(total, -1) if total > 100 else round(total)
        words = [f"{measure} {fine:.0f}", *_steps(f"{measure} third", total, 3)]
    words += [f"{min(row['pieces'], 20)} pieces"] if row["pieces"] else []
    words += ["multiple"] if row["is_multiple"] else []
    return words + (["loose"] if row["is_loose"] else [])


def _origin_words(row: Row) -> list[str]:
    strength = row["strength_abv"]
    words = [f"from {row['country'] or 'unknown'}", f"european {row['is_european']}"]
    return words + ([f"strength {strength:.0f}"] if strength is not None else [])


def _price_words(row: Row) -> list[str]:
    """Bins of price and unit price; where no size is known the price gets finer bins with names of their own."""
    price, unit_price = row["median_price_gbp"], row["unit_price_gbp"]
    if price is None:
        return ["price unknown"]
    words = [*_steps("price", price, 4), *_steps("price level", price, 2)[:1]]
    if row["total_size"] is None:
        words += [*_steps("price unsized", price, 5), *_steps("price level unsized", price, 2.5)]
    return words + ([] if unit_price is None else _steps(f"per {row['measure']}", unit_price, 3)[:1])


def _steps(name: str, value: float, steps: float) -> list[str]:
    """Place a positive value on a logarithmic scale of so many steps per factor e, and on the same half a step on."""
    place = math.log(value) * steps
    return [f"{name} {round(place)}", f"{name} upper {round(place + 0.5)}"]


def agreements(row: Row, profile: Profile | None) -> list[str]:
    """Feature words for how a described product agrees with the profile of its item."""
    if profile is None:
        return ["no profile"]
    terms = set(row["terms"])
    wanted, contrary = terms & set(profile.wanted), terms & set(profile.contrary)
    good, bad, silent = _measured(row, profile)
    words = ["kind" if wanted else "not of the kind", *silent]
    words += [f"right {what}" for what in good] + [f"wrong {what}" for what in bad]
    words += ["contrary"] * bool(contrary) + ["contrary twice"] * (len(contrary) > 1)
    words += ["kind only"] * bool(wanted and not contrary) + ["contrary only"] * bool(contrary and not wanted)
    words += ["something wrong"] * bool(bad) + ["all right"] * bool(wanted and not contrary and not bad)
    return words + ["nothing against"] * (not bad and not contrary)


def _measured(row: Row, profile: Profile) -> tuple[list[str], list[str], list[str]]:
    """Compare sizes, pieces, origin and strength: which agree, which differ, which are unknown."""
    good: list[str] = []
    bad: list[str] = []
    silent: list[str] = []

    def judge(what: str, value: float | None, bounds: tuple[float, float] | None) -> None:
        if bounds is not None and value is not None:
            (good if bounds[0] <= value <= bounds[1] else bad).append(what)

    comparable = row["measure"] == profile.measure
    judge("size", row["total_size"] if comparable else None, profile.sizes)
    judge("piece size", row["piece_size"] if comparable else None, profile.piece_sizes)
    judge("pieces", row["pieces"], profile.pieces)
    judge("strength", row["strength_abv"], profile.strength_abv)
    if profile.sizes is not None and not comparable:
        known = row["total_size"] is not None and row["measure"] != "each"
        (bad if known else silent).append("measure" if known else "no size")
    if profile.pieces is not None and profile.pieces[0] > 1 and not row["pieces"] and row["total_size"]:
        silent.append("no pieces")
    if profile.european is not None:
        origin = row["is_european"]
        (silent if origin is None else good if origin == profile.european else bad).append("origin")
    return good, bad, silent
