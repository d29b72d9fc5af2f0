"""Parsing of names: a table of examples read by hand, sizes from the shelf, and properties."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ons_bigdata.prices.methods.scope import describe
from ons_bigdata.prices.methods.scope.description import without_size

quickly = settings(max_examples=10, deadline=None)  # each of many names

SIZES = [  # name, measure, total size, pieces, several of one size
    ("COLA 6X330ML", "ml", 1980.0, 6, True),
    ("COLA 24 X 330ML PACK", "ml", 7920.0, 24, True),
    ("COLA X6 330ML", "ml", 1980.0, 6, True),
    ("COLA 330ML X 6", "ml", 1980.0, 6, True),
    ("COLA 6 × 330ML", "ml", 1980.0, 6, True),
    ("WHOLE MILK 4 PINTS/2.272L", "ml", 2272.0, None, False),
    ("WHOLE MILK 2.27L (4 PINT)", "ml", 2270.0, None, False),
    ("WHOLE MILK 2 PINTS", "ml", 1136.0, None, False),
    ("WHOLE MILK 1 1/2 PINT", "ml", 852.0, None, False),
    ("WHOLE MILK 1½ PINTS", "ml", 852.0, None, False),
    ("CREAM 1/2 PINT", "ml", 284.0, None, False),
    ("FLOUR 2 1/4KG", "g", 2250.0, None, False),
    ("FLOUR ¾ kg", "g", 750.0, None, False),
    ("PASTA 50/50 800G", "g", 800.0, None, False),
    ("CHEDDAR 1/2 PRICE 400G", "g", 400.0, None, False),
    ("RED WINE 75CL", "ml", 750.0, None, False),
    ("VODKA 1LTR", "ml", 1000.0, None, False),
    ("VODKA 70 CL", "ml", 700.0, None, False),
    ("YOGHURT 4 X 90G", "g", 360.0, 4, True),
    ("YOGHURT 6X62.5G", "g", 375.0, 6, True),
    ("TEA BAGS X80 250G", "g", 250.0, 80, False),
    ("80 TEABAGS 250G", "g", 250.0, 80, False),
    ("TWININGS ASSAM TEA BAGS 80S 200G", "g", 200.0, 80, False),
    ("CLIPPER TEA GOLD 80'S 250G", "g", 250.0, 80, False),
    ("NESTLE SHREDDED WHEAT CEREAL 360G (16S)", "g", 360.0, 16, False),
    ("TYPHOO ONE CUP 100S", "each", 100.0, 100, False),
    ("COLA X6S 330ML", "ml", 1980.0, 6, True),
    ("CAFE DEL MAR 1980S 75CL", "ml", 750.0, None, False),
    ("APPLES MIN 5 PACK 670G", "g", 670.0, 5, False),
    ("POTATOES 7.5KG", "g", 7500.0, None, False),
    ("BISCUITS 0,5KG", "g", 500.0, None, False),
    ("SUGAR 1LB", "g", 453.6, None, False),
    ("APPLES X6 (MINIMUM)", "each", 6.0, 6, False),
    ("ONIONS TWIN PACK", "each", 2.0, 2, False),
    ("BEER 12X10...", "each", 12.0, 12, False),
    ("FAIRTRADE 6 BANANAS IN A BAG", "each", 6.0, 6, False),
    ("BREAD 2 FOR £2 800G", "g", 800.0, None, False),
    ("BREAD ANY 3 FOR 2.00", None, None, None, False),
    ("APPLES LOOSE", None, None, None, False),
    ("WHISKY 18 YEAR OLD", None, None, None, False),
    ("7 UP", None, None, None, False),
    ("YOGHURT STRAWBERRY 4...", None, None, None, False),
]

ORIGINS = [  # name, country, European
    ("CÔTES DU RHÔNE 75CL", "france", True),
    ("CHÂTEAU MUSAR, RED WINE", "other_world", False),
    ("TORRES LAS MULAS, CABERNET SAUVIGNON, CHILEAN, RED WINE", "chile", False),
    ("OYSTER BAY SAUVIGNON BLANC", "new_zealand", False),
    ("GRÜNER VELTLINER", "austria", True),
    ("HOUSE RED", None, None),
]

STRENGTHS = [  # name, % abv, where from
    ("BADGER 4X500ML (4.4%)", 4.4, "name"),
    ("BRANDY 36% 1L", 36.0, "name"),
    ("STELLA ARTOIS 4X330ML", 4.9, "brand"),
    ("BECK'S ALCOHOL-FREE", 0.5, "brand"),
    ("WHOLE MILK 3.6% FAT", None, None),
    ("100% PURE ORANGE JUICE", None, None),
    ("CHEDDAR 30% LIGHTER", None, None),
]


def described(name: str, **more: Any) -> dict[str, Any]:
    return describe(pl.DataFrame({"product_name": [name], **{key: [value] for key, value in more.items()}})).row(
        0, named=True
    )


@pytest.fixture(scope="module")
def read() -> dict[str, dict[str, Any]]:
    """Describe all examples at once: name → what it says."""
    names = [row[0] for row in (*SIZES, *ORIGINS, *STRENGTHS)]
    return {row["product_name"]: row for row in describe(pl.DataFrame({"product_name": names})).to_dicts()}


@pytest.mark.parametrize(("name", "measure", "total", "pieces", "is_multiple"), SIZES)
def test_sizes_and_pieces_as_read_by_hand(
    read: dict[str, dict[str, Any]],
    name: str,
    measure: str | None,
    total: float | None,
    pieces: int | None,
    is_multiple: bool,
) -> None:
    computed = read[name]
    assert (computed["measure"], computed["pieces"], computed["is_multiple"]) == (measure, pieces, is_multiple)
    assert computed["total_size"] == (None if total is None else pytest.approx(total, rel=1e-12))


@pytest.mark.parametrize(("name", "country", "is_european"), ORIGINS)
def test_origins_as_read_by_hand(
    read: dict[str, dict[str, Any]], name: str, country: str | None, is_european: bool | None
) -> None:
    assert (read[name]["country"], read[name]["is_european"]) == (country, is_european)


@pytest.mark.parametrize(("name", "strength", "source"), STRENGTHS)
def test_strengths_as_read_by_hand(
    read: dict[str, dict[str, Any]], name: str, strength: float | None, source: str | None
) -> None:
    assert (read[name]["strength_abv"], read[name]["strength_source"]) == (strength, source)


def test_terms_are_whole_words_without_accents() -> None:
    assert described("ORGANIC ROSÉ")["terms"] == ["organic", "rose"]
    assert "rum" not in described("CRUMPETS")["terms"]
    assert described("APPLES LOOSE")["is_loose"]
    assert described("TESCO ORANGE JUICE SMOOTH NO...")["is_cut"]


def test_unit_price_is_per_kg_litre_or_piece() -> None:
    assert described("COLA 2L", median_price_gbp=1.0)["unit_price_gbp"] == 0.5
    assert described("CHEDDAR 400G", median_price_gbp=2.0)["unit_price_gbp"] == 5.0
    assert described("APPLES X4", median_price_gbp=2.0)["unit_price_gbp"] == 0.5
    assert described("APPLES", median_price_gbp=2.0)["unit_price_gbp"] is None


def test_the_size_is_taken_from_the_shelf_where_the_name_has_none() -> None:
    silent = described("COGNAC", median_price_gbp=15.0, pack_size=0.35, unit="1 l")
    assert (silent["total_size"], silent["measure"], silent["size_source"]) == (350.0, "ml", "unit_price")
    assert silent["piece_size"] is None  # a pack of which nothing tells the pieces
    spoken = described("COGNAC 70CL", median_price_gbp=15.0, pack_size=0.35, unit="1 l")
    assert (spoken["total_size"], spoken["size_source"]) == (700.0, "name")
    unknown = described("COGNAC", median_price_gbp=15.0, pack_size=0.35, unit="100 unknown")
    assert unknown["total_size"] is None


def test_a_product_without_its_size_is_as_a_shop_that_names_none() -> None:
    sized = describe(pl.DataFrame({"product_name": ["COLA 4X330ML CANS"], "median_price_gbp": [2.0]}))
    bare = without_size(sized).row(0, named=True)
    assert bare["plain_name"] == "cola cans"
    assert all(bare[name] is None for name in ("measure", "total_size", "pieces", "piece_size", "unit_price_gbp"))
    assert bare["terms"] == ["cola"]
    counted = without_size(describe(pl.DataFrame({"product_name": ["ASSAM TEA BAGS 80S 200G", "MILK 1 1/2 PINT"]})))
    assert counted["plain_name"].to_list() == ["assam tea bags", "milk"]


def test_other_columns_pass_through_and_an_empty_frame_stays_empty() -> None:
    frame = pl.DataFrame({"id": [2, 1], "product_name": ["B 1L", "A 1L"]})
    assert describe(frame).select("id", "product_name").equals(frame)
    assert describe(frame.clear()).columns == describe(frame).columns


def test_faults_name_the_column_and_the_row() -> None:
    with pytest.raises(ValueError, match="product_name is null in row 1"):
        describe(pl.DataFrame({"product_name": ["A", None]}))
    with pytest.raises(ValueError, match="column product_name is missing"):
        describe(pl.DataFrame({"name": ["A"]}))
    with pytest.raises(ValueError, match="median_price_gbp is String"):
        describe(pl.DataFrame({"product_name": ["A"], "median_price_gbp": ["1.00"]}))


@quickly
@given(st.lists(st.text(max_size=40), min_size=1, max_size=60))
def test_any_name_is_described_by_itself(names: list[str]) -> None:
    frame = pl.DataFrame({"product_name": names}).with_row_index("row")
    one_way = describe(frame)
    assert_frame_equal(one_way, describe(frame.reverse()).sort("row"))


@quickly
@given(
    st.lists(
        st.tuples(
            st.integers(1, 40),
            st.decimals(1, 999, places=1).map(float),
            st.sampled_from([("G", 1.0), ("ML", 1.0), ("CL", 10.0), ("KG", 1000.0), ("L", 1000.0)]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_a_multiple_is_pieces_times_size(packs: list[tuple[int, float, tuple[str, float]]]) -> None:
    names = [f"THING {pieces}X{size:g}{unit}" for pieces, size, (unit, _) in packs]
    computed = describe(pl.DataFrame({"product_name": names}))
    expected = [pieces * size * factor for pieces, size, (_, factor) in packs]
    assert computed["total_size"].to_list() == pytest.approx(expected, rel=1e-12)
    assert (computed["piece_size"] * computed["pieces"]).to_list() == pytest.approx(expected, rel=1e-12)
