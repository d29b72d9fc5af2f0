"""Matching of products of two sources: an example to follow, one-to-one matches, unmatched products."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ons_bigdata.prices.methods.comparison.source_matching import PRODUCTS, match_products, normalised


def _products(*rows: tuple[str, str | None, str, float | None, float], item: int = 210302) -> pl.DataFrame:
    return pl.DataFrame([("tesco", item, *row) for row in rows], schema=PRODUCTS, orient="row")


OURS = _products(
    ("a", "11", "MCVITIE'S DIGESTIVE BISCUITS 400G", 0.4, 1.50),
    ("b", None, "Rich Tea Biscuits 300 g", 0.3, 0.65),
    ("c", None, "OATY HOBNOBS ORIGINAL 255G", 0.255, 1.29),
    ("d", None, "GINGER NUTS 250G", 0.25, 0.80),
    ("e", None, "SHORTBREAD FINGERS 210G", 0.21, 1.00),
)
THEIRS = _products(
    ("x1", "11", "Something else entirely", None, 9.00),
    ("x2", None, "rich tea biscuits, 300g", 0.3, 0.65),
    ("x3", None, "Hobnobs Oaty Orig. 255g", 0.255, 1.29),
    ("x4", None, "GINGER NUTS 500G", 0.5, 1.50),
    ("x5", None, "Custard creams 400 g", 0.4, 0.50),
)


def test_an_example_to_follow() -> None:
    computed = match_products(OURS, THEIRS)
    by = {row["product"]: row for row in computed.iter_rows(named=True) if row["product"]}
    assert (by["a"]["other_product"], by["a"]["matched_by"], by["a"]["score"]) == ("x1", "id", 1.0)
    assert (by["b"]["other_product"], by["b"]["matched_by"]) == ("x2", "name")
    assert (by["c"]["other_product"], by["c"]["matched_by"]) == ("x3", "score")
    assert 0.65 <= by["c"]["score"] < 1.0 and by["c"]["why"].startswith("names 0.")
    for product in ("d", "e"):  # another pack of ginger nuts is another product
        assert (by[product]["other_product"], by[product]["matched_by"]) == (None, "none")
        assert "below 0.65" in by[product]["why"]
    left_over = computed.filter(pl.col("product").is_null())
    assert left_over["other_product"].to_list() == ["x4", "x5"]


def test_nothing_is_matched_across_items_or_retailers() -> None:
    other = THEIRS.with_columns(item_number=pl.lit(210303, pl.Int64))
    computed = match_products(OURS, other)
    assert set(computed["matched_by"]) == {"none"}
    assert set(computed["why"]) == {"no free product of the retailer and item in the other source"}
    assert computed.height == OURS.height + THEIRS.height


def test_a_name_of_two_products_is_matched_by_score() -> None:
    """Two packs of one lager: the name says nothing, the pack decides."""
    ours = _products(("s", None, "ESSENTIAL LAGER", 1.76, 4.0), ("l", None, "ESSENTIAL LAGER", 4.4, 9.0))
    theirs = _products(("L", None, "Essential lager", 4.4, 9.0), ("S", None, "Essential lager", 1.76, 4.0))
    computed = match_products(ours, theirs)
    assert dict(computed.select("product", "other_product").rows()) == {"l": "L", "s": "S"}
    assert set(computed["matched_by"]) == {"score"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("McVitie's Digestives, 400 g", "mcvities digestives 400g"),
        ("MÜLLER CORNER 6X150G", "muller corner 6x150g"),
        ("Whole milk 1 litre", "whole milk 1l"),
        ("Whole milk 1.5 Litres (2 pints)", "whole milk 1.5l 2pt"),
        ("Lager 6 x 330 ml.", "lager 6x330ml"),
        ("Fish & chips", "fish and chips"),
        ("  ", ""),
    ],
)
def test_names_are_normalised(name: str, expected: str) -> None:
    assert normalised(name) == expected


def test_bad_input_is_refused_with_its_fault() -> None:
    with pytest.raises(ValueError, match=r"threshold is 1\.5, expected 0 to 1"):
        match_products(OURS, THEIRS, threshold=1.5)
    with pytest.raises(ValueError, match="products: 2 with a product twice"):
        match_products(pl.concat([OURS, OURS.head(1)]), THEIRS)
    with pytest.raises(ValueError, match="other products: column pack_size is missing"):
        match_products(OURS, THEIRS.drop("pack_size"))


def test_empty_sides_are_no_error() -> None:
    assert match_products(OURS.clear(), THEIRS)["other_product"].len() == THEIRS.height
    assert match_products(OURS, THEIRS.clear())["matched_by"].to_list() == ["none"] * OURS.height
    assert match_products(OURS.clear(), THEIRS.clear()).is_empty()


_WORDS = st.lists(st.sampled_from(["oat", "rich", "tea", "nut", "400g", "ginger", "cream"]), min_size=1, max_size=4)
_SIDE = st.lists(st.tuples(_WORDS, st.sampled_from([None, 0.4, 1.0]), st.floats(0.2, 9.0)), max_size=7)


@settings(max_examples=30, deadline=None)
@given(_SIDE, _SIDE)
def test_every_product_of_both_sides_occurs_once(left: list[tuple], right: list[tuple]) -> None:  # type: ignore[type-arg]
    ours, theirs = (
        _products(*((f"{side}{k}", None, " ".join(words), pack, price) for k, (words, pack, price) in enumerate(rows)))
        for side, rows in (("l", left), ("r", right))
    )
    computed = match_products(ours, theirs)
    for column, frame in (("product", ours), ("other_product", theirs)):
        assert sorted(computed[column].drop_nulls()) == sorted(frame["product"])
    matched = computed.filter(pl.col("matched_by") != "none")
    assert matched.select("product", "other_product").null_count().sum_horizontal().sum() == 0
    assert matched["score"].is_between(0, 1).all()


def test_a_source_matches_itself_completely() -> None:
    computed = match_products(OURS, OURS)
    assert (computed["product"] == computed["other_product"]).all()
