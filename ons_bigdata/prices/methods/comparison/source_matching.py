"""One-to-one matching of the products of two sources: by id, by normalised name, then by score."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ons_bigdata.estimation.input_checks import refuse_rows
from ons_bigdata.prices.methods.panels.input_checks import checked_columns, finite_number, not_positive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

THRESHOLD = 0.65
"""Least score of a match."""

SHARES = {"name": 0.7, "pack": 0.15, "price": 0.15}
"""Weights of the similarity of names, pack sizes and prices in a score; their sum is 1."""

SAME_PACK = 1.08
"""Pack sizes within this factor are the same: a size class of staging."""

PRICE_SCALE = 0.15
"""Log price difference at which the similarity of prices is 1/e."""

PRODUCTS = {
    "retailer": pl.String(), "item_number": pl.Int64(), "product": pl.String(), "product_id": pl.String(),
    "product_name": pl.String(), "pack_size": pl.Float64(), "price_gbp": pl.Float64(),
}  # fmt: skip

_BLOCK = ["retailer", "item_number"]
_UNITS = {
    "litres": "l", "litre": "l", "ltr": "l", "kilogrammes": "kg", "kilograms": "kg", "kilogram": "kg", "kilo": "kg",
    "grams": "g", "gram": "g", "gm": "g", "millilitres": "ml", "centilitres": "cl", "pints": "pt", "pint": "pt",
    "packs": "pk", "pack": "pk",
}  # fmt: skip
_QUANTITY = re.compile(
    r"(\d+(?:\.\d+)?) ?(" + "|".join([*_UNITS, "kg", "g", "ml", "cl", "l", "pt", "pk", "x"]) + r")\b"
)


@dataclass(frozen=True)
class _Match:
    left: int
    right: int
    by: str
    score: float
    why: str


def match_products(left: pl.DataFrame, right: pl.DataFrame, *, threshold: float = THRESHOLD) -> pl.DataFrame:
    """Match products of two sources one to one within retailer and item.

    Both take retailer, item_number, product (key within them), product_id (null where there is none), product_name,
    pack_size (kg, litres or pieces; null where unknown), price_gbp (usual price). Gives retailer, item_number,
    product, other_product, product_name, other_product_name, matched_by, score, why: one row per match, and one per
    product of either side without any.

    In order, each over the products that are not matched yet: `id`: the same product_id, unique on both sides.
    `name`: the same words of the normalised names (see `normalised`), pack sizes not known to differ, one candidate on
    either side. `score`: 0.7 · cosine of the names' tf-idf (character 3- and 4-grams) + 0.15 · packs (1 the same,
    ½ unknown, 0 different) + 0.15 · exp(-|ln price ratio| / 0.15); the assignment with the highest sum, of which
    pairs at `threshold` or above are matches. The score of `id` and `name` is 1; a product without a match has the
    score of its best candidate, null where it has no candidate.

    Raises ValueError on a missing column, a null key, a product twice and a threshold outside 0 to 1.
    Sources: tf-idf, Manning, Raghavan and Schütze, Introduction to Information Retrieval (2008), chapter 6;
    assignment, Crouse, IEEE Transactions on Aerospace and Electronic Systems 52 (2016).
    """
    if not 0.0 <= (threshold := finite_number("threshold", threshold)) <= 1.0:
        message = f"threshold is {threshold}, expected 0 to 1"
        raise ValueError(message)
    ours, theirs = _checked(left, "products"), _checked(right, "other products")
    names = [normalised(name) for name in [*ours["product_name"], *theirs["product_name"]]]
    vectors = _vectors(names)
    blocks = pl.concat([ours.select(_BLOCK), theirs.select(_BLOCK)]).unique().sort(_BLOCK).iter_rows()
    rows_of = [_positions(frame) for frame in (ours, theirs)]
    matches = []
    for key in blocks:
        mine, others = (rows.get(key, []) for rows in rows_of)
        block = _Block(ours[mine], theirs[others], [names[k] for k in mine], [names[ours.height + k] for k in others])
        cosine = np.zeros((len(mine), len(others)))
        if mine and others:
            cosine = (vectors[mine] @ vectors[[ours.height + k for k in others]].T).toarray()
        matches += [dict(zip(_BLOCK, key, strict=True)) | row for row in _rows(block, cosine, threshold)]
    schema = {
        **{name: PRODUCTS[name] for name in _BLOCK},
        **{name: pl.String() for name in ("product", "other_product", "product_name", "other_product_name")},
        **{"matched_by": pl.String(), "score": pl.Float64(), "why": pl.String()},
    }
    return pl.DataFrame(matches, schema=schema, orient="row").sort(*_BLOCK, "product", "other_product", nulls_last=True)


def normalised(name: str) -> str:
    """Return a name in lower case without accents and punctuation, with quantities as `500g`, `1l`, `6x330ml`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9.%& ]+", " ", plain.replace("'", "")).replace("&", " and ")
    joined = _QUANTITY.sub(lambda match: f"{match[1]}{_UNITS.get(match[2], match[2])} ", plain)
    joined = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", joined)
    return " ".join(re.sub(r"(\d)x +(\d)", r"\1x\2", joined).split())


# --- one block --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Block:
    """The products of one retailer and item in both sources, with their normalised names."""

    left: pl.DataFrame
    right: pl.DataFrame
    left_names: list[str]
    right_names: list[str]


def _rows(block: _Block, cosine: Floats, threshold: float) -> Iterator[dict[str, Any]]:
    packs = _pack_similarity(block.left["pack_size"].to_numpy(), block.right["pack_size"].to_numpy())
    matches = [*_by_id(block)]
    matches += _by_name(block, packs, matches)
    scores, scored = _by_score(block, cosine, packs, matches, threshold)
    matches += scored
    for match in matches:
        yield {
            **_side(block.left, match.left, ""),
            **_side(block.right, match.right, "other_"),
            "matched_by": match.by,
            "score": match.score,
            "why": match.why,
        }
    taken = {match.left for match in matches}, {match.right for match in matches}
    for axis, (frame, prefix) in enumerate(((block.left, ""), (block.right, "other_"))):
        for position in range(frame.height):
            if position not in taken[axis]:
                candidates = scores[position] if axis == 0 else scores[:, position]
                yield {**_side(frame, position, prefix), "matched_by": "none", **_unmatched(candidates, threshold)}


def _unmatched(candidates: Floats, threshold: float) -> dict[str, Any]:
    free = candidates[np.isfinite(candidates)]
    if not len(free):
        return {"score": None, "why": "no free product of the retailer and item in the other source"}
    best = float(free.max())
    if best < threshold:
        return {"score": best, "why": f"best candidate scores {best:.2f}, below {threshold:.2f}"}
    return {"score": best, "why": f"best candidate ({best:.2f}) went to a better match"}


def _side(frame: pl.DataFrame, position: int, prefix: str) -> dict[str, Any]:
    return {f"{prefix}product": frame["product"][position], f"{prefix}product_name": frame["product_name"][position]}


def _by_id(block: _Block) -> list[_Match]:
    positions = [_singles(list(frame["product_id"])) for frame in (block.left, block.right)]
    shared = sorted(positions[0].keys() & positions[1].keys())
    return [_Match(positions[0][key], positions[1][key], "id", 1.0, f"the same product id {key}") for key in shared]


def _by_name(block: _Block, packs: Floats, before: Sequence[_Match]) -> list[_Match]:
    free = _free(block, before)
    words = [
        _singles([" ".join(sorted(name.split())) if k in open_ else None for k, name in enumerate(names)])
        for names, open_ in zip((block.left_names, block.right_names), free, strict=True)
    ]
    pairs = [(words[0][key], words[1][key]) for key in sorted(words[0].keys() & words[1].keys())]
    return [
        _Match(
            mine, other, "name", 1.0, "the same normalised name" + (", same pack" if packs[mine, other] == 1 else "")
        )
        for mine, other in pairs
        if packs[mine, other] > 0
    ]


def _by_score(
    block: _Block, cosine: Floats, packs: Floats, before: Sequence[_Match], threshold: float
) -> tuple[Floats, list[_Match]]:
    """Return the scores of the free pairs (NaN elsewhere) and the matches among them."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  (takes a second; the graph loads without)

    scores = np.full(cosine.shape, np.nan)
    mine, others = (sorted(side) for side in _free(block, before))
    if not mine or not others:
        return scores, []
    grid = np.ix_(mine, others)
    log_price = [np.log(frame["price_gbp"].to_numpy()) for frame in (block.left, block.right)]
    price = np.exp(-np.abs(log_price[0][:, None] - log_price[1][None, :]) / PRICE_SCALE)
    scores[grid] = np.clip(
        SHARES["name"] * cosine[grid] + SHARES["pack"] * packs[grid] + SHARES["price"] * price[grid], 0.0, 1.0
    )
    rows, columns = linear_sum_assignment(scores[grid], maximize=True)
    pairs = [(mine[row], others[column]) for row, column in zip(rows, columns, strict=True)]
    return scores, [
        _Match(
            left,
            right,
            "score",
            float(scores[left, right]),
            f"names {cosine[left, right]:.2f}, packs {packs[left, right]:.1f}, prices {price[left, right]:.2f}",
        )
        for left, right in pairs
        if scores[left, right] >= threshold
    ]


def _free(block: _Block, matches: Sequence[_Match]) -> tuple[set[int], set[int]]:
    return (
        set(range(block.left.height)) - {match.left for match in matches},
        set(range(block.right.height)) - {match.right for match in matches},
    )


def _singles(keys: list[str | None]) -> dict[str, int]:
    """Return the positions of the keys that are not empty and occur once."""
    seen: dict[str, list[int]] = {}
    for position, key in enumerate(keys):
        if key:
            seen.setdefault(key, []).append(position)
    return {key: positions[0] for key, positions in seen.items() if len(positions) == 1}


def _pack_similarity(left: Floats, right: Floats) -> Floats:
    """Return 1 for equal pack sizes, 0 for different ones, 0.5 where a size is unknown."""
    ratio = np.abs(np.log(left.astype(np.float64))[:, None] - np.log(right.astype(np.float64))[None, :])
    return np.where(np.isnan(ratio), 0.5, np.where(ratio <= np.log(SAME_PACK), 1.0, 0.0))


# --- both sources -----------------------------------------------------------------------------------------


def _checked(products: pl.DataFrame, name: str) -> pl.DataFrame:
    rows = checked_columns(products, PRODUCTS, name)
    keys = [*_BLOCK, "product", "product_name", "price_gbp"]
    faults = {
        "a null in the key, the name or the price": pl.any_horizontal(pl.col(keys).is_null()),
        "a price that is not positive and finite": not_positive("price_gbp"),
        "a pack size that is not positive and finite": ~(pl.col("pack_size").is_finite() & (pl.col("pack_size") > 0)),
        "a product twice": pl.struct(*_BLOCK, "product").is_duplicated(),
    }
    refuse_rows(rows, faults, name)
    return rows.sort(*_BLOCK, "product")


def _positions(products: pl.DataFrame) -> dict[tuple[Any, ...], list[int]]:
    return {
        key[:2]: list(key[2])
        for key in products.with_row_index("row").group_by(_BLOCK, maintain_order=True).agg("row").iter_rows()
    }


def _vectors(names: list[str]) -> Any:  # noqa: ANN401  (a sparse matrix; scipy has no types)
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  (takes a second; the graph loads without)

    if not any(name.strip() for name in names):
        return np.zeros((len(names), 1))
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True).fit_transform(names)
