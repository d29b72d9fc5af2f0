"""Features of the scope model: n-grams of names, parsed attributes, and both within their item.

Sparse matrices out of described products; what to learn from them is `model`'s.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.prices.methods.scope.profiles import PROFILES, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    Floats = NDArray[np.float64]

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

_NAME = "name"
_GRAM_LENGTHS = (2, 5)


@dataclass(frozen=True, eq=False)
class FeatureSpace:
    """Features of the products that it was made from, in the order of the matrix columns.

    `words`: block of attributes → its words, sorted; `grams`: n-grams of names, sorted, and `rarity`, the inverse
    document frequency of each; `items`: items of the products.
    """

    words: Mapping[str, Sequence[str]]
    grams: Sequence[str]
    rarity: Floats
    items: frozenset[int]

    def names(self) -> list[str]:
        """Name of each column: `block:feature`."""
        columns = [f"{block}:{word}" for block, words in self.words.items() for word in words]
        return columns + [f"name:{gram}" for gram in self.grams]

    @cached_property
    def columns(self) -> dict[str, dict[str, int]]:
        """Column of each word, by block; of the n-grams, under the block `name`."""
        found: dict[str, dict[str, int]] = {}
        first = 0
        for block, features in [*self.words.items(), (_NAME, self.grams)]:
            found[block] = {feature: first + place for place, feature in enumerate(features)}
            first += len(features)
        return found


def feature_space(described: pl.DataFrame) -> tuple[FeatureSpace, sparse.csr_matrix]:
    """Collect the features of described products (`describe`; `item_number`) and return their matrix."""
    from scipy import sparse  # noqa: PLC0415  (takes a second; the graph loads without)
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer  # noqa: PLC0415  (takes a second; the graph loads without)

    names = TfidfVectorizer(analyzer="char_wb", ngram_range=_GRAM_LENGTHS, sublinear_tf=True, min_df=2)
    parts = _attributes(described)
    vectorisers = {block: CountVectorizer(analyzer=_as_they_are, binary=True) for block in parts}
    blocks = [vectorisers[block].fit_transform(values) * BLOCK_WEIGHTS[block] for block, values in parts.items()]
    matrix = sparse.hstack([*blocks, names.fit_transform(described["plain_name"].to_list())], format="csr")
    words = {block: tuple(map(str, found.get_feature_names_out())) for block, found in vectorisers.items()}
    grams = tuple(map(str, names.get_feature_names_out()))
    return FeatureSpace(words, grams, np.asarray(names.idf_), _items(described)), matrix


def features(space: FeatureSpace, described: pl.DataFrame) -> sparse.csr_matrix:
    """Matrix of described products, products × features of the space; unknown features are left out.

    The rows of `feature_space`, but for the last bits of the weights of n-grams: those of scikit-learn's
    `TfidfVectorizer` (`char_wb`, sublinear), without loading it for a few new products.
    """
    from scipy import sparse  # noqa: PLC0415  (takes a second; the graph loads without)

    parts = _attributes(described)
    places: list[int] = []
    values: list[float] = []
    ends = [0]
    for row, name in enumerate(described["plain_name"]):
        for block, words in parts.items():
            columns = space.columns[block]
            found = sorted({columns[word] for word in words[row] if word in columns})
            places += found
            values += [BLOCK_WEIGHTS[block]] * len(found)
        weights = _gram_weights(space, name)
        places += weights
        values += weights.values()
        ends.append(len(places))
    shape = (described.height, len(space.grams) + sum(map(len, space.words.values())))
    return sparse.csr_matrix((np.array(values, np.float64), np.array(places, np.int64), ends), shape=shape)


def _gram_weights(space: FeatureSpace, name: str) -> dict[int, float]:
    """Weight of each known n-gram of a plain name, by column: (1 + log number) × rarity, scaled to length 1."""
    columns = space.columns[_NAME]
    first = sum(map(len, space.words.values()))
    numbers = Counter(columns[gram] for gram in _grams(name) if gram in columns)
    weights = {place: (1.0 + math.log(numbers[place])) * space.rarity[place - first] for place in sorted(numbers)}
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {place: float(weight / length) for place, weight in weights.items()}


def _grams(name: str) -> Iterator[str]:
    """N-grams of letters within the words of a name, each word between blanks; a short word once."""
    shortest, longest = _GRAM_LENGTHS
    for word in name.split():
        padded = f" {word} "
        for length in range(shortest, longest + 1):
            yield padded[:length]
            if length >= len(padded):
                break
            for start in range(1, len(padded) - length + 1):
                yield padded[start : start + length]


def is_known_item(space: FeatureSpace, item_numbers: pl.Series) -> pl.Series:
    """Mask of products whose item is known: it occurs in the products of the space, or it has a profile."""
    return item_numbers.is_in(sorted(space.items | set(PROFILES)))


def _as_they_are(values: list[str]) -> list[str]:
    return values


def _items(described: pl.DataFrame) -> frozenset[int]:
    return frozenset(described["item_number"].unique().to_list())


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
